//! Proof as a service: whether VTEX still holds what it confirmed, key after key, with budget that nobody else wants.
//!
//! Live and the ledger are compared by [`crate::source::reconcile`]; this compares the ledger with VTEX. Together they prove
//! that VTEX equals Live, whatever changed VTEX from outside or was lost on the way.
//!
//! ```text
//!  orders, brands … SKUs, prices ──▶ read by the dispatcher as a job, one key each ──▶ same │ differs: counted, repaired
//!  stock: one reading per SKU, all warehouses ──▶ same │ only what differs is read once more, as above
//! ```
//!
//! The dispatcher's job reads and decides under the key's own rules, so a change that comes meanwhile, or a request that is
//! out, never passes for a difference. How far a pass is stands in the ledger: it goes on after a restart.

mod pass;
mod service;

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::core::entity::Entity;
use crate::core::time::Timestamp;
use crate::mapping::config::MappingConfig;

pub use pass::{Pass, Progress};
pub use service::{Ledger, Prover, Vtex};

/// `[proof]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProofConfig {
    /// Hours from the beginning of one pass to that of the next, up to 8,760; 0: only when asked (`mare reconcile
    /// --with-vtex`). Default: 24.
    pub every_hours: u32,
    /// The most keys (of stock: SKUs) that are begun a second, 0.1 to 100. Less while somebody else wants the budget.
    /// Default: 5, a day for 200,000 SKUs with their prices.
    pub per_second: f64,
    /// Send what differs. False: only count it. Default: true.
    pub repair: bool,
}

impl Default for ProofConfig {
    fn default() -> Self {
        Self { every_hours: 24, per_second: 5.0, repair: true }
    }
}

impl ProofConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.every_hours > 8_760 {
            findings.push(format!("proof.every_hours = {} is more than a year (8760)", self.every_hours));
        }
        if !(0.1..=100.0).contains(&self.per_second) {
            findings.push(format!("proof.per_second = {} is outside 0.1 to 100", self.per_second));
        }
        findings
    }
}

/// What VTEX is asked about, in this order: what somebody waits for first. Not people: of them nothing is read that nobody
/// asked for.
pub fn entities(mapping: &MappingConfig) -> Vec<Entity> {
    const ORDER: [Entity; 7] = [
        Entity::Order,
        Entity::Brand,
        Entity::Category,
        Entity::Product,
        Entity::Sku,
        Entity::Price,
        Entity::Stock,
    ];
    ORDER.into_iter().filter(|entity| mapping.has(*entity)).collect()
}

/// A pass that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// None: everything.
    pub entity: Option<Entity>,
    /// None: as configured.
    pub repair: Option<bool>,
}

/// The service as others see it.
#[derive(Debug, Clone)]
pub struct Handle {
    facts: Arc<Mutex<Facts>>,
    asks: mpsc::Sender<Asked>,
}

/// What somebody asks, and where it is told when the pass began.
pub type Asked = (Ask, oneshot::Sender<Timestamp>);

/// What is known at the moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub progress: Progress,
    /// Why nothing is asked now.
    pub held_up: Option<&'static str>,
}

impl Handle {
    /// The service's other ends: what it is asked, and where it tells.
    pub fn new() -> (Self, mpsc::Receiver<Asked>) {
        let (asks, asked) = mpsc::channel(4);
        (Self { facts: Arc::default(), asks }, asked)
    }

    pub fn facts(&self) -> Facts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a pass, which takes the place of one that runs. What comes is the moment of its beginning, by which it is known;
    /// `None`: the service has ended.
    pub async fn ask(&self, ask: Ask) -> Option<Timestamp> {
        let (reply, began) = oneshot::channel();
        self.asks.send((ask, reply)).await.ok()?;
        began.await.ok()
    }

    fn update(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
