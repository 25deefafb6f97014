//! One breaker per lane: when VTEX is down, one probe asks for all.

use std::time::Duration;

use serde::Serialize;

use super::backoff::Backoff;
use super::time::Tick;

/// Failures in a row that open the breaker (VTEX's own advice).
const FAILURES_TO_OPEN: u32 = 5;
/// From the first probe on, up to a minute apart: an outage costs almost nothing, its end is noticed soon.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
/// Refused credentials are probed at this pace, in case they were put right in VTEX itself.
const CREDENTIALS_PROBE: Duration = Duration::from_secs(60);
/// A probe whose answer never comes must not keep the breaker open for ever.
const PROBE_LOST_AFTER: Duration = Duration::from_secs(120);

/// What is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Normal,
    /// This one request decides whether the breaker closes.
    Probe,
}

/// The state as shown to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    Closed,
    /// VTEX is failing.
    Open,
    /// A probe is under way.
    Probing,
    /// VTEX refuses our credentials or rights.
    Credentials,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Outage,
    Credentials,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    /// `tries`: how often it has opened in a row; 0 when refused credentials opened it just now.
    Open {
        cause: Cause,
        probe_at: Tick,
        tries: u32,
    },
    Probing {
        cause: Cause,
        since: Tick,
        tries: u32,
    },
}

/// The breaker of one lane.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 } }
    }
}

impl Breaker {
    /// Whether a request may go now.
    ///
    /// # Errors
    /// When not: with the moment to ask again. While a probe is under way that is when it counts as lost;
    /// its answer comes sooner as a rule, so ask again after each answer.
    pub fn admit(&mut self, now: Tick) -> Result<Admission, Option<Tick>> {
        match self.state {
            State::Closed { .. } => Ok(Admission::Normal),
            State::Open { cause, probe_at, tries } if now >= probe_at => {
                self.state = State::Probing { cause, since: now, tries };
                Ok(Admission::Probe)
            }
            State::Open { probe_at, .. } => Err(Some(probe_at)),
            State::Probing { cause, since, tries } if now.since(since) >= PROBE_LOST_AFTER => {
                self.state = State::Probing { cause, since: now, tries };
                Ok(Admission::Probe)
            }
            State::Probing { since, .. } => Err(Some(since + PROBE_LOST_AFTER)),
        }
    }

    /// The request that was admitted was not sent after all.
    pub fn withdraw(&mut self, now: Tick) {
        if let State::Probing { cause, tries, .. } = self.state {
            self.state = State::Open { cause, probe_at: now, tries };
        }
    }

    /// VTEX has answered as it should (a refusal of one key counts: VTEX works).
    ///
    /// After refused credentials only a probe can tell: what succeeds before the first one was sent before
    /// the refusal.
    pub fn succeeded(&mut self) {
        if !matches!(self.state, State::Open { cause: Cause::Credentials, tries: 0, .. }) {
            self.state = State::Closed { failures: 0 };
        }
    }

