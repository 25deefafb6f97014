//! What became of each row of a job that is over.

use compact_str::CompactString;
use hashbrown::HashMap;

use super::super::super::bulk::{self, End};
use super::super::super::call::bulk::{BulkKind, FailedRow};
use super::super::super::entity::SkuId;
use super::super::super::failure::Action;
use super::super::super::ledger::{Doubt, Echo, Ledger, Slot};
use super::super::super::record::{Exchange, Parked};
use super::super::super::time::{Now, Tick};
use super::super::{Dispatch, Effect, amend, finish};
use super::event::{BulkEvent, RowCounts, described};
use super::{LATE_ROWS, REST, RowKey, Says, Underway};

/// Rows that are settled before anything else has its turn again.
const SETTLED_AT_ONCE: usize = 4096;

/// A job that is over, while its rows are being settled.
#[derive(Debug)]
pub(super) struct Ending {
    end: End,
    failed: HashMap<RowName, FailedRow>,
    at: usize,
    counts: RowCounts,
}

/// What a report on errors tells rows apart by.
type RowName = (SkuId, Option<CompactString>);

impl Dispatch {
    pub(super) fn end_bulk(&mut self, kind: BulkKind, mut end: End) {
        let Some(underway) = self.bulk[kind as usize].underway.as_mut() else { return };
        let mut failed = HashMap::new();
        if let End::Done { failed: rows, complete } = &mut end {
            failed =
                std::mem::take(rows).into_iter().map(|row| ((row.sku, row.warehouse.clone()), row)).collect();
            if !failed.is_empty() {
                let ledger = &self.ledger;
                let named =
                    underway.rows.iter().filter(|row| failed.contains_key(&name(ledger, row))).count();
                // A report about rows that we did not send is about something else.
                *complete &= named == failed.len();
            }
        }
        underway.ending = Some(Ending { end, failed, at: 0, counts: RowCounts::default() });
    }

    /// Settles rows of jobs that are over, and gives up those that get nowhere. When to come again.
    pub(in super::super) fn tend_bulk(
        &mut self,
        kind: BulkKind,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Option<Tick> {
        let desk = &mut self.bulk[kind as usize];
        // What is out may begin the job yet.
        let running = desk.underway.as_ref().filter(|underway| underway.ending.is_none() && !desk.out);
        if let Some(end) = running.and_then(|underway| underway.job.stalled(now.tick)) {
            desk.not_before = now.tick + REST;
            self.end_bulk(kind, end);
        }
        let is_over = |underway: &mut Underway| underway.ending.is_some();
        let mut underway = self.bulk[kind as usize].underway.take_if(is_over)?;
        let Underway { job, rows, ending } = &mut underway;
        let ending = ending.as_mut()?;
        let until = rows.len().min(ending.at + SETTLED_AT_ONCE);
        for row in &rows[ending.at..until] {
            self.settle_row(kind, row, ending, now, effects);
        }
        ending.at = until;
        if until < rows.len() {
            self.bulk[kind as usize].underway = Some(underway);
            return Some(now.tick);
        }
        let (end, why) = described(&ending.end, &ending.counts);
        let (batch, rows) = (job.batch().clone(), ending.counts);
        let over = !matches!(ending.end, End::Abandoned(_));
        effects.push(Effect::Bulk(BulkEvent::Ended { kind, batch, end, why, rows, over }));
        None
    }

    fn settle_row(
        &mut self,
        kind: BulkKind,
        row: &RowKey,
        ending: &mut Ending,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let counts = &mut ending.counts;
        let failed = match ending.failed.is_empty() {
            true => None,
            false => ending.failed.remove(&name(&self.ledger, row)),
        };
        match (&ending.end, failed) {
            (_, Some(failed)) => match self.fail_row(kind, row.slot, failed, now, effects) {
                Action::Park(_) => counts.parked += 1,
                _ => counts.retried += 1,
            },
            (End::Done { complete: true, .. }, None) if row.says == Says::All => {
                if let Some(job) = self.jobs.get_mut(&row.slot) {
                    job.wrote = true;
                }
                self.deliver(row.slot, now, effects);
                counts.confirmed += 1;
            }
            (End::Done { complete: true, .. }, None) if row.says == Says::Nothing => {
                self.return_row(row.slot, Doubt::Unsure, None, now, effects);
                counts.returned += 1;
            }
            (End::Unused(_), None) => {
                self.return_row(row.slot, Doubt::None, None, now, effects);
                counts.returned += 1;
            }
            (End::Done { .. } | End::Lost(_), None) => {
                self.return_row(row.slot, Doubt::ReadFirst, None, now, effects);
                counts.read += 1;
            }
            (End::Abandoned(_), None) => {
                let until = now.tick + LATE_ROWS;
                self.return_row(row.slot, Doubt::ReadFirst, Some(until), now, effects);
                counts.read += 1;
            }
        }
    }

    /// A key leaves its job undelivered. Until `late`, VTEX may still apply its row.
    fn return_row(
        &mut self,
        slot: Slot,
        doubt: Doubt,
        late: Option<Tick>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.remove(&slot) else { return };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return };
        entry.doubt = entry.doubt.max(doubt);
        if let Some(until) = late {
            entry.trouble_mut().echo = Some(Echo { until, value: None });
        }
        if job.park {
            return self.park_by_operator(slot, now, effects);
        }
        self.place(slot, now);
        if doubt == Doubt::ReadFirst {
            effects.extend(self.ledger.get(slot).map(amend));
        }
    }

    /// The report names this row: set aside, or sent singly.
    fn fail_row(
        &mut self,
        kind: BulkKind,
        slot: Slot,
        failed: FailedRow,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Action {
        let verdict = bulk::judge_row(kind, &failed.code);
        let Some(job) = self.jobs.remove(&slot) else { return verdict.action };
        self.leave(slot);
        let Some(entry) = self.ledger.get_mut(slot) else { return verdict.action };
        if verdict.doubtful {
            entry.doubt = Doubt::ReadFirst;
        }
        let superseded = entry.wanted.value != job.wanted.value;
        if !superseded {
            entry.attempts += 1; // so it is in no job again
        }
        let answer = failed.code.to_string();
        let request = format!("a row of a bulk job ({})", kind.name());
        let excerpt = finish::excerpt(&failed.message);
        entry.trouble_mut().last = Some(Exchange { at: now.wall, request, answer, excerpt });
        match verdict.action {
            _ if job.park => {
                self.park_by_operator(slot, now, effects);
                return verdict.action;
            }
            Action::Park(reason) if !superseded => {
                let hint = format!("{}: {}", verdict.code, verdict.hint);
                self.set_aside(slot, Parked { reason, at: now.wall, hint });
            }
            _ => self.place(slot, now),
        }
        effects.extend(self.ledger.get(slot).map(amend));
        verdict.action
    }
}

fn name(ledger: &Ledger, row: &RowKey) -> RowName {
    let warehouse = ledger.get(row.slot).and_then(|entry| entry.key.warehouse());
    (row.sku, warehouse.map(CompactString::new))
}
