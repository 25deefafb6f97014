//! Requests per route: token buckets that believe VTEX.
//!
//! A bucket grants at most `burst + rate · t` requests in any window of length `t`, also across a restart,
//! because it starts empty and fills at the configured rate. VTEX's own rule (Pricing API): a second with
//! more requests than the rate spends burst credits, an idle second gives `rate` of them back.
//!
//! What VTEX says wins: `Ratelimit-Remaining` below our own count means that somebody else uses the account
//! too; `Retry-After` pauses the route; a 429 halves the rate, which then recovers bit by bit.

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
    /// What is wrong with it.
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
/// The first pause after a 429 without `Retry-After`; doubles with each further one.
const PAUSE_BASE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// 429s of requests that were under way together count once.
const HALVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// From the lowest rate back to the full one.
const RECOVERY: Duration = Duration::from_secs(240);
/// The rate never falls below this share of the configured one.
const LEAST_SHARE: f64 = 0.05;
/// Requests that we leave of what VTEX reports: those under way are not in its count yet.
const RESERVE: f64 = 5.0;

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
    filled_at: Tick,
    paused_until: Tick,
    halved_at: Option<Tick>,
    /// 429s without a success in between.
    in_a_row: u32,
    throttled: u64,
    /// Until VTEX has told its count once, burst credits from before our start may still be taken over.
    trusts_vtex: bool,
}

impl Bucket {
    const fn new(limit: RouteLimit, now: Tick) -> Self {
        Self {
            limit,
            share: 1.0,
            tokens: 0.0,
            filled_at: now,
            paused_until: Tick::ZERO,
            halved_at: None,
            in_a_row: 0,
            throttled: 0,
            trusts_vtex: true,
        }
    }

    fn rate(&self) -> f64 {
        self.limit.per_second * self.share
    }

    fn fill(&mut self, now: Tick) {
        let passed = now.since(self.filled_at).as_secs_f64();
        if passed <= 0.0 {
            return;
        }
        self.filled_at = now;
        // The recovery counts first: a second-long gap recovers a second's worth.
        self.share = (self.share + passed * (1.0 - LEAST_SHARE) / RECOVERY.as_secs_f64()).min(1.0);
        self.tokens = (self.tokens + passed * self.rate()).min(f64::from(self.limit.burst));
    }

    fn try_take(&mut self, now: Tick) -> Result<(), Tick> {
        self.fill(now);
        if now < self.paused_until {
            return Err(self.paused_until);
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.tokens) / self.rate();
        Err(now + Duration::from_secs_f64(missing.max(0.0005)))
    }

