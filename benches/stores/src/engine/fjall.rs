//! fjall: a log-structured merge tree, set up as the ledger has it unless a setting says otherwise.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use fjall::compaction::Leveled;
use fjall::config::{
    BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use super::{CACHE_BYTES, Engine, Get};
use crate::Result;
use crate::data::Pairs;

/// What can be turned, written as `memtable=8,cache=32`. Sizes are in MiB; what is not named is as in the ledger.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    memtable: Option<u64>,
    cache: Option<u64>,
    journal: Option<u64>,
    workers: Option<usize>,
    /// 0 compresses nothing, 1 everything; otherwise levels 0 and 1 are left as they are.
    lz4: Option<u64>,
    /// Bits a key in the filters of all levels; 0 has none.
    filter: Option<u64>,
    /// No filters in the last level.
    hits: Option<u64>,
    /// Values apart from keys.
    separate: Option<u64>,
    /// Size of a table file.
    table: Option<u64>,
    /// Runs in level 0 that start a compaction.
    runs: Option<u64>,
    /// Block size in KiB.
    block: Option<u64>,
}

impl FromStr for Settings {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut settings = Self::default();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("'{pair}' is not name=number"))?;
            let number: u64 = value.parse().map_err(|_| format!("'{value}' is not a number"))?;
            match name {
                "memtable" => settings.memtable = Some(number),
                "cache" => settings.cache = Some(number),
                "journal" => settings.journal = Some(number),
                "workers" => settings.workers = usize::try_from(number).ok(),
                "lz4" => settings.lz4 = Some(number),
                "filter" => settings.filter = Some(number),
                "hits" => settings.hits = Some(number),
                "separate" => settings.separate = Some(number),
                "table" => settings.table = Some(number),
                "runs" => settings.runs = Some(number),
                "block" => settings.block = Some(number),
                _ => return Err(format!("fjall has no setting '{name}' here")),
            }
        }
        Ok(settings)
    }
}

impl Settings {
    fn keyspace(&self) -> KeyspaceCreateOptions {
        let mut options =
            KeyspaceCreateOptions::default().max_memtable_size(self.memtable.unwrap_or(4) << 20);
        if let Some(all) = self.lz4 {
            let kind = if all == 0 { CompressionType::None } else { CompressionType::Lz4 };
            options = options.data_block_compression_policy(CompressionPolicy::all(kind));
        }
        if let Some(bits) = self.filter {
            #[expect(clippy::cast_precision_loss, reason = "a handful of bits")]
            let policy = match bits {
                0 => FilterPolicy::disabled(),
                bits => FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(
                    bits as f32,
                ))),
            };
            options = options.filter_policy(policy);
        }
        let levels = Leveled::default()
            .with_table_target_size(self.table.unwrap_or(16) << 20)
            .with_l0_threshold(u8::try_from(self.runs.unwrap_or(8)).unwrap_or(u8::MAX));
        options = options.compaction_strategy(Arc::new(levels));
        if let Some(kib) = self.block {
            options = options
                .data_block_size_policy(BlockSizePolicy::all(u32::try_from(kib << 10).unwrap_or(4096)));
        }
        if self.separate == Some(1) {
            options =
                options.with_kv_separation(Some(KvSeparationOptions::default().separation_threshold(1)));
        }
        options.expect_point_read_hits(self.hits == Some(1))
    }

    pub(crate) fn open<const N: usize>(
        &self,
        dir: &Path,
        names: [&str; N],
    ) -> Result<(Database, [Keyspace; N])> {
        let mut builder = Database::builder(dir)
            .cache_size(self.cache.map_or(CACHE_BYTES, |mib| mib << 20))
            .max_journaling_size(self.journal.unwrap_or(64) << 20);
        if let Some(workers) = self.workers {
            builder = builder.worker_threads(workers);
        }
        let db = builder.open()?;
        let keyspaces: Vec<_> =
            names.iter().map(|name| db.keyspace(name, || self.keyspace())).collect::<fjall::Result<_>>()?;
        let keyspaces = keyspaces.try_into().map_err(|_| "as many keyspaces as names")?;
        Ok((db, keyspaces))
    }
}

pub(super) struct Fjall {
    db: Database,
    confirmed: Keyspace,
    meta: Keyspace,
}

impl Fjall {
    pub(super) fn open(dir: &Path, settings: Settings) -> Result<Self> {
        let (db, [confirmed, meta]) = settings.open(dir, ["confirmed", "meta"])?;
        Ok(Self { db, confirmed, meta })
    }
}

impl Engine for Fjall {
    fn commit(&mut self, pairs: Pairs, batch: u64) -> Result<()> {
        let mut writes = self.db.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in pairs {
            writes.insert(&self.confirmed, key, value.as_slice());
        }
        writes.insert(&self.meta, "batch", batch.to_be_bytes());
        Ok(writes.commit()?)
    }

    fn read(&mut self, f: &mut dyn FnMut(&mut Get<'_>) -> Result<()>) -> Result<()> {
        f(&mut |key| Ok(self.confirmed.get(key)?.map(|value| value.to_vec())))
    }

    fn last_batch(&mut self) -> Result<u64> {
        let batch = self.meta.get("batch")?;
        Ok(batch.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))).unwrap_or(0))
    }
}
