//! How many requests of a lane may be under way at once: more while VTEX answers as fast as usual, fewer
//! when its answers slow down or fail. The rate is the limiter's business.
//!
//! Slow is what the last answers took together, so that the odd slow one changes nothing; usual is what some
//! hundred took. So congestion is answered with fewer requests, and a lasting slowness is believed in the end.

use std::time::Duration;

/// Additive increase, multiplicative decrease against a slowly moving baseline of the latency.
#[derive(Debug, Clone)]
pub struct Concurrency {
    limit: f64,
    max: u32,
    latency: Option<Latency>,
    since_decrease: u32,
}

/// Moving averages, in seconds.
#[derive(Debug, Clone, Copy)]
struct Latency {
    usual: f64,
    recent: f64,
}

/// Below two a lane would stand still behind one slow answer.
const LEAST: f64 = 2.0;
/// Recent answers this many times slower than usual are a sign of congestion.
const SLOW: f64 = 2.0;
/// Faster than this is never slow: a loopback or a cache in between sets no standard.
const NEVER_SLOW: f64 = 0.25;
/// One answer counts as this many times the usual at most.
const OUTLIER: f64 = 4.0;
const DECREASE: f64 = 0.8;
/// The share of one answer in what is recent: a slowdown shows after some ten.
const RECENT: f64 = 0.1;
/// The share of one answer in what is usual. Ten times slower answers are usual after some hundred, time
/// enough to lower the limit to less than a half.
const USUAL: f64 = 0.005;

impl Latency {
    const fn first(seconds: f64) -> Self {
        Self { usual: seconds, recent: seconds }
    }

    fn learn(&mut self, seconds: f64) {
        let seconds = seconds.min(OUTLIER * self.usual.max(NEVER_SLOW));
        self.recent += (seconds - self.recent) * RECENT;
        // What is usual was learnt in a bad hour, or from the first answer, which paid for the handshake.
        let too_high = self.recent * SLOW < self.usual;
        self.usual += (seconds - self.usual) * if too_high { RECENT } else { USUAL };
    }

    fn is_slow(self) -> bool {
        self.recent > (self.usual * SLOW).max(NEVER_SLOW)
    }
}

impl Concurrency {
    /// Starts at the whole of `max`, so that a short backlog is not held up by learning.
    pub fn new(max: u32) -> Self {
        Self { limit: f64::from(max.max(1)), max: max.max(1), latency: None, since_decrease: 0 }
    }

    pub fn set_max(&mut self, max: u32) {
        self.max = max.max(1);
        self.limit = self.limit.min(f64::from(self.max)).max(LEAST.min(f64::from(self.max)));
    }

    /// Requests that may be under way at once.
    pub const fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// What an answer takes at present; `None`: none came yet.
    pub fn latency(&self) -> Option<Duration> {
        self.latency.and_then(|latency| Duration::try_from_secs_f64(latency.recent).ok())
    }

    /// An answer came, `failed` when VTEX is in trouble (5xx, timeout): that tells nothing about what an
    /// answer usually takes.
    pub fn observe(&mut self, elapsed: Duration, failed: bool) {
        let slow = !failed && {
            let latency = self.latency.get_or_insert(Latency::first(elapsed.as_secs_f64()));
            latency.learn(elapsed.as_secs_f64());
            latency.is_slow()
        };
        self.since_decrease = self.since_decrease.saturating_add(1);
        if !failed && !slow {
            self.limit = (self.limit + 1.0 / self.limit).min(f64::from(self.max));
        } else if f64::from(self.since_decrease) >= self.limit {
            // Once per round of answers: those under way were sent at the old limit.
            self.limit = (self.limit * DECREASE).max(LEAST.min(f64::from(self.max)));
            self.since_decrease = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(200);

    fn after(concurrency: &mut Concurrency, answers: u32, elapsed: Duration, failed: bool) -> u32 {
        for _ in 0..answers {
            concurrency.observe(elapsed, failed);
        }
        concurrency.limit()
    }

    #[test]
    fn failures_lower_it_to_the_least_and_usual_answers_raise_it_again() {
        let mut concurrency = Concurrency::new(32);
        assert_eq!(after(&mut concurrency, 100, FAST, false), 32);
        assert_eq!(after(&mut concurrency, 500, Duration::from_secs(10), true), 2);
        assert_eq!(after(&mut concurrency, 2000, FAST, false), 32);
    }

    #[test]
    fn slow_answers_alone_lower_it_until_they_are_the_usual_ones() {
        let mut concurrency = Concurrency::new(32);
        after(&mut concurrency, 100, FAST, false);
        let slow = FAST * 10;
        assert!(after(&mut concurrency, 110, slow, false) <= 16);
        assert_eq!(after(&mut concurrency, 1000, slow, false), 32, "believed in the end");
    }

    #[test]
    fn one_slow_answer_among_many_changes_nothing() {
        let mut concurrency = Concurrency::new(32);
        for _ in 0..100 {
            after(&mut concurrency, 50, FAST, false);
            after(&mut concurrency, 1, FAST * 20, false);
            assert_eq!(concurrency.limit(), 32);
        }
    }

    #[test]
    fn reads_and_writes_of_different_speed_are_usual_together() {
        let mut concurrency = Concurrency::new(32);
        for _ in 0..1000 {
            after(&mut concurrency, 1, FAST, false);
            after(&mut concurrency, 1, FAST * 8, false);
        }
        assert_eq!(concurrency.limit(), 32);
    }

    #[test]
    fn neither_a_failed_nor_an_instant_first_answer_sets_the_standard() {
        let mut concurrency = Concurrency::new(32);
        concurrency.observe(Duration::from_secs(30), true);
        after(&mut concurrency, 100, FAST, false);
        assert!(after(&mut concurrency, 110, FAST * 10, false) <= 16);
        let mut concurrency = Concurrency::new(32);
        concurrency.observe(Duration::ZERO, false);
        assert_eq!(after(&mut concurrency, 2000, FAST * 3, false), 32);
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
