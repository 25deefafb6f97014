//! One file per VTEX API: from a recognised request to the answer.

mod bulk;
mod catalog;
mod logistics;
mod master_data;
mod orders;
mod pricing;
mod reservations;
mod user_rights;

use hyper::HeaderMap;
use serde_json::Value;

pub(super) use bulk::{STORAGE_PREFIX, answer_storage};
pub(super) use master_data::operate as operate_master_data;
pub(super) use orders::{operate as operate_orders, send_notifications};

use super::in_flight::WriteKey;
use super::options::Numbers;
use super::reply::Reply;
use super::route::{Area, Route, Target};
use super::world::{SkuId, World};

/// A request that passed every check.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) target: &'a Target<'a>,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// Answers a request; a write is applied when this returns.
pub(super) async fn answer(call: Call<'_>) -> Reply {
    if call.target.route == Route::HookConfigPost {
        return orders::configure_hook(call).await.unwrap_or_else(|refusal| refusal);
    }
    call.world.settle_orders();
    let answered = match call.target.route.area() {
        Area::Logistics => logistics::answer(call),
        Area::Pricing => pricing::answer(call),
        Area::Catalog => catalog::answer(call),
        Area::MasterData => master_data::answer(call),
        Area::UserRights => user_rights::answer(call),
        Area::BulkPricing | Area::BatchInventory => bulk::answer(call),
        Area::Orders => orders::answer(call),
    };
    answered.unwrap_or_else(|refusal| refusal)
}

/// The key that a write locks; `None` for reads and for keys that do not exist.
pub(super) fn write_key(call: Call<'_>) -> Option<WriteKey> {
    let Call { world, target, .. } = call;
    if !target.route.writes() {
        return None;
    }
    match target.route {
        Route::StockQuantity | Route::StockPut | Route::StockLeadTime => {
            let warehouse = world.warehouses.index(&target.second)?;
            Some(WriteKey::Stock { sku: sku_id(&target.first)?, warehouse })
        }
        Route::PricePut
        | Route::PriceDelete
        | Route::FixedPatch
        | Route::FixedOfTablePost
        | Route::FixedOfTableDelete => Some(WriteKey::Price(sku_id(&target.first)?)),
        _ if matches!(target.route.area(), Area::BulkPricing | Area::BatchInventory) => None,
        _ if target.route.area() == Area::MasterData => {
            master_data::document_key(call).map(WriteKey::Document)
        }
        _ if target.route.area() == Area::Orders => orders::write_key(target),
        _ => catalog::write_key(target),
    }
}

/// How a write is refused while another one of its key is being processed; `None` when it waits for its turn.
pub(super) fn locked_out(call: Call<'_>, key: WriteKey) -> Option<Reply> {
    let (options, target) = (&call.world.options, call.target);
    match key {
        WriteKey::Stock { .. } => {
            let reply = || Reply::locked(&options.account, &target.first, &target.second);
            options.quirks.lock_conflicts.then(reply)
        }
        WriteKey::Product(_) | WriteKey::Sku(_) => options.quirks.catalog_deadlocks.then(Reply::deadlocked),
        WriteKey::Document(_) => options.master_data.lock_timeouts.then(Reply::request_timeout),
        WriteKey::Price(_) | WriteKey::Order(_) => None,
    }
}

/// A SKU id in a path. With leading zeros it is another SKU (and VTEX has none such), so it is not read as a number.
fn sku_id(text: &str) -> Option<SkuId> {
    let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| canonical)
}

/// The SKU that the path names first.
fn known_sku(call: Call<'_>) -> Result<SkuId, Reply> {
    let known = sku_id(&call.target.first).filter(|sku| call.world.skus.exists(*sku));
    known.ok_or_else(|| Reply::error(call.world.options.quirks.unknown_sku_status, "SKU not found"))
}

/// A price as the account prints numbers.
fn number(world: &World, value: f64) -> Value {
    /// Beyond it a double has no fraction anyway.
    const WHOLE_MAX: f64 = 9e15;
    match world.options.quirks.numbers {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        Numbers::Strict if value.fract() == 0.0 && value.abs() < WHOLE_MAX => Value::from(value as i64),
        Numbers::Strict | Numbers::Realistic => Value::from(value),
    }
}

fn optional_number(world: &World, value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| number(world, value))
}
