//! Facts about the slot, and its care, over plain SQL.

use tokio_postgres::{Client, Error};

use crate::core::position::Position;

/// A slot as Live shows it (`pg_replication_slots`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotFacts {
    pub name: String,
    pub plugin: String,
    pub database: Option<String>,
    /// The process that reads it.
    pub active_pid: Option<i32>,
    pub restart: Option<Position>,
    pub confirmed_flush: Option<Position>,
    /// `reserved`, `extended`, `unreserved` or `lost`.
    pub wal_status: Option<String>,
    /// Bytes of WAL until the slot is lost; `None` without `max_slot_wal_keep_size`.
    pub safe_wal_size: Option<i64>,
    /// WAL kept because of it.
    pub retained_bytes: Option<u64>,
}

impl SlotFacts {
    /// Live has removed WAL that the slot needed: it can never be read again.
    pub fn is_lost(&self) -> bool {
        self.wal_status.as_deref() == Some("lost")
    }
}

fn lsn(text: Option<&str>) -> Option<Position> {
    text.and_then(|text| text.parse().ok())
}

/// The slot, if it exists.
pub async fn facts(client: &Client, slot: &str) -> Result<Option<SlotFacts>, Error> {
    let row = client
        .query_opt(
            "SELECT slot_name::text, coalesce(plugin::text, ''), database::text, active_pid, restart_lsn::text, \
                    confirmed_flush_lsn::text, wal_status, safe_wal_size, \
                    CASE WHEN pg_is_in_recovery() THEN NULL \
                         ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END \
             FROM pg_replication_slots WHERE slot_name = $1",
            &[&slot],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SlotFacts {
        name: row.try_get(0)?,
        plugin: row.try_get(1)?,
        database: row.try_get(2)?,
        active_pid: row.try_get(3)?,
        restart: lsn(row.try_get(4)?),
        confirmed_flush: lsn(row.try_get(5)?),
        wal_status: row.try_get(6)?,
        safe_wal_size: row.try_get(7)?,
        retained_bytes: row.try_get::<_, Option<i64>>(8)?.and_then(|bytes| u64::try_from(bytes).ok()),
    }))
}

/// `server_version_num`, like 150018.
pub async fn server_version(client: &Client) -> Result<u32, Error> {
    let row = client.query_one("SELECT current_setting('server_version_num')::int", &[]).await?;
    Ok(row.try_get::<_, i32>(0)?.unsigned_abs())
}

/// How far Live has written (on a standby: replayed) its WAL.
pub async fn current_position(client: &Client) -> Result<Position, Error> {
    let row = client
        .query_one(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text",
            &[],
        )
        .await?;
    Ok(lsn(row.try_get(0)?).unwrap_or(Position::ZERO))
}

/// Makes the slot; from the returned position on no change is missed.
pub async fn create(client: &Client, slot: &str) -> Result<Position, Error> {
    // A failover slot (17 and later) is kept by a standby that takes over.
    let failover = if server_version(client).await? >= 170_000 { ", failover => true" } else { "" };
    let sql = format!("SELECT lsn::text FROM pg_create_logical_replication_slot($1, 'pgoutput'{failover})");
    let row = client.query_one(&sql, &[&slot]).await?;
    Ok(lsn(row.try_get(0)?).unwrap_or(Position::ZERO))
}

/// Drops the slot: Live keeps no WAL for it from then on.
pub async fn drop_slot(client: &Client, slot: &str) -> Result<(), Error> {
    client.execute("SELECT pg_drop_replication_slot($1)", &[&slot]).await.map(drop)
}

/// Writes a message into the WAL, outside of any transaction.
pub async fn emit_heartbeat(client: &Client, prefix: &str, content: &str) -> Result<(), Error> {
    client.execute("SELECT pg_logical_emit_message(false, $1, $2)", &[&prefix, &content]).await.map(drop)
}
