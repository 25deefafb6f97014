//! VTEX's limits. Pricing, as documented since March 2026: per route and account, a second with more
//! requests than the rate spends the excess from burst credits; an idle second gives the rate back.

use std::sync::Mutex;
use std::time::Instant;

/// One token bucket. Rate and credits together are what can be had at once.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    credits_max: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Of this second.
    left: f64,
    credits: f64,
    at: Instant,
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grant {
    pub(super) granted: bool,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset_seconds: u64,
}

impl Bucket {
    pub(super) fn new(per_second: f64, credits: f64) -> Self {
        let state = State { left: per_second, credits, at: Instant::now() };
        Self { per_second, credits_max: credits, state: Mutex::new(state) }
    }

    pub(super) fn take(&self, now: Instant) -> Grant {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.at = now.max(state.at);
        // What is given back first fills the running second, then the credits.
        let given = passed * self.per_second;
        let room = self.per_second - state.left;
        state.left += given.min(room);
        state.credits = (state.credits + (given - room).max(0.0)).min(self.credits_max);
        let granted = if state.left >= 1.0 {
            state.left -= 1.0;
            true
        } else if state.credits >= 1.0 {
            state.credits -= 1.0;
            true
        } else {
            false
        };
        let missing = self.credits_max - state.credits;
        Grant {
            granted,
            limit: self.credits_max as u64,
            remaining: state.credits as u64,
            reset_seconds: (missing / self.per_second).ceil() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn credits_are_spent_and_given_back() {
        let bucket = Bucket::new(33.0, 500.0);
        let start = Instant::now();
        let granted = (0..1000).filter(|_| bucket.take(start).granted).count();
        assert_eq!(granted, 533);
        assert!(!bucket.take(start).granted);
        let later = start + Duration::from_secs(10);
        let granted = (0..1000).filter(|_| bucket.take(later).granted).count();
        assert!((329..=331).contains(&granted), "{granted}");
    }
}
