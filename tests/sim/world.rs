//! Everything together, from one seed: what happens, in which order, and what must hold on the way.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fastrand::Rng;
use mare::core::call::{Call, Failure, Outcome, RateHint, Route};
use mare::core::dispatch::{KeyState, LATE_APPLY, Request, RequestId, Tuning};
use mare::core::entity::{Key, SkuId};
use mare::core::order::Step;
use mare::core::record::ParkReason;
use mare::core::schedule::Urgency;
use mare::core::time::{Now, Tick, Timestamp};

use crate::disk::Disk;
use crate::fault::Fault;
use crate::live::{Change, Item, Live, Pedido};
use crate::process::{Out, Process};
use crate::source::WAREHOUSE;
use crate::vtex::Vtex;

pub(crate) const SKUS: u32 = 5;
/// Two of three changes are about the first of them.
const HOT: u32 = 2;
const ORDERS_MAX: usize = 4;
/// Roughly what a wanted value takes in a window.
const BYTES_PER_KEY: usize = 160;

/// What a seed is made of; a failing one is run with less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) steps: usize,
    pub(crate) trouble: bool,
    pub(crate) crashes: bool,
    pub(crate) slots: bool,
    pub(crate) orders: bool,
    pub(crate) fault: Option<Fault>,
}

impl Plan {
    pub(crate) const fn of(seed: u64, fault: Option<Fault>) -> Self {
        Self { seed, steps: 700, trouble: true, crashes: true, slots: true, orders: true, fault }
    }
}

/// What was seen, so that it can be told whether anything was.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) requests: usize,
    pub(crate) crashes: usize,
    pub(crate) orders: usize,
    pub(crate) late: usize,
    pub(crate) slots: usize,
}

/// Why a seed failed, and the last of what happened.
pub(crate) struct Failed {
    pub(crate) why: String,
    pub(crate) trace: Vec<String>,
}

pub(crate) struct World {
    plan: Plan,
    random: Rng,
    now: Now,
    live: Live,
    backup: Option<Live>,
    disk: Disk,
    vtex: Vtex,
    process: Process,
    /// The file of writes that are out; a power cut empties it, since nothing is that old afterwards.
    outstanding: HashMap<RequestId, Key>,
    late: Vec<(Tick, Call)>,
    sent: BTreeMap<Route, Vec<Tick>>,
    /// The newest version sent of each balance.
    versions: HashMap<Key, Timestamp>,
    invoices: u32,
    versions_mode: bool,
    restores: bool,
    /// Slots get lost, too: what a compare heals hides much, so only in some seeds.
    loses_slots: bool,
    tracing: bool,
    seen: Seen,
    trace: Vec<String>,
    broken: Option<String>,
}

/// Narrow, so that limits are felt.
pub(crate) fn tuning() -> Tuning {
    let mut tuning = Tuning::default();
    for route in [&mut tuning.routes.stock_write, &mut tuning.routes.order_write] {
        route.per_second = 5.0;
        route.burst = 3;
    }
    tuning.concurrency.stock = 3;
    // Who has waited longest goes first now and then: with so few keys that would hide the order of urgency.
    tuning.ageing_every = 1_000_000;
    tuning
}

impl World {
    pub(crate) fn run(plan: Plan, tracing: bool) -> Result<Seen, Failed> {
        let mut world = Self::new(plan, tracing);
        for _ in 0..plan.steps {
            world.step();
            if world.broken.is_some() {
                break;
            }
        }
        if world.broken.is_none() {
            world.calm_down();
        }
        if world.broken.is_none() {
            world.judge();
        }
        match world.broken {
            None => Ok(world.seen),
            Some(why) => Err(Failed { why, trace: world.trace }),
        }
    }

