//! One connection's life: the stream of a slot into the ledger.
//!
//! One task owns the connection, the mapping and the open window. It reads while the writer syncs, so that
//! a commit takes whatever arrived during the one before. It answers keepalives whatever else happens, and
//! confirms nothing that is not in the ledger. A session that ends is thrown away whole: the next begins
//! with what the ledger holds, and Postgres sends the rest again.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::core::position::Position;
use crate::core::record::Cause;
use crate::core::row::{Cell, Relation, Transaction};
use crate::core::time::Timestamp;
use crate::mapping::{Announced, Effect, Mapper};
use crate::source::reconcile::gate::Gate;
use crate::source::reconcile::{Applied, Ask, Chunk, apply};
use crate::source::window::{Handover, Progress, Window, Work, version};
use crate::store::StoreError;

use super::capture::{Capture, CaptureError};
use super::pgoutput::{self, Message};
use super::wire::{Frame, Stream};

/// The prefix of our own messages in the WAL.
pub(super) const MESSAGE_PREFIX: &str = "mare";

/// How often the position is reported to Postgres at least. Its own client does it every 10 s and the
/// server gives up after 60 (`wal_sender_timeout`); an administrator may have set less.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How often an idle position, moved only by WAL that is not ours, is written to the ledger.
const IDLE_COMMIT_INTERVAL: Duration = Duration::from_secs(5);

/// A batch that the writer is working on.
struct Handed {
    done: oneshot::Receiver<Result<(), StoreError>>,
    /// `None`: a part of a transaction; the position stays.
    end: Option<Position>,
    /// Told when it is durable.
    answers: Vec<(Applied, oneshot::Sender<Applied>)>,
}

pub(super) struct Session<'a> {
    capture: &'a Capture,
    stop: &'a CancellationToken,
    mapper: Mapper,
    window: Window,
    gate: Gate,
    effects: Vec<Effect>,
    cells: Vec<Cell<'static>>,
    /// What the next commit stores; its position is that of the last commit.
    progress: Progress,
    /// The transaction that is being read.
    open: Option<Transaction>,
    /// Everything before has been read and, if ours, is in the window or the ledger.
    taken: Position,
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

