//! SQLite: a B-tree with a write-ahead log.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::{CACHE_BYTES, Engine, Get};
use crate::Result;
use crate::data::Pairs;

pub(super) struct Sqlite {
    db: Connection,
}

impl Sqlite {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let db = Connection::open(dir.join("ledger.sqlite"))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "full")?;
        // Negative: in KiB.
        db.pragma_update(None, "cache_size", -i64::try_from(CACHE_BYTES >> 10)?)?;
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS confirmed (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID; \
             CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Self { db })
    }
}

impl Engine for Sqlite {
    fn commit(&mut self, pairs: Pairs, batch: u64) -> Result<()> {
        let transaction = self.db.transaction()?;
        let mut upsert = transaction.prepare_cached("INSERT OR REPLACE INTO confirmed VALUES (?, ?)")?;
        for (key, value) in &pairs {
            upsert.execute((key.as_slice(), value.as_slice()))?;
        }
        drop(upsert);
        let mut position = transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('batch', ?)")?;
        position.execute([i64::try_from(batch)?])?;
        drop(position);
        Ok(transaction.commit()?)
    }

    fn read(&mut self, f: &mut dyn FnMut(&mut Get<'_>) -> Result<()>) -> Result<()> {
        let transaction = self.db.transaction()?;
        let mut select = transaction.prepare_cached("SELECT value FROM confirmed WHERE key = ?")?;
        f(&mut |key| Ok(select.query_row([key], |row| row.get(0)).optional()?))
    }

    fn last_batch(&mut self) -> Result<u64> {
        let mut select = self.db.prepare_cached("SELECT value FROM meta WHERE name = 'batch'")?;
        let batch: Option<i64> = select.query_row([], |row| row.get(0)).optional()?;
        Ok(u64::try_from(batch.unwrap_or(0))?)
    }
}
