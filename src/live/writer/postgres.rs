//! The session in Postgres.

use futures_util::TryStreamExt;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, ToSql, Type};
use uuid::Uuid;

use super::sql::{Dialect, Sql, Value};
use super::{MESSAGE_PREFIX, Mark, ORIGIN, Rows, WriteError};
use crate::core::row::Column;
use crate::live::Connect;

/// We give way to the shop: no lock is waited for longer than a till would be patient, and a transaction that we left open
/// keeps nobody waiting.
const SETTINGS: &str = "SET search_path = pg_catalog; SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                        SET idle_in_transaction_session_timeout = '30s'";

pub(super) struct Session {
    client: Client,
    mark: Mark,
}

impl Session {
    pub(super) async fn open(connect: &Connect, mark: Mark) -> Result<Self, WriteError> {
        let settings = connect().map_err(WriteError::Unreachable)?;
        let client = crate::live::connect(&settings).await;
        let client = client.map_err(|error| WriteError::Unreachable(error.into()))?;
        client.batch_execute(SETTINGS).await.map_err(|error| WriteError::from_postgres(&error))?;
        Ok(Self { client, mark })
    }

    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// The mark comes before anything that it is to mark.
    pub(super) async fn begin(&self) -> Result<(), WriteError> {
        let mark = match self.mark {
            Mark::Message => format!("SELECT pg_logical_emit_message(true, '{MESSAGE_PREFIX}', '{ORIGIN}')"),
            Mark::None => String::new(),
            _ => format!("SET LOCAL mare.origin = '{ORIGIN}'"),
        };
        self.run(&format!("BEGIN; {mark}")).await
    }

    pub(super) async fn fetch(&self, sql: &Sql) -> Result<Rows, WriteError> {
        let refused = |error| WriteError::from_postgres(&error);
        let statement = self.client.prepare(&sql.text(Dialect::Postgres)).await.map_err(refused)?;
        let found = self.client.query_raw(&statement, sql.parameters()).await.map_err(refused)?;
        let found: Vec<tokio_postgres::Row> = found.try_collect().await.map_err(refused)?;
        let columns = statement.columns().iter();
        let columns = columns
            .map(|column| Column { name: column.name().into(), type_oid: column.type_().oid(), key: false })
            .collect();
        let cells = |row: &tokio_postgres::Row| {
            let cell = |index| row.try_get::<_, Option<Raw<'_>>>(index);
            (0..row.len()).map(|index| Ok(cell(index)?.map(|raw| Box::from(raw.0)))).collect()
        };
        let rows = found.iter().map(cells).collect::<Result<_, _>>().map_err(refused)?;
        Ok(Rows { columns, binary: true, rows })
    }

    pub(super) async fn execute(&self, sql: &Sql) -> Result<u64, WriteError> {
        let executed = self.client.execute_raw(&sql.text(Dialect::Postgres), sql.parameters()).await;
        executed.map_err(|error| WriteError::from_postgres(&error))
    }

    pub(super) async fn commit(&self) -> Result<(), WriteError> {
        self.run("COMMIT").await.map_err(|error| match error {
            // Whatever the server itself said, it said that nothing was committed.
            WriteError::Transient(said) if self.client.is_closed() => WriteError::CommitUnknown(said),
            other => other,
        })
    }

    pub(super) async fn rollback(&self) -> Result<(), WriteError> {
        self.run("ROLLBACK").await
    }

    async fn run(&self, sql: &str) -> Result<(), WriteError> {
        self.client.batch_execute(sql).await.map_err(|error| WriteError::from_postgres(&error))
    }
}

/// As `super::sql` has cast them.
impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(tokio_postgres::types::IsNull::Yes),
            Self::Int(value) => value.to_sql(of, out),
            Self::Flag(value) => value.to_sql(of, out),
            Self::Text(text) => text.as_ref().to_sql(of, out),
            Self::Decimal(text) | Self::Date(text) => text.as_str().to_sql(of, out),
            Self::Uuid(value) => Uuid::from_u128(*value).to_sql(of, out),
            Self::Moment(moment) => micros_text(moment.0).as_str().to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// RFC 3339 with every digit that there is.
fn micros_text(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| "out of range".to_owned(), |at| at.to_string())
}

/// Any value, as the bytes that came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
