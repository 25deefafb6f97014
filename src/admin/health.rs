//! Whether it lives, whether it works, and what it is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Admin, Refusal};
use crate::core::breaker::BreakerState;
use crate::core::dispatch::Stats;
use crate::inbound::consents;
use crate::pipeline::Control;
use crate::source::status::Phase;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready: what commits in Live gets to VTEX. Otherwise the reasons, each with what to do.
pub(super) async fn readyz(State(admin): State<Arc<Admin>>) -> (StatusCode, Json<Value>) {
    let reasons = reasons(&admin).await;
    let code = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons })))
}

async fn reasons(admin: &Admin) -> Vec<String> {
    let mut reasons = Vec::new();
    for source in &admin.sources {
        let facts = source.status.facts();
        if facts.phase != Phase::Streaming {
            let reason = facts.reason.as_deref().unwrap_or("not connected yet");
            reasons.push(format!("source {} is not streaming: {reason}", source.name));
        }
        for fault in &facts.faults {
            reasons.push(format!("source {} misses changes: {fault}", source.name));
        }
        if let Some(held_back) = &facts.held_back {
            reasons.push(format!("changes of source {} are held back: {held_back}", source.name));
        }
        for (entity, reason) in &facts.paused {
            reasons.push(format!("{entity} of source {} is paused: {reason}", source.name));
        }
    }
    if let Some(trouble) = admin.orders.as_ref().and_then(|orders| orders.facts().trouble) {
        reasons.push(format!("orders are not taken in: {trouble}"));
    }
    match admin.ask(Control::Stats).await {
        Ok(stats) => reasons.extend(obstacles(&stats)),
        Err(Refusal(_, reason)) => reasons.push(reason),
    }
    if let Ok(reload) = admin.reload.lock()
        && let Some(problem) = reload.as_ref()
    {
        reasons.push(format!("the configuration could not be reloaded: {problem}"));
    }
    reasons
}

/// What keeps lanes from sending.
fn obstacles(stats: &Stats) -> Vec<String> {
    let mut obstacles = Vec::new();
    for (lane, stats) in &stats.lanes {
        let name = lane.name();
        match stats.gate.breaker {
            BreakerState::Closed => {}
            BreakerState::Credentials => obstacles.push(format!(
                "lane {name}: VTEX refuses the app key, its token or its rights; `mare check` tells which. \
                 Nothing is lost meanwhile"
            )),
            BreakerState::Open | BreakerState::Probing => obstacles.push(format!(
                "lane {name}: VTEX does not work; it is tried again by itself and nothing is lost meanwhile"
            )),
        }
        if stats.paused {
            obstacles.push(format!("lane {name} is paused in [tuning]"));
        }
    }
    obstacles
}

pub(super) async fn status(State(admin): State<Arc<Admin>>) -> Result<Json<Value>, Refusal> {
    let stats = admin.ask(Control::Stats).await?;
    let mut sources = Map::new();
    for source in &admin.sources {
        let facts = source.status.facts();
        let mut value = serde_json::to_value(&facts).unwrap_or_default();
        value["lag_bytes"] = facts.lag_bytes().into();
        value["durable"] = facts.durable.to_string().into();
        value["settled"] = facts.settled.to_string().into();
        value["server"] = facts.server.to_string().into();
        sources.insert(source.name.to_string(), value);
    }
    let reasons = reasons(&admin).await;
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": admin.started.elapsed().as_secs(),
        "ready": reasons.is_empty(),
        "reasons": reasons,
        "sources": sources,
        "ledger": { "bytes": admin.store.disk_bytes() },
        "consents": admin.consents.as_ref().map(consents::Status::facts),
        "proof": super::proofs::view(&admin.proof.facts()),
        "vtex": stats,
        "messages": admin.messages.as_ref().and_then(|messages| messages.facts().ok()),
        "orders": admin.orders.as_ref().map(|orders| orders.facts()),
    })))
}
