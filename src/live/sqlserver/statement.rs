//! A statement and its parameters.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::TryStreamExt;
use tiberius::{ColumnData, Query, QueryStream};
use uuid::Uuid;

use crate::core::time::Timestamp;

use super::connect::Client;
use super::decode::local_text;
use super::settings::Zone;

/// A parameter, `@P1` and on.
///
/// `Null` is an `int` null, because a null of other types goes out without a type, which not every server takes.
/// An `int` null converts by itself into numbers and text; for `uniqueidentifier`, dates and binary write the literal
/// `NULL` into the statement instead.
#[derive(Clone)]
pub enum Param {
    Null,
    Int(i64),
    Flag(bool),
    /// `nvarchar`. Also for decimals, dates and times, which the server converts exactly: write
    /// `CAST(@P1 AS decimal(15,4))`, and dates and times in the ISO form (`2026-01-31T10:00:00`), which is read alike in
    /// every language setting for `date` and `datetime2`.
    Text(Cow<'static, str>),
    /// `uniqueidentifier`.
    Uuid(u128),
    /// `varbinary`.
    Binary(Vec<u8>),
}

impl Param {
    pub fn text(value: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(value.into())
    }

    /// A `rowversion`, as `varbinary(8)`.
    pub fn rowversion(value: u64) -> Self {
        Self::Binary(value.to_be_bytes().to_vec())
    }

    /// A moment as the server's local time, for `datetime2`; none outside the years 1 to 9999.
    ///
    /// Of the two moments that share a local time when summer time ends, the server cannot tell which one was meant.
    pub fn local_time(moment: Timestamp, zone: &Zone) -> Option<Self> {
        local_text(moment, zone.rules()).map(|text| Self::Text(text.into()))
    }
}

impl std::fmt::Debug for Param {
    /// The kind alone: values may be personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Flag(_) => "Flag",
            Self::Text(_) => "Text",
            Self::Uuid(_) => "Uuid",
            Self::Binary(_) => "Binary",
        })
    }
}

impl tiberius::IntoSql<'static> for Param {
    fn into_sql(self) -> ColumnData<'static> {
        match self {
            Self::Null => ColumnData::I32(None),
            Self::Int(value) => ColumnData::I64(Some(value)),
            Self::Flag(value) => ColumnData::Bit(Some(value)),
            Self::Text(value) => ColumnData::String(Some(value)),
            Self::Uuid(value) => ColumnData::Guid(Some(Uuid::from_u128(value))),
            Self::Binary(value) => ColumnData::Binary(Some(value.into())),
        }
    }
}

/// Which login to the server something belongs to. Locks of a session, its settings and its temporary tables are gone
/// when the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub(super) u64);

/// A statement for `sp_executesql`, in which settings (`SET ...`) and temporary tables end with it; or a batch, in which
/// they last as long as the session.
#[derive(Debug, Clone)]
pub struct Statement {
    sql: Cow<'static, str>,
    params: Vec<Param>,
    is_batch: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) session: Option<SessionId>,
}

impl Statement {
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), params: Vec::new(), is_batch: false, timeout: None, session: None }
    }

    /// What a script has between two lines `GO`, sent as it is. It takes no parameters, and how many rows it changed is not
    /// counted.
    pub fn batch(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { is_batch: true, ..Self::new(sql) }
    }

    /// Adds the next parameter: the first is `@P1`. SQL Server takes 2,100 at most.
    #[must_use]
    pub fn bind(mut self, param: Param) -> Self {
        self.params.push(param);
        self
    }

    #[must_use]
    pub fn bind_all(mut self, params: impl IntoIterator<Item = Param>) -> Self {
        self.params.extend(params);
        self
    }

    /// Another limit of silence than `command_timeout_seconds`.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Run it only in this session, else fail with [`super::SqlError::SessionOver`].
    #[must_use]
    pub const fn only_in(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Runs it and counts the rows that it changed; no rows of a result are kept.
    pub(super) async fn execute(self, client: &mut Client) -> tiberius::Result<u64> {
        if !self.is_batch {
            return Ok(self.into_query().execute(client).await?.total());
        }
        let mut answer = client.simple_query(self.sql).await?;
        while answer.try_next().await?.is_some() {}
        Ok(0)
    }

    pub(super) async fn query(self, client: &mut Client) -> tiberius::Result<QueryStream<'_>> {
        if self.is_batch {
            client.simple_query(self.sql).await
        } else {
            self.into_query().query(client).await
        }
    }

    fn into_query(self) -> Query<'static> {
        let mut query = Query::new(self.sql);
        query.bind_iter(self.params);
        query
    }
}
