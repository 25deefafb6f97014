//! Changes out of a logical replication slot of Postgres (14 to 18).
//!
//! [`wire`] speaks the replication protocol, [`pgoutput`] turns its payloads into rows, [`slot`] and
//! [`health`] look after the slot with plain SQL.

pub mod health;
pub mod pgoutput;
pub mod slot;
pub mod wire;
