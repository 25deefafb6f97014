//! The handle of a connection: requests go to the one task that owns it.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::core::row::Column;

use super::column::{ColumnError, ColumnProblem};
use super::error::SqlError;
use super::rows::RowBuffer;
use super::settings::SqlServerSettings;
use super::statement::{SessionId, Statement};
use super::task::{self, Batch, Begin, End, Request};

/// What every session is set to when it begins, unless told otherwise: an error ends its whole transaction, and in a
/// deadlock it is we who lose, not the till.
pub const SESSION_SETUP: &str = "/*mare:session*/ SET XACT_ABORT ON; SET DEADLOCK_PRIORITY LOW;";

/// Requests that may wait for the connection. Whoever needs more at once needs another connection.
const REQUESTS_MAX: usize = 16;

/// Bytes of values that are collected at most; larger results are read as a stream.
const FETCH_BYTES_MAX: usize = 256 << 20;

/// A connection that comes back by itself. Clones share it; requests run one after the other.
///
/// A caller that gives up (its future is dropped) closes the connection, so nobody ever reads the rest of another's
/// answer, and the server stops working on it. The next request connects anew. The connection is closed when the
/// last clone is dropped. Must be used inside a tokio runtime.
#[derive(Debug, Clone)]
pub struct Connection {
    requests: mpsc::Sender<Request>,
}

/// What a statement without rows did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// Rows inserted, updated and deleted, all statements together, without those of triggers that `SET NOCOUNT ON`.
    pub rows_affected: u64,
    pub session: SessionId,
}

/// All rows of a statement.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub rows: RowBuffer,
    pub session: SessionId,
}

impl Connection {
    /// Connects now.
    ///
    /// # Errors
    /// [`SqlError::Connect`], after `connect_timeout_seconds` at the latest.
    pub async fn open(settings: SqlServerSettings) -> Result<Self, SqlError> {
        let connection = Self::lazy(settings, SESSION_SETUP);
        connection.session().await?;
        Ok(connection)
    }

    /// Connects with the first request. `setup` is run as a batch at the begin of every session (settings that are made
    /// in a statement end with it).
    pub fn lazy(settings: SqlServerSettings, setup: impl Into<Cow<'static, str>>) -> Self {
        let (sender, requests) = mpsc::channel(REQUESTS_MAX);
        tokio::spawn(task::run(settings, setup.into(), requests));
        Self { requests: sender }
    }

    /// The session of the moment; connects if there is none.
    ///
    /// # Errors
    /// When there is no connection to be had.
    pub async fn session(&self) -> Result<SessionId, SqlError> {
        self.ask(Request::Session).await
    }

    /// Runs a statement whose rows, if any, are of no interest.
    ///
    /// # Errors
    /// [`SqlError`]; its class says what to do. After [`SqlError::Broken`] and [`SqlError::TimedOut`] it is not known
    /// whether the statement took effect.
    pub async fn execute(&self, statement: Statement) -> Result<Executed, SqlError> {
        self.ask(|reply| Request::Execute { statement, reply }).await
    }

    /// Runs a statement with one result (those without rows before it do not count) and gives its rows as they come. The
    /// connection serves nobody else until they are
    /// read; dropping the rows before closes it.
    ///
    /// # Errors
    /// As [`Connection::execute`]; also when there is a column that cannot be taken over exactly.
    pub async fn query(&self, statement: Statement) -> Result<RowStream, SqlError> {
        RowStream::ask(&self.requests, statement, |statement, rows| Request::Query { statement, rows }).await
    }

    /// Runs a statement with one result and collects its rows: for results with a known end, 256 MiB at most.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn fetch(&self, statement: Statement) -> Result<Fetched, SqlError> {
        self.query(statement).await?.collect().await
    }

    /// Begins a transaction, for which the connection is reserved until it ends.
    ///
    /// # Errors
    /// When it cannot begin.
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        let (sender, requests) = mpsc::channel(1);
        let session = self.ask(|reply| Request::Begin(Begin { reply, requests })).await?;
        Ok(Transaction { requests: sender, session })
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, SqlError>>) -> Request,
    ) -> Result<T, SqlError> {
        ask(&self.requests, request).await
    }
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
///
/// After any error it is over and rolled back, also when the server would have gone on. It is also rolled back
/// when nothing is asked of it for `command_timeout_seconds`, because its locks keep the shop from selling.
#[derive(Debug)]
pub struct Transaction {
    requests: mpsc::Sender<Request>,
    session: SessionId,
}

