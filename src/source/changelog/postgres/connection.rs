//! The drain's connection to Postgres.

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Row, Statement};

use crate::core::row::{Cell, Column, Relation};
use crate::core::time::Timestamp;
use crate::live::Connect;
use crate::source::postgres::install::quoted;
use crate::source::reconcile::postgres::Raw;

use super::super::dialect::{
    ChangeNumber, ChangeRow, ChangeTable, Connector, Dialect, DialectError, Health, Identity, Op, PageAsk,
};
use super::check;
use super::layout::{LOCK, SCHEMA, TableLayout};

/// How the change tables of one database are reached.
pub struct PostgresConnector {
    pub connect: Connect,
    pub layouts: Vec<TableLayout>,
}

/// A connection that holds the lock of the drain.
pub struct PostgresDialect {
    client: Client,
    layouts: Vec<TableLayout>,
    tables: Vec<ChangeTable>,
    bound: Statement,
    pages: Vec<Statement>,
    deletes: Vec<Statement>,
}

/// A number that is read while it is being given out: whoever got a greater one got it afterwards.
const BOUND: &str = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM mare.change_number";

impl Connector for PostgresConnector {
    type Dialect = PostgresDialect;

    async fn connect(&self) -> Result<PostgresDialect, DialectError> {
        let settings = (self.connect)().map_err(DialectError::Unreachable)?;
        let client = crate::live::connect(&settings).await;
        let client = client.map_err(|error| DialectError::Unreachable(error.into()))?;
        // A queue is small, then large, then small: the index is right whatever the statistics say. The sequence has
        // none; reading it then passes for so expensive that Postgres would compile the query each time.
        client
            .batch_execute(
                "SET search_path = pg_catalog; SET enable_seqscan = off; SET enable_bitmapscan = off; \
                 SET jit = off; SET statement_timeout = '60s'",
            )
            .await
            .map_err(DialectError::refused)?;
        lock(&client, &settings.database).await?;
        let mut tables = Vec::new();
        for (index, layout) in self.layouts.iter().enumerate() {
            tables.push(look_up(&client, layout, index as u32).await?);
        }
        PostgresDialect::prepare(client, self.layouts.clone(), tables).await.map_err(DialectError::refused)
    }
}

/// Two drains of one database would each get a part of the changes.
async fn lock(client: &Client, database: &str) -> Result<(), DialectError> {
    let row = client
        .query_one("SELECT pg_try_advisory_lock($1, $2)", &[&LOCK.0, &LOCK.1])
        .await
        .map_err(DialectError::refused)?;
    if row.try_get(0).map_err(DialectError::refused)? {
        return Ok(());
    }
    let who = holder(client).await.map_err(DialectError::refused)?;
    Err(DialectError::Blocked(format!(
        "the change tables of database '{database}' are in use: another maré drains them ({}); stop that one",
        who.map_or_else(|| "it has just ended".to_owned(), |holder| holder.to_string())
    )))
}

/// Who drains a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: i32,
    user: String,
    address: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} of user {} from {}", self.pid, self.user, self.address)
    }
}

/// Who holds the lock of the drain.
///
/// # Errors
/// When Live cannot be asked.
pub async fn holder(client: &Client) -> Result<Option<Holder>, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "SELECT l.pid, coalesce(a.usename::text, '?'), coalesce(host(a.client_addr), 'this machine') \
             FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 \
               AND l.classid = $1::int4::oid AND l.objid = $2::int4::oid \
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            &[&LOCK.0, &LOCK.1],
        )
        .await?;
    row.map(|row| Ok(Holder { pid: row.try_get(0)?, user: row.try_get(1)?, address: row.try_get(2)? }))
        .transpose()
}

