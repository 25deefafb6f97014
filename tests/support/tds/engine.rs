//! Tables in memory with the locks and numbers of SQL Server: row locks, READPAST, waiting readers, rowversion and
//! `MIN_ACTIVE_ROWVERSION()`, triggers, deadlocks, changes in commit order.
//!
//! It knows no T-SQL: a statement is its tag, and a handler says what it does.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::reply::{ColumnDef, Failure, Reply};
use super::session::Session;
use super::value::{Kind, Value};

/// A transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tx(pub u64);

pub type Row = Vec<Value>;

/// Why a statement stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    Failed(Failure),
    /// Until that transaction ends; then the handler runs again from its begin.
    Blocked(Tx),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub type Outcome<T> = Result<T, Stop>;

/// What a statement does. May run several times when it has to wait: what it changed is undone before.
pub type Handler = Arc<dyn Fn(&mut Engine, &Session, &[Value]) -> Outcome<Reply> + Send + Sync>;

/// Runs after the statement that changed the table, in its transaction.
pub type Trigger = Arc<dyn Fn(&mut Engine, Tx, &Changed) -> Outcome<()> + Send + Sync>;

/// `inserted` and `deleted`.
#[derive(Debug, Clone, Default)]
pub struct Changed {
    pub inserted: Vec<Row>,
    pub deleted: Vec<Row>,
}

/// How a statement treats rows that another transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// READ COMMITTED with locks: wait.
    Wait,
    /// READPAST: as if they were not there.
    ReadPast,
    /// READ_COMMITTED_SNAPSHOT: as they were before.
    Versions,
}

#[derive(Clone)]
pub struct Table {
    columns: Vec<ColumnDef>,
    rows: BTreeMap<u64, Stored>,
    triggers: Vec<Trigger>,
    /// Columns that no two rows may share.
    unique: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct Stored {
    /// What everybody else sees.
    committed: Option<Row>,
    /// What the owner sees.
    current: Option<Row>,
    /// Who has it locked.
    owner: Option<Tx>,
}

#[derive(Debug, Default)]
struct Transaction {
    undo: Vec<(String, u64, Stored)>,
    /// The lowest rowversion it took.
    first_rowversion: Option<u64>,
    low_priority: bool,
    waits_for: Option<Tx>,
    /// Chosen to end a deadlock.
    victim: bool,
}

/// A committed change, for change tracking.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// In commit order.
    pub version: u64,
    pub table: String,
    pub before: Option<Row>,
    pub after: Option<Row>,
}

#[derive(Default)]
pub struct Engine {
    tables: BTreeMap<String, Table>,
    handlers: HashMap<String, Handler>,
    transactions: BTreeMap<Tx, Transaction>,
    last_tx: u64,
    last_row: u64,
    /// `@@DBTS`.
    last_rowversion: u64,
    /// `CHANGE_TRACKING_CURRENT_VERSION()`.
    version: u64,
    tracked: Vec<Tracked>,
    /// `sp_getapplock` with owner Session.
    app_locks: HashMap<String, u64>,
    /// Whatever handlers need to remember.
    pub notes: HashMap<String, Value>,
}

impl Engine {
    /// Says what statements with the tag (the text of their first comment) do.
    pub fn on(
        &mut self,
        tag: &str,
        handler: impl Fn(&mut Self, &Session, &[Value]) -> Outcome<Reply> + Send + Sync + 'static,
    ) {
        self.handlers.insert(tag.to_owned(), Arc::new(handler));
    }

    pub fn handler(&self, tag: &str) -> Option<Handler> {
        self.handlers.get(tag).cloned()
    }

    pub fn create(&mut self, table: &str, columns: Vec<ColumnDef>) {
        let table_data = Table { columns, rows: BTreeMap::new(), triggers: Vec::new(), unique: Vec::new() };
        self.tables.insert(table.to_owned(), table_data);
    }

    pub fn drop_table(&mut self, table: &str) {
        self.tables.remove(table);
    }

    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub fn unique(&mut self, table: &str, columns: &[&str]) {
        let indexes = columns.iter().map(|name| self.column(table, name)).collect();
        self.table(table).unique = indexes;
    }

