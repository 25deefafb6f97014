pub mod postgres;
pub mod reconcile;
