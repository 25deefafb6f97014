//! Requests per route: token buckets that believe VTEX.
//!
//! A bucket grants at most `burst + per_second · t` requests in any window of `t` seconds. The law holds
//! across restarts, because a bucket starts empty, and whatever VTEX answers: its headers can only take
//! tokens away. VTEX's own rule (Pricing API): a second with more requests than the rate spends burst
//! credits, an idle second gives `rate` of them back.
//!
//! What VTEX says wins: `Ratelimit-Remaining` below our own count means that somebody else uses the account
//! too; `Retry-After` pauses the route; a 429 halves the rate, which then recovers bit by bit: within five
//! minutes after the pause it is at 95 % again. A pause fills no bucket and recovers no rate, so what comes
//! after it begins gently.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::{RateHint, Route};
use super::time::Tick;

/// The configured limit of one route.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteLimit {
    /// Requests per second, sustained; 0.1 to 10,000.
    pub per_second: f64,
    /// Requests that may go out at once after a quiet time; 1 to 100,000.
    pub burst: u32,
}

impl RouteLimit {
    /// # Errors
    /// What is out of range, with the range.
    pub fn validate(&self) -> Result<(), String> {
        if !(0.1..=10_000.0).contains(&self.per_second) {
            return Err(format!("per_second = {} is outside 0.1 to 10000", self.per_second));
        }
        if !(1..=100_000).contains(&self.burst) {
            return Err(format!("burst = {} is outside 1 to 100000", self.burst));
        }
        Ok(())
    }
}

/// No matter what `Retry-After` says, the route is tried again after this time: a day would be a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(15 * 60);
/// The least pause after a 429; doubles with each further one (VTEX's guide: the larger of `Retry-After` and
/// an exponential backoff).
const PAUSE_BASE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// 429s of requests that were under way together count once.
const HALVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// From the lowest rate back to the full one, pauses not counted.
const RECOVERY: Duration = Duration::from_secs(240);
/// The rate never falls below this share of the configured one.
const LEAST_SHARE: f64 = 0.05;
/// Requests that we leave of what VTEX reports: those under way are not in its count yet.
const RESERVE: f64 = 5.0;
/// Between two looks at an empty bucket: short of a busy loop, and long enough to notice a new limit.
const WAIT_MIN: Duration = Duration::from_micros(500);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a route may do now, as shown to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RouteState {
    pub configured_per_second: f64,
    pub allowed_per_second: f64,
    pub burst: u32,
    /// Requests that could go out at once.
    pub tokens: f64,
    /// Seconds until the route may be used again.
    pub paused_seconds: f64,
    /// 429 answers so far.
    pub throttled: u64,
}

#[derive(Debug, Clone)]
struct Bucket {
    limit: RouteLimit,
    /// Share of the configured rate that is allowed, after 429s.
    share: f64,
    tokens: f64,
    /// The latest time that was told; a clock that steps back stands still for us.
    seen: Tick,
    paused_until: Tick,
    halved_at: Option<Tick>,
    /// 429s without a success in between.
    in_a_row: u32,
    throttled: u64,
}

impl Bucket {
    const fn new(limit: RouteLimit, now: Tick) -> Self {
        Self {
            limit,
            share: 1.0,
            tokens: 0.0,
            seen: now,
            paused_until: Tick::ZERO,
            halved_at: None,
            in_a_row: 0,
            throttled: 0,
        }
    }

    /// Requests per second at present. A limit that nobody validated (NaN, negative) grants nothing.
    fn rate(&self) -> f64 {
        (self.limit.per_second * self.share).max(0.0)
    }

    /// Lets time pass and returns the present.
    fn advance(&mut self, now: Tick) -> Tick {
        let passed = now.since(self.seen.max(self.paused_until)).as_secs_f64();
        self.seen = self.seen.max(now);
        if passed > 0.0 {
            // The recovery counts first: a second-long gap recovers a second's worth.
            self.share = (self.share + passed * (1.0 - LEAST_SHARE) / RECOVERY.as_secs_f64()).min(1.0);
            self.tokens = (self.tokens + passed * self.rate()).min(f64::from(self.limit.burst));
        }
        self.seen
    }

