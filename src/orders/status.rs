//! What the entry of orders has seen, for health, status and metrics.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::hook::Handled;
use crate::core::time::Timestamp;
use crate::vtex::FeedState;

/// How the feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedHealth {
    /// Not looked at yet.
    #[default]
    Starting,
    Listening,
    /// It cannot be read now.
    Failing,
}

/// Whether VTEX has our hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookHealth {
    /// Not looked at yet.
    #[default]
    Starting,
    Set,
    /// VTEX does not take it; the feed goes on.
    Failing,
}

/// What is known of the hook.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HookFacts {
    pub health: HookHealth,
    /// How often it had to be set up.
    pub set_up: u64,
    pub notifications: u64,
    pub last_notification: Option<Timestamp>,
    /// Requests of others, and what could not be read.
    pub refused: u64,
    /// Orders that wait to be looked at.
    pub waiting: usize,
    /// Why it is not set up.
    pub trouble: Option<String>,
}

/// A copy of what is known at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InboundFacts {
    pub feed: FeedHealth,
    /// When the feed was read last.
    pub last_read: Option<Timestamp>,
    /// Messages that waited when its configuration was looked at last.
    pub waiting: Option<u64>,
    pub oldest_seconds: Option<f64>,
    /// How often the feed had to be set up.
    pub set_up: u64,
    pub messages: u64,
    /// Why nothing goes on at present.
    pub trouble: Option<String>,
    pub held: usize,
    /// Orders are being looked for that no message told of.
    pub reconciling: bool,
    /// None: there is no hook.
    pub hook: Option<HookFacts>,
}

#[derive(Debug)]
pub(super) struct InboundStatus(Mutex<InboundFacts>);

impl InboundStatus {
    pub(super) fn new(hook: bool) -> Self {
        Self(Mutex::new(InboundFacts { hook: hook.then(HookFacts::default), ..InboundFacts::default() }))
    }

    pub(super) fn facts(&self) -> InboundFacts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut InboundFacts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn feed_read(&self, at: Timestamp, messages: usize) {
        self.update(|facts| {
            facts.feed = FeedHealth::Listening;
            facts.last_read = Some(at);
            facts.messages += messages as u64;
            facts.trouble = None;
        });
    }

    pub(super) fn hook(&self, change: impl FnOnce(&mut HookFacts)) {
        self.update(|facts| {
            if let Some(hook) = &mut facts.hook {
                change(hook);
            }
        });
    }

    pub(super) fn hook_notified(&self, handled: Handled, at: Timestamp) {
        self.hook(|hook| {
            if handled.is_notification() {
                hook.notifications += 1;
                hook.last_notification = Some(at);
            } else if handled != Handled::Ping {
                hook.refused += 1;
            }
        });
    }

    pub(super) fn configuration(&self, state: FeedState) {
        if let FeedState::Ours { waiting, oldest } = state {
            self.update(|facts| {
                facts.waiting = waiting;
                facts.oldest_seconds = oldest.as_ref().map(Duration::as_secs_f64);
            });
        }
    }
}