impl Transaction {
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// # Errors
    /// As [`Connection::execute`]; [`SqlError::TransactionOver`] after an earlier error.
    pub async fn execute(&self, statement: Statement) -> Result<Executed, SqlError> {
        over(ask(&self.requests, |reply| Request::Execute { statement, reply }).await)
    }

    /// # Errors
    /// As [`Connection::query`]; [`SqlError::TransactionOver`] after an earlier error.
    pub async fn query(&self, statement: Statement) -> Result<RowStream, SqlError> {
        over(
            RowStream::ask(&self.requests, statement, |statement, rows| Request::Query { statement, rows })
                .await,
        )
    }

    /// # Errors
    /// As [`Transaction::query`].
    pub async fn fetch(&self, statement: Statement) -> Result<Fetched, SqlError> {
        over(self.query(statement).await?.collect().await)
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// [`SqlError::CommitUnknown`] when the connection broke meanwhile: it may have taken effect.
    pub async fn commit(self) -> Result<(), SqlError> {
        over(ask(&self.requests, |reply| Request::End { end: End::Commit, reply }).await)
    }

    /// Undoes it, and waits until that is done.
    ///
    /// # Errors
    /// When the connection broke, which undoes it as well.
    pub async fn rollback(self) -> Result<(), SqlError> {
        over(ask(&self.requests, |reply| Request::End { end: End::Rollback, reply }).await)
    }
}

/// The task has left the transaction.
fn over<T>(result: Result<T, SqlError>) -> Result<T, SqlError> {
    result.map_err(|error| match error {
        SqlError::Gone => SqlError::TransactionOver,
        other => other,
    })
}

async fn ask<T>(
    requests: &mpsc::Sender<Request>,
    request: impl FnOnce(oneshot::Sender<Result<T, SqlError>>) -> Request,
) -> Result<T, SqlError> {
    let (reply, answer) = oneshot::channel();
    requests.send(request(reply)).await.map_err(|_| SqlError::Gone)?;
    answer.await.map_err(|_| SqlError::Gone)?
}

/// Rows as they come, in buffers of some hundred.
#[derive(Debug)]
pub struct RowStream {
    columns: Arc<[Column]>,
    session: SessionId,
    batches: mpsc::Receiver<Result<Batch, SqlError>>,
    ended: bool,
}

impl RowStream {
    async fn ask(
        requests: &mpsc::Sender<Request>,
        statement: Statement,
        request: impl FnOnce(Statement, mpsc::Sender<Result<Batch, SqlError>>) -> Request,
    ) -> Result<Self, SqlError> {
        let (rows, mut batches) = mpsc::channel(task::BATCHES_AHEAD_MAX);
        requests.send(request(statement, rows)).await.map_err(|_| SqlError::Gone)?;
        match batches.recv().await {
            Some(Ok(Batch::Begin { columns, session })) => {
                Ok(Self { columns, session, batches, ended: false })
            }
            Some(Ok(Batch::Rows(_) | Batch::End)) => {
                Err(SqlError::Protocol("rows before columns".to_owned()))
            }
            Some(Err(error)) => Err(error),
            None => Err(SqlError::Gone),
        }
    }

    /// The columns; none when the statement has no result.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The next rows, never an empty buffer; none at the end. Until the end was seen, an error may still come, and what
    /// came before it is no whole result.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn next(&mut self) -> Result<Option<RowBuffer>, SqlError> {
        if self.ended {
            return Ok(None);
        }
        let batch = self.batches.recv().await;
        self.ended = !matches!(batch, Some(Ok(Batch::Rows(_))));
        match batch {
            Some(Ok(Batch::Rows(rows))) => Ok(Some(rows)),
            Some(Ok(Batch::End)) => Ok(None),
            Some(Ok(Batch::Begin { .. })) => Err(SqlError::Protocol("columns twice".to_owned())),
            Some(Err(error)) => Err(error),
            None => Err(SqlError::Gone),
        }
    }

    async fn collect(mut self) -> Result<Fetched, SqlError> {
        let mut all = RowBuffer::new(Arc::clone(&self.columns));
        while let Some(rows) = self.next().await? {
            if all.value_bytes() + rows.value_bytes() > FETCH_BYTES_MAX {
                let column = "all rows together".into();
                return Err(ColumnError { column, problem: ColumnProblem::TooLarge }.into());
            }
            if all.is_empty() {
                all = rows;
            } else {
                all.append(&rows)?;
            }
        }
        Ok(Fetched { rows: all, session: self.session })
    }
}
