//! Calls under `/_simulator/`: seeding, inspecting and disturbing from outside the process. No credentials.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::Response;
use hyper::body::{Frame, Incoming};
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Permission;
use super::api::{operate_master_data, operate_orders};
use super::fault::{Fault, Outage};
use super::options::Credential;
use super::reply::{Body, NDJSON, Pieces, Reply, stream};
use super::world::{ProductView, ReservationStep, SHARDS, SkuId, World};

pub(super) const PREFIX: &str = "/_simulator/";
/// Largest admin body: a million SKUs with their RefIds.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What `POST /_simulator/skus` takes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seed {
    List(Vec<SeedSku>),
    Numbered {
        count: SkuId,
        #[serde(default = "default_prefix")]
        prefix: String,
    },
}

#[derive(Deserialize)]
struct SeedSku {
    id: SkuId,
    #[serde(rename = "ref")]
    reference: String,
}

fn default_prefix() -> String {
    "SKU-".to_owned()
}

#[derive(Deserialize)]
struct NewWarehouse {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct NewReservation {
    sku: SkuId,
    warehouse: String,
    quantity: u32,
}

pub(super) async fn answer(world: &Arc<World>, parts: &Parts, body: Incoming) -> Response<Body> {
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Reply::empty(413).into_response();
    };
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    match (parts.method.as_str(), path) {
        ("GET", "stock") => stream(NDJSON, dump(world, dump_stock)),
        ("GET", "prices") => stream(NDJSON, dump(world, dump_prices)),
        ("GET", "catalog") => stream(NDJSON, dump_catalog(world)),
        (method, path) => {
            command(world, method, path, &body.to_bytes()).unwrap_or_else(|refusal| refusal).into_response()
        }
    }
}

fn command(world: &Arc<World>, method: &str, path: &str, body: &[u8]) -> Result<Reply, Reply> {
    match (method, path) {
        ("GET", "health") => {
            Ok(Reply::json(&json!({"skus": world.sku_count(), "stock": world.stock_count()})))
        }
        ("GET", "counters") => Ok(Reply::json(&world.counters())),
        ("GET", "duplicates") => Ok(Reply::json(&world.catalog_duplicates())),
        ("POST", "advance") => {
            world.advance(Duration::from_millis(parse(body)?));
            Ok(Reply::empty(204))
        }
        ("POST", "skus") => seed(world, parse(body)?),
        ("POST", "warehouses") => {
            let new: NewWarehouse = parse(body)?;
            done(world.add_warehouse(&new.id, new.name.as_deref().unwrap_or(&new.id)))
        }
        ("POST", "reservations") => {
            let new: NewReservation = parse(body)?;
            let id = world.reserve(new.sku, &new.warehouse, new.quantity).map_err(|error| refused(&error))?;
            Ok(Reply::json(&json!({"id": id})))
        }
        ("POST", "reset") => {
            world.reset();
            Ok(Reply::empty(204))
        }
        ("DELETE", "counters") => {
            world.reset_counters();
            Ok(Reply::empty(204))
        }
        ("PUT", "credentials") => {
            world.set_credentials(parse::<Vec<Credential>>(body)?);
            Ok(Reply::empty(204))
        }
        ("PUT", "permissions") => {
            #[derive(Deserialize)]
            struct Denied {
                denied: Vec<Permission>,
            }
            world.deny(parse::<Denied>(body)?.denied);
            Ok(Reply::empty(204))
        }
        (method, "faults") => faults(world, method, body),
        ("PUT", "bulk-faults") => {
            world.disturb_bulk(parse(body)?);
            Ok(Reply::empty(204))
        }
        ("PUT", "bulk") => {
            let [imports, inventories]: [Option<u16>; 2] = parse(body)?;
            world.refuse_bulk(imports, inventories);
            Ok(Reply::empty(204))
        }
        ("PUT", "outage") => {
            world.set_outage(parse::<Outage>(body)?);
            Ok(Reply::empty(204))
        }
        ("POST", path) if path.starts_with("reservations/") => step(world, path),
        _ => operate_orders(world, method, path, body)
            .or_else(|| operate_master_data(world, method, path, body))
            .ok_or_else(|| Reply::error(404, HELP)),
    }
}

const HELP: &str = "GET stock | prices | catalog | duplicates | counters | faults | health; POST skus | warehouses | \
                    reservations | reservations/{id}/{confirm|acknowledge|cancel} | advance | reset; PUT faults | \
                    outage | credentials | permissions | bulk | bulk-faults; DELETE faults | counters; GET documents/{entity} | \
                    duplicates/{entity}/{field}; POST shop/customers; PUT shop/newsletter | search-lag; \
                    GET orders | orders/{id} | feeds; POST orders | orders/random | \
                    orders/{id}/{cancel|edit|pay|complete}; PUT orders/{id}/{status|workflow-error} | feed-faults; \
                    DELETE feeds";

