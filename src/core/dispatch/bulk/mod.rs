//! Jobs of many keys: gathered from the queues, in flight together, and settled row by row.

//!
//! | file | holds |
//! |---|---|
//! | `gather` | which keys a job takes, and when |
//! | `settle` | what became of each row |
//! | `event` | what is told of jobs |

mod event;
mod gather;
mod settle;

use std::time::Duration;

use super::super::bulk::{BulkJob, BulkRecord, End, RecordedRow};
use super::super::call::bulk::{BulkAnswer, BulkCall, BulkKind};
use super::super::call::{Answer, Call, Failure};
use super::super::entity::{RemoteId, SkuId};
use super::super::failure::{Action, Verdict};
use super::super::ledger::{Doubt, Echo, Slot, State};
use super::super::plan::{Held, Links};
use super::super::record::Wanted;
use super::super::time::{Now, Tick};
use super::send::Step;
use super::{Dispatch, Effect, Job};

pub use event::{BulkEvent, BulkStats, RowCounts};
use settle::Ending;

/// After a job that came to nothing, single requests do the work for so long.
const REST: Duration = Duration::from_secs(60 * 60);
/// How long VTEX may still apply rows of a job that was given up.
const LATE_ROWS: Duration = Duration::from_secs(60 * 60);

/// What there is of one kind of jobs.
#[derive(Debug, Default)]
pub(super) struct BulkDesk {
    underway: Option<Underway>,
    /// Its request is out.
    out: bool,
    not_before: Tick,
    /// Requests that failed since the last one that did not.
    failures: u32,
    /// Looks at the queues since the last one that led to a job.
    fruitless: u32,
    refused: bool,
}

#[derive(Debug)]
struct Underway {
    job: BulkJob,
    rows: Vec<RowKey>,
    ending: Option<Ending>,
}

/// A key in a job. Which version its row holds is in the key's [`Job`].
#[derive(Debug, Clone, Copy)]
struct RowKey {
    slot: Slot,
    sku: SkuId,
    says: Says,
}

/// What a row that VTEX applied says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// VTEX holds the version of the row.
    All,
    /// VTEX may hold more than the row could say.
    Some,
    /// Nothing: a newer version may have been sent after the job, before the process ended.
    Nothing,
}

impl Says {
    const fn of(whole: bool) -> Self {
        if whole { Self::All } else { Self::Some }
    }
}

impl Dispatch {
    /// What has to be on disk before the file of a job leaves.
    pub fn bulk_record(&self, kind: BulkKind) -> Option<BulkRecord> {
        let underway = self.bulk[kind as usize].underway.as_ref()?;
        let rows = underway.rows.iter().filter_map(|row| {
            let key = self.ledger.get(row.slot)?.key.clone();
            let wanted = self.jobs.get(&row.slot)?.wanted.clone();
            Some(RecordedRow { key, sku: row.sku, wanted, whole: row.says == Says::All })
        });
        Some(BulkRecord { batch: underway.job.batch().clone(), rows: rows.collect() })
    }

    /// A job that VTEX may be at work on since before the start. After every [`Dispatch::restore`]: its keys wait for
    /// its end, so that no row overtakes what is sent now. Returns how many there are; without any there is nothing to
    /// wait for.
    pub fn resume_bulk(&mut self, kind: BulkKind, record: BulkRecord, now: Now) -> usize {
        let BulkRecord { batch, rows: recorded } = record;
        let job = BulkJob::resumed(kind, batch, recorded.len(), now.tick);
        let rows: Vec<RowKey> =
            recorded.into_iter().filter_map(|row| self.resume_row(kind, row, now)).collect();
        let waiting = rows.len();
        if waiting > 0 {
            self.bulk[kind as usize].underway = Some(Underway { job, rows, ending: None });
        }
        waiting
    }

    fn resume_row(&mut self, kind: BulkKind, row: RecordedRow, now: Now) -> Option<RowKey> {
        let RecordedRow { key, sku, wanted, whole } = row;
        let slot = self.ledger.find(&key)?;
        let entry = self.ledger.get_mut(slot)?;
        match entry.state {
            State::InFlight => return None,
            // Whoever retries it shall not be overtaken unnoticed.
            State::Parked => {
                entry.doubt = Doubt::ReadFirst;
                entry.trouble_mut().echo = Some(Echo { until: now.tick + LATE_ROWS, value: None });
                return None;
            }
            _ => {}
        }
        let newer = entry.wanted.position != wanted.position || entry.wanted.value != wanted.value;
        let behind_since = newer.then_some(entry.wanted.committed_at);
        self.leave(slot);
        self.begin(slot, Job { behind_since, ..row_job(kind, wanted, sku, now.tick) });
        Some(RowKey { slot, sku, says: if newer { Says::Nothing } else { Says::of(whole) } })
    }

