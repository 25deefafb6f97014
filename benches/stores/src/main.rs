//! Which embedded store suits the ledger: one JSON object a line, for each measurement of each engine.
//!
//! ```text
//! cargo run --release --manifest-path benches/stores/Cargo.toml              1,000,000 keys, all engines
//! … -- --keys 10000000 --stores fjall,sqlite --dir /big/disk --limit 600
//! … -- --stores fjall --settings memtable=16,lz4=0 --phases load,batches,crash,drain
//! ```
//!
//! Needs Linux (`/proc`) and about 2 GiB of disk for each 10,000,000 keys; leaves nothing behind.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use engine::Kind;
use phases::Run;

mod crash;
mod data;
mod drain;
mod engine;
mod phases;
mod process;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PHASES: &str = "load,batches,rewrites,light,lookups,crash";
const KILLS: u64 = 5;

struct Arguments {
    keys: u64,
    stores: Vec<Kind>,
    phases: String,
    settings: String,
    dir: PathBuf,
    limit: u64,
    /// Of a process that does one phase; a person does not need it.
    child: Option<String>,
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    if let Some(child) = &arguments.child {
        let run = arguments.run(arguments.stores[0])?;
        return match child.split(',').collect::<Vec<_>>()[..] {
            ["write"] => crash::write_for_ever(&run),
            ["check", first, acknowledged] => crash::check(&run, first.parse()?, acknowledged.parse()?),
            ["drain"] => drain::drain(&run),
            _ => run.phase(child),
        };
    }
    println!("{}", process::machine()?);
    std::fs::create_dir_all(&arguments.dir)?;
    println!("{}", sync_time(&arguments)?);
    for kind in &arguments.stores {
        let measured = arguments.measure(*kind);
        let _ = std::fs::remove_dir_all(arguments.run(*kind)?.dir);
        measured?;
    }
    Ok(())
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        keys: 1_000_000,
        stores: Kind::ALL.to_vec(),
        phases: PHASES.to_owned(),
        settings: String::new(),
        dir: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/data")),
        limit: 600,
        child: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--keys" => arguments.keys = value.parse()?,
            "--stores" => {
                arguments.stores = value.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?
            }
            "--phases" => arguments.phases = value,
            "--settings" => arguments.settings = value,
            "--dir" => arguments.dir = value.into(),
            "--limit" => arguments.limit = value.parse()?,
            "--child" => arguments.child = Some(value),
            _ => return Err(format!("unknown argument {name}").into()),
        }
    }
    Ok(arguments)
}

impl Arguments {
    fn run(&self, kind: Kind) -> Result<Run> {
        Ok(Run {
            kind,
            settings: self.settings.parse()?,
            label: self.settings.clone(),
            dir: self.dir.join(kind.name()),
            keys: self.keys,
            limit: Duration::from_secs(self.limit),
        })
    }

    fn measure(&self, kind: Kind) -> Result<()> {
        for phase in self.phases.split(',') {
            if phase == "crash" {
                for kill in 0..KILLS {
                    let after = Duration::from_millis(500 + 700 * kill);
                    let (first, acknowledged) = crash::kill(&mut self.child(kind, "write")?, after)?;
                    self.wait_for(kind, &format!("check,{first},{acknowledged}"))?;
                }
            } else {
                self.wait_for(kind, phase)?;
            }
        }
        Ok(())
    }

    fn wait_for(&self, kind: Kind, child: &str) -> Result<()> {
        let status = self.child(kind, child)?.status()?;
        if status.success() { Ok(()) } else { Err(format!("{} {child}: {status}", kind.name()).into()) }
    }

    fn child(&self, kind: Kind, child: &str) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--stores", kind.name(), "--settings", &self.settings, "--child", child]);
        command.args(["--keys", &self.keys.to_string(), "--limit", &self.limit.to_string(), "--dir"]);
        command.arg(&self.dir);
        Ok(command)
    }
}

/// The least that any commit can take here: an append of one small batch and its sync.
fn sync_time(arguments: &Arguments) -> Result<serde_json::Value> {
    use std::io::Write;
    let path = arguments.dir.join("sync");
    let mut file = std::fs::File::create(&path)?;
    let mut laps = Vec::new();
    for _ in 0..200 {
        let lap = Instant::now();
        file.write_all(&[7; 9_000])?;
        file.sync_data()?;
        laps.push(lap.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(path)?;
    laps.sort_unstable_by(f64::total_cmp);
    Ok(serde_json::json!({
        "measure": "sync", "ms_median": phases::round(laps[100]), "ms_p99": phases::round(laps[197])
    }))
}
