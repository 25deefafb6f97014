//! Everything together, from one seed: what happens, in which order, and what must hold on the way.

mod checks;
mod happens;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fastrand::Rng;
use mare::core::call::{Call, Failure, Outcome, RateHint, Route};
use mare::core::dispatch::{LATE_APPLY, Request, RequestId, Tuning};
use mare::core::entity::{Key, SkuId};
use mare::core::order::Step;
use mare::core::record::ParkReason;
use mare::core::time::{Now, Tick, Timestamp};

use crate::disk::Disk;
use crate::fault::Fault;
use crate::live::Live;
use crate::process::{Out, Process};
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
    /// Somebody changes balances in VTEX, and VTEX is asked what it holds.
    pub(crate) proofs: bool,
    pub(crate) fault: Option<Fault>,
}

impl Plan {
    pub(crate) const fn of(seed: u64, fault: Option<Fault>) -> Self {
        let proofs = seed % 4 == 3;
        Self { seed, steps: 700, trouble: true, crashes: true, slots: true, orders: true, proofs, fault }
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
    pub(crate) meddled: usize,
}

/// Why a seed failed, and the last of what happened.
pub(crate) struct Failed {
    pub(crate) why: String,
    pub(crate) trace: Vec<String>,
}

pub(crate) struct World {
    plan: Plan,
    random: Rng,
    /// Decides what seeds with proofs have besides.
    besides: Rng,
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
            besides: Rng::with_seed(!plan.seed),
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
        if self.plan.proofs {
            self.proofs();
        }
        self.listen();
        self.poll();
        if self.process.window_bytes() > BYTES_PER_KEY * (SKUS as usize + ORDERS_MAX) {
            self.breaks("the window holds more than its keys".to_owned());
        }
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
            self.process.out.push(Out { due, request: request.clone(), twin: true });
            self.check(&request);
        }
        self.process.out.push(Out { due, request, twin: false });
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
        let mut to_prove = self.plan.proofs && self.plan.fault != Some(Fault::SkipTheProof);
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
                if !std::mem::take(&mut to_prove) {
                    return;
                }
                (0..SKUS).for_each(|sku| self.prove(sku, true));
                continue;
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
