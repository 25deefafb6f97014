//! Changes out of a logical replication slot of Postgres (14 to 18).
//!
//! [`wire`] speaks the replication protocol, [`pgoutput`] turns its payloads into rows, [`slot`] looks after
//! the slot with plain SQL. [`capture`] keeps a source alive, `session` is one connection's life,
//! [`pulse`] its heartbeat, [`install`] what stands in Live.

pub mod capture;
pub mod check;
pub mod install;
pub mod pgoutput;
pub mod pulse;
mod session;
pub mod slot;
pub mod wire;
