//! What of jobs of many keys has to outlast the process, and what is told of them.

use tracing::{debug, info, warn};

use crate::core::bulk::BulkRecord;
use crate::core::call::Call;
use crate::core::call::bulk::{BulkCall, BulkKind};
use crate::core::dispatch::{BulkEvent, Dispatch};
use crate::store::{Durability, Op, Store, StoreError};
use crate::telemetry::metrics;

fn entry(kind: BulkKind) -> String {
    format!("bulk/{}", kind.name())
}

/// The job that was under way when the last process ended.
pub(super) fn load(store: &Store, kind: BulkKind) -> Result<Option<BulkRecord>, StoreError> {
    Ok(store.meta::<Option<BulkRecord>>(&entry(kind))?.flatten())
}

/// The records of jobs that VTEX may be at work on. They are written and deleted from one task, so that the end of a job
/// never deletes the record of the next one.
pub(super) struct Records {
    store: Store,
    /// Jobs that are over, with the outcomes behind which their records may go.
    over: Vec<(u64, BulkKind)>,
}

impl Records {
    pub(super) const fn new(store: Store) -> Self {
        Self { store, over: Vec::new() }
    }

    /// Before a request leaves: with its file a job may begin, and a start after a kill then has to wait for its end, so
    /// that none of its rows overtakes what is sent meanwhile.
    ///
    /// # Errors
    /// When the disk refuses. The file must not leave.
    pub(super) fn before(&mut self, call: &Call, dispatch: &Dispatch) -> Result<(), StoreError> {
        let Call::Bulk(BulkCall::Upload { kind, .. }) = call else { return Ok(()) };
        self.save(*kind, &dispatch.bulk_record(*kind))
    }

    fn save(&mut self, kind: BulkKind, record: &Option<BulkRecord>) -> Result<(), StoreError> {
        let op = Op::PutMeta { name: entry(kind), value: Store::encode(record) };
        self.store.commit(&[op], Durability::Synced)?;
        self.over.retain(|(_, over)| *over != kind);
        Ok(())
    }

    /// For the log and the metrics. Once a job is over, its record goes, after what came of its rows; `number`: the outcomes
    /// that these are among. The record of a job that VTEX may still be at stays: the next start looks at it again.
    pub(super) fn take_in(&mut self, event: &BulkEvent, number: u64) {
        tell(event);
        if let BulkEvent::Ended { kind, over: true, .. } = event {
            self.over.push((number, *kind));
        }
    }

    /// The store holds all outcomes up to `written`.
    pub(super) fn stored(&mut self, written: u64) {
        let store = &self.store;
        self.over.retain(|(number, kind)| *number > written || forget(store, *kind).is_err());
    }
}

/// Lost, it is found out again.
fn forget(store: &Store, kind: BulkKind) -> Result<(), StoreError> {
    let op = Op::PutMeta { name: entry(kind), value: Store::encode(&None::<BulkRecord>) };
    store.commit(&[op], Durability::Buffered)
}

/// For the log and the metrics.
fn tell(event: &BulkEvent) {
    match event {
        BulkEvent::Opened { kind, batch, rows } => {
            info!(kind = kind.name(), %batch, rows, "a bulk job takes the keys that wait");
        }
        BulkEvent::Ended { kind, batch, end, why, rows, over: _ } => {
            metrics::bulk_ended(*kind, end, rows);
            let (kind, rows) = (kind.name(), format!("{rows:?}"));
            if batch.is_empty() {
                debug!(kind, rows, "a bulk job was not opened: {why}");
            } else if matches!(*end, "completed" | "with-errors") {
                info!(kind, %batch, end, rows, "a bulk job is over: {why}");
            } else {
                warn!(kind, %batch, end, rows, "a bulk job came to nothing: {why}");
            }
        }
        BulkEvent::NotOffered { kind } => warn!(
            kind = kind.name(),
            "the account has no such bulk jobs, or the app key no right to them (E350): everything is sent one by one"
        ),
    }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;

    use super::*;
    use crate::core::dispatch::RowCounts;

    const KIND: BulkKind = BulkKind::BasePrices;

    fn ended(batch: &str, over: bool) -> BulkEvent {
        let (batch, rows) = (CompactString::new(batch), RowCounts::default());
        BulkEvent::Ended { kind: KIND, batch, end: "completed", why: "", rows, over }
    }

    fn save(records: &mut Records, batch: &str) {
        records.save(KIND, &Some(BulkRecord { batch: batch.into(), rows: Vec::new() })).unwrap();
    }

    fn held(records: &Records) -> Option<CompactString> {
        load(&records.store, KIND).unwrap().map(|record| record.batch)
    }

    #[test]
    fn a_record_goes_when_what_came_of_its_rows_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::store::Options::default()).unwrap();
        let mut records = Records::new(store);
        save(&mut records, "1");
        records.take_in(&ended("1", true), 7);
        records.stored(6);
        assert_eq!(held(&records).as_deref(), Some("1"), "the rows are not settled on disk yet");
        records.stored(7);
        assert_eq!(held(&records), None);
    }

    #[test]
    fn the_end_of_a_job_does_not_delete_the_record_of_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), crate::store::Options::default()).unwrap();
        let mut records = Records::new(store);
        save(&mut records, "1");
        records.take_in(&ended("1", true), 7);
        save(&mut records, "2");
        records.stored(7);
        assert_eq!(held(&records).as_deref(), Some("2"));
        records.take_in(&ended("2", false), 8);
        records.stored(8);
        assert_eq!(held(&records).as_deref(), Some("2"), "VTEX may still be at it");
    }
}
