//! A source that stays alive: connects, makes sure that the slot is ours and continues where the ledger
//! ended, streams, and starts over when anything breaks.

use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::core::position::{Incarnation, Position};
use crate::live::{Connect, ConnectError};
use crate::source::context::{Context, HandoverError};
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::sessions::{self, Source};
use crate::source::window::Progress;
use crate::store::{Store, StoreError};

use super::pgoutput::DecodeError;
use super::session::Session;
use super::slot::{self, SlotFacts};
use super::wire::{Connection, StartReplication, SystemIdentity, WireError};

/// What a capture needs to know.
#[derive(Debug, Clone)]
pub struct CaptureSettings {
    pub slot: String,
    pub publication: String,
    pub memory_bytes: usize,
}

/// One source, for as long as the service runs.
pub struct Capture {
    pub settings: CaptureSettings,
    pub connect: Connect,
    pub context: Context,
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
    Handover(#[from] HandoverError),
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

impl From<StoreError> for CaptureError {
    fn from(error: StoreError) -> Self {
        Self::Handover(error.into())
    }
}

impl Capture {
    /// Streams until `stop`; everything else is waited out.
    pub async fn run(self, asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        sessions::run(self, asks, stop).await;
    }
}

impl Source for Capture {
    type Error = CaptureError;

    fn context(&self) -> &Context {
        &self.context
    }

    fn needs_a_person(error: &CaptureError) -> bool {
        error.needs_a_person()
    }

    async fn session(
        &self,
        asks: &mut mpsc::Receiver<Ask>,
        stop: &CancellationToken,
    ) -> Result<(), CaptureError> {
        let settings = (self.connect)().map_err(CaptureError::Settings)?;
        let client = crate::live::connect(&settings).await?;
        let mut connection = Connection::connect(&settings).await?;
        let progress = self.adopt(&client, &mut connection).await?;
        let start = StartReplication {
            slot: &self.settings.slot,
            from: progress.position,
            publications: &[&self.settings.publication],
            binary: true,
            messages: true,
        };
        let stream = connection.start(&start).await?;
        info!(source = %self.context.name, position = %progress.position, "streaming");
        self.context.streams_from(progress.position);
        let intake = Intake::new(&self.context, self.context.mapper(), progress);
        Session::new(self, stop, intake).run(stream, asks).await
    }
}

impl Capture {
    /// Decides where to continue. Progress belongs to one incarnation of the slot: whenever there is doubt
    /// about it, everything is compared again.
    async fn adopt(&self, client: &Client, connection: &mut Connection) -> Result<Progress, CaptureError> {
        let name = &self.context.name;
        let SystemIdentity { system, timeline, .. } = connection.identify().await?;
        let server = slot::current_position(client).await?;
        let facts = slot::facts(client, &self.settings.slot).await?;
        let known = self.context.progress()?;
        let before: Option<u32> = self.context.store.meta(&self.timeline_entry())?;
        let history = match (&known, before) {
            (Some(known), Some(before)) if before != timeline => {
                let left = connection.left_timeline_at(before, timeline).await?;
                info!(source = %name, before, timeline, left = ?left.map(|at| at.to_string()), "Live has a new timeline: a standby took over, or a backup was restored");
                left.is_none_or(|left| left < known.position).then_some(
                    "Live lacks some of what was read: another server took over, or a backup was restored",
                )
            }
            _ => None,
        };
        let on_timeline = (self.timeline_entry(), Store::encode(&timeline));
        if let (Some(known), Some(facts)) = (&known, &facts)
            && doubt(known, facts, &system, server).or(history).is_none()
        {
            if before != Some(timeline) {
                self.context.note(on_timeline, known).await?;
            }
            return Ok(known.clone());
        }
        let why = match (&known, &facts) {
            (None, _) => "first load",
            (Some(_), None) => "the slot was gone",
            (Some(known), Some(facts)) => {
                doubt(known, facts, &system, server).or(history).unwrap_or("new slot")
            }
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
        self.context.begin_anew_with(&progress, why, vec![on_timeline]).await?;
        Ok(progress)
    }

    /// The timeline that the progress was made on.
    fn timeline_entry(&self) -> String {
        format!("timeline/{}", self.context.name)
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
