//! Where changes come from, and how they reach the ledger.

pub mod changelog;
pub mod context;
pub mod finding;
mod intake;
pub mod postgres;
pub mod reconcile;
mod sessions;
pub mod status;
mod tenants;
pub mod window;
