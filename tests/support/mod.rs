//! What several test binaries and benches share.

// Each of them uses its own part.
#![allow(dead_code, unreachable_pub)]

pub mod postgres;