fn seed(world: &World, seed: Seed) -> Result<Reply, Reply> {
    let count = match seed {
        Seed::List(skus) => world.seed_skus(skus.iter().map(|sku| (&sku.reference, sku.id))),
        Seed::Numbered { count, prefix } => world.seed_numbered_skus(&prefix, count),
    };
    Ok(Reply::json(&json!({"added": count.map_err(|error| refused(&error))?})))
}

fn faults(world: &World, method: &str, body: &[u8]) -> Result<Reply, Reply> {
    match method {
        "GET" => Ok(Reply::json(&world.faults())),
        "PUT" => {
            world.set_faults(parse::<Vec<Fault>>(body)?);
            Ok(Reply::empty(204))
        }
        "DELETE" => {
            world.set_faults(Vec::new());
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::empty(405)),
    }
}

fn step(world: &World, path: &str) -> Result<Reply, Reply> {
    let mut segments = path.split('/').skip(1);
    let (id, step) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let step: ReservationStep = serde_json::from_value(Value::from(step)).map_err(|error| bad(&error))?;
    done(world.step_reservation(id, step))
}

fn done(result: Result<(), super::world::WorldError>) -> Result<Reply, Reply> {
    result.map(|()| Reply::empty(204)).map_err(|error| refused(&error))
}

fn refused(error: &super::world::WorldError) -> Reply {
    Reply::error(409, &error.to_string())
}

fn bad(error: &serde_json::Error) -> Reply {
    Reply::error(400, &error.to_string())
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| bad(&error))
}

/// One piece per stripe, made when the one before was sent: a dump of millions of rows holds little memory.
fn dump(world: &Arc<World>, shard: fn(&World, usize, &mut Vec<u8>)) -> Pieces {
    let world = Arc::clone(world);
    Box::new((0..SHARDS).map(move |index| {
        let mut piece = Vec::new();
        shard(&world, index, &mut piece);
        Ok(Frame::data(Bytes::from(piece)))
    }))
}

fn dump_stock(world: &World, shard: usize, piece: &mut Vec<u8>) {
    world.stock.each_of_shard(shard, |sku, warehouse, stock| {
        let line = json!({
            "sku": sku,
            "ref": reference(world, sku),
            "warehouse": world.warehouses.get(warehouse).map(|warehouse| warehouse.id),
            "quantity": stock.quantity,
            "reserved": stock.reserved,
            "unlimited": stock.unlimited,
            "balance_at": stock.balance_at.to_string(),
            "writes": stock.writes,
        });
        write_line(piece, &line);
    });
}

fn dump_prices(world: &World, shard: usize, piece: &mut Vec<u8>) {
    world.prices.each_of_shard(shard, |sku, price| {
        let fixed = price.fixed.iter().map(|fixed| {
            json!({
                "table": fixed.table.as_str(),
                "value": fixed.value,
                "list": fixed.list,
                "min_quantity": fixed.min_quantity,
                "from": fixed.range.as_ref().map(|range| &range.from_text),
                "to": fixed.range.as_ref().map(|range| &range.to_text),
            })
        });
        let line = json!({
            "sku": sku,
            "ref": reference(world, sku),
            "base": price.base,
            "cost": price.cost,
            "list": price.list,
            "fixed": fixed.collect::<Vec<_>>(),
            "writes": price.writes,
        });
        write_line(piece, &line);
    });
}

/// A product a line, with its SKUs and what each lacks to be sold in the account's first trade policy.
fn dump_catalog(world: &Arc<World>) -> Pieces {
    let world = Arc::clone(world);
    let ids = world.catalog.read(|tables| tables.products().map(|product| product.id).collect::<Vec<_>>());
    Box::new(ids.into_iter().map(move |id| {
        let mut piece = Vec::new();
        if let Some(product) = world.product(id) {
            write_line(&mut piece, &product_line(&world, &product));
        }
        Ok(Frame::data(Bytes::from(piece)))
    }))
}

fn product_line(world: &World, product: &ProductView) -> Value {
    let policy = world.options.trade_policies.first().map_or("", String::as_str);
    let skus = product.skus.iter().filter_map(|sku| {
        let mut line = json!(world.catalog_sku(*sku)?);
        line["unmet"] = json!(world.unmet(*sku, policy));
        Some(line)
    });
    let mut line = json!(product);
    line["skus"] = skus.collect();
    line
}

fn reference(world: &World, sku: SkuId) -> Option<String> {
    world.skus.reference(sku).filter(|reference| !reference.is_empty()).map(|reference| reference.to_string())
}

fn write_line(piece: &mut Vec<u8>, line: &Value) {
    // Writing to memory does not fail.
    let _ = writeln!(piece, "{line}");
}
