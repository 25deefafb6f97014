//! The keys that are not at rest, in memory: one entry each, however many changes a key has seen.
//!
//! Entries live in a slab of fixed blocks (growing moves nothing) and are found through a table of slot
//! numbers (the key is held once). A key at rest takes no memory.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::call::{Lane, Route};
use super::entity::{Entity, Key, RemoteId};
use super::record::{Confirmed, Dirty, Exchange, Parked, Wanted};
use super::schedule::Urgency;
use super::time::{Tick, Timestamp};
use super::value::Value;

/// Where an entry lives.
pub(crate) type Slot = u32;

/// Entries per block: a block is about half a megabyte, allocated at once.
const BLOCK_LEN: usize = 4096;

/// Queues with fewer leftovers than this are not worth compacting.
const LEFTOVERS_MIN: usize = 64;

/// Where a key that is not at rest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// New, or between two states.
    Nowhere,
    /// Waits for its turn on a route.
    Queued { route: Route, urgency: Urgency },
    /// Waits until VTEX knows its SKU.
    WaitsForSku,
    /// Waits until VTEX knows what it hangs on.
    WaitsForParent,
    /// A job is under way.
    InFlight,
    /// Waits after a failure.
    BackingOff,
    /// Delivered, but an older request may still be applied on top: is read again later.
    Verifying,
    /// Set aside.
    Parked,
}

/// How far the confirmed value can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// VTEX holds the confirmed value.
    None,
    /// VTEX may hold something else: nothing is suppressed.
    Unsure,
    /// A request may have been applied without our knowing: read before writing.
    ReadFirst,
}

/// A write whose answer never came and that VTEX may apply late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Echo {
    /// Until when it may still be applied.
    pub(crate) until: Tick,
    /// What it writes; `None` when there are several, or when VTEX may have held the same before.
    pub(crate) value: Option<Value>,
}

/// What only keys in trouble have.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) parked: Option<Parked>,
    pub(crate) last: Option<Exchange>,
    /// When a key that backs off or is verified comes back.
    pub(crate) not_before: Option<(Tick, Timestamp)>,
    /// The id that VTEX answered 404 for.
    pub(crate) refused: Option<RemoteId>,
    /// The ids of what it hangs on that VTEX answered 404 for.
    pub(crate) refused_parents: Vec<u32>,
    pub(crate) echo: Option<Echo>,
    /// A look-up has just not found this SKU: it is to be created.
    pub(crate) absent: bool,
    /// Somebody has confirmed what would otherwise be set aside.
    pub(crate) allowed: bool,
    /// It backs off for a part that could not be brought: a newer value need not wait.
    pub(crate) partly: bool,
    /// Nothing is wanted of it but to see whether VTEX holds what it confirmed.
    pub(crate) proof: Option<Proof>,
}

/// What becomes of a difference that a proof finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Repair,
    Report,
}

/// One key that is not at rest.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) wanted: Wanted,
    /// Since when VTEX has been behind.
    pub(crate) since: Timestamp,
    pub(crate) confirmed: Option<Confirmed>,
    /// VTEX's name of it, of things that nothing hangs on.
    pub(crate) id: Option<Box<RemoteId>>,
    /// Failed attempts for the wanted value.
    pub(crate) attempts: u32,
    /// Names this stay in a queue or among the timers: what carries another one is a leftover.
    pub(crate) ticket: u32,
    /// Names this stay among the dirty keys (see [`Ages`]).
    pub(crate) birth: u32,
    pub(crate) state: State,
    pub(crate) doubt: Doubt,
    pub(crate) trouble: Option<Box<Trouble>>,
}

impl Entry {
    pub(crate) fn lane(&self) -> Lane {
        lane_of(self.key.entity)
    }

    pub(crate) fn trouble_mut(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    pub(crate) fn parked(&self) -> Option<&Parked> {
        self.trouble.as_ref().and_then(|trouble| trouble.parked.as_ref())
    }

    pub(crate) fn proof(&self) -> Option<Proof> {
        self.trouble.as_ref()?.proof
    }

    /// Whether a look-up has just not found its SKU.
    pub(crate) fn is_absent(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.absent)
    }

    /// Whether a write may have been applied without our knowing, or may still be.
    pub(crate) fn is_doubtful(&self) -> bool {
        let has_echo = self.trouble.as_ref().is_some_and(|trouble| trouble.echo.is_some());
        self.doubt == Doubt::ReadFirst || has_echo
    }

    /// Whether VTEX is known to hold what is wanted.
    pub(crate) fn is_satisfied(&self) -> bool {
        let holds = self.confirmed.as_ref().is_some_and(|confirmed| confirmed.value == self.wanted.value);
        holds && self.doubt == Doubt::None
    }

    /// The newest version known of this key.
    pub(crate) fn is_newer_than(&self, wanted: &Wanted) -> bool {
        let confirmed = self.confirmed.as_ref().map(|confirmed| confirmed.position);
        self.wanted.position.max(confirmed.unwrap_or_default()) > wanted.position
    }

