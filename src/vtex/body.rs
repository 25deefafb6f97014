//! Reading an answer up to a limit: a server may send any amount.

use super::failure;
use crate::core::call::Failure;

/// What was read of a body.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Why it is not whole.
    pub(super) broken: Option<Failure>,
}

/// Reads at most `limit` bytes (after decompression). What was read before an error is kept: a status
/// with half of its message says more than no status.
pub(super) async fn read(mut response: reqwest::Response, limit: usize) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > limit => {
                bytes.extend_from_slice(&chunk[..limit - bytes.len()]);
                let broken = Failure::Malformed(format!("an answer of more than {limit} bytes"));
                return Body { bytes, broken: Some(broken) };
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body { bytes, broken: None },
            Err(error) => return Body { bytes, broken: Some(failure::of_reading(&error)) },
        }
    }
}
