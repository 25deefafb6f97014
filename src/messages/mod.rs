//! Messages to customers: a step of an order in Live, or a status in VTEX, told to webhooks of the configuration.
//!
//! ```text
//!  writer of the ledger (an order of Live) ─┐ same commit   ┌ one task per webhook ┐
//!                                           ├──▶ outbox ───▶│ sign, POST, judge    │──▶ provider of SMS, WhatsApp, e-mail
//!  entry of orders (a status of VTEX) ──────┘   (ledger)    └ park, or try again   ┘
//! ```
//!
//! An outbox of its own, and no lane of the dispatcher. The dispatcher keeps one wanted state for each key, and the newest
//! replaces what was not sent yet: right for what VTEX holds, wrong for what a customer is told, where each step counts and
//! "delivered" does not replace "ready to be fetched". Nor does a receiver hold a state that could be read back. What the
//! two have in common (limiter, backoff, breaker, parking, a store that is written first) is used from where it is.
//!
//! A message is in the ledger in the same commit as the change that it tells of, and leaves it when a receiver has
//! answered with success; a process that ends in between sends it again, with the same idempotency key. Messages about
//! one order go out in their order. Personal data is read when a message is sent, and kept nowhere.
//!
//! | file | holds |
//! |---|---|
//! | `outbox` | what is to be told, from changes to messages |
//! | `sender` | the tasks |
//! | `gate` | rate and breaker of a webhook |
//! | `post` | one request |
//! | `desk` | what people see and do |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use compact_str::CompactString;
use futures_util::future::BoxFuture;
use hashbrown::HashMap;
use reqwest::header::HeaderName;
use secrecy::SecretString;
use tokio::sync::Notify;

use crate::core::limiter::RouteLimit;
use crate::core::message::Patience;
use crate::core::message::template::{Contact, Template};
use crate::core::time::Timestamp;
use crate::store::Store;

mod desk;
mod gate;
mod outbox;
mod post;
mod sender;

pub use desk::{Facts, WebhookFacts};
pub use outbox::{OpenError, open};
pub use post::PostError;

/// Reads what is known of the person who placed an order. `None`: VTEX shows nobody. An error, for people: not now.
pub type ReadContact =
    Arc<dyn Fn(CompactString) -> BoxFuture<'static, Result<Option<Contact>, String>> + Send + Sync>;

/// A receiver of messages, as configured.
#[derive(Clone)]
pub struct Webhook {
    pub name: CompactString,
    pub url: String,
    /// Signs what is sent.
    pub secret: SecretString,
    /// Further headers, such as the receiver's own key.
    pub headers: Vec<(HeaderName, SecretString)>,
    /// Steps of Live and statuses of VTEX.
    pub statuses: Vec<CompactString>,
    /// Steps that an order has gone on from already are told too.
    pub passed: bool,
    pub template: Template,
    /// Bodies of single statuses, instead of `template`.
    pub templates: BTreeMap<CompactString, Template>,
    /// Requests at the same time.
    pub concurrency: usize,
    pub limit: RouteLimit,
}

impl Webhook {
    fn template(&self, status: &str) -> &Template {
        self.templates.get(status).unwrap_or(&self.template)
    }
}

/// What is the same for all webhooks.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub patience: Patience,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What the outbox works with.
pub struct Parts {
    pub store: Store,
    pub webhooks: Vec<Webhook>,
    pub settings: Settings,
    /// Stores by the warehouses that they alone feed.
    pub stores: HashMap<CompactString, CompactString>,
    /// Wall-clock time.
    pub now: fn() -> Timestamp,
}

/// Messages on their way. Shared by those who fill it, its tasks and the admin endpoints.
pub struct Outbox {
    parts: Parts,
    /// From when on each webhook is told of things, in the order of the webhooks.
    since: Vec<Timestamp>,
    /// The number of the next message.
    next: AtomicU64,
    /// There is something new, or something to be tried again.
    wake: Notify,
    http: reqwest::Client,
    activity: desk::Activity,
}
