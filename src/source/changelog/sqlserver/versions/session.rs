//! The one session of the reader.

use std::sync::Arc;

use tracing::warn;

use crate::core::row::{Column, Relation};
use crate::core::versions::Version;
use crate::live::sqlserver::{ErrorClass, Fetched, Param, SqlError, Statement};
use crate::source::changelog::dialect::{ChangeTable, DialectError};
use crate::source::changelog::versions::dialect::{Mode, Part, VersionHealth, VersionRow, Versions};

use super::super::session::{failed, integer_of, refused, system, text_of};
use super::super::statements::{
    OPEN_TRANSACTIONS, PROBE_FORK, PROBE_HELD_BACK, TRACKING_VERSION, VERSION_BOUND, page, tracking_changes,
    tracking_minimum,
};
use super::row::{VersionedRow, versioned};
use super::{PAGE_ROWS, Reading, Source, VersionSession};

impl VersionSession {
    pub(super) async fn add(&mut self, mut source: Source) -> Result<(), DialectError> {
        source.mode = self.mode;
        if self.mode == Mode::RowVersions && source.version_column.is_none() {
            warn!(
                table = format!("{}.{}", source.table.schema, source.table.table),
                "it has no column of type rowversion: its changes are found only when everything is compared"
            );
            return Ok(());
        }
        // No row; only what the columns are.
        let ask = match self.mode {
            Mode::Tracking => {
                Statement::new(page(&source.table, &source.table.key[0], true)).bind(Param::Int(0))
            }
            Mode::RowVersions => source.page(0, 0, 0),
        };
        let described = self.ask(ask).await?;
        let key = |name: &str| source.table.key.iter().any(|column| column.name == name);
        let columns = described.rows.columns().iter().skip(source.first_cell_of_description());
        let relation = Relation {
            id: self.tables.len() as u32,
            schema: source.table.schema.as_str().into(),
            table: source.table.table.as_str().into(),
            columns: columns.map(|column| Column { key: key(&column.name), ..column.clone() }).collect(),
        };
        let stored = (0..relation.columns.len()).map(Some).collect();
        self.tables.push(ChangeTable { role: source.table.role, relation, stored });
        self.sources.push(Arc::new(source));
        Ok(())
    }

    /// Asks in this session and no other, inside the round's snapshot if there is one.
    async fn ask(&self, statement: Statement) -> Result<Fetched, DialectError> {
        let statement = statement.only_in(self.session);
        match &self.round {
            Some(round) => round.fetch(statement).await,
            None => self.connection.fetch(statement).await,
        }
        .map_err(failed)
    }

    /// Asks what a server may be unable to say.
    async fn optional(&self, statement: Statement, column: &str) -> Result<Option<i64>, DialectError> {
        let answer = self.ask(statement).await?;
        let row = answer.rows.row(0).ok_or_else(|| refused("the server gave no answer"))?;
        match text_of(row, "motivo") {
            Some(reason) => Err(DialectError::Blocked(format!(
                "the server cannot say up to where changes can be read: {reason}; use another way of capture"
            ))),
            None => Ok(integer_of(row, column)),
        }
    }

    /// Which life of the database this is.
    async fn system(&self) -> Result<String, DialectError> {
        let fork = self.ask(Statement::new(PROBE_FORK)).await?;
        Ok(system(&self.name, &fork))
    }

    /// What a transaction holds back that was open at the look before, in words.
    async fn held_back(&mut self) -> Result<Option<String>, DialectError> {
        let answer = self.ask(Statement::new(PROBE_HELD_BACK)).await?;
        let Some(row) = answer.rows.row(0) else { return Ok(None) };
        let numbers = integer_of(row, "ultima").zip(integer_of(row, "ativa"));
        let before = std::mem::replace(&mut self.active, numbers.map(|(_, active)| active));
        if before.is_none() || before != self.active {
            return Ok(None);
        }
        let Some(held) = numbers.map(|(last, active)| last + 1 - active).filter(|held| *held > 0) else {
            return Ok(None);
        };
        let open = self.ask(Statement::new(OPEN_TRANSACTIONS)).await?;
        let whose = open.rows.row(0).filter(|row| integer_of(*row, "sessao").is_some()).map(|row| {
            format!(
                "; the oldest transaction is that of session {} ({} on {}), open for {} s",
                integer_of(row, "sessao").unwrap_or_default(),
                text_of(row, "programa").unwrap_or("?"),
                text_of(row, "maquina").unwrap_or("?"),
                integer_of(row, "segundos").unwrap_or_default()
            )
        });
        Ok(Some(format!("an open transaction holds back {held} row versions{}", whose.unwrap_or_default())))
    }

