//! What is read beside the stream, and let in where it is newer.

use mare::core::entity::Key;
use mare::core::record::Cause;
use mare::mapping::{Effect as Said, Refresh};
use mare::source::reconcile::visibility;
use mare::source::window::Due;

use super::Process;
use crate::disk::{Disk, State};
use crate::fault::Fault;
use crate::live::{Live, Seen};
use crate::source;
use crate::world::SKUS;

/// The compare that is due, and how far it has come.
pub(super) const COMPARE: &str = "compare";
/// Balances of a chunk.
const CHUNK: u32 = 2;

/// Rows that are read beside the stream.
pub(super) struct Chunk {
    what: What,
    seen: Option<Seen>,
}

#[derive(Clone)]
pub(super) enum What {
    /// SKUs from here on; at the end the orders.
    Compare(u32),
    /// A column of this SKU was not sent.
    Due(Due, u32),
}

impl Process {
    /// One step of what is read beside the stream: open, read, let in.
    pub(crate) fn compare(&mut self, live: &Live, disk: &Disk) -> bool {
        if !self.is_connected() || self.versions {
            return false;
        }
        let Some(chunk) = &mut self.chunk else {
            let Some(what) = next_chunk(&disk.now) else { return false };
            // Of this one the ledger does not know yet that it is done.
            if self.handed.is_some() {
                return false;
            }
            self.gate.open();
            self.chunk = Some(Chunk { what, seen: None });
            return true;
        };
        let Some(seen) = &chunk.seen else {
            chunk.seen = Some(live.read());
            return true;
        };
        if self.read < seen.lsn || self.handed.is_some() {
            return false;
        }
        let (what, seen) = (chunk.what.clone(), seen.clone());
        self.chunk = None;
        self.let_in(&what, &seen, disk);
        self.gate.close();
        true
    }

    fn let_in(&mut self, what: &What, seen: &Seen, disk: &Disk) {
        let snapshot = visibility::Seen::Snapshot(seen.snapshot.parse().expect("as Postgres writes it"));
        if self.gate.ahead_of(&snapshot) && !self.does(Fault::OpenTheGate) {
            self.said.push("a chunk is read again".to_owned());
            return;
        }
        self.said.push(format!("a chunk as of {} at {}", seen.lsn, self.read));
        let mut effects = Vec::new();
        let skus: Vec<u32> = match what {
            What::Compare(from) => (*from..SKUS.min(from + CHUNK)).collect(),
            What::Due(_, sku) => vec![*sku],
        };
        let (window, state) = (&self.window, &disk.now);
        let told = |key: &Key| {
            window.wants(key) || state.dirty.contains_key(key) || state.confirmed.contains_key(key)
        };
        source::map_chunk(&mut self.mapper, &skus, &seen.stock, &told, &disk.now, &mut effects);
        if skus.is_empty() {
            effects.extend(seen.orders.iter().map(source::wants));
        }
        let transaction = self.transaction(self.read, seen.moment, 0);
        for effect in effects {
            if self.gate.is_newer(&effect, &snapshot) && !self.does(Fault::OpenTheGate) {
                continue;
            }
            let same = matches!(&effect, Said::Want { key, value } if !self.window.wants(key)
                && !disk.now.dirty.contains_key(key)
                && disk.now.confirmed.get(key).is_some_and(|confirmed| confirmed.value == *value));
            if !same {
                self.window.take(effect, &transaction, Cause::Resync);
            }
        }
        match what {
            What::Due(due, _) => self.window.refreshed(due.clone()),
            What::Compare(_) if skus.is_empty() => self.window.note(COMPARE.to_owned(), Vec::new()),
            What::Compare(from) => self.window.note(COMPARE.to_owned(), vec![(from + CHUNK) as u8]),
        }
    }
}

pub(super) fn next_chunk(state: &State) -> Option<What> {
    if let Some(due) = state.due.first() {
        let due = Due::decode(due).expect("as it was written");
        let sku = (0..SKUS).find(|sku| due.refresh == Refresh::Sku(source::row_id(*sku)));
        if let Some(sku) = sku {
            return Some(What::Due(due, sku));
        }
    }
    let from = *state.notes.get(COMPARE)?.first()?;
    Some(What::Compare(u32::from(from)))
}
