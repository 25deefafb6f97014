//! One request: checks, limits, failures, the API itself, the record.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde_json::{Value, json};

use super::answer::Answer;
use super::faults::{Fault, Kind};
use super::world::{World, lock};
use super::{catalog, logistics, pricing};

/// VTEX refuses larger ones, too.
const BODY_BYTES_MAX: usize = 8 << 20;

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
pub(super) struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What a path is about.
struct Target<'a> {
    area: &'static str,
    bucket: &'static str,
    sku: Option<u32>,
    rest: Vec<&'a str>,
}

fn target<'a>(method: &Method, path: &'a str, account: &str) -> Option<Target<'a>> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let number = |text: &str| text.parse().ok().filter(|id| *id > 0);
    if let ["api", "logistics", "pvt", rest @ ..] = segments.as_slice() {
        let sku = match rest {
            ["inventory", "skus" | "items", sku, ..] => number(sku),
            _ => None,
        };
        return Some(Target { area: "stock", bucket: "stock", sku, rest: rest.to_vec() });
    }
    if let [first, "pricing", rest @ ..] = segments.as_slice()
        && *first == account
    {
        let bucket = match *method {
            Method::PUT => "price put",
            Method::POST => "price post",
            Method::PATCH => "price patch",
            Method::DELETE => "price delete",
            _ => "price get",
        };
        let sku = match rest {
            ["prices", sku, ..] => number(sku),
            _ => None,
        };
        return Some(Target { area: "price", bucket, sku, rest: rest.to_vec() });
    }
    if let ["api", "catalog" | "catalog_system", ..] = segments.as_slice() {
        return Some(Target { area: "catalog", bucket: "catalog", sku: None, rest: segments[1..].to_vec() });
    }
    None
}

pub(super) async fn handle(
    world: Arc<World>,
    recorder: Option<SyncSender<String>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(respond(Answer::empty(413))),
    };
    let path = parts.uri.path();
    if path.starts_with("/_simulator/") {
        return Ok(respond(admin(&world, &parts.method, path, &body)));
    }
    world.requests.fetch_add(1, Ordering::Relaxed);
    let found = target(&parts.method, path, &world.options.account);
    let area = found.as_ref().map_or("unknown", |target| target.area);
    let result = exchange(&world, &parts, found, &body).await;
    let status = result.as_ref().map_or(0, |answer| answer.status);
    {
        let mut counters = lock(&world.counters);
        *counters.requests.entry(format!("{} {area} {status}", parts.method)).or_default() += 1;
        counters.too_many_requests += u64::from(status == 429);
    }
    if let (Some(recorder), Ok(answer)) = (&recorder, &result) {
        let _ = recorder.send(exchange_line(&parts, &body, answer));
    }
    result.map(respond)
}

async fn exchange(
    world: &World,
    parts: &hyper::http::request::Parts,
    target: Option<Target<'_>>,
    body: &Bytes,
) -> Result<Answer, Cut> {
    if let Some(refused) = refuse(world, parts) {
        return Ok(refused);
    }
    let Some(target) = target else { return Ok(Answer::empty(404)) };
    if world.options.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(world.options.latency_ms)).await;
    }
    let grant = world.buckets.get(target.bucket).map(|bucket| bucket.take(Instant::now()));
    let with_limits = |answer: Answer| match grant {
        Some(grant) if target.area == "price" => answer
            .with("Ratelimit-Limit", grant.limit)
            .with("Ratelimit-Remaining", grant.remaining)
            .with("Ratelimit-Reset", grant.reset_seconds),
        _ => answer,
    };
    if grant.is_some_and(|grant| !grant.granted) {
        let limited = Answer::json(429, &json!({ "message": "Too many requests" }));
        let limited = if target.area == "price" { limited.with("Retry-After", 1) } else { limited };
        return Ok(with_limits(limited));
    }
    let write = parts.method != Method::GET && target.area != "catalog";
    let random = lock(&world.random).f64();
    let fault = lock(&world.faults).hit(target.area, target.sku, write, Instant::now(), random);
    let answer = || api(world, &parts.method, parts.uri.query(), &target, body);
    match fault {
        None => Ok(with_limits(answer())),
        Some(fault) => fail(&fault, answer).await.map(with_limits),
    }
}

