//! How often to look where nobody calls: often while something happens, seldom while nothing does.

use std::time::Duration;

/// Bounds of the pause between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollLimits {
    /// Also what a change waits at most under load.
    pub min: Duration,
    /// What the first change after a quiet time waits at most.
    pub max: Duration,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// Something, and that was all of it.
    Some,
    /// More than could be taken at once.
    More,
}

/// The pause before the next look, from the one before it, what was found, and how long that took.
///
/// Halves with every look that finds something and doubles with every one that does not. A look that took
/// long (a server under strain, an index full of dead rows) is given as long to rest, so that looking never
/// keeps Live busy for more than half of the time; only a backlog is not waited with.
pub fn next_pause(before: Duration, found: Found, took: Duration, limits: PollLimits) -> Duration {
    let pause = match found {
        Found::More => return Duration::ZERO,
        Found::Some => before / 2,
        Found::Nothing => before.saturating_mul(2),
    };
    pause.clamp(limits.min, limits.max.max(limits.min)).max(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PollLimits =
        PollLimits { min: Duration::from_millis(20), max: Duration::from_millis(1_000) };

    fn next(before: u64, found: Found, took: u64) -> u64 {
        let millis = Duration::from_millis;
        next_pause(millis(before), found, millis(took), LIMITS).as_millis() as u64
    }

    #[test]
    fn the_pause_follows_the_load() {
        // before, found, took, next
        let table = [
            (1_000, Found::Some, 1, 500),
            (30, Found::Some, 1, 20),
            (0, Found::Some, 1, 20),
            (20, Found::Nothing, 1, 40),
            (900, Found::Nothing, 1, 1_000),
            (0, Found::Nothing, 0, 20),
            (500, Found::More, 100, 0),
            (20, Found::Some, 300, 300),
            (20, Found::Nothing, 5_000, 5_000),
        ];
        for (before, found, took, expected) in table {
            assert_eq!(next(before, found, took), expected, "{before} {found:?} {took}");
        }
    }

    #[test]
    fn from_busy_to_idle_and_back_takes_a_few_looks() {
        let mut pause = 20;
        let mut looks = 0;
        while pause < 1_000 {
            pause = next(pause, Found::Nothing, 1);
            looks += 1;
        }
        assert_eq!(looks, 6);
        while pause > 20 {
            pause = next(pause, Found::Some, 1);
            looks += 1;
        }
        assert_eq!(looks, 12);
    }
}
