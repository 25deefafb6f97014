//! The ledger's own hardest hour on fjall: 1,000,000 changes over 200,000 keys arrive, then all keys are settled.

use std::time::Instant;

use fjall::PersistMode;
use serde_json::json;

use crate::Result;
use crate::data::{key, random_batch};
use crate::engine::Kind;
use crate::phases::{Run, round};
use crate::process::{self, Meter};

const KEYS: u64 = 200_000;
const CHANGES: usize = 1_000_000;
/// What arrives while one commit is written coalesces into the next.
const ARRIVING: usize = 10_000;
const SETTLED: u64 = 1_000;

pub(crate) fn drain(run: &Run) -> Result<()> {
    if run.kind != Kind::Fjall {
        return Ok(());
    }
    // Beside the folder of the other phases, so that neither is in the other's figures.
    let dir = run.dir.with_extension("drain");
    let (db, [dirty, confirmed, meta]) = run.settings.open(&dir, ["dirty", "confirmed", "meta"])?;
    let meter = Meter::start()?;
    let (mut made, started) = (0.0, Instant::now());
    let mut commits = 0_u64;
    for number in 0..u64::try_from(CHANGES / ARRIVING)? {
        let before = process::thread_seconds()?;
        let pairs = random_batch(number, ARRIVING, KEYS);
        made += process::thread_seconds()? - before;
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in pairs {
            batch.insert(&dirty, key, value.as_slice());
        }
        batch.insert(&meta, "progress", number.to_be_bytes());
        batch.commit()?;
        commits += 1;
    }
    for from in (0..KEYS).step_by(usize::try_from(SETTLED)?) {
        let mut batch = db.batch().durability(Some(PersistMode::Buffer));
        for index in from..from + SETTLED {
            let key = key(index, KEYS);
            if let Some(value) = dirty.get(&key)? {
                batch.insert(&confirmed, key.as_slice(), value);
                batch.remove(&dirty, key);
            }
        }
        batch.commit()?;
        commits += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    let reading = meter.read()?;
    drop((dirty, confirmed, meta, db));
    let opening = Instant::now();
    drop(run.settings.open(&dir, ["dirty", "confirmed", "meta"])?);
    let open_ms = round(opening.elapsed().as_secs_f64() * 1e3);
    std::fs::remove_dir_all(&dir)?;
    run.report(
        "drain",
        json!({
            "changes": CHANGES,
            "commits": commits,
            "seconds": round(seconds),
            "cpu_us_per_change": round((reading.cpu_seconds - made) * 1e6 / 1e6),
            "written_mib": reading.written_bytes >> 20,
            "peak_rss_mib": reading.peak_rss_bytes >> 20,
            "open_ms": open_ms,
        }),
    )
}