/// Keys and headers; VTEX's files declare both `Accept` and `Content-Type` on every operation.
fn refuse(world: &World, parts: &hyper::http::request::Parts) -> Option<Answer> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let given = (header("x-vtex-api-appkey"), header("x-vtex-api-apptoken"));
    let accepted = {
        let credentials = world.credentials.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        credentials.iter().any(|(key, token)| (key.as_str(), token.as_str()) == given)
    };
    if !accepted {
        return Some(Answer::json(
            401,
            &json!({ "error": { "code": "1", "message": "Unauthorized access", "exception": null } }),
        ));
    }
    if header("accept").is_empty() || !header("content-type").starts_with("application/json") {
        lock(&world.counters).violations += 1;
        return Some(Answer::bad("Accept and Content-Type are required"));
    }
    None
}

async fn fail(fault: &Fault, answer: impl FnOnce() -> Answer) -> Result<Answer, Cut> {
    let wait = || tokio::time::sleep(Duration::from_millis(fault.ms));
    let internal = || Answer::json(500, &json!({ "Message": "An error has occurred." }));
    Ok(match fault.kind {
        Kind::TooManyRequests => {
            let limited = Answer::json(429, &json!({ "message": "Too many requests" }));
            match &fault.retry_after {
                Some(after) => limited.with("Retry-After", after),
                None => limited,
            }
        }
        Kind::Locked => Answer::text(423, "Unable to acquire lock for key.", "text/plain"),
        Kind::ErrorBefore => internal(),
        Kind::ErrorAfter => {
            answer();
            internal()
        }
        Kind::Unavailable => Answer::text(503, "Service Unavailable", "text/plain"),
        Kind::Hang => {
            wait().await;
            internal()
        }
        Kind::HangAfter => {
            let late = answer();
            wait().await;
            late
        }
        Kind::Reset => return Err(Cut),
        Kind::ResetAfter => {
            answer();
            return Err(Cut);
        }
        Kind::Malformed => Answer::text(200, "{\"half\": ", "application/json"),
        Kind::Html => Answer::text(200, "<html><body>Maintenance</body></html>", "text/html"),
        Kind::EmptyBadRequest => Answer::empty(400),
        Kind::BadRequest => Answer::bad("not accepted"),
        Kind::Unauthorized => Answer::empty(401),
        Kind::Forbidden => Answer::empty(403),
        Kind::Slow => {
            wait().await;
            answer()
        }
    })
}

