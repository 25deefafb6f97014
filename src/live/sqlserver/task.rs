//! The task that owns a connection. It alone polls the driver, so no answer is ever left half read: either it is read
//! to its end, or the connection is closed.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tiberius::{QueryItem, QueryStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::core::row::Column;

use super::column::describe;
use super::connect::{Client, connect};
use super::connection::Executed;
use super::error::SqlError;
use super::rows::RowBuffer;
use super::settings::SqlServerSettings;
use super::statement::{SessionId, Statement};

/// Buffers of rows that may wait for their reader.
pub(super) const BATCHES_AHEAD_MAX: usize = 2;
/// A buffer goes out with so many rows ...
const BATCH_ROWS_MAX: usize = 512;
/// ... or so many bytes of values.
const BATCH_BYTES_MAX: usize = 256 * 1024;

type Reply<T> = oneshot::Sender<Result<T, SqlError>>;
type Rows = mpsc::Sender<Result<Batch, SqlError>>;

#[derive(Debug)]
pub(super) enum Request {
    Session(Reply<SessionId>),
    Execute {
        statement: Statement,
        reply: Reply<Executed>,
    },
    Query {
        statement: Statement,
        rows: Rows,
    },
    Begin(Begin),
    /// Of a transaction.
    End {
        end: End,
        reply: Reply<()>,
    },
}

#[derive(Debug)]
pub(super) struct Begin {
    pub(super) reply: Reply<SessionId>,
    pub(super) requests: mpsc::Receiver<Request>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Commit,
    Rollback,
}

#[derive(Debug)]
pub(super) enum Batch {
    Begin {
        columns: Arc<[Column]>,
        session: SessionId,
    },
    Rows(RowBuffer),
    /// The result is whole.
    End,
}

/// Serves requests until the last handle is dropped.
pub(super) async fn run(
    settings: SqlServerSettings,
    setup: Cow<'static, str>,
    mut requests: mpsc::Receiver<Request>,
) {
    let mut task = Task { settings, setup, session: None, sessions: 0 };
    while let Some(request) = requests.recv().await {
        task.serve(request).await;
    }
}

struct Task {
    settings: SqlServerSettings,
    setup: Cow<'static, str>,
    /// None when the next request must connect.
    session: Option<Session>,
    /// How many there were.
    sessions: u64,
}

struct Session {
    client: Client,
    id: SessionId,
}

/// What became of the connection.
#[derive(Debug, PartialEq, Eq)]
enum Connected {
    /// The answer was read to its end without an error.
    Clean,
    /// The answer was read to its end, and it was an error.
    AfterError,
    /// It must be closed.
    No,
}

impl Connected {
    const fn after(error: &SqlError) -> Self {
        if error.leaves_connection_usable() { Self::AfterError } else { Self::No }
    }
}

impl Task {
    async fn serve(&mut self, request: Request) {
        match request {
            Request::Session(mut reply) => {
                let session = unless_dropped(&mut reply, self.connected(None)).await;
                let Some(session) = session else { return };
                let _ = reply.send(session.map(|session| session.id));
            }
            Request::Execute { statement, reply } => {
                self.execute(statement, reply).await;
            }
            Request::Query { statement, rows } => {
                self.query(statement, rows).await;
            }
            Request::Begin(begin) => self.transaction(begin).await,
            Request::End { reply, .. } => {
                let _ = reply.send(Err(SqlError::TransactionOver));
            }
        }
    }

    /// The session to use; connects if there is none.
    async fn connected(&mut self, only_in: Option<SessionId>) -> Result<&mut Session, SqlError> {
        if let Some(wanted) = only_in
            && self.session.as_ref().is_none_or(|session| session.id != wanted)
        {
            return Err(SqlError::SessionOver);
        }
        if self.session.is_none() {
            let mut client = connect(&self.settings).await?;
            if !self.setup.is_empty() {
                let setup = async { client.simple_query(&*self.setup).await?.into_results().await.map(drop) };
                within(self.settings.command_timeout(), setup).await?;
            }
            self.sessions += 1;
            self.session = Some(Session { client, id: SessionId(self.sessions) });
        }
        self.session.as_mut().ok_or(SqlError::SessionOver)
    }

