//! The whole path on real parts: a private Postgres, the real binary, the simulator.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod bulk;
mod changes;
mod check;
mod conformance;
mod faults;
mod guarantees;
mod hook;
mod init;
mod messages;
mod operating;
mod optin;
mod order_echo;
mod order_kills;
mod order_load;
mod order_races;
mod order_status;
mod orders;
mod people;
mod prices;
mod products;
mod proof;
#[cfg(unix)]
mod security;
mod service;
mod slot;
mod validate;
mod writer;

#[path = "../support/openapi.rs"]
mod openapi;
#[path = "../support/mod.rs"]
mod support;
