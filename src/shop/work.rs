//! A working day at a given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Activity, Engine, Layout, Mix, ShopError, Worker};

/// How often the pace is looked at: short enough that 10,000 changes/s come in portions of 50.
const TICK: Duration = Duration::from_millis(5);
/// Longest time between two looks at clock and totals.
const LOOK_UP: Duration = Duration::from_millis(50);
/// Statements on their way in one connection: enough to hide a round trip and a commit.
const PIPELINE: usize = 64;
/// Activities that wait for one connection; beyond that the shop is slower than its rate and thinks up no
/// more.
const WAITING: usize = 256;
/// How much longer than planned a day may last to make up for a slow moment.
const CATCH_UP: Duration = Duration::from_secs(5);

/// What a working day looks like.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Changed rows per second.
    pub rate: u32,
    /// Together with the rate this says how many rows are changed: `rate` x `duration`, to the row, unless
    /// a single statement changes a whole store or table.
    pub duration: Duration,
    pub seed: u64,
    pub mix: Mix,
    /// Whether [`Mix::All`] may invent SKUs and products.
    pub grow: bool,
}

/// What happened within one second.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Seconds since the start.
    pub second: u64,
    /// Rows changed and transactions committed within this second.
    pub changes: u64,
    pub transactions: u64,
    /// So far.
    pub totals: Totals,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows changed at the rate of the plan.
    pub changes: u64,
    /// Rows changed on top of it by the inventory count and the price reload of [`Mix::All`].
    pub extra: u64,
    pub transactions: u64,
    pub elapsed: Duration,
}

/// Works a day on the given connections, each of which takes care of its own stores.
///
/// With one connection and one seed the day always ends with the same rows. Ends when all changes are made,
/// some seconds late at most, or when `stop` is cancelled: what is on its way is then finished first. A
/// future that is dropped leaves up to 64 statements per connection to the database, each of which happens
/// entirely or not at all.
///
/// # Errors
/// [`ShopError::NotOurs`] when the database holds no simulated shop; another one when a statement fails.
pub async fn work<E: Engine>(
    engines: &[E],
    plan: &Plan,
    stop: &CancellationToken,
    report: impl FnMut(Progress),
) -> Result<Totals, ShopError> {
    let first = engines.first().ok_or(ShopError::NoConnection)?;
    let layout = Arc::new(Layout::load(first).await?);
    let prepared = try_join_all(engines.iter().map(Engine::prepare)).await?;
    let counters = Counters::default();
    let (mut senders, mut lanes) = (Vec::new(), Vec::new());
    for (engine, prepared) in engines.iter().zip(&prepared) {
        let (sender, receiver) = mpsc::channel(WAITING);
        senders.push(sender);
        lanes.push(serve(engine, prepared, &layout, receiver, &counters));
    }
    let worker = Worker::new(Arc::clone(&layout), plan.mix, plan.seed, plan.grow);
    let started = Instant::now();
    let pace = Pace { plan, started, counters: &counters, senders };
    let dispatcher = async move {
        pace.keep(worker, stop, report).await;
        Ok(())
    };
    tokio::try_join!(try_join_all(lanes), dispatcher)?;
    Ok(counters.totals(started.elapsed()))
}

#[derive(Debug, Default)]
struct Counters {
    made: AtomicU64,
    extra: AtomicU64,
    transactions: AtomicU64,
    /// Rows that activities on their way will change.
    pending: AtomicU64,
}

impl Counters {
    fn totals(&self, elapsed: Duration) -> Totals {
        Totals {
            changes: self.made.load(Relaxed),
            extra: self.extra.load(Relaxed),
            transactions: self.transactions.load(Relaxed),
            elapsed,
        }
    }
}

/// An activity and whether it counts for the rate.
type Order = (Activity, bool);

