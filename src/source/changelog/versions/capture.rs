//! A source that stays alive: connects, makes sure that the marks of the ledger belong to this database, reads, and
//! starts over when anything breaks.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::core::position::{Incarnation, Position};
use crate::core::versions::Marks;
use crate::source::context::Context;
use crate::source::intake::Intake;
use crate::source::reconcile::Ask;
use crate::source::sessions::{self, Source};
use crate::source::window::Progress;
use crate::store::Store;

use super::super::capture::CaptureError;
use super::super::dialect::{ChangeTable, DialectError};
use super::dialect::{VersionConnector, Versions};
use super::reader::{Reader, VersionSettings};

/// One source, for as long as the service runs.
pub struct VersionCapture<C> {
    pub settings: VersionSettings,
    pub connector: C,
    pub context: Context,
}

impl<C: VersionConnector> VersionCapture<C> {
    /// Reads until `stop`; everything else is waited out.
    pub async fn run(self, asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        sessions::run(self, asks, stop).await;
    }
}

impl<C: VersionConnector> Source for VersionCapture<C> {
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
        let mut versions = self.connector.connect().await?;
        let (progress, marks) = self.adopt(&mut versions).await?;
        let mode = self.connector.mode();
        info!(source = %self.context.name, mode = mode.name(), position = progress.position.0, "reading changes by version");
        self.context.streams_from(progress.position);
        let intake = Intake::new(&self.context, self.context.mapper(), progress.clone());
        let reader =
            Reader::new(&self.context, &self.settings, mode, versions, intake, marks, progress.position)?;
        reader.run(asks, stop).await
    }
}

impl<C: VersionConnector> VersionCapture<C> {
    /// Decides whether the marks of the ledger fit this database: whenever there is doubt about it, everything is
    /// compared again.
    async fn adopt(&self, versions: &mut C::Versions) -> Result<(Progress, Marks), CaptureError> {
        let context = &self.context;
        let system = versions.health().await?.system;
        let known = context.progress()?;
        let marks: Option<Marks> = context.store.meta(&marks_entry(&context.name))?;
        let slot = self.connector.mode().name().to_owned();
        let why = match (&known, marks) {
            (None, _) => "first load",
            (Some(known), _) if known.incarnation.system != system => {
                "another database, or one that was restored or failed over"
            }
            (Some(known), _) if known.incarnation.slot != slot => {
                "changes are captured in another way than before"
            }
            (Some(_), None) => "the ledger does not say what was read",
            (Some(known), Some(marks)) => return Ok((known.clone(), marks)),
        };
        if known.is_some() {
            error!(source = %context.name, why, "changes may have been missed; everything is compared with Live again");
        }
        // Before anything is compared: what is committed later is read, what was before is seen by the comparison.
        let upto = versions.begin().await?;
        versions.end().await?;
        let names: Vec<_> = versions.tables().iter().map(table_name).collect();
        let marks = Marks::all(names.iter().map(String::as_str), upto);
        let incarnation = Incarnation { system, slot, created_at: Position::ZERO };
        let (position, generation) =
            known.map_or((Position::ZERO, 0), |known| (known.position, known.generation));
        let progress = Progress { incarnation, position, generation };
        let notes = vec![
            (marks_entry(&context.name), Store::encode(&marks)),
            (compared_entry(&context.name), Store::encode(&(context.now)())),
        ];
        context.begin_anew_with(&progress, why, notes).await?;
        Ok((progress, marks))
    }
}

/// How the marks name a table.
pub(super) fn table_name(table: &ChangeTable) -> String {
    format!("{}.{}", table.relation.schema, table.relation.table)
}

/// The entry of the store with the [`Marks`].
pub(super) fn marks_entry(source: &str) -> String {
    format!("versions/{source}/marks")
}

/// The entry of the store that says when comparing everything was last begun.
pub(super) fn compared_entry(source: &str) -> String {
    format!("versions/{source}/compared")
}
