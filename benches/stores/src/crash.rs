//! A writer is killed in the middle; then: is everything there that it was told is there, and nothing by halves?

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::data::{batch_of, indexes, key, random_batch};
use crate::phases::{Run, round};
use crate::process::{self, Meter};

/// Small enough that some are under way at any moment, large enough to fill memtables and logs.
const UPSERTS: usize = 10_000;
/// How many of the last batches are looked at key by key.
const CHECKED: u64 = 30;

/// Writes until it is killed, and says after each commit which one it was.
pub(crate) fn write_for_ever(run: &Run) -> Result<()> {
    let mut store = run.kind.open(&run.dir, run.settings)?;
    let first = store.last_batch()? + 1;
    let mut out = std::io::stdout();
    for number in first.. {
        store.commit(random_batch(number, UPSERTS, run.keys), number)?;
        writeln!(out, "{number}")?;
        out.flush()?;
    }
    Ok(())
}

/// Lets a writer run for a while, kills it, and has another process look at what is left.
pub(crate) fn kill(writer: &mut Command, after: Duration) -> Result<(u64, u64)> {
    let mut child = writer.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output of the writer")?).lines();
    let mut next = || lines.next().transpose();
    let first: u64 = next()?.ok_or("the writer wrote nothing")?.parse()?;
    let (started, mut acknowledged) = (Instant::now(), first);
    while started.elapsed() < after {
        acknowledged = next()?.ok_or("the writer stopped by itself")?.parse()?;
    }
    child.kill()?;
    child.wait()?;
    // What it said before it died counts too.
    while let Some(line) = next()? {
        acknowledged = line.parse()?;
    }
    Ok((first, acknowledged))
}

/// Opens what a killed writer left.
pub(crate) fn check(run: &Run, first: u64, acknowledged: u64) -> Result<()> {
    let meter = Meter::start()?;
    let opening = Instant::now();
    let mut store = run.kind.open(&run.dir, run.settings)?;
    let open_ms = round(opening.elapsed().as_secs_f64() * 1e3);
    let opened = meter.read()?;
    let last = store.last_batch()?;
    let (mut missing, mut torn) = (acknowledged.saturating_sub(last), 0_u64);
    store.read(&mut |get| {
        for batch in first.max(last.saturating_sub(CHECKED))..=last {
            for index in indexes(batch, UPSERTS, run.keys) {
                let found = get(&key(index, run.keys))?.as_deref().and_then(batch_of).unwrap_or(0);
                missing += u64::from(found < batch);
                torn += u64::from(found > last);
            }
        }
        Ok(())
    })?;
    run.report(
        "crash",
        json!({
            "open_ms": open_ms,
            "open_cpu_seconds": opened.cpu_seconds,
            "open_peak_rss_mib": opened.peak_rss_bytes >> 20,
            "batches": acknowledged + 1 - first,
            "missing": missing,
            "torn": torn,
            "disk_mib": process::disk_bytes(&run.dir)? >> 20,
        }),
    )
}
