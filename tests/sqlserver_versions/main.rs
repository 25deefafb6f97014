//! Change tables, change tracking and row versions of SQL Server, and chunks of rows beside them, through the library,
//! against a server of our own.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../support/tds/mod.rs"]
mod tds;

mod change_tables;
mod chunks;
mod drain;
mod live;
mod load;
mod pages;
mod rowversion;
mod site;
mod tracking;
mod whole;
mod whole_catalog;
