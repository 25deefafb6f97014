//! Writes every VTEX exchange to a file, one JSON object a line, so that an independent checker can hold it against
//! the official OpenAPI files: `{method, path, query, headers, body, status, response_headers, response_body}`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread::JoinHandle;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::route::query_pairs;

/// Exchanges that wait for the writer; when it is full the requests wait, because a record with gaps proves nothing.
const QUEUE_MAX: usize = 8_192;
const SECRET_HEADERS: [&str; 5] =
    ["x-vtex-api-appkey", "x-vtex-api-apptoken", "vtexidclientautcookie", "authorization", "cookie"];

/// Shown instead of what is left out.
const HIDDEN: &str = "***";
/// Where requests and answers hold data of persons.
const PERSONAL_PATHS: [&str; 3] = ["/api/dataentities/", "/api/user-rights/", "/api/oms/pvt/orders"];

/// One request and its answer. Without an answer (connection closed) the status is null.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) answer: Option<Answer>,
}

impl Exchange {
    /// Leaves out what may be personal data: of Master Data and of erasures the bodies and the values of the query.
    pub(super) fn without_personal_data(mut self) -> Self {
        if !PERSONAL_PATHS.iter().any(|prefix| self.path.starts_with(prefix)) {
            return self;
        }
        let names = query_pairs(&self.query).map(|(name, _)| format!("{name}={HIDDEN}"));
        self.query = names.collect::<Vec<_>>().join("&");
        let hidden =
            |body: &Bytes| if body.is_empty() { Bytes::new() } else { Bytes::from_static(HIDDEN.as_bytes()) };
        self.body = hidden(&self.body);
        self.answer = self.answer.map(|answer| Answer { body: hidden(&answer.body), ..answer });
        self
    }
}

/// An answer as it went out.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

/// Hands exchanges to the writing thread.
#[derive(Debug)]
pub(super) struct Recorder {
    /// `None` ends the record.
    queue: mpsc::Sender<Option<Exchange>>,
}

impl Recorder {
    /// Creates the file and starts the thread, which ends, everything written, after [`Recorder::finish`] or when
    /// the recorder is dropped.
    pub(super) fn create(path: &Path) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let file = BufWriter::new(File::create(path)?);
        let (queue, exchanges) = mpsc::channel(QUEUE_MAX);
        let thread =
            std::thread::Builder::new().name("recorder".to_owned()).spawn(|| write_all(file, exchanges))?;
        Ok((Self { queue }, thread))
    }

    /// Waits for room. A writer that died (disk full) is reported when the simulator stops.
    pub(super) async fn record(&self, exchange: Exchange) {
        let _ = self.queue.send(Some(exchange)).await;
    }

    /// Ends the record after what is queued, whoever else still holds the recorder.
    pub(super) async fn finish(&self) {
        let _ = self.queue.send(None).await;
    }
}

fn write_all(mut file: BufWriter<File>, mut exchanges: mpsc::Receiver<Option<Exchange>>) -> io::Result<()> {
    while let Some(Some(exchange)) = exchanges.blocking_recv() {
        serde_json::to_writer(&mut file, &line(&exchange))?;
        file.write_all(b"\n")?;
        if exchanges.is_empty() {
            file.flush()?;
        }
    }
    file.flush()
}

fn line(exchange: &Exchange) -> Value {
    let query: Map<String, Value> = query_pairs(&exchange.query)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    let headers = headers(exchange.headers.iter());
    let answer = exchange.answer.as_ref();
    json!({
        "method": exchange.method,
        "path": exchange.path,
        "query": query,
        "headers": headers,
        "body": body(&exchange.body),
        "status": answer.map(|answer| answer.status),
        "response_headers": answer.map(|answer| self::headers(answer.headers.iter().map(|(name, value)| (name, value)))),
        "response_body": answer.map(|answer| body(&answer.body)),
    })
}

fn headers<'a>(headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Map<String, Value> {
    headers
        .map(|(name, value)| {
            let secret = SECRET_HEADERS.contains(&name.as_str());
            let shown = if secret { HIDDEN.into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (name.to_string(), shown.into())
        })
        .collect()
}

/// JSON as it is, anything else as text, nothing as null.
fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}