impl<'a> Session<'a> {
    pub(super) fn new(
        capture: &'a Capture,
        stop: &'a CancellationToken,
        mapper: Mapper,
        progress: Progress,
    ) -> Self {
        let position = progress.position;
        Self {
            capture,
            stop,
            mapper,
            window: Window::default(),
            gate: Gate::default(),
            effects: Vec::new(),
            cells: Vec::new(),
            progress,
            open: None,
            taken: position,
            durable: position,
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

    /// Reads until `stop`, or until something breaks.
    pub(super) async fn run(
        mut self,
        mut stream: Stream,
        asks: &mut mpsc::Receiver<Ask>,
    ) -> Result<(), CaptureError> {
        let mut report = tokio::time::interval(REPORT_INTERVAL);
        report.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let may_read = self.may_read();
            tokio::select! {
                biased;
                // 1: an orderly end beats everything.
                () = self.stop.cancelled() => break,
                // 2: what became durable is confirmed at once; it frees WAL in Live.
                result = handed_done(&mut self.handed) => {
                    self.durable(result)?;
                    self.report(&mut stream, false).await?;
                }
                // 3: the server must hear from us, even while nothing is read.
                _ = report.tick() => self.report(&mut stream, false).await?,
                // 4: reconcile and the operators.
                Some(ask) = asks.recv(), if self.chunk.is_none() => self.answer(ask),
                // 5: the stream.
                filled = stream.fill(), if may_read => {
                    filled?;
                    if self.read(&mut stream)? {
                        self.report(&mut stream, false).await?;
                    }
                }
            }
            // Frames stay in the buffer while memory is short; take them as soon as it is not.
            if !may_read && self.may_read() && self.read(&mut stream)? {
                self.report(&mut stream, false).await?;
            }
            self.apply_chunk();
            self.hand_over().await?;
        }
        self.finish(stream).await
    }

    /// Memory for more: otherwise Postgres has to wait, and only for our disk.
    fn may_read(&self) -> bool {
        self.window.bytes() < self.capture.settings.memory_bytes
    }

    /// Takes every whole frame from the buffer; true when the server wants an answer.
    fn read(&mut self, stream: &mut Stream) -> Result<bool, CaptureError> {
        let mut answer = false;
        let mut server = Position::ZERO;
        while self.may_read() {
            match stream.next_frame()? {
                None => break,
                Some(Frame::Data { end, payload, .. }) => {
                    server = server.max(end);
                    self.message(payload)?;
                }
                Some(Frame::Keepalive { end, reply_requested, .. }) => {
                    server = server.max(end);
                    answer |= reply_requested;
                    // Everything up to here was sent: what is not in our hands was not for us.
                    if self.open.is_none() {
                        self.taken = self.taken.max(end);
                    }
                }
            }
        }
        self.publish(server);
        Ok(answer)
    }

    fn message(&mut self, payload: &[u8]) -> Result<(), CaptureError> {
        let mut cells = pgoutput::recycle(std::mem::take(&mut self.cells));
        let message = pgoutput::decode(payload, &mut cells)?;
        self.handle(message)?;
        self.cells = pgoutput::recycle(cells);
        Ok(())
    }

    fn handle(&mut self, message: Message<'_>) -> Result<(), CaptureError> {
        match message {
            Message::Begin(begin) => {
                let transaction = Transaction {
                    position: version(self.progress.generation, begin.final_lsn),
                    committed_at: begin.committed_at,
                    xid: begin.xid,
                };
                self.open = Some(transaction);
            }
            Message::Commit(commit) => self.commit(commit.end_lsn),
            Message::Relation { relation, .. } => self.announce(&relation),
            Message::Row { relation, change } => {
                let transaction = self.open.ok_or(CaptureError::OutsideTransaction)?;
                self.changes += 1;
                let view = self.window.view(&self.capture.store);
                let mapped =
                    self.mapper.change(relation, &change, transaction.committed_at, &view, &mut self.effects);
                if let Err(error) = mapped {
                    debug!(source = %self.capture.settings.name, %error, "a row was refused");
                }
                self.take_effects(&transaction);
            }
            Message::Truncate { relations, .. } => {
                let transaction = self.open.ok_or(CaptureError::OutsideTransaction)?;
                for relation in relations.iter() {
                    self.mapper.truncate(relation, &mut self.effects);
                }
                self.take_effects(&transaction);
            }
            Message::Logical(message) if message.prefix == MESSAGE_PREFIX => {
                self.heartbeat(message.content);
            }
            Message::Logical(_) | Message::Origin { .. } | Message::Type { .. } => {}
        }
        Ok(())
    }

    fn take_effects(&mut self, transaction: &Transaction) {
        for effect in self.effects.drain(..) {
            if self.gate.is_open() {
                self.gate.note(&effect, transaction.xid);
            }
            self.window.take(effect, transaction, Cause::Change);
        }
    }

    fn commit(&mut self, end: Position) {
        if let Some(transaction) = self.open.take() {
            self.gate.streamed(transaction.xid);
            self.transactions += 1;
            self.last_commit = Some(transaction.committed_at);
        }
        self.taken = self.taken.max(end);
    }

    fn announce(&mut self, relation: &Relation) {
        if let Announced::Paused(pauses) = self.mapper.announce(relation) {
            for (entity, reason) in &pauses {
                warn!(source = %self.capture.settings.name, %entity, reason, "entity paused");
                self.capture.reconcile_later(&mut self.window, *entity, "its columns were not as mapped");
            }
        }
        let paused = self.mapper.paused().into_iter().collect();
        self.capture.status.update(|facts| facts.paused = paused);
    }

    fn heartbeat(&mut self, content: &[u8]) {
        let now = (self.capture.now)();
        let sent = std::str::from_utf8(content).ok().and_then(|text| text.parse().ok()).map(Timestamp);
        if let Some(sent) = sent {
            let round_trip = sent.until(now).as_secs_f64();
            self.capture.status.update(|facts| facts.heartbeat_seconds = Some(round_trip));
            self.last_commit = Some(sent);
        }
    }

    /// Hands the window to the writer, if it is free and there is something to hand.
    async fn hand_over(&mut self) -> Result<(), CaptureError> {
        if self.handed.is_some() {
            return Ok(());
        }
        let work = if self.open.is_some() {
            if self.may_read() {
                return Ok(());
            }
            // In the middle of a transaction that is too large for memory.
            info!(source = %self.capture.settings.name, "large transaction: a part of it goes to disk");
            self.spilled = true;
            Work::Spill(self.window.close(None))
        } else {
            let idle = self.window.is_empty() && !self.spilled;
            if idle {
                // A chunk that changed nothing has nothing to wait for.
                tell(std::mem::take(&mut self.answers));
            }
            if idle && (self.taken <= self.durable || self.durable_at.elapsed() < IDLE_COMMIT_INTERVAL) {
                return Ok(());
            }
            for (entity, reason) in self.window.take_reconcile() {
                self.capture.reconcile_later(&mut self.window, entity, reason);
            }
            self.progress.position = self.taken;
            let batch = self.window.close(Some(self.progress.clone()));
            if std::mem::take(&mut self.spilled) { Work::Unspill(batch) } else { Work::Changes(batch) }
        };
        let end = (!matches!(work, Work::Spill(_))).then_some(self.taken);
        let answers = std::mem::take(&mut self.answers);
        let (done, receiver) = oneshot::channel();
        self.handed = Some(Handed { done: receiver, end, answers });
        let handover = Handover { source: self.capture.settings.name.clone(), work, done };
        self.capture.writer.send(handover).await.map_err(|_| CaptureError::WriterEnded)
    }

    fn durable(
        &mut self,
        result: Result<Result<(), StoreError>, oneshot::error::RecvError>,
    ) -> Result<(), CaptureError> {
        let handed = self.handed.take();
        result.map_err(|_| CaptureError::WriterEnded)??;
        let Some(Handed { end, answers, .. }) = handed else { return Ok(()) };
        tell(answers);
        if let Some(end) = end {
            self.durable = end;
            self.durable_at = Instant::now();
            self.capture.wake_repair();
        }
        self.publish(Position::ZERO);
        Ok(())
    }

    /// Nothing of ours up to here is missing in the ledger.
    fn settled(&self) -> Position {
        let pending = self.open.is_some() || self.spilled || self.handed.is_some() || !self.window.is_empty();
        if pending { self.durable } else { self.taken }
    }

    async fn report(&self, stream: &mut Stream, reply: bool) -> Result<(), CaptureError> {
        let now = (self.capture.now)();
        stream.send_status(self.taken, self.durable, self.durable, reply, now).await?;
        Ok(())
    }

    fn publish(&mut self, server: Position) {
        let coalesced = self.window.take_coalesced();
        let (changes, transactions) =
            (std::mem::take(&mut self.changes), std::mem::take(&mut self.transactions));
        let (durable, settled, last_commit) = (self.durable, self.settled(), self.last_commit);
        let rows = self.mapper.counts();
        self.capture.status.update(|facts| {
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

    fn answer(&mut self, ask: Ask) {
        // Whoever asked may have gone away; the answer is then not needed.
        match ask {
            Ask::Open(done) => {
                self.gate.open();
                let _ = done.send(());
            }
            Ask::Apply(chunk, done) => self.chunk = Some((*chunk, done)),
            Ask::Look(look) => look(&self.mapper),
            Ask::Explain(key, reply) => {
                let view = self.window.view(&self.capture.store);
                let _ = reply.send(self.mapper.explain(&key, &view));
            }
        }
    }

    /// Lets the waiting chunk in, once the stream has passed its high watermark and all that came before
    /// is in the ledger.
    fn apply_chunk(&mut self) {
        let ready = self.handed.is_none()
            && self.open.is_none()
            && self.chunk.as_ref().is_some_and(|(chunk, _)| chunk.high <= self.taken);
        if !ready {
            return;
        }
        let Some((chunk, done)) = self.chunk.take() else { return };
        let transaction = Transaction {
            position: version(self.progress.generation, self.taken),
            committed_at: chunk.read_at,
            xid: 0,
        };
        let applied =
            apply(chunk, &transaction, &mut self.mapper, &mut self.window, &self.gate, &self.capture.store);
        self.gate.close();
        self.answers.push((applied, done));
    }

    /// Confirms what is durable and leaves. What is read and not durable is read again next time.
    async fn finish(mut self, mut stream: Stream) -> Result<(), CaptureError> {
        if self.open.is_none() {
            if self.handed.is_some() {
                let result = handed_done(&mut self.handed).await;
                self.durable(result)?;
            }
            self.hand_over().await?;
        }
        if self.handed.is_some() {
            let result = handed_done(&mut self.handed).await;
            self.durable(result)?;
        }
        self.report(&mut stream, false).await?;
        self.publish(Position::ZERO);
        stream.stop().await;
        Ok(())
    }
}

/// Whoever asked may have gone away.
fn tell(answers: Vec<(Applied, oneshot::Sender<Applied>)>) {
    for (applied, done) in answers {
        let _ = done.send(applied);
    }
}

async fn handed_done(
    handed: &mut Option<Handed>,
) -> Result<Result<(), StoreError>, oneshot::error::RecvError> {
    match handed {
        Some(handed) => (&mut handed.done).await,
        None => std::future::pending().await,
    }
}
