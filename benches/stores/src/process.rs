//! What Linux knows of this process and of the files under a folder.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Result;

/// Processor time, memory and bytes written since it was made.
pub(crate) struct Meter {
    cpu: f64,
    written: u64,
}

pub(crate) struct Reading {
    /// User and system time of all threads, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Bytes that reached the block layer.
    pub(crate) written_bytes: u64,
    /// The most that was resident.
    pub(crate) peak_rss_bytes: u64,
}

impl Meter {
    pub(crate) fn start() -> Result<Self> {
        // 5 resets the high-water mark of resident memory.
        fs::write("/proc/self/clear_refs", "5")?;
        Ok(Self { cpu: cpu_seconds()?, written: field("/proc/self/io", "write_bytes:")? })
    }

    pub(crate) fn read(&self) -> Result<Reading> {
        Ok(Reading {
            cpu_seconds: cpu_seconds()? - self.cpu,
            written_bytes: field("/proc/self/io", "write_bytes:")?.saturating_sub(self.written),
            peak_rss_bytes: field("/proc/self/status", "VmHWM:")? * 1024,
        })
    }
}

fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?.1;
    let ticks = |at| fields.split_whitespace().nth(at).unwrap_or_default().parse::<f64>();
    // USER_HZ is 100 on every Linux of today.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// Processor time of the calling thread alone.
pub(crate) fn thread_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}

fn field(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such field in /proc")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Every file under a folder.
fn each_file(dir: &Path, f: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            each_file(&path, f)?;
        } else {
            f(&path)?;
        }
    }
    Ok(())
}

/// Blocks that are really there: what was only set aside does not count.
pub(crate) fn disk_bytes(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    each_file(dir, &mut |path| {
        bytes += fs::metadata(path)?.blocks() * 512;
        Ok(())
    })?;
    Ok(bytes)
}

/// Leaves nothing of these files in memory.
pub(crate) fn drop_from_page_cache(dir: &Path) -> Result<()> {
    each_file(dir, &mut |path| {
        let file = fs::File::open(path)?;
        file.sync_all()?;
        Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
    })
}

/// Has all of these files in memory, as long as there is enough of it.
pub(crate) fn read_into_page_cache(dir: &Path) -> Result<()> {
    let mut buffer = vec![0; 1 << 20];
    each_file(dir, &mut |path| {
        let mut file = fs::File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
        Ok(())
    })
}

/// Conditions that every figure depends on.
pub(crate) fn machine() -> Result<serde_json::Value> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(serde_json::json!({
        "measure": "machine",
        "cpu": model.map(|(_, name)| name),
        "cores": std::thread::available_parallelism()?.get(),
        "memory_gib": field("/proc/meminfo", "MemTotal:")? >> 20,
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        "load_average": fs::read_to_string("/proc/loadavg")?.split(' ').next(),
        "nice": nice()?,
    }))
}

fn nice() -> Result<i64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?.1;
    Ok(fields.split_whitespace().nth(16).unwrap_or_default().parse()?)
}
