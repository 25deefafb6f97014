//! Reads change tables without remembering a place in them: takes what is visible, makes it durable, deletes
//! exactly that.
//!
//! # One round
//!
//! 1. Take the **bound**: a number that every change written from now on exceeds.
//! 2. Read all change tables up to the bound, in pages, merged by number; rows of open transactions are not
//!    visible (or locked) and are passed over.
//! 3. Hand them to the writer of the ledger, as the next **batch** of our own count.
//! 4. When they are durable, **delete** exactly the rows read, ascending.
//!
//! # Why nothing is lost, and nothing goes backwards
//!
//! *No loss.* A row that was not read stays. A row that was read goes only when the ledger has it on disk; a
//! crash in between has it read again.
//!
//! *No standstill.* A transaction that stays open holds back its own rows and nobody else's.
//!
//! *The order of one key.* Two writers of one row of Live wait for each other. So if `a < b` are changes of one
//! key by two transactions, that of `a` was committed before `b` was written. Let a round read `b`. Then
//! `b ≤ bound`, so `b` was written before the bound was taken, so `a` was visible in every page of the round,
//! and the pages are in ascending order: `a` was read before, in this round or an earlier one. Without the bound
//! a round can pass `a` while its transaction is open, and meet `b`, written afterwards, further on.
//!
//! *After a crash.* All changes of one key stand in one change table, and deletes ascend in it. What is left
//! of a key's changes after a crash between two deletes is therefore a tail: read again, it ends with the
//! same value as before. If deletes did not ascend, what is left could be an older change alone.
//!
//! *The version in the ledger* is the count of our batches and not the number of the change. A transaction
//! that stays open for an hour leaves a change with an old number, made visible after the row was loaded by
//! a chunk of a first load; by its number it would pass for stale. By our count, what is read later is newer,
//! and per key that is true.
//!
//! *Chunks of a load* come in after a round that began when they had been read (see
//! [`Watermark::NextRound`]): whatever a chunk has seen, that round has brought, so that a key of the chunk that
//! the stream did not touch cannot be overtaken by an older change, and one that it did touch yields.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::core::entity::Entity;
use crate::core::poll::{Found, PollLimits, next_pause};
use crate::core::position::{Incarnation, Position};
use crate::core::row::{Cell, RowChange, Transaction};
use crate::source::context::Context;
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::reconcile::visibility::Watermark;
use crate::source::window::Progress;
use crate::store::Store;

use super::capture::{CaptureError, faults_entry, highest_entry};
use super::dialect::{ChangeNumber, ChangeRow, ChangeTable, Dialect, Health, Op};
use super::merge::Merge;

/// How a drain works.
#[derive(Debug, Clone, Copy)]
pub struct DrainSettings {
    /// Rows of one table fetched at once.
    pub page_rows: usize,
    /// Rows of one round: what is durable together, and read again after a crash.
    pub round_rows: usize,
    /// Rows deleted by one statement. SQL Server would lock the whole table from 5,000 on.
    pub delete_rows: usize,
    pub poll: PollLimits,
    /// Between two looks at triggers, backlog and identity.
    pub health_interval: Duration,
    #[doc(hidden)]
    pub rules: Rules,
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self {
            page_rows: 1_000,
            round_rows: 10_000,
            delete_rows: 4_000,
            poll: PollLimits { min: Duration::from_millis(20), max: Duration::from_secs(1) },
            health_interval: Duration::from_secs(10),
            rules: Rules::default(),
        }
    }
}

/// What the proofs above stand on. All of them hold; a test takes one out to show what then goes wrong.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub bound_first: bool,
    pub delete_only_after_durable: bool,
    pub ascending_deletes: bool,
    pub versions_count_batches: bool,
    pub chunks_wait_for_a_round: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            bound_first: true,
            delete_only_after_durable: true,
            ascending_deletes: true,
            versions_count_batches: true,
            chunks_wait_for_a_round: true,
        }
    }
}

/// One connection's life: change tables into the ledger.
pub(super) struct Drain<'a, D> {
    context: &'a Context,
    settings: &'a DrainSettings,
    dialect: D,
    intake: Intake<'a>,
    /// As they are announced to the mapping: without columns that Live does not have at the moment.
    tables: Vec<ChangeTable>,
    /// Mapped columns that Live does not have, by table.
    missing: Vec<Vec<String>>,
    /// Batches handed over so far.
    batch: Position,
    /// Rows that were read and are still in their tables.
    read: Vec<(usize, ChangeNumber)>,
    /// What the drain must have passed before the waiting chunk may come in.
    chunk_bound: Option<ChangeNumber>,
    /// Transactions that were open when another installation was noticed and have not ended since.
    settling: Option<Vec<String>>,
    /// Capture is known to be incomplete (a disabled trigger).
    incomplete: bool,
    /// A change came that the trigger could not write down.
    missed: bool,
}

