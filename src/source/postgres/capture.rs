//! A source that stays alive: connects, makes sure that the slot is ours and continues where the ledger
//! ended, streams, and starts over when anything breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::core::entity::Entity;
use crate::core::position::{Incarnation, Position};
use crate::core::time::Timestamp;
use crate::live::{ConnectError, PostgresSettings};
use crate::mapping::Mapper;
use crate::mapping::config::MappingConfig;
use crate::source::reconcile::{Ask, due_entry};
use crate::source::status::{Phase, SourceStatus};
use crate::source::window::{Handover, Progress, Window};
use crate::store::{Store, StoreError};

use super::pgoutput::DecodeError;
use super::session::Session;
use super::slot::{self, SlotFacts};
use super::wire::{Connection, StartReplication, WireError};

/// What a capture needs to know.
#[derive(Debug, Clone)]
pub struct CaptureSettings {
    pub name: Arc<str>,
    pub slot: String,
    pub publication: String,
    pub memory_bytes: usize,
}

/// Gives the connection settings with the password of the moment (it may be rotated).
pub type Connect = Arc<dyn Fn() -> anyhow::Result<PostgresSettings> + Send + Sync>;

/// One source, for as long as the service runs.
pub struct Capture {
    pub settings: CaptureSettings,
    pub connect: Connect,
    pub mapping: Arc<MappingConfig>,
    pub store: Store,
    pub writer: mpsc::Sender<Handover>,
    pub status: SourceStatus,
    /// Rings when there may be something to load or to read again.
    pub repair: Arc<Notify>,
    pub now: fn() -> Timestamp,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("cannot ask Live: {0}")]
    Sql(#[from] tokio_postgres::Error),
    #[error("Live sent something that is no pgoutput message: {0}")]
    Decode(#[from] DecodeError),
    #[error("a row came outside a transaction: the stream is not what pgoutput sends")]
    OutsideTransaction,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ledger writer has ended")]
    WriterEnded,
    #[error("{0}")]
    Blocked(String),
    #[error("{0:#}")]
    Settings(anyhow::Error),
}

impl CaptureError {
    /// Whether trying again will not help until a person has acted (it is tried again all the same).
    const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Blocked(_) | Self::Settings(_) | Self::Decode(_) | Self::OutsideTransaction)
    }
}

/// Pauses between two tries, by how many have failed in a row.
const RETRY_SECONDS: [u64; 6] = [1, 2, 5, 10, 20, 30];