    async fn page(&mut self) -> Result<Part<VersionedRow>, DialectError> {
        let Reading::Pages { source, after, upto } = std::mem::replace(&mut self.reading, Reading::Nothing)
        else {
            return Ok(Part::End);
        };
        let page = source.page(PAGE_ROWS, after, upto).only_in(self.session);
        let page = match self.connection.fetch(page).await {
            Err(error) if error.class() == ErrorClass::LockTimeout => return Ok(Part::Locked),
            page => page.map_err(failed)?,
        };
        let rows = versioned(&source, page.rows)?;
        let Some(last) = rows.last().map(VersionRow::version) else { return Ok(Part::End) };
        if rows.len() as i64 >= PAGE_ROWS {
            self.reading = Reading::Pages { source, after: last, upto };
        }
        Ok(Part::Rows { rows, read_to: Some(last) })
    }
}

impl Versions for VersionSession {
    type Row = VersionedRow;

    fn tables(&self) -> &[ChangeTable] {
        &self.tables
    }

    async fn health(&mut self) -> Result<VersionHealth, DialectError> {
        let held_back = match self.mode {
            // A commit is numbered when it is made: nothing is held back.
            Mode::Tracking => None,
            Mode::RowVersions => self.held_back().await?,
        };
        Ok(VersionHealth { system: self.system().await?, held_back, faults: Vec::new() })
    }

    async fn begin(&mut self) -> Result<Version, DialectError> {
        if self.snapshots {
            let round = self.connection.begin().await.map_err(failed)?;
            if round.session() != self.session {
                return Err(failed(SqlError::SessionOver));
            }
            self.round = Some(round);
        }
        match self.mode {
            Mode::Tracking => {
                let version = self.optional(Statement::new(TRACKING_VERSION), "versao").await?;
                version.ok_or_else(|| {
                    DialectError::Blocked(
                        "change tracking is off in the database: run `mare install`".to_owned(),
                    )
                })
            }
            Mode::RowVersions => {
                let bound = self.optional(Statement::new(VERSION_BOUND), "limite").await?;
                // The lowest number that may still be open; those below it are settled.
                bound.map(|bound| bound - 1).ok_or_else(|| refused("the server names no lowest row version"))
            }
        }
    }

    async fn minimum(&mut self, table: usize) -> Result<Option<Version>, DialectError> {
        if self.mode == Mode::RowVersions {
            // They stand in the rows and are never cleaned up.
            return Ok(Some(Version::MIN));
        }
        let answer = self.ask(Statement::new(tracking_minimum(&self.sources[table].table))).await?;
        Ok(answer.rows.row(0).and_then(|row| row.integer(0)))
    }

    async fn open(&mut self, table: usize, after: Version, upto: Version) -> Result<(), DialectError> {
        let source = Arc::clone(&self.sources[table]);
        self.reading = match self.mode {
            Mode::RowVersions => Reading::Pages { source, after, upto },
            Mode::Tracking => {
                let changes = Statement::new(tracking_changes(&source.table))
                    .bind(Param::Int(after))
                    .bind(Param::Int(upto))
                    .only_in(self.session);
                let stream = match &self.round {
                    Some(round) => round.query(changes).await,
                    None => self.connection.query(changes).await,
                };
                match stream {
                    Err(error) if error.class() == ErrorClass::LockTimeout && self.round.is_none() => {
                        Reading::Locked
                    }
                    stream => Reading::Stream(source, stream.map_err(failed)?),
                }
            }
        };
        Ok(())
    }

    async fn next(&mut self) -> Result<Part<VersionedRow>, DialectError> {
        let (source, stream) = match &mut self.reading {
            Reading::Stream(source, stream) => (source, stream),
            Reading::Pages { .. } => return self.page().await,
            Reading::Nothing => return Ok(Part::End),
            Reading::Locked => {
                self.reading = Reading::Nothing;
                return Ok(Part::Locked);
            }
        };
        match stream.next().await {
            Ok(Some(rows)) => Ok(Part::Rows { rows: versioned(source, rows)?, read_to: None }),
            Ok(None) => {
                self.reading = Reading::Nothing;
                Ok(Part::End)
            }
            // In a round's snapshot nothing is locked for us, and an error has ended it.
            Err(error) if error.class() == ErrorClass::LockTimeout && self.round.is_none() => {
                self.reading = Reading::Nothing;
                Ok(Part::Locked)
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn end(&mut self) -> Result<(), DialectError> {
        match self.round.take() {
            Some(round) => round.commit().await.map_err(failed),
            None => Ok(()),
        }
    }
}
