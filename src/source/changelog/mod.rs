//! Changes out of tables that triggers fill: for a Postgres whose `wal_level` cannot be logical, and for
//! SQL Server.
//!
//! Beside each captured table of Live stands a change table of ours. A trigger writes one row into it for
//! every row that really changed, inside the transaction of the shop; [`drain`] reads them, hands them to the
//! ledger and deletes what it has read. There is no "last number seen": a number is given when a row is
//! written and not when it is committed, so whoever remembers the highest one skips every transaction that
//! commits late.
//!
//! [`dialect`] is what a database engine must be able to do; [`postgres`] does it. [`capture`] keeps a
//! source alive.

pub mod capture;
pub mod dialect;
pub mod drain;
pub mod form;
mod merge;
pub mod postgres;
pub mod sqlserver;
pub mod versions;