impl Capture {
    /// Streams until `stop`; everything else is waited out.
    pub async fn run(self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        let mut failures = 0_usize;
        while !stop.is_cancelled() {
            let began = std::time::Instant::now();
            match self.session(&mut asks, &stop).await {
                Ok(()) => break,
                Err(error) => {
                    // A session that lasted shows that the settings are right: begin counting anew.
                    failures = if began.elapsed() > Duration::from_secs(60) { 0 } else { failures + 1 };
                    let phase = if error.needs_a_person() { Phase::Blocked } else { Phase::Retrying };
                    let pause = Duration::from_secs(RETRY_SECONDS[failures.min(RETRY_SECONDS.len() - 1)]);
                    warn!(source = %self.settings.name, %error, pause_seconds = pause.as_secs(), "not streaming");
                    self.status.update(|facts| {
                        facts.phase = phase;
                        facts.reason = Some(error.to_string());
                    });
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
        self.status.update(|facts| facts.phase = Phase::Stopped);
    }

    async fn session(
        &self,
        asks: &mut mpsc::Receiver<Ask>,
        stop: &CancellationToken,
    ) -> Result<(), CaptureError> {
        let settings = (self.connect)().map_err(CaptureError::Settings)?;
        let client = crate::live::connect(&settings).await?;
        let progress = self.adopt(&client).await?;
        let mut mapper = Mapper::new(Arc::clone(&self.mapping));
        mapper.restore(&Window::default().view(&self.store));
        let start = StartReplication {
            slot: &self.settings.slot,
            from: progress.position,
            publications: &[&self.settings.publication],
            binary: true,
            messages: true,
        };
        let stream = Connection::connect(&settings).await?.start(&start).await?;
        info!(source = %self.settings.name, position = %progress.position, "streaming");
        self.status.update(|facts| {
            facts.phase = Phase::Streaming;
            facts.reason = None;
            facts.durable = progress.position;
            facts.settled = progress.position;
        });
        self.repair.notify_one();
        Session::new(self, stop, mapper, progress).run(stream, asks).await
    }

    /// Decides where to continue. Progress belongs to one incarnation of the slot: whenever there is doubt
    /// about it, everything is compared again.
    async fn adopt(&self, client: &Client) -> Result<Progress, CaptureError> {
        let name = &self.settings.name;
        let system = slot::system_identifier(client).await?;
        let server = slot::current_position(client).await?;
        let facts = slot::facts(client, &self.settings.slot).await?;
        let known: Option<Progress> = self.store.meta(&Progress::entry(name))?;
        if let (Some(known), Some(facts)) = (&known, &facts)
            && doubt(known, facts, &system, server).is_none()
        {
            return Ok(known.clone());
        }
        let why = match (&known, &facts) {
            (None, _) => "first load",
            (Some(_), None) => "the slot was gone",
            (Some(known), Some(facts)) => doubt(known, facts, &system, server).unwrap_or("new slot"),
        };
        if known.is_some() {
            error!(source = %name, why, "changes may have been missed; everything is compared with Live again");
        }
        let begins = match &facts {
            Some(facts) if !facts.is_lost() => facts.confirmed_flush.unwrap_or(server),
            Some(_) => {
                slot::drop_slot(client, &self.settings.slot).await?;
                slot::create(client, &self.settings.slot).await?
            }
            None => slot::create(client, &self.settings.slot).await?,
        };
        let generation = match &known {
            Some(known) if known.incarnation.system != system || begins < known.position => {
                known.generation + 1
            }
            Some(known) => known.generation,
            None => 0,
        };
        let incarnation = Incarnation { system, slot: self.settings.slot.clone(), created_at: begins };
        let progress = Progress { incarnation, position: begins, generation };
        self.begin_anew(&progress, why).await?;
        Ok(progress)
    }

    /// Stores the new progress together with what must be compared, before anything is read.
    async fn begin_anew(&self, progress: &Progress, why: &str) -> Result<(), CaptureError> {
        let mut window = Window::default();
        for entity in Entity::ALL {
            window.note(due_entry(&self.settings.name, entity), Store::encode(&why));
        }
        let batch = window.close(Some(progress.clone()));
        let (done, result) = tokio::sync::oneshot::channel();
        let handover = Handover {
            source: Arc::clone(&self.settings.name),
            work: crate::source::window::Work::Changes(batch),
            done,
        };
        self.writer.send(handover).await.map_err(|_| CaptureError::WriterEnded)?;
        result.await.map_err(|_| CaptureError::WriterEnded)??;
        Ok(())
    }

    /// Notes durably that an entity must be compared as a whole.
    pub(super) fn reconcile_later(&self, window: &mut Window, entity: Entity, why: &str) {
        window.note(due_entry(&self.settings.name, entity), Store::encode(&why));
    }

    pub(super) fn wake_repair(&self) {
        self.repair.notify_one();
    }
}

/// Why the slot that Live has is not the one that the ledger knows, or has lost changes; `None` when all is
/// well.
fn doubt(known: &Progress, facts: &SlotFacts, system: &str, server: Position) -> Option<&'static str> {
    if known.incarnation.system != system {
        return Some("another database server");
    }
    if known.incarnation.slot != facts.name {
        return Some("another slot");
    }
    if facts.is_lost() {
        return Some("Live has removed WAL that the slot needed");
    }
    if server < known.position {
        return Some("Live was restored from a backup");
    }
    // We confirm nothing that is not in the ledger. A slot that is ahead of it was moved by someone else,
    // or dropped and made again.
    if facts.confirmed_flush.is_some_and(|confirmed| confirmed > known.position) {
        return Some("the slot was made again or moved by someone else");
    }
    None
}
