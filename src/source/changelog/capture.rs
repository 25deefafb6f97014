//! A source that stays alive: connects, makes sure that the change tables are those that the ledger knows,
//! drains, and starts over when anything breaks.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::core::position::{Incarnation, Position};
use crate::source::context::{Context, HandoverError};
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::sessions::{self, Source};
use crate::source::window::Progress;
use crate::store::StoreError;

use super::dialect::{ChangeNumber, Connector, Dialect, DialectError, Identity};
use super::drain::{Drain, DrainSettings};

/// One source, for as long as the service runs.
pub struct Capture<C> {
    pub settings: DrainSettings,
    pub connector: C,
    pub context: Context,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error(transparent)]
    Dialect(#[from] DialectError),
    #[error(transparent)]
    Handover(#[from] HandoverError),
}

impl From<StoreError> for CaptureError {
    fn from(error: StoreError) -> Self {
        Self::Handover(error.into())
    }
}

impl<C: Connector> Capture<C> {
    /// Drains until `stop`; everything else is waited out.
    pub async fn run(self, asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        sessions::run(self, asks, stop).await;
    }
}

impl<C: Connector> Source for Capture<C> {
    type Error = CaptureError;

    fn context(&self) -> &Context {
        &self.context
    }

    fn needs_a_person(error: &CaptureError) -> bool {
        matches!(error, CaptureError::Dialect(DialectError::Blocked(_)))
    }

    async fn session(
        &self,
        asks: &mut mpsc::Receiver<Ask>,
        stop: &CancellationToken,
    ) -> Result<(), CaptureError> {
        let mut dialect = self.connector.connect().await?;
        let identity = dialect.health().await?.identity;
        let progress = self.adopt(&identity).await?;
        info!(source = %self.context.name, position = progress.position.0, "draining change tables");
        self.context.streams_from(progress.position);
        let intake = Intake::new(&self.context, self.context.mapper(), progress.clone());
        Drain::new(&self.context, &self.settings, dialect, intake, progress)?.run(asks, stop).await
    }
}

impl<C: Connector> Capture<C> {
    /// Decides whether what the ledger knows fits this database: whenever there is doubt about it,
    /// everything is compared again. (Another installation in the same database is the drain's to notice.)
    async fn adopt(&self, identity: &Identity) -> Result<Progress, CaptureError> {
        let context = &self.context;
        let known = context.progress()?;
        let highest: Option<ChangeNumber> = context.store.meta(&highest_entry(&context.name))?;
        let why = match &known {
            None => "first load",
            Some(known) if known.incarnation.system != identity.system => {
                "another database, or one that was restored or failed over"
            }
            Some(_) if identity.number.zip(highest).is_some_and(|(number, highest)| number < highest) => {
                "Live was restored from a backup"
            }
            Some(known) => return Ok(known.clone()),
        };
        if known.is_some() {
            error!(source = %context.name, why, "changes may have been missed; everything is compared with Live again");
        }
        let incarnation = Incarnation {
            system: identity.system.clone(),
            slot: identity.installation.clone(),
            created_at: Position::ZERO,
        };
        // The positions are our own count of batches: they go on, whatever becomes of Live's numbers.
        let (position, generation) =
            known.map_or((Position::ZERO, 0), |known| (known.position, known.generation));
        let progress = Progress { incarnation, position, generation };
        context.begin_anew(&progress, why).await?;
        Ok(progress)
    }
}

/// The entry of the store with the highest number that was given when something was read last.
pub(super) fn highest_entry(source: &str) -> String {
    format!("changelog/{source}/highest")
}

/// The entry of the store that says that capture is known to be incomplete (a disabled trigger).
pub(super) fn faults_entry(source: &str) -> String {
    format!("changelog/{source}/faults")
}
