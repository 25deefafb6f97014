//! maré: streams committed row changes of TOTVS Live to VTEX.

#![forbid(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod config;
pub mod core;
pub mod live;
pub mod mapping;
pub mod pipeline;
pub mod shop;
pub mod simulator;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod vtex;
