//! Jobs of many rows: Bulk Pricing API, and batch operations of the Logistics API.

use std::time::Duration;

use hyper::header::HOST;
use jiff::{Timestamp, Unit};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::reply::Reply;
use super::super::route::Route;
use super::super::world::{JobKind, JobState, JobView, Refused, World};
use super::Call;

mod storage;

pub(in super::super) use storage::{PREFIX as STORAGE_PREFIX, answer as answer_storage};

/// "The maximum file size is 500 MB."
const FILE_BYTES_MAX: u64 = 500_000_000;
/// Rows that a chunk of a batch inventory has, in VTEX's own example.
const CHUNK_ROWS: u64 = 50_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Import {
    content_type: String,
    content_length_bytes: u64,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::PriceImport => import(call),
        Route::PriceImportBatch => import_batch(call),
        Route::PriceImportErrors => import_errors(call),
        Route::InventoryBatchOpen => open_inventory(call),
        Route::InventoryBatchConfirm => confirm(call),
        Route::InventoryBatchStatus => inventory_status(call),
        Route::InventoryBatchErrors => inventory_errors(call),
        _ => Err(Reply::empty(404)),
    }
}

fn import(call: Call<'_>) -> Result<Reply, Reply> {
    let kind = match &*call.target.first {
        "base-prices" => JobKind::BasePrices,
        "fixed-prices" => JobKind::FixedPrices,
        _ => return Err(Reply::empty(404)),
    };
    admitted(call.world, kind)?;
    let body: Result<Import, _> = serde_json::from_slice(call.body);
    let body = body.map_err(|_| Reply::error(422, "contentType and contentLengthBytes are required"))?;
    if body.content_type != "text/csv" {
        return Err(Reply::error(422, "contentType must be text/csv"));
    }
    if body.content_length_bytes > FILE_BYTES_MAX {
        return Err(Reply::error(413, "the file is larger than 500 MB"));
    }
    Ok(Reply::json(&open(call, kind, Some(body.content_length_bytes))))
}

fn open_inventory(call: Call<'_>) -> Result<Reply, Reply> {
    admitted(call.world, JobKind::Inventory)?;
    Ok(Reply::json_with(201, &open(call, JobKind::Inventory, None)))
}

fn admitted(world: &World, kind: JobKind) -> Result<(), Reply> {
    match world.bulk.refused(&world.options.bulk, kind) {
        Some(status) => Err(Reply::error(status, "not available for this account")),
        None => Ok(()),
    }
}

fn open(call: Call<'_>, kind: JobKind, announced: Option<u64>) -> Value {
    let world = call.world;
    let [id, secret] = world.draw_ids();
    let until = world.bulk.open(&id, kind, announced, &secret, world.now());
    json!({
        "batchId": id,
        "status": "AWAITING_UPLOAD",
        "upload": {
            "method": "PUT",
            "url": storage::address(call, &format!("{id}.csv"), &secret),
            "headers": {"Content-Type": "text/csv"},
            "expiresAt": instant(world, until),
        },
    })
}

fn confirm(call: Call<'_>) -> Result<Reply, Reply> {
    match call.world.bulk.confirm(&call.target.first, call.world.now()) {
        Ok(()) => Ok(Reply::empty(202)),
        Err(Refused::Unknown) => Err(Reply::error(404, "Batch not found")),
        Err(_) => Err(Reply::error(400, "Batch already processing or invalid state")),
    }
}

fn job(call: Call<'_>, inventory: bool) -> Result<JobView, Reply> {
    let world = call.world;
    let view = world.bulk.view(&call.target.first, inventory, world.options.bulk.stage, world.now());
    view.ok_or_else(|| Reply::error(404, "Batch not found"))
}

