//! Facts about a slot and care for it, over plain SQL.

use tokio_postgres::Client;

use crate::core::position::{Incarnation, NotAnLsn, Position};
use crate::core::time::Timestamp;
use crate::live::ServerError;

use super::wire::{CreatedSlot, ServerVersion};

/// What `pg_replication_slots` knows of a slot. Facts that the server's version does not have are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotFacts {
    pub plugin: Option<String>,
    pub database: Option<String>,
    /// Process that streams from the slot at this moment.
    pub active_pid: Option<i32>,
    /// Oldest WAL the slot holds back.
    pub restart_lsn: Option<Position>,
    /// Everything before it was confirmed by us and will not be sent again.
    pub confirmed_flush_lsn: Option<Position>,
    pub wal_status: Option<WalStatus>,
    /// Bytes that can still be written before the slot may be invalidated; absent without
    /// `max_slot_wal_keep_size`, negative when it is already beyond.
    pub safe_wal_size: Option<i64>,
    /// Bytes of WAL between `restart_lsn` and the server's current position.
    pub retained_bytes: Option<i64>,
    /// Where the server's WAL ends now (on a standby: what it has replayed).
    pub current_lsn: Option<Position>,
    /// The slot follows a failover to a standby (17 and later).
    pub failover: Option<bool>,
    /// Since when nobody reads the slot (17 and later).
    pub inactive_since: Option<Timestamp>,
    /// Why the server gave the slot up (17 and later).
    pub invalidation_reason: Option<String>,
}

/// Whether the WAL a slot needs is still there (Postgres manual, `pg_replication_slots`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalStatus {
    /// Within `max_wal_size`.
    Reserved,
    /// Beyond `max_wal_size`, kept for the slot.
    Extended,
    /// Going to be removed at the next checkpoint unless the slot advances.
    Unreserved,
    /// Removed. The slot is of no use any more.
    Lost,
}

/// A statement about a slot failed.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    #[error("slot '{0}' does not exist")]
    Missing(String),
    #[error("slot '{slot}' is in use: {error}")]
    InUse { slot: String, error: ServerError },
    #[error("Postgres refused: {0}")]
    Server(ServerError),
    #[error("the statement about the slot failed: {0}")]
    Sql(tokio_postgres::Error),
    #[error(transparent)]
    NotAnLsn(#[from] NotAnLsn),
    #[error("the server has the unknown version '{0}'")]
    UnknownVersion(String),
    #[error("the server reports the unknown wal_status '{0}'")]
    UnknownWalStatus(String),
}

/// Columns that came with a later version are read through JSON, which answers null for what is not there: one
/// statement for all versions.
const FACTS: &str = "\
with slot as (
  select s.*, to_jsonb(s) as facts,
         case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as current
  from pg_catalog.pg_replication_slots s
  where s.slot_name = $1::text)
select plugin::text, database::text, active_pid, restart_lsn::text, confirmed_flush_lsn::text, wal_status,
       safe_wal_size, pg_wal_lsn_diff(current, restart_lsn)::bigint, current::text,
       (facts ->> 'failover')::boolean,
       (extract(epoch from (facts ->> 'inactive_since')::timestamptz) * 1000000)::bigint,
       facts ->> 'invalidation_reason'
from slot";

/// The facts of a slot; none when there is no such slot.
pub async fn facts(client: &Client, slot: &str) -> Result<Option<SlotFacts>, SlotError> {
    let Some(row) = client.query_opt(FACTS, &[&slot]).await.map_err(|error| sorted(error, slot))? else {
        return Ok(None);
    };
    let text = |column: usize| row.try_get::<_, Option<String>>(column).map_err(SlotError::Sql);
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map_err(SlotError::Sql);
    Ok(Some(SlotFacts {
        plugin: text(0)?,
        database: text(1)?,
        active_pid: row.try_get(2).map_err(SlotError::Sql)?,
        restart_lsn: position(text(3)?)?,
        confirmed_flush_lsn: position(text(4)?)?,
        wal_status: text(5)?.as_deref().map(WalStatus::parse).transpose()?,
        safe_wal_size: number(6)?,
        retained_bytes: number(7)?,
        current_lsn: position(text(8)?)?,
        failover: row.try_get(9).map_err(SlotError::Sql)?,
        inactive_since: number(10)?.map(Timestamp),
        invalidation_reason: text(11)?,
    }))
}