fn api(world: &World, method: &Method, query: Option<&str>, target: &Target<'_>, body: &Bytes) -> Answer {
    let json = || serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
    let known = |sku: u32| world.sku_ref(sku).is_some();
    match (target.area, method.as_str(), target.rest.as_slice()) {
        ("stock", "GET", ["configuration", "warehouses"]) => logistics::warehouses(world),
        ("stock", "GET", ["configuration", "warehouses", id]) => logistics::warehouse(world, id),
        ("stock", _, ["inventory", ..]) => match target.sku {
            Some(sku) if known(sku) => stock(world, method, &target.rest, sku, &json()),
            _ => Answer::json(404, &json!({ "error": "SKU not found" })),
        },
        ("price", "GET", ["config"]) => pricing::config(),
        ("price", "GET", ["tables"]) => pricing::tables(world),
        ("price", "PUT", ["tables", table]) => pricing::put_table(world, table),
        ("price", _, ["prices", ..]) => match target.sku {
            Some(sku) => price(world, method, &target.rest, sku, &json()),
            None => Answer::bad("the item id is a number"),
        },
        ("catalog", "POST", ["catalog_system", "pub", "sku", "stockkeepingunitidsbyrefids"]) => {
            catalog::ids_by_refs(world, &json())
        }
        ("catalog", "GET", ["catalog_system", "pvt", "sku", "stockkeepingunitidbyrefid", sku_ref]) => {
            catalog::id_by_ref(world, sku_ref)
        }
        ("catalog", "GET", ["catalog_system", "pvt", "sku", "stockkeepingunitids"]) => {
            let number = |name| parameter(query, name).and_then(|text| text.parse().ok());
            catalog::sku_ids(world, number("page").unwrap_or(1), number("pagesize").unwrap_or(100).min(1000))
        }
        ("catalog", "GET", ["catalog_system", "pvt", "saleschannel", "list"]) => catalog::sales_channels(),
        ("catalog", "GET", ["catalog", "pvt", "stockkeepingunit"]) => {
            match parameter(query, "RefId").and_then(|sku_ref| world.sku(sku_ref)) {
                Some(id) => catalog::sku(world, id),
                None => Answer::json(404, &json!("SKU not found")),
            }
        }
        ("catalog", "GET", ["catalog", "pvt", "stockkeepingunit", id]) => {
            id.parse().map_or_else(|_| Answer::empty(404), |id| catalog::sku(world, id))
        }
        _ => Answer::empty(404),
    }
}

fn stock(world: &World, method: &Method, rest: &[&str], sku: u32, body: &Value) -> Answer {
    let exists = |warehouse: &str| world.options.warehouses.iter().any(|known| known == warehouse);
    match (method.as_str(), rest) {
        ("GET", ["inventory", "skus", _]) => logistics::balances(world, sku),
        ("GET", ["inventory", "items", _, "warehouses", warehouse]) => logistics::item(world, sku, warehouse),
        (_, ["inventory", "skus", _, "warehouses", warehouse, ..]) if !exists(warehouse) => {
            Answer::json(404, &json!({ "error": "Warehouse not found" }))
        }
        ("PATCH", ["inventory", "skus", _, "warehouses", warehouse, "quantity"]) => {
            together(world, sku, warehouse, || logistics::patch_quantity(world, sku, warehouse, body))
        }
        ("PATCH", ["inventory", "skus", _, "warehouses", warehouse, "lead-time"]) => {
            logistics::patch_lead_time(world, sku, warehouse, body)
        }
        ("PUT", ["inventory", "skus", _, "warehouses", warehouse]) => {
            together(world, sku, warehouse, || logistics::put(world, sku, warehouse, body))
        }
        _ => Answer::empty(404),
    }
}

/// Notices writes of one key at the same time.
fn together(world: &World, sku: u32, warehouse: &str, write: impl FnOnce() -> Answer) -> Answer {
    let key = (sku, warehouse.to_owned());
    let now = {
        let mut shard = world.shard(sku);
        let stock = shard.stock.entry(key.clone()).or_default();
        stock.writing += 1;
        stock.writing
    };
    let answer = write();
    if let Some(stock) = world.shard(sku).stock.get_mut(&key) {
        stock.writing -= 1;
    }
    let mut counters = lock(&world.counters);
    counters.together_max = counters.together_max.max(now);
    answer
}

fn price(world: &World, method: &Method, rest: &[&str], sku: u32, body: &Value) -> Answer {
    match (method.as_str(), rest) {
        ("GET", ["prices", _]) => pricing::get(world, sku),
        ("PUT", ["prices", _]) => pricing::put(world, sku, body),
        ("DELETE", ["prices", _]) => pricing::delete(world, sku),
        ("GET", ["prices", _, "fixed"]) => pricing::get_fixed(world, sku, None),
        ("PATCH", ["prices", _, "fixed"]) => pricing::patch_fixed(world, sku, None, body),
        ("GET", ["prices", _, "fixed", table]) => pricing::get_fixed(world, sku, Some(table)),
        ("POST", ["prices", _, "fixed", table]) => pricing::patch_fixed(world, sku, Some(table), body),
        ("DELETE", ["prices", _, "fixed", table]) => pricing::delete_fixed(world, sku, table),
        ("GET", ["prices", _, "computed", table]) => pricing::computed(world, sku, table),
        _ => Answer::empty(404),
    }
}

fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The simulator's own endpoints.
fn admin(world: &World, method: &Method, path: &str, body: &Bytes) -> Answer {
    let lines = |values: Vec<Value>| {
        let text: String = values.iter().map(|value| format!("{value}\n")).collect();
        Answer::text(200, text, "application/x-ndjson")
    };
    match (method.as_str(), path.trim_start_matches("/_simulator/")) {
        ("GET", "stock") => lines(world.all_stock()),
        ("GET", "prices") => lines(world.all_prices()),
        ("GET", "counters") => Answer::json(200, &json!(world.counters())),
        ("GET", "faults") => Answer::json(200, &json!(lock(&world.faults).list())),
        ("PUT", "faults") => match serde_json::from_slice(body) {
            Ok(faults) => {
                world.set_faults(faults);
                Answer::empty(204)
            }
            Err(error) => Answer::bad(&error.to_string()),
        },
        ("DELETE", "faults") => {
            world.set_faults(Vec::new());
            Answer::empty(204)
        }
        ("POST", "skus") => match serde_json::from_slice::<Vec<String>>(body) {
            Ok(refs) => {
                world.seed_skus(refs);
                Answer::empty(204)
            }
            Err(error) => Answer::bad(&error.to_string()),
        },
        ("PUT", "credentials") => match serde_json::from_slice(body) {
            Ok(accepted) => {
                world.set_credentials(accepted);
                Answer::empty(204)
            }
            Err(error) => Answer::bad(&error.to_string()),
        },
        ("POST", "reservations") => reserve(world, body),
        _ => Answer::empty(404),
    }
}

/// `{"ref", "warehouse", "reserved", "acknowledged"}`: what shoppers have placed and the shop has taken.
fn reserve(world: &World, body: &Bytes) -> Answer {
    let Ok(order) = serde_json::from_slice::<Value>(body) else { return Answer::bad("JSON is expected") };
    let sku = order["ref"].as_str().and_then(|sku_ref| world.sku(sku_ref));
    let (Some(sku), Some(warehouse)) = (sku, order["warehouse"].as_str()) else {
        return Answer::bad("ref and warehouse are expected");
    };
    let mut shard = world.shard(sku);
    let stock = shard.stock.entry((sku, warehouse.to_owned())).or_default();
    stock.reserved = order["reserved"].as_i64().unwrap_or(stock.reserved);
    stock.acknowledged = order["acknowledged"].as_i64().unwrap_or(stock.acknowledged);
    Answer::empty(204)
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    if !answer.content_type.is_empty() {
        builder = builder.header("content-type", answer.content_type);
    }
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(answer.body)).unwrap_or_else(|_| Response::new(Full::default()))
}

/// The exchange for the record; what authenticates is left out.
fn exchange_line(parts: &hyper::http::request::Parts, body: &Bytes, answer: &Answer) -> String {
    let value = |bytes: &Bytes| {
        if bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
    };
    let headers: BTreeMap<&str, &str> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let secret = name.as_str().starts_with("x-vtex-api-app");
            (name.as_str(), if secret { "***" } else { value.to_str().unwrap_or("") })
        })
        .collect();
    let mut response_headers: BTreeMap<String, String> =
        answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    if !answer.content_type.is_empty() {
        response_headers.insert("content-type".to_owned(), answer.content_type.to_owned());
    }
    json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().unwrap_or(""),
        "headers": headers,
        "body": value(body),
        "status": answer.status,
        "response_headers": response_headers,
        "response_body": value(&answer.body),
    })
    .to_string()
}
