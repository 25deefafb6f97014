//! T-SQL: what is installed in SQL Server and what is asked of it, as text; [`install`] finds out what stands against it,
//! [`uninstall`] keeps readers out, [`run`] carries scripts out, [`check`] looks whether all is well, and [`connection`] and [`versions`] read.

pub mod catalog;
pub mod change;
pub mod check;
pub mod connection;
mod health;
pub mod install;
pub mod names;
mod output;
pub mod run;
pub mod script;
mod server;
pub mod session;
pub mod statements;
pub mod table;
pub mod trigger;
pub mod uninstall;
pub mod versions;
