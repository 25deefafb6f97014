//! How a receiver knows that a message is ours, unchanged, and not an old one sent again.
//!
//! The header [`HEADER`] holds `t=SECONDS,v1=HEX`: the moment of sending, in seconds since 1970, and the HMAC-SHA256, with
//! the webhook's secret, of `SECONDS.BODY`. A receiver computes the same, compares in constant time, and refuses a moment
//! that is further than [`WINDOW_SECONDS`] from its own clock. Each attempt is signed anew; the idempotency key stays.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::core::constant_time;

/// The header with the signature.
pub const HEADER: &str = "mare-signature";
/// The header that tells messages apart.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// How old a signature may be.
pub const WINDOW_SECONDS: u64 = 300;

/// The value of the header, for a body that is sent at `seconds` since 1970.
pub fn sign(secret: &[u8], seconds: u64, body: &[u8]) -> String {
    format!("t={seconds},v1={}", digest(secret, seconds, body))
}

/// Whether a header is ours and new: what a receiver does.
pub fn verify(secret: &[u8], header: &str, body: &[u8], now_seconds: u64) -> bool {
    let field = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (Some(seconds), Some(given)) = (field("t="), field("v1=")) else { return false };
    let Ok(seconds) = seconds.parse::<u64>() else { return false };
    let expected = digest(secret, seconds, body);
    seconds.abs_diff(now_seconds) <= WINDOW_SECONDS
        && constant_time::equal(expected.as_bytes(), given.as_bytes())
}

fn digest(secret: &[u8], seconds: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of HMAC may have any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_moment_and_body() {
        // Computed with: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac segredo
        let expected = "t=1700000000,v1=41634607aa61528682a37f94a43a64ca2d3a6a30bc8f2fb88f8f754286d90e85";
        assert_eq!(sign(b"segredo", 1_700_000_000, br#"{"a":1}"#), expected);
    }

    #[test]
    fn what_was_changed_or_is_old_is_not_ours() {
        let header = sign(b"segredo", 1_000, b"corpo");
        assert!(verify(b"segredo", &header, b"corpo", 1_000 + WINDOW_SECONDS));
        assert!(!verify(b"segredo", &header, b"corpo", 1_001 + WINDOW_SECONDS));
        assert!(!verify(b"segredo", &header, b"corpo", 600));
        assert!(!verify(b"segredo", &header, b"Corpo", 1_000));
        assert!(!verify(b"outro", &header, b"corpo", 1_000));
        assert!(!verify(b"segredo", &header.replace("t=1000", "t=1001"), b"corpo", 1_000));
        for nonsense in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1="] {
            assert!(!verify(b"segredo", nonsense, b"corpo", 1_000), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn only_the_same_secret_moment_and_body_verify(
            secret in proptest::collection::vec(any::<u8>(), 0..80),
            body in proptest::collection::vec(any::<u8>(), 0..200),
            seconds in 0_u64..4_000_000_000,
            other in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let header = sign(&secret, seconds, &body);
            prop_assert!(verify(&secret, &header, &body, seconds));
            prop_assert_eq!(verify(&secret, &header, &other, seconds), body == other);
        }
    }
}
