//! Many prices or balances in one job instead of one request each.
//!
//! A key in a job is in flight like any other: nothing else is sent for it until the job is over, so no row can
//! overtake a newer value. What somebody waits for (sold out, falling, revoked) and what has failed before never goes
//! by a job.
//!
//! | file | decides |
//! |---|---|
//! | `rules` | when a job is opened |
//! | `row` | which keys may be in it |
//! | `job` | which request comes next, and how it ends |
//! | `verdict` | what a failed row means |

mod job;
mod row;
mod rules;
mod verdict;

use serde::{Deserialize, Serialize};

use super::entity::{Key, SkuId};
use super::record::Wanted;
use compact_str::CompactString;

pub use job::{BulkJob, End, STALLED_AFTER};
pub use row::{Candidate, Row, row};
pub use rules::{BulkRules, InvalidBulk, routes, urgencies};
pub use verdict::judge_row;

/// A job that VTEX may be at work on: what has to be known of it after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRecord {
    pub batch: CompactString,
    pub rows: Vec<RecordedRow>,
}

/// One row of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRow {
    pub key: Key,
    pub sku: SkuId,
    /// The version that the row holds.
    pub wanted: Wanted,
    /// See [`Row::whole`].
    pub whole: bool,
}
