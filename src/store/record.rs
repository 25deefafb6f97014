//! Bytes on disk: a format byte, then postcard. Keys sort by entity and id.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::entity::{Entity, Key};

/// The format of every value of this version.
const FORMAT: u8 = 1;

pub(super) fn encode_key(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.id.len());
    bytes.push(key.entity as u8);
    bytes.extend_from_slice(key.id.as_bytes());
    bytes
}

pub(super) fn decode_key(bytes: &[u8]) -> Option<Key> {
    let (entity, id) = bytes.split_first()?;
    Some(Key { entity: Entity::from_code(*entity)?, id: std::str::from_utf8(id).ok()?.into() })
}

/// Into a buffer that is used again.
pub(super) fn encode_into<T: Serialize>(value: &T, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.push(FORMAT);
    let written = postcard::to_extend(value, std::mem::take(buffer));
    *buffer = written.expect("postcard writes any of our own types to memory");
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut buffer = Vec::new();
    encode_into(value, &mut buffer);
    buffer
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first()? {
        (&FORMAT, value) => postcard::from_bytes(value).ok(),
        _ => None,
    }
}
