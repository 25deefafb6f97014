//! One connection's life: the stream of a slot into the ledger.
//!
//! One task owns the connection and the intake. It reads while the writer syncs, so that a commit takes
//! whatever arrived during the one before. It answers keepalives whatever else happens, and confirms nothing
//! that is not in the ledger. A session that ends is thrown away whole: the next begins with what the
//! ledger holds, and Postgres sends the rest again.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::core::position::Position;
use crate::core::row::{Cell, Transaction};
use crate::core::time::Timestamp;
use crate::live::writer;
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::reconcile::visibility::Watermark;

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

pub(super) struct Session<'a> {
    capture: &'a Capture,
    stop: &'a CancellationToken,
    intake: Intake<'a>,
    cells: Vec<Cell<'static>>,
    /// The transaction that is being read.
    open: Option<Transaction>,
    /// It is one of our own (see [`crate::live::writer::Mark::Message`]).
    ours: bool,
    /// Everything before has been read and, if ours, is in the window or the ledger.
    taken: Position,
}

impl<'a> Session<'a> {
    pub(super) fn new(capture: &'a Capture, stop: &'a CancellationToken, intake: Intake<'a>) -> Self {
        let taken = intake.durable();
        Self { capture, stop, intake, cells: Vec::new(), open: None, ours: false, taken }
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
                done = self.intake.done() => {
                    self.intake.made_durable(done)?;
                    self.intake.publish(Position::ZERO, self.settled());
                    self.report(&mut stream, false).await?;
                }
                // 3: the server must hear from us, even while nothing is read.
                _ = report.tick() => self.report(&mut stream, false).await?,
                // 4: reconcile and the operators.
                Some(ask) = asks.recv(), if self.intake.takes_asks() => self.intake.answer(ask),
                // 5: the stream.
                filled = stream.fill(), if may_read => {
                    filled?;
                    if self.read(&mut stream).await? {
                        self.report(&mut stream, false).await?;
                    }
                }
            }
            // Frames stay in the buffer while memory is short; take them as soon as it is not.
            if !may_read && self.may_read() && self.read(&mut stream).await? {
                self.report(&mut stream, false).await?;
            }
            self.pass_on().await?;
        }
        self.finish(stream).await
    }

    /// Memory for more: otherwise Postgres has to wait, and only for our disk.
    fn may_read(&self) -> bool {
        self.intake.bytes() < self.capture.settings.memory_bytes
    }

    /// Takes every whole frame from the buffer; true when the server wants an answer.
    ///
    /// What can be passed on is passed on between two transactions, not only at the end of the buffer: while the stream is
    /// saturated, that end is nearly always in the middle of one.
    async fn read(&mut self, stream: &mut Stream) -> Result<bool, CaptureError> {
        let mut answer = false;
        let mut server = Position::ZERO;
        while self.may_read() {
            match stream.next_frame()? {
                None => break,
                Some(Frame::Data { end, payload, .. }) => {
                    server = server.max(end);
                    self.message(payload)?;
                    if self.open.is_none() && !self.intake.is_handed() {
                        self.pass_on().await?;
                    }
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
        self.intake.publish(server, self.settled());
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
                    position: self.intake.version(begin.final_lsn),
                    committed_at: begin.committed_at,
                    xid: begin.xid,
                };
                self.open = Some(transaction);
                self.ours = false;
            }
            Message::Commit(commit) => self.commit(commit.end_lsn),
            Message::Relation { relation, .. } => self.intake.announce(&relation),
            Message::Row { relation, change } => {
                let transaction = self.open.ok_or(CaptureError::OutsideTransaction)?;
                if !self.ours || self.intake.takes_own_writes(relation) {
                    self.intake.row(relation, &change, &transaction);
                }
            }
            Message::Truncate { relations, .. } => {
                let transaction = self.open.ok_or(CaptureError::OutsideTransaction)?;
                for relation in relations.iter() {
                    self.intake.truncate(relation, &transaction);
                }
            }
            Message::Logical(message) if message.prefix == MESSAGE_PREFIX => {
                self.heartbeat(message.content);
            }
            Message::Logical(message) if message.prefix == writer::MESSAGE_PREFIX => {
                self.ours = message.transactional && message.content == writer::ORIGIN.as_bytes();
            }
            Message::Logical(_) | Message::Origin { .. } | Message::Type { .. } => {}
        }
        Ok(())
    }

    fn commit(&mut self, end: Position) {
        if let Some(transaction) = self.open.take() {
            self.intake.committed(&transaction);
        }
        self.taken = self.taken.max(end);
    }

    fn heartbeat(&mut self, content: &[u8]) {
        let now = (self.capture.context.now)();
        let sent = std::str::from_utf8(content).ok().and_then(|text| text.parse().ok()).map(Timestamp);
        if let Some(sent) = sent {
            let round_trip = sent.until(now).as_secs_f64();
            self.capture.context.status.update(|facts| facts.heartbeat_seconds = Some(round_trip));
            self.intake.seen_at(sent);
        }
    }

    /// A chunk that may come in comes in, and the writer gets what it can take.
    async fn pass_on(&mut self) -> Result<(), CaptureError> {
        self.apply_chunk();
        self.hand_over().await
    }

    /// Hands the window to the writer, if it is free and there is something to hand.
    async fn hand_over(&mut self) -> Result<(), CaptureError> {
        if self.intake.is_handed() {
            return Ok(());
        }
        if self.open.is_some() {
            // In the middle of a transaction, maybe of one that is too large for memory.
            if !self.may_read() {
                self.intake.spill().await?;
            }
            return Ok(());
        }
        let moved = self.taken > self.intake.durable();
        if self.intake.is_idle() && !(moved && self.intake.quiet_for() >= IDLE_COMMIT_INTERVAL) {
            return Ok(());
        }
        Ok(self.intake.hand_over(self.taken).await?)
    }

    /// Nothing of ours up to here is missing in the ledger.
    fn settled(&self) -> Position {
        let pending = self.open.is_some() || self.intake.is_pending();
        if pending { self.intake.durable() } else { self.taken }
    }

    async fn report(&self, stream: &mut Stream, reply: bool) -> Result<(), CaptureError> {
        let now = (self.capture.context.now)();
        let durable = self.intake.durable();
        stream.send_status(self.taken, durable, durable, reply, now).await?;
        Ok(())
    }

    /// Lets the waiting chunk in, once the stream has passed its watermark and all that came before is in
    /// the ledger.
    fn apply_chunk(&mut self) {
        let ready = match self.intake.awaited() {
            Some(Watermark::Position(high)) => high <= self.taken,
            Some(Watermark::None) => true,
            // No reader beside a slot asks for it.
            Some(Watermark::NextRound) | None => false,
        };
        if ready && self.open.is_none() {
            self.intake.apply_chunk(self.taken);
        }
    }

    /// Confirms what is durable and leaves. What is read and not durable is read again next time.
    async fn finish(mut self, mut stream: Stream) -> Result<(), CaptureError> {
        if self.open.is_none() {
            self.settle().await?;
            self.hand_over().await?;
        }
        self.settle().await?;
        self.report(&mut stream, false).await?;
        self.intake.publish(Position::ZERO, self.settled());
        stream.stop().await;
        Ok(())
    }

    /// Waits for what the writer is working on.
    async fn settle(&mut self) -> Result<(), CaptureError> {
        if self.intake.is_handed() {
            let done = self.intake.done().await;
            self.intake.made_durable(done)?;
        }
        Ok(())
    }
}