    /// An outage-like failure. While the breaker is open it changes nothing: that request was sent before.
    pub fn failed(&mut self, now: Tick, random: f64) {
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES_TO_OPEN => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } => {
                State::Open { cause: Cause::Outage, probe_at: now + BACKOFF.delay(1, random), tries: 1 }
            }
            State::Probing { tries, .. } => {
                let tries = tries.saturating_add(1);
                State::Open { cause: Cause::Outage, probe_at: now + BACKOFF.delay(tries, random), tries }
            }
            open @ State::Open { .. } => open,
        };
    }

    /// 401 or 403.
    pub fn refused_credentials(&mut self, now: Tick) {
        let tries = match self.state {
            State::Open { cause: Cause::Credentials, .. } => return,
            State::Open { tries, .. } => tries,
            State::Closed { .. } => 0,
            State::Probing { tries, .. } => tries.saturating_add(1),
        };
        self.state = State::Open { cause: Cause::Credentials, probe_at: now + CREDENTIALS_PROBE, tries };
    }

    /// New credentials are probed at once.
    pub fn credentials_changed(&mut self, now: Tick) {
        if let State::Open { cause: Cause::Credentials, tries, .. }
        | State::Probing { cause: Cause::Credentials, tries, .. } = self.state
        {
            self.state = State::Open { cause: Cause::Credentials, probe_at: now, tries };
        }
    }

    pub const fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { cause: Cause::Outage, .. } => BreakerState::Open,
            State::Open { cause: Cause::Credentials, .. } => BreakerState::Credentials,
            State::Probing { .. } => BreakerState::Probing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_breaker() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_TO_OPEN {
            assert_eq!(breaker.admit(Tick::ZERO), Ok(Admission::Normal));
            breaker.failed(Tick::ZERO, 1.0);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let mut breaker = open_breaker();
        assert_eq!(breaker.admit(Tick::ZERO), Err(Some(Tick::from_millis(1000))));
        let later = Tick::from_millis(1000);
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        assert!(breaker.admit(later).is_err(), "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.admit(later), Ok(Admission::Normal));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            for _ in 0..FAILURES_TO_OPEN - 1 {
                breaker.failed(Tick::ZERO, 0.5);
            }
            breaker.succeeded();
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn probes_get_rarer_up_to_a_minute() {
        let mut breaker = open_breaker();
        let mut now = Tick::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let Err(Some(at)) = breaker.admit(now) else { panic!("open") };
            pauses.push(at.since(now).as_secs());
            now = at;
            assert_eq!(breaker.admit(now), Ok(Admission::Probe));
            breaker.failed(now, 1.0);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn refused_credentials_wait_for_new_ones() {
        let mut breaker = Breaker::default();
        breaker.refused_credentials(Tick::ZERO);
        assert_eq!(breaker.state(), BreakerState::Credentials);
        assert!(breaker.admit(Tick::from_millis(59_000)).is_err());
        breaker.credentials_changed(Tick::from_millis(59_000));
        assert_eq!(breaker.admit(Tick::from_millis(59_000)), Ok(Admission::Probe));
        breaker.refused_credentials(Tick::from_millis(59_100));
        assert!(breaker.admit(Tick::from_millis(59_200)).is_err());
    }

    #[test]
    fn refused_credentials_are_probed_once_a_minute_for_an_hour() {
        let mut breaker = Breaker::default();
        breaker.refused_credentials(Tick::ZERO);
        let mut probes = 0;
        for second in 1..=3600 {
            let now = Tick::from_millis(second * 1000);
            if breaker.admit(now).is_ok() {
                probes += 1;
                breaker.refused_credentials(now);
            }
        }
        assert_eq!(probes, 60);
        let now = Tick::from_millis(3_660_000);
        assert_eq!(breaker.admit(now), Ok(Admission::Probe));
        breaker.succeeded();
        assert_eq!(breaker.admit(now), Ok(Admission::Normal));
    }

    #[test]
    fn a_success_of_before_the_refusal_does_not_bring_the_credentials_back() {
        let mut breaker = Breaker::default();
        breaker.refused_credentials(Tick::ZERO);
        breaker.succeeded();
        assert_eq!(breaker.state(), BreakerState::Credentials);
        // A late refusal of the old credentials must not hide that the new ones work.
        breaker.credentials_changed(Tick::ZERO);
        assert_eq!(breaker.admit(Tick::ZERO), Ok(Admission::Probe));
        breaker.refused_credentials(Tick::ZERO);
        breaker.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_was_not_sent_leaves_the_place_to_the_next() {
        let mut breaker = open_breaker();
        let at = Tick::from_millis(1000);
        assert_eq!(breaker.admit(at), Ok(Admission::Probe));
        breaker.withdraw(at);
        assert_eq!(breaker.admit(at), Ok(Admission::Probe));
        assert!(breaker.admit(at).is_err());
    }

    #[test]
    fn a_probe_that_never_ends_is_replaced_at_the_moment_that_was_named() {
        let mut breaker = open_breaker();
        let at = Tick::from_millis(1000);
        assert_eq!(breaker.admit(at), Ok(Admission::Probe));
        let Err(Some(lost)) = breaker.admit(at) else { panic!("a probe is under way") };
        assert_eq!(lost, at + PROBE_LOST_AFTER);
        assert_eq!(breaker.admit(lost), Ok(Admission::Probe));
    }

    #[test]
    fn a_clock_that_steps_back_admits_nothing_early() {
        let mut breaker = open_breaker();
        breaker.failed(Tick::from_millis(500_000), 0.0);
        assert!(breaker.admit(Tick::ZERO).is_err());
        assert_eq!(breaker.admit(Tick::from_millis(1000)), Ok(Admission::Probe));
        assert!(breaker.admit(Tick::ZERO).is_err());
    }
}