    fn new(plan: Plan, tracing: bool) -> Self {
        let mut random = Rng::with_seed(plan.seed);
        let now = Now { tick: Tick::ZERO, wall: Timestamp(1_700_000_000_000_000) };
        // A source without a slot; and a server whose backup is restored, which knows of no orders.
        let kind = random.u8(..8);
        let (versions_mode, restores, loses_slots) = (kind < 2, kind == 2, matches!(kind, 2..=4));
        let mut disk = Disk::default();
        disk.fault = plan.fault;
        let mut vtex = Vtex::new();
        for sku in 0..SKUS {
            if sku != SKUS - 1 {
                vtex.skus.insert(format!("S{sku}"), SkuId(sku + 1));
            }
        }
        vtex.healthy = !plan.trouble;
        let process = Process::start(&mut disk, Vec::new(), versions_mode, plan.fault, now);
        Self {
            plan,
            random,
            now,
            live: Live::new(SKUS),
            backup: None,
            disk,
            vtex,
            process,
            outstanding: HashMap::new(),
            late: Vec::new(),
            sent: BTreeMap::new(),
            versions: HashMap::new(),
            invoices: 5_000,
            versions_mode,
            restores,
            loses_slots,
            tracing,
            seen: Seen::default(),
            trace: Vec::new(),
            broken: None,
        }
    }

    /// What the process has done since the last time.
    fn listen(&mut self) {
        for said in std::mem::take(&mut self.process.said) {
            self.note(|_| format!("maré: {said}"));
        }
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.tracing {
            let line = format!("{:>9.3}s {}", self.now.tick.0.as_secs_f64(), what(self));
            self.trace.push(line);
        }
    }

    fn breaks(&mut self, why: String) {
        self.note(|_| format!("BROKEN: {why}"));
        self.broken.get_or_insert(why);
    }

    fn step(&mut self) {
        match self.random.u16(..1_000) {
            0..260 => self.shop(),
            260..300 => self.order(),
            300..420 => {
                let most = self.random.usize(1..4);
                self.process.read_source(&self.live, &self.disk, most);
            }
            420..480 => {
                self.process.hand_over();
            }
            480..640 => {
                self.process.write(&mut self.disk, &mut self.outstanding);
            }
            640..680 => self.process.confirm(&mut self.live),
            680..740 => {
                self.process.announce(self.now);
            }
            740..800 => {
                self.process.compare(&self.live, &self.disk);
            }
            800..860 => {
                self.process.orders(&mut self.live, &mut self.vtex, self.now.tick, &mut self.random);
            }
            860..880 => self.process.connect(&mut self.live, &mut self.disk),
            880..894 => self.crash(),
            894..900 => self.server(),
            900..904 => self.credentials(),
            904..908 => self.jump(),
            908..912 => self.pass(Duration::from_secs(90)),
            _ => {
                let millis = self.random.u64(..600);
                self.pass(Duration::from_millis(millis));
            }
        }
        self.listen();
        self.poll();
        if self.process.window_bytes() > BYTES_PER_KEY * (SKUS as usize + ORDERS_MAX) {
            self.breaks("the window holds more than its keys".to_owned());
        }
    }

    /// Somebody sells, counts, or commits.
    fn shop(&mut self) {
        if self.live.running() < 2 && self.random.bool() {
            self.live.begin();
        }
        let running = self.live.running();
        if running == 0 {
            self.live.reveal();
            return;
        }
        let nth = self.random.usize(..running);
        match self.random.u8(..10) {
            0..5 => {
                let among = if self.random.u8(..3) < 2 { HOT } else { SKUS };
                let sku = self.random.u32(..among);
                let change = match self.random.u8(..10) {
                    0 if !self.versions_mode => Change::Stock { sku, quantity: None },
                    1 if !self.versions_mode && self.live.stock.contains_key(&sku) => Change::Touched { sku },
                    _ => Change::Stock { sku, quantity: Some(i64::from(self.random.u8(..4))) },
                };
                self.note(|_| format!("Live: {change:?} in transaction {nth}"));
                self.live.write(nth, change);
            }
            5..8 => {
                self.note(|world| format!("Live: commit of transaction {nth} at {}", world.live.lsn + 16));
                self.live.commit(nth);
            }
            8 => {
                self.note(|_| format!("Live: rollback of transaction {nth}"));
                self.live.abort(nth);
            }
            _ => {
                self.live.reveal();
            }
        }
    }

