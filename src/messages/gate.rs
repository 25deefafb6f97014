//! Rate and breaker of one webhook, the same as those of VTEX's lanes.

use std::time::{Duration, Instant};

use crate::core::breaker::{Admission, Breaker, BreakerState};
use crate::core::call::{RateHint, Route};
use crate::core::limiter::{Limiter, RouteLimit};
use crate::core::message::verdict::{Health, Outcome};
use crate::core::time::Tick;

/// A webhook has one route; which one stands for it does not matter.
const ROUTE: Route = Route::OrderWrite;

pub(super) struct Gate {
    started: Instant,
    breaker: Breaker,
    limiter: Limiter,
}

impl Gate {
    pub(super) fn new(limit: RouteLimit) -> Self {
        let (breaker, limiter) = (Breaker::default(), Limiter::new(|_| limit, Tick::ZERO));
        Self { started: Instant::now(), breaker, limiter }
    }

    fn now(&self) -> Tick {
        Tick(self.started.elapsed())
    }

    /// Whether the receiver works, as far as is known. An error: the pause until it may be asked again, if that is known.
    pub(super) fn admit(&mut self) -> Result<Admission, Option<Duration>> {
        let now = self.now();
        self.breaker.admit(now).map_err(|again| again.map(|again| again.since(now)))
    }

    /// How many requests may go now, of `wanted`, and the pause until another one may.
    pub(super) fn take(&mut self, wanted: usize) -> (usize, Option<Duration>) {
        let now = self.now();
        for taken in 0..wanted {
            if let Err(again) = self.limiter.try_take(ROUTE, now) {
                return (taken, Some(again.since(now)));
            }
        }
        (wanted, None)
    }

    /// Nothing was sent after all.
    pub(super) fn withdraw(&mut self) {
        self.breaker.withdraw(self.now());
    }

    pub(super) fn answered(&mut self, outcome: &Outcome, health: Health) {
        let now = self.now();
        if let Outcome::Answered { retry_after, .. } = outcome {
            let hint = RateHint { retry_after: *retry_after, ..RateHint::default() };
            self.limiter.observe(ROUTE, &hint, health == Health::Throttles, now);
        }
        match health {
            Health::Works | Health::Throttles => self.breaker.succeeded(),
            Health::Fails => self.breaker.failed(now, fastrand::f64()),
            Health::Refuses => self.breaker.refused_credentials(now),
            Health::Unknown => self.breaker.withdraw(now),
        }
    }

    pub(super) const fn state(&self) -> BreakerState {
        self.breaker.state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_asked_no_more_than_it_wants() {
        let mut gate = Gate::new(RouteLimit { per_second: 1_000.0, burst: 5 });
        std::thread::sleep(Duration::from_millis(20));
        let (taken, again) = gate.take(50);
        assert!((5..50).contains(&taken) && again.is_some(), "{taken}");
        let asked = Duration::from_secs(30);
        let outcome = Outcome::Answered { status: 503, retry_after: Some(asked) };
        gate.answered(&outcome, Health::Fails);
        let (taken, again) = gate.take(1);
        assert!(taken == 0 && again > Some(asked / 2), "{again:?}");
    }

    #[test]
    fn one_that_fails_again_and_again_is_probed() {
        let mut gate = Gate::new(RouteLimit { per_second: 10.0, burst: 5 });
        let failed = Outcome::Unanswered("no answer in time".to_owned());
        for _ in 0..5 {
            assert_eq!(gate.admit(), Ok(Admission::Normal));
            gate.answered(&failed, Health::Fails);
        }
        assert!(gate.admit().is_err());
        assert_eq!(gate.state(), BreakerState::Open);
        gate.answered(&Outcome::Answered { status: 200, retry_after: None }, Health::Works);
        assert_eq!(gate.admit(), Ok(Admission::Normal));
    }
}
