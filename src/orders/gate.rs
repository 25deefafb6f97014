//! Rate and breaker of the requests that orders enter by. They have a budget of their own: what goes out must not keep a
//! paid order waiting, nor the other way round.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::core::backoff::Backoff;
use crate::core::breaker::{Admission, Breaker};
use crate::core::call::{Failure, Route};
use crate::core::limiter::{Limiter, RouteLimit};
use crate::core::time::Tick;
use crate::telemetry::metrics;
use crate::vtex::Told;

use super::Inbound;

/// All of these count as one.
const ROUTE: Route = Route::OrderRead;
/// What fails for a moment is asked so often in all; only then everything else waits, too.
const TRIES: u32 = 4;
const PAUSE: Backoff = Backoff { base: Duration::from_millis(200), max: Duration::from_secs(2) };

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// VTEX is away, or wants other credentials: everything waits. For people.
    Later(String),
    /// VTEX answers, and does not answer this.
    Refused(Failure),
}

/// What a failure says about VTEX as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Outage,
    Credentials,
    Throttled,
    /// Only this one.
    Single,
}

fn class(failure: &Failure) -> Class {
    match failure {
        Failure::Timeout | Failure::Connect(_) | Failure::Reset(_) => Class::Outage,
        Failure::Status { code: 401 | 403, .. } => Class::Credentials,
        Failure::Status { code: 429, .. } => Class::Throttled,
        Failure::Status { code: 308 | 408 | 500..=599, .. } => Class::Outage,
        Failure::Status { .. } | Failure::Malformed(_) => Class::Single,
    }
}

/// Whether the same question may well be answered a moment later: all of them only read, or change nothing the second
/// time. What took its time already is not asked again at once.
const fn is_of_a_moment(failure: &Failure) -> bool {
    match failure {
        // Some proxy's page, or half an answer.
        Failure::Malformed(_) | Failure::Reset(_) | Failure::Connect(_) => true,
        Failure::Status { code, .. } => matches!(code, 408 | 500..=599),
        Failure::Timeout => false,
    }
}

#[derive(Debug)]
pub(super) struct Gate {
    limiter: Mutex<Limiter>,
    breaker: Mutex<Breaker>,
}

impl Gate {
    pub(super) fn new(limit: RouteLimit) -> Self {
        Self {
            limiter: Mutex::new(Limiter::new(|_| limit, Tick::ZERO)),
            breaker: Mutex::new(Breaker::default()),
        }
    }

    fn admit(&self, now: Tick) -> Result<Admission, Option<Tick>> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(now)
    }

    fn take(&self, now: Tick) -> Result<(), Tick> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).try_take(ROUTE, now)
    }

    fn answered<T>(&self, told: &Told<T>, now: Tick) {
        let class = told.result.as_ref().err().map(class);
        let throttled = class == Some(Class::Throttled);
        self.limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .observe(ROUTE, &told.rate, throttled, now);
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match class {
            Some(Class::Outage) => breaker.failed(now, fastrand::f64()),
            Some(Class::Credentials) => breaker.refused_credentials(now),
            Some(Class::Throttled) => breaker.withdraw(now),
            Some(Class::Single) | None => breaker.succeeded(),
        }
    }
}

impl Inbound {
    /// Asks VTEX, when rate and breaker let it. After a 429 it is asked again, as often as it takes; after a disturbance a
    /// few times.
    pub(super) async fn ask<T, F>(
        &self,
        what: &'static str,
        question: impl Fn() -> F,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Told<T>>,
    {
        let mut tries = 0;
        loop {
            self.turn(what).await?;
            let told = question().await;
            self.gate.answered(&told, self.now().tick);
            metrics::order_request(what, told.result.as_ref().err(), told.elapsed);
            match told.result {
                Ok(answer) => return Ok(answer),
                Err(failure) if is_of_a_moment(&failure) && tries + 1 < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE.delay(tries, fastrand::f64())).await;
                }
                Err(failure) => match class(&failure) {
                    Class::Throttled => {}
                    Class::Single => return Err(Unanswered::Refused(failure)),
                    Class::Outage | Class::Credentials => {
                        return Err(Unanswered::Later(format!("VTEX, {what}: {}", describe(&failure))));
                    }
                },
            }
        }
    }

    /// Waits for a token.
    async fn turn(&self, what: &'static str) -> Result<(), Unanswered> {
        /// A second look at least this often: the limit may have changed.
        const LONGEST: Duration = Duration::from_secs(1);
        loop {
            let now = self.now().tick;
            if let Err(_until) = self.gate.admit(now) {
                return Err(Unanswered::Later(format!(
                    "VTEX, {what}: failing or refusing; it is probed by itself"
                )));
            }
            let Err(again) = self.gate.take(now) else { return Ok(()) };
            self.gate.breaker.lock().unwrap_or_else(PoisonError::into_inner).withdraw(now);
            tokio::time::sleep(again.since(now).min(LONGEST)).await;
        }
    }
}

/// A failure in few words; texts of VTEX stay out, they may name people.
pub(super) fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Status { code: code @ (401 | 403), .. } => {
            format!(
                "status {code}: the key may not read orders or the feed (License Manager: OMS full access, Feed v3)"
            )
        }
        Failure::Status { code, .. } => format!("status {code}"),
        Failure::Timeout => "no answer in time".to_owned(),
        Failure::Connect(why) => format!("no connection: {why}"),
        Failure::Reset(why) => format!("the connection broke: {why}"),
        Failure::Malformed(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_one_order_stops_no_other() {
        let status = |code| Failure::Status { code, body: String::new() };
        let table = [
            (Failure::Timeout, Class::Outage),
            (Failure::Connect(String::new()), Class::Outage),
            (Failure::Reset(String::new()), Class::Outage),
            (Failure::Malformed(String::new()), Class::Single),
            (status(400), Class::Single),
            (status(401), Class::Credentials),
            (status(403), Class::Credentials),
            (status(404), Class::Single),
            (status(429), Class::Throttled),
            (status(500), Class::Outage),
            (status(503), Class::Outage),
        ];
        for (failure, expected) in table {
            assert_eq!(class(&failure), expected, "{failure:?}");
        }
    }
}