    /// Runs a statement and tells what became of the connection.
    async fn execute(&mut self, statement: Statement, mut reply: Reply<Executed>) -> Connected {
        if reply.is_closed() {
            return Connected::Clean;
        }
        let limit = statement.timeout.unwrap_or_else(|| self.settings.command_timeout());
        let work = async {
            let session = self.connected(statement.session).await?;
            let rows_affected = within(limit, statement.execute(&mut session.client)).await?;
            Ok(Executed { rows_affected, session: session.id })
        };
        let done = unless_dropped(&mut reply, work).await;
        let connected = match &done {
            Some(Ok(_)) => Connected::Clean,
            Some(Err(error)) => self.settle(error),
            None => Connected::No,
        };
        self.keep_if(&connected);
        if let Some(done) = done {
            let _ = reply.send(done);
        }
        connected
    }

    async fn query(&mut self, statement: Statement, rows: Rows) -> Connected {
        if rows.is_closed() {
            return Connected::Clean;
        }
        let limit = statement.timeout.unwrap_or_else(|| self.settings.command_timeout());
        let zone = self.settings.timezone.clone();
        let work = async {
            let session = self.connected(statement.session).await?;
            let id = session.id;
            let result = within(limit, statement.query(&mut session.client)).await?;
            Transfer { result, limit, zone, rows: &rows }.run(id).await
        };
        // Both a caller that is gone and one that waits for rows are noticed at once.
        let done = tokio::select! {
            biased;
            () = rows.closed() => None,
            done = work => Some(done),
        };
        let connected = match &done {
            Some(Ok(())) => Connected::Clean,
            Some(Err(error)) => self.settle(error),
            None => Connected::No,
        };
        self.keep_if(&connected);
        if let Some(done) = done {
            let _ = rows.send(done.map(|()| Batch::End)).await;
        }
        connected
    }

    /// What an error means for the connection. A request for another session says nothing about this one.
    fn settle(&self, error: &SqlError) -> Connected {
        match error {
            SqlError::SessionOver if self.session.is_some() => Connected::AfterError,
            other => Connected::after(other),
        }
    }

    fn keep_if(&mut self, connected: &Connected) {
        if *connected == Connected::No && self.session.take().is_some() {
            tracing::debug!(server = self.settings.address(), "connection closed");
        }
    }

    /// Serves a transaction until it ends.
    async fn transaction(&mut self, Begin { mut reply, mut requests }: Begin) {
        let limit = self.settings.command_timeout();
        let begin = async {
            let session = self.connected(None).await?;
            within(limit, session.client.begin_transaction()).await?;
            Ok(session.id)
        };
        let begun = unless_dropped(&mut reply, begin).await;
        let Some(Ok(id)) = begun else {
            // Begun or not is not known here, so the connection cannot be kept.
            self.session = None;
            if let Some(error) = begun {
                let _ = reply.send(error);
            }
            return;
        };
        if reply.send(Ok(id)).is_err() {
            self.session = None;
            return;
        }
        loop {
            let connected = match timeout(limit, requests.recv()).await {
                Ok(Some(Request::Execute { statement, reply })) => self.execute(statement, reply).await,
                Ok(Some(Request::Query { statement, rows })) => self.query(statement, rows).await,
                Ok(Some(Request::End { end, reply })) => return self.end(end, Some(reply)).await,
                Ok(Some(Request::Session(reply))) => {
                    let _ = reply.send(Ok(id));
                    Connected::Clean
                }
                Ok(Some(Request::Begin(_))) => Connected::Clean,
                Ok(None) => return self.end(End::Rollback, None).await,
                Err(_) => {
                    tracing::warn!(
                        seconds = limit.as_secs(),
                        "transaction was idle for too long; rolled back"
                    );
                    Connected::No
                }
            };
            if connected != Connected::Clean {
                // The server may have rolled back already, or have left it half done: both end here.
                self.session = None;
                return;
            }
        }
    }

