//! What shoppers say, on its way into Live: the writers, and the poller's way to VTEX and the ledger.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{CaptureMode, Config, Live, Source};
use crate::core::call::{Answer, Call, Failure};
use crate::core::dispatch::Newsletter;
use crate::core::entity::Key;
use crate::core::value::person::Consent;
use crate::inbound::consents::{Poller, Shop, Status, Vtex};
use crate::live::PostgresSettings;
use crate::live::sqlserver::SqlServerSettings;
use crate::live::writer::{Mark, Target, Writer};
use crate::store::Store;

use super::dispatcher::{Control, wall_clock};
use super::sources::SourceHandle;

/// How long is waited for the dispatcher, which is never busy for long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The writer into a source's database.
pub fn writer(source: &Source) -> Writer {
    let of = source.clone();
    Writer::new(match &source.live {
        Live::Postgres(settings) => {
            let settings = settings.clone();
            let mark = if source.capture == CaptureMode::Slot { Mark::Message } else { Mark::Setting };
            let connect =
                Arc::new(move || Ok(PostgresSettings { password: of.password()?, ..settings.clone() }));
            Target::Postgres { connect, mark }
        }
        Live::SqlServer(settings) => {
            let settings = settings.clone();
            let mark = match source.capture {
                CaptureMode::Tracking => Mark::Tracking,
                CaptureMode::Rowversion => Mark::None,
                CaptureMode::Triggers | CaptureMode::Slot => Mark::Context,
            };
            let login =
                Arc::new(move || Ok(SqlServerSettings { password: of.password()?, ..settings.clone() }));
            Target::SqlServer { login, mark }
        }
    })
}

/// Starts looking through the shop; none: it is switched off.
pub(super) fn start(
    config: &Config,
    sources: &[SourceHandle],
    store: &Store,
    control: &mpsc::Sender<Control>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Option<Status> {
    if !config.consents.from_shop {
        return None;
    }
    let status = Status::default();
    let shops = config.sources.iter().zip(sources).map(|(source, handle)| Shop {
        name: Arc::clone(&source.name),
        writer: writer(source),
        refresh: handle.refresh_person(),
    });
    let poller = Poller {
        config: config.consents.clone(),
        mapping: Arc::clone(&config.mapping),
        shops: shops.collect(),
        store: store.clone(),
        vtex: ThroughDispatcher(control.clone()),
        status: status.clone(),
        now: wall_clock,
    };
    tasks.spawn(poller.run(stop.clone()));
    Some(status)
}

/// Everything goes through the task that owns limits and ledger.
struct ThroughDispatcher(mpsc::Sender<Control>);

impl ThroughDispatcher {
    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(control(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Vtex for ThroughDispatcher {
    /// As long as it takes: the lane may be paused, or its breaker open.
    async fn read(&self, call: Call) -> Option<Result<Answer, Failure>> {
        self.ask(|reply| Control::Read(Box::new(call), reply)).await
    }

    async fn newsletter(&self, key: Key) -> Option<Newsletter> {
        let asked = self.ask(|reply| Control::Newsletter(key, reply));
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    }

    async fn learn(&self, key: Key, consent: Consent) -> Option<bool> {
        let asked = self.ask(|reply| Control::Learn(key, Box::new(consent), reply));
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    }
}