    /// The record to keep on disk.
    pub(crate) fn record(&self) -> Dirty {
        let trouble = self.trouble.as_deref();
        Dirty {
            wanted: self.wanted.clone(),
            since: self.since,
            attempts: self.attempts,
            not_before: trouble.and_then(|trouble| trouble.not_before).map(|(_, wall)| wall),
            doubtful: self.is_doubtful(),
            parked: self.parked().cloned(),
            last: trouble.and_then(|trouble| trouble.last.clone()),
        }
    }
}

/// The lane that an entity's keys go out on.
pub(crate) const fn lane_of(entity: Entity) -> Lane {
    match entity {
        Entity::Stock => Lane::Stock,
        Entity::Price => Lane::Price,
        Entity::Brand | Entity::Category | Entity::Product | Entity::Sku => Lane::Catalog,
        Entity::Customer | Entity::Consent => Lane::People,
        Entity::Order => Lane::Orders,
    }
}

/// All keys that are not at rest.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    blocks: Vec<Vec<Option<Entry>>>,
    free: Vec<Slot>,
    index: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    births: u32,
    counts: [usize; Entity::ALL.len()],
    ages: [Ages; Lane::ALL.len()],
}

impl Ledger {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Of one entity.
    pub(crate) const fn count(&self, entity: Entity) -> usize {
        self.counts[entity.index()]
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |slot| self.get(*slot).is_some_and(|entry| entry.key == *key)).copied()
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Entry> {
        let (block, at) = place(slot);
        self.blocks.get(block)?.get(at)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        let (block, at) = place(slot);
        self.blocks.get_mut(block)?.get_mut(at)?.as_mut()
    }

    /// The keys of an entity.
    pub(crate) fn keys(&self, entity: Entity) -> Vec<Key> {
        let entries = self.blocks.iter().flatten().flatten();
        entries.filter(|entry| entry.key.entity == entity).map(|entry| entry.key.clone()).collect()
    }

    /// Adds the entry of a key that has none.
    pub(crate) fn insert(&mut self, mut entry: Entry) -> Slot {
        debug_assert!(self.find(&entry.key).is_none(), "one entry per key");
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        let hash = self.hasher.hash_one(&entry.key);
        entry.birth = self.bear(&entry, slot);
        self.counts[entry.key.entity.index()] += 1;
        let (block, at) = place(slot);
        self.blocks[block][at] = Some(entry);
        let Self { blocks, index, hasher, .. } = self;
        index.insert_unique(hash, slot, |slot| {
            let (block, at) = place(*slot);
            blocks[block][at].as_ref().map_or(0, |entry| hasher.hash_one(&entry.key))
        });
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let (block, at) = place(slot);
        let entry = self.blocks.get_mut(block)?.get_mut(at)?.take()?;
        let hash = self.hasher.hash_one(&entry.key);
        if let Ok(found) = self.index.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
        self.free.push(slot);
        self.counts[entry.key.entity.index()] -= 1;
        self.ages[entry.lane() as usize].leave(entry.birth);
        self.compact_ages(entry.lane());
        Some(entry)
    }

    /// Counts the key's age anew, from its `since`: it came back from being parked, its SKU exists now, or it
    /// was delivered while a newer value waited.
    pub(crate) fn renew_age(&mut self, slot: Slot) {
        let Some(entry) = self.get(slot) else { return };
        let (lane, birth) = (entry.lane(), entry.birth);
        self.ages[lane as usize].leave(birth);
        self.births = self.births.wrapping_add(1).max(1);
        let birth = self.births;
        if let Some(entry) = self.get_mut(slot) {
            entry.birth = birth;
        }
        self.ages[lane as usize].join(slot, birth);
        self.compact_ages(lane);
    }

    /// The key does not count as late: it is parked, or its SKU does not exist.
    pub(crate) fn stop_age(&mut self, slot: Slot) {
        let Some(entry) = self.get_mut(slot) else { return };
        let (lane, birth) = (entry.lane(), std::mem::take(&mut entry.birth));
        self.ages[lane as usize].leave(birth);
        self.compact_ages(lane);
    }

    /// Since when the key that has waited longest in `lane` has been dirty.
    pub(crate) fn oldest(&mut self, lane: Lane) -> Option<Timestamp> {
        loop {
            let (slot, birth) = *self.ages[lane as usize].line.front()?;
            match self.get(slot) {
                Some(entry) if entry.birth == birth && entry.lane() == lane => return Some(entry.since),
                _ => self.ages[lane as usize].line.pop_front(),
            };
        }
    }

