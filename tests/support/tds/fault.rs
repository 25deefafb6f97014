//! What a test wants to go wrong.

use std::time::Duration;

use super::reply::Failure;

/// What happens to one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The statement takes as long, unless the client gives up.
    Delay(Duration),
    /// The statement fails and does nothing.
    Fail(Failure),
    /// So many rows of the first result come, then an error. What the statement did stays done.
    FailAfterRows(usize, Failure),
    /// So many bytes of the answer come, then the connection is closed. What the statement did stays done.
    CutAt(usize),
    /// So many bytes of the answer come, then nothing more.
    StallAt(usize),
    /// The answer comes in pieces of so many bytes.
    Pieces(usize),
}
