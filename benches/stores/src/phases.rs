//! What is measured. Every phase is a process of its own, so that memory, processor time and written bytes are
//! those of one engine doing one thing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::data::{Pairs, VALUE_BYTES, absent_key, indexes, key, random_batch, run_of_keys, value};
use crate::engine::{Engine, Get, Kind, Settings};
use crate::process::{self, Meter};

/// Upserts of one large commit.
pub(crate) const BATCH: usize = 100_000;
const LIGHT_BATCH: usize = 100;
const LIGHT_COMMITS: usize = 1_000;
const LOOKUPS: u64 = 200_000;

pub(crate) struct Run {
    pub(crate) kind: Kind,
    pub(crate) settings: Settings,
    /// The settings as they were given.
    pub(crate) label: String,
    pub(crate) dir: PathBuf,
    pub(crate) keys: u64,
    /// A phase stops here and says how far it came.
    pub(crate) limit: Duration,
}

/// Times of commits or look-ups.
struct Laps(Vec<f64>);

impl Laps {
    fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = (self.0.len() as f64 * share) as usize;
        self.0.get(at.min(self.0.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }

    fn seconds(&self) -> f64 {
        self.0.iter().sum()
    }
}

impl Run {
    pub(crate) fn phase(&self, name: &str) -> Result<()> {
        match name {
            "load" => self.load(),
            "batches" => self.batches(),
            "rewrites" => self.rewrites(),
            "light" => self.light(),
            "lookups" => self.lookups(),
            _ => Err(format!("no phase '{name}'").into()),
        }
    }

    fn load(&self) -> Result<()> {
        let starts = (0..self.keys).step_by(BATCH);
        let batches = starts.map(|from| (from, self.keys.min(from + BATCH as u64)));
        self.writes("load", batches, |number, (from, to)| run_of_keys(number, from, to, self.keys))
    }

    /// Random keys of all, sorted, over a few commits.
    fn batches(&self) -> Result<()> {
        self.writes("batches", 0..20, |number, _| random_batch(number, BATCH, self.keys))
    }

    /// Ten times: a tenth of the keys, from the first to the last, in commits.
    fn rewrites(&self) -> Result<()> {
        let tenth = usize::try_from(self.keys / 10)?;
        let parts = (0..10).flat_map(|rewrite| (0..tenth.div_ceil(BATCH)).map(move |part| (rewrite, part)));
        let mut chosen = Vec::new();
        let mut random = fastrand::Rng::with_seed(7);
        self.writes("rewrites", parts, move |number, (rewrite, part)| {
            if part == 0 {
                chosen = indexes(u64::MAX - rewrite, tenth, self.keys);
            }
            let part = chosen.chunks(BATCH).nth(part).unwrap_or_default();
            part.iter().map(|index| (key(*index, self.keys), value(number, &mut random))).collect()
        })
    }

    fn light(&self) -> Result<()> {
        self.writes("light", 0..LIGHT_COMMITS, |number, _| random_batch(number, LIGHT_BATCH, self.keys))
    }

