//! The PRELOGIN exchange ([MS-TDS], "PRELOGIN"), in which both sides settle what is encrypted.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use std::io;

/// Bytes of a packet before its content.
pub(super) const HEADER_BYTES: usize = 8;
/// Packet types.
pub(super) const PRELOGIN: u8 = 0x12;
pub(super) const TABULAR_RESULT: u8 = 0x04;
/// Status bit of the last packet of a message.
pub(super) const END_OF_MESSAGE: u8 = 0x01;
/// An answer has a dozen options; a longer one is something else.
const ANSWER_BYTES_MAX: usize = 4096;

/// What a side wants or offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// TLS for the login only.
    LoginOnly,
    /// TLS for everything.
    On,
    /// No TLS at all.
    NotSupported,
    /// TLS for everything, or no connection.
    Required,
}

impl Encryption {
    const fn byte(self) -> u8 {
        match self {
            Self::LoginOnly => 0,
            Self::On => 1,
            Self::NotSupported => 2,
            Self::Required => 3,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::LoginOnly,
            1 => Self::On,
            2 => Self::NotSupported,
            3 => Self::Required,
            _ => return None,
        })
    }
}

/// A whole PRELOGIN message with version and encryption, in a packet of the given type.
pub(super) fn message(packet_type: u8, encryption: Encryption) -> Vec<u8> {
    // Options: token, offset and length of the data; then the data. Version 0 is what a client need not explain.
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF];
    let mut content = options.to_vec();
    content.extend([0; 6]);
    content.push(encryption.byte());
    packet(packet_type, END_OF_MESSAGE, &content)
}

/// A packet; `content` must fit one.
pub(super) fn packet(packet_type: u8, status: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER_BYTES + content.len()).expect("callers cut content into packets");
    let [high, low] = length.to_be_bytes();
    let mut packet = vec![packet_type, status, high, low, 0, 0, 1, 0];
    packet.extend_from_slice(content);
    packet
}

/// Asks for `wanted` and returns what the server answers.
///
/// # Errors
/// `InvalidData` with a text that says what came instead of an answer.
pub(super) async fn exchange(
    wire: &mut (impl AsyncRead + AsyncWrite + Unpin),
    wanted: Encryption,
) -> io::Result<Encryption> {
    wire.write_all(&message(PRELOGIN, wanted)).await?;
    wire.flush().await?;
    let mut content = Vec::new();
    loop {
        let mut header = [0; HEADER_BYTES];
        wire.read_exact(&mut header).await?;
        let [packet_type, status, high, low, ..] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if packet_type != TABULAR_RESULT || length < HEADER_BYTES || content.len() + length > ANSWER_BYTES_MAX
        {
            return Err(invalid(format!("it answered with a packet of type 0x{packet_type:02X}")));
        }
        let start = content.len();
        content.resize(start + length - HEADER_BYTES, 0);
        wire.read_exact(&mut content[start..]).await?;
        if status & END_OF_MESSAGE != 0 {
            break;
        }
    }
    encryption_of(&content)
        .ok_or_else(|| invalid("its PRELOGIN answer says nothing of encryption".to_owned()))
}

/// The encryption option of a PRELOGIN message.
fn encryption_of(content: &[u8]) -> Option<Encryption> {
    let mut options = content;
    loop {
        let (token, rest) = options.split_first()?;
        let (place, rest) = rest.split_first_chunk::<4>()?;
        match token {
            0xFF => return None,
            1 => {
                let offset = usize::from(u16::from_be_bytes([place[0], place[1]]));
                return content.get(offset).copied().and_then(Encryption::from_byte);
            }
            _ => options = rest,
        }
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn the_answer_is_read_in_pieces() {
        let (mut ours, mut theirs) = tokio::io::duplex(5);
        let server = tokio::spawn(async move {
            let mut asked = vec![0; message(PRELOGIN, Encryption::On).len()];
            theirs.read_exact(&mut asked).await.unwrap();
            theirs.write_all(&message(TABULAR_RESULT, Encryption::Required)).await.unwrap();
            asked
        });
        assert_eq!(exchange(&mut ours, Encryption::On).await.unwrap(), Encryption::Required);
        assert_eq!(encryption_of(&server.await.unwrap()[HEADER_BYTES..]), Some(Encryption::On));
    }

    #[tokio::test]
    async fn another_protocol_is_told_apart() {
        let (mut ours, mut theirs) = tokio::io::duplex(1000);
        theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let error = exchange(&mut ours, Encryption::On).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(content in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = encryption_of(&content);
        }
    }
}