    /// A shopper orders or cancels, or staff takes a pedido on.
    fn order(&mut self) {
        if !self.plan.orders || self.restores {
            return;
        }
        match self.random.u8(..8) {
            0 if self.vtex.orders.len() < ORDERS_MAX => {
                let id = format!("v{}", self.vtex.orders.len() + 1);
                self.note(|_| format!("VTEX: order {id} is placed"));
                self.vtex.place(&id, self.now.tick, &mut self.random);
                self.seen.orders += 1;
            }
            1 if self.random.u8(..4) == 0 => {
                let ids: Vec<String> = self.vtex.orders.keys().cloned().collect();
                let Some(id) = self.random.choice(ids) else { return };
                self.note(|_| format!("VTEX: order {id} is cancelled, if it can be"));
                self.vtex.cancel(&id, self.now.tick, &mut self.random);
            }
            _ => {
                let pedidos = self.live.orders.clone();
                let Some(pedido) = self.random.choice(pedidos) else { return };
                self.staff(&pedido);
            }
        }
    }

    fn staff(&mut self, pedido: &Pedido) {
        if self.live.is_locked(&Item::Order(pedido.order.clone())) {
            return;
        }
        let mut next = pedido.clone();
        match pedido.step {
            Step::Received | Step::Packed if self.random.u8(..8) == 0 => next.step = Step::Cancelled,
            Step::Received if self.random.bool() => next.step = Step::Packed,
            Step::Received | Step::Packed => next.step = Step::Invoiced,
            // The document comes after its status, in a transaction of its own.
            Step::Invoiced if pedido.invoice.is_none() => {
                self.invoices += 1;
                next.invoice = Some(self.invoices);
            }
            Step::Invoiced => next.step = Step::Dispatched,
            Step::Dispatched => next.step = Step::Delivered,
            _ => return,
        }
        self.note(|_| format!("Live: {next:?}"));
        self.live.at_once(Change::Order(next));
    }

    /// The slot is dropped, or a backup restored.
    fn server(&mut self) {
        if !self.plan.slots || !self.loses_slots {
            return;
        }
        if !self.restores {
            self.note(|_| "Live: the slot is dropped".to_owned());
            self.live.slot = None;
            self.live.log.clear();
        } else if let Some(backup) = self.backup.take() {
            self.note(|_| "Live: a backup is restored".to_owned());
            self.live.restore(&backup);
        } else {
            self.backup = Some(self.live.clone());
            return;
        }
        self.seen.slots += 1;
        self.process.disconnect();
    }

    fn credentials(&mut self) {
        self.vtex.accepts_credentials = !self.vtex.accepts_credentials || !self.plan.trouble;
        if self.vtex.accepts_credentials {
            self.process.dispatch.credentials_changed(self.now);
        }
    }

    /// The machine's clock is set.
    fn jump(&mut self) {
        let hours = self.random.i64(-3..4);
        self.now.wall = Timestamp(self.now.wall.0 + hours * 3_600_000_000);
    }