    /// New credentials or settings: what was refused before may be had now.
    pub(super) fn ask_for_bulk_again(&mut self) {
        for desk in self.bulk.iter_mut().filter(|desk| desk.refused || desk.fruitless > 0) {
            (desk.refused, desk.fruitless, desk.not_before) = (false, 0, Tick::ZERO);
        }
    }

    pub(super) fn bulk_stats(&self, kind: BulkKind) -> BulkStats {
        let desk = &self.bulk[kind as usize];
        let job = desk.underway.as_ref().map(|underway| &underway.job);
        BulkStats {
            refused: desk.refused,
            rows: job.map_or(0, BulkJob::rows),
            batch: job.map(|job| job.batch().clone()).unwrap_or_default(),
            step: job.map_or("", BulkJob::step),
        }
    }

    /// How many more keys may wait than single requests are good for.
    pub(super) fn bulk_room(&self, kind: BulkKind) -> usize {
        let offered = self.tuning.bulk.rows_min(kind).is_some() && !self.bulk[kind as usize].refused;
        if offered { self.tuning.bulk.rows_max } else { 0 }
    }

    /// Whether there is a job to go on with, or to begin.
    pub(super) fn has_bulk_work(&self, kind: BulkKind) -> bool {
        let desk = &self.bulk[kind as usize];
        match &desk.underway {
            _ if desk.out => false,
            // What VTEX has begun cannot be held up any more.
            Some(underway) => {
                underway.ending.is_none() && (underway.job.is_submitted() || !self.is_held_up(kind))
            }
            None => !desk.refused && self.bulk_is_worth_while(kind),
        }
    }

    /// The next request about the job of a kind.
    pub(super) fn bulk_step(&mut self, kind: BulkKind, now: Now) -> Step {
        let desk = &self.bulk[kind as usize];
        if desk.underway.is_none() && desk.not_before > now.tick {
            return Step::Wait(Some(desk.not_before));
        }
        if let Some(at) = self.gates.token_at(kind.route(), now.tick) {
            return Step::Wait(Some(at));
        }
        if self.bulk[kind as usize].underway.is_none() {
            self.gather(kind, now);
        }
        let desk = &mut self.bulk[kind as usize];
        match desk.underway.as_ref().map(|underway| underway.job.next(now.tick)) {
            Some(Ok(call)) => {
                desk.out = true;
                Step::Send(Call::Bulk(call), None)
            }
            Some(Err(at)) => Step::Wait(Some(at)),
            None => Step::Wait(Some(desk.not_before)),
        }
    }

    /// A request about a job came back.
    pub(super) fn finished_bulk(
        &mut self,
        call: &BulkCall,
        result: Result<Answer, Failure>,
        verdict: Option<&Verdict>,
        now: Now,
        random: &mut dyn FnMut() -> f64,
        effects: &mut Vec<Effect>,
    ) {
        let (kind, poll, retry) = (call.kind(), self.tuning.bulk.poll(), self.tuning.retry());
        let desk = &mut self.bulk[kind as usize];
        desk.out = false;
        desk.failures = if result.is_ok() { 0 } else { desk.failures.saturating_add(1) };
        let delay = retry.delay(desk.failures.max(1), random());
        let Some(underway) = desk.underway.as_mut().filter(|underway| underway.ending.is_none()) else {
            return;
        };
        let job = &mut underway.job;
        let end = match (result, verdict) {
            (Ok(Answer::Bulk(answer)), _) => {
                let opened = matches!(answer, BulkAnswer::Opened { .. });
                let end = job.answered(answer, poll, now);
                if opened {
                    let (batch, rows) = (job.batch().clone(), job.rows());
                    effects.push(Effect::Bulk(BulkEvent::Opened { kind, batch, rows }));
                }
                end
            }
            (Ok(_), _) => {
                job.done(poll, now);
                None
            }
            (Err(_), Some(verdict)) => job.failed(verdict, delay, now.tick),
            (Err(_), None) => None,
        };
        let Some(end) = end else { return };
        let is_open = matches!(call, BulkCall::Open { .. });
        desk.not_before = now.tick
            + match end {
                End::Done { .. } => Duration::ZERO,
                _ if is_open => delay,
                _ => REST,
            };
        if verdict.is_some_and(|verdict| verdict.action == Action::NotOffered) {
            desk.refused = true;
            effects.push(Effect::Bulk(BulkEvent::NotOffered { kind }));
        }
        self.end_bulk(kind, end);
    }
}

fn row_job(kind: BulkKind, wanted: Wanted, sku: SkuId, began: Tick) -> Job {
    Job {
        wanted,
        behind_since: None,
        links: Links { own: Some(RemoteId::Number(sku.0)), parents: Vec::new() },
        held: Held::Unknown,
        wrote: false,
        began,
        park: false,
        again: false,
        row_of: Some(kind),
    }
}
