//! The one writer of the ledger: group commit on a thread of its own.
//!
//! Whatever has queued up while one commit was being synced goes into the next. Only after the sync does
//! the source learn its new durable position, and only then does the dispatcher see the keys.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::core::entity::Key;
use crate::core::position::Position;
use crate::core::record::{Dirty, Wanted};
use crate::core::value::Value;
use crate::failpoint;
use crate::messages::Outbox;
use crate::source::window::{Batch, Handover, Progress, Work};
use crate::store::{Durability, Op, Store, StoreError};
use crate::telemetry::metrics;

use super::watch::Watch;

/// Keys that have just become durable.
pub type Durable = Vec<(Key, Wanted)>;

/// What came of requests. Not worth a sync of its own: lost, it is found out again.
#[derive(Debug)]
pub struct Outcomes {
    pub number: u64,
    pub ops: Vec<Op>,
}

/// Where the writer gets its work and where the keys go.
pub struct Writer {
    pub store: Store,
    pub changes: mpsc::Receiver<Handover>,
    pub outcomes: mpsc::Receiver<Outcomes>,
    /// The last outcomes that the store holds.
    pub written: Arc<AtomicU64>,
    pub durable: mpsc::Sender<Durable>,
    /// Who is told of steps of orders, for customers.
    pub messages: Option<Arc<Outbox>>,
    /// Told when the ledger can only be opened anew.
    pub broken: CancellationToken,
    /// Knows when a commit hangs.
    pub watch: Arc<Watch>,
    /// Keys whose dirty record is doubtful: so is the newer one that takes its place, or a crash before the dispatcher says so
    /// would lose the doubt.
    pub doubtful: HashSet<Key>,
    /// The newest version that the last process left dirty. A large batch is written in parts, the position last: what is read
    /// once more after a kill is older than what the ledger has, and must not take its place.
    pub replayed_to: Position,
}

/// What one commit to the engine holds: it is in its memory at once, several times over. Enough to cost little
/// per key.
const KEYS_PER_COMMIT: usize = 10_000;

