//! redb: copy-on-write B-trees in one file.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use super::{CACHE_BYTES, Engine, Get};
use crate::Result;
use crate::data::Pairs;

const CONFIRMED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("confirmed");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

pub(super) struct Redb {
    db: Database,
    quick_repair: bool,
}

impl Redb {
    pub(super) fn open(dir: &Path, quick_repair: bool) -> Result<Self> {
        let cache_bytes = usize::try_from(CACHE_BYTES)?;
        let db = Database::builder().set_cache_size(cache_bytes).create(dir.join("ledger.redb"))?;
        Ok(Self { db, quick_repair })
    }
}

impl Engine for Redb {
    fn commit(&mut self, pairs: Pairs, batch: u64) -> Result<()> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_quick_repair(self.quick_repair);
        let mut confirmed = transaction.open_table(CONFIRMED)?;
        for (key, value) in &pairs {
            confirmed.insert(key.as_slice(), value.as_slice())?;
        }
        drop(confirmed);
        transaction.open_table(META)?.insert("batch", batch)?;
        transaction.commit()?;
        Ok(())
    }

    fn read(&mut self, f: &mut dyn FnMut(&mut Get<'_>) -> Result<()>) -> Result<()> {
        let table = self.db.begin_read()?.open_table(CONFIRMED)?;
        f(&mut |key| Ok(table.get(key)?.map(|value| value.value().to_vec())))
    }

    fn last_batch(&mut self) -> Result<u64> {
        let transaction = self.db.begin_read()?;
        let table = match transaction.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
            table => table?,
        };
        Ok(table.get("batch")?.map_or(0, |batch| batch.value()))
    }
}
