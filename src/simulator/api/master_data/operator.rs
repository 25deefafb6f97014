//! What the operator of a test asks of Master Data under `/_simulator/`.

use std::fmt::Write;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::world::{World, WorldError};

/// A shopper's choice.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Newsletter {
    id: String,
    opt_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lag {
    ms: u64,
}

/// Answers `GET documents/{entity}`, `GET duplicates/{entity}/{field}`, `POST shop/customers`, `PUT shop/newsletter`
/// and `PUT search-lag`; `None` for anything else.
pub(in crate::simulator) fn command(world: &World, method: &str, path: &str, body: &[u8]) -> Option<Reply> {
    let (head, rest) = path.split_once('/').unwrap_or((path, ""));
    Some(match (method, head, rest) {
        ("GET", "documents", entity) => lines(&world.documents(entity)),
        ("GET", "duplicates", key) => {
            let (entity, field) = key.split_once('/')?;
            Reply::json(&json!({"duplicates": world.duplicates(entity, field)}))
        }
        ("POST", "shop", "customers") => match serde_json::from_slice(body) {
            Ok(customer) => done(world.shop_registers(customer).map(|id| json!({"id": id}))),
            Err(error) => Reply::error(400, &error.to_string()),
        },
        ("PUT", "shop", "newsletter") => match serde_json::from_slice::<Newsletter>(body) {
            Ok(Newsletter { id, opt_in }) => {
                done(world.shop_sets_newsletter(&id, opt_in).map(|()| json!({"id": id})))
            }
            Err(error) => Reply::error(400, &error.to_string()),
        },
        ("PUT", "search-lag", "") => match serde_json::from_slice::<Lag>(body) {
            Ok(lag) => {
                world.set_search_lag(Duration::from_millis(lag.ms));
                Reply::empty(204)
            }
            Err(error) => Reply::error(400, &error.to_string()),
        },
        _ => return None,
    })
}

fn done(result: Result<Value, WorldError>) -> Reply {
    match result {
        Ok(answer) => Reply::json(&answer),
        Err(error) => Reply::error(409, &error.to_string()),
    }
}

fn lines(documents: &[Value]) -> Reply {
    let mut lines = String::new();
    for document in documents {
        // Writing to memory does not fail.
        let _ = writeln!(lines, "{document}");
    }
    Reply::ndjson(lines)
}
