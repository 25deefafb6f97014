//! The whole path on real parts: a private Postgres, the real binary, the simulator.

mod changes;
mod faults;
mod guarantees;
mod slot;

#[path = "../support/mod.rs"]
mod support;
