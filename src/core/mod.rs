//! Every decision of the replicator, and nothing else.
//!
//! No tokio, no sockets, no clock and no randomness in here: `now` and the random numbers are
//! arguments, effects are return values. What is in this folder can therefore be tested with a table,
//! a property or a simulation, and a surprise in production can be replayed.

pub mod backoff;
pub mod breaker;
pub mod bulk;
pub mod call;
pub mod concurrency;
pub mod constant_time;
pub mod dispatch;
pub mod entity;
pub mod failure;
pub mod ledger;
pub mod limiter;
pub mod message;
pub mod money;
pub mod order;
pub mod parents;
pub mod plan;
pub mod poll;
pub mod position;
pub mod progress;
pub mod record;
pub(crate) mod reserved;
pub mod row;
pub mod schedule;
pub mod shop_consent;
pub mod skus;
pub mod time;
pub mod value;
pub mod versions;
