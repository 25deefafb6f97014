//! Why something was not written, and whether it is worth another attempt.

use std::fmt;

use tokio_postgres::error::DbError;

use crate::live::sqlserver::{ErrorClass, ServerError, SqlError};

/// Which rule of the database a row broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// There is such a row already.
    Unique,
    /// A row that it names does not exist.
    Reference,
    /// A column that must have a value has none.
    Missing,
    /// A CHECK, or another rule.
    Check,
}

/// Why something was not written. The text never quotes a value: it may be personal data.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("Live cannot be reached: {0:#}; it is tried again")]
    Unreachable(anyhow::Error),
    /// A lock, a deadlock, a broken connection, a server on its way down or up: the same again later.
    #[error("Live did not take it: {0}; it is tried again")]
    Transient(String),
    #[error("a rule of Live's database refuses it ({violation}{}): {said}", constraint.as_ref().map(|name| format!(" {name}")).unwrap_or_default())]
    Constraint { violation: Violation, constraint: Option<String>, said: String },
    /// Rights, names, types: nothing changes until somebody changes something.
    #[error("Live refuses it: {0}; run `mare check`, and `mare install` where a right is missing")]
    Permanent(String),
    #[error("the connection broke while it was committed; whether it took effect is not known: {0}")]
    CommitUnknown(String),
    #[error("the transaction is over: an earlier statement failed")]
    Over,
}

impl WriteError {
    /// Whether the same again can succeed without anybody changing anything.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Transient(_) | Self::CommitUnknown(_) | Self::Over)
    }

    /// Sorts by SQLSTATE (Postgres manual, "PostgreSQL Error Codes").
    pub(super) fn from_postgres(error: &tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed() || std::error::Error::source(error).is_some_and(is_io) {
                Self::Transient(error.to_string())
            } else {
                Self::Permanent(error.to_string())
            };
        };
        let said = said(db);
        let code = db.code().code();
        let violation = match code {
            "23505" | "23P01" => Some(Violation::Unique),
            "23503" => Some(Violation::Reference),
            "23502" => Some(Violation::Missing),
            _ if code.starts_with("23") => Some(Violation::Check),
            _ => None,
        };
        if let Some(violation) = violation {
            return Self::Constraint { violation, constraint: db.constraint().map(str::to_owned), said };
        }
        match &code[..2.min(code.len())] {
            // Connections, serialisation and deadlocks, resources, operators.
            "08" | "40" | "53" | "57" | "58" => Self::Transient(said),
            "55" if code == "55P03" || code == "55006" => Self::Transient(said),
            "25" if code == "25P03" => Self::Transient(said),
            _ => Self::Permanent(said),
        }
    }

    pub(super) fn from_sqlserver(error: SqlError) -> Self {
        match &error {
            SqlError::Server(server) => {
                if let Some(violation) = violation(server) {
                    let said = server.to_string();
                    return Self::Constraint { violation, constraint: None, said };
                }
            }
            SqlError::CommitUnknown(_) => return Self::CommitUnknown(error.to_string()),
            SqlError::Connect(_) => return Self::Unreachable(error.into()),
            SqlError::TransactionOver => return Self::Over,
            _ => {}
        }
        match error.class() {
            ErrorClass::NeedsPerson => Self::Permanent(error.to_string()),
            _ => Self::Transient(error.to_string()),
        }
    }
}

fn is_io(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<std::io::Error>()
}

/// Messages of data exceptions (class 22) and of what triggers raise (P0) can quote values.
fn said(db: &DbError) -> String {
    let code = db.code().code();
    if code.starts_with("22") || code.starts_with("P0") {
        format!("SQLSTATE {code} (text withheld, it can quote data)")
    } else {
        format!("{} (SQLSTATE {code})", db.message())
    }
}

const fn violation(error: &ServerError) -> Option<Violation> {
    match error.number {
        2601 | 2627 => Some(Violation::Unique),
        // The same number for CHECK and FOREIGN KEY.
        547 => Some(Violation::Reference),
        515 => Some(Violation::Missing),
        _ => None,
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique",
            Self::Reference => "reference",
            Self::Missing => "no value",
            Self::Check => "check",
        })
    }
}
