//! The process: what it holds in memory, and each step that it takes. Between any two of them it can die.

mod compare;
mod orders;

use std::collections::{HashMap, VecDeque};

use mare::core::dispatch::{Dispatch, Effect, Known, Proven, Request, RequestId};
use mare::core::entity::Key;
use mare::core::position::{Incarnation, Position};
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::row::Transaction;
use mare::core::time::{Now, Tick, Timestamp};
use mare::mapping::{Effect as Said, Mapper};
use mare::source::reconcile::gate::Gate;
use mare::source::window::{Progress, Window, version};

use compare::{COMPARE, Chunk, next_chunk};
use orders::Task;

use crate::disk::{Disk, Write};
use crate::fault::Fault;
use crate::live::{Change, Item, Live};
use crate::source;
use crate::world::{SKUS, tuning};

/// A batch on its way to the disk.
struct Handed {
    writes: VecDeque<Write>,
    keys: Vec<(Key, Wanted)>,
    end: u64,
    synced: bool,
}

/// A request that is out.
pub(crate) struct Out {
    pub(crate) due: Tick,
    pub(crate) request: Request,
    /// Nobody waits for its answer.
    pub(crate) twin: bool,
}

pub(crate) struct Process {
    fault: Option<Fault>,
    versions: bool,
    mapper: Mapper,
    window: Window,
    gate: Gate,
    progress: Option<Progress>,
    /// How far the source was read.
    pub(crate) read: u64,
    durable: u64,
    handed: Option<Handed>,
    announced: VecDeque<Vec<(Key, Wanted)>>,
    outcomes: VecDeque<(Option<RequestId>, Vec<Effect>)>,
    pub(crate) dispatch: Dispatch,
    believed: HashMap<Key, Confirmed>,
    pub(crate) out: Vec<Out>,
    chunk: Option<Chunk>,
    tasks: Vec<Task>,
    /// The newest version that the last process left dirty.
    replayed_to: Position,
    /// What it did, for the trace.
    pub(crate) said: Vec<String>,
}

impl Process {
    /// Starts on what the last one has left: keys whose writes were out are doubted.
    pub(crate) fn start(
        disk: &mut Disk,
        was_out: Vec<Key>,
        versions: bool,
        fault: Option<Fault>,
        now: Now,
    ) -> Self {
        // As the engine does when it is opened: what is relied upon from now on must outlive the next power cut.
        if fault != Some(Fault::TrustTheCache) {
            disk.sync();
        }
        if fault != Some(Fault::ForgetWhatWasOut) {
            doubt(disk, was_out);
        }
        let mut dispatch = Dispatch::new(tuning(), now);
        for (sku_ref, id) in &disk.now.skus {
            dispatch.know_sku(sku_ref, Some(*id), now);
        }
        let mut effects = Vec::new();
        for (key, dirty) in &disk.now.dirty {
            let confirmed = disk.now.confirmed.get(key).cloned();
            dispatch.restore(key.clone(), dirty.clone(), confirmed.into(), now, &mut effects);
        }
        let believed = disk.now.confirmed.clone();
        let replayed_to =
            disk.now.dirty.values().map(|dirty| dirty.wanted.position).max().unwrap_or_default();
        let said = vec![format!("starts with {:?}", disk.now.dirty)];
        let mut process = Self {
            fault,
            versions,
            mapper: source::mapper(&disk.now),
            window: Window::default(),
            gate: Gate::default(),
            progress: None,
            read: 0,
            durable: 0,
            handed: None,
            announced: VecDeque::new(),
            outcomes: VecDeque::new(),
            dispatch,
            believed,
            out: Vec::new(),
            chunk: None,
            tasks: Vec::new(),
            replayed_to,
            said,
        };
        process.keep(None, effects);
        process
    }

    fn does(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.progress.is_some()
    }

    /// The session ends: what was read and not handed over is read again.
    pub(crate) fn disconnect(&mut self) {
        self.progress = None;
        self.window = Window::default();
        self.gate = Gate::default();
        self.chunk = None;
    }

    /// Where the ledger ended, or anew with everything to compare.
    pub(crate) fn connect(&mut self, live: &mut Live, disk: &mut Disk) {
        // A batch of the session before is written first: there is one writer.
        if self.is_connected() || self.handed.is_some() {
            return;
        }
        let (created, confirmed) = match (&live.slot, self.versions) {
            (_, true) => (0, 0),
            (Some(slot), false) => (slot.created, slot.confirmed),
            (None, false) => {
                let slot = live.make_slot();
                (slot.created, slot.confirmed)
            }
        };
        let incarnation = Incarnation {
            system: live.system.to_string(),
            slot: "mare".into(),
            created_at: Position(created),
        };
        self.mapper = source::mapper(&disk.now);
        let before = disk.now.progress.clone();
        let progress = match before {
            Some(before) if before.incarnation == incarnation || self.does(Fault::ReuseProgress) => before,
            before => {
                let generation = before.as_ref().map_or(0, |before| before.generation + 1);
                let progress = Progress { incarnation, position: Position(confirmed), generation };
                self.begin_anew(&progress, disk);
                progress
            }
        };
        self.read = progress.position.0.max(confirmed);
        self.said.push(format!("connected at {} of {:?}", self.read, progress.incarnation.created_at.0));
        self.durable = self.read;
        self.progress = Some(progress);
    }

