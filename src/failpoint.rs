//! Places between two steps where a test has the process end as by `kill -9`: nothing is finished, nothing is flushed.
//!
//! Only builds with debug assertions have them. In a release build they are nothing, whatever the environment says.

/// Ends the process here if `MARE_END_AT` is `place/step`, or `place/step:n` when this is the n-th time.
#[cfg(debug_assertions)]
pub(crate) fn reached(place: &str, step: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let wanted = std::env::var("MARE_END_AT").ok()?;
        let (point, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((point.to_owned(), AtomicU32::new(times.parse().ok()?)))
    });
    let Some((point, left)) = &*WANTED else { return };
    let is_here = point.strip_prefix(place).and_then(|rest| rest.strip_prefix('/')) == Some(step);
    if is_here && left.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) const fn reached(_place: &str, _step: &str) {}
