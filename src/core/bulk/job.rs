//! One job: which request comes next, and how it ends.
//!
//! ```text
//!  open ──▶ upload ──▶ (confirm) ──▶ watch ──▶ done
//!             ▲            ▲          │  └────▶ report ──▶ download ──▶ done
//!             └────────────┴──────────┘
//!              not there yet, and our request was lost
//! ```
//!
//! The status of the job answers every doubt: a lost upload or confirmation is followed by a look, never by guessing.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use super::super::call::bulk::{
    BatchState, BatchStatus, BulkAnswer, BulkCall, BulkKind, BulkRow, FailedRow, Upload,
};
use super::super::dispatch::LATE_APPLY;
use super::super::failure::{Action, Verdict};
use super::super::time::{Now, Tick};

/// A job that shows no progress for so long is given up: its keys wait meanwhile.
pub const STALLED_AFTER: Duration = Duration::from_secs(30 * 60);
/// The longest pause between two looks.
const POLL_MAX: Duration = Duration::from_secs(60);
/// Failed uploads, confirmations or readings of a report before a job is given up.
const TRIES_MAX: u32 = 5;

/// One job.
#[derive(Debug)]
pub struct BulkJob {
    kind: BulkKind,
    /// Empty in a job that was taken up after a restart.
    rows: Arc<[BulkRow]>,
    count: u64,
    batch: CompactString,
    step: Step,
    due: Tick,
    tries: u32,
    polls: u32,
    /// VTEX may be at work on the rows.
    submitted: bool,
    seen: Option<BatchStatus>,
    moved_at: Tick,
}

#[derive(Debug, Clone)]
enum Step {
    Open,
    Upload(Arc<Upload>),
    Confirm,
    Watch(IfNotThere),
    Report,
    Download(super::super::call::bulk::SignedUrl),
}

