//! Which changes a chunk of rows has already seen.
//!
//! A chunk is read beside the stream. For every row of it the question is: is it newer or older than
//! what the stream said about the same key? Beside a slot, LSNs cannot answer: a transaction is written to
//! the WAL (and streamed to us) a moment *before* snapshots begin to see it, with synchronous replication a
//! long moment. The snapshot's own list of transactions answers exactly (Postgres manual, "System
//! Information Functions", `pg_current_snapshot`). Beside change tables nothing answers; there the stream
//! counts as newer, which it is by the time the chunk comes in (see [`Watermark::NextRound`]).

use std::collections::{HashSet, VecDeque};
use std::str::FromStr;

use crate::core::position::Position;

/// What the read of a chunk saw of the changes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is hidden from it: for what reads no rows.
    Everything,
    /// What this snapshot of Postgres sees.
    Snapshot(Snapshot),
    /// Unknown: every change that came since the gate was opened counts as unseen.
    Unknown,
}

impl Seen {
    /// Whether the read saw what transaction `xid` committed.
    pub fn sees(&self, xid: u32) -> bool {
        match self {
            Self::Everything => true,
            Self::Snapshot(snapshot) => snapshot.sees(xid),
            Self::Unknown => false,
        }
    }
}

/// What the stream must have brought before a chunk may come in: everything that the chunk has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watermark {
    /// Nothing.
    None,
    /// All up to this position (a slot).
    Position(Position),
    /// A whole round of the drain that began after the chunk was read (change tables).
    ///
    /// Whatever the chunk saw was committed before that round took its bound, so the round has brought it:
    /// of a key that the stream touched, the stream now tells the newest.
    NextRound,
}

/// `pg_current_snapshot()`: top-level transactions only, as in the stream's Begin messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Every id from here on had not begun.
    next: u64,
    /// Below `next`, these were still running.
    running: Vec<u64>,
}

/// A text that is not a snapshot.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a snapshot (expected xmin:xmax:running)")]
pub struct NotASnapshot(String);

impl FromStr for Snapshot {
    type Err = NotASnapshot;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.splitn(3, ':');
            let _oldest: u64 = parts.next()?.parse().ok()?;
            let next = parts.next()?.parse().ok()?;
            let running = match parts.next()? {
                "" => Vec::new(),
                list => list.split(',').map(|xid| xid.parse().ok()).collect::<Option<_>>()?,
            };
            Some(Self { next, running })
        };
        parse().ok_or_else(|| NotASnapshot(text.to_owned()))
    }
}

impl Snapshot {
    /// Whether the snapshot saw what transaction `xid` committed. The stream gives 32 bits; the rest is
    /// that of the snapshot, from which a streamed transaction is never 2^31 away.
    pub fn sees(&self, xid: u32) -> bool {
        let distance = i64::from(xid.wrapping_sub(self.next as u32).cast_signed());
        let xid = self.next.wrapping_add_signed(distance);
        xid < self.next && !self.running.contains(&xid)
    }
}

/// The transactions streamed last, to notice a snapshot that does not see one of them yet.
#[derive(Debug, Default)]
pub struct RecentTransactions {
    order: VecDeque<u32>,
    set: HashSet<u32>,
}

impl RecentTransactions {
    /// A transaction is streamed but unseen for milliseconds (for as long as a synchronous standby takes
    /// to confirm at worst), and the server runs no more of those than it has connections.
    const COUNT_MAX: usize = 65_536;

    pub fn streamed(&mut self, xid: u32) {
        if self.set.insert(xid) {
            self.order.push_back(xid);
        }
        if self.order.len() > Self::COUNT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }

    /// Whether a snapshot is older than something that was already streamed: then it must be taken again.
    pub fn ahead_of(&self, seen: &Seen) -> bool {
        match seen {
            Seen::Snapshot(snapshot) => snapshot.running.iter().any(|xid| self.set.contains(&(*xid as u32))),
            Seen::Everything | Seen::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_sees_what_had_committed() {
        let snapshot: Snapshot = "100:110:100,105".parse().unwrap();
        assert!(snapshot.sees(99) && snapshot.sees(101) && snapshot.sees(109));
        assert!(!snapshot.sees(100) && !snapshot.sees(105), "they were running");
        assert!(!snapshot.sees(110) && !snapshot.sees(500), "they had not begun");
        assert!("1:1:".parse::<Snapshot>().is_ok());
        for wrong in ["", "1", "1:2", "a:b:", "1:2:x"] {
            assert!(wrong.parse::<Snapshot>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn transaction_ids_wrap_around() {
        let epoch = 1_u64 << 32;
        let snapshot: Snapshot = format!("{}:{}:", epoch + 5, epoch + 5).parse().unwrap();
        assert!(snapshot.sees(u32::MAX), "the last of the epoch before");
        assert!(snapshot.sees(4) && !snapshot.sees(5));
    }

    #[test]
    fn a_snapshot_older_than_the_stream_is_noticed() {
        let mut recent = RecentTransactions::default();
        recent.streamed(105);
        let seen = |text: &str| Seen::Snapshot(text.parse().unwrap());
        assert!(recent.ahead_of(&seen("100:110:100,105")));
        assert!(!recent.ahead_of(&seen("100:110:100")));
    }

    #[test]
    fn without_a_snapshot_every_change_counts_as_unseen() {
        assert!(!Seen::Unknown.sees(0) && !Seen::Unknown.sees(7));
        assert!(Seen::Everything.sees(0) && Seen::Everything.sees(u32::MAX));
    }
}
