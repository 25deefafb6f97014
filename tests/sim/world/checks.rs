//! What must hold on the way.

use mare::core::call::Call;
use mare::core::dispatch::{KeyState, Request};
use mare::core::entity::Key;
use mare::core::schedule::Urgency;

use super::{SKUS, World};
use crate::source::WAREHOUSE;

/// Live has no more of them.
const MOMENTS: i64 = 1_000_000;

impl World {
    /// One request per key; and no version that is older than one sent before.
    pub(super) fn check(&mut self, request: &Request) {
        let Some(key) = &request.key else { return };
        if self.process.out.iter().any(|out| out.request.key.as_ref() == Some(key)) {
            return self.breaks(format!("two requests in flight for {key}"));
        }
        let Call::SetStock { balance_at, .. } = &request.call else { return };
        // What was confirmed and is sent once more has no moment of Live's: the oracle sees to it.
        if balance_at.0 > MOMENTS {
            return;
        }
        let newest = self.versions.entry(key.clone()).or_insert(*balance_at);
        if *balance_at < *newest {
            return self.breaks(format!("{key} goes back"));
        }
        *newest = *balance_at;
    }

    /// Where the balances stand that wait for their turn.
    pub(super) fn urgencies(&self) -> Vec<(Key, Urgency)> {
        let keys = (0..SKUS).map(|sku| Key::stock(WAREHOUSE, &format!("S{sku}")));
        let explained = keys
            .filter_map(|key| self.process.dispatch.explain(&key, self.now).map(|explain| (key, explain)));
        let queued = explained.filter_map(|(key, explain)| match explain.state {
            // What is doubtful is read first: that has a limit of its own.
            KeyState::Queued(urgency) if !explain.doubtful => Some((key, urgency)),
            _ => None,
        });
        queued.collect()
    }

    /// Nothing rises while something sold out waits.
    pub(super) fn check_urgency(&mut self, before: &[(Key, Urgency)], requests: &[Request]) {
        let sent = |key: &Key| requests.iter().any(|request| request.key.as_ref() == Some(key));
        let rises = |wanted| before.iter().any(|(key, urgency)| *urgency == wanted && sent(key));
        let waits = before.iter().any(|(key, urgency)| {
            let still = self.process.dispatch.explain(key, self.now).map(|explain| explain.state);
            *urgency == Urgency::SoldOut && still == Some(KeyState::Queued(Urgency::SoldOut))
        });
        if waits && rises(Urgency::Rising) {
            self.breaks("a rising balance went before one that is sold out".to_owned());
        }
    }
}