impl SlotFacts {
    /// The server has given the slot up, or will not let it be read: changes are missing.
    pub fn is_lost(&self) -> bool {
        self.wal_status == Some(WalStatus::Lost) || self.invalidation_reason.is_some()
    }
}

impl WalStatus {
    fn parse(text: &str) -> Result<Self, SlotError> {
        match text {
            "reserved" => Ok(Self::Reserved),
            "extended" => Ok(Self::Extended),
            "unreserved" => Ok(Self::Unreserved),
            "lost" => Ok(Self::Lost),
            other => Err(SlotError::UnknownWalStatus(other.to_owned())),
        }
    }
}

/// The incarnation of a slot that was just created.
///
/// Postgres does not store where a slot began, so this can be made only once, from the answer to its creation,
/// and is read from the ledger ever after. A slot of the same name without such an entry is a foreign one.
pub fn incarnation(system: String, created: &CreatedSlot) -> Incarnation {
    Incarnation { system, slot: created.name.clone(), created_at: created.consistent_point }
}

/// Identifier of the cluster, as `IDENTIFY_SYSTEM` gives it.
pub async fn system_identifier(client: &Client) -> Result<String, SlotError> {
    let sql = "select system_identifier::text from pg_catalog.pg_control_system()";
    let row = client.query_one(sql, &[]).await.map_err(|error| sorted(error, ""))?;
    row.try_get(0).map_err(SlotError::Sql)
}

/// Major version of the server.
pub async fn server_version(client: &Client) -> Result<ServerVersion, SlotError> {
    let row = client.query_one("show server_version", &[]).await.map_err(|error| sorted(error, ""))?;
    let text: String = row.try_get(0).map_err(SlotError::Sql)?;
    ServerVersion::parse(&text).ok_or(SlotError::UnknownVersion(text))
}

/// Drops a slot and frees the WAL it held back.
///
/// # Errors
/// [`SlotError::Missing`] when there is none, [`SlotError::InUse`] while somebody reads it.
pub async fn drop_slot(client: &Client, slot: &str) -> Result<(), SlotError> {
    let sql = "select pg_catalog.pg_drop_replication_slot($1::text)";
    client.execute(sql, &[&slot]).await.map(drop).map_err(|error| sorted(error, slot))
}

/// Writes a logical message outside of any transaction and returns its LSN: it comes back through the slot
/// after everything that was committed before.
///
/// From 17 on it is flushed at once; older servers leave that to their WAL writer, which follows within a
/// second (`wal_writer_delay`, 200 ms by default).
pub async fn emit_heartbeat(
    client: &Client,
    version: ServerVersion,
    prefix: &str,
    content: &[u8],
) -> Result<Position, SlotError> {
    let sql = if version >= ServerVersion(17) {
        "select pg_catalog.pg_logical_emit_message(false, $1::text, $2::bytea, true)::text"
    } else {
        "select pg_catalog.pg_logical_emit_message(false, $1::text, $2::bytea)::text"
    };
    let row = client.query_one(sql, &[&prefix, &content]).await.map_err(|error| sorted(error, ""))?;
    let lsn: String = row.try_get(0).map_err(SlotError::Sql)?;
    Ok(lsn.parse()?)
}

fn position(text: Option<String>) -> Result<Option<Position>, NotAnLsn> {
    text.map(|text| text.parse()).transpose()
}

fn sorted(error: tokio_postgres::Error, slot: &str) -> SlotError {
    let Some(server) = error.as_db_error().map(ServerError::from) else { return SlotError::Sql(error) };
    match &*server.code {
        "42704" => SlotError::Missing(slot.to_owned()),
        "55006" => SlotError::InUse { slot: slot.to_owned(), error: server },
        _ => SlotError::Server(server),
    }
}
