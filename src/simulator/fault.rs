//! Faults on purpose: what VTEX and the network between do wrong, by script or by an admin call.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::reply::Reply;
use super::route::Route;
use super::world::locked;

/// One rule: which requests it hits, how often, and what happens to them.
///
/// The first rule that matches and wins its draw is applied. In JSON only `kind` is required:
/// `{"kind":"500-after","route":"logistics","count":3}`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// An area (`logistics`, `pricing`, `catalog`, `master-data`, `user-rights`, `orders`), a path with `*` for anything, or a method and such a path
    /// (`PATCH */quantity`). Default: every VTEX request.
    #[serde(default = "every_route")]
    pub route: String,
    /// Share of the matching requests that are hit, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many requests are hit before the rule is used up. Default: no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Only this SKU id (of the path). On catalog routes the path's first id: a product's, a brand's; for Master Data the
    /// entity; for orders the order's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Only this warehouse id (of the path); for Master Data the document's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The rule ends this many milliseconds after it was set. Default: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Seconds in `Retry-After` (429, 503). Default: no such header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// `Retry-After` as an HTTP date instead of seconds.
    #[serde(default)]
    pub http_date: bool,
    /// How long `hang` keeps the connection and `slow` delays the answer, in milliseconds.
    #[serde(default)]
    pub ms: u64,
    /// Whether the write is applied before `hang`, `reset`, `malformed` or `html` strikes.
    #[serde(default)]
    pub applied: bool,
    /// Status of `malformed` and `html`. Default: 200, a failure that looks like success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Fault {
    /// A rule that hits every VTEX request, for ever.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            route: every_route(),
            probability: always(),
            count: None,
            sku: None,
            warehouse: None,
            until_ms: None,
            retry_after: None,
            http_date: false,
            ms: 0,
            applied: false,
            status: None,
        }
    }
}

fn every_route() -> String {
    "*".to_owned()
}

fn always() -> f64 {
    1.0
}

/// What an injected fault does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum FaultKind {
    /// Rate limited, not processed.
    #[serde(rename = "429")]
    TooManyRequests,
    /// The stock row is locked, not processed.
    #[serde(rename = "423")]
    Locked,
    /// The lock of the document was not free in time, not processed.
    #[serde(rename = "408")]
    RequestTimeout,
    /// Server error before anything was applied.
    #[serde(rename = "500-before")]
    ErrorBefore,
    /// Applied, and then a server error.
    #[serde(rename = "500-after")]
    ErrorAfter,
    /// Unavailable, not processed.
    #[serde(rename = "503")]
    Unavailable,
    /// No answer for `ms`, then the connection is closed.
    #[serde(rename = "hang")]
    Hang,
    /// The connection is closed without an answer.
    #[serde(rename = "reset")]
    Reset,
    /// A JSON body that ends in the middle.
    #[serde(rename = "malformed")]
    Malformed,
    /// The HTML page of some proxy.
    #[serde(rename = "html")]
    Html,
    /// Credentials refused.
    #[serde(rename = "401")]
    Unauthorized,
    /// Permission refused.
    #[serde(rename = "403")]
    Forbidden,
    /// VTEX's answer to some invalid texts: 400 without a body.
    #[serde(rename = "empty-400")]
    EmptyBadRequest,
    /// A correct answer, `ms` later.
    #[serde(rename = "slow")]
    Slow,
    /// 200 with `null`, not processed: how a look-up by RefId sometimes misses what exists.
    #[serde(rename = "null")]
    Null,
}

/// VTEX as a whole is away.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Outage {
    /// Everything works.
    Off,
    /// Every request is answered with 503.
    Unavailable,
    /// Every connection is closed without an answer.
    Reset,
}

/// What to do with one request that a fault hits.
#[derive(Debug)]
pub(super) struct Strike {
    pub(super) apply: bool,
    pub(super) delay: Duration,
    pub(super) ending: Ending,
}

/// How a request that a fault hits ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// With this answer.
    Answer(Reply),
    /// With the answer it would have had.
    Genuine,
    /// With the connection closed.
    Hangup,
}

/// The active rules.
#[derive(Debug)]
pub(super) struct FaultPlan {
    any: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug)]
struct Rules {
    active: Vec<Active>,
    random: fastrand::Rng,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    left: u64,
    ends: Option<Instant>,
}

