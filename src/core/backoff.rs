//! How long to wait before the next try. There is no last try.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Exponential backoff with jitter, so that keys that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the first retry.
    pub base: Duration,
    /// Never longer.
    pub max: Duration,
}

impl Backoff {
    /// The pause before try `attempt` (1 is the first retry); `random` is 0 to 1 and scales it between a
    /// half and the whole.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole = self.base.saturating_mul(1 << doublings).min(self.max);
        // Without a usable number the pause is the whole.
        let random = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
        Duration::try_from_secs_f64(whole.as_secs_f64() * (0.5 + 0.5 * random)).unwrap_or(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_never_end() {
        let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
        let whole = |attempt| backoff.delay(attempt, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 7, 100, u32::MAX].map(whole), [1, 2, 4, 8, 60, 60, 60]);
        assert_eq!(backoff.delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(backoff.delay(0, f64::MAX), Duration::from_secs(1));
        assert_eq!(backoff.delay(1, f64::NAN), Duration::from_secs(1));
        let endless = Backoff { base: Duration::MAX, max: Duration::MAX };
        assert_eq!(endless.delay(9, 1.0), Duration::MAX);
    }
}
