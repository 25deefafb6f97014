//! Reads what Live has numbered, round after round; see the [parent](super) for why that is complete.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::core::entity::Entity;
use crate::core::poll::{Found, PollLimits, next_pause};
use crate::core::position::Position;
use crate::core::row::{Cell, RowChange, Transaction};
use crate::core::time::Timestamp;
use crate::core::versions::{CompareSchedule, Gap, Marks, Stretch, Version, stretch};
use crate::source::context::Context;
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::reconcile::visibility::Watermark;
use crate::store::{Store, StoreError};

use super::super::capture::CaptureError;
use super::super::dialect::{ChangeTable, DialectError, Op};
use super::capture::{compared_entry, marks_entry, table_name};
use super::dialect::{Mode, Part, VersionRow, Versions};

/// How a reader works.
#[derive(Debug, Clone)]
pub struct VersionSettings {
    /// Rows that are made durable together, at least; a round of more is several commits.
    pub commit_rows: usize,
    pub poll: PollLimits,
    /// Between two looks at identity and what is held back. Marks that moved without a change are stored as often.
    pub health_interval: Duration,
    /// When everything is compared although nothing is known to be missing: how deletes are found where Live does not
    /// tell them. None: never.
    pub compare: Option<CompareSchedule>,
    #[doc(hidden)]
    pub rules: VersionRules,
}

impl Default for VersionSettings {
    fn default() -> Self {
        Self {
            commit_rows: 10_000,
            poll: PollLimits { min: Duration::from_millis(100), max: Duration::from_secs(1) },
            health_interval: Duration::from_secs(10),
            compare: None,
            rules: VersionRules::default(),
        }
    }
}

/// What completeness stands on. All of them hold; a test takes one out to show what then goes wrong.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct VersionRules {
    /// The version of the round is one below which nothing is open, and is taken before anything is read.
    pub bound_first: bool,
    /// Marks are stored with what was read, not before it.
    pub marks_last: bool,
    /// A table whose changes have been cleaned up is compared.
    pub minimum_checked: bool,
}

impl Default for VersionRules {
    fn default() -> Self {
        Self { bound_first: true, marks_last: true, minimum_checked: true }
    }
}

/// What came of reading one table.
struct Read {
    rows: usize,
    /// The highest version among them.
    highest: Version,
    /// It was read to the end of the stretch.
    whole: bool,
}

/// One connection's life: numbered rows into the ledger.
pub(super) struct Reader<'a, V> {
    context: &'a Context,
    settings: &'a VersionSettings,
    mode: Mode,
    versions: V,
    intake: Intake<'a>,
    tables: Vec<ChangeTable>,
    names: Vec<String>,
    /// Up to where each table has been read into the ledger or the open window.
    marks: Marks,
    /// As they are stored, or in the open window.
    noted: Marks,
    /// Tables whose changes Live does not keep at the moment.
    not_kept: Vec<bool>,
    /// Tables with rows that a transaction has locked, and that could not be read to the end.
    locked: Vec<bool>,
    /// Batches handed over so far.
    batch: Position,
    /// Rows in the open window.
    rows: usize,
    compared: Option<Timestamp>,
}

impl<'a, V: Versions> Reader<'a, V> {
    pub(super) fn new(
        context: &'a Context,
        settings: &'a VersionSettings,
        mode: Mode,
        versions: V,
        mut intake: Intake<'a>,
        marks: Marks,
        batch: Position,
    ) -> Result<Self, StoreError> {
        let tables = versions.tables().to_vec();
        for table in &tables {
            intake.announce(&table.relation);
        }
        let compared = context.store.meta(&compared_entry(&context.name))?;
        Ok(Self {
            context,
            settings,
            mode,
            versions,
            intake,
            names: tables.iter().map(table_name).collect(),
            not_kept: vec![false; tables.len()],
            locked: vec![false; tables.len()],
            tables,
            noted: marks.clone(),
            marks,
            batch,
            rows: 0,
            compared,
        })
    }

