//! Which keys a job takes out of their queues, and when.

use std::time::Duration;

use super::super::super::bulk::{self, BulkJob, Candidate, Row};
use super::super::super::call::bulk::BulkKind;
use super::super::super::entity::{RemoteId, SkuId};
use super::super::super::ledger::{Doubt, Entry, Slot, lane_of};
use super::super::super::schedule::{Ticket, Urgency};
use super::super::super::time::Now;
use super::super::Dispatch;
use super::super::moves::is_live;
use super::{RowKey, Says, Underway, row_job};

/// Where too few of the keys that wait can be rows, they are not looked through again for so long; doubled each time…
const GATHER_AGAIN: Duration = Duration::from_secs(30);
/// … so often: to sixteen minutes.
const DOUBLED_MAX: u32 = 5;
/// For each row that a job may have, so many keys are looked at for it: one look must not take long.
const LOOKED_AT_PER_ROW: usize = 4;

impl Dispatch {
    /// Whether enough keys wait, and may be sent.
    pub(super) fn bulk_is_worth_while(&self, kind: BulkKind) -> bool {
        let waiting: usize =
            bulk::urgencies(kind).into_iter().map(|urgency| self.bulk_waiting(kind, urgency)).sum();
        let enough = self.tuning.bulk.rows_min(kind).is_some_and(|min| waiting >= min);
        enough && !self.is_held_up(kind) && !self.gates.is_broken(lane_of(kind.entity()))
    }

    /// An operator wants nothing of the kind to be sent.
    pub(super) fn is_held_up(&self, kind: BulkKind) -> bool {
        self.tuning.paused.contains(&lane_of(kind.entity()))
    }

    fn bulk_waiting(&self, kind: BulkKind, urgency: Urgency) -> usize {
        bulk::routes(kind).iter().map(|route| self.queues[*route as usize].len(urgency)).sum()
    }

    /// Takes the keys of a new job out of their queues, or none at all.
    pub(super) fn gather(&mut self, kind: BulkKind, now: Now) {
        let min = self.tuning.bulk.rows_min(kind).unwrap_or(usize::MAX);
        let found = self.rows_that_wait(kind, min);
        let desk = &mut self.bulk[kind as usize];
        if found.len() < min {
            desk.not_before = now.tick + GATHER_AGAIN * (1 << desk.fruitless.min(DOUBLED_MAX));
            desk.fruitless = desk.fruitless.saturating_add(1);
            return;
        }
        desk.fruitless = 0;
        let mut contents = Vec::with_capacity(found.len());
        let mut rows = Vec::with_capacity(found.len());
        for (slot, sku, row) in found {
            let Some(wanted) = self.ledger.get(slot).map(|entry| entry.wanted.clone()) else { continue };
            rows.push(RowKey { slot, sku, says: Says::of(row.whole) });
            contents.push(row.content);
            self.leave(slot);
            self.begin(slot, row_job(kind, wanted, sku, now.tick));
        }
        let job = BulkJob::new(kind, contents, now.tick);
        self.bulk[kind as usize].underway = Some(Underway { job, rows, ending: None });
    }

    /// What nobody waits for goes before the rest, and then what has waited longest.
    fn rows_that_wait(&self, kind: BulkKind, min: usize) -> Vec<(Slot, SkuId, Row)> {
        let [patient, waited_for] = bulk::urgencies(kind);
        let too_many = self.bulk_waiting(kind, waited_for) >= min;
        let urgencies = [Some(patient), too_many.then_some(waited_for)].into_iter().flatten();
        let tickets = urgencies.flat_map(|urgency| {
            bulk::routes(kind).iter().flat_map(move |route| self.queues[*route as usize].waiting(urgency))
        });
        let rows_max = self.tuning.bulk.rows_max;
        let row = |ticket: Ticket| {
            let (sku, row) = self.row_of(self.ledger.get(ticket.slot)?)?;
            Some((ticket.slot, sku, row))
        };
        tickets
            .filter(|ticket| is_live(&self.ledger, *ticket))
            .take(rows_max.saturating_mul(LOOKED_AT_PER_ROW))
            .filter_map(row)
            .take(rows_max)
            .collect()
    }

    /// A key that has failed goes singly: one answer of its own says more than a line of a report.
    fn row_of(&self, entry: &Entry) -> Option<(SkuId, Row)> {
        if entry.attempts > 0 || entry.is_doubtful() {
            return None;
        }
        let sku = SkuId(self.links(entry).ok()?.own.as_ref().and_then(RemoteId::number)?);
        let candidate = Candidate {
            key: &entry.key,
            sku,
            wanted: &entry.wanted.value,
            confirmed: entry.confirmed.as_ref().map(|confirmed| &confirmed.value),
            sure: entry.doubt == Doubt::None,
            prices: &self.tuning.price,
        };
        Some((sku, bulk::row(candidate, &self.tuning.bulk)?))
    }
}