    fn grow(&mut self) -> Slot {
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK_LEN) {
            self.blocks.push(Vec::with_capacity(BLOCK_LEN));
        }
        let full = (self.blocks.len() - 1) * BLOCK_LEN;
        let block = self.blocks.last_mut().expect("a block was pushed when there was none");
        block.push(None);
        Slot::try_from(full + block.len() - 1).expect("fewer than four thousand million keys fit in memory")
    }

    fn bear(&mut self, entry: &Entry, slot: Slot) -> u32 {
        self.births = self.births.wrapping_add(1).max(1);
        self.ages[entry.lane() as usize].join(slot, self.births);
        self.births
    }

    fn compact_ages(&mut self, lane: Lane) {
        let ages = &self.ages[lane as usize];
        if has_too_many_leftovers(ages.line.len(), ages.live) {
            let mut line = std::mem::take(&mut self.ages[lane as usize].line);
            line.retain(|(slot, birth)| self.get(*slot).is_some_and(|entry| entry.birth == *birth));
            self.ages[lane as usize].line = line;
        }
    }
}

/// The dirty keys of a lane in the order in which they became dirty. Those that left stay behind as
/// leftovers, until they come to the front or are too many.
#[derive(Debug, Default)]
struct Ages {
    line: VecDeque<(Slot, u32)>,
    live: usize,
}

impl Ages {
    fn join(&mut self, slot: Slot, birth: u32) {
        self.line.push_back((slot, birth));
        self.live += 1;
    }

    /// `birth` 0 is a key that does not count.
    fn leave(&mut self, birth: u32) {
        self.live -= usize::from(birth != 0);
    }
}

/// Whether a queue with lazy deletion holds more dead than living items: then clearing it costs no more
/// than the deletions that made it so.
pub(crate) const fn has_too_many_leftovers(len: usize, live: usize) -> bool {
    len > 2 * live + LEFTOVERS_MIN
}

const fn place(slot: Slot) -> (usize, usize) {
    (slot as usize / BLOCK_LEN, slot as usize % BLOCK_LEN)
}

#[cfg(test)]
mod tests {
    use super::super::position::Position;
    use super::super::record::Cause;
    use super::super::value::Stock;
    use super::*;

    fn entry(id: u64, since: i64) -> Entry {
        let since = Timestamp(since);
        let value = Value::Stock(Stock::of(1));
        Entry {
            key: Key::stock("loja-01", &format!("SKU-{id:08}")),
            wanted: Wanted { value, position: Position(id), committed_at: since, cause: Cause::Change },
            since,
            confirmed: None,
            id: None,
            attempts: 0,
            ticket: 0,
            birth: 0,
            state: State::Nowhere,
            doubt: Doubt::None,
            trouble: None,
        }
    }

    #[test]
    fn a_dirty_key_costs_at_most_two_hundred_bytes() {
        let index = 2 * (size_of::<Slot>() + 1); // a table that has just doubled
        let queued = 2 * size_of::<super::super::schedule::Ticket>();
        let aged = 2 * size_of::<(Slot, u32)>();
        let bytes = size_of::<Option<Entry>>() + index + queued + aged;
        assert!(bytes <= 200, "{bytes} bytes");
    }

    #[test]
    fn every_key_is_found_again_while_others_come_and_go() {
        let mut ledger = Ledger::default();
        let slots: Vec<_> = (0..10_000).map(|id| ledger.insert(entry(id, 0))).collect();
        for slot in slots.iter().step_by(2) {
            assert!(ledger.remove(*slot).is_some());
        }
        for id in 20_000..25_000 {
            ledger.insert(entry(id, 0));
        }
        assert_eq!(ledger.len(), 10_000);
        for id in (0..10_000).chain(20_000..25_000) {
            let found = ledger.find(&entry(id, 0).key).and_then(|slot| ledger.get(slot));
            let stays = id >= 20_000 || id % 2 == 1;
            assert_eq!(found.map(|entry| entry.wanted.position), stays.then_some(Position(id)));
        }
    }

    #[test]
    fn the_oldest_key_is_known_whoever_leaves() {
        let mut ledger = Ledger::default();
        let slots: Vec<_> = (0..1000).map(|id| ledger.insert(entry(id, id as i64))).collect();
        assert_eq!(ledger.oldest(Lane::Stock), Some(Timestamp(0)));
        ledger.remove(slots[0]);
        ledger.stop_age(slots[1]);
        assert_eq!(ledger.oldest(Lane::Stock), Some(Timestamp(2)));
        slots[2..].iter().for_each(|slot| drop(ledger.remove(*slot)));
        assert_eq!(ledger.oldest(Lane::Stock), None);
        ledger.renew_age(slots[1]);
        assert_eq!(ledger.oldest(Lane::Stock), Some(Timestamp(1)));
        assert_eq!(ledger.oldest(Lane::Price), None);
    }

    #[test]
    fn coming_and_going_leaves_no_trace_in_memory() {
        let mut ledger = Ledger::default();
        ledger.insert(entry(0, 0));
        for id in 1..100_000 {
            let slot = ledger.insert(entry(id, 0));
            ledger.remove(slot);
        }
        assert!(ledger.ages[Lane::Stock as usize].line.len() <= 2 + LEFTOVERS_MIN + 1);
        assert_eq!(ledger.blocks.len(), 1);
    }
}
