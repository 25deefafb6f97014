//! The proof's way to VTEX and to the sources.

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::core::call::{Answer, Call, Failure, Route};
use crate::core::dispatch::Proven;
use crate::core::entity::Key;
use crate::proof::{Handle, Ledger, Prover, Vtex, entities};
use crate::source::status::Phase;
use crate::store::Store;

use super::dispatcher::{Control, wall_clock};
use super::sources::SourceHandle;

/// Starts it; the handle asks it and sees how far it is.
pub(super) fn start(
    config: &Config,
    sources: &[SourceHandle],
    store: &Store,
    control: &mpsc::Sender<Control>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Handle {
    let (handle, asks) = Handle::new();
    let prover = Prover {
        config: config.proof.clone(),
        entities: entities(&config.mapping),
        orders_for: std::time::Duration::from_secs(86_400) * config.mapping.orders.days,
        warehouses: config.mapping.warehouses().into_iter().map(Into::into).collect(),
        store: store.clone(),
        vtex: ThroughDispatcher(control.clone()),
        ledger: Sources(sources.iter().map(|source| source.status.clone()).collect()),
        handle: handle.clone(),
        asks,
        now: wall_clock,
    };
    tasks.spawn(prover.run(stop.clone()));
    handle
}

struct Sources(Vec<crate::source::status::SourceStatus>);

impl Ledger for Sources {
    fn held_up(&self) -> Option<&'static str> {
        let facts: Vec<_> = self.0.iter().map(crate::source::status::SourceStatus::facts).collect();
        if facts.iter().any(|facts| facts.load.is_some()) {
            return Some("a first load or a reconcile comes first");
        }
        if facts.iter().any(|facts| facts.phase == Phase::Starting) {
            return Some("not all of Live is connected yet");
        }
        None
    }
}

/// Everything goes through the task that owns limits and ledger.
struct ThroughDispatcher(mpsc::Sender<Control>);

impl ThroughDispatcher {
    /// As long as it takes: a lane may be paused, or its breaker open.
    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(control(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Vtex for ThroughDispatcher {
    async fn has_leisure(&self, route: Route) -> Option<bool> {
        self.ask(|reply| Control::HasLeisure(route, reply)).await
    }

    async fn prove(&self, key: Key, repair: bool) -> Option<Proven> {
        self.ask(|reply| Control::Prove { key, repair, reply }).await
    }

    async fn read(&self, call: Call) -> Option<Result<Answer, Failure>> {
        self.ask(|reply| Control::Read(Box::new(call), reply)).await
    }
}