    fn begin_anew(&mut self, progress: &Progress, disk: &mut Disk) {
        let mut effects = Vec::new();
        if disk.now.progress.is_none() {
            source::reference(&mut self.mapper, SKUS, &disk.now, &mut effects);
        }
        let rows = effects.into_iter().filter_map(|effect| match effect {
            Said::PutRow { key, value } => Some((key, Some(value))),
            _ => None,
        });
        let notes = if self.versions { Vec::new() } else { vec![(COMPARE.to_owned(), vec![0])] };
        let rows = rows.collect();
        disk.write(Write::Side { rows, due: Vec::new(), refreshed: Vec::new(), notes });
        disk.write(Write::Position(progress.clone()));
        disk.sync();
    }

    /// Takes in what the source has, up to `most` transactions.
    pub(crate) fn read_source(&mut self, live: &Live, disk: &Disk, most: usize) -> bool {
        if !self.is_connected() {
            return false;
        }
        if self.versions {
            return self.read_versions(live, disk);
        }
        let from = self.read;
        let new: Vec<_> =
            live.log.iter().filter(|committed| committed.lsn > from).take(most).cloned().collect();
        for committed in &new {
            let transaction = self.transaction(committed.lsn, committed.moment, committed.xid);
            for change in &committed.changes {
                self.take(change, &transaction, disk);
            }
            self.said.push(format!("read {} ({:?})", committed.lsn, committed.changes));
            self.gate.streamed(committed.xid);
            self.read = committed.lsn;
        }
        !new.is_empty()
    }

    fn read_versions(&mut self, live: &Live, disk: &Disk) -> bool {
        let bound = if self.does(Fault::SkipTheBound) { live.newest() } else { live.bound() };
        if bound <= self.read + 1 {
            return false;
        }
        let mut rows: Vec<(u64, Item)> = live.versions.iter().map(|(item, at)| (*at, item.clone())).collect();
        rows.retain(|(at, _)| *at > self.read && *at < bound);
        rows.sort();
        for (at, item) in rows {
            let change = match item {
                Item::Stock(sku) => Change::Stock { sku, quantity: live.stock.get(&sku).copied() },
                Item::Order(id) => {
                    let held = live.orders.iter().find(|order| order.order == id);
                    Change::Order(held.expect("it has a version").clone())
                }
            };
            let transaction = self.transaction(at, at.cast_signed(), 0);
            self.take(&change, &transaction, disk);
        }
        self.read = bound - 1;
        true
    }

    fn transaction(&self, at: u64, moment: i64, xid: u32) -> Transaction {
        let generation = self.progress.as_ref().map_or(0, |progress| progress.generation);
        Transaction { position: version(generation, Position(at)), committed_at: Timestamp(moment), xid }
    }

    fn take(&mut self, change: &Change, transaction: &Transaction, disk: &Disk) {
        let mut effects = Vec::new();
        let zero = self.does(Fault::AbsentIsZero);
        source::map(&mut self.mapper, change, transaction.committed_at, zero, &disk.now, &mut effects);
        for effect in effects {
            if self.gate.is_open() {
                self.gate.note(&effect, transaction.xid);
            }
            let is_held = matches!(&effect, Said::Want { key, .. } if self.window.wants(key));
            if !(is_held && self.does(Fault::KeepTheFirst)) {
                self.window.take(effect, transaction, Cause::Change);
            }
        }
    }

    /// Closes the window and gives it to the writer.
    pub(crate) fn hand_over(&mut self) -> bool {
        let Some(progress) = &mut self.progress else { return false };
        if self.handed.is_some() {
            return false;
        }
        if self.window.is_empty() {
            self.durable = self.read;
            return false;
        }
        progress.position = Position(self.read);
        let batch = self.window.close(Some(progress.clone()));
        let keys = batch.wanted.clone();
        let mut writes = VecDeque::from(Write::of(batch));
        if self.does(Fault::PositionBeforeKeys) {
            writes.rotate_right(1);
        }
        if self.does(Fault::ConfirmBeforeSync) {
            self.durable = self.read;
        }
        self.handed = Some(Handed { writes, keys, end: self.read, synced: false });
        true
    }

