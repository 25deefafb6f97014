//! What an operator reads: logs and metrics. Neither ever holds row values, bodies, secrets or people.

pub mod logs;
pub mod metrics;
