//! What an operator can ask for and change.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Admin, Refusal, checklist};
use crate::core::dispatch::{Explain, ParkedKey, Tuning};
use crate::core::entity::{Entity, Key};
use crate::core::money::Money;
use crate::core::plan::OnMissingPrice;
use crate::core::record::{Confirmed, Dirty, Wanted};
use crate::core::value::Value as Entry;
use crate::pipeline::{Control, ParkedFilter, TUNING_ENTRY};
use crate::source::reconcile::Ask;
use crate::store::{Durability, Op};

/// More are not listed at once; a filter finds the others.
const PARKED_LISTED_MAX: usize = 1_000;

fn wrong(error: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, error.to_string())
}

#[derive(Debug, Deserialize)]
pub(super) struct Save {
    #[serde(default)]
    save: bool,
}

pub(super) async fn tuning(State(admin): State<Arc<Admin>>) -> Result<Json<Tuning>, Refusal> {
    Ok(Json(admin.ask(Control::Tuning).await?))
}

/// Changes the fields that are given. What is out of bounds changes nothing.
pub(super) async fn set_tuning(
    State(admin): State<Arc<Admin>>,
    Query(Save { save }): Query<Save>,
    Json(patch): Json<Value>,
) -> Result<Json<Tuning>, Refusal> {
    let current = admin.ask(Control::Tuning).await?;
    let mut value = serde_json::to_value(&current).map_err(wrong)?;
    merge(&mut value, &patch);
    let tuning: Tuning = serde_json::from_value(value).map_err(wrong)?;
    tuning.validate().map_err(wrong)?;
    tracing::info!(%patch, save, "tuning changed through the admin endpoint");
    let applied = tuning.clone();
    admin.ask(|reply| Control::SetTuning(Box::new(tuning), reply)).await?.map_err(wrong)?;
    if save {
        let value = serde_json::to_vec(&applied).map_err(wrong)?;
        let op = Op::PutMeta { name: TUNING_ENTRY.to_owned(), value };
        admin
            .store
            .commit(&[op], Durability::Synced)
            .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    }
    Ok(Json(applied))
}

