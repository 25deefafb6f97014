//! Failures on demand, as VTEX has them: by script or by an admin call.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 429; with `retry_after` if that is given.
    TooManyRequests,
    /// 423, the stock row is locked.
    Locked,
    /// 500, nothing applied.
    ErrorBefore,
    /// 500 after the request was applied.
    ErrorAfter,
    /// 503.
    Unavailable,
    /// No answer for `ms`, then 500; nothing applied.
    Hang,
    /// No answer for `ms`; applied at once.
    HangAfter,
    /// The connection is cut, nothing applied.
    Reset,
    /// The connection is cut after the request was applied.
    ResetAfter,
    /// 200 with half a JSON document.
    Malformed,
    /// 200 with a web page.
    Html,
    /// 400 without a body.
    EmptyBadRequest,
    /// 400 with a message.
    BadRequest,
    Unauthorized,
    Forbidden,
    /// A right answer, `ms` late.
    Slow,
}

/// One failure and when it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: Kind,
    /// `stock`, `price`, `catalog`; left out: everywhere.
    #[serde(default)]
    pub area: Option<String>,
    /// Only this SKU.
    #[serde(default)]
    pub sku: Option<u32>,
    /// 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// So many times.
    #[serde(default)]
    pub count: Option<u64>,
    /// For so many seconds.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Only writes.
    #[serde(default)]
    pub writes_only: bool,
    #[serde(default)]
    pub retry_after: Option<String>,
    #[serde(default)]
    pub ms: u64,
    /// Set when the failure begins.
    #[serde(skip)]
    pub until: Option<Instant>,
}

const fn always() -> f64 {
    1.0
}

impl Fault {
    /// A failure that happens everywhere, always.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            area: None,
            sku: None,
            probability: 1.0,
            count: None,
            seconds: None,
            writes_only: false,
            retry_after: None,
            ms: 0,
            until: None,
        }
    }
}

/// The failures in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn set(&mut self, faults: Vec<Fault>, now: Instant) {
        self.0 = faults;
        for fault in &mut self.0 {
            fault.until = fault.seconds.map(|seconds| now + Duration::from_secs_f64(seconds.max(0.0)));
        }
    }

    pub(super) fn list(&self) -> &[Fault] {
        &self.0
    }

    /// The failure that hits this request, if one does.
    pub(super) fn hit(
        &mut self,
        area: &str,
        sku: Option<u32>,
        write: bool,
        now: Instant,
        random: f64,
    ) -> Option<Fault> {
        self.0.retain(|fault| fault.until.is_none_or(|until| now < until) && fault.count != Some(0));
        let fault = self.0.iter_mut().find(|fault| {
            fault.area.as_deref().is_none_or(|wanted| wanted == area)
                && fault.sku.is_none_or(|wanted| Some(wanted) == sku)
                && (write || !fault.writes_only)
                && random < fault.probability
        })?;
        fault.count = fault.count.map(|count| count - 1);
        Some(fault.clone())
    }
}
