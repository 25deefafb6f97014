//! T-SQL: what is installed in SQL Server and what is asked of it, as text; [`run`] carries scripts out, and
//! [`versions`] reads.

pub mod catalog;
pub mod change;
pub mod connection;
mod health;
pub mod names;
pub mod run;
pub mod script;
pub mod session;
pub mod statements;
pub mod table;
pub mod trigger;
pub mod versions;
