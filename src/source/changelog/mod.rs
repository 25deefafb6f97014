//! Changes out of tables that triggers fill.

pub mod sqlserver;