    /// Commits of what `make` gives for each step. Only commits are timed; making the batches is not counted.
    fn writes<T>(
        &self,
        measure: &str,
        steps: impl Iterator<Item = T>,
        mut make: impl FnMut(u64, T) -> Pairs,
    ) -> Result<()> {
        let mut store = self.kind.open(&self.dir, self.settings)?;
        let mut number = store.last_batch()?;
        let (mut laps, mut upserts, mut made) = (Laps(Vec::new()), 0_usize, 0.0);
        let meter = Meter::start()?;
        let (started, mut finished) = (Instant::now(), true);
        for step in steps {
            if started.elapsed() > self.limit {
                finished = false;
                break;
            }
            number += 1;
            let before = process::thread_seconds()?;
            let pairs = make(number, step);
            made += process::thread_seconds()? - before;
            upserts += pairs.len();
            let lap = Instant::now();
            store.commit(pairs, number)?;
            laps.0.push(lap.elapsed().as_secs_f64());
        }
        let closing = Instant::now();
        drop(store);
        let close_seconds = closing.elapsed().as_secs_f64();
        let reading = meter.read()?;
        let bytes = upserts * (key(0, self.keys).len() + VALUE_BYTES);
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        self.report(
            measure,
            json!({
                "finished": finished,
                "upserts": upserts,
                "upserts_per_second": (upserts as f64 / laps.seconds()).round(),
                "commits_per_second": round(laps.0.len() as f64 / laps.seconds()),
                "commit_ms_median": round(laps.quantile(0.5) * 1e3),
                "commit_ms_p99": round(laps.quantile(0.99) * 1e3),
                "close_ms": round(close_seconds * 1e3),
                "cpu_seconds_per_million": round((reading.cpu_seconds - made) * 1e6 / upserts as f64),
                "written_per_byte": round(reading.written_bytes as f64 / bytes as f64),
                "peak_rss_mib": reading.peak_rss_bytes >> 20,
                "disk_mib": process::disk_bytes(&self.dir)? >> 20,
            }),
        )
    }

    fn lookups(&self) -> Result<()> {
        process::drop_from_page_cache(&self.dir)?;
        let meter = Meter::start()?;
        let opening = Instant::now();
        let mut store = self.kind.open(&self.dir, self.settings)?;
        let open_ms = round(opening.elapsed().as_secs_f64() * 1e3);
        let mut random = fastrand::Rng::with_seed(self.keys);
        self.look_up("lookups-cold", &mut *store, &mut || key(random.u64(..self.keys), self.keys), true)?;
        process::read_into_page_cache(&self.dir)?;
        self.look_up("lookups-warm", &mut *store, &mut || key(random.u64(..self.keys), self.keys), true)?;
        let absent = &mut || absent_key(random.u64(..self.keys), self.keys);
        self.look_up("lookups-absent", &mut *store, absent, false)?;
        let peak = meter.read()?.peak_rss_bytes >> 20;
        self.report("lookups", json!({ "open_ms": open_ms, "peak_rss_mib": peak }))
    }

    fn look_up(
        &self,
        measure: &str,
        store: &mut dyn Engine,
        key: &mut dyn FnMut() -> Vec<u8>,
        there: bool,
    ) -> Result<()> {
        let mut laps = Laps(Vec::new());
        let meter = Meter::start()?;
        // A look-up that reads the disk takes far longer than one that does not: cut off by time as well.
        let started = Instant::now();
        store.read(&mut |get: &mut Get<'_>| {
            for _ in 0..LOOKUPS {
                if started.elapsed() > Duration::from_secs(10) {
                    break;
                }
                let key = key();
                let lap = Instant::now();
                let found = get(&key)?;
                laps.0.push(lap.elapsed().as_secs_f64());
                if found.is_some() != there {
                    return Err(format!(
                        "{measure}: a key is wrongly {}",
                        if there { "absent" } else { "there" }
                    )
                    .into());
                }
            }
            Ok(())
        })?;
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let count = laps.0.len() as f64;
        self.report(
            measure,
            json!({
                "per_second": (count / laps.seconds()).round(),
                "median_us": round(laps.quantile(0.5) * 1e6),
                "p99_us": round(laps.quantile(0.99) * 1e6),
                "cpu_seconds_per_million": round(meter.read()?.cpu_seconds * 1e6 / count),
            }),
        )
    }

    pub(crate) fn report(&self, measure: &str, figures: Value) -> Result<()> {
        let mut line = json!({ "measure": measure, "store": self.kind.name(), "keys": self.keys });
        let fields = line.as_object_mut().ok_or("not an object")?;
        if !self.label.is_empty() {
            fields.insert("settings".to_owned(), self.label.as_str().into());
        }
        fields.extend(figures.as_object().cloned().unwrap_or_default());
        println!("{line}");
        Ok(())
    }
}

pub(crate) fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
