//! Change tables in Postgres: statement triggers with transition tables write them.
//!
//! [`layout`] says what stands where, [`install`] makes it, [`check`] looks whether it is as it should be, and
//! [`connection`] drains it.

pub mod check;
pub mod connection;
pub mod install;
pub mod layout;
