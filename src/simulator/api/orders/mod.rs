//! Orders, their feed and their hook (Orders API).

mod changes;
mod document;
mod feed;
mod hook;
mod invoice;
mod items;
mod list;
mod notify;
mod operator;
mod payments;
mod shipping;
mod sparse;
mod workflow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

pub(super) use hook::configure as configure_hook;
pub(in crate::simulator) use notify::send as send_notifications;
pub(in crate::simulator) use operator::command as operate;

use super::super::in_flight::WriteKey;
use super::super::reply::Reply;
use super::super::route::{Route, Target};
use super::super::world::Desk;
use super::{Call, number};

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::Orders => list::answer(call),
        Route::Order => document::one(call),
        Route::OrderGroup => document::group(call),
        Route::PaymentTransaction => payments::transaction(call),
        Route::Conversation => workflow::conversation(call),
        Route::StartHandling => workflow::start_handling(call),
        Route::OrderCancel => workflow::cancel(call),
        Route::CancellationDeny => workflow::deny_cancellation(call),
        Route::PaymentNotification => workflow::payment_notification(call),
        Route::Interaction => workflow::interaction(call),
        Route::Invoice => invoice::post(call),
        Route::InvoicePatch => invoice::patch(call),
        Route::InvoiceTracking => invoice::tracking(call),
        Route::ChangeSettings => Ok(changes::settings(call)),
        Route::ChangeSettingsPut => changes::put_settings(call),
        Route::OrderChange => changes::patch(call),
        Route::OrderChanges => changes::all(call),
        Route::OneOrderChange => changes::one(call),
        Route::FeedConfig => feed::config(call),
        Route::FeedConfigPost => feed::configure(call),
        Route::FeedConfigDelete => feed::delete(call),
        Route::Feed => feed::read(call),
        Route::FeedCommit => feed::commit(call),
        Route::HookConfig => hook::config(call),
        Route::HookConfigDelete => hook::delete(call),
        _ => Err(Reply::empty(404)),
    }
}

/// Writes to one order lock it; its id is the path's first parameter.
pub(super) fn write_key(target: &Target<'_>) -> Option<WriteKey> {
    let of_account = target.first.is_empty();
    // FNV-1a
    let hash = target.first.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (!of_account).then_some(WriteKey::Order(hash))
}

/// The order that the path names first.
fn known(call: Call<'_>, desk: &Desk<'_>) -> Result<usize, Reply> {
    desk.find(&call.target.first).ok_or_else(|| Reply::error(404, "Order not found"))
}

/// Does something to the order of the path, and writes down the call with its answer.
fn on_order(
    call: Call<'_>,
    name: &'static str,
    act: impl FnOnce(&mut Desk<'_>, usize) -> Result<Reply, Reply>,
) -> Result<Reply, Reply> {
    let mut desk = call.world.orders();
    let place = known(call, &desk)?;
    let answer = act(&mut desk, place);
    let status = answer.as_ref().unwrap_or_else(|refusal| refusal).status;
    desk.received(place, name, status);
    answer
}

fn receipt(desk: &mut Desk<'_>, place: usize) -> serde_json::Value {
    let receipt = desk.new_uuid();
    json!({"date": date(desk.now()), "orderId": desk.order(place).id, "receipt": receipt})
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| Reply::error(400, &error.to_string()))
}

/// `2024-02-04T20:09:43.8999580+00:00`
fn date(at: Timestamp) -> String {
    format!("{at:.7}").replace('Z', "+00:00")
}

/// `2024-02-04T20:09:43.8999580Z`, as feed and hook have it.
fn feed_date(at: Timestamp) -> String {
    format!("{at:.7}")
}

/// The application key of the request: feeds and hooks belong to it.
fn app_key(call: Call<'_>) -> &str {
    call.headers.get("x-vtex-api-appkey").and_then(|key| key.to_str().ok()).unwrap_or_default()
}
