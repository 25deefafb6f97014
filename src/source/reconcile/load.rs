//! The task that loads: first load, reconcile, and single keys that must be read again.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::core::entity::Entity;
use crate::core::time::Timestamp;
use crate::mapping::cell::RowId;
use crate::mapping::{Mapper, Pair, Role};
use crate::source::context::Context;
use crate::source::status::Phase;
use crate::source::window::Due;

use super::reader::{Engine, ReadError};
use super::run::Run;
use super::{Ask, due_entry};

/// Keys read again in one go.
const REFRESHES_AT_ONCE: usize = 200;

/// What VTEX has still to be told, for those who would add to it.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Keys that wait for their turn without a shopper waiting for them.
    pub resync: AtomicU64,
    /// Keys that wait for something else to exist in VTEX first.
    pub waiting: AtomicU64,
}

/// What a load needs to know.
pub struct Loader<E> {
    pub context: Context,
    pub engine: E,
    pub asks: mpsc::Sender<Ask>,
    pub backlog: Arc<Backlog>,
    pub chunk_rows: usize,
    /// Share of the time that Live may be kept busy.
    pub share: f64,
}

/// Where a load is. Stored with each chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) why: String,
    pub(super) entities: Vec<Entity>,
    pub(super) step: Step,
    pub(super) rows: u64,
    pub(super) differences: u64,
    pub(super) started: Timestamp,
}

/// The next thing to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// A reference table, from its beginning: they are small.
    Reference(u8),
    /// Products with SKUs, prices and stock.
    Products {
        after: Option<RowId>,
    },
    People {
        after: Option<RowId>,
    },
    /// Customers that Live has no more; after this stored key.
    Gone {
        after: Option<Vec<u8>>,
    },
    Prices {
        after: Option<RowId>,
    },
    Stock {
        pair: Option<Pair>,
        after: Option<RowId>,
    },
    Done,
    Orders {
        after: Option<RowId>,
    },
}

/// What stops a load for now.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error("the source is not streaming")]
    NotStreaming,
    #[error("{0}")]
    Paused(String),
    #[error("stopping")]
    Stopping,
}

impl<E: Engine> Loader<E> {
    /// Loads what is due, whenever it becomes due, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = Duration::ZERO;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.context.repair.notified(), if pause.is_zero() => {}
                () = tokio::time::sleep(pause.max(Duration::from_secs(2))) => {}
            }
            if self.context.status.facts().phase != Phase::Streaming {
                continue;
            }
            pause = match self.work(&stop).await {
                Ok(()) => Duration::ZERO,
                Err(LoadError::Stopping) => break,
                Err(LoadError::NotStreaming) => Duration::from_secs(1),
                Err(error) => {
                    warn!(source = %self.context.name, %error, "loading from Live is held up; it goes on by itself");
                    self.held_up(Some(error.to_string()));
                    Duration::from_secs(15)
                }
            };
        }
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), LoadError> {
        let Some(load) = self.due()? else { return self.refresh(stop).await };
        let mut run = Run::begin(self, stop).await?;
        run.load(load).await
    }

    /// The load under way, or a new one for what is due.
    fn due(&self) -> Result<Option<Load>, LoadError> {
        if let Some(load) = self.context.store.meta::<Load>(&self.entry())?
            && load.step != Step::Done
        {
            return Ok(Some(load));
        }
        let mut entities = Vec::new();
        let mut why = String::new();
        // What is not sent keeps its reason: it is loaded when it is switched on.
        for entity in Entity::SWITCHED.into_iter().filter(|entity| self.context.mapping.has(*entity)) {
            let reason: Option<String> = self.context.store.meta(&due_entry(&self.context.name, entity))?;
            if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
                entities.push(entity);
                why = reason;
            }
        }
        let started = (self.context.now)();
        let load = Load { why, entities, step: Step::Reference(0), rows: 0, differences: 0, started };
        Ok((!load.entities.is_empty()).then_some(load))
    }

    pub(super) fn entry(&self) -> String {
        format!("load/{}", self.context.name)
    }

    pub(super) fn held_up(&self, why: Option<String>) {
        self.context.status.update(|facts| {
            if let Some(load) = &mut facts.load {
                load.held_up = why;
            }
        });
    }

    /// Reads again what changed reference data or an incomplete row made doubtful.
    async fn refresh(&self, stop: &CancellationToken) -> Result<(), LoadError> {
        loop {
            let dues = self.refreshes()?;
            if dues.is_empty() {
                return Ok(());
            }
            let mut run = Run::begin(self, stop).await?;
            run.refresh(dues).await?;
        }
    }

    /// The next that are due.
    pub(super) fn refreshes(&self) -> Result<Vec<Due>, LoadError> {
        let now = (self.context.now)();
        let keys = self.context.store.refreshes(REFRESHES_AT_ONCE)?;
        let dues: Vec<Due> =
            keys.iter().map_while(|key| Due::decode(key).filter(|due| due.at <= now)).collect();
        self.context.status.update(|facts| facts.refresh_due = dues.len() as u64);
        Ok(dues)
    }

    /// Asks the task that owns the mapping.
    pub(super) async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, LoadError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_| LoadError::Stopping)?;
        answer.await.map_err(|_| LoadError::NotStreaming)
    }

    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Mapper) -> T + Send + 'static,
    ) -> Result<T, LoadError> {
        self.ask(|reply| {
            Ask::Look(Box::new(move |mapper| {
                let _ = reply.send(look(mapper));
            }))
        })
        .await
    }
}

impl Step {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Reference(index) => {
                Role::REFERENCE.get(usize::from(*index)).map_or("reference data", |role| role.name())
            }
            Self::Products { .. } => "products",
            Self::People { .. } => "customers",
            Self::Gone { .. } => "deleted customers",
            Self::Prices { .. } => "prices",
            Self::Stock { .. } => "stock",
            Self::Orders { .. } => "orders",
            Self::Done => "done",
        }
    }
}
