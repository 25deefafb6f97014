//! Feed v3.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::options::Numbers;
use super::super::super::reply::Reply;
use super::super::super::route::query_value;
use super::super::super::world::{FeedConfig, Filter, Message, NoFeed};
use super::super::Call;
use super::{app_key, feed_date, parse};

const VISIBILITY_DEFAULT: u64 = 30;
const VISIBILITY_MAX: u64 = 43_200;
const RETENTION_MIN: u64 = 345_600;
const RETENTION_MAX: u64 = 1_209_600;
const LOT_DEFAULT: usize = 1;

#[derive(Deserialize)]
struct Body {
    filter: Option<FilterBody>,
    queue: Option<QueueBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilterBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<Vec<String>>,
    expression: Option<String>,
    disable_single_fire: Option<bool>,
}

#[derive(Deserialize)]
struct QueueBody {
    #[serde(rename = "visibilityTimeoutInSeconds")]
    visibility: Option<u64>,
    #[serde(rename = "MessageRetentionPeriodInSeconds", alias = "messageRetentionPeriodInSeconds")]
    retention: Option<u64>,
}

#[derive(Deserialize)]
struct Handles {
    handles: Vec<String>,
}

impl FilterBody {
    /// No filter: all states.
    pub(super) fn filter(body: Option<Self>) -> Result<Filter, Reply> {
        let Some(body) = body else { return Ok(Filter::Workflow(Vec::new())) };
        let of_orders = body.expression.is_some() || body.disable_single_fire.is_some();
        match body.kind.as_deref() {
            None | Some("FromWorkflow") if of_orders => {
                Err(Reply::error(409, "FromWorkflow filters by status, not by an expression"))
            }
            None | Some("FromWorkflow") => Ok(Filter::Workflow(body.status.unwrap_or_default())),
            Some("FromOrders") if body.status.is_some() => {
                Err(Reply::error(409, "FromOrders filters by an expression, not by status"))
            }
            Some("FromOrders") => {
                let expression = body.expression.unwrap_or_default();
                if expression != "true" {
                    return Err(Reply::error(400, "This simulator evaluates no expression but `true`"));
                }
                Ok(Filter::Orders {
                    expression,
                    disable_single_fire: body.disable_single_fire.unwrap_or(false),
                })
            }
            Some(_) => Err(Reply::error(400, "type is FromWorkflow or FromOrders")),
        }
    }
}

pub(super) fn shown_filter(filter: &Filter) -> Value {
    match filter {
        Filter::Workflow(status) => json!({"type": "FromWorkflow", "status": status}),
        Filter::Orders { expression, disable_single_fire } => json!({
            "type": "FromOrders",
            "expression": expression,
            "disableSingleFire": disable_single_fire,
        }),
    }
}

pub(super) fn configure(call: Call<'_>) -> Result<Reply, Reply> {
    let body: Body = parse(call.body)?;
    let filter = FilterBody::filter(body.filter)?;
    let (visibility, retention) =
        body.queue.map_or((None, None), |queue| (queue.visibility, queue.retention));
    let visibility = visibility.unwrap_or(VISIBILITY_DEFAULT);
    let retention = retention.unwrap_or(RETENTION_MIN);
    if visibility > VISIBILITY_MAX || !(RETENTION_MIN..=RETENTION_MAX).contains(&retention) {
        return Err(Reply::error(400, "A time of the queue is out of range"));
    }
    let config = FeedConfig {
        filter,
        visibility: Duration::from_secs(visibility),
        retention: Duration::from_secs(retention),
    };
    call.world.orders().configure_feed(app_key(call), config);
    Ok(Reply::empty(200))
}

pub(super) fn config(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let (config, quantity, age) = desk.feed(app_key(call)).map_err(no_feed)?;
    let retention = match call.world.options.quirks.numbers {
        Numbers::Strict => "MessageRetentionPeriodInSeconds",
        // The guide spells it otherwise than the schema.
        Numbers::Realistic => "messageRetentionPeriodInSeconds",
    };
    Ok(Reply::json(&json!({
        "filter": shown_filter(&config.filter),
        "queue": {
            "visibilityTimeoutInSeconds": config.visibility.as_secs(),
            retention: config.retention.as_secs(),
        },
        "quantity": quantity,
        "approximateAgeOfOldestMessageInSeconds": age.as_secs(),
    })))
}

pub(super) fn delete(call: Call<'_>) -> Result<Reply, Reply> {
    call.world.orders().delete_feed(app_key(call)).map_err(no_feed)?;
    Ok(Reply::empty(200))
}

pub(super) fn read(call: Call<'_>) -> Result<Reply, Reply> {
    let lot = match query_value(call.query, "maxlot") {
        None => LOT_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|lot| *lot > 0)
            .ok_or_else(|| Reply::error(400, "maxlot is a number from 1 to 10"))?,
    };
    let read = call.world.orders().read_feed(app_key(call), lot).map_err(no_feed)?;
    Ok(Reply::json(&read.iter().map(shown).collect::<Vec<_>>()))
}

pub(super) fn commit(call: Call<'_>) -> Result<Reply, Reply> {
    let Handles { handles } = parse(call.body)?;
    call.world.orders().commit_feed(app_key(call), &handles).map_err(no_feed)?;
    Ok(Reply::empty(200))
}

fn shown(message: &Message) -> Value {
    json!({
        "eventId": message.event_id,
        "handle": message.handle,
        "domain": message.part.name(),
        "state": message.state,
        "lastState": message.last_state,
        "orderId": message.order_id,
        "lastChange": feed_date(message.last_change),
        "currentChange": feed_date(message.current_change),
    })
}

fn no_feed(_: NoFeed) -> Reply {
    Reply::error(404, "There is no feed configuration for this key")
}
