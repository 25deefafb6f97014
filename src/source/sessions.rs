//! A source stays alive: session after session, whatever ends one.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::context::Context;
use super::reconcile::Ask;
use super::status::Phase;

/// A way to read changes, one connection at a time.
pub(super) trait Source: Send + Sync {
    type Error: Display + Send + Sync;

    fn context(&self) -> &Context;

    /// Connects, makes sure that what the ledger knows belongs to this database, and reads until `stop`.
    fn session(
        &self,
        asks: &mut mpsc::Receiver<Ask>,
        stop: &CancellationToken,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Whether trying again will not help until a person has acted (it is tried again all the same).
    fn needs_a_person(error: &Self::Error) -> bool;
}

/// Reads until `stop`; everything else is said and waited out.
pub(super) async fn run<S: Source>(source: S, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
    let mut failures = Failures::default();
    while !stop.is_cancelled() {
        let began = Instant::now();
        match source.session(&mut asks, &stop).await {
            Ok(()) => break,
            Err(error) => {
                let by_hand = S::needs_a_person(&error);
                failures.pause(source.context(), &error, by_hand, began.elapsed(), &stop).await;
            }
        }
    }
    source.context().status.update(|facts| facts.phase = Phase::Stopped);
}

/// Pauses between two tries, by how many have failed in a row.
const RETRY_SECONDS: [u64; 6] = [1, 2, 5, 10, 20, 30];
/// A session that lasted so long shows that the settings are right: failures are counted anew.
const LASTED: Duration = Duration::from_secs(60);

/// How often in a row a source has failed.
#[derive(Debug, Default)]
struct Failures(usize);

impl Failures {
    /// Says why a session ended and waits before the next one; ends early with `stop`.
    async fn pause(
        &mut self,
        context: &Context,
        error: &(impl Display + Sync),
        needs_a_person: bool,
        lasted: Duration,
        stop: &CancellationToken,
    ) {
        self.0 = if lasted > LASTED { 0 } else { self.0 + 1 };
        let phase = if needs_a_person { Phase::Blocked } else { Phase::Retrying };
        let pause = Duration::from_secs(RETRY_SECONDS[self.0.min(RETRY_SECONDS.len() - 1)]);
        warn!(source = %context.name, %error, pause_seconds = pause.as_secs(), "not streaming");
        context.status.update(|facts| {
            facts.phase = phase;
            facts.reason = Some(error.to_string());
        });
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
