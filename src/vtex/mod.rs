//! The client of VTEX's HTTP APIs: turns a [`Call`](crate::core::call::Call) into one request and its
//! answer into an [`Outcome`](crate::core::call::Outcome).
//!
//! | file | holds |
//! |---|---|
//! | `settings` | account, base URLs, timeouts and limits |
//! | `credentials` | key and tokens, their exchange at run time, their removal from texts |
//! | `client` | sending, the second token after a 401, reading the answer |
//! | `request` | method, path and body of every call: pure, and what `explain` shows |
//! | `logistics`, `pricing`, `catalog`, `people`, `orders`, `bulk` | bodies and answers of one API each |
//! | `json` | money and dates as JSON, exact in both directions |
//! | `body`, `rate`, `failure` | capped body, rate headers, errors of the connection |
//! | `check`, `findings` | what `mare check` asks of an account, and what the answers mean |
//!
//! Nothing in here retries (but for the second token), waits or counts: that is decided elsewhere.

mod body;
mod bulk;
mod catalog;
pub mod check;
mod client;
mod credentials;
mod failure;
mod findings;
mod images;
mod json;
mod logistics;
pub mod orders;
mod people;
mod pricing;
mod rate;
mod request;
mod settings;

pub use client::{Client, ClientError};
pub use credentials::{Credentials, CredentialsError};
pub(crate) use json::parse_date;
pub use orders::{
    EVENTS_MAX, Event, FeedState, HookState, HookTarget, Listed, PAGES_MAX, STATUSES as ORDER_STATUSES, Told,
};
pub use people::ConsentEntity;
pub use rate::hint as rate_hint;
pub use request::{Refused, describe, request_body, resource};
pub use settings::{SettingsError, VtexSettings};