/// What is to be done when VTEX still waits for the file.
#[derive(Debug, Clone)]
enum IfNotThere {
    /// It has everything, and has not noticed.
    Wait,
    Upload(Arc<Upload>),
    Confirm,
    /// Another process began the job: once nothing of it can arrive any more, it is over.
    GiveUp {
        from: Tick,
    },
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// VTEX has taken no row: as if there had been no job.
    Unused(&'static str),
    /// VTEX went through it: these rows failed. `complete`: every other one was applied.
    Done { failed: Vec<FailedRow>, complete: bool },
    /// It is over, and nobody knows which rows were applied.
    Lost(&'static str),
    /// The same, and VTEX may still be at it.
    Abandoned(&'static str),
}

impl BulkJob {
    pub fn new(kind: BulkKind, rows: Vec<BulkRow>, now: Tick) -> Self {
        let count = rows.len() as u64;
        Self { rows: rows.into(), count, ..Self::at(kind, Step::Open, now) }
    }

    /// A job that another process had begun when it ended.
    pub fn resumed(kind: BulkKind, batch: CompactString, count: usize, now: Tick) -> Self {
        let step = Step::Watch(IfNotThere::GiveUp { from: now + LATE_APPLY });
        Self { batch, count: count as u64, submitted: true, ..Self::at(kind, step, now) }
    }

    fn at(kind: BulkKind, step: Step, now: Tick) -> Self {
        Self {
            kind,
            rows: Vec::new().into(),
            count: 0,
            batch: CompactString::default(),
            step,
            due: now,
            tries: 0,
            polls: 0,
            submitted: false,
            seen: None,
            moved_at: now,
        }
    }

    /// VTEX's name of the job; empty before it has one.
    pub const fn batch(&self) -> &CompactString {
        &self.batch
    }

    pub const fn rows(&self) -> u64 {
        self.count
    }

    /// VTEX may be at work on the rows.
    pub const fn is_submitted(&self) -> bool {
        self.submitted
    }

    /// In words, what it is at.
    pub const fn step(&self) -> &'static str {
        match self.step {
            Step::Open => "opening",
            Step::Upload(_) => "uploading",
            Step::Confirm => "confirming",
            Step::Watch(_) => "VTEX is at work",
            Step::Report | Step::Download(_) => "reading its errors",
        }
    }

    /// The next request, or when it is due.
    pub fn next(&self, now: Tick) -> Result<BulkCall, Tick> {
        if self.due > now {
            return Err(self.due);
        }
        let (kind, batch) = (self.kind, self.batch.clone());
        Ok(match &self.step {
            Step::Open => BulkCall::Open { kind, rows: Arc::clone(&self.rows) },
            Step::Upload(upload) => {
                BulkCall::Upload { kind, batch, upload: Arc::clone(upload), rows: Arc::clone(&self.rows) }
            }
            Step::Confirm => BulkCall::Confirm { batch },
            Step::Watch(_) => BulkCall::Status { kind, batch },
            Step::Report => BulkCall::Report { kind, batch },
            Step::Download(from) => BulkCall::Download { kind, batch, from: from.clone() },
        })
    }

    /// The file has arrived, or the confirmation.
    pub fn done(&mut self, poll: Duration, now: Now) {
        match (&self.step, self.kind) {
            (Step::Upload(_), BulkKind::Inventory) => self.go(Step::Confirm, now.tick),
            (Step::Upload(_) | Step::Confirm, _) => {
                self.submitted = true;
                self.go(Step::Watch(IfNotThere::Wait), now.tick);
                self.due = now.tick + poll;
            }
            _ => {}
        }
    }

    /// An answer that tells something.
    pub fn answered(&mut self, answer: BulkAnswer, poll: Duration, now: Now) -> Option<End> {
        match answer {
            BulkAnswer::Opened { batch, upload } => {
                self.batch = batch;
                self.go(Step::Upload(Arc::new(upload)), now.tick);
                None
            }
            BulkAnswer::Status(status) => self.looked(status, poll, now),
            BulkAnswer::Report(Some(from)) => {
                self.step = Step::Download(from); // its tries count with those of the report
                None
            }
            BulkAnswer::Report(None) => Some(End::Lost("VTEX has no report on the rows that failed")),
            BulkAnswer::Failed(failed) => {
                let complete = self.seen.is_some_and(|status| {
                    status.errors.is_none_or(|errors| errors == failed.len() as u64)
                        && self.has_seen_all(status)
                });
                Some(End::Done { failed, complete })
            }
        }
    }

    fn looked(&mut self, status: BatchStatus, poll: Duration, now: Now) -> Option<End> {
        let moved = |seen: BatchStatus| (seen.state, seen.progress) != (status.state, status.progress);
        if self.seen.replace(status).is_none_or(moved) {
            self.moved_at = now.tick;
        }
        let Step::Watch(if_not_there) = &self.step else { return None };
        match (status.state, if_not_there.clone()) {
            (BatchState::Completed, _) if status.errors == Some(0) => {
                Some(End::Done { failed: Vec::new(), complete: self.has_seen_all(status) })
            }
            (BatchState::Completed, _) => {
                self.go(Step::Report, now.tick);
                None
            }
            (BatchState::Failed, _) => Some(End::Lost("VTEX gave the job up")),
            (BatchState::Expired, _) if self.submitted => Some(End::Lost("the job expired")),
            (BatchState::Expired, _) => Some(End::Unused("the file came too late")),
            (BatchState::AwaitingUpload, IfNotThere::Upload(upload)) => self.upload_again(upload, now),
            (BatchState::AwaitingUpload, IfNotThere::Confirm) => {
                if self.tries < TRIES_MAX {
                    self.step = Step::Confirm;
                    return None;
                }
                Some(self.give_up("VTEX did not take the confirmation"))
            }
            (BatchState::AwaitingUpload, IfNotThere::GiveUp { from }) if from <= now.tick => {
                Some(End::Unused("it had not been uploaded when the last process ended"))
            }
            (BatchState::AwaitingUpload | BatchState::Running, _) => {
                if status.state == BatchState::Running {
                    self.submitted = true;
                    self.step = Step::Watch(IfNotThere::Wait);
                }
                self.polls += 1;
                self.due =
                    now.tick + poll.saturating_mul(1 << self.polls.min(8) >> 1).min(POLL_MAX.max(poll));
                None
            }
        }
    }

    fn upload_again(&mut self, upload: Arc<Upload>, now: Now) -> Option<End> {
        if upload.expires_at <= now.wall {
            return Some(self.give_up("the storage did not take the file in time"));
        }
        if self.tries < TRIES_MAX {
            self.step = Step::Upload(upload);
            return None;
        }
        Some(self.give_up("the storage did not take the file"))
    }

    /// Whether no row was left out. VTEX does not tell which ones it did.
    fn has_seen_all(&self, status: BatchStatus) -> bool {
        status.skipped == 0 && status.rows.is_none_or(|rows| rows >= self.count)
    }

    /// A request failed; `delay`: the pause before the next one.
    pub fn failed(&mut self, verdict: &Verdict, delay: Duration, now: Tick) -> Option<End> {
        let is_open = matches!(self.step, Step::Open);
        if !is_open && matches!(verdict.action, Action::Throttle | Action::WaitForCredentials) {
            return None; // the lane is held up until it is worth while
        }
        self.due = now + delay;
        match self.step.clone() {
            Step::Open => return Some(End::Unused("VTEX did not open a job")),
            Step::Upload(upload) => {
                self.tries += 1;
                // A price import begins by itself with its file.
                self.submitted |= verdict.doubtful && self.kind == BulkKind::BasePrices;
                self.step = Step::Watch(IfNotThere::Upload(upload));
            }
            Step::Confirm => {
                self.tries += 1;
                self.submitted |= verdict.doubtful || verdict.action == Action::RetrySoon;
                self.step = Step::Watch(IfNotThere::Confirm);
            }
            // Even where VTEX does not know the job: it knew it once, and may be at work on it.
            Step::Watch(_) => {}
            Step::Report | Step::Download(_) => {
                self.tries += 1;
                self.step = Step::Report;
                if self.tries >= TRIES_MAX {
                    return Some(End::Lost("the report on its errors cannot be read"));
                }
            }
        }
        None
    }

    /// The end of a job that gets nowhere.
    pub fn stalled(&self, now: Tick) -> Option<End> {
        if now.since(self.moved_at) < STALLED_AFTER {
            return None;
        }
        Some(match self.step {
            Step::Report | Step::Download(_) => End::Lost("the report on its errors cannot be read"),
            _ => self.give_up("it got nowhere"),
        })
    }

    const fn give_up(&self, why: &'static str) -> End {
        if self.submitted { End::Abandoned(why) } else { End::Unused(why) }
    }

    fn go(&mut self, step: Step, now: Tick) {
        self.step = step;
        self.tries = 0;
        self.due = now;
        self.moved_at = now;
    }
}

#[cfg(test)]
mod tests;
