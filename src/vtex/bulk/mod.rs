//! Jobs of many prices or balances (VTEX Bulk Pricing API; batch operations of the Logistics API).
//!
//! The files themselves go to storage and come from it, under addresses that VTEX names and that hold the right to use
//! them: our credentials stay at home, and the addresses are shown nowhere.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;

use super::body;
use super::client::{self, Client, Reply};
use super::request::{Refused, push_segment};
use super::{failure, json, rate};
use crate::core::call::bulk::{BatchState, BatchStatus, BulkAnswer, BulkCall, BulkKind, SignedUrl, Upload};
use crate::core::call::{Answer, Failure, RateHint};

mod check;
mod csv;

const IMPORTER_PATH: &str = "/api/price-importer/pvt";
const INVENTORY_PATH: &str = "/availability/v1/inventory/batch";

/// A file of some megabytes on a slow line.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(300);
/// A report that names every row of the largest job.
const REPORT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Method, path and body of what goes to VTEX itself.
pub(super) fn request(call: &BulkCall) -> Result<(Method, String, Option<String>), Refused> {
    use BulkKind::{BasePrices, Inventory};
    Ok(match call {
        BulkCall::Open { kind: BasePrices, rows } => {
            let bytes = csv::file(rows, "").len();
            let body = format!(r#"{{"contentType":"text/csv","contentLengthBytes":{bytes}}}"#);
            (Method::POST, format!("{IMPORTER_PATH}/import/base-prices"), Some(body))
        }
        BulkCall::Open { kind: Inventory, .. } => (Method::POST, INVENTORY_PATH.to_owned(), None),
        BulkCall::Confirm { batch } => (Method::POST, inventory_path(batch, "/confirm")?, None),
        BulkCall::Status { kind: BasePrices, batch } => (Method::GET, import_path(batch, "")?, None),
        BulkCall::Status { kind: Inventory, batch } => (Method::GET, inventory_path(batch, "/status")?, None),
        BulkCall::Report { kind: BasePrices, batch } => (Method::GET, import_path(batch, "/errors")?, None),
        BulkCall::Report { kind: Inventory, batch } => (Method::GET, inventory_path(batch, "/errors")?, None),
        BulkCall::Upload { .. } | BulkCall::Download { .. } => return Err(Refused::Elsewhere),
    })
}

fn import_path(batch: &str, end: &str) -> Result<String, Refused> {
    let mut path = format!("{IMPORTER_PATH}/batches");
    push_segment(&mut path, batch)?;
    Ok(path + end)
}

fn inventory_path(batch: &str, end: &str) -> Result<String, Refused> {
    let mut path = INVENTORY_PATH.to_owned();
    push_segment(&mut path, batch)?;
    Ok(path + end)
}

/// What VTEX's answer means.
pub(super) fn answer(call: &BulkCall, reply: &Reply) -> Result<Answer, Failure> {
    let body = client::success_body(reply)?;
    Ok(Answer::Bulk(match call {
        BulkCall::Open { .. } => opened(body)?,
        BulkCall::Status { .. } => BulkAnswer::Status(status(body)?),
        // "No Content: no errors, or no report".
        BulkCall::Report { .. } if reply.status == 204 => BulkAnswer::Report(None),
        BulkCall::Report { .. } => BulkAnswer::Report(Some(report(body)?)),
        BulkCall::Confirm { .. } | BulkCall::Upload { .. } | BulkCall::Download { .. } => {
            return Ok(Answer::Done);
        }
    }))
}

/// Uploads or downloads a file.
pub(super) async fn transfer(client: &Client, call: &BulkCall) -> (Result<Answer, Failure>, RateHint) {
    match call {
        BulkCall::Upload { upload, rows, .. } => {
            let file = csv::file(rows, client.account());
            let result = match address(client, &upload.to) {
                Ok(url) => put(client, url, upload, file).await,
                Err(failure) => Err(failure),
            };
            split(result.map(|rate| (Answer::Done, rate)))
        }
        BulkCall::Download { kind, from, .. } => {
            let result = match address(client, from) {
                Ok(url) => get(client, url).await,
                Err(failure) => Err(failure),
            };
            let rows = result.and_then(|(bytes, rate)| {
                csv::failed(*kind, &bytes).map(|rows| (Answer::Bulk(BulkAnswer::Failed(rows)), rate))
            });
            split(rows)
        }
        _ => (Err(Failure::Malformed("no transfer of a file".to_owned())), RateHint::default()),
    }
}

fn split(result: Result<(Answer, RateHint), Failure>) -> (Result<Answer, Failure>, RateHint) {
    match result {
        Ok((answer, rate)) => (Ok(answer), rate),
        Err(failure) => (Err(failure), RateHint::default()),
    }
}

/// Whoever answers in VTEX's place must not be able to send our prices anywhere in the clear.
fn address(client: &Client, url: &SignedUrl) -> Result<reqwest::Url, Failure> {
    let parsed = reqwest::Url::parse(&url.0).ok().filter(|url| client.may_send_to(url));
    parsed.ok_or_else(|| Failure::Malformed("the address for the file of a job is not https".to_owned()))
}

async fn put(client: &Client, url: reqwest::Url, upload: &Upload, file: String) -> Result<RateHint, Failure> {
    let mut builder = client.http().put(url).timeout(TRANSFER_TIMEOUT).body(file);
    let named = upload.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !named {
        builder = builder.header(CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    }
    for (name, value) in &upload.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
            return Err(Failure::Malformed("a header for the upload that cannot be sent".to_owned()));
        };
        builder = builder.header(name, value);
    }
    let (bytes, rate) = finish(builder).await?;
    drop(bytes);
    Ok(rate)
}

