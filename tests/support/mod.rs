//! What the tests on real parts stand on: a private Postgres, the reference Live, the simulator, the binary.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

pub mod postgres;
pub mod replicator;
pub mod shop;