/// One connection: statements go out in order, several at a time, without waiting for each other's answer.
async fn serve<E: Engine>(
    engine: &E,
    prepared: &E::Prepared,
    layout: &Layout,
    receiver: mpsc::Receiver<Order>,
    counters: &Counters,
) -> Result<(), ShopError> {
    let orders = stream::unfold(receiver, |mut receiver| async move {
        let order = receiver.recv().await?;
        Some((order, receiver))
    });
    let mut answers = std::pin::pin!(
        orders
            .map(|(activity, paced)| async move {
                let changed = engine.run(prepared, layout, &activity.kind).await;
                (activity.expected, paced, changed)
            })
            .buffered(PIPELINE)
    );
    while let Some((expected, paced, changed)) = answers.next().await {
        let changed = changed?;
        if paced {
            counters.pending.fetch_sub(expected, Relaxed);
            counters.made.fetch_add(changed, Relaxed);
        } else {
            counters.extra.fetch_add(changed, Relaxed);
        }
        counters.transactions.fetch_add(1, Relaxed);
    }
    Ok(())
}

struct Pace<'a> {
    plan: &'a Plan,
    started: Instant,
    counters: &'a Counters,
    senders: Vec<mpsc::Sender<Order>>,
}

impl Pace<'_> {
    /// Hands out activities at the rate of the plan, and reports once a second. Returns when all changes
    /// are made or on their way, or when a connection is gone.
    async fn keep(self, mut worker: Worker, stop: &CancellationToken, mut report: impl FnMut(Progress)) {
        let goal = self.allowed(self.plan.duration);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reported = Totals::default();
        let mut extras = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let elapsed = self.started.elapsed();
            let totals = self.counters.totals(elapsed);
            if elapsed.as_secs() > reported.elapsed.as_secs() {
                report(progress(totals, reported));
                reported = totals;
            }
            if totals.changes >= goal || elapsed > self.plan.duration + CATCH_UP {
                return;
            }
            let handed_out = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.hand_out(&mut worker, &mut extras, goal) => outcome,
            };
            if handed_out.is_none() {
                return;
            }
        }
    }

    /// Hands out what is due by now. `None` when a connection is gone.
    async fn hand_out(&self, worker: &mut Worker, extras: &mut u32, goal: u64) -> Option<()> {
        if let Some(activity) = self.extra(worker, *extras) {
            *extras += 1;
            self.send(activity, false).await?;
        }
        let since = Instant::now();
        // A shop that cannot keep up looks up from time to time, to report and to see how late it is.
        while since.elapsed() < LOOK_UP {
            let due = self.allowed(self.started.elapsed());
            let issued = self.counters.made.load(Relaxed) + self.counters.pending.load(Relaxed);
            if issued >= due {
                break;
            }
            let activity = worker.next(goal - issued);
            self.counters.pending.fetch_add(activity.expected, Relaxed);
            self.send(activity, true).await?;
        }
        Some(())
    }

    async fn send(&self, activity: Activity, paced: bool) -> Option<()> {
        self.senders[activity.lane % self.senders.len()].send((activity, paced)).await.ok()
    }

    /// The statement over a whole store or table that is due on top of the rate.
    fn extra(&self, worker: &mut Worker, done: u32) -> Option<Activity> {
        if self.plan.mix != Mix::All || self.started.elapsed() < self.plan.duration * (done + 1) / 3 {
            return None;
        }
        match done {
            0 => Some(worker.inventory_count()),
            1 => Some(worker.price_reload()),
            _ => None,
        }
    }

    /// How many rows may have been changed after `elapsed`.
    fn allowed(&self, elapsed: Duration) -> u64 {
        let micros = elapsed.min(self.plan.duration).as_micros();
        u64::try_from(micros * u128::from(self.plan.rate) / 1_000_000).unwrap_or(u64::MAX)
    }
}

fn progress(now: Totals, before: Totals) -> Progress {
    Progress {
        second: now.elapsed.as_secs(),
        changes: now.changes + now.extra - before.changes - before.extra,
        transactions: now.transactions - before.transactions,
        totals: now,
    }
}
