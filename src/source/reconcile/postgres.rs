//! Reads chunks from Postgres, together with what their snapshot has seen.

use postgres_types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, IsolationLevel, Statement, Transaction};

use crate::core::row::{Column, Relation};
use crate::core::time::Timestamp;
use crate::live::Connect;
use crate::mapping::cell::RowId;
use crate::mapping::config::CapturedTable;

use super::query::Table;
use super::reader::{Engine, ReadError, Reader, Row, Rows, Selection, Taken};
use super::visibility::{Seen, Snapshot, Watermark};

/// Rows of a load are announced under a number that no table of Live has beside the stream's.
const RELATION_ID: u32 = u32::MAX;

/// What the chunks come in beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Slot,
    ChangeTables,
}

/// The way to Live for those who load.
pub struct PostgresEngine {
    pub connect: Connect,
    pub beside: Beside,
}

impl Engine for PostgresEngine {
    type Reader = PostgresReader;

    async fn open(&self) -> Result<PostgresReader, ReadError> {
        let settings = (self.connect)().map_err(ReadError::Unreachable)?;
        let client = crate::live::connect(&settings).await;
        let client = client.map_err(|error| ReadError::Unreachable(error.into()))?;
        Ok(PostgresReader { client, beside: self.beside })
    }
}

/// One connection that reads chunks.
pub struct PostgresReader {
    client: Client,
    beside: Beside,
}

impl Reader for PostgresReader {
    async fn read(&mut self, table: &CapturedTable, rows: &Selection<'_>) -> Result<Taken, ReadError> {
        let table = Table::look_up(&self.client, table).await.map_err(ReadError::refused)?;
        let missing = table.missing();
        if !missing.is_empty() {
            return Err(ReadError::NotAsMapped { table: table.full_name(), columns: missing.join(", ") });
        }
        let (seen, read_at, rows) = self.rows(&table, &table.ordered_alike(*rows)).await?;
        let watermark = match self.beside {
            Beside::Slot => Watermark::Position(self.position().await?),
            Beside::ChangeTables => Watermark::NextRound,
        };
        Ok(Taken { rows, seen, watermark, read_at })
    }
}

impl PostgresReader {
    /// The rows in a snapshot of their own, and what that snapshot sees.
    async fn rows(
        &mut self,
        table: &Table,
        selection: &Selection<'_>,
    ) -> Result<(Seen, Timestamp, Rows), ReadError> {
        let transaction = self
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(ReadError::refused)?;
        let facts = transaction
            .query_one(
                "SELECT pg_current_snapshot()::text, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                &[],
            )
            .await
            .map_err(ReadError::refused)?;
        let seen = match self.beside {
            Beside::Slot => {
                let text: &str = facts.try_get(0).map_err(ReadError::refused)?;
                Seen::Snapshot(text.parse::<Snapshot>().map_err(ReadError::refused)?)
            }
            Beside::ChangeTables => Seen::Unknown,
        };
        let read_at = Timestamp(facts.try_get(1).map_err(ReadError::refused)?);
        let sql = table.select(selection);
        let statement = transaction.prepare(&sql).await.map_err(ReadError::refused)?;
        let rows = query(&transaction, &statement, selection).await.map_err(ReadError::refused)?;
        transaction.commit().await.map_err(ReadError::refused)?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| Column { name: column.name().into(), type_oid: column.type_().oid(), key: false })
            .collect();
        let (schema, name) = table.name();
        let relation = Relation { id: RELATION_ID, schema: schema.into(), table: name.into(), columns };
        Ok((seen, read_at, Rows::new(relation, rows)))
    }

    /// A position behind all that the snapshot before has seen: that of a message in a transaction of its
    /// own. It makes Postgres send the stream up to there, on an idle database too.
    async fn position(&self) -> Result<crate::core::position::Position, ReadError> {
        let message = self
            .client
            .query_one("SELECT pg_logical_emit_message(true, 'mare-watermark', '')::text", &[])
            .await
            .map_err(ReadError::refused)?;
        message.try_get::<_, &str>(0).map_err(ReadError::refused)?.parse().map_err(ReadError::refused)
    }
}

async fn query(
    transaction: &Transaction<'_>,
    statement: &Statement,
    selection: &Selection<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let text = |id: Option<&RowId>| id.map(RowId::to_string);
    let texts = |ids: &[RowId]| ids.iter().map(RowId::to_string).collect::<Vec<_>>();
    let parameters: Vec<Box<dyn ToSql + Sync + Send>> = match *selection {
        Selection::Page { after, .. } => vec![Box::new(text(after))],
        Selection::Since { after, since, .. } => vec![Box::new(text(after)), Box::new(since.to_string())],
        Selection::Any { ids, .. } => vec![Box::new(texts(ids))],
        Selection::Range { of: [(_, a), (_, b)], after, last, .. } => {
            vec![
                Box::new(a.to_string()),
                Box::new(b.to_string()),
                Box::new(text(after)),
                Box::new(last.to_string()),
            ]
        }
        Selection::AnyOf { of: [(_, a), (_, b)], ids, .. } => {
            vec![Box::new(a.to_string()), Box::new(b.to_string()), Box::new(texts(ids))]
        }
    };
    let parameters: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect();
    let found = transaction.query(statement, &parameters).await?;
    let cells = |row: &tokio_postgres::Row| {
        (0..row.len())
            .map(|index| Ok(row.try_get::<_, Option<Raw<'_>>>(index)?.map(|raw| Box::from(raw.0))))
            .collect::<Result<Vec<_>, _>>()
            .map(Vec::into_boxed_slice)
    };
    found.iter().map(cells).collect()
}

/// Any value, as the bytes that came.
pub(in crate::source) struct Raw<'a>(pub(in crate::source) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
