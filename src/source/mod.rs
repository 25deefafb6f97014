//! Where changes come from, and how they reach the ledger.

pub mod changelog;
pub mod context;
mod intake;
pub mod postgres;
pub mod reconcile;
mod sessions;
pub mod status;
pub mod window;