impl<'a, D: Dialect> Drain<'a, D> {
    pub(super) fn new(
        context: &'a Context,
        settings: &'a DrainSettings,
        dialect: D,
        intake: Intake<'a>,
        progress: Progress,
    ) -> Result<Self, CaptureError> {
        let tables = dialect.tables().to_vec();
        let incomplete = context.store.meta(&faults_entry(&context.name))?.unwrap_or(false);
        let mut drain = Self {
            context,
            settings,
            dialect,
            intake,
            missing: vec![Vec::new(); tables.len()],
            tables,
            batch: progress.position,
            read: Vec::new(),
            chunk_bound: None,
            settling: None,
            incomplete,
            missed: false,
        };
        drain.announce();
        Ok(drain)
    }

    /// Drains until `stop`, or until something breaks.
    pub(super) async fn run(
        mut self,
        asks: &mut mpsc::Receiver<Ask>,
        stop: &CancellationToken,
    ) -> Result<(), CaptureError> {
        let mut health = tokio::time::interval(self.settings.health_interval);
        health.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = Duration::ZERO;
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = health.tick() => self.look_after().await?,
                Some(ask) = asks.recv(), if self.intake.takes_asks() => self.intake.answer(ask),
                () = tokio::time::sleep_until(next) => {}
            }
            match self.intake.awaited() {
                Some(Watermark::None) => self.intake.apply_chunk(self.next_batch()),
                Some(Watermark::NextRound) if !self.settings.rules.chunks_wait_for_a_round => {
                    self.intake.apply_chunk(self.next_batch());
                }
                // A chunk waits: Live's rows are held back by nothing but us.
                Some(Watermark::NextRound) => next = Instant::now(),
                // No reader beside change tables asks for it.
                Some(Watermark::Position(_)) | None => {}
            }
            let due = next <= Instant::now();
            if due {
                let began = Instant::now();
                let found = self.round().await?;
                self.commit(asks).await?;
                pause = next_pause(pause, found, began.elapsed(), self.settings.poll);
                next = Instant::now() + pause;
            } else {
                self.commit(asks).await?;
            }
            if std::mem::take(&mut self.missed) {
                self.look_after().await?;
            }
        }
        self.intake.publish(self.batch, self.intake.durable());
        Ok(())
    }

    /// Reads what is visible into the open window.
    async fn round(&mut self) -> Result<Found, CaptureError> {
        let taken = self.dialect.bound().await?;
        let bound = if self.settings.rules.bound_first { taken } else { ChangeNumber::MAX };
        if self.intake.awaited() == Some(Watermark::NextRound) {
            self.chunk_bound.get_or_insert(bound);
        }
        let mut merge = Merge::new(self.tables.len(), bound, self.settings.page_rows);
        let mut last = ChangeNumber::MIN;
        let cut = loop {
            let whole = self.read.last().is_none_or(|(table, number)| !merge.has_more_of(*table, *number));
            if whole && self.read.len() >= self.settings.round_rows {
                break true;
            }
            let asked = merge.wanted();
            if !asked.is_empty() {
                let pages = self.dialect.pages(&asked).await?;
                merge.fill(&asked, pages);
            }
            let Some((table, row)) = merge.pop() else { break false };
            last = row.number();
            self.read.push((table, last));
            self.take(table, &row);
        };
        if self.chunk_bound.is_some_and(|bound| !cut || last >= bound) {
            self.chunk_bound = None;
            let counted = self.settings.rules.versions_count_batches;
            let number = Position(taken.unsigned_abs());
            self.intake.apply_chunk(if counted { self.next_batch() } else { number });
        }
        if !self.read.is_empty() {
            self.intake.note(highest_entry(&self.context.name), Store::encode(&taken));
        }
        Ok(match (cut, self.read.is_empty()) {
            (true, _) => Found::More,
            (false, true) => Found::Nothing,
            (false, false) => Found::Some,
        })
    }

    fn take(&mut self, index: usize, row: &D::Row) {
        let position = if self.settings.rules.versions_count_batches {
            self.next_batch()
        } else {
            Position(row.number().unsigned_abs())
        };
        let transaction = Transaction {
            position: self.intake.version(position),
            committed_at: row.captured_at(),
            // What a chunk has seen is not known here: see `Seen::Unknown`.
            xid: 0,
        };
        self.intake.seen_at(transaction.committed_at);
        let table = &self.tables[index];
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(table.stored.len());
        let id = table.relation.id;
        match row.op() {
            Op::Upsert => {
                row.cells(table, &mut cells);
                self.intake.row(id, &RowChange::Insert { new: &cells }, &transaction);
            }
            Op::Delete => {
                row.cells(table, &mut cells);
                self.intake.row(id, &RowChange::Delete { old: &cells }, &transaction);
            }
            Op::Truncate => self.intake.truncate(id, &transaction),
            Op::Missed => {
                self.missed = true;
                for entity in table.role.needed_by() {
                    self.intake.reconcile(*entity, "a change could not be captured");
                }
            }
        }
    }

    /// Makes the open window durable, and deletes what it came from.
    async fn commit(&mut self, asks: &mut mpsc::Receiver<Ask>) -> Result<(), CaptureError> {
        if self.intake.is_idle() && self.read.is_empty() {
            return Ok(());
        }
        if !self.settings.rules.delete_only_after_durable {
            self.delete_read().await?;
        }
        self.batch = self.next_batch();
        self.intake.hand_over(self.batch).await?;
        loop {
            tokio::select! {
                biased;
                done = self.intake.done() => break self.intake.made_durable(done)?,
                Some(ask) = asks.recv(), if self.intake.takes_asks() => self.intake.answer(ask),
            }
        }
        self.intake.publish(self.batch, self.intake.durable());
        self.delete_read().await
    }

    async fn delete_read(&mut self) -> Result<(), CaptureError> {
        let mut by_table = vec![Vec::new(); self.tables.len()];
        for (table, number) in std::mem::take(&mut self.read) {
            by_table[table].push(number);
        }
        for (table, mut numbers) in by_table.into_iter().enumerate() {
            numbers.dedup();
            if !self.settings.rules.ascending_deletes {
                numbers.reverse();
            }
            // One after the other: a later one must not happen without an earlier one.
            for part in numbers.chunks(self.settings.delete_rows) {
                self.dialect.delete(table, part).await?;
            }
        }
        Ok(())
    }

    const fn next_batch(&self) -> Position {
        Position(self.batch.0 + 1)
    }

    /// Looks at what could keep changes from us.
    async fn look_after(&mut self) -> Result<(), CaptureError> {
        let health = self.dialect.health().await?;
        self.look_for_another_life(&health);
        self.look_for_faults(&health);
        if health.missing != self.missing {
            self.missing.clone_from(&health.missing);
            self.announce();
        }
        let mut faults = health.faults;
        if !health.identity.capturing {
            faults.push(
                "capture is switched off in Live: UPDATE mare.control SET capture = true, when whoever switched it \
                 off agrees; everything is compared then"
                    .to_owned(),
            );
        }
        self.context.status.update(|facts| {
            facts.waiting_rows = Some(health.waiting);
            facts.oldest_waiting = health.oldest;
            facts.faults = faults;
        });
        Ok(())
    }

    /// Capture was installed again, or switched off for a while: changes are missing, and transactions that
    /// began before may still bring values that nobody captured. When the last of them has ended, everything
    /// is compared.
    fn look_for_another_life(&mut self, health: &Health) {
        let known = self.intake.incarnation();
        if known.slot == health.identity.installation || !health.identity.capturing {
            self.settling = None;
            return;
        }
        let open = self.settling.get_or_insert_with(|| health.open.clone());
        open.retain(|transaction| health.open.contains(transaction));
        if !open.is_empty() {
            return;
        }
        self.settling = None;
        let incarnation = Incarnation { slot: health.identity.installation.clone(), ..known.clone() };
        self.intake.belongs_to(incarnation);
        self.compare_all("capture was installed again or had been switched off");
    }

    /// A trigger that was missing or disabled is back: what happened meanwhile is found by comparing.
    fn look_for_faults(&mut self, health: &Health) {
        let incomplete = !health.faults.is_empty();
        if incomplete == self.incomplete {
            return;
        }
        self.incomplete = incomplete;
        self.intake.note(faults_entry(&self.context.name), Store::encode(&incomplete));
        if incomplete {
            for fault in &health.faults {
                warn!(source = %self.context.name, fault, "changes are not captured");
            }
        } else {
            self.compare_all("a trigger had been missing or disabled");
        }
    }

    fn compare_all(&mut self, why: &str) {
        error!(source = %self.context.name, why, "changes may have been missed; everything is compared with Live again");
        for entity in Entity::SWITCHED {
            self.intake.reconcile(entity, why);
        }
    }

    /// Tells the mapping which columns there are.
    fn announce(&mut self) {
        self.tables = self.dialect.tables().to_vec();
        for (table, missing) in self.tables.iter_mut().zip(&self.missing) {
            let there: Vec<bool> = table
                .relation
                .columns
                .iter()
                .map(|column| !missing.iter().any(|name| column.name == *name))
                .collect();
            let mut keep = there.iter();
            table.relation.columns.retain(|_| *keep.next().unwrap_or(&true));
            let mut keep = there.iter();
            table.stored.retain(|_| *keep.next().unwrap_or(&true));
            self.intake.announce(&table.relation);
        }
    }
}
