//! The dispatcher: each rule by name, and all of them together in a simulation.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod bulk;
mod desk;
mod jobs;
mod orders;
mod parents;
mod people;
mod proof;
mod reservations;
mod reserved_units;
mod rules;
mod simulation;
