//! How old stock balances were when they arrived: from the commit in the ERP, which a write carries as
//! `dateUtcOnBalanceSystem`, to the request at VTEX.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Eight steps per power of two: a figure is at most 12.5 % too high.
const STEPS: u64 = 8;
/// Up to 2^36 microseconds, 19 hours.
const BUCKETS: usize = 34 * STEPS as usize;

/// A histogram that writers share without a lock.
#[derive(Debug)]
pub(super) struct Ages([AtomicU64; BUCKETS]);

impl Default for Ages {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// Age of the balances that arrived, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq)]
pub struct BalanceAges {
    /// Writes that carried an instant.
    pub count: u64,
    /// Half of them were younger.
    pub p50: f64,
    /// 99 of 100 were younger.
    pub p99: f64,
    /// 999 of 1,000 were younger.
    pub p999: f64,
}

impl Ages {
    pub(super) fn count(&self, age: Duration) {
        let micros = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        self.0[bucket(micros)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> BalanceAges {
        let counts: Vec<u64> = self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let at = |share: f64| {
            let rank = (count as f64 * share).ceil() as u64;
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= rank.max(1)
            });
            reached.map_or(0.0, |bucket| upper_bound(bucket) as f64 / 1e6)
        };
        BalanceAges { count, p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }

    pub(super) fn reset(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2());
    let step = (micros >> (power - 3)) - STEPS;
    (((power - 2) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The first microsecond behind a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let (octave, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    if octave == 0 { step + 1 } else { (STEPS + step + 1) << (octave - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_lies_below_its_bound() {
        for micros in (0..5_000).chain([1 << 20, (1 << 20) + 77_777, 3_600_000_000]) {
            let bucket = bucket(micros);
            assert!(micros < upper_bound(bucket), "{micros}");
            assert!(bucket == 0 || micros >= upper_bound(bucket - 1), "{micros}");
            assert!(upper_bound(bucket) as f64 <= (micros + 1) as f64 * 1.125, "{micros}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn shares_are_counted_from_the_youngest() {
        let ages = Ages::default();
        assert_eq!(ages.snapshot(), BalanceAges::default());
        for _ in 0..99 {
            ages.count(Duration::from_millis(2));
        }
        ages.count(Duration::from_secs(1));
        let seen = ages.snapshot();
        assert_eq!(seen.count, 100);
        assert!((0.002..0.0023).contains(&seen.p50) && (0.002..0.0023).contains(&seen.p99), "{seen:?}");
        assert!((1.0..1.13).contains(&seen.p999), "{seen:?}");
    }
}
