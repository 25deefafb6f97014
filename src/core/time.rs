//! Two kinds of time that must never be mixed up.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Wall-clock time in microseconds since 1970-01-01 UTC: what is stored, sent and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Microseconds between 1970-01-01 and 2000-01-01, where Postgres begins to count
    /// (Postgres manual, "Message Formats", `Int64` time stamps).
    pub const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

    /// From microseconds since 2000-01-01, as Postgres sends them.
    pub const fn from_postgres(micros: i64) -> Self {
        Self(micros.saturating_add(Self::POSTGRES_EPOCH_MICROS))
    }

    /// To microseconds since 2000-01-01, as Postgres wants them.
    pub const fn to_postgres(self) -> i64 {
        self.0.saturating_sub(Self::POSTGRES_EPOCH_MICROS)
    }

    /// How long before `later` this moment was; zero when it was not before.
    pub const fn until(self, later: Self) -> Duration {
        let micros = later.0.saturating_sub(self.0);
        if micros <= 0 { Duration::ZERO } else { Duration::from_micros(micros as u64) }
    }

    /// This moment, `delay` later.
    pub fn plus(self, delay: Duration) -> Self {
        let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, the form that VTEX documents for its dates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// Monotonic time since the process started: what delays, buckets and breakers count in.
///
/// Comes from the shell as an argument, so that a test can let an hour pass in no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub Duration);

impl Tick {
    pub const ZERO: Self = Self(Duration::ZERO);

    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Tick {
    type Output = Self;
    fn add(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}

impl Sub<Duration> for Tick {
    type Output = Self;
    fn sub(self, delay: Duration) -> Self {
        Self(self.0.saturating_sub(delay))
    }
}

/// Both clocks, read at the same moment by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For delays, buckets and breakers.
    pub tick: Tick,
    /// For what is stored, sent and shown.
    pub wall: Timestamp,
}
