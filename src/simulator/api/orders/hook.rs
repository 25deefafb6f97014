//! The configuration of the order hook.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::json;

use super::super::super::reply::Reply;
use super::super::super::world::HookConfig;
use super::super::Call;
use super::feed::{FilterBody, shown_filter};
use super::notify::post;
use super::{app_key, parse};

#[derive(Deserialize)]
struct Body {
    filter: Option<FilterBody>,
    hook: HookBody,
}

#[derive(Deserialize)]
struct HookBody {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// Pings the address first; anything but 200 refuses the configuration.
pub(in super::super) async fn configure(call: Call<'_>) -> Result<Reply, Reply> {
    let body: Body = parse(call.body)?;
    let filter = FilterBody::filter(body.filter)?;
    let HookBody { url, headers } = body.hook;
    if !allowed(&url) {
        return Err(Reply::error(400, "The hook's URL must be https"));
    }
    let config = HookConfig { filter, url, headers };
    if !post(&config, &json!({"hookConfig": "ping"})).await {
        return Err(Reply::error(400, "The hook did not answer the ping with 200"));
    }
    call.world.orders().configure_hook(app_key(call), config);
    Ok(Reply::empty(200))
}

/// Https; on this machine also http, for tests.
fn allowed(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let here = url.host_str().is_some_and(|host| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

pub(super) fn config(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let config = desk.hook(app_key(call)).ok_or_else(no_hook)?;
    Ok(Reply::json(&json!({
        "filter": shown_filter(&config.filter),
        "hook": {"url": config.url, "headers": config.headers},
    })))
}

pub(super) fn delete(call: Call<'_>) -> Result<Reply, Reply> {
    if call.world.orders().delete_hook(app_key(call)) { Ok(Reply::empty(200)) } else { Err(no_hook()) }
}

fn no_hook() -> Reply {
    Reply::error(404, "There is no hook configuration for this key")
}
