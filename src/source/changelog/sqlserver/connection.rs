//! The drain's session with SQL Server.

use std::time::Duration;

use crate::core::row::{Column, Relation};
use crate::live::sqlserver::{Connection, ErrorClass, Fetched, Param, SessionId, SqlError, Statement};
use crate::mapping::config::CapturedTable;
use crate::source::changelog::dialect::{
    ChangeNumber, ChangeTable, Connector, Dialect, DialectError, Health, PageAsk,
};
use crate::source::changelog::form::Form;

use super::catalog::table_facts;
use super::change::{FIRST_STORED, SqlServerChange, changes};
use super::session::{Login, connection, failed, lock, probe, refused};
use super::statements::{DELETE_MAX, INSTALLED, drain_bound, drain_delete, drain_page, page};
use super::table::{CaptureTable, TableFacts, plan};

/// Our schema in Live.
pub const SCHEMA: &str = "mare";

/// How often a statement of ours is tried again that was chosen to end a deadlock.
const DEADLOCKS_MAX: u32 = 5;
/// Long enough for the other side to get on.
const DEADLOCK_PAUSE: Duration = Duration::from_millis(20);

/// How the change tables of one database are reached.
pub struct SqlServerConnector {
    pub login: Login,
    pub captured: Vec<CapturedTable>,
    pub form: Form,
}

/// A session that holds the lock of the reader.
pub struct SqlServerDialect {
    pub(super) connection: Connection,
    pub(super) session: SessionId,
    /// `server/database`
    pub(super) name: String,
    pub(super) planned: Vec<CaptureTable>,
    /// As the mapping wants them, whatever Live has.
    pub(super) captured: Vec<CapturedTable>,
    /// Mapped columns that Live did not have when the session began.
    pub(super) missing: Vec<Vec<String>>,
    tables: Vec<ChangeTable>,
    bound: String,
    pages: Vec<String>,
    deletes: Vec<String>,
    /// Which change tables had a visible row when the bound was taken.
    occupied: Vec<bool>,
    versions_repeat: bool,
}

impl Connector for SqlServerConnector {
    type Dialect = SqlServerDialect;

    async fn connect(&self) -> Result<SqlServerDialect, DialectError> {
        let settings = (self.login)().map_err(DialectError::Unreachable)?;
        let connection = connection(settings, "");
        let probed = probe(&connection).await?;
        let session = lock(&connection, &probed.name).await?;
        let facts = table_facts(&connection, Some(session), &self.captured).await.map_err(failed)?;
        let missing: Vec<_> = self.captured.iter().map(|table| missing(table, &facts)).collect();
        let there = self.captured.iter().zip(&missing).map(|(table, missing)| without(table, missing));
        let planned = plan(&there.collect::<Vec<_>>(), &facts, SCHEMA, self.form)
            .map_err(|obstacles| DialectError::Blocked(obstacles.join("; ")))?;
        let repeat = probed.versions_repeat;
        let mut dialect = SqlServerDialect {
            bound: drain_bound(SCHEMA, &planned),
            pages: planned.iter().map(|table| drain_page(SCHEMA, table, repeat)).collect(),
            deletes: planned.iter().map(|table| drain_delete(SCHEMA, table)).collect(),
            occupied: vec![false; planned.len()],
            connection,
            session,
            name: probed.name,
            planned,
            captured: self.captured.clone(),
            missing,
            tables: Vec::new(),
            versions_repeat: repeat,
        };
        dialect.look_up().await?;
        Ok(dialect)
    }
}

/// Mapped columns that the table of Live does not have. (A table that is not there at all is the plan's to refuse.)
pub(super) fn missing(table: &CapturedTable, facts: &[TableFacts]) -> Vec<String> {
    let facts = facts.iter().find(|facts| facts.schema == table.schema && facts.table == table.table);
    let missing = facts.map(|facts| facts.missing(table)).unwrap_or_default();
    missing.into_iter().map(str::to_owned).collect()
}

fn without(table: &CapturedTable, missing: &[String]) -> CapturedTable {
    let mut table = table.clone();
    table.columns.retain(|column| !missing.contains(column));
    table
}

impl SqlServerDialect {
    /// Asks in the session that holds the lock, and in no other.
    pub(super) async fn ask(&self, statement: Statement) -> Result<Fetched, SqlError> {
        self.connection.fetch(statement.only_in(self.session)).await
    }

    /// Runs a statement of ours again that was chosen to end a deadlock.
    async fn execute(&self, statement: Statement) -> Result<(), SqlError> {
        for _ in 1..DEADLOCKS_MAX {
            match self.connection.execute(statement.clone()).await {
                Err(error) if error.class() == ErrorClass::Deadlock => {
                    tokio::time::sleep(DEADLOCK_PAUSE).await;
                }
                done => return done.map(drop),
            }
        }
        self.connection.execute(statement).await.map(drop)
    }

