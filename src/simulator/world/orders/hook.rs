//! The hook: notifications that VTEX sends to an address of the shop.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::feed::{Event, Filter};
use super::{Desk, after, signed};

/// A configuration that had nothing to notify of for so long is deleted.
const QUIET_MAX: Duration = Duration::from_secs(3 * 86_400);
/// Notifications of one hook that wait at most; the oldest is given up first.
const WAITING_MAX: usize = 10_000;
const ATTEMPTS_MAX: u32 = 20;

#[derive(Clone, Debug)]
pub(crate) struct HookConfig {
    pub(crate) filter: Filter,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// One notification that is to be sent now.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) key: String,
    pub(crate) number: u64,
    pub(crate) config: HookConfig,
    pub(crate) body: serde_json::Value,
}

#[derive(Debug, Default)]
pub(super) struct Hooks {
    hooks: BTreeMap<String, Hook>,
    sent: u64,
}

#[derive(Debug)]
struct Hook {
    config: HookConfig,
    fed: Timestamp,
    waiting: Vec<Notification>,
}

#[derive(Debug)]
struct Notification {
    number: u64,
    event: Event,
    due: Timestamp,
    attempts: u32,
    under_way: bool,
}

impl Hooks {
    /// True when somebody is to be told.
    pub(super) fn publish(&mut self, event: &Event, at: Timestamp) -> bool {
        let mut any = false;
        for hook in self.hooks.values_mut().filter(|hook| hook.config.filter.wants(event)) {
            self.sent += 1;
            hook.fed = hook.fed.max(at);
            if hook.waiting.len() == WAITING_MAX {
                hook.waiting.remove(0);
            }
            hook.waiting.push(Notification {
                number: self.sent,
                event: event.clone(),
                due: at,
                attempts: 0,
                under_way: false,
            });
            any = true;
        }
        any
    }

    pub(super) fn forget_quiet(&mut self, now: Timestamp) {
        self.hooks.retain(|_, hook| now.duration_since(hook.fed) < signed(QUIET_MAX));
    }
}

impl Desk<'_> {
    pub(crate) fn configure_hook(&mut self, key: &str, config: HookConfig) {
        let fed = self.now;
        let hook = Hook { config, fed, waiting: Vec::new() };
        self.book.hooks.hooks.insert(key.to_owned(), hook);
        self.world.orders.notifications.notify_one();
    }

    pub(crate) fn hook(&self, key: &str) -> Option<&HookConfig> {
        self.book.hooks.hooks.get(key).map(|hook| &hook.config)
    }

    pub(crate) fn delete_hook(&mut self, key: &str) -> bool {
        self.book.hooks.hooks.remove(key).is_some()
    }

    pub(crate) fn has_hooks(&self) -> bool {
        !self.book.hooks.hooks.is_empty()
    }

    /// Takes what is due; each is told of by [`Desk::hook_answered`].
    pub(crate) fn due_notifications(&mut self) -> Vec<Delivery> {
        let (now, account) = (self.now, self.world.options.account.clone());
        let mut due = Vec::new();
        for (key, hook) in &mut self.book.hooks.hooks {
            for one in hook.waiting.iter_mut().filter(|one| one.due <= now && !one.under_way) {
                one.under_way = true;
                one.attempts += 1;
                due.push(Delivery {
                    key: key.clone(),
                    number: one.number,
                    config: hook.config.clone(),
                    body: body(&one.event, &account, key),
                });
            }
        }
        due
    }

    /// A notification was answered with 200, or it will be sent again, each time twice as late.
    pub(crate) fn hook_answered(&mut self, key: &str, number: u64, taken: bool) {
        let (now, retry) = (self.now, self.book.options.hook_retry);
        let Some(hook) = self.book.hooks.hooks.get_mut(key) else { return };
        let Some(index) = hook.waiting.iter().position(|one| one.number == number) else { return };
        let one = &mut hook.waiting[index];
        if taken || one.attempts >= ATTEMPTS_MAX {
            hook.waiting.remove(index);
            return;
        }
        one.under_way = false;
        one.due = after(now, retry.saturating_mul(1 << (one.attempts - 1).min(20)));
    }
}

/// Without `LastState` for the first state an order has.
fn body(event: &Event, account: &str, key: &str) -> serde_json::Value {
    let mut body = serde_json::json!({
        "Domain": event.part.name(),
        "OrderId": event.order_id,
        "State": event.state,
        "LastChange": format!("{:.7}", event.last_change),
        "CurrentChange": format!("{:.7}", event.current_change),
        "Origin": {"Account": account, "Key": key},
    });
    if !event.last_state.is_empty() {
        body["LastState"] = event.last_state.into();
    }
    body
}
