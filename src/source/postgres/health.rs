//! What a slot costs the server, and whether it is in danger.

use tokio_postgres::Client;

use super::slot::{SlotError, SlotFacts, WalStatus, facts};
use crate::core::position::Position;

/// Health of a slot at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotHealth {
    pub verdict: Verdict,
    /// WAL the server keeps because of the slot, in bytes.
    pub retained_bytes: u64,
    /// WAL that was written and not yet confirmed by us, in bytes.
    pub unconfirmed_bytes: u64,
    /// Bytes that can still be written before the slot may be lost; absent when it has no limit.
    pub safe_wal_bytes: Option<u64>,
    pub wal_status: Option<WalStatus>,
    /// Where the server's WAL ends.
    pub current_lsn: Position,
    /// Somebody streams from it.
    pub active: bool,
}

/// What the figures come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Healthy,
    /// The next checkpoint may remove WAL that the slot needs.
    AtRisk,
    /// Changes are gone: drop the slot, create another, reconcile.
    Lost,
    /// There is no such slot.
    Missing,
}

/// Asks the server for the health of a slot. Cheap: one row of a view in shared memory.
pub async fn probe(client: &Client, slot: &str) -> Result<SlotHealth, SlotError> {
    Ok(facts(client, slot).await?.as_ref().map_or(SlotHealth::MISSING, SlotHealth::of))
}

impl SlotHealth {
    const MISSING: Self = Self {
        verdict: Verdict::Missing,
        retained_bytes: 0,
        unconfirmed_bytes: 0,
        safe_wal_bytes: None,
        wal_status: None,
        current_lsn: Position::ZERO,
        active: false,
    };

    /// Judges the facts.
    pub fn of(facts: &SlotFacts) -> Self {
        let current_lsn = facts.current_lsn.unwrap_or_default();
        let unconfirmed =
            facts.confirmed_flush_lsn.map(|confirmed| current_lsn.0.saturating_sub(confirmed.0));
        let verdict = match facts.wal_status {
            _ if facts.is_lost() => Verdict::Lost,
            Some(WalStatus::Unreserved) => Verdict::AtRisk,
            _ => Verdict::Healthy,
        };
        Self {
            verdict,
            retained_bytes: facts.retained_bytes.map_or(0, |bytes| bytes.max(0).cast_unsigned()),
            unconfirmed_bytes: unconfirmed.unwrap_or(0),
            safe_wal_bytes: facts.safe_wal_size.map(|bytes| bytes.max(0).cast_unsigned()),
            wal_status: facts.wal_status,
            current_lsn,
            active: facts.active_pid.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(wal_status: WalStatus) -> SlotFacts {
        SlotFacts {
            plugin: Some("pgoutput".into()),
            database: None,
            active_pid: None,
            restart_lsn: Some(Position(100)),
            confirmed_flush_lsn: Some(Position(300)),
            wal_status: Some(wal_status),
            safe_wal_size: Some(-5),
            retained_bytes: Some(900),
            current_lsn: Some(Position(1000)),
            failover: None,
            inactive_since: None,
            invalidation_reason: None,
        }
    }

    #[test]
    fn danger_and_loss_are_told_apart() {
        let verdict = |status| SlotHealth::of(&slot(status)).verdict;
        assert_eq!(verdict(WalStatus::Reserved), Verdict::Healthy);
        assert_eq!(verdict(WalStatus::Extended), Verdict::Healthy);
        assert_eq!(verdict(WalStatus::Unreserved), Verdict::AtRisk);
        assert_eq!(verdict(WalStatus::Lost), Verdict::Lost);
        let idle =
            SlotFacts { invalidation_reason: Some("idle_timeout".into()), ..slot(WalStatus::Reserved) };
        assert_eq!(SlotHealth::of(&idle).verdict, Verdict::Lost);
    }

    #[test]
    fn bytes_are_never_negative() {
        let health = SlotHealth::of(&slot(WalStatus::Unreserved));
        assert_eq!(
            (health.retained_bytes, health.unconfirmed_bytes, health.safe_wal_bytes),
            (900, 700, Some(0))
        );
    }
}