    /// One step of the ledger's writer.
    pub(crate) fn write(&mut self, disk: &mut Disk, outstanding: &mut HashMap<RequestId, Key>) -> bool {
        if let Some(mut handed) = self.handed.take() {
            if let Some(write) = handed.writes.pop_front() {
                let is_position = matches!(write, Write::Position(_));
                disk.write(self.without_older(write, disk));
                if is_position && self.does(Fault::PositionBeforeKeys) {
                    disk.sync();
                }
            } else if !handed.synced {
                disk.sync();
                handed.synced = true;
            } else {
                self.durable = self.durable.max(handed.end);
                self.said.push(format!("durable to {}", handed.end));
                self.announced.push_back(handed.keys);
                return true;
            }
            self.handed = Some(handed);
            return true;
        }
        let Some((id, effects)) = self.outcomes.pop_front() else { return false };
        self.said.push(format!("stored {effects:?}"));
        disk.write(Write::Effects(effects));
        if let Some(id) = id {
            outstanding.remove(&id);
        }
        true
    }

    /// What is read once more after a kill does not go over what a part of the same batch has brought before.
    fn without_older(&self, write: Write, disk: &Disk) -> Write {
        let Write::Keys(mut keys) = write else { return write };
        keys.retain(|(key, wanted)| {
            let held = disk.now.dirty.get(key).map(|held| held.wanted.position);
            let is_older = wanted.position <= self.replayed_to && held > Some(wanted.position);
            !is_older || self.does(Fault::ReplayGoesOver)
        });
        Write::Keys(keys)
    }

    /// Tells Live what is safe.
    pub(crate) fn confirm(&self, live: &mut Live) {
        if self.is_connected() && !self.versions {
            live.confirm(self.durable);
        }
    }

    /// The dispatcher learns of keys that are durable.
    pub(crate) fn announce(&mut self, now: Now) -> bool {
        let Some(keys) = self.announced.pop_front() else { return false };
        for (key, wanted) in keys {
            let mut effects = Vec::new();
            let confirmed = self.believed.get(&key).cloned();
            self.dispatch.want(&key, wanted, || Known { confirmed, id: None }, now, &mut effects);
            self.keep(None, effects);
        }
        true
    }

    /// Asks VTEX whether it holds what it confirmed.
    pub(crate) fn prove(&mut self, key: &Key, repair: bool, now: Now) -> Option<Proven> {
        let confirmed = self.believed.get(key).cloned();
        self.dispatch.prove(key, repair, || confirmed.into(), now)
    }

    /// What is to be stored, in order; what was confirmed counts at once.
    pub(crate) fn keep(&mut self, id: Option<RequestId>, effects: Vec<Effect>) -> bool {
        for effect in &effects {
            match effect {
                Effect::Settle { key, confirmed: Some(confirmed), .. }
                | Effect::Advance { key, confirmed } => {
                    self.believed.insert(key.clone(), confirmed.clone());
                }
                Effect::Unconfirm { key } => drop(self.believed.remove(key)),
                _ => {}
            }
        }
        let any = !effects.is_empty();
        if any {
            self.outcomes.push_back((id, effects));
        }
        any
    }

    /// Nothing is on its way inside; what is out and what waits for its time does not count.
    pub(crate) fn is_quiet(&self, live: &Live, disk: &Disk) -> bool {
        let read_all = self.versions || live.log.iter().all(|committed| committed.lsn <= self.read);
        self.is_connected()
            && read_all
            && self.window.is_empty()
            && self.handed.is_none()
            && self.announced.is_empty()
            && self.outcomes.is_empty()
            && self.chunk.is_none()
            && next_chunk(&disk.now).is_none_or(|_| self.versions)
            && self.tasks.is_empty()
    }

    /// Bounded by keys, whatever the number of changes.
    pub(crate) fn window_bytes(&self) -> usize {
        self.window.bytes()
    }
}

/// Keys whose writes were out when the last process ended may be written late.
fn doubt(disk: &mut Disk, were_out: Vec<Key>) {
    let mut effects = Vec::new();
    for key in were_out {
        let dirty = disk.now.dirty.get(&key).cloned().or_else(|| {
            let Confirmed { value, position, at } = disk.now.confirmed.get(&key).cloned()?;
            key.warehouse()?;
            Some(Dirty::fresh(Wanted { value, position, committed_at: at, cause: Cause::Change }))
        });
        if let Some(dirty) = dirty {
            let position = dirty.wanted.position;
            effects.push(Effect::Amend { key, position, dirty: Dirty { doubtful: true, ..dirty } });
        }
    }
    if !effects.is_empty() {
        disk.write(Write::Effects(effects));
        disk.sync();
    }
}
