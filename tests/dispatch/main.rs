//! The dispatcher: each rule by name, and all of them together in a simulation.

mod desk;
mod rules;
mod simulation;