/// The request as the rules see it.
pub(super) struct Aim<'a> {
    pub(super) route: Route,
    pub(super) path: &'a str,
    pub(super) sku: &'a str,
    pub(super) warehouse: &'a str,
    /// The body of VTEX's 423 for this key.
    pub(super) account: &'a str,
}

impl FaultPlan {
    pub(super) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let rules = Rules { active: Vec::new(), random: fastrand::Rng::with_seed(seed) };
        let plan = Self { any: AtomicBool::new(false), rules: Mutex::new(rules) };
        plan.replace(faults);
        plan
    }

    pub(super) fn replace(&self, faults: Vec<Fault>) {
        let now = Instant::now();
        let mut rules = locked(&self.rules);
        rules.active = faults
            .into_iter()
            .map(|fault| Active {
                left: fault.count.unwrap_or(u64::MAX),
                ends: fault.until_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms))),
                fault,
            })
            .collect();
        self.any.store(!rules.active.is_empty(), Ordering::Release);
    }

    /// The rules that can still hit something, with the number of requests left to them.
    pub(super) fn list(&self) -> Vec<Fault> {
        let now = Instant::now();
        let rules = locked(&self.rules);
        let live =
            rules.active.iter().filter(|rule| rule.left > 0 && rule.ends.is_none_or(|ends| now < ends));
        live.map(|rule| Fault { count: rule.fault.count.map(|_| rule.left), ..rule.fault.clone() }).collect()
    }

    /// Draws the fault of one request.
    pub(super) fn draw(&self, aim: &Aim<'_>) -> Option<Strike> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let now = Instant::now();
        let mut rules = locked(&self.rules);
        let Rules { active, random } = &mut *rules;
        for rule in active {
            let live = rule.left > 0 && rule.ends.is_none_or(|ends| now < ends);
            if !live || !hits(&rule.fault, aim) || random.f64() >= rule.fault.probability {
                continue;
            }
            rule.left -= 1;
            return Some(strike(&rule.fault, aim));
        }
        None
    }
}

fn hits(fault: &Fault, aim: &Aim<'_>) -> bool {
    let route = fault.route.as_str();
    let on_route = match route.split_once(' ') {
        Some((method, path)) => method.eq_ignore_ascii_case(aim.route.method()) && glob(path, aim.path),
        None => route == aim.route.area().name() || glob(route, aim.path),
    };
    on_route
        && fault.sku.as_deref().is_none_or(|sku| sku == aim.sku)
        && fault.warehouse.as_deref().is_none_or(|warehouse| warehouse.eq_ignore_ascii_case(aim.warehouse))
}

/// `*` stands for any text, also across `/`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    while let Some((piece, after)) = rest.split_once('*') {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

fn strike(fault: &Fault, aim: &Aim<'_>) -> Strike {
    let answer = |reply: Reply| Strike { apply: false, delay: Duration::ZERO, ending: Ending::Answer(reply) };
    let delay = Duration::from_millis(fault.ms);
    let retry_after = fault.retry_after.map(|seconds| (seconds, fault.http_date));
    let status = fault.status.unwrap_or(200);
    match fault.kind {
        FaultKind::TooManyRequests => answer(Reply::too_many_requests(retry_after)),
        FaultKind::Locked => answer(Reply::locked(aim.account, aim.sku, aim.warehouse)),
        FaultKind::RequestTimeout => answer(Reply::request_timeout()),
        FaultKind::ErrorBefore => answer(Reply::server_error()),
        FaultKind::ErrorAfter => Strike { apply: true, ..answer(Reply::server_error()) },
        FaultKind::Unavailable => answer(Reply::unavailable(retry_after)),
        FaultKind::Hang => Strike { apply: fault.applied, delay, ending: Ending::Hangup },
        FaultKind::Reset => Strike { apply: fault.applied, delay: Duration::ZERO, ending: Ending::Hangup },
        FaultKind::Malformed => Strike { apply: fault.applied, ..answer(Reply::malformed(status)) },
        FaultKind::Html => Strike { apply: fault.applied, ..answer(Reply::html(status)) },
        FaultKind::Unauthorized => answer(Reply::unauthorized()),
        FaultKind::Forbidden => answer(Reply::forbidden()),
        FaultKind::EmptyBadRequest => answer(Reply::empty(400)),
        FaultKind::Slow => Strike { apply: true, delay, ending: Ending::Genuine },
        FaultKind::Null => answer(Reply::json(&())),
    }
}
