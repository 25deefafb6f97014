//! Processor time, as Linux tells it.

/// Of a process so far; none once it has ended.
fn of(process: u32) -> Option<Times> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name, which may hold anything: state, parent, …
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // USER_HZ is 100 on every Linux of today.
    let seconds = |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? / 100.0);
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended_children: seconds(13)? + seconds(14)?,
    })
}

struct Times {
    parent: u32,
    own: f64,
    ended_children: f64,
}

/// Of a process that runs.
pub(super) fn seconds(process: u32) -> f64 {
    of(process).expect("the process runs").own
}

/// Of a process and its children, also of those that have ended.
pub(super) fn seconds_with_children(parent: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children: f64 =
        ids.filter_map(of).filter(|times| times.parent == parent).map(|times| times.own).sum();
    let itself = of(parent).expect("the process runs");
    itself.own + itself.ended_children + children
}
