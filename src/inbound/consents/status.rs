//! What operators see of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::core::time::Timestamp;
use crate::telemetry::metrics;

/// What became of a change in the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// A row in Live.
    Written,
    /// Live had it; the ledger has learned what VTEX holds.
    Learned,
    /// No act: something else of the customer changed, or it was our own request.
    NoAct,
    /// Live has no such customer.
    Unknown,
    /// Several customers of Live have this e-mail address and none the document.
    Ambiguous,
    /// VTEX says yes, Live says no, and nobody can tell what was said later.
    Undecided,
    /// It waits for an answer of VTEX, or for somebody who corrects what Live refused.
    Waits,
    /// Nothing may be known of the person any more.
    Erased,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Learned => "learned",
            Self::NoAct => "no-act",
            Self::Unknown => "unknown-customer",
            Self::Ambiguous => "ambiguous-email",
            Self::Undecided => "undecided",
            Self::Waits => "waits",
            Self::Erased => "erased",
        }
    }
}

/// What is known at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// When the last look came to its end.
    pub polled_at: Option<String>,
    /// Changes up to here (VTEX's clock) have been seen.
    pub seen_up_to: Option<String>,
    /// Customers that wait to be looked at again.
    pub waiting: usize,
    /// Why the last look did not come to its end.
    pub problem: Option<String>,
    /// What became of changes since the start, by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    polled: Option<Timestamp>,
}

/// Shared between the poller and the admin endpoints.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<Facts>>);

impl Status {
    pub fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seconds since the last look that came to its end.
    pub fn age_seconds(&self, now: Timestamp) -> Option<f64> {
        self.facts().polled.map(|at| at.until(now).as_secs_f64())
    }

    pub(super) fn count(&self, outcome: Outcome) {
        metrics::shop_consent(outcome.name());
        self.update(|facts| *facts.outcomes.entry(outcome.name()).or_default() += 1);
    }

    pub(super) fn polled(&self, at: Timestamp, seen_up_to: Option<Timestamp>, waiting: usize) {
        self.update(|facts| {
            facts.polled = Some(at);
            facts.polled_at = Some(at.to_string());
            facts.seen_up_to = seen_up_to.map(|at| at.to_string());
            facts.waiting = waiting;
            facts.problem = None;
        });
    }

    pub(super) fn failed(&self, problem: String) {
        self.update(|facts| facts.problem = Some(problem));
    }

    fn update(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