impl Writer {
    /// Starts the thread. It ends when both queues are closed and empty.
    pub fn start(self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("ledger-writer".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            match runtime {
                Ok(runtime) => runtime.block_on(self.run()),
                Err(error) => error!(%error, "the ledger writer cannot start"),
            }
        })
    }

    async fn run(mut self) {
        let (mut changes_open, mut outcomes_open) = (true, true);
        while changes_open || outcomes_open {
            tokio::select! {
                work = self.changes.recv(), if changes_open => match work {
                    Some(handover) => self.changes(handover).await,
                    None => changes_open = false,
                },
                outcomes = self.outcomes.recv(), if outcomes_open => match outcomes {
                    Some(outcomes) => self.outcomes(&outcomes),
                    None => outcomes_open = false,
                },
            }
        }
        debug!("the ledger writer has written everything");
    }

    fn outcomes(&mut self, outcomes: &Outcomes) {
        for op in &outcomes.ops {
            match op {
                Op::Amend { key, dirty, .. } if dirty.doubtful => drop(self.doubtful.insert(key.clone())),
                Op::Amend { key, .. } | Op::Settle { key, .. } => drop(self.doubtful.remove(key)),
                _ => {}
            }
        }
        let stored = self.store(&outcomes.ops, Durability::Buffered);
        failpoint::reached("outcomes", "stored");
        self.written.store(outcomes.number, Ordering::Release);
        if let Err(error) = stored {
            // The keys stay dirty on disk and are sent again after a restart: at least once.
            error!(%error, "outcomes of requests could not be stored");
            self.note(&error);
        }
    }

    async fn changes(&self, handover: Handover) {
        let Handover { source, work, done } = handover;
        let result = match work {
            Work::Changes(batch) => self.commit(&source, batch),
            Work::Spill(batch) => self.spill(batch).map(|()| Vec::new()),
            Work::Unspill(batch) => self.unspill(&source, batch).await,
        };
        let (result, durable) = match result {
            Ok(durable) => (Ok(()), durable),
            Err(error) => {
                self.note(&error);
                (Err(error), Vec::new())
            }
        };
        // The source first: it confirms to Live while the dispatcher sorts in. It may have ended
        // meanwhile; what is durable stays durable.
        let _ = done.send(result);
        self.hand_over(durable).await;
    }

    /// After a write that failed the engine takes no other: nothing is gained by waiting for the next one to be refused.
    fn note(&self, error: &StoreError) {
        if matches!(error, StoreError::Io(_) | StoreError::Broken) {
            self.broken.cancel();
        }
    }

    fn store(&self, ops: &[Op], durability: Durability) -> Result<(), StoreError> {
        let _busy = self.watch.busy();
        self.store.commit(ops, durability)
    }

    /// In parts, the position in the last one: a crash before it reads the batch again.
    fn commit(&self, source: &str, mut batch: Batch) -> Result<Durable, StoreError> {
        let started = std::time::Instant::now();
        let mut wanted = std::mem::take(&mut batch.wanted).into_iter();
        let mut durable = Durable::with_capacity(wanted.len());
        while wanted.len() > KEYS_PER_COMMIT {
            let part = self.wanted_ops(wanted.by_ref().take(KEYS_PER_COMMIT))?;
            self.store(&part, Durability::Buffered)?;
            durable.extend(part.into_iter().filter_map(wanted_of));
        }
        let mut ops = side_ops(source, &batch);
        ops.extend(self.wanted_ops(wanted)?);
        self.store(&ops, Durability::Synced)?;
        if let Some(outbox) = &self.messages {
            outbox.committed();
        }
        durable.extend(ops.into_iter().filter_map(wanted_of));
        metrics::committed(started.elapsed());
        Ok(durable)
    }

    /// Keys that become wanted, and what customers are told of the orders among them: all in one commit, so that neither
    /// is there without the other.
    fn wanted_ops(&self, wanted: impl IntoIterator<Item = (Key, Wanted)>) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for (key, wanted) in wanted {
            if wanted.position <= self.replayed_to
                && self.store.dirty(&key)?.is_some_and(|held| held.wanted.position > wanted.position)
            {
                continue;
            }
            if let (Some(outbox), Value::Order(order)) = (&self.messages, &wanted.value) {
                ops.extend(outbox.of_order(&key.id, order)?);
            }
            let doubtful = self.doubtful.contains(&key);
            ops.push(Op::Want { key, dirty: Dirty { doubtful, ..Dirty::fresh(wanted) } });
        }
        Ok(ops)
    }

    /// Rows go to the store at once (they are committed in Live, and writing them twice changes nothing);
    /// wanted values wait unseen until the transaction ends.
    fn spill(&self, batch: Batch) -> Result<(), StoreError> {
        self.store(&side_ops("", &batch), Durability::Buffered)?;
        self.store.spill(batch.wanted)
    }

    async fn unspill(&self, source: &str, batch: Batch) -> Result<Durable, StoreError> {
        // The last part first into the spill, so that each key is there once, with its newest value.
        let mut batch = batch;
        self.store.spill(std::mem::take(&mut batch.wanted))?;
        let mut after = None;
        loop {
            let part = self.store.spilled(after.as_ref(), KEYS_PER_COMMIT)?;
            let Some((last, _)) = part.last() else { break };
            after = Some(last.clone());
            let ops = self.wanted_ops(part)?;
            self.store(&ops, Durability::Buffered)?;
            self.hand_over(ops.into_iter().filter_map(wanted_of).collect()).await;
        }
        // The position comes last, as above.
        self.commit(source, batch)?;
        self.store.clear_spill()?;
        Ok(Durable::new())
    }

    async fn hand_over(&self, durable: Durable) {
        if !durable.is_empty() && self.durable.send(durable).await.is_err() {
            debug!("the dispatcher has stopped; the keys wait in the ledger");
        }
    }
}

fn wanted_of(op: Op) -> Option<(Key, Wanted)> {
    match op {
        Op::Want { key, dirty } => Some((key, dirty.wanted)),
        _ => None,
    }
}

/// Everything of a batch that is not a wanted key.
fn side_ops(source: &str, batch: &Batch) -> Vec<Op> {
    let rows = batch.rows.iter().map(|(key, value)| match value {
        Some(value) => Op::PutRow { key: key.clone(), value: value.clone() },
        None => Op::DeleteRow { key: key.clone() },
    });
    let mut ops: Vec<Op> = rows.collect();
    ops.extend(batch.refreshed.iter().map(|due| Op::DeleteRefresh { key: due.encode() }));
    ops.extend(batch.due.iter().map(|due| Op::PutRefresh { key: due.encode(), value: Vec::new() }));
    ops.extend(
        batch.notes.iter().map(|(name, value)| Op::PutMeta { name: name.clone(), value: value.clone() }),
    );
    if let Some(progress) = &batch.progress {
        ops.push(Op::PutMeta { name: Progress::entry(source), value: Store::encode(progress) });
    }
    ops
}
