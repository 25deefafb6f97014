//! The hook's configuration at VTEX: made, looked at once a day, made again when it is lost or somebody else's.
//!
//! VTEX deletes one that had nothing to tell for three days. One that is not configured any more is taken back, so that VTEX
//! does not go on calling nobody. Nothing here may hinder the feed.

use std::time::Duration;

use tracing::{info, warn};

use super::HookSettings;
use crate::core::backoff::Backoff;
use crate::orders::Inbound;
use crate::orders::gate::{Unanswered, describe};
use crate::orders::status::HookHealth;
use crate::store::{Durability, Op, Store};
use crate::telemetry::metrics;
use crate::vtex::HookState;

/// While VTEX does not take it: most often because it does not reach us yet.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(30), max: Duration::from_secs(3_600) };
/// The address of the hook that we have set up.
const ENTRY: &str = "orders/hook";
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Inbound {
    /// Looks at the configuration, and makes it where it is not ours; the pause until the next look.
    pub(in crate::orders) async fn check_hook(&self, failures: &mut u32) -> Duration {
        let done = match &self.parts.hook {
            Some(settings) => self.have_hook(settings).await,
            None => self.take_hook_back().await,
        };
        match done {
            Ok(()) => {
                *failures = 0;
                self.status.hook(|hook| {
                    hook.health = HookHealth::Set;
                    hook.trouble = None;
                });
                metrics::hook_up(self.parts.hook.is_some());
                DAY
            }
            Err(why) => {
                *failures = failures.saturating_add(1);
                if *failures == 1 || failures.is_multiple_of(20) {
                    warn!(why, failures, "the hook of orders is not set up: the feed goes on without it");
                }
                self.status.hook(|hook| {
                    hook.health = HookHealth::Failing;
                    hook.trouble = Some(why);
                });
                metrics::hook_up(false);
                BACKOFF.delay(*failures, fastrand::f64())
            }
        }
    }

    async fn have_hook(&self, settings: &HookSettings) -> Result<(), String> {
        let client = &self.parts.client;
        let target = settings.target();
        // Before it is there: what is set up can be taken back, whatever comes in between.
        self.note_hook(Some(&settings.url))?;
        match self.ask("hook-config", || client.hook_state(target)).await.map_err(why)? {
            HookState::Ours => return Ok(()),
            HookState::Missing => info!("VTEX has no hook for our key: it is set up"),
            HookState::Different => {
                warn!(
                    "the hook of our key is set up otherwise: it is set up anew; has another program this key?"
                );
            }
        }
        self.ask("hook-config", || client.set_hook(target)).await.map_err(|unanswered| match unanswered {
            Unanswered::Refused(crate::core::call::Failure::Status { code: 400, .. }) => {
                "VTEX does not take the configuration: most likely it does not reach orders.hook.url, which has to be \
                 https and to lead to orders.hook.listen (`mare check` tries)"
                    .to_owned()
            }
            other => why(other),
        })?;
        self.status.hook(|hook| hook.set_up += 1);
        metrics::hook_set_up();
        Ok(())
    }

    /// Deletes the hook that a former configuration had, unless it is somebody else's by now.
    async fn take_hook_back(&self) -> Result<(), String> {
        let noted: Option<Option<String>> =
            self.parts.store.meta(ENTRY).map_err(|error| error.to_string())?;
        let Some(ours) = noted.flatten() else { return Ok(()) };
        let client = &self.parts.client;
        if self.ask("hook-config", || client.hook_address()).await.map_err(why)?.as_ref() == Some(&ours) {
            self.ask("hook-config", || client.delete_hook()).await.map_err(why)?;
            info!("the hook of orders is not configured any more: VTEX's configuration is deleted");
        }
        self.note_hook(None)
    }

    fn note_hook(&self, url: Option<&String>) -> Result<(), String> {
        let store = &self.parts.store;
        let noted: Option<Option<String>> = store.meta(ENTRY).map_err(|error| error.to_string())?;
        if noted.flatten().as_ref() == url {
            return Ok(());
        }
        let op = Op::PutMeta { name: ENTRY.to_owned(), value: Store::encode(&url) };
        store.commit(&[op], Durability::Synced).map_err(|error| error.to_string())
    }
}

fn why(unanswered: Unanswered) -> String {
    match unanswered {
        Unanswered::Later(why) => why,
        Unanswered::Refused(failure) => format!("VTEX: {}", describe(&failure)),
    }
}