    /// What the columns of the change tables are.
    async fn look_up(&mut self) -> Result<(), DialectError> {
        let installed = Statement::new(INSTALLED).bind(Param::text(SCHEMA));
        let installed = self.ask(installed).await.map_err(failed)?;
        if installed.rows.row(0).and_then(|row| row.integer(0)) != Some(1) {
            return Err(DialectError::Blocked(format!(
                "no change tables are installed in {}, or this login may not see them: run `mare install`",
                self.name
            )));
        }
        for index in 0..self.planned.len() {
            let table = self.describe(index).await?;
            self.tables.push(table);
        }
        Ok(())
    }

    async fn describe(&self, index: usize) -> Result<ChangeTable, DialectError> {
        let planned = &self.planned[index];
        let ask = PageAsk { table: index, after: 0, bound: 0, limit: 0 };
        let written = self.ask(self.page(&ask)).await.map_err(|error| not_as_installed(error, planned))?;
        // Of what is not written down, the shop's table knows the type.
        let base = Statement::new(page(planned, &planned.key[0], true)).bind(Param::Int(0));
        let base = self.ask(base).await.map_err(failed)?;
        let stored = written.rows.columns().get(FIRST_STORED..).unwrap_or_default();
        let place = |name: &str| stored.iter().position(|column| column.name == name);
        let columns: Vec<Column> = base
            .rows
            .columns()
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                type_oid: place(&column.name).map_or(column.type_oid, |place| stored[place].type_oid),
                key: planned.key.iter().any(|key| key.name == column.name),
            })
            .collect();
        let places = columns.iter().map(|column| place(&column.name)).collect();
        let relation = Relation {
            id: index as u32,
            schema: planned.schema.as_str().into(),
            table: planned.table.as_str().into(),
            columns,
        };
        Ok(ChangeTable { role: planned.role, relation, stored: places })
    }

    fn page(&self, ask: &PageAsk) -> Statement {
        let number = |number: ChangeNumber| u64::try_from(number).unwrap_or_default();
        Statement::new(self.pages[ask.table].clone())
            .bind(Param::Int(i64::try_from(ask.limit).unwrap_or(i64::MAX)))
            .bind(Param::rowversion(number(ask.after)))
            .bind(Param::rowversion(number(ask.bound)))
    }

    /// Where numbers repeat, they do not tell which of two changes of a row came first: it is read again.
    fn key_only(&self, table: usize) -> bool {
        self.versions_repeat && Form::Key.of(self.planned[table].role) == Form::Key
    }
}

/// A change table that is not there, or that lacks a column or the right to read it.
fn not_as_installed(error: SqlError, table: &CaptureTable) -> DialectError {
    match error {
        SqlError::Server(error) if error.class < 20 && ErrorClass::of(&error) == ErrorClass::NeedsPerson => {
            DialectError::Blocked(format!(
                "the change table {SCHEMA}.{} of {}.{} cannot be read ({error}): it was made for another mapping, or not \
                 at all; run `mare install`",
                table.change_table, table.schema, table.table
            ))
        }
        error => failed(error),
    }
}

impl Dialect for SqlServerDialect {
    type Row = SqlServerChange;

    fn tables(&self) -> &[ChangeTable] {
        &self.tables
    }

    async fn health(&mut self) -> Result<Health, DialectError> {
        self.look().await
    }

    async fn bound(&mut self) -> Result<ChangeNumber, DialectError> {
        let found = self.ask(Statement::new(self.bound.clone())).await.map_err(failed)?;
        if found.rows.len() != self.planned.len() {
            return Err(refused("the server does not tell the highest change of every table"));
        }
        self.occupied = found.rows.rows().map(|row| row.integer(1).is_some()).collect();
        Ok(found.rows.rows().filter_map(|row| row.integer(1)).max().unwrap_or(0))
    }

    /// Nothing is asked of tables in which the bound saw nothing: what is committed there later is for the next round,
    /// like any row that is locked now.
    async fn pages(&mut self, asked: &[PageAsk]) -> Result<Vec<Vec<SqlServerChange>>, DialectError> {
        let mut pages = Vec::with_capacity(asked.len());
        for ask in asked {
            if !self.occupied[ask.table] {
                pages.push(Vec::new());
                continue;
            }
            let page = self.ask(self.page(ask)).await.map_err(failed)?;
            pages.push(changes(page.rows, self.key_only(ask.table))?);
        }
        Ok(pages)
    }

    async fn delete(&mut self, table: usize, numbers: &[ChangeNumber]) -> Result<(), DialectError> {
        for numbers in numbers.chunks(DELETE_MAX) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
            let statement = Statement::new(self.deletes[table].clone())
                .bind(Param::Binary(bytes))
                .bind(Param::Int(numbers.len() as i64))
                .only_in(self.session);
            self.execute(statement).await.map_err(failed)?;
        }
        Ok(())
    }
}
