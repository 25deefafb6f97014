//! What stands between a dirty key and VTEX: the limiter of its route, the breaker of its lane and the
//! lane's concurrency.

use std::time::Duration;

use serde::Serialize;

use super::super::breaker::{Admission, Breaker, BreakerState};
use super::super::call::catalog::CatalogAnswer;
use super::super::call::{Answer, Call, Lane, Outcome, Route};
use super::super::concurrency::Concurrency;
use super::super::failure::{Action, Verdict};
use super::super::limiter::{Limiter, RouteState};
use super::super::progress::Pace;
use super::super::time::Tick;
use super::Tuning;

/// "Wait 1 minute": more can take the shop's Admin down (VTEX guide on the orders feed).
const ORDERS_PAUSE: Duration = Duration::from_secs(60);

/// Whether a lane lets a request through.
pub(super) enum Entrance {
    Open,
    Probe,
    /// Until then; `None`: until a request is back.
    Shut(Option<Tick>),
}

/// A lane as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LaneGate {
    pub breaker: BreakerState,
    /// Requests that are out.
    pub requests: u32,
    /// The most that may be out at present.
    pub requests_max: u32,
}

#[derive(Debug)]
struct LaneGates {
    breaker: Breaker,
    concurrency: Concurrency,
    out: u32,
}

#[derive(Debug)]
pub(super) struct Gates {
    limiter: Limiter,
    lanes: [LaneGates; Lane::ALL.len()],
}

impl Gates {
    pub(super) fn new(tuning: &Tuning, now: Tick) -> Self {
        let gates = |lane| LaneGates {
            breaker: Breaker::default(),
            concurrency: Concurrency::new(tuning.concurrency.of(lane)),
            out: 0,
        };
        Self { limiter: Limiter::new(|route| *tuning.routes.of(route), now), lanes: Lane::ALL.map(gates) }
    }

    pub(super) fn set_tuning(&mut self, tuning: &Tuning, now: Tick) {
        for route in Route::ALL {
            self.limiter.set_limit(route, *tuning.routes.of(route), now);
        }
        for lane in Lane::ALL {
            self.lanes[lane as usize].concurrency.set_max(tuning.concurrency.of(lane));
        }
    }

    /// Asks to enter. After [`Entrance::Probe`] a request has to be [sent](Gates::sent), or the entrance
    /// [given back](Gates::withdraw).
    pub(super) fn entrance(&mut self, lane: Lane, now: Tick) -> Entrance {
        let gates = &mut self.lanes[lane as usize];
        if gates.out >= gates.concurrency.limit().max(1) {
            return Entrance::Shut(None);
        }
        match gates.breaker.admit(now) {
            Ok(Admission::Normal) => Entrance::Open,
            Ok(Admission::Probe) => Entrance::Probe,
            Err(until) => Entrance::Shut(until),
        }
    }

    pub(super) fn withdraw(&mut self, lane: Lane, now: Tick) {
        self.lanes[lane as usize].breaker.withdraw(now);
    }

    /// When the route has a token; `None` is now. Takes nothing.
    pub(super) fn token_at(&mut self, route: Route, now: Tick) -> Option<Tick> {
        let state = self.limiter.state(route, now);
        let has_token = state.tokens >= 1.0 && state.paused_seconds <= 0.0;
        if has_token { None } else { self.limiter.try_take(route, now).err() }
    }

    /// A request goes out; the route had a token at this moment.
    pub(super) fn sent(&mut self, route: Route, now: Tick) {
        let taken = self.limiter.try_take(route, now);
        debug_assert!(taken.is_ok(), "a token was there a moment ago");
        self.lanes[route.lane() as usize].out += 1;
    }

    /// A request is back.
    pub(super) fn finished(
        &mut self,
        call: &Call,
        outcome: &Outcome,
        verdict: Option<&Verdict>,
        now: Tick,
        random: &mut dyn FnMut() -> f64,
    ) {
        // What was not sent, or refused for an image that VTEX cannot fetch, tells nothing of VTEX's speed.
        if let Ok(Answer::Catalog(CatalogAnswer::Unfit(_))) = &outcome.result {
            let gates = &mut self.lanes[call.lane() as usize];
            gates.out = gates.out.saturating_sub(1);
            return gates.breaker.withdraw(now);
        }
        let action = verdict.map(|verdict| verdict.action);
        let throttled = action == Some(Action::Throttle);
        let mut rate = outcome.rate;
        if throttled && call.lane() == Lane::Orders {
            rate.retry_after = rate.retry_after.or(Some(ORDERS_PAUSE));
        }
        self.limiter.observe(call.route(), &rate, throttled, now);
        let gates = &mut self.lanes[call.lane() as usize];
        gates.out = gates.out.saturating_sub(1);
        gates.concurrency.observe(outcome.elapsed, action == Some(Action::BreakLane));
        match action {
            Some(Action::WaitForCredentials) => gates.breaker.refused_credentials(now),
            // An answer that no document describes, for one key after the other, is no answer of VTEX's.
            Some(Action::BreakLane | Action::Retry) => gates.breaker.failed(now, random()),
            _ => gates.breaker.succeeded(),
        }
    }

    pub(super) fn credentials_changed(&mut self, now: Tick) {
        for gates in &mut self.lanes {
            gates.breaker.credentials_changed(now);
        }
    }

    pub(super) fn is_broken(&self, lane: Lane) -> bool {
        self.lanes[lane as usize].breaker.state() != BreakerState::Closed
    }

    pub(super) fn lane(&self, lane: Lane) -> LaneGate {
        let gates = &self.lanes[lane as usize];
        LaneGate {
            breaker: gates.breaker.state(),
            requests: gates.out,
            requests_max: gates.concurrency.limit().max(1),
        }
    }

    pub(super) fn pace(&self, lane: Lane) -> Pace {
        let concurrency = &self.lanes[lane as usize].concurrency;
        Pace { places: concurrency.limit(), latency: concurrency.latency() }
    }

    pub(super) fn route(&self, route: Route, now: Tick) -> RouteState {
        self.limiter.state(route, now)
    }

    /// What holds up a route, in words; `None`: only its turn.
    pub(super) fn why_shut(&self, route: Route, now: Tick) -> Option<String> {
        let lane = self.lane(route.lane());
        let paused = self.route(route, now).paused_seconds;
        match lane.breaker {
            BreakerState::Credentials => Some("VTEX refuses the credentials".to_owned()),
            BreakerState::Open | BreakerState::Probing => {
                Some("VTEX is failing, one probe asks for all".to_owned())
            }
            BreakerState::Closed if paused > 0.0 => {
                Some(format!("VTEX limits the rate for another {paused:.0} s"))
            }
            BreakerState::Closed if lane.requests >= lane.requests_max => {
                Some(format!("{} requests are out, the most at present", lane.requests))
            }
            BreakerState::Closed => None,
        }
    }
}
