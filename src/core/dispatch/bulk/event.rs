//! What is told of jobs.

use compact_str::CompactString;
use serde::Serialize;

use super::super::super::bulk::End;
use super::super::super::call::bulk::BulkKind;

/// What happens to jobs: for the log, the metrics and the record on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkEvent {
    Opened {
        kind: BulkKind,
        batch: CompactString,
        rows: u64,
    },
    /// No key waits for it any more. `over`: VTEX is not at work on it either, and nothing of it has to be known.
    Ended {
        kind: BulkKind,
        batch: CompactString,
        end: &'static str,
        why: &'static str,
        rows: RowCounts,
        over: bool,
    },
    /// The account, or the key, does not have such jobs: single requests do the work, until there are new credentials
    /// or settings.
    NotOffered {
        kind: BulkKind,
    },
}

impl BulkEvent {
    /// Every `end` there is.
    pub const ENDS: [&'static str; 6] =
        ["completed", "with-errors", "incomplete", "unused", "lost", "abandoned"];
}

/// What became of the rows of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    pub confirmed: u64,
    /// Sent singly.
    pub retried: u64,
    pub parked: u64,
    /// Nobody knows, or there is more to the key than a row can say: read first.
    pub read: u64,
    /// Not touched by VTEX: queued again.
    pub returned: u64,
}

impl RowCounts {
    /// With their labels in metrics.
    pub const fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("confirmed", self.confirmed),
            ("retried", self.retried),
            ("parked", self.parked),
            ("read", self.read),
            ("returned", self.returned),
        ]
    }
}

/// The job of a kind, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BulkStats {
    /// Single requests do the work: the account does not have such jobs.
    pub refused: bool,
    /// Rows of the job under way; 0: there is none.
    pub rows: u64,
    pub batch: CompactString,
    pub step: &'static str,
}

/// The end as a label, and in words.
pub(super) fn described(end: &End, counts: &RowCounts) -> (&'static str, &'static str) {
    match end {
        End::Unused(why) => ("unused", why),
        End::Lost(why) => ("lost", why),
        End::Abandoned(why) => ("abandoned", why),
        End::Done { complete: false, .. } => {
            ("incomplete", "VTEX left rows out, or its report does not fit: they are read")
        }
        End::Done { .. } if counts.retried + counts.parked > 0 => ("with-errors", "some rows failed"),
        End::Done { .. } => ("completed", "every row was applied"),
    }
}
