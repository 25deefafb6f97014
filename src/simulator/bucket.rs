//! VTEX's token bucket, exact: integers only, time is an argument.

use std::time::Duration;

/// One VTEX rate limit: a steady rate and the credits that absorb a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests per minute that never run out.
    pub per_minute: u32,
    /// Burst credits, at most and at the start.
    pub credits: u32,
}

/// What the limiter says about one request, in the units of VTEX's `Ratelimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// False: the request is answered with 429 and not processed.
    pub granted: bool,
    /// `Ratelimit-Limit`: the most credits there can be.
    pub limit: u32,
    /// `Ratelimit-Remaining`: whole credits left.
    pub remaining: u32,
    /// `Ratelimit-Reset`: seconds until the credits are full again, rounded up.
    pub reset_seconds: u64,
    /// `Retry-After`: seconds until one request is granted again, rounded up; 0 when granted.
    pub retry_after_seconds: u64,
}

/// A bucket that holds `credits` and regains `per_minute` of them each minute (Pricing API, "Rate limits per route").
///
/// Over any time `t` it grants at most `credits + per_minute · t` requests.
#[derive(Debug)]
pub struct TokenBucket {
    limit: Limit,
    /// Credits in units of 1 / [`UNITS_PER_CREDIT`].
    level: u128,
    at: Duration,
}

/// Nanoseconds per minute: with this unit a nanosecond adds exactly `per_minute` units, so nothing is ever rounded.
const UNITS_PER_CREDIT: u128 = 60_000_000_000;

impl TokenBucket {
    /// A full bucket at time `now` (any monotonic clock, as long as it is always the same one).
    #[must_use]
    pub fn full(limit: Limit, now: Duration) -> Self {
        Self { limit, level: Self::capacity(limit), at: now }
    }

    /// Spends one credit if there is one.
    pub fn take(&mut self, now: Duration) -> Grant {
        self.refill(now);
        let granted = self.level >= UNITS_PER_CREDIT;
        if granted {
            self.level -= UNITS_PER_CREDIT;
        }
        self.grant(granted)
    }

    /// The state without spending anything, for answers that are refused before they are counted.
    pub fn look(&mut self, now: Duration) -> Grant {
        self.refill(now);
        self.grant(true)
    }

    fn refill(&mut self, now: Duration) {
        let Some(elapsed) = now.checked_sub(self.at) else { return };
        self.at = now;
        let gained = elapsed.as_nanos().saturating_mul(u128::from(self.limit.per_minute));
        self.level = self.level.saturating_add(gained).min(Self::capacity(self.limit));
    }

    fn grant(&self, granted: bool) -> Grant {
        let remaining = self.level / UNITS_PER_CREDIT;
        Grant {
            granted,
            limit: self.limit.credits,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_seconds: self.seconds_to(Self::capacity(self.limit)),
            retry_after_seconds: if granted { 0 } else { self.seconds_to(UNITS_PER_CREDIT).max(1) },
        }
    }

    fn seconds_to(&self, level: u128) -> u64 {
        let per_second = u128::from(self.limit.per_minute).saturating_mul(1_000_000_000).max(1);
        u64::try_from(level.saturating_sub(self.level).div_ceil(per_second)).unwrap_or(u64::MAX)
    }

    fn capacity(limit: Limit) -> u128 {
        u128::from(limit.credits) * UNITS_PER_CREDIT
    }
}