    fn try_take(&mut self, now: Tick) -> Result<(), Tick> {
        let now = self.advance(now);
        if now < self.paused_until {
            return Err(self.paused_until);
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = Duration::try_from_secs_f64((1.0 - self.tokens) / self.rate()).unwrap_or(WAIT_MAX);
        Err(now + missing.clamp(WAIT_MIN, WAIT_MAX))
    }

    fn throttle(&mut self, now: Tick) {
        self.throttled += 1;
        self.tokens = 0.0;
        if self.halved_at.is_none_or(|at| now.since(at) >= HALVE_AT_MOST_EVERY) {
            self.halved_at = Some(now);
            self.share = (self.share / 2.0).max(LEAST_SHARE);
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
        let doublings = self.in_a_row.saturating_sub(1).min(10);
        self.pause(PAUSE_BASE.saturating_mul(1 << doublings).min(PAUSE_MAX), now);
    }

    fn pause(&mut self, pause: Duration, now: Tick) {
        self.paused_until = self.paused_until.max(now + pause);
    }

    fn observe(&mut self, hint: &RateHint, throttled: bool, now: Tick) {
        let now = self.advance(now);
        if throttled {
            self.throttle(now);
        } else if now >= self.paused_until {
            // During a pause only answers to earlier requests come: they do not tell that it has helped.
            self.in_a_row = 0;
        }
        if let Some(after) = hint.retry_after {
            self.pause(after.min(RETRY_AFTER_MAX), now);
        }
        if let Some(remaining) = hint.remaining {
            // VTEX's credits count beside the rate, so an empty count still leaves the rate: a second of it.
            let theirs = (f64::from(remaining) - RESERVE).max(self.rate().min(1.0));
            self.tokens = self.tokens.min(theirs);
        }
    }

    fn set_limit(&mut self, limit: RouteLimit, now: Tick) {
        self.advance(now);
        self.limit = limit;
        self.tokens = self.tokens.min(f64::from(limit.burst));
    }
}

/// The buckets of all routes.
#[derive(Debug, Clone)]
pub struct Limiter {
    buckets: [Bucket; Route::ALL.len()],
}

impl Limiter {
    /// All buckets empty at `now`: whatever was sent before a restart is in the same window.
    pub fn new(limit: impl Fn(Route) -> RouteLimit, now: Tick) -> Self {
        Self { buckets: Route::ALL.map(|route| Bucket::new(limit(route), now)) }
    }

    fn bucket(&mut self, route: Route) -> &mut Bucket {
        &mut self.buckets[route as usize]
    }

    /// Takes one token.
    ///
    /// # Errors
    /// When there is none: with the moment to ask again.
    pub fn try_take(&mut self, route: Route, now: Tick) -> Result<(), Tick> {
        self.bucket(route).try_take(now)
    }

    /// Takes in what an answer said about the budget. `throttled`: it was a 429. `Retry-After` counts with
    /// any status (a 503 may have it too).
    pub fn observe(&mut self, route: Route, hint: &RateHint, throttled: bool, now: Tick) {
        self.bucket(route).observe(hint, throttled, now);
    }

    /// A new limit from now on. Tokens beyond the new burst are lost.
    pub fn set_limit(&mut self, route: Route, limit: RouteLimit, now: Tick) {
        self.bucket(route).set_limit(limit, now);
    }

    pub fn state(&self, route: Route, now: Tick) -> RouteState {
        let mut bucket = self.buckets[route as usize].clone();
        let now = bucket.advance(now);
        RouteState {
            configured_per_second: bucket.limit.per_second,
            allowed_per_second: bucket.rate(),
            burst: bucket.limit.burst,
            tokens: bucket.tokens,
            paused_seconds: bucket.paused_until.since(now).as_secs_f64(),
            throttled: bucket.throttled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: RouteLimit = RouteLimit { per_second: 33.0, burst: 500 };
    const ROUTE: Route = Route::PricePut;

    fn limiter() -> Limiter {
        Limiter::new(|_| LIMIT, Tick::ZERO)
    }

    fn second(n: u64) -> Tick {
        Tick::from_millis(n * 1000)
    }

    fn retry_after(seconds: u64) -> RateHint {
        RateHint { retry_after: Some(Duration::from_secs(seconds)), ..RateHint::default() }
    }

    fn remaining(credits: u32) -> RateHint {
        RateHint { remaining: Some(credits), ..RateHint::default() }
    }

    fn grants(limiter: &mut Limiter, at: Tick) -> usize {
        (0..2 * LIMIT.burst).filter(|_| limiter.try_take(ROUTE, at).is_ok()).count()
    }

    #[test]
    fn a_restart_begins_with_an_empty_bucket() {
        let mut limiter = limiter();
        assert_eq!(grants(&mut limiter, Tick::ZERO), 0);
        assert_eq!(grants(&mut limiter, second(1)), 33);
        assert_eq!(grants(&mut limiter, second(1000)), 500, "a quiet time fills it up to the burst");
    }

    #[test]
    fn an_empty_bucket_tells_when_it_has_a_token_again() {
        let mut limiter = Limiter::new(|_| RouteLimit { per_second: 4.0, burst: 1 }, Tick::ZERO);
        assert_eq!(limiter.try_take(ROUTE, Tick::ZERO), Err(Tick::from_millis(250)));
        assert_eq!(limiter.try_take(ROUTE, Tick::from_millis(250)), Ok(()));
    }

    #[test]
    fn retry_after_is_obeyed_and_a_day_is_not_believed() {
        let mut limiter = limiter();
        limiter.observe(ROUTE, &retry_after(7), true, second(10));
        assert_eq!(limiter.try_take(ROUTE, second(11)), Err(second(17)));
        assert!(limiter.try_take(Route::PricePatch, second(11)).is_ok(), "other routes go on");
        limiter.observe(ROUTE, &retry_after(86_400), true, second(20));
        assert_eq!(limiter.try_take(ROUTE, second(21)), Err(second(20) + RETRY_AFTER_MAX));
    }

    #[test]
    fn a_retry_after_of_nothing_is_no_invitation_to_hammer() {
        let mut limiter = limiter();
        limiter.observe(ROUTE, &retry_after(0), true, second(10));
        assert_eq!(limiter.try_take(ROUTE, second(10)), Err(second(11)));
        assert!(grants(&mut limiter, second(12)) > 0);
    }

    #[test]
    fn a_503_with_retry_after_pauses_without_lowering_the_rate() {
        let mut limiter = limiter();
        limiter.observe(ROUTE, &retry_after(7), false, second(10));
        assert_eq!(limiter.try_take(ROUTE, second(11)), Err(second(17)));
        let state = limiter.state(ROUTE, second(11));
        assert!((state.allowed_per_second - LIMIT.per_second).abs() < 0.01);
        assert_eq!(state.throttled, 0);
    }

    #[test]
    fn a_pause_ends_gently() {
        let mut limiter = limiter();
        limiter.observe(ROUTE, &retry_after(600), true, second(1000));
        assert_eq!(grants(&mut limiter, second(1600)), 0, "a pause fills nothing");
        assert_eq!(grants(&mut limiter, second(1601)), 16, "half the rate after it");
    }

    #[test]
    fn pauses_double_until_a_request_after_one_succeeds() {
        let mut limiter = limiter();
        let mut now = second(10);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            limiter.observe(ROUTE, &RateHint::default(), true, now);
            limiter.observe(ROUTE, &RateHint::default(), false, now);
            let Err(until) = limiter.try_take(ROUTE, now) else { panic!("paused") };
            pauses.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        limiter.observe(ROUTE, &RateHint::default(), false, now);
        limiter.observe(ROUTE, &RateHint::default(), true, now);
        assert_eq!(limiter.try_take(ROUTE, now), Err(now + PAUSE_BASE));
    }

    #[test]
    fn many_429s_at_once_halve_the_rate_once_and_it_recovers() {
        let mut limiter = limiter();
        let allowed = |limiter: &Limiter, at| limiter.state(ROUTE, at).allowed_per_second;
        for _ in 0..32 {
            limiter.observe(ROUTE, &RateHint::default(), true, second(10));
        }
        assert!((allowed(&limiter, second(10)) - 16.5).abs() < 0.01);
        for n in 11..100 {
            limiter.observe(ROUTE, &RateHint::default(), true, second(n));
        }
        let lowest = allowed(&limiter, second(100));
        assert!((lowest - LIMIT.per_second * LEAST_SHARE).abs() < 0.01, "{lowest}");
    }

    #[test]
    fn vtex_knows_better_how_little_is_left_and_never_raises_it() {
        let mut limiter = limiter();
        let tokens = |limiter: &Limiter| limiter.state(ROUTE, second(10)).tokens;
        limiter.observe(ROUTE, &remaining(500), false, second(10));
        assert!((tokens(&limiter) - 330.0).abs() < 0.01, "before a restart we may have spent them");
        limiter.observe(ROUTE, &remaining(20), false, second(10));
        assert!((tokens(&limiter) - 15.0).abs() < 0.01, "others spent it");
        limiter.observe(ROUTE, &remaining(0), false, second(10));
        assert!((tokens(&limiter) - 1.0).abs() < 0.01, "no credits leave the rate");
    }

    #[test]
    fn a_limit_that_nobody_validated_grants_nothing_and_does_not_panic() {
        for per_second in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            let mut limiter = Limiter::new(|_| RouteLimit { per_second, burst: 10 }, Tick::ZERO);
            assert_eq!(limiter.try_take(ROUTE, second(100)), Err(second(100) + WAIT_MAX), "{per_second}");
        }
    }

    #[derive(Debug, Clone)]
    enum Event {
        Take(u8),
        Wait(u16),
        Back(u16),
        Answer {
            throttled: bool,
            hint: RateHint,
        },
        Limit(RouteLimit),
        /// The process comes back after this many milliseconds; its clock begins at zero.
        Restart(u16),
    }

    fn limit() -> impl Strategy<Value = RouteLimit> {
        (0.5..50.0_f64, 1..60_u32).prop_map(|(per_second, burst)| RouteLimit { per_second, burst })
    }

    fn event() -> impl Strategy<Value = Event> {
        let seconds = proptest::option::of((0..5_u64).prop_map(Duration::from_secs));
        let hint = (seconds, proptest::option::of(0..600_u32))
            .prop_map(|(retry_after, remaining)| RateHint { retry_after, remaining, ..RateHint::default() });
        prop_oneof![
            8 => (1..80_u8).prop_map(Event::Take),
            4 => (0..3000_u16).prop_map(Event::Wait),
            1 => (0..3000_u16).prop_map(Event::Back),
            2 => (proptest::bool::weighted(0.2), hint)
                .prop_map(|(throttled, hint)| Event::Answer { throttled, hint }),
            1 => limit().prop_map(Event::Limit),
            1 => (0..2000_u16).prop_map(Event::Restart),
        ]
    }

    /// Grants in the order they were given, each with the true time (ms), the burst then, and the requests
    /// that the configured rates would have given until then.
    fn run(first: RouteLimit, events: Vec<Event>) -> Vec<(u32, f64)> {
        let (mut limit, mut limiter) = (first, Limiter::new(|_| first, Tick::ZERO));
        // `now` is the process's clock, `latest` the furthest that it has been.
        let (mut now, mut latest, mut earned) = (0_u64, 0_u64, 0.0);
        let mut granted = Vec::new();
        for event in events {
            let tick = Tick::from_millis(now);
            match event {
                Event::Take(times) => {
                    for _ in 0..times {
                        if limiter.try_take(ROUTE, tick).is_ok() {
                            granted.push((limit.burst, earned));
                        }
                    }
                }
                Event::Wait(millis) => {
                    now += u64::from(millis);
                    let passed = now.saturating_sub(latest);
                    earned += passed as f64 / 1000.0 * limit.per_second;
                    latest = latest.max(now);
                }
                Event::Back(millis) => {
                    // The limiter knows only the times it was told.
                    limiter.set_limit(ROUTE, limit, tick);
                    now = now.saturating_sub(u64::from(millis));
                }
                Event::Answer { throttled, hint } => limiter.observe(ROUTE, &hint, throttled, tick),
                Event::Limit(new) => {
                    limit = new;
                    limiter.set_limit(ROUTE, limit, tick);
                }
                Event::Restart(millis) => {
                    earned += f64::from(millis) / 1000.0 * limit.per_second;
                    (now, latest) = (0, 0);
                    limiter = Limiter::new(|_| limit, Tick::ZERO);
                }
            }
        }
        granted
    }

    proptest! {
        /// Guarantee 5: in any window, across restarts and new limits, with any answers and a clock that
        /// stands still or steps back.
        #[test]
        fn the_configured_rate_is_never_exceeded_in_any_window(
            first in limit(),
            events in proptest::collection::vec(event(), 1..150),
        ) {
            let granted = run(first, events);
            // A window holds `count` grants; it may hold the burst at its beginning and what was earned
            // within it. So `count - earned` must nowhere rise by more than the burst.
            for (index, (burst, from)) in granted.iter().enumerate() {
                for (count, (_, to)) in (1_u32..).zip(&granted[index..]) {
                    prop_assert!(f64::from(count) <= f64::from(*burst) + (to - from) + 1e-6);
                }
            }
        }

        /// Whatever came before, five minutes after the pause have the rate back.
        #[test]
        fn after_five_minutes_the_rate_is_back(
            answers in proptest::collection::vec((0..3000_u64, any::<bool>(), 0..100_u64), 1..100),
        ) {
            let mut limiter = limiter();
            let mut now = Tick::ZERO;
            for (millis, throttled, seconds) in answers {
                now = now + Duration::from_millis(millis);
                limiter.observe(ROUTE, &retry_after(seconds), throttled, now);
            }
            let pause = Duration::from_secs_f64(limiter.state(ROUTE, now).paused_seconds);
            let recovered = limiter.state(ROUTE, now + pause + Duration::from_secs(300));
            prop_assert!(recovered.allowed_per_second >= 0.95 * LIMIT.per_second);
        }

        /// Asking again at the moment that a refusal names, without other answers in between, succeeds soon.
        #[test]
        fn a_refusal_names_a_moment_that_helps(first in limit(), throttled in any::<bool>()) {
            let mut limiter = Limiter::new(|_| first, Tick::ZERO);
            limiter.observe(ROUTE, &RateHint::default(), throttled, Tick::ZERO);
            let mut now = Tick::ZERO;
            for _ in 0..4 {
                match limiter.try_take(ROUTE, now) {
                    Ok(()) => return Ok(()),
                    Err(again) => now = again,
                }
            }
            prop_assert!(false, "asked four times");
        }
    }
}
