//! Notices a commit of the ledger that does not end.
//!
//! The engine slows a writer down while its own threads are behind. When one of those has died of a full disk at that very
//! moment, the writer waits for it for ever, without an error.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Far beyond a disk that is slow: a commit usually takes milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// When the commit that is under way began.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<Instant>>);

/// A commit is under way until this is dropped.
pub(super) struct Busy<'a>(&'a Watch);

impl Watch {
    pub(super) fn busy(&self) -> Busy<'_> {
        self.set(Some(Instant::now()));
        Busy(self)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Returns when one commit has lasted for `patience`, and never otherwise.
    pub(super) async fn hung(&self, patience: Duration) {
        loop {
            let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match since.map(|since| since.elapsed()) {
                Some(lasted) if lasted >= patience => return,
                Some(lasted) => tokio::time::sleep(patience - lasted).await,
                None => tokio::time::sleep(patience).await,
            }
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_commit_that_lasts_has_hung() {
        let watch = Watch::default();
        let began = Instant::now();
        let many_short_ones = async {
            for _ in 0..100 {
                let _busy = watch.busy();
                tokio::time::sleep(Duration::from_secs(9)).await;
            }
        };
        tokio::select! {
            () = watch.hung(Duration::from_secs(10)) => panic!("none of them took so long"),
            () = many_short_ones => {}
        }
        let _busy = watch.busy();
        watch.hung(Duration::from_secs(10)).await;
        assert!(began.elapsed() >= Duration::from_secs(910), "{:?}", began.elapsed());
    }
}
