//! From rows to the ledger: what every source does with what it reads.
//!
//! The intake owns the mapping and the open window. A source feeds it rows; it maps them, coalesces them by
//! key, lets chunks of a load in at the right place, and hands the window to the writer. The source says
//! when: only it knows what its positions mean.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use crate::core::entity::Entity;
use crate::core::position::{Incarnation, Position};
use crate::core::record::Cause;
use crate::core::row::{Relation, RowChange, Transaction};
use crate::core::time::Timestamp;
use crate::mapping::{Announced, Effect, Mapper};
use crate::store::StoreError;

use super::context::{Context, HandoverError};
use super::reconcile::gate::Gate;
use super::reconcile::visibility::Watermark;
use super::reconcile::{Applied, Ask, Chunk, apply};
use super::window::{Progress, Window, Work, version};

/// What the writer says about a batch.
pub(super) type Done = Result<Result<(), StoreError>, oneshot::error::RecvError>;

/// A batch that the writer is working on.
struct Handed {
    done: oneshot::Receiver<Result<(), StoreError>>,
    /// `None`: a part of a transaction; the position stays.
    end: Option<Position>,
    /// Told when it is durable.
    answers: Vec<(Applied, oneshot::Sender<Applied>)>,
}

/// Everything between the rows of one session and the ledger.
pub(super) struct Intake<'a> {
    context: &'a Context,
    mapper: Mapper,
    window: Window,
    gate: Gate,
    effects: Vec<Effect>,
    /// What the next commit stores; its position is that of the last commit.
    progress: Progress,
    durable: Position,
    durable_at: Instant,
    handed: Option<Handed>,
    /// Parts of the open transaction are in the spill.
    spilled: bool,
    chunk: Option<(Chunk, oneshot::Sender<Applied>)>,
    /// Chunks in the open window; told when it is durable.
    answers: Vec<(Applied, oneshot::Sender<Applied>)>,
    changes: u64,
    transactions: u64,
    last_commit: Option<Timestamp>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(context: &'a Context, mapper: Mapper, progress: Progress) -> Self {
        Self {
            context,
            mapper,
            window: Window::default(),
            gate: Gate::default(),
            effects: Vec::new(),
            durable: progress.position,
            progress,
            durable_at: Instant::now(),
            handed: None,
            spilled: false,
            chunk: None,
            answers: Vec::new(),
            changes: 0,
            transactions: 0,
            last_commit: None,
        }
    }

    /// The version of what is committed at `position`.
    pub(super) fn version(&self, position: Position) -> Position {
        version(self.progress.generation, position)
    }

    /// Everything up to here is in the ledger.
    pub(super) const fn durable(&self) -> Position {
        self.durable
    }

    /// How long ago something became durable.
    pub(super) fn quiet_for(&self) -> Duration {
        self.durable_at.elapsed()
    }

    /// Roughly the memory held by the open window, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.window.bytes()
    }

    /// Learns the columns of a table, before its first row and whenever they change.
    pub(super) fn announce(&mut self, relation: &Relation) {
        if let Announced::Paused(pauses) = self.mapper.announce(relation) {
            for (entity, reason) in &pauses {
                warn!(source = %self.context.name, %entity, reason, "entity paused");
                self.context.reconcile_later(&mut self.window, *entity, "its columns were not as mapped");
            }
        }
        let paused = self.mapper.paused().into_iter().collect();
        self.context.status.update(|facts| facts.paused = paused);
    }

    /// Whether what we wrote into a table ourselves is to be taken in.
    pub(super) fn takes_own_writes(&self, relation: u32) -> bool {
        self.mapper.captures_own_writes(relation)
    }

    /// Takes a changed row in. A row that the mapping refuses is counted there and stops nothing.
    pub(super) fn row(&mut self, relation: u32, change: &RowChange<'_>, transaction: &Transaction) {
        self.changes += 1;
        let view = self.window.view(&self.context.store);
        let mapped = self.mapper.change(relation, change, transaction.committed_at, &view, &mut self.effects);
        if let Err(error) = mapped {
            debug!(source = %self.context.name, %error, "a row was refused");
        }
        self.take_effects(transaction);
    }

    /// All rows of a table are gone, or what became of them is unknown: it must be compared.
    pub(super) fn truncate(&mut self, relation: u32, transaction: &Transaction) {
        self.mapper.truncate(relation, &mut self.effects);
        self.take_effects(transaction);
    }

    fn take_effects(&mut self, transaction: &Transaction) {
        for effect in self.effects.drain(..) {
            let effect = self.window.resolve(effect, &self.context.store);
            if self.gate.is_open() {
                self.gate.note(&effect, transaction.xid);
            }
            self.window.take(effect, transaction, Cause::Change);
        }
    }

    /// A transaction has been read to its end.
    pub(super) fn committed(&mut self, transaction: &Transaction) {
        self.gate.streamed(transaction.xid);
        self.transactions += 1;
        self.seen_at(transaction.committed_at);
    }

    /// What was read last was committed then.
    pub(super) fn seen_at(&mut self, at: Timestamp) {
        self.last_commit = Some(at);
    }

    /// A named entry of the store, written with the open window.
    pub(super) fn note(&mut self, name: String, value: Vec<u8>) {
        self.window.note(name, value);
    }

    /// Has an entity compared as a whole.
    pub(super) fn reconcile(&mut self, entity: Entity, why: &str) {
        self.context.reconcile_later(&mut self.window, entity, why);
    }

    /// From the next commit on, the progress belongs to another life of the source.
    pub(super) fn belongs_to(&mut self, incarnation: Incarnation) {
        self.progress.incarnation = incarnation;
    }

    /// Which life of the source the progress belongs to.
    pub(super) const fn incarnation(&self) -> &Incarnation {
        &self.progress.incarnation
    }

    /// Whether the next question can be taken: one chunk at a time.
    pub(super) const fn takes_asks(&self) -> bool {
        self.chunk.is_none()
    }

    pub(super) fn answer(&mut self, ask: Ask) {
        // Whoever asked may have gone away; the answer is then not needed.
        match ask {
            Ask::Open(done) => {
                self.gate.open();
                let _ = done.send(());
            }
            Ask::Apply(chunk, done) => self.chunk = Some((*chunk, done)),
            Ask::Look(look) => look(&self.mapper),
            Ask::Explain(key, reply) => {
                let view = self.window.view(&self.context.store);
                let _ = reply.send(self.mapper.explain(&key, &view));
            }
        }
    }

    /// What the waiting chunk waits for. `None`: there is no chunk, or what came before it is not in the
    /// ledger yet.
    pub(super) fn awaited(&self) -> Option<Watermark> {
        if self.handed.is_some() {
            return None;
        }
        self.chunk.as_ref().map(|(chunk, _)| chunk.watermark)
    }

    /// Lets the waiting chunk in. The stream must have passed its watermark.
    pub(super) fn apply_chunk(&mut self, position: Position) {
        debug_assert!(self.handed.is_none(), "what came before must be in the ledger");
        let Some((chunk, done)) = self.chunk.take() else { return };
        let transaction =
            Transaction { position: self.version(position), committed_at: chunk.read_at, xid: 0 };
        let store = &self.context.store;
        let applied = apply(chunk, &transaction, &mut self.mapper, &mut self.window, &self.gate, store);
        self.gate.close();
        self.answers.push((applied, done));
    }

    /// Whether the writer is working on a batch: one at a time, what arrives meanwhile coalesces.
    pub(super) const fn is_handed(&self) -> bool {
        self.handed.is_some()
    }

    /// Whether there is nothing to hand over. A chunk that changed nothing has nothing to wait for either,
    /// and is answered.
    pub(super) fn is_idle(&mut self) -> bool {
        let idle = self.window.is_empty() && !self.spilled;
        if idle {
            tell(std::mem::take(&mut self.answers));
        }
        idle
    }

    /// Hands the window to the writer, with `end` as the new position.
    pub(super) async fn hand_over(&mut self, end: Position) -> Result<(), HandoverError> {
        for (entity, reason) in self.window.take_reconcile() {
            self.context.reconcile_later(&mut self.window, entity, reason);
        }
        self.progress.position = end;
        let batch = self.window.close(Some(self.progress.clone()));
        let spilled = std::mem::take(&mut self.spilled);
        self.hand(if spilled { Work::Unspill(batch) } else { Work::Changes(batch) }, Some(end)).await
    }

    /// Hands over a part of a transaction that is too large for memory: its keys stay unseen.
    pub(super) async fn spill(&mut self) -> Result<(), HandoverError> {
        info!(source = %self.context.name, "large transaction: a part of it goes to disk");
        self.spilled = true;
        let batch = self.window.close(None);
        self.hand(Work::Spill(batch), None).await
    }

    async fn hand(&mut self, work: Work, end: Option<Position>) -> Result<(), HandoverError> {
        let answers = std::mem::take(&mut self.answers);
        let (done, receiver) = oneshot::channel();
        self.handed = Some(Handed { done: receiver, end, answers });
        self.context.hand_over(work, done).await
    }

    /// Waits for the writer; for ever when it has nothing of ours. May be dropped at any moment.
    pub(super) async fn done(&mut self) -> Done {
        match &mut self.handed {
            Some(handed) => (&mut handed.done).await,
            None => std::future::pending().await,
        }
    }

    /// Takes in what [`Intake::done`] said.
    ///
    /// # Errors
    /// When the ledger could not be written.
    pub(super) fn made_durable(&mut self, done: Done) -> Result<(), HandoverError> {
        let handed = self.handed.take();
        done.map_err(|_| HandoverError::WriterEnded)??;
        let Some(Handed { end, answers, .. }) = handed else { return Ok(()) };
        tell(answers);
        if let Some(end) = end {
            self.durable = end;
            self.durable_at = Instant::now();
            self.context.repair.notify_one();
        }
        Ok(())
    }

    /// Whether something read is not in the ledger yet.
    pub(super) fn is_pending(&self) -> bool {
        self.spilled || self.handed.is_some() || !self.window.is_empty()
    }

    /// Tells the outside how far it is; `server` is the newest position that Live told us, and nothing of ours is
    /// missing in the ledger up to `settled`.
    pub(super) fn publish(&mut self, server: Position, settled: Position) {
        let coalesced = self.window.take_coalesced();
        let (changes, transactions) =
            (std::mem::take(&mut self.changes), std::mem::take(&mut self.transactions));
        let (durable, last_commit) = (self.durable, self.last_commit);
        let rows = self.mapper.counts();
        self.context.status.update(|facts| {
            facts.changes += changes;
            facts.transactions += transactions;
            facts.coalesced += coalesced;
            facts.durable = durable;
            facts.settled = settled;
            facts.server = facts.server.max(server);
            facts.last_commit = last_commit.or(facts.last_commit);
            facts.rows = rows;
        });
    }
}

/// Whoever asked may have gone away.
fn tell(answers: Vec<(Applied, oneshot::Sender<Applied>)>) {
    for (applied, done) in answers {
        let _ = done.send(applied);
    }
}
