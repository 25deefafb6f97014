//! The simulator's own time, which a test may move forward instead of waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    started_at: Timestamp,
    skipped_ms: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), started_at: Timestamp::now(), skipped_ms: AtomicU64::new(0) }
    }

    /// Time since the start, what was skipped included.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.skipped_ms.load(Ordering::Acquire))
    }

    /// The date and time, what was skipped included.
    pub(super) fn timestamp(&self) -> Timestamp {
        self.started_at.checked_add(self.now()).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.skipped_ms.fetch_add(ms, Ordering::AcqRel);
    }
}