    pub fn columns(&self, table: &str) -> Vec<ColumnDef> {
        self.tables[table].columns.clone()
    }

    /// Index of a column.
    pub fn column(&self, table: &str, name: &str) -> usize {
        self.tables[table].columns.iter().position(|column| column.name == name).unwrap()
    }

    pub fn trigger(
        &mut self,
        table: &str,
        trigger: impl Fn(&mut Self, Tx, &Changed) -> Outcome<()> + Send + Sync + 'static,
    ) {
        self.table(table).triggers.push(Arc::new(trigger));
    }

    pub fn drop_triggers(&mut self, table: &str) {
        self.table(table).triggers.clear();
    }

    fn table(&mut self, name: &str) -> &mut Table {
        self.tables.get_mut(name).unwrap_or_else(|| panic!("there is no table {name}"))
    }

    pub fn begin(&mut self) -> Tx {
        self.last_tx += 1;
        let tx = Tx(self.last_tx);
        self.transactions.insert(tx, Transaction::default());
        tx
    }

    pub fn is_open(&self, tx: Tx) -> bool {
        self.transactions.contains_key(&tx)
    }

    pub fn open_transactions(&self) -> Vec<Tx> {
        self.transactions.keys().copied().collect()
    }

    pub fn commit(&mut self, tx: Tx) {
        let Some(transaction) = self.transactions.remove(&tx) else { return };
        self.version += 1;
        let mut touched: Vec<(String, u64)> =
            transaction.undo.into_iter().map(|(table, row, _)| (table, row)).collect();
        touched.sort();
        touched.dedup();
        for (name, id) in touched {
            let version = self.version;
            let Some(table) = self.tables.get_mut(&name) else { continue };
            let Some(row) = table.rows.get_mut(&id) else { continue };
            let before = std::mem::replace(&mut row.committed, row.current.clone());
            let after = row.committed.clone();
            row.owner = None;
            if after.is_none() {
                table.rows.remove(&id);
            }
            if before != after {
                self.tracked.push(Tracked { version, table: name, before, after });
            }
        }
    }

    pub fn rollback(&mut self, tx: Tx) {
        self.rollback_to(tx, 0);
        self.transactions.remove(&tx);
    }

    /// Where a statement begins, for [`Engine::rollback_to`].
    pub fn savepoint(&self, tx: Tx) -> usize {
        self.transactions.get(&tx).map_or(0, |transaction| transaction.undo.len())
    }

    pub fn rollback_to(&mut self, tx: Tx, savepoint: usize) {
        let Some(transaction) = self.transactions.get_mut(&tx) else { return };
        let undone = transaction.undo.split_off(savepoint);
        for (table, id, before) in undone.into_iter().rev() {
            let Some(table) = self.tables.get_mut(&table) else { continue };
            if before.owner.is_none() && before.committed.is_none() {
                table.rows.remove(&id);
            } else {
                table.rows.insert(id, before);
            }
        }
    }

    /// Runs a statement of the test in a transaction of its own.
    pub fn autocommit<T>(&mut self, work: impl FnOnce(&mut Self, Tx) -> Outcome<T>) -> T {
        let tx = self.begin();
        let done = work(self, tx).expect("nothing stops it");
        self.commit(tx);
        done
    }

    /// Rows as a transaction sees them, in the order of their insertion.
    pub fn read(&self, tx: Tx, table: &str, locks: Locks) -> Outcome<Vec<Row>> {
        self.read_where(tx, table, locks, |_| true)
    }