    fn throttle(&mut self, hint: &RateHint, now: Tick) {
        self.throttled += 1;
        self.tokens = 0.0;
        if self.halved_at.is_none_or(|at| now.since(at) >= HALVE_AT_MOST_EVERY) {
            self.halved_at = Some(now);
            self.share = (self.share / 2.0).max(LEAST_SHARE);
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
        let doubled = PAUSE_BASE.saturating_mul(1 << self.in_a_row.saturating_sub(1).min(10)).min(PAUSE_MAX);
        let pause = hint.retry_after.map_or(doubled, |after| after.min(RETRY_AFTER_MAX));
        self.paused_until = self.paused_until.max(now + pause);
    }

    fn listen(&mut self, hint: &RateHint) {
        let Some(remaining) = hint.remaining else { return };
        let theirs = (f64::from(remaining) - RESERVE).clamp(0.0, f64::from(self.limit.burst));
        if self.trusts_vtex {
            // The first count after a start: VTEX knows what was spent before it, we do not.
            self.trusts_vtex = false;
            self.tokens = self.tokens.max(theirs);
        }
        // VTEX's credits count beside the rate, so an empty count still leaves the rate: one second of it.
        let floor = self.rate().min(1.0);
        self.tokens = self.tokens.min(theirs.max(floor));
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

    /// Takes in what an answer said about the budget.
    pub fn observe(&mut self, route: Route, hint: &RateHint, throttled: bool, now: Tick) {
        let bucket = self.bucket(route);
        bucket.fill(now);
        if throttled {
            bucket.throttle(hint, now);
        } else {
            bucket.in_a_row = 0;
            bucket.listen(hint);
        }
    }

    /// A new limit from now on. Tokens beyond the new burst are lost.
    pub fn set_limit(&mut self, route: Route, limit: RouteLimit, now: Tick) {
        let bucket = self.bucket(route);
        bucket.fill(now);
        bucket.limit = limit;
        bucket.tokens = bucket.tokens.min(f64::from(limit.burst));
    }

    pub fn state(&self, route: Route, now: Tick) -> RouteState {
        let mut bucket = self.buckets[route as usize].clone();
        bucket.fill(now);
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

    fn limiter() -> Limiter {
        Limiter::new(|_| LIMIT, Tick::ZERO)
    }

    fn second(n: u64) -> Tick {
        Tick::from_millis(n * 1000)
    }

    #[test]
    fn a_restart_begins_with_an_empty_bucket() {
        let mut limiter = limiter();
        assert!(limiter.try_take(Route::PricePut, Tick::ZERO).is_err());
        let granted = (0..100).filter(|_| limiter.try_take(Route::PricePut, second(1)).is_ok()).count();
        assert_eq!(granted, 33);
    }

    #[test]
    fn retry_after_is_obeyed_and_a_day_is_not_believed() {
        let mut limiter = limiter();
        let hint = RateHint { retry_after: Some(Duration::from_secs(7)), ..RateHint::default() };
        limiter.observe(Route::PricePut, &hint, true, second(10));
        assert_eq!(limiter.try_take(Route::PricePut, second(11)), Err(second(17)));
        assert!(limiter.try_take(Route::PricePatch, second(11)).is_ok(), "other routes go on");
        let hint = RateHint { retry_after: Some(Duration::from_secs(86_400)), ..RateHint::default() };
        limiter.observe(Route::PricePut, &hint, true, second(20));
        assert_eq!(limiter.try_take(Route::PricePut, second(21)), Err(second(20) + RETRY_AFTER_MAX));
        let hint = RateHint { retry_after: Some(Duration::ZERO), ..RateHint::default() };
        let mut fresh = self::limiter();
        fresh.observe(Route::PricePut, &hint, true, second(10));
        assert!(fresh.try_take(Route::PricePut, second(11)).is_ok());
    }

    #[test]
    fn without_retry_after_pauses_double() {
        let mut limiter = limiter();
        let mut now = second(10);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            limiter.observe(Route::StockWrite, &RateHint::default(), true, now);
            let Err(until) = limiter.try_take(Route::StockWrite, now) else { panic!("paused") };
            pauses.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn many_429s_at_once_halve_the_rate_once_and_it_recovers() {
        let mut limiter = limiter();
        for _ in 0..32 {
            limiter.observe(Route::StockWrite, &RateHint::default(), true, second(10));
        }
        let allowed = |limiter: &Limiter, at| limiter.state(Route::StockWrite, at).allowed_per_second;
        assert!((allowed(&limiter, second(10)) - 16.5).abs() < 0.01);
        for n in 11..100 {
            limiter.observe(Route::StockWrite, &RateHint::default(), true, second(n));
        }
        assert!(allowed(&limiter, second(100)) >= LIMIT.per_second * LEAST_SHARE);
        assert!(allowed(&limiter, second(100) + Duration::from_secs(300)) >= 0.95 * LIMIT.per_second);
    }

    #[test]
    fn vtex_knows_better_how_much_is_left() {
        let mut limiter = limiter();
        let left = |remaining| RateHint { remaining: Some(remaining), ..RateHint::default() };
        limiter.observe(Route::PricePut, &left(400), false, second(1));
        assert!((limiter.state(Route::PricePut, second(1)).tokens - 395.0).abs() < 0.01, "taken over once");
        limiter.observe(Route::PricePut, &left(20), false, second(1));
        assert!((limiter.state(Route::PricePut, second(1)).tokens - 15.0).abs() < 0.01, "others spent it");
        limiter.observe(Route::PricePut, &left(500), false, second(1));
        assert!(limiter.state(Route::PricePut, second(1)).tokens < 16.0, "never raised again");
    }

    #[derive(Debug, Clone)]
    enum Event {
        Take,
        Wait(u16),
        Back(u16),
        Throttled(Option<u8>),
        Remaining(u16),
        Restart,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => Just(Event::Take),
            3 => (0..2000_u16).prop_map(Event::Wait),
            1 => (0..2000_u16).prop_map(Event::Back),
            1 => proptest::option::of(0..5_u8).prop_map(Event::Throttled),
            1 => (0..600_u16).prop_map(Event::Remaining),
            1 => Just(Event::Restart),
        ]
    }

    proptest! {
        /// Guarantee 5: in any window, across restarts, with any answers and a clock that steps back.
        #[test]
        fn the_configured_rate_is_never_exceeded_in_any_window(
            events in proptest::collection::vec(event(), 1..400),
            rate in 1.0..50.0_f64,
            burst in 1..60_u32,
        ) {
            let limit = RouteLimit { per_second: rate, burst };
            let mut limiter = Limiter::new(|_| limit, Tick::ZERO);
            let (mut now, mut latest) = (0_u64, 0_u64);
            let mut granted: Vec<u64> = Vec::new();
            let mut told = 0_u32;
            for event in events {
                let tick = Tick::from_millis(now);
                match event {
                    Event::Take => if limiter.try_take(Route::StockWrite, tick).is_ok() { granted.push(latest) },
                    Event::Wait(ms) => { now += u64::from(ms); latest = latest.max(now); limiter.bucket(Route::StockWrite).fill(Tick::from_millis(now)); }
                    Event::Back(ms) => now = now.saturating_sub(u64::from(ms)),
                    Event::Throttled(after) => {
                        let retry_after = after.map(|seconds| Duration::from_secs(seconds.into()));
                        limiter.observe(Route::StockWrite, &RateHint { retry_after, ..RateHint::default() }, true, tick);
                    }
                    Event::Remaining(remaining) => {
                        told += 1;
                        let hint = RateHint { remaining: Some(remaining.into()), ..RateHint::default() };
                        // VTEX's own count at a start may give credits; without it a restart gives none.
                        if told > 1 { limiter.observe(Route::StockWrite, &hint, false, tick); }
                    }
                    Event::Restart => {
                        now = latest;
                        limiter = Limiter::new(|_| limit, Tick::from_millis(now));
                        // The new bucket may take over what VTEX reports; here it reports nothing.
                        limiter.bucket(Route::StockWrite).trusts_vtex = false;
                    }
                }
                limiter.bucket(Route::StockWrite).trusts_vtex = false;
            }
            for (index, from) in granted.iter().enumerate() {
                for (count, to) in granted[index..].iter().enumerate() {
                    let window = (to - from) as f64 / 1000.0;
                    prop_assert!(count as f64 + 1.0 <= f64::from(burst) + rate * window + 1.0 + 1e-6);
                }
            }
        }
    }
}