/// The change table as it stands, and the types of what is not stored from the table of Live.
async fn look_up(client: &Client, layout: &TableLayout, id: u32) -> Result<ChangeTable, DialectError> {
    let captured = &layout.captured;
    let sql = "SELECT a.attname::text, a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
               JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped";
    let columns = async |schema: &str, table: &str| -> Result<Vec<(String, u32)>, tokio_postgres::Error> {
        let rows = client.query(sql, &[&schema, &table]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    };
    let written = columns(SCHEMA, &layout.name).await.map_err(DialectError::refused)?;
    if written.is_empty() {
        return Err(DialectError::Blocked(format!(
            "there is no change table {SCHEMA}.{} for {}: run `mare install`",
            layout.name,
            layout.live_name()
        )));
    }
    let base = columns(&captured.schema, &captured.table).await.map_err(DialectError::refused)?;
    let type_of = |columns: &[(String, u32)], name: &str| {
        columns.iter().find(|(column, _)| column == name).map(|(_, type_oid)| *type_oid)
    };
    if let Some(column) = layout.stored.iter().find(|column| type_of(&written, column).is_none()) {
        return Err(DialectError::Blocked(format!(
            "change table {SCHEMA}.{} has no column {column}: it was made for another mapping; run `mare install`",
            layout.name
        )));
    }
    let stored: Vec<_> = captured
        .columns
        .iter()
        .map(|column| layout.stored.iter().position(|other| other == column))
        .collect();
    let columns = captured
        .columns
        .iter()
        .map(|name| Column {
            name: name.as_str().into(),
            type_oid: type_of(&written, name).or_else(|| type_of(&base, name)).unwrap_or(0),
            key: captured.key.contains(name),
        })
        .collect();
    let relation = Relation {
        id,
        schema: captured.schema.as_str().into(),
        table: captured.table.as_str().into(),
        columns,
    };
    Ok(ChangeTable { role: captured.role, relation, stored })
}

impl PostgresDialect {
    async fn prepare(
        client: Client,
        layouts: Vec<TableLayout>,
        tables: Vec<ChangeTable>,
    ) -> Result<Self, tokio_postgres::Error> {
        let bound = client.prepare(BOUND).await?;
        let (mut pages, mut deletes) = (Vec::new(), Vec::new());
        for layout in &layouts {
            let columns: String =
                layout.stored.iter().map(|column| format!(", {}", quoted(column))).collect();
            let table = layout.sql();
            let page = format!(
                "SELECT mare_number, mare_op, mare_at{columns} FROM {table} \
                 WHERE mare_number > $1 AND mare_number <= $2 ORDER BY mare_number LIMIT $3"
            );
            pages.push(client.prepare(&page).await?);
            deletes.push(client.prepare(&format!("DELETE FROM {table} WHERE mare_number = ANY($1)")).await?);
        }
        Ok(Self { client, layouts, tables, bound, pages, deletes })
    }
}

impl Dialect for PostgresDialect {
    type Row = PostgresChange;

    fn tables(&self) -> &[ChangeTable] {
        &self.tables
    }

    async fn health(&mut self) -> Result<Health, DialectError> {
        let identity = identity(&self.client).await?;
        check::health(&self.client, &self.layouts, identity).await.map_err(DialectError::refused)
    }

    async fn bound(&mut self) -> Result<ChangeNumber, DialectError> {
        let row = self.client.query_one(&self.bound, &[]).await.map_err(DialectError::refused)?;
        row.try_get(0).map_err(DialectError::refused)
    }

    /// All in one round trip; each page has a snapshot of its own.
    async fn pages(&mut self, asked: &[PageAsk]) -> Result<Vec<Vec<PostgresChange>>, DialectError> {
        let pages = asked.iter().map(async |ask| {
            let limit = i64::try_from(ask.limit).unwrap_or(i64::MAX);
            let rows = self.client.query(&self.pages[ask.table], &[&ask.after, &ask.bound, &limit]).await?;
            rows.into_iter().map(PostgresChange::new).collect::<Result<Vec<_>, _>>()
        });
        try_join_all(pages).await.map_err(DialectError::refused)
    }

    async fn delete(&mut self, table: usize, numbers: &[ChangeNumber]) -> Result<(), DialectError> {
        let deleted = self.client.execute(&self.deletes[table], &[&numbers]).await;
        deleted.map(drop).map_err(DialectError::refused)
    }
}

async fn identity(client: &Client) -> Result<Identity, DialectError> {
    let row = client
        .query_one(
            // The first eight digits of a WAL file's name are the timeline: another one after a restore or a failover.
            "SELECT (SELECT system_identifier::text FROM pg_control_system()) || '/' \
                 || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' \
                 || left(pg_walfile_name(pg_current_wal_lsn()), 8), \
                 coalesce(c.installation::text, ''), coalesce(c.capture, true), \
                 CASE WHEN n.is_called THEN n.last_value ELSE 0 END \
             FROM mare.change_number n LEFT JOIN mare.control c ON true",
            &[],
        )
        .await
        .map_err(DialectError::refused)?;
    let read = || -> Result<Identity, tokio_postgres::Error> {
        Ok(Identity {
            system: row.try_get(0)?,
            installation: row.try_get(1)?,
            capturing: row.try_get(2)?,
            number: Some(row.try_get(3)?),
        })
    };
    read().map_err(DialectError::refused)
}

/// A row of a change table, as Postgres sent it.
pub struct PostgresChange {
    number: ChangeNumber,
    op: Op,
    /// Only the key counts: the other columns may be out of date.
    key_only: bool,
    captured_at: Timestamp,
    row: Row,
}

/// Before the stored columns come number, op and time.
const FIRST_STORED: usize = 3;

impl PostgresChange {
    fn new(row: Row) -> Result<Self, tokio_postgres::Error> {
        let letter = row.try_get::<_, i8>(1)?.cast_unsigned();
        let op = match letter {
            b'U' | b'K' => Op::Upsert,
            b'D' => Op::Delete,
            b'T' => Op::Truncate,
            // What nobody here knows is no reason to lose something.
            _ => Op::Missed,
        };
        let at = row.try_get::<_, Option<Raw<'_>>>(2)?.and_then(|raw| raw.0.try_into().ok());
        Ok(Self {
            number: row.try_get(0)?,
            op,
            key_only: letter == b'K',
            captured_at: Timestamp::from_postgres(at.map_or(0, i64::from_be_bytes)),
            row,
        })
    }
}

impl ChangeRow for PostgresChange {
    fn number(&self) -> ChangeNumber {
        self.number
    }

    fn op(&self) -> Op {
        self.op
    }

    fn captured_at(&self) -> Timestamp {
        self.captured_at
    }

    fn cells<'a>(&'a self, table: &ChangeTable, out: &mut Vec<Cell<'a>>) {
        out.extend(table.relation.columns.iter().zip(&table.stored).map(|(column, stored)| {
            let Some(index) = stored.filter(|_| column.key || !self.key_only) else {
                return if self.op == Op::Upsert { Cell::Unchanged } else { Cell::Null };
            };
            let cell = self.row.try_get::<_, Option<Raw<'_>>>(FIRST_STORED + index);
            cell.ok().flatten().map_or(Cell::Null, |raw| Cell::Binary(raw.0))
        }));
    }
}
