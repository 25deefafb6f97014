//! The catalog from wanted values to VTEX: dispatcher, planner and client together, against the simulator.
//! Only the clock is the test's own.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod conformance;
mod faults;
mod images;
#[path = "../support/openapi.rs"]
mod openapi;
mod shop;
mod writes;