    /// The rows that `is_meant`; others are not looked at, whoever has them locked.
    pub fn read_where(
        &self,
        tx: Tx,
        table: &str,
        locks: Locks,
        is_meant: impl Fn(&Row) -> bool,
    ) -> Outcome<Vec<Row>> {
        let mut rows = Vec::new();
        for row in self.tables[table].rows.values() {
            let may_be_meant = |owner| {
                let images = [&row.current, &row.committed];
                images.into_iter().flatten().any(&is_meant).then_some(Stop::Blocked(owner))
            };
            let seen = match (row.owner, locks) {
                (Some(owner), _) if owner == tx => &row.current,
                (Some(owner), Locks::Wait) => match may_be_meant(owner) {
                    Some(blocked) => return Err(blocked),
                    None => continue,
                },
                (Some(_), Locks::ReadPast) => continue,
                (Some(_), Locks::Versions) | (None, _) => &row.committed,
            };
            rows.extend(seen.clone().filter(&is_meant));
        }
        Ok(rows)
    }

    /// Inserts rows; a `rowversion` column is filled in, whatever the row says.
    pub fn insert(&mut self, tx: Tx, table: &str, rows: Vec<Row>) -> Outcome<usize> {
        let mut changed = Changed::default();
        for mut row in rows {
            self.stamp(tx, table, &mut row);
            self.check_unique(tx, table, &row)?;
            self.last_row += 1;
            let id = self.last_row;
            let undo = (table.to_owned(), id, Stored::default());
            self.transactions.get_mut(&tx).expect("an open transaction").undo.push(undo);
            let stored = Stored { committed: None, current: Some(row.clone()), owner: Some(tx) };
            self.table(table).rows.insert(id, stored);
            changed.inserted.push(row);
        }
        self.fire(tx, table, changed)
    }

    /// Changes the rows that `is_meant`.
    pub fn update(
        &mut self,
        tx: Tx,
        table: &str,
        locks: Locks,
        is_meant: impl Fn(&Row) -> bool,
        change: impl Fn(&mut Row),
    ) -> Outcome<usize> {
        let mut changed = Changed::default();
        for id in self.lock(tx, table, locks, is_meant)? {
            let before = self.table(table).rows[&id].current.clone().expect("locked rows are there");
            let mut after = before.clone();
            change(&mut after);
            self.stamp(tx, table, &mut after);
            self.table(table).rows.get_mut(&id).unwrap().current = Some(after.clone());
            changed.deleted.push(before);
            changed.inserted.push(after);
        }
        self.fire(tx, table, changed)
    }

    pub fn delete(
        &mut self,
        tx: Tx,
        table: &str,
        locks: Locks,
        is_meant: impl Fn(&Row) -> bool,
    ) -> Outcome<usize> {
        let mut changed = Changed::default();
        for id in self.lock(tx, table, locks, is_meant)? {
            let row = self.table(table).rows.get_mut(&id).unwrap();
            changed.deleted.extend(row.current.take());
        }
        self.fire(tx, table, changed)
    }

    /// Empties a table without its triggers, as TRUNCATE does.
    pub fn truncate(&mut self, table: &str) {
        self.table(table).rows.clear();
    }

    /// Locks the rows that are meant (UPDLOCK) and returns their ids.
    pub fn lock(
        &mut self,
        tx: Tx,
        table: &str,
        locks: Locks,
        is_meant: impl Fn(&Row) -> bool,
    ) -> Outcome<Vec<u64>> {
        let mut ids = Vec::new();
        for (id, row) in &self.tables[table].rows {
            let foreign = row.owner.filter(|owner| *owner != tx);
            let images = [&row.current, &row.committed];
            let seen = if foreign.is_some() { &images[..] } else { &images[..1] };
            if !seen.iter().any(|image| image.as_ref().is_some_and(&is_meant)) {
                continue;
            }
            match foreign {
                Some(owner) if locks != Locks::ReadPast => return Err(Stop::Blocked(owner)),
                Some(_) => {}
                None => ids.push(*id),
            }
        }
        for id in &ids {
            let row = self.tables.get_mut(table).unwrap().rows.get_mut(id).unwrap();
            let undo = (table.to_owned(), *id, row.clone());
            row.owner = Some(tx);
            self.transactions.get_mut(&tx).expect("an open transaction").undo.push(undo);
        }
        Ok(ids)
    }

