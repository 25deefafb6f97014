//! Installing in SQL Server, checking and removing, against a server of our own: what it says of itself goes in, what is done and
//! said comes out.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test, which is what is wanted")]

#[path = "../tsql/facts.rs"]
#[allow(dead_code, reason = "shared with the tests of T-SQL")]
mod facts;
#[path = "../support/tds/mod.rs"]
mod tds;

mod answers;
mod cases;
mod check;
mod command;
mod install;
mod live;
mod reach;
mod uninstall;
