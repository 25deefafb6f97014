//! Heartbeat and health of a source, over a plain connection of its own.
//!
//! A message in the WAL every few seconds moves the slot on a database where nothing of ours happens,
//! measures the way through the stream, and needs no table.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::core::time::Timestamp;
use crate::live::Connect;
use crate::mapping::config::MappingConfig;
use crate::source::status::SourceStatus;

use super::session::MESSAGE_PREFIX;
use super::slot;

/// The pulse of one source.
pub struct Pulse {
    pub name: Arc<str>,
    pub connect: Connect,
    pub slot: String,
    pub publication: String,
    pub mapping: Arc<MappingConfig>,
    pub status: SourceStatus,
    pub interval: Duration,
    pub now: fn() -> Timestamp,
}

/// Live answers a look at its own views in milliseconds; one that hangs must not keep the pulse.
const BEAT_WITHIN: Duration = Duration::from_secs(30);

impl Pulse {
    /// Beats until `stop`. A lost connection is made again at the next beat.
    pub async fn run(self, stop: CancellationToken) {
        let mut client: Option<Client> = None;
        let mut interval = tokio::time::interval(self.interval);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            let beat = tokio::time::timeout(BEAT_WITHIN, self.beat(client.take())).await;
            match beat {
                Ok(Ok(alive)) => client = Some(alive),
                Ok(Err(error)) => debug!(source = %self.name, %error, "no heartbeat"),
                Err(_) => debug!(source = %self.name, "no heartbeat: Live did not answer in time"),
            }
        }
    }

    async fn beat(&self, client: Option<Client>) -> anyhow::Result<Client> {
        let client = match client {
            Some(client) if !client.is_closed() => client,
            _ => crate::live::connect(&(self.connect)()?).await?,
        };
        slot::emit_heartbeat(&client, MESSAGE_PREFIX, &(self.now)().0.to_string()).await?;
        let facts = slot::facts(&client, &self.slot).await?;
        let server = slot::current_position(&client).await?;
        self.status.update(|status| {
            status.server = status.server.max(server);
            match facts {
                Some(facts) => {
                    status.retained_bytes = facts.retained_bytes;
                    status.safe_bytes = facts.safe_wal_size;
                    status.slot_status = facts.wal_status;
                }
                None => status.slot_status = Some("missing".to_owned()),
            }
        });
        Ok(client)
    }
}
