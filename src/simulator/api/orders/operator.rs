//! What the operator of a test does with orders under `/_simulator/`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::world::{Driver, FeedFaults, OrderStatus, RandomOrders, World, WorldError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default = "default_reason")]
    reason: String,
}

fn default_reason() -> String {
    "Mudei de ideia".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowError {
    in_error: bool,
}

/// Answers `GET orders`, `GET orders/{id}`, `POST orders`, `POST orders/random`,
/// `POST orders/{id}/{cancel|edit|pay|complete}`, `PUT orders/{id}/{status|workflow-error}`, `GET|DELETE feeds` and
/// `PUT feed-faults`; `None` for anything else.
pub(in crate::simulator) fn command(
    world: &Arc<World>,
    method: &str,
    path: &str,
    body: &[u8],
) -> Option<Reply> {
    Some(answer(world, method, path, body)?.unwrap_or_else(|refusal| refusal))
}

fn answer(world: &Arc<World>, method: &str, path: &str, body: &[u8]) -> Option<Result<Reply, Reply>> {
    let mut segments = path.split('/');
    let (head, id) = (segments.next()?, segments.next().unwrap_or_default());
    let step = segments.next().unwrap_or_default();
    Some(match (method, head, id, step) {
        ("GET", "orders", "", "") => Ok(lines(world)),
        ("GET", "orders", id, "") => {
            world.order(id).map(|order| Reply::json(&order)).ok_or_else(|| Reply::error(404, "no such order"))
        }
        ("POST", "orders", "", "") => parse(body).and_then(|order| placed(world.place_order(order))),
        ("POST", "orders", "random", "") => parse(body).map(|wanted| sell(world, wanted)),
        ("POST", "orders", id, "cancel") => {
            let body = if body.is_empty() { b"{}" } else { body };
            parse::<Why>(body).and_then(|why| status(world.shopper_cancels(id, &why.reason)))
        }
        ("POST", "orders", id, "edit") => parse(body).and_then(|edit| placed(world.shopper_edits(id, edit))),
        ("POST", "orders", id, "pay") => done(world.pay_order(id)),
        ("POST", "orders", id, "complete") => done(world.complete_order(id)),
        ("PUT", "orders", id, "status") => {
            parse::<OrderStatus>(body).and_then(|status| done(world.force_order_status(id, status)))
        }
        ("PUT", "orders", id, "workflow-error") => {
            parse::<WorkflowError>(body).and_then(|error| done(world.set_workflow_error(id, error.in_error)))
        }
        ("GET", "feeds", "", "") => Ok(Reply::json(&world.feeds())),
        ("DELETE", "feeds", "", "") => {
            world.lose_feeds();
            Ok(Reply::empty(204))
        }
        ("PUT", "feed-faults", "", "") => parse::<FeedFaults>(body).map(|faults| {
            world.set_feed_faults(faults);
            Reply::empty(204)
        }),
        _ => return None,
    })
}

/// At once, or in the background at the wanted pace, for as long as the simulator lives.
fn sell(world: &Arc<World>, wanted: RandomOrders) -> Reply {
    if wanted.per_second <= 0.0 {
        return Reply::json(&json!({"ids": world.place_random_orders(&wanted)}));
    }
    let pause = Duration::try_from_secs_f64(1.0 / wanted.per_second).unwrap_or(Duration::MAX);
    let count = wanted.count;
    tokio::spawn(drive(Arc::downgrade(world), Driver::new(wanted), pause));
    Reply::json_with(202, &json!({"count": count}))
}

async fn drive(world: Weak<World>, mut driver: Driver, pause: Duration) {
    let mut ticks = tokio::time::interval(pause);
    loop {
        ticks.tick().await;
        let Some(world) = world.upgrade() else { return };
        if driver.next(&world).is_none() {
            return;
        }
    }
}

fn lines(world: &World) -> Reply {
    let lines = world.order_views().iter().filter_map(|order| serde_json::to_string(order).ok()).fold(
        String::new(),
        |mut lines, line| {
            lines.push_str(&line);
            lines.push('\n');
            lines
        },
    );
    Reply::ndjson(lines)
}

fn placed(result: Result<String, WorldError>) -> Result<Reply, Reply> {
    result.map(|id| Reply::json(&json!({"id": id}))).map_err(|error| refused(&error))
}

fn status(result: Result<OrderStatus, WorldError>) -> Result<Reply, Reply> {
    result.map(|status| Reply::json(&json!({"status": status}))).map_err(|error| refused(&error))
}

fn done(result: Result<(), WorldError>) -> Result<Reply, Reply> {
    result.map(|()| Reply::empty(204)).map_err(|error| refused(&error))
}

fn refused(error: &WorldError) -> Reply {
    Reply::error(409, &error.to_string())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice::<Value>(body)
        .and_then(serde_json::from_value)
        .map_err(|error| Reply::error(400, &error.to_string()))
}
