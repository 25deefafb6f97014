//! Customers and consents from rows of Live to VTEX: mapping, dispatcher and client together, against the simulator.
//! Only the clock is the test's own.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod erasure;
#[path = "../support/openapi.rs"]
mod openapi;
mod replication;
mod shop;
