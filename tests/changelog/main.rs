//! Capture by triggers on real parts: a private Postgres, the real binary, the simulator.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod chunks;
mod rig;
mod rules;
mod triggers;
mod whole;

#[path = "../support/mod.rs"]
mod support;