    async fn end(&mut self, end: End, reply: Option<Reply<()>>) {
        let limit = self.settings.command_timeout();
        let ended = match self.session.as_mut() {
            None => Err(SqlError::TransactionOver),
            Some(Session { client, .. }) => match end {
                End::Commit => within(limit, client.commit_transaction()).await.map_err(unknown_outcome),
                End::Rollback => within(limit, client.rollback_transaction()).await,
            },
        };
        if ended.is_err() {
            self.session = None;
        }
        if let Some(reply) = reply {
            let _ = reply.send(ended);
        }
    }
}

/// An error of the server says that nothing was committed; without an answer nobody knows.
fn unknown_outcome(error: SqlError) -> SqlError {
    match error {
        SqlError::Server(error) if error.class < 20 => SqlError::Server(error),
        other => SqlError::CommitUnknown(Box::new(other)),
    }
}

/// Moves a result from the driver to its reader.
struct Transfer<'a> {
    result: QueryStream<'a>,
    limit: Duration,
    zone: super::settings::Zone,
    rows: &'a Rows,
}

impl Transfer<'_> {
    /// A result without rows that is followed by another is passed by: a server announces the columns of a query before it
    /// refuses it, and the statement that catches that answers with a result of its own.
    async fn run(mut self, session: SessionId) -> Result<(), SqlError> {
        let mut buffer: Option<RowBuffer> = None;
        let mut begun = false;
        while let Some(item) = within(self.limit, self.result.try_next()).await? {
            match (item, &mut buffer) {
                (QueryItem::Metadata(_), Some(buffer)) if begun || !buffer.is_empty() => {
                    return Err(SqlError::Protocol("a statement has more than one result".to_owned()));
                }
                (QueryItem::Metadata(metadata), _) => {
                    buffer = Some(RowBuffer::new(describe(metadata.columns())?.into()));
                }
                (QueryItem::Row(row), Some(buffer)) => {
                    if !begun {
                        send(self.rows, Batch::Begin { columns: buffer.shared_columns(), session }).await?;
                        begun = true;
                    }
                    buffer.push(row.into_iter(), self.zone.rules())?;
                    if buffer.len() >= BATCH_ROWS_MAX || buffer.value_bytes() >= BATCH_BYTES_MAX {
                        send(self.rows, Batch::Rows(buffer.take())).await?;
                    }
                }
                (QueryItem::Row(_), None) => {
                    return Err(SqlError::Protocol("a row came before its columns".to_owned()));
                }
            }
        }
        if !begun {
            let columns =
                buffer.as_ref().map_or_else(|| Arc::new([]) as Arc<[Column]>, RowBuffer::shared_columns);
            send(self.rows, Batch::Begin { columns, session }).await?;
        }
        match buffer {
            Some(rows) if !rows.is_empty() => send(self.rows, Batch::Rows(rows)).await,
            _ => Ok(()),
        }
    }
}

/// Waits for the reader, however slow it is.
async fn send(rows: &Rows, batch: Batch) -> Result<(), SqlError> {
    rows.send(Ok(batch)).await.map_err(|_| SqlError::Gone)
}

/// Waits for the driver, as long as the server may be silent.
async fn within<T>(limit: Duration, work: impl Future<Output = tiberius::Result<T>>) -> Result<T, SqlError> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(SqlError::from_driver),
        Err(_) => Err(SqlError::TimedOut { limit }),
    }
}

/// Does `work` unless the caller gives up; none if it did. Then `work` is dropped, and the connection must be too.
async fn unless_dropped<T, R>(reply: &mut Reply<R>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = reply.closed() => None,
        done = work => Some(done),
    }
}
