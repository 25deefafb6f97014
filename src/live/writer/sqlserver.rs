//! The session in SQL Server.

use super::sql::{Dialect, Sql, Value};
use super::{CONTEXT_MARK, Login, Mark, Rows, WriteError};
use crate::core::row::Cell;
use crate::live::sqlserver::{Connection, Param, SESSION_SETUP, Statement, Transaction, Zone};

/// We give way to the shop: no lock is waited for longer than a till would be patient.
const SETTINGS: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCK_TIMEOUT 5000;";

pub(super) struct Session {
    connection: Connection,
    zone: Zone,
    mark: Mark,
}

pub(super) struct Open {
    transaction: Transaction,
    zone: Zone,
    mark: Mark,
}

impl Session {
    pub(super) async fn open(login: &Login, mark: Mark) -> Result<Self, WriteError> {
        let settings = login().map_err(WriteError::Unreachable)?;
        let zone = settings.timezone.clone();
        let connection = Connection::lazy(settings, setup(mark));
        connection.session().await.map_err(WriteError::from_sqlserver)?;
        Ok(Self { connection, zone, mark })
    }

    pub(super) async fn begin(&self) -> Result<Open, WriteError> {
        let transaction = self.connection.begin().await.map_err(WriteError::from_sqlserver)?;
        Ok(Open { transaction, zone: self.zone.clone(), mark: self.mark })
    }
}

/// What a session begins with.
pub(super) fn setup(mark: Mark) -> String {
    let mark = match mark {
        Mark::Context => format!(" SET CONTEXT_INFO {CONTEXT_MARK};"),
        _ => String::new(),
    };
    format!("{SESSION_SETUP} {SETTINGS}{mark}")
}

impl Open {
    pub(super) async fn fetch(&self, sql: &Sql) -> Result<Rows, WriteError> {
        let found = self.transaction.fetch(self.statement(sql)?).await.map_err(WriteError::from_sqlserver)?;
        let rows = found.rows.rows().map(|row| row.cells().map(bytes_of).collect()).collect();
        Ok(Rows { columns: found.rows.columns().to_vec(), binary: false, rows })
    }

    pub(super) async fn execute(&self, sql: &Sql) -> Result<u64, WriteError> {
        let executed = self.transaction.execute(self.statement(sql)?).await;
        Ok(executed.map_err(WriteError::from_sqlserver)?.rows_affected)
    }

    pub(super) async fn commit(self) -> Result<(), WriteError> {
        self.transaction.commit().await.map_err(WriteError::from_sqlserver)
    }

    pub(super) async fn rollback(self) -> Result<(), WriteError> {
        self.transaction.rollback().await.map_err(WriteError::from_sqlserver)
    }

    fn statement(&self, sql: &Sql) -> Result<Statement, WriteError> {
        let before = if self.mark == Mark::Tracking && sql.writes {
            format!("WITH CHANGE_TRACKING_CONTEXT ({CONTEXT_MARK}) ")
        } else {
            String::new()
        };
        let mut statement = Statement::new(sql.text_after(Dialect::SqlServer, &before));
        for value in sql.parameters() {
            statement = statement.bind(self.param(value)?);
        }
        Ok(statement)
    }

    fn param(&self, value: &Value) -> Result<Param, WriteError> {
        Ok(match value {
            Value::Null => Param::Null,
            Value::Int(value) => Param::Int(*value),
            Value::Flag(value) => Param::Flag(*value),
            Value::Text(text) => Param::Text(text.clone()),
            Value::Decimal(text) | Value::Date(text) => Param::text(text.clone()),
            Value::Uuid(value) => Param::Uuid(*value),
            Value::Moment(moment) => Param::local_time(*moment, &self.zone)
                .ok_or_else(|| WriteError::Permanent("a date outside the years 1 to 9999".to_owned()))?,
        })
    }
}

fn bytes_of(cell: Cell<'_>) -> Option<Box<[u8]>> {
    match cell {
        Cell::Null | Cell::Unchanged => None,
        Cell::Text(bytes) | Cell::Binary(bytes) => Some(Box::from(bytes)),
    }
}