    fn stamp(&mut self, tx: Tx, table: &str, row: &mut Row) {
        let versioned = self.tables[table].columns.iter().position(|column| column.kind == Kind::RowVersion);
        if let Some(index) = versioned {
            self.last_rowversion += 1;
            let transaction = self.transactions.get_mut(&tx).expect("an open transaction");
            transaction.first_rowversion.get_or_insert(self.last_rowversion);
            row[index] = Value::rowversion(self.last_rowversion);
        }
    }

    fn check_unique(&self, tx: Tx, name: &str, new: &Row) -> Outcome<()> {
        let table = &self.tables[name];
        if table.unique.is_empty() {
            return Ok(());
        }
        let same = |row: &Row| table.unique.iter().all(|index| row[*index] == new[*index]);
        for row in table.rows.values() {
            let foreign = row.owner.filter(|owner| *owner != tx);
            if let Some(owner) = foreign
                && row.current.as_ref().is_some_and(same)
            {
                return Err(Stop::Blocked(owner));
            }
            let seen = if foreign.is_some() { &row.committed } else { &row.current };
            if seen.as_ref().is_some_and(same) {
                let text =
                    format!("Violation of UNIQUE KEY constraint. Cannot insert duplicate key in '{name}'.");
                return Err(Failure::new(2627, 14, text).into());
            }
        }
        Ok(())
    }

    fn fire(&mut self, tx: Tx, table: &str, changed: Changed) -> Outcome<usize> {
        let count = changed.inserted.len().max(changed.deleted.len());
        for trigger in self.table(table).triggers.clone() {
            trigger(self, tx, &changed)?;
        }
        Ok(count)
    }

    /// `@@DBTS`: the last number given, committed or not.
    pub const fn last_rowversion(&self) -> u64 {
        self.last_rowversion
    }

    /// `MIN_ACTIVE_ROWVERSION()`: the lowest of an open transaction, else the next one.
    pub fn min_active_rowversion(&self) -> u64 {
        let open = self.transactions.values().filter_map(|transaction| transaction.first_rowversion).min();
        open.unwrap_or(self.last_rowversion + 1)
    }

    /// `CHANGE_TRACKING_CURRENT_VERSION()`.
    pub const fn tracking_version(&self) -> u64 {
        self.version
    }

    /// Committed changes of a table after `version`, oldest first.
    pub fn tracked(&self, table: &str, version: u64) -> Vec<Tracked> {
        self.tracked
            .iter()
            .filter(|change| change.table == table && change.version > version)
            .cloned()
            .collect()
    }

    /// Takes an application lock for a session; false when another has it.
    pub fn app_lock(&mut self, name: &str, session: u64) -> bool {
        *self.app_locks.entry(name.to_owned()).or_insert(session) == session
    }

    pub fn release_app_locks(&mut self, session: u64) {
        self.app_locks.retain(|_, owner| *owner != session);
    }

    pub fn set_low_priority(&mut self, tx: Tx) {
        if let Some(transaction) = self.transactions.get_mut(&tx) {
            transaction.low_priority = true;
        }
    }

    /// Notes that a transaction waits for another. When that closes a circle, the cheapest of it becomes the victim; true
    /// when one was chosen.
    pub fn wait_for(&mut self, waiting: Tx, holder: Tx) -> bool {
        self.set_waits_for(waiting, Some(holder));
        let mut circle = vec![waiting];
        let mut next = holder;
        while next != waiting {
            if circle.contains(&next) {
                return false;
            }
            circle.push(next);
            match self.transactions.get(&next).and_then(|transaction| transaction.waits_for) {
                Some(tx) => next = tx,
                None => return false,
            }
        }
        if circle.iter().any(|tx| self.transactions[tx].victim) {
            return false;
        }
        let victim = circle.iter().find(|tx| self.transactions[tx].low_priority).unwrap_or(&waiting);
        self.transactions.get_mut(victim).unwrap().victim = true;
        true
    }

    pub fn set_waits_for(&mut self, tx: Tx, holder: Option<Tx>) {
        if let Some(transaction) = self.transactions.get_mut(&tx) {
            transaction.waits_for = holder;
        }
    }

    pub fn is_victim(&self, tx: Tx) -> bool {
        self.transactions.get(&tx).is_some_and(|transaction| transaction.victim)
    }
}
