//! T-SQL: what is installed in SQL Server and what is asked of it. Text only; [`versions`] alone speaks to a server.

pub mod names;
pub mod script;
pub mod statements;
pub mod table;
pub mod trigger;
pub mod versions;
