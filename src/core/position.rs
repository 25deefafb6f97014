//! Where in a source a change stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A position in a source: the LSN of a commit for Postgres, a sequence for change tables.
///
/// Positions of one source incarnation are totally ordered; those of two incarnations (another slot,
/// another server) say nothing about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for Position {
    /// As Postgres writes an LSN: `16/B374D848`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// A text that is not an LSN.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not an LSN (expected two hexadecimal numbers like 16/B374D848)")]
pub struct NotAnLsn(String);

impl FromStr for Position {
    type Err = NotAnLsn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (high, low) = text.split_once('/')?;
            let high = u32::from_str_radix(high, 16).ok()?;
            let low = u32::from_str_radix(low, 16).ok()?;
            Some(Self(u64::from(high) << 32 | u64::from(low)))
        };
        parse().ok_or_else(|| NotAnLsn(text.to_owned()))
    }
}

/// One life of a source. Progress belongs to it and is never carried over to another one: a slot that
/// was dropped and created again has skipped changes, whatever its LSN says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Postgres: `system_identifier` of the cluster.
    pub system: String,
    /// Postgres: timeline and database would not tell two slots apart, the slot's name and the LSN at
    /// which it was created do.
    pub slot: String,
    /// Where the slot began.
    pub created_at: Position,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lsn_survives_its_text() {
        let position: Position = "16/B374D848".parse().unwrap();
        assert_eq!(position, Position(0x16_B374_D848));
        assert_eq!(position.to_string(), "16/B374D848");
        for wrong in ["", "16", "16/", "/1", "G/1", "1/2/3", "100000000/0", "16-1"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
