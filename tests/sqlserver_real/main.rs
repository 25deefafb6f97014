//! Everything that only a real T-SQL server can show, against the one that `MARE_SQLSERVER_URL` names:
//! `sqlserver://user:password@host:port/database?tls=…`, a login that may create databases and logins.
//!
//! Every test makes a database of its own, `mare_suite_…`, and drops it when it passes. What the server lacks is found out by
//! trying; what cannot be tested for it is skipped by name. A real SQL Server skips nothing but what its edition lacks.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test, which is what is wanted")]

mod capture;
mod install;
mod load;
mod order;
mod probes;
mod reader;
mod shop;
mod site;
mod tracking;
mod triggers;
mod values;

#[path = "../support/mod.rs"]
mod support;