    /// The process is killed, or the machine loses its power and is off for a while.
    fn crash(&mut self) {
        if !self.plan.crashes || self.random.bool() {
            return;
        }
        self.seen.crashes += 1;
        // A commit is visible long before a process is up again; a server that makes commits wait for a standby is told about in
        // the README.
        while self.live.reveal() {}
        let power = self.random.u8(..3) == 0;
        self.note(|_| if power { "POWER CUT" } else { "KILLED" }.to_owned());
        for Out { request, .. } in std::mem::take(&mut self.process.out) {
            if request.call.writes() && self.random.bool() {
                let delay = Duration::from_millis(self.random.u64(..LATE_APPLY.as_millis() as u64 - 1_000));
                self.late.push((self.now.tick + delay, request.call));
                self.seen.late += 1;
            }
        }
        let mut were_out: Vec<Key> = self.outstanding.drain().map(|(_, key)| key).collect();
        were_out.sort();
        if power {
            let kept = self.random.usize(..=self.disk.unsynced());
            self.disk.cut_power(kept);
            were_out.clear();
        }
        self.vtex.forget_who_waits();
        if power {
            self.advance(self.now.tick + LATE_APPLY * 2);
        }
        self.process =
            Process::start(&mut self.disk, were_out, self.versions_mode, self.plan.fault, self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.advance(self.now.tick + time);
    }

    /// Lets time go on to `until`, with everything that is due before.
    fn advance(&mut self, until: Tick) {
        loop {
            let answers = self.process.out.iter().map(|out| out.due);
            let due = answers.chain(self.late.iter().map(|(at, _)| *at)).min();
            let Some(at) = due.filter(|at| *at <= until) else { break };
            self.set_time(at);
            if let Some(index) = self.late.iter().position(|(due, _)| *due <= at) {
                let (_, call) = self.late.swap_remove(index);
                self.note(|_| format!("VTEX: late: {}", short(&call)));
                let _ = self.vtex.execute(&call, at, &mut self.random);
            } else if let Some(index) = self.process.out.iter().position(|out| out.due <= at) {
                let out = self.process.out.swap_remove(index);
                self.answer(out);
            }
        }
        self.set_time(until);
    }

    fn set_time(&mut self, at: Tick) {
        let passed = at.since(self.now.tick);
        self.now = Now { tick: at, wall: self.now.wall.plus(passed) };
    }

    fn answer(&mut self, out: Out) {
        let Out { request, twin, .. } = out;
        let served = self.vtex.serve(&request.call, self.now.tick, &mut self.random);
        self.note(|_| format!("VTEX: {}: {:?}", short(&request.call), served.result));
        if served.late {
            let delay = Duration::from_millis(self.random.u64(..LATE_APPLY.as_millis() as u64 - 1_000));
            self.late.push((self.now.tick + delay, request.call.clone()));
            self.seen.late += 1;
        }
        if twin {
            return;
        }
        let rate =
            if self.plan.fault == Some(Fault::IgnoreRetryAfter) { RateHint::default() } else { served.rate };
        let result = match served.result {
            Err(Failure::Timeout | Failure::Reset(_) | Failure::Malformed(_))
                if self.plan.fault == Some(Fault::HideAmbiguity) =>
            {
                Err(Failure::Connect("refused".to_owned()))
            }
            result => result,
        };
        let outcome = Outcome { result, rate, elapsed: Duration::from_millis(100) };
        let (mut effects, random) = (Vec::new(), &mut self.random);
        self.process.dispatch.finished(request.id, outcome, self.now, &mut || random.f64(), &mut effects);
        if !self.process.keep(Some(request.id), effects) {
            self.outstanding.remove(&request.id);
        }
    }

    fn poll(&mut self) -> Option<Tick> {
        let urgent = self.urgencies();
        let (mut requests, mut effects) = (Vec::new(), Vec::new());
        let next = self.process.dispatch.poll(self.now, &mut requests, &mut effects);
        self.process.keep(None, effects);
        self.check_urgency(&urgent, &requests);
        for request in requests {
            self.send(request);
        }
        if let Some(why) = self.vtex.broken.take() {
            self.breaks(why);
        }
        next
    }

    fn send(&mut self, request: Request) {
        let route = request.call.route();
        self.vtex.arrives(route, self.now.tick);
        self.check(&request);
        self.sent.entry(route).or_default().push(self.now.tick);
        self.seen.requests += 1;
        if let Some(key) = &request.key {
            self.outstanding.insert(request.id, key.clone());
        }
        let delay = |random: &mut Rng| Duration::from_millis(random.u64(20..2_000));
        let due = self.now.tick + delay(&mut self.random);
        self.note(|_| format!("send {}", short(&request.call)));
        if self.plan.fault == Some(Fault::SendTwice) && request.call.writes() {
            let due = self.now.tick + delay(&mut self.random);
            self.check(&request);
            self.process.out.push(Out { due, request: request.clone(), twin: true });
            self.check(&request);
        }
        self.process.out.push(Out { due, request, twin: false });
    }

    /// One request per key; and no version that is older than one sent before.
    fn check(&mut self, request: &Request) {
        let Some(key) = &request.key else { return };
        if self.process.out.iter().any(|out| out.request.key.as_ref() == Some(key)) {
            return self.breaks(format!("two requests in flight for {key}"));
        }
        let Call::SetStock { balance_at, .. } = &request.call else { return };
        let newest = self.versions.entry(key.clone()).or_insert(*balance_at);
        if *balance_at < *newest {
            return self.breaks(format!("{key} goes back"));
        }
        *newest = *balance_at;
    }

    /// Where the balances stand that wait for their turn.
    fn urgencies(&self) -> Vec<(Key, Urgency)> {
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
    fn check_urgency(&mut self, before: &[(Key, Urgency)], requests: &[Request]) {
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

    /// Live rests, VTEX is well, and everybody finishes.
    fn calm_down(&mut self) {
        self.note(|_| "-- everything calms down".to_owned());
        while self.live.running() > 0 {
            self.live.commit(0);
        }
        while self.live.reveal() {}
        for pedido in self.live.orders.clone() {
            if pedido.step == Step::Invoiced && pedido.invoice.is_none() {
                self.staff(&pedido);
            }
        }
        self.vtex.healthy = true;
        self.vtex.accepts_credentials = true;
        self.process.dispatch.credentials_changed(self.now);
        for sku in 0..SKUS {
            self.vtex.skus.insert(format!("S{sku}"), SkuId(sku + 1));
        }
        let mut effects = Vec::new();
        self.process.dispatch.retry_parked(
            |_, parked| parked.reason != ParkReason::ByHand,
            self.now,
            &mut effects,
        );
        self.process.keep(None, effects);
        for _ in 0..20_000 {
            let worked = self.work();
            self.listen();
            let next = self.poll();
            if self.broken.is_some() {
                return;
            }
            if worked {
                continue;
            }
            let told = self.vtex.told_at();
            let idle = self.process.dispatch.is_idle() && self.late.is_empty() && told.is_none();
            if idle && self.process.is_quiet(&self.live, &self.disk) {
                return;
            }
            let events =
                self.process.out.iter().map(|out| out.due).chain(self.late.iter().map(|(at, _)| *at));
            let Some(at) = events.chain(next).chain(told).min() else { break };
            self.advance(at.max(self.now.tick + Duration::from_millis(1)));
        }
        let stats = self.process.dispatch.stats(self.now);
        self.breaks(format!("never quiet: {} keys, {:?}", stats.keys, self.disk.now.dirty.keys()));
    }

    /// Every part of the process does what it can.
    fn work(&mut self) -> bool {
        self.process.connect(&mut self.live, &mut self.disk);
        let mut worked = self.process.read_source(&self.live, &self.disk, usize::MAX);
        worked |= self.process.orders(&mut self.live, &mut self.vtex, self.now.tick, &mut self.random);
        worked |= self.process.compare(&self.live, &self.disk);
        worked |= self.process.hand_over();
        worked |= self.process.write(&mut self.disk, &mut self.outstanding);
        worked |= self.process.announce(self.now);
        self.process.confirm(&mut self.live);
        worked
    }

    fn judge(&mut self) {
        let parts =
            crate::oracle::Parts { live: &self.live, vtex: &self.vtex, disk: &self.disk, sent: &self.sent };
        if let Some(why) = crate::oracle::judge(&parts) {
            self.breaks(why);
        }
    }
}

fn short(call: &Call) -> String {
    match call {
        Call::SetStock { sku, quantity, balance_at, .. } => {
            format!("S{} = {quantity} (of {})", sku.0 - 1, balance_at.0)
        }
        Call::ReadStock { sku, .. } => format!("S{}?", sku.0 - 1),
        Call::Order(call) => call.line(),
        other => format!("{other:?}"),
    }
}
