//! What the ledger keeps of a key on disk: one record while it is not at rest, one for what VTEX confirmed.

use serde::{Deserialize, Serialize};

use super::position::Position;
use super::time::Timestamp;
use super::value::Value;

/// Why a key is dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A committed change of Live.
    Change,
    /// Reconcile, the first load or changed reference data: no shopper is waiting for it.
    Resync,
}

/// A value that Live wants and VTEX has not confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub value: Value,
    /// Where the change was committed: its version.
    pub position: Position,
    /// When the change was committed in Live.
    pub committed_at: Timestamp,
    pub cause: Cause,
}

/// The record of a key that is not at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirty {
    pub wanted: Wanted,
    /// Since when VTEX has been behind for this key (a newer value does not reset it).
    pub since: Timestamp,
    /// Failed attempts for this value.
    pub attempts: u32,
    /// Do not try before; `None` is at once.
    pub not_before: Option<Timestamp>,
    /// A request for this key may have been applied without our knowing: read before confirming.
    pub doubtful: bool,
    pub parked: Option<Parked>,
    /// The last request for this key that did not succeed.
    pub last: Option<Exchange>,
}

impl Dirty {
    /// The record of a value that nothing has happened to yet.
    pub const fn fresh(wanted: Wanted) -> Self {
        let since = wanted.committed_at;
        Self { wanted, since, attempts: 0, not_before: None, doubtful: false, parked: None, last: None }
    }
}

/// What VTEX confirmed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    pub value: Value,
    /// The version of the value.
    pub position: Position,
    pub at: Timestamp,
}

/// Why a key was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkReason {
    /// VTEX refuses the request as it is (400, 422).
    Rejected,
    /// VTEX does not know something in the request, and it is not the SKU (404).
    NotFound,
    /// The body is too large for VTEX (413).
    TooLarge,
    /// An answer that no document describes, again and again.
    Unexpected,
    /// An operator set it aside.
    Operator,
    /// A price that changes by more than is usual: somebody has to confirm it.
    Jump,
    /// Of an order: somebody has to see to it in Live or in VTEX.
    ByHand,
}

impl ParkReason {
    pub const ALL: [Self; 7] = [
        Self::Rejected,
        Self::NotFound,
        Self::TooLarge,
        Self::Unexpected,
        Self::Operator,
        Self::Jump,
        Self::ByHand,
    ];

    /// The label in metrics and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::NotFound => "not-found",
            Self::TooLarge => "too-large",
            Self::Unexpected => "unexpected",
            Self::Operator => "operator",
            Self::Jump => "jump",
            Self::ByHand => "by-hand",
        }
    }
}

/// A key set aside, while the rest goes on. A newer change of the key tries it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    pub reason: ParkReason,
    pub at: Timestamp,
    /// What the operator can do about it.
    pub hint: String,
}

/// One request and its answer, for `mare explain`. Never holds personal data or secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub at: Timestamp,
    /// Method and path.
    pub request: String,
    /// Status, or what happened instead of one.
    pub answer: String,
    /// The beginning of the body, at most [`Exchange::EXCERPT_BYTES_MAX`].
    pub excerpt: String,
}

impl Exchange {
    /// Enough to read VTEX's message, little enough to keep one per failing key.
    pub const EXCERPT_BYTES_MAX: usize = 300;
}