    /// Reads until `stop`, or until something breaks.
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
                // A chunk waits: Live's rows are held back by nothing but us.
                Some(Watermark::NextRound) => next = Instant::now(),
                // No reader beside numbered rows asks for it.
                Some(Watermark::Position(_)) | None => {}
            }
            if next <= Instant::now() {
                let began = Instant::now();
                let found = self.round(asks).await?;
                pause = next_pause(pause, found, began.elapsed(), self.settings.poll);
                next = Instant::now() + pause;
            }
            self.commit(asks).await?;
        }
        self.intake.publish(self.batch, self.intake.durable());
        Ok(())
    }

    /// Reads everything up to the version of the round.
    async fn round(&mut self, asks: &mut mpsc::Receiver<Ask>) -> Result<Found, CaptureError> {
        let chunk_waits = self.intake.awaited() == Some(Watermark::NextRound);
        let rules = self.settings.rules;
        let began_at = self.versions.begin().await?;
        let upto = if rules.bound_first { began_at } else { Version::MAX };
        let before = self.marks.clone();
        if !rules.marks_last {
            self.marks = self.all_at(began_at);
            self.note_marks();
            self.commit(asks).await?;
        }
        let mut reached = before.clone();
        let (mut found, mut whole) = (0, true);
        for table in 0..self.tables.len() {
            let mark = before.of(&self.names[table]);
            match stretch(mark, self.minimum(table).await?, upto) {
                Stretch::UpToDate => {}
                Stretch::Read { after, upto } => {
                    let read = self.read(table, after, upto, asks).await?;
                    found += read.rows;
                    whole &= read.whole;
                    let to = match (read.whole, rules.bound_first) {
                        (true, true) => upto,
                        (true, false) => read.highest,
                        // As far as whole pages have brought it.
                        (false, _) => self.marks.of(&self.names[table]).unwrap_or(after),
                    };
                    reached.set(&self.names[table], to);
                    // It may have been cleaned up while it was read.
                    if let Stretch::Compare(gap) = stretch(mark, self.minimum(table).await?, upto) {
                        self.compare(table, gap);
                    }
                }
                Stretch::Compare(gap) => {
                    self.compare(table, gap);
                    reached.set(&self.names[table], upto);
                }
                Stretch::NotKept => reached.forget(&self.names[table]),
            }
            self.tell_whether_kept(table, reached.of(&self.names[table]).is_some());
        }
        self.versions.end().await?;
        if !rules.bound_first && self.mode == Mode::Tracking {
            let now = self.versions.begin().await?;
            reached = self.all_at(now);
            self.versions.end().await?;
        }
        let moved_without_rows = found == 0 && self.intake.is_idle();
        self.marks = reached;
        if !moved_without_rows {
            self.note_marks();
        }
        if chunk_waits && whole {
            self.intake.apply_chunk(self.next_batch());
        }
        self.commit(asks).await?;
        Ok(match found {
            0 => Found::Nothing,
            rows if rows >= self.settings.commit_rows => Found::More,
            _ => Found::Some,
        })
    }

    async fn minimum(&mut self, table: usize) -> Result<Option<Version>, DialectError> {
        let minimum = self.versions.minimum(table).await?;
        Ok(if self.settings.rules.minimum_checked { minimum } else { minimum.map(|_| Version::MIN) })
    }

    /// Reads one table.
    async fn read(
        &mut self,
        table: usize,
        after: Version,
        upto: Version,
        asks: &mut mpsc::Receiver<Ask>,
    ) -> Result<Read, CaptureError> {
        self.versions.open(table, after, upto).await?;
        let mut read = Read { rows: 0, highest: after, whole: true };
        loop {
            let (rows, read_to) = match self.versions.next().await? {
                Part::Rows { rows, read_to } => (rows, read_to),
                Part::End => break,
                Part::Locked => {
                    debug!(source = %self.context.name, table = self.names[table], "rows are locked; they are read later");
                    read.whole = false;
                    break;
                }
            };
            for row in &rows {
                read.highest = read.highest.max(row.version());
                self.take(table, row);
            }
            read.rows += rows.len();
            self.rows += rows.len();
            if let Some(read_to) = read_to
                && self.marks.of(&self.names[table]) < Some(read_to)
            {
                self.marks.set(&self.names[table], read_to);
            }
            if self.rows >= self.settings.commit_rows {
                self.note_marks();
                self.commit(asks).await?;
            }
        }
        self.locked[table] = !read.whole;
        Ok(read)
    }

    fn take(&mut self, table: usize, row: &V::Row) {
        // Nobody says when it was committed; it was read now.
        let transaction = Transaction {
            position: self.intake.version(self.next_batch()),
            committed_at: (self.context.now)(),
            // What a chunk has seen is not known here: see `Seen::Unknown`.
            xid: 0,
        };
        self.intake.seen_at(transaction.committed_at);
        let relation = &self.tables[table].relation;
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(relation.columns.len());
        row.cells(&mut cells);
        match row.op() {
            Op::Upsert => self.intake.row(relation.id, &RowChange::Insert { new: &cells }, &transaction),
            Op::Delete => self.intake.row(relation.id, &RowChange::Delete { old: &cells }, &transaction),
            Op::Truncate | Op::Missed => self.compare(table, Gap::Expired),
        }
    }

    /// Makes the open window durable.
    async fn commit(&mut self, asks: &mut mpsc::Receiver<Ask>) -> Result<(), CaptureError> {
        if self.intake.is_idle() {
            return Ok(());
        }
        self.rows = 0;
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
        Ok(())
    }

    /// Marks go with what is in the open window.
    fn note_marks(&mut self) {
        if self.marks != self.noted {
            self.intake.note(self.marks_entry(), Store::encode(&self.marks));
            self.noted.clone_from(&self.marks);
        }
    }

    fn marks_entry(&self) -> String {
        marks_entry(&self.context.name)
    }

    fn all_at(&self, version: Version) -> Marks {
        Marks::all(self.names.iter().map(String::as_str), version)
    }

    const fn next_batch(&self) -> Position {
        Position(self.batch.0 + 1)
    }

    /// Has what depends on a table compared.
    fn compare(&mut self, table: usize, gap: Gap) {
        let why = gap.reason();
        error!(source = %self.context.name, table = self.names[table], why, "changes may have been missed; it is compared with Live");
        for entity in self.tables[table].role.needed_by() {
            self.intake.reconcile(*entity, why);
        }
    }

    fn tell_whether_kept(&mut self, table: usize, kept: bool) {
        if self.not_kept[table] != kept {
            return;
        }
        self.not_kept[table] = !kept;
        if !kept {
            warn!(source = %self.context.name, table = self.names[table], "its changes are not captured: Live does not track them");
        }
    }

    fn locked_tables(&self) -> Option<String> {
        let locked = self.names.iter().zip(&self.locked).filter(|(_, locked)| **locked);
        let names: Vec<_> = locked.map(|(name, _)| name.as_str()).collect();
        (!names.is_empty()).then(|| format!("an open transaction has rows locked in {}", names.join(", ")))
    }

    /// Looks at what could keep changes from us.
    async fn look_after(&mut self) -> Result<(), CaptureError> {
        let health = self.versions.health().await?;
        if health.system != self.intake.incarnation().system {
            let text = "Live is another database than a moment ago, or was restored; connecting anew";
            return Err(DialectError::Refused(text.to_owned()).into());
        }
        let mut faults = health.faults;
        let not_kept = self.names.iter().zip(&self.not_kept).filter(|(_, not_kept)| **not_kept);
        faults.extend(not_kept.map(|(name, _)| {
            format!("change tracking is off for table {name}: run `mare install`; it is compared then")
        }));
        let held_back =
            health.held_back.into_iter().chain(self.locked_tables()).collect::<Vec<_>>().join("; ");
        self.context.status.update(|facts| {
            facts.held_back = Some(held_back).filter(|held_back| !held_back.is_empty());
            facts.faults = faults;
        });
        self.note_marks();
        self.compare_by_schedule();
        Ok(())
    }

    fn compare_by_schedule(&mut self) {
        let now = (self.context.now)();
        if !self.settings.compare.as_ref().is_some_and(|schedule| schedule.is_due(self.compared, now)) {
            return;
        }
        info!(source = %self.context.name, "everything is compared by schedule");
        self.compared = Some(now);
        self.intake.note(compared_entry(&self.context.name), Store::encode(&now));
        for entity in Entity::SWITCHED {
            self.intake.reconcile(entity, "by schedule");
        }
    }
}
