//! How many requests of a lane may be under way at once: more while VTEX answers as fast as usual, fewer
//! when its answers slow down or fail. The rate is the limiter's business.

use std::time::Duration;

/// Additive increase, multiplicative decrease against a slowly moving baseline of the latency.
#[derive(Debug, Clone)]
pub struct Concurrency {
    limit: f64,
    max: u32,
    /// Seconds; what an answer usually takes.
    baseline: Option<f64>,
    since_decrease: u32,
}

/// Below two a lane would stand still behind one slow answer.
const LEAST: f64 = 2.0;
/// An answer this many times slower than usual is a sign of congestion.
const SLOW: f64 = 3.0;
/// Faster than this is never slow: a loopback or a cache in between sets no standard.
const NEVER_SLOW: f64 = 0.25;
const DECREASE: f64 = 0.8;
/// The baseline follows one answer by this share.
const FOLLOW: f64 = 0.05;

impl Concurrency {
    /// Starts at the whole of `max`, so that a short backlog is not held up by learning.
    pub fn new(max: u32) -> Self {
        Self { limit: f64::from(max.max(1)), max: max.max(1), baseline: None, since_decrease: 0 }
    }

    pub fn set_max(&mut self, max: u32) {
        self.max = max.max(1);
        self.limit = self.limit.min(f64::from(self.max)).max(LEAST.min(f64::from(self.max)));
    }

    /// Requests that may be under way at once.
    pub const fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// An answer came, `failed` when VTEX is in trouble (5xx, timeout).
    pub fn observe(&mut self, elapsed: Duration, failed: bool) {
        let seconds = elapsed.as_secs_f64();
        let baseline = *self.baseline.get_or_insert(seconds);
        let slow = seconds > (baseline * SLOW).max(NEVER_SLOW);
        self.since_decrease = self.since_decrease.saturating_add(1);
        let least = LEAST.min(f64::from(self.max));
        if (failed || slow) && f64::from(self.since_decrease) >= self.limit {
            // Once per round of answers: those under way were sent at the old limit.
            self.limit = (self.limit * DECREASE).max(least);
            self.since_decrease = 0;
        } else if !failed && !slow {
            self.limit = (self.limit + 1.0 / self.limit).min(f64::from(self.max));
        }
        if !failed {
            self.baseline = Some(baseline + (seconds.min(baseline * SLOW).max(0.0) - baseline) * FOLLOW);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_answers_lower_it_and_usual_ones_raise_it_again() {
        let mut concurrency = Concurrency::new(32);
        for _ in 0..100 {
            concurrency.observe(Duration::from_millis(200), false);
        }
        assert_eq!(concurrency.limit(), 32);
        for _ in 0..500 {
            concurrency.observe(Duration::from_secs(10), true);
        }
        assert_eq!(concurrency.limit(), 2);
        for _ in 0..2000 {
            concurrency.observe(Duration::from_millis(200), false);
        }
        assert_eq!(concurrency.limit(), 32);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut concurrency = Concurrency::new(1);
        concurrency.observe(Duration::from_secs(100), true);
        concurrency.observe(Duration::from_millis(1), false);
        assert_eq!(concurrency.limit(), 1);
        concurrency.set_max(0);
        assert_eq!(concurrency.limit(), 1);
    }
}