async fn get(client: &Client, url: reqwest::Url) -> Result<(Vec<u8>, RateHint), Failure> {
    let any = HeaderValue::from_static("text/csv, */*");
    finish(client.http().get(url).timeout(TRANSFER_TIMEOUT).header(ACCEPT, any)).await
}

async fn finish(builder: reqwest::RequestBuilder) -> Result<(Vec<u8>, RateHint), Failure> {
    let response = builder.send().await.map_err(|error| failure::of_sending(&error))?;
    let status = response.status().as_u16();
    let rate = rate::hint(response.headers(), std::time::SystemTime::now());
    let body = body::read(response, REPORT_BYTES_MAX).await;
    // What storage says to a refusal may repeat the address.
    if !(200..300).contains(&status) {
        return Err(Failure::Status { code: status, body: String::new() });
    }
    match body.broken {
        Some(failure) => Err(failure),
        None => Ok((body.bytes, rate)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    batch_id: String,
    upload: UploadBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadBody {
    url: String,
    #[serde(default)]
    headers: Option<serde_json::Map<String, serde_json::Value>>,
    expires_at: String,
}

fn opened(body: &[u8]) -> Result<BulkAnswer, Failure> {
    let Opened { batch_id, upload } = parse(body, "an opened job")?;
    if batch_id.is_empty() {
        return Err(Failure::Malformed("an opened job without an id".to_owned()));
    }
    let expires_at = json::parse_date(&upload.expires_at)
        .ok_or_else(|| Failure::Malformed("an opened job whose expiry is not RFC 3339".to_owned()))?;
    let headers = upload.headers.unwrap_or_default().into_iter();
    let headers = headers.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    let upload = Upload { to: SignedUrl(upload.url), headers, expires_at };
    Ok(BulkAnswer::Opened { batch: batch_id.into(), upload })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: String,
    /// Of a price import.
    bytes_processed: Option<u64>,
    /// Of an inventory.
    processed_count: Option<u64>,
    row_count: Option<u64>,
    error_count: Option<u64>,
    summary: Option<Summary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    skipped_due_api_update_count: Option<u64>,
}

fn status(body: &[u8]) -> Result<BatchStatus, Failure> {
    let status: Status = parse(body, "the status of a job")?;
    let (state, with_errors) = match status.status.as_str() {
        "AWAITING_UPLOAD" => (BatchState::AwaitingUpload, false),
        "RECEIVED" | "VALIDATING" | "DOCUMENTING" | "QUEUED" | "PROCESSING" | "INGESTING" | "CLASSIFYING" => {
            (BatchState::Running, false)
        }
        "COMPLETED" => (BatchState::Completed, false),
        "COMPLETED_WITH_ERRORS" => (BatchState::Completed, true),
        "FAILED" => (BatchState::Failed, false),
        "EXPIRED" => (BatchState::Expired, false),
        _ => return Err(Failure::Malformed("a status of a job that no document has".to_owned())),
    };
    let errors = match status.error_count {
        Some(0) | None if with_errors => None,
        counted => Some(counted.unwrap_or(0)),
    };
    Ok(BatchStatus {
        state,
        progress: status.processed_count.or(status.bytes_processed).unwrap_or(0),
        errors,
        rows: status.row_count,
        skipped: status.summary.and_then(|summary| summary.skipped_due_api_update_count).unwrap_or(0),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Of a price import.
    url: Option<String>,
    /// Of an inventory.
    download_url: Option<String>,
}

fn report(body: &[u8]) -> Result<SignedUrl, Failure> {
    let Report { url, download_url } = parse(body, "the report of a job")?;
    let url = url.or(download_url);
    url.map(SignedUrl).ok_or_else(|| Failure::Malformed("the report of a job has no address".to_owned()))
}

/// The error of the parser may repeat an address: only kind and place are kept.
fn parse<T: serde::de::DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Failure::Malformed(format!("{what}: {kind:?} at line {line} column {column}"))
    })
}

#[cfg(test)]
mod tests;
