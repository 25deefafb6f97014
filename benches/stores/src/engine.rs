//! One face for the three engines: commits with one sync, and reads.

use std::path::Path;
use std::str::FromStr;

use crate::Result;
use crate::data::Pairs;

mod fjall;
mod redb;
mod sqlite;

pub(crate) use self::fjall::Settings;

/// What each engine may keep of its blocks or pages in memory.
const CACHE_BYTES: u64 = 32 << 20;

pub(crate) trait Engine {
    /// All of `pairs` and the batch number, or nothing; on disk when it returns.
    fn commit(&mut self, pairs: Pairs, batch: u64) -> Result<()>;

    /// Reads within one view of the data, where the engine knows views.
    fn read(&mut self, f: &mut dyn FnMut(&mut Get<'_>) -> Result<()>) -> Result<()>;

    /// The number of the last batch.
    fn last_batch(&mut self) -> Result<u64>;
}

/// Looks a key up.
pub(crate) type Get<'a> = dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>> + 'a;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fjall,
    Redb,
    /// Saves what is needed to open without a repair with every commit.
    RedbQuickRepair,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Fjall, Self::Redb, Self::RedbQuickRepair, Self::Sqlite];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Redb => "redb",
            Self::RedbQuickRepair => "redb-quick-repair",
            Self::Sqlite => "sqlite",
        }
    }

    pub(crate) fn open(self, dir: &Path, settings: Settings) -> Result<Box<dyn Engine>> {
        std::fs::create_dir_all(dir)?;
        Ok(match self {
            Self::Fjall => Box::new(fjall::Fjall::open(dir, settings)?),
            Self::Redb => Box::new(redb::Redb::open(dir, false)?),
            Self::RedbQuickRepair => Box::new(redb::Redb::open(dir, true)?),
            Self::Sqlite => Box::new(sqlite::Sqlite::open(dir)?),
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| format!("no engine '{text}'"))
    }
}
