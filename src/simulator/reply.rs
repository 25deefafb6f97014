//! Answers in VTEX's words, and how they become HTTP.

use bytes::Bytes;
use futures_util::stream::Iter;
use http_body_util::{Either, Full, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use super::bucket::Grant;

/// The pieces of a dump, made while they are sent.
pub(super) type Pieces = Box<dyn Iterator<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>;
/// Every body this server sends.
pub(super) type Body = Either<Full<Bytes>, StreamBody<Iter<Pieces>>>;

/// One JSON object a line.
pub(super) const NDJSON: &str = "application/x-ndjson";

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// One answer before it is HTTP.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    content_type: ContentType,
    pub(super) body: Bytes,
    /// Seconds, and whether they are printed as an HTTP date.
    retry_after: Option<(u32, bool)>,
    rate: Option<Grant>,
    /// Header lines of one operation only.
    own: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone, Copy, Debug)]
enum ContentType {
    None,
    Json,
    JsonUtf8,
    Ndjson,
    Text,
    Html,
    Xml,
    Csv,
}

impl ContentType {
    fn header(self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(match self {
            Self::None => return None,
            Self::Json => "application/json",
            Self::JsonUtf8 => "application/json; charset=utf-8",
            Self::Ndjson => NDJSON,
            Self::Text => "text/plain",
            Self::Html => "text/html",
            Self::Xml => "application/xml",
            Self::Csv => "text/csv",
        }))
    }
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: ContentType::None,
            body: Bytes::new(),
            retry_after: None,
            rate: None,
            own: Vec::new(),
        }
    }

    pub(super) fn json(value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { content_type: ContentType::Json, body: body.into(), ..Self::empty(200) },
            Err(_) => Self::server_error(),
        }
    }

    pub(super) fn json_with(status: u16, value: &impl serde::Serialize) -> Self {
        let reply = Self::json(value);
        if reply.status == 200 { Self { status, ..reply } } else { reply }
    }

    /// JSON of the operations whose only documented content type names its charset.
    pub(super) fn json_utf8(value: &impl serde::Serialize) -> Self {
        Self { content_type: ContentType::JsonUtf8, ..Self::json(value) }
    }

    pub(super) fn xml(body: String) -> Self {
        Self { content_type: ContentType::Xml, body: body.into(), ..Self::empty(200) }
    }

    pub(super) fn csv(body: String) -> Self {
        Self { content_type: ContentType::Csv, body: body.into(), ..Self::empty(200) }
    }

    /// JSON objects that are lines already.
    pub(super) fn ndjson(lines: String) -> Self {
        Self { content_type: ContentType::Ndjson, body: lines.into(), ..Self::empty(200) }
    }

    fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self { content_type: ContentType::Text, body: body.into(), ..Self::empty(status) }
    }

    /// The shape of start-handling's 401, the only error body that is documented.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::coded_error(status, "1", message)
    }

    pub(super) fn coded_error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"error": {"code": code, "message": message, "exception": null}});
        Self { status, ..Self::json(&body) }
    }

    /// The shape of Master Data's errors.
    pub(super) fn message(status: u16, message: &str) -> Self {
        Self::json_with(status, &serde_json::json!({"Message": message}))
    }

    pub(super) fn request_timeout() -> Self {
        Self::message(408, "Request Timeout")
    }

    pub(super) fn unauthorized() -> Self {
        Self::error(401, "Unauthorized access")
    }

    pub(super) fn forbidden() -> Self {
        Self::error(403, "Forbidden")
    }

    pub(super) fn server_error() -> Self {
        Self::text(500, "Internal Server Error")
    }

    pub(super) fn unavailable(retry_after: Option<(u32, bool)>) -> Self {
        Self { retry_after, ..Self::text(503, "Service Unavailable") }
    }

    pub(super) fn too_many_requests(retry_after: Option<(u32, bool)>) -> Self {
        Self { retry_after, ..Self::text(429, "Too Many Requests") }
    }

    pub(super) fn locked(account: &str, sku: &str, warehouse: &str) -> Self {
        Self::text(
            423,
            format!("Unable to acquire lock for key: {account}_item_logistics_{sku}_{warehouse}."),
        )
    }

    /// Two writes of one product or SKU at once; neither the words nor the status are documented.
    pub(super) fn deadlocked() -> Self {
        Self::text(500, "Transaction was deadlocked on lock resources with another process")
    }

    pub(super) fn malformed(status: u16) -> Self {
        Self {
            content_type: ContentType::Json,
            body: Bytes::from_static(b"{\"skuId\": \"1\", \"bal"),
            ..Self::empty(status)
        }
    }

    pub(super) fn html(status: u16) -> Self {
        let page =
            "<html><head><title>Gateway</title></head><body><h1>Something went wrong</h1></body></html>";
        Self { content_type: ContentType::Html, body: page.into(), ..Self::empty(status) }
    }

    /// Adds VTEX's rate headers; a refused request also gets `Retry-After`.
    pub(super) fn with_rate(mut self, rate: Option<Grant>) -> Self {
        self.rate = rate;
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.own.push((name, value));
        self
    }

    /// The header lines, for the wire and for the record.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let rate = self.rate.map(|grant| {
            [
                (RATE_LIMIT, HeaderValue::from(grant.limit)),
                (RATE_REMAINING, HeaderValue::from(grant.remaining)),
                (RATE_RESET, HeaderValue::from(grant.reset_seconds)),
            ]
        });
        let content_type = self.content_type.header().map(|value| (CONTENT_TYPE, value));
        let retry_after = self.retry_after.map(|after| (RETRY_AFTER, retry_after_header(after)));
        let own = self.own.iter().cloned();
        content_type.into_iter().chain(retry_after).chain(rate.into_iter().flatten()).chain(own)
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let headers: Vec<_> = self.headers().collect();
        let mut response = Response::new(Either::Left(Full::new(self.body.clone())));
        *response.status_mut() =
            hyper::StatusCode::from_u16(self.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().extend(headers);
        response
    }
}

/// A body made piece by piece, for dumps of a million rows.
pub(super) fn stream(content_type: &'static str, pieces: Pieces) -> Response<Body> {
    let mut response = Response::new(Either::Right(StreamBody::new(futures_util::stream::iter(pieces))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn retry_after_header((seconds, http_date): (u32, bool)) -> HeaderValue {
    if !http_date {
        return HeaderValue::from(seconds);
    }
    let at = SystemTime::now() + Duration::from_secs(seconds.into());
    let date = jiff::Timestamp::try_from(at)
        .ok()
        .and_then(|at| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok());
    date.and_then(|date| HeaderValue::try_from(date).ok()).unwrap_or_else(|| HeaderValue::from(seconds))
}
