//! Writes that are out: which keys a killed process may have written to VTEX without hearing of it.
//!
//! A request that was under way at a `kill -9` may still be applied after the restart, over a newer value
//! that was sent meanwhile. So the key of every write stands in a slot of a small file before the request
//! leaves, and its slot is emptied once what came of it is in the store. Nothing is synced: what a process has
//! handed to the system survives its end, and after a power cut no request is that old by the time the machine
//! is up again.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use hashbrown::HashMap;

use crate::core::dispatch::RequestId;
use crate::core::entity::Key;

use super::StoreError;
use super::record::{decode_key, encode_key};

/// Room for a length and a key; VTEX's longest keys have some 120 bytes.
const SLOT_BYTES: usize = 256;

/// The file, and which slot belongs to which request.
#[derive(Debug)]
pub struct Outstanding {
    file: File,
    taken: HashMap<RequestId, u32>,
    free: Vec<u32>,
    slots: u32,
    /// Slots to be emptied once the outcomes of this number are stored.
    answered: VecDeque<(u64, u32)>,
}

impl Outstanding {
    /// Opens the file in the ledger's folder; the keys whose writes were out when the last process ended.
    /// They stay in the file until [`Outstanding::forget_all`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(dir: &Path) -> Result<(Self, Vec<Key>), StoreError> {
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("outstanding"))
            .map_err(StoreError::Io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::Io)?;
        let keys = bytes.chunks(SLOT_BYTES).filter_map(key_of).collect();
        let opened =
            Self { file, taken: HashMap::new(), free: Vec::new(), slots: 0, answered: VecDeque::new() };
        Ok((opened, keys))
    }

    /// What was out before is known elsewhere now.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget_all(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).map_err(StoreError::Io)
    }

    /// A write of `key` is about to leave.
    ///
    /// # Errors
    /// When the disk refuses; the request may leave all the same, at the risk that this module is about.
    pub fn sent(&mut self, id: RequestId, key: &Key) -> Result<(), StoreError> {
        let key = encode_key(key);
        let mut bytes = [0; SLOT_BYTES];
        let Some(room) = bytes.get_mut(1..=key.len()) else {
            let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "a key of over 255 bytes");
            return Err(StoreError::Io(error));
        };
        room.copy_from_slice(&key);
        bytes[0] = u8::try_from(key.len()).unwrap_or(u8::MAX);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.taken.insert(id, slot);
        self.write(slot, &bytes)
    }

    /// The answer to a request is there; what it means is in the outcomes of this number.
    pub fn answered(&mut self, id: RequestId, outcomes: u64) {
        if let Some(slot) = self.taken.remove(&id) {
            self.answered.push_back((outcomes, slot));
        }
    }

    /// The store holds all outcomes up to this number.
    ///
    /// # Errors
    /// When the disk refuses; the keys are then read from VTEX once more after a kill.
    pub fn stored(&mut self, outcomes: u64) -> Result<(), StoreError> {
        while let Some((number, slot)) = self.answered.front().copied() {
            if number > outcomes {
                break;
            }
            self.answered.pop_front();
            self.write(slot, &[0])?;
            self.free.push(slot);
        }
        Ok(())
    }

    fn write(&mut self, slot: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let at = u64::from(slot) * SLOT_BYTES as u64;
        let mut write = || {
            self.file.seek(SeekFrom::Start(at))?;
            self.file.write_all(bytes)
        };
        write().map_err(StoreError::Io)
    }
}

/// `None` for an empty slot, and for one that the end of the process left half written: its request never left.
fn key_of(slot: &[u8]) -> Option<Key> {
    let (length, rest) = slot.split_first()?;
    decode_key(rest.get(..usize::from(*length)).filter(|key| !key.is_empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entity::Entity;

    fn key(number: u64) -> Key {
        Key { entity: Entity::Stock, id: format!("1_1/SKU-{number}").as_str().into() }
    }

    #[test]
    fn what_was_out_at_the_end_is_known_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let (mut outstanding, before) = Outstanding::open(dir.path()).unwrap();
        assert!(before.is_empty());
        for number in 0..5 {
            outstanding.sent(RequestId(number), &key(number)).unwrap();
        }
        outstanding.answered(RequestId(1), 1);
        outstanding.answered(RequestId(3), 2);
        outstanding.stored(1).unwrap();
        outstanding.sent(RequestId(5), &key(5)).unwrap();
        let (mut again, mut before) = Outstanding::open(dir.path()).unwrap();
        before.sort();
        assert_eq!(
            before,
            [key(0), key(2), key(3), key(4), key(5)],
            "3 was answered, but that is not stored"
        );
        again.forget_all().unwrap();
        assert!(Outstanding::open(dir.path()).unwrap().1.is_empty());
    }

    #[test]
    fn a_torn_file_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outstanding"), [200, 1, 2, 3]).unwrap();
        assert!(Outstanding::open(dir.path()).unwrap().1.is_empty());
        let key = Key { entity: Entity::Stock, id: "x".repeat(300).as_str().into() };
        let (mut outstanding, _) = Outstanding::open(dir.path()).unwrap();
        assert!(outstanding.sent(RequestId(1), &key).is_err());
    }
}
