//! Running a script as a DBA's tool would: batch by batch, in one session, up to the first error.

use crate::live::sqlserver::{Connection, SqlError, Statement};

use super::names::{batches, is_optional};

/// A batch that failed. Its text is not told: a password may be in it.
#[derive(Debug, thiserror::Error)]
#[error("batch {number} of {of} of the script failed: {source}")]
pub struct ScriptError {
    /// Counted from 1.
    pub number: usize,
    pub of: usize,
    pub source: SqlError,
}

/// What the server refused and the script does without.
#[derive(Debug)]
pub struct Refused {
    /// What the batch says about itself.
    pub what: String,
    pub error: SqlError,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "left out, because the server refused it: {} [{}]", self.what, self.error)
    }
}

/// Runs a script and returns what was left out of it. A transaction that the script has open when it fails is rolled back;
/// what it did before stays, and it may be run again.
///
/// # Errors
/// The first batch that fails and is not optional.
pub async fn run(connection: &Connection, script: &str) -> Result<Vec<Refused>, ScriptError> {
    let batches = batches(script);
    let of = batches.len();
    let failed = |number: usize, source: SqlError| ScriptError { number, of, source };
    let session = connection.session().await.map_err(|error| failed(1, error))?;
    let mut refused = Vec::new();
    for (index, batch) in batches.into_iter().enumerate() {
        let statement = Statement::batch(batch.to_owned()).only_in(session);
        match connection.execute(statement).await {
            Ok(_) => {}
            // Of a connection that broke nobody knows what it did.
            Err(error @ SqlError::Server(_)) if is_optional(batch) => {
                refused.push(Refused { what: purpose(batch), error });
            }
            Err(error) => {
                // The first error is the one to tell; a connection that is gone has rolled back by itself.
                let undo = Statement::batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;").only_in(session);
                let _ = connection.execute(undo).await;
                return Err(failed(index + 1, error));
            }
        }
    }
    Ok(refused)
}

/// The first comment of a batch.
fn purpose(batch: &str) -> String {
    let comments = batch.lines().filter_map(|line| line.trim().strip_prefix("-- "));
    comments.take(1).collect()
}
