//! What the tasks of one source share with each other and with the rest of the process.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::core::entity::Entity;
use crate::core::position::Position;
use crate::core::time::Timestamp;
use crate::mapping::Mapper;
use crate::mapping::config::MappingConfig;
use crate::store::{Store, StoreError};

use super::reconcile::due_entry;
use super::status::{Phase, SourceStatus};
use super::window::{Handover, Progress, Window, Work};

/// One source inside the process.
#[derive(Clone)]
pub struct Context {
    pub name: Arc<str>,
    pub mapping: Arc<MappingConfig>,
    pub store: Store,
    pub writer: mpsc::Sender<Handover>,
    pub status: SourceStatus,
    /// Rings when there may be something to load or to read again.
    pub repair: Arc<Notify>,
    pub now: fn() -> Timestamp,
}

/// Why changes could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ledger writer has ended")]
    WriterEnded,
}

impl Context {
    /// The mapping with the reference data that the ledger keeps.
    pub(super) fn mapper(&self) -> Mapper {
        let mut mapper = Mapper::new(Arc::clone(&self.mapping));
        mapper.restore(&Window::default().view(&self.store));
        mapper
    }

    /// Where the ledger ended, if this source has ever been read.
    pub(super) fn progress(&self) -> Result<Option<Progress>, StoreError> {
        self.store.meta(&Progress::entry(&self.name))
    }

    /// Tells the outside that the source is read, on from `position`, and the loader that it may load.
    pub(super) fn streams_from(&self, position: Position) {
        self.status.update(|facts| {
            facts.phase = Phase::Streaming;
            facts.reason = None;
            facts.durable = position;
            facts.settled = position;
            facts.server = facts.server.max(position);
        });
        self.repair.notify_one();
    }

    /// Stores the new progress together with what must be compared, before anything is read.
    pub(super) async fn begin_anew(&self, progress: &Progress, why: &str) -> Result<(), HandoverError> {
        self.begin_anew_with(progress, why, Vec::new()).await
    }

    /// As [`Context::begin_anew`], with further entries of the store in the same commit.
    pub(super) async fn begin_anew_with(
        &self,
        progress: &Progress,
        why: &str,
        notes: Vec<(String, Vec<u8>)>,
    ) -> Result<(), HandoverError> {
        let mut window = Window::default();
        for (name, value) in notes {
            window.note(name, value);
        }
        for entity in Entity::SWITCHED {
            self.reconcile_later(&mut window, entity, why);
        }
        let (done, result) = oneshot::channel();
        self.hand_over(Work::Changes(window.close(Some(progress.clone()))), done).await?;
        result.await.map_err(|_| HandoverError::WriterEnded)??;
        Ok(())
    }

    /// Stores a named entry; what was read stays where it is.
    pub(super) async fn note(
        &self,
        (name, value): (String, Vec<u8>),
        progress: &Progress,
    ) -> Result<(), HandoverError> {
        let mut window = Window::default();
        window.note(name, value);
        let (done, result) = oneshot::channel();
        self.hand_over(Work::Changes(window.close(Some(progress.clone()))), done).await?;
        result.await.map_err(|_| HandoverError::WriterEnded)??;
        Ok(())
    }

    pub(super) async fn hand_over(
        &self,
        work: Work,
        done: oneshot::Sender<Result<(), StoreError>>,
    ) -> Result<(), HandoverError> {
        let handover = Handover { source: Arc::clone(&self.name), work, done };
        self.writer.send(handover).await.map_err(|_| HandoverError::WriterEnded)
    }

    /// Notes durably that an entity must be compared as a whole.
    pub(super) fn reconcile_later(&self, window: &mut Window, entity: Entity, why: &str) {
        window.note(due_entry(&self.name, entity), Store::encode(&why));
    }
}

/// An error with its causes in one line: a driver tells the cause apart from what was refused.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
