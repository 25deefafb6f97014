//! PRELOGIN and LOGIN7.

use super::bytes::Reader;
use super::value::text_of;

/// What the server does about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Has no certificate.
    NotSupported,
    /// Encrypts what the client wants: the login alone, or everything.
    Optional,
    /// Force Encryption.
    Required,
}

/// What was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    Nothing,
    LoginOnly,
    Everything,
}

/// The encryption byte of a PRELOGIN message.
pub fn wanted(content: &[u8]) -> Option<u8> {
    let mut at = 0;
    loop {
        match content.get(at)? {
            0xFF => return None,
            1 => {
                let offset = usize::from(u16::from_be_bytes([*content.get(at + 1)?, *content.get(at + 2)?]));
                return content.get(offset).copied();
            }
            _ => at += 5,
        }
    }
}

/// What follows from both sides' wishes, and the byte of the answer ([MS-TDS], table in "PRELOGIN").
pub fn agree(server: Encryption, client: u8) -> (Agreed, u8) {
    match (server, client) {
        (Encryption::NotSupported, _) => (Agreed::Nothing, 2),
        (Encryption::Optional, 2) => (Agreed::Nothing, 2),
        (Encryption::Optional, 0) => (Agreed::LoginOnly, 0),
        (Encryption::Optional, _) => (Agreed::Everything, 1),
        (Encryption::Required, 1) => (Agreed::Everything, 1),
        (Encryption::Required, _) => (Agreed::Everything, 3),
    }
}

/// Whether the client goes on after such an answer, or is sent away.
pub const fn is_refused(server: Encryption, client: u8) -> bool {
    matches!((server, client), (Encryption::Required, 2))
}

/// Version, encryption, instance, thread, MARS, as a server answers.
pub fn answer(encryption: u8) -> Vec<u8> {
    let mut content = Vec::new();
    let fields: [(u8, &[u8]); 5] =
        [(0, &[15, 0, 0x07, 0xD0, 0, 0]), (1, &[encryption]), (2, &[0]), (3, &[]), (4, &[0])];
    let mut offset = fields.len() * 5 + 1;
    for (token, data) in fields {
        content.push(token);
        content.extend((offset as u16).to_be_bytes());
        content.extend((data.len() as u16).to_be_bytes());
        offset += data.len();
    }
    content.push(0xFF);
    content.extend(fields.iter().flat_map(|(_, data)| data.iter().copied()));
    content
}

/// What a client says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub application: String,
    pub database: String,
}

pub fn read_login(content: &[u8]) -> Option<Login> {
    let field = |at: usize| {
        let mut reader = Reader::new(content.get(at..)?);
        let (offset, length) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
        content.get(offset..offset + length * 2)
    };
    let password: Vec<u8> = field(44)?.iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect();
    Some(Login {
        user: text_of(field(40)?),
        password: text_of(&password),
        application: text_of(field(48)?),
        database: text_of(field(68)?),
    })
}
