//! The T-SQL that is installed in SQL Server and asked of it, as text: against snapshots, and for any names.
//!
//! `MARE_UPDATE_SNAPSHOTS=1 cargo test --test tsql` writes the snapshots anew; `scripts/parse-tsql` holds them against a
//! T-SQL parser.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test, which is what is wanted")]

mod facts;
mod generator;
mod lexer;
mod names;
mod semantics;
mod shop;
mod snapshots;
mod translate;
mod triggers;

#[path = "../support/mod.rs"]
mod support;
