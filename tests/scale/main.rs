//! Whole catalogs in simulated time: the dispatcher with VTEX's own limits against an account in memory. Hours pass
//! in seconds, and every request is looked at.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod account;
mod clockwork;
mod load;
mod rename;
mod shop;
