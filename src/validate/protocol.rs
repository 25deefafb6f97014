//! What came of the journeys. It can be handed on: it names orders and pedidos, and nobody.

use serde::Serialize;

use super::expect::Check;
use super::journey::{Actor, Kind};

/// How a stage, a journey or all of them ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    Fail,
    /// An earlier stage had failed.
    NotRun,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::NotRun => "not run",
        }
    }
}

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub struct Protocol {
    pub verdict: Verdict,
    /// Of maré.
    pub version: String,
    /// Of VTEX.
    pub account: String,
    /// Where Live is: server and database.
    pub live: String,
    /// Who did what staff does.
    pub played_by: String,
    /// Local time of the shop, like all times here.
    pub begun: String,
    pub ended: String,
    pub journeys: Vec<JourneyRecord>,
}

/// One journey.
#[derive(Debug, Clone, Serialize)]
pub struct JourneyRecord {
    pub journey: Kind,
    pub title: &'static str,
    pub verdict: Verdict,
    /// VTEX's id of the order.
    pub order: Option<String>,
    /// VTEX's short number.
    pub sequence: Option<String>,
    /// Live's numbers of its pedidos.
    pub pedidos: Vec<String>,
    pub stages: Vec<StageRecord>,
}

/// One stage.
#[derive(Debug, Clone, Serialize)]
pub struct StageRecord {
    /// From 1 on.
    pub number: usize,
    pub title: String,
    pub actor: Actor,
    pub verdict: Verdict,
    /// When it ended; none: it was not run.
    pub at: Option<String>,
    /// From what was done in Live until everything expected was seen, or until nobody waited any longer.
    pub took_ms: Option<u64>,
    /// Why nothing could be judged.
    pub note: Option<String>,
    pub checks: Vec<Check>,
}

impl StageRecord {
    /// It is left out, since an earlier one failed.
    pub const fn not_run(number: usize, title: String, actor: Actor) -> Self {
        let checks = Vec::new();
        Self { number, title, actor, verdict: Verdict::NotRun, at: None, took_ms: None, note: None, checks }
    }
}

/// Passed when each is: nothing at all is not a success.
pub(super) fn all(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut any = false;
    let pass = verdicts.into_iter().inspect(|_| any = true).all(|verdict| verdict == Verdict::Pass);
    if pass && any { Verdict::Pass } else { Verdict::Fail }
}

impl JourneyRecord {
    /// Of its stages.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.verdict = all(self.stages.iter().map(|stage| stage.verdict));
        self
    }
}

impl Protocol {
    /// Of its journeys.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.verdict = all(self.journeys.iter().map(|journey| journey.verdict));
        self
    }
}
