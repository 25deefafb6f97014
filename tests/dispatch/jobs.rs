//! VTEX's jobs of many rows, in the simulation: they run for a while, apply their rows at some moment, and tell
//! afterwards which ones failed.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use mare::core::call::Answer;
use mare::core::call::bulk::{
    BatchState, BatchStatus, BulkAnswer, BulkCall, BulkKind, BulkRow, FailedRow, SignedUrl, Upload,
};
use mare::core::time::{Now, Tick};

const CODES: [&str; 3] = ["UPDATE_FAILED", "CONFLICT", "UNKNOWN"];

#[derive(Default)]
pub(crate) struct Jobs(Vec<Job>);

struct Job {
    kind: BulkKind,
    uploaded: Option<Arc<[BulkRow]>>,
    /// When the rows are applied; `None`: it has not begun.
    applies_at: Option<Tick>,
    /// They were.
    over: bool,
    /// Indices of rows that fail.
    failing: Vec<usize>,
    /// VTEX gives it up in the middle.
    fails: bool,
    /// It gets nowhere for longer than anybody waits, and then it does.
    stuck: bool,
}

/// Rows that VTEX applies now.
pub(crate) struct Due {
    pub(crate) batch: String,
    pub(crate) rows: Vec<BulkRow>,
    /// So late that what was sent meanwhile may be overwritten.
    pub(crate) stuck: bool,
}

impl Jobs {
    pub(crate) fn serve(&mut self, call: &BulkCall, now: Now, random: &mut Rng) -> Answer {
        match call {
            BulkCall::Open { kind, .. } => {
                let job = Job {
                    kind: *kind,
                    uploaded: None,
                    applies_at: None,
                    over: false,
                    failing: Vec::new(),
                    fails: false,
                    stuck: false,
                };
                self.0.push(job);
                let expires_at = now.wall.plus(Duration::from_secs(1800));
                let upload = Upload { to: SignedUrl(String::new()), headers: Vec::new(), expires_at };
                Answer::Bulk(BulkAnswer::Opened { batch: (self.0.len() - 1).to_string().into(), upload })
            }
            BulkCall::Upload { batch, rows, kind, .. } => {
                let job = self.job(batch);
                if job.applies_at.is_none() {
                    job.failing = (0..rows.len()).filter(|_| random.u8(..10) == 0).collect();
                    job.uploaded = Some(Arc::clone(rows));
                    if *kind == BulkKind::BasePrices {
                        job.begin(now, random);
                    }
                }
                Answer::Done
            }
            BulkCall::Confirm { batch } => {
                let job = self.job(batch);
                if job.uploaded.is_some() && job.applies_at.is_none() {
                    job.begin(now, random);
                }
                Answer::Done
            }
            BulkCall::Status { batch, .. } => Answer::Bulk(BulkAnswer::Status(self.job(batch).status())),
            BulkCall::Report { .. } => Answer::Bulk(BulkAnswer::Report(Some(SignedUrl(String::new())))),
            BulkCall::Download { batch, .. } => {
                let job = self.job(batch);
                let rows = job.uploaded.clone().unwrap();
                let failed = job.failing.iter().map(|index| failed(&rows[*index], CODES[index % 3]));
                Answer::Bulk(BulkAnswer::Failed(failed.collect()))
            }
        }
    }

    fn job(&mut self, batch: &str) -> &mut Job {
        &mut self.0[batch.parse::<usize>().unwrap()]
    }

    /// When the next rows are applied.
    pub(crate) fn due(&self) -> Option<Tick> {
        self.0.iter().filter(|job| !job.over).filter_map(|job| job.applies_at).min()
    }

    pub(crate) fn take_due(&mut self, now: Tick) -> Option<Due> {
        let is_due = |job: &Job| !job.over && job.applies_at.is_some_and(|at| at <= now);
        let (number, job) = self.0.iter_mut().enumerate().find(|(_, job)| is_due(job))?;
        job.over = true;
        let rows = job.uploaded.clone()?;
        let reached = if job.fails { rows.len() / 2 } else { rows.len() };
        let applied = rows.iter().take(reached).enumerate();
        let applied = applied.filter(|(index, _)| !job.failing.contains(index));
        let rows = applied.map(|(_, row)| row.clone()).collect();
        Some(Due { batch: number.to_string(), rows, stuck: job.stuck })
    }
}

impl Job {
    fn begin(&mut self, now: Now, random: &mut Rng) {
        (self.stuck, self.fails) = (random.u8(..16) == 0, random.u8(..10) == 0);
        // Within the hour after a job was given up.
        let minutes = if self.stuck { random.u64(40..80) } else { 0 };
        let delay = Duration::from_secs(60 * minutes) + Duration::from_millis(random.u64(..120_000));
        self.applies_at = Some(now.tick + delay);
    }

    fn status(&self) -> BatchStatus {
        let state = match (self.applies_at, self.over) {
            (None, _) => BatchState::AwaitingUpload,
            (Some(_), false) => BatchState::Running,
            (Some(_), true) if self.fails => BatchState::Failed,
            (Some(_), true) => BatchState::Completed,
        };
        let errors = if self.over { self.failing.len() as u64 } else { 0 };
        let rows = self.uploaded.as_ref().map(|rows| rows.len() as u64);
        let rows = rows.filter(|_| self.kind == BulkKind::Inventory);
        BatchStatus { state, progress: 0, errors: Some(errors), rows, skipped: 0 }
    }
}

fn failed(row: &BulkRow, code: &str) -> FailedRow {
    let (sku, warehouse) = match row {
        BulkRow::Price { sku, .. } => (*sku, None),
        BulkRow::Stock { sku, warehouse, .. } => (*sku, Some(warehouse.clone())),
    };
    FailedRow { sku, warehouse, code: code.into(), message: String::new() }
}