fn import_batch(call: Call<'_>) -> Result<Reply, Reply> {
    let (world, job) = (call.world, job(call, false)?);
    let worked = job.applied.is_some();
    let mut shown = json!({
        "batchId": call.target.first,
        "type": if job.kind == JobKind::FixedPrices { "fixed" } else { "base" },
        "status": job.state.name(),
        "stages": stages(world, &job),
        "outputs": [],
        "bytesProcessed": if worked { job.bytes } else { 0 },
        "bytesTotal": job.bytes,
        "errorCount": job.applied.map_or(0, |counts| counts.errors),
        "createdAt": instant(world, job.created),
    });
    if let Some(started) = job.started {
        shown["startedAt"] = instant(world, started).into();
    }
    Ok(Reply::json(&shown))
}

/// Every stage that was reached, and when.
fn stages(world: &World, job: &JobView) -> Vec<Value> {
    let reached =
        |state: JobState, at: Duration| json!({"status": state.name(), "timestamp": instant(world, at)});
    let mut stages = vec![reached(JobState::AwaitingUpload, job.created)];
    let Some(started) = job.started else { return stages };
    let stage = world.options.bulk.stage;
    let path = [JobState::Received, JobState::Validating, JobState::Processing, JobState::Documenting];
    for (number, state) in (0_u32..).zip(path) {
        if world.now() >= started + stage * number {
            stages.push(reached(state, started + stage * number));
        }
    }
    if matches!(job.state, JobState::Completed | JobState::CompletedWithErrors | JobState::Failed) {
        stages.push(reached(job.state, started + stage * 4));
    }
    stages
}

fn import_errors(call: Call<'_>) -> Result<Reply, Reply> {
    let job = job(call, false)?;
    if job.applied.is_none() {
        return Err(Reply::error(404, "there is no report yet"));
    }
    let file = format!("{}-errors.csv", call.target.first);
    Ok(Reply::json(&json!({"url": storage::address(call, &file, &job.signature)})))
}

fn inventory_status(call: Call<'_>) -> Result<Reply, Reply> {
    let (world, job) = (call.world, job(call, true)?);
    let done = job.applied;
    let mut shown = json!({
        "batchId": call.target.first,
        "status": job.state.name(),
        "rowCount": job.rows,
        "processedCount": if done.is_some() { job.rows } else { 0 },
        "errorCount": done.map_or(0, |counts| counts.errors),
        "amountCompleted": if done.is_some() { 100 } else { 0 },
        "createdAt": instant(world, job.created),
        "startedAt": job.started.map(|started| instant(world, started)),
        "stages": Value::Null,
        "summary": Value::Null,
    });
    if let Some(counts) = done {
        let chunks = job.rows.div_ceil(CHUNK_ROWS);
        shown["stages"] =
            ["ingestedChunks", "classifiedChunks", "processedChunks", "notifiedChunks", "totalChunks"]
                .into_iter()
                .map(|name| (name.to_owned(), Value::from(chunks)))
                .collect::<Map<_, _>>()
                .into();
        shown["summary"] = json!({
            "insertCount": counts.inserted,
            "updateCount": counts.updated,
            "noopCount": counts.unchanged,
            "conflictCount": 0,
            "skippedDueApiUpdateCount": counts.skipped,
            "perItemRoutedCount": 0,
            "dlqEventsCount": 0,
        });
    }
    Ok(Reply::json(&shown))
}

fn inventory_errors(call: Call<'_>) -> Result<Reply, Reply> {
    let job = job(call, true)?;
    let errors = job.applied.map_or(0, |counts| counts.errors);
    if errors == 0 {
        return Ok(Reply::empty(204));
    }
    let file = format!("{}-errors.csv", call.target.first);
    Ok(Reply::json(&json!({
        "batchId": call.target.first,
        "downloadUrl": storage::address(call, &file, &job.signature),
        "errorCount": errors,
    })))
}

/// A moment of the simulator's clock as a date.
fn instant(world: &World, at: Duration) -> String {
    let now = world.now();
    let (ahead, behind) = (at.saturating_sub(now), now.saturating_sub(at));
    let there = Timestamp::now().saturating_add(ahead).and_then(|there| there.saturating_sub(behind));
    let there = there.unwrap_or(Timestamp::UNIX_EPOCH);
    there.round(Unit::Millisecond).unwrap_or(there).to_string()
}

/// Where this request came in: the storage listens at the same address.
fn host(call: Call<'_>) -> &str {
    call.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}