/// JSON merge patch (RFC 7396): objects are merged, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    target.remove(name);
                } else {
                    merge(target.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

pub(super) async fn parked(
    State(admin): State<Arc<Admin>>,
    Json(filter): Json<ParkedFilter>,
) -> Result<Json<Value>, Refusal> {
    let keys = admin.ask(|reply| Control::Parked { filter, limit: PARKED_LISTED_MAX, reply }).await?;
    let listed: Vec<Value> = keys.iter().map(parked_view).collect();
    Ok(Json(json!({ "parked": listed, "limit": PARKED_LISTED_MAX })))
}

fn parked_view(parked: &ParkedKey) -> Value {
    let last = parked.last.as_ref();
    json!({
        "entity": parked.key.entity,
        "key": parked.key.id.as_str(),
        "reason": parked.parked.reason.name(),
        "at": parked.parked.at.to_string(),
        "hint": parked.parked.hint,
        "request": last.map(|exchange| exchange.request.as_str()),
        "answer": last.map(|exchange| format!("{} {}", exchange.answer, exchange.excerpt)),
    })
}

pub(super) async fn retry(
    State(admin): State<Arc<Admin>>,
    Json(filter): Json<ParkedFilter>,
) -> Result<Json<Value>, Refusal> {
    let retried = admin.ask(|reply| Control::RetryParked(filter, reply)).await?;
    tracing::info!(retried, "parked keys are tried again");
    Ok(Json(json!({ "retried": retried })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    entity: Entity,
    key: String,
}

pub(super) async fn drop_key(
    State(admin): State<Arc<Admin>>,
    Json(named): Json<Named>,
) -> Result<Json<Value>, Refusal> {
    let key = Key { entity: named.entity, id: named.key.into() };
    let dropped = admin.ask(|reply| Control::DropParked(key.clone(), reply)).await?;
    if !dropped {
        return Err(Refusal(StatusCode::NOT_FOUND, format!("{key} is not parked")));
    }
    tracing::info!(%key, "parked key dropped");
    Ok(Json(json!({ "dropped": true })))
}

pub(super) async fn explain(
    State(admin): State<Arc<Admin>>,
    Path((entity, id)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let key = Key { entity: entity.parse().map_err(wrong)?, id: id.into() };
    let active = admin.ask(|reply| Control::Explain(key.clone(), reply)).await?;
    let stored =
        |error: crate::store::StoreError| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let confirmed = admin.store.confirmed(&key).map_err(stored)?;
    let dirty = admin.store.dirty(&key).map_err(stored)?;
    let mut live = Vec::new();
    for source in &admin.sources {
        let (reply, answer) = oneshot::channel();
        let asked = source.asks.try_send(Ask::Explain(key.clone(), reply)).is_ok();
        let lines = match tokio::time::timeout(super::ANSWER_WITHIN, answer).await {
            Ok(Ok(lines)) if asked => lines,
            _ => vec!["the source is not streaming: it cannot tell now".to_owned()],
        };
        live.push(json!({ "source": source.name.as_ref(), "lines": lines }));
    }
    // Who it is, Live shows; here nobody is named.
    let confirmed = confirmed.map(|it| Confirmed { value: it.value.masked(), ..it });
    let dirty = dirty.map(|it| {
        let wanted = Wanted { value: it.wanted.value.masked(), ..it.wanted };
        Dirty { wanted, ..it }
    });
    let on_missing = admin.ask(Control::Tuning).await?.price.on_missing_price;
    let conditions = match key.entity {
        Entity::Sku => Some(checklist::of(&admin.store, &key.id, &admin.warehouses).map_err(stored)?),
        _ => None,
    };
    Ok(Json(json!({
        "key": key.to_string(),
        "live": live,
        "active": &active,
        "lines": lines(active.as_ref(), confirmed.as_ref(), on_missing),
        "conditions": conditions,
        "confirmed": confirmed,
        "dirty": dirty,
    })))
}

/// What VTEX has, what it is to have, and what happens next, for people.
fn lines(active: Option<&Explain>, confirmed: Option<&Confirmed>, on_missing: OnMissingPrice) -> Vec<String> {
    let mut lines = vec![match confirmed {
        Some(confirmed) => format!("confirmed {}: {}", confirmed.at, describe(&confirmed.value)),
        None => "nothing confirmed yet".to_owned(),
    }];
    let newest = active.map(|active| &active.wanted.value).or(confirmed.map(|confirmed| &confirmed.value));
    if newest.and_then(Entry::is_priced) == Some(false) {
        lines.push(match on_missing {
            OnMissingPrice::Keep => {
                "Live has no price for it: VTEX keeps the one it has, if any, and goes on \
                 selling (price.on_missing_price = \"keep\")"
                    .to_owned()
            }
            OnMissingPrice::Delete => "Live has no price for it: what it had sent is deleted in VTEX \
                 (price.on_missing_price = \"delete\")"
                .to_owned(),
        });
    }
    let Some(active) = active else {
        lines.push("at rest: nothing is to be sent".to_owned());
        return lines;
    };
    lines.push(format!(
        "wanted: {} (committed {})",
        describe(&active.wanted.value),
        active.wanted.committed_at
    ));
    lines.push(format!("behind since {}; {} failed attempts; {}", active.since, active.attempts, active.why));
    if let Some(next) = active.next_at {
        lines.push(format!("tried again at {next}"));
    }
    if let Some(parked) = &active.parked {
        lines.push(format!("parked {} ({}): {}", parked.at, parked.reason.name(), parked.hint));
    }
    if let Some(last) = &active.last {
        lines.push(format!("last request {}: {} → {} {}", last.at, last.request, last.answer, last.excerpt));
    }
    lines
}

fn describe(value: &Entry) -> String {
    match value {
        Entry::Stock(stock) if stock.reserved > 0 => {
            format!(
                "{} units, and {} that VTEX keeps for orders it does not know to be in Live",
                stock.quantity, stock.reserved
            )
        }
        Entry::Stock(stock) => format!("{} units", stock.quantity),
        Entry::Price(price) => {
            let amount = |name: &str, money: Option<Money>| money.map(|money| format!("{name} {money}"));
            let parts = [amount("base", price.base), amount("list", price.list), amount("cost", price.cost)];
            let mut parts: Vec<String> = parts.into_iter().flatten().collect();
            parts.extend(price.fixed.iter().map(|fixed| {
                format!("fixed {} on {} from {} units", fixed.value, fixed.trade_policy, fixed.min_quantity)
            }));
            if parts.is_empty() { "no price".to_owned() } else { parts.join(", ") }
        }
        Entry::Brand(brand) => brand.name.clone(),
        Entry::Category(category) => match &category.parent {
            Some(parent) => format!("{}, under {parent}", category.name),
            None => format!("{}, a department", category.name),
        },
        Entry::Product(product) => format!(
            "{}, brand {}, category {}, {}",
            product.name,
            product.brand,
            product.category,
            if product.shown { "shown" } else { "hidden" }
        ),
        Entry::Sku(sku) => format!(
            "{} of product {}, {} images, {}",
            sku.name,
            sku.product,
            sku.images.len(),
            if sku.active { "for sale" } else { "not for sale" }
        ),
        // Who it is, Live shows.
        Entry::Customer(_) => "a customer".to_owned(),
        Entry::Consent(consent) => {
            let acts = consent.acts.iter().map(|act| format!("{} {:?}", act.purpose, act.state));
            acts.collect::<Vec<_>>().join(", ").to_lowercase()
        }
        Entry::Order(order) => order.describe(),
        Entry::Erased => "nothing that could be known of the customer".to_owned(),
        Entry::Released(_) => "nothing more: Live has the customer no more".to_owned(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    entity: Option<Entity>,
    key: Option<String>,
}

pub(super) async fn reconcile(
    State(admin): State<Arc<Admin>>,
    Json(which): Json<Which>,
) -> Result<Json<Value>, Refusal> {
    let refusal = |error: anyhow::Error| Refusal(StatusCode::BAD_REQUEST, format!("{error:#}"));
    let Some(key) = which.key else {
        let entities = which.entity.map_or_else(|| Entity::SWITCHED.to_vec(), |entity| vec![entity.switch()]);
        for source in &admin.sources {
            source.reconcile(&entities).map_err(refusal)?;
        }
        return Ok(Json(json!({ "started": true })));
    };
    // What one database knows need not be known to the others.
    let mut unknown = None;
    let mut known = false;
    for source in &admin.sources {
        match source.reread(which.entity, &key).await {
            Ok(()) => known = true,
            Err(error) => unknown = Some(error),
        }
    }
    match unknown {
        Some(error) if !known => Err(refusal(error)),
        _ => Ok(Json(json!({ "started": true }))),
    }
}
