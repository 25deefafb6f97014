//! The ledger on disk: what is synced, what the system holds for us, and what a power cut leaves of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mare::core::dispatch::Effect;
use mare::core::entity::{Key, SkuId};
use mare::core::record::{Confirmed, Dirty, Wanted};
use mare::mapping::Rows;
use mare::source::window::{Batch, Due, Progress};

use crate::fault::Fault;

/// One write: a part of a batch, or what came of a request.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Keys(Vec<(Key, Wanted)>),
    /// Everything of a batch but its keys and its position.
    Side {
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        due: Vec<Vec<u8>>,
        refreshed: Vec<Vec<u8>>,
        notes: Vec<(String, Vec<u8>)>,
    },
    Position(Progress),
    Effects(Vec<Effect>),
}

impl Write {
    /// A batch in the order in which it is written: the position last.
    pub(crate) fn of(batch: Batch) -> Vec<Self> {
        let rows = batch.rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let encoded = |due: Vec<Due>| due.iter().map(Due::encode).collect();
        let side = Self::Side {
            rows,
            due: encoded(batch.due),
            refreshed: encoded(batch.refreshed),
            notes: batch.notes,
        };
        let keys = Self::Keys(batch.wanted);
        [Some(keys), Some(side), batch.progress.map(Self::Position)].into_iter().flatten().collect()
    }
}

/// What the ledger says.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) dirty: BTreeMap<Key, Dirty>,
    pub(crate) confirmed: HashMap<Key, Confirmed>,
    pub(crate) skus: BTreeMap<String, SkuId>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) due: BTreeSet<Vec<u8>>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    pub(crate) progress: Option<Progress>,
}

impl State {
    fn apply(&mut self, write: &Write, mistake: Option<Fault>) {
        let careless = mistake == Some(Fault::NewerForgetsDoubt);
        match write {
            Write::Keys(keys) => {
                for (key, wanted) in keys {
                    let doubtful = !careless && self.dirty.get(key).is_some_and(|held| held.doubtful);
                    self.dirty.insert(key.clone(), Dirty { doubtful, ..Dirty::fresh(wanted.clone()) });
                }
            }
            Write::Side { rows, due, refreshed, notes } => {
                for (key, value) in rows {
                    match value {
                        Some(value) => drop(self.rows.insert(key.clone(), value.clone())),
                        None => drop(self.rows.remove(key)),
                    }
                }
                for key in refreshed {
                    self.due.remove(key);
                }
                self.due.extend(due.iter().cloned());
                self.notes.extend(notes.iter().cloned());
            }
            Write::Position(progress) => self.progress = Some(progress.clone()),
            Write::Effects(effects) => effects.iter().for_each(|effect| self.effect(effect, mistake)),
        }
    }

    fn effect(&mut self, effect: &Effect, mistake: Option<Fault>) {
        match effect {
            Effect::Settle { key, position, confirmed } => {
                let held = self.dirty.get(key);
                if mistake == Some(Fault::SettleNewer)
                    || held.is_some_and(|dirty| dirty.wanted.position <= *position)
                {
                    self.dirty.remove(key);
                }
                if let Some(confirmed) = confirmed {
                    self.confirmed.insert(key.clone(), confirmed.clone());
                }
            }
            Effect::Advance { key, confirmed } => drop(self.confirmed.insert(key.clone(), confirmed.clone())),
            Effect::Amend { key, position, dirty } => match self.dirty.get_mut(key) {
                Some(held) if held.wanted.position > *position => held.doubtful |= dirty.doubtful,
                _ => drop(self.dirty.insert(key.clone(), dirty.clone())),
            },
            Effect::Unconfirm { key } => drop(self.confirmed.remove(key)),
            Effect::SkuLearned { sku_ref, id: Some(id) } => drop(self.skus.insert(sku_ref.to_string(), *id)),
            Effect::SkuLearned { sku_ref, id: None } => drop(self.skus.remove(sku_ref.as_str())),
            Effect::Confirmed { .. } | Effect::Learned { .. } => {}
            other => panic!("not asked for: {other:?}"),
        }
    }
}

impl Rows for State {
    fn row(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.rows.get(key).cloned()
    }

    fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8])) {
        for (key, value) in self.rows.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix))
        {
            f(key, value);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// What a reader sees.
    pub(crate) now: State,
    synced: State,
    /// Written and not synced, oldest first.
    unsynced: Vec<Write>,
    pub(crate) fault: Option<Fault>,
}

impl Disk {
    pub(crate) fn write(&mut self, write: Write) {
        self.now.apply(&write, self.fault);
        self.unsynced.push(write);
    }

    pub(crate) fn sync(&mut self) {
        for write in self.unsynced.drain(..) {
            self.synced.apply(&write, self.fault);
        }
    }

    /// `kept` of the writes that were not synced are there afterwards; the journal has no holes.
    pub(crate) fn cut_power(&mut self, kept: usize) {
        for write in self.unsynced.drain(..).take(kept) {
            self.synced.apply(&write, self.fault);
        }
        self.now = self.synced.clone();
    }

    pub(crate) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }
}
