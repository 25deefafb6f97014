//! Proofs: asked for, and told of.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Refusal};
use crate::core::dispatch::Proven;
use crate::core::entity::{Entity, Key};
use crate::pipeline::Control;
use crate::proof::{Ask, Facts, Pass};
use crate::telemetry::metrics;

/// One key is read within the limits of its route; longer than this, something holds it up.
const ONE_KEY_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    entity: Option<Entity>,
    key: Option<String>,
    report_only: Option<bool>,
}

/// Begins a pass, or asks about one key and tells what VTEX said.
pub(super) async fn begin(
    State(admin): State<Arc<Admin>>,
    Json(which): Json<Which>,
) -> Result<Json<Value>, Refusal> {
    let repair = which.report_only.map(|report_only| !report_only);
    match (which.entity, which.key) {
        (Some(Entity::Customer | Entity::Consent), _) => {
            let text =
                "of customers and consents nothing is read back: `mare reconcile` compares them with Live";
            Err(Refusal(StatusCode::BAD_REQUEST, text.to_owned()))
        }
        (None, Some(_)) => {
            let text = "say of which entity the key is: stock, price, product, sku, brand, category or order";
            Err(Refusal(StatusCode::BAD_REQUEST, text.to_owned()))
        }
        (Some(entity), Some(id)) => {
            let key = Key { entity, id: id.into() };
            let told = one(&admin, key, repair.unwrap_or(true)).await?;
            Ok(Json(json!({ "told": told })))
        }
        (entity, None) => {
            let began = tokio::time::timeout(super::ANSWER_WITHIN, admin.proof.ask(Ask { entity, repair }));
            let Ok(Some(began)) = began.await else {
                let text = "the proof that runs cannot be replaced now; try again".to_owned();
                return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, text));
            };
            tracing::info!(?entity, "VTEX is asked about what it confirmed: an operator wants to know");
            Ok(Json(json!({ "started": began.to_string() })))
        }
    }
}

async fn one(admin: &Admin, key: Key, repair: bool) -> Result<&'static str, Refusal> {
    let entity = key.entity;
    let asked =
        super::ask_within(&admin.control, ONE_KEY_WITHIN, |reply| Control::Prove { key, repair, reply });
    Ok(match asked.await? {
        Proven::Same => "same",
        Proven::Differs(drift) => {
            metrics::drift(entity, drift);
            drift.name()
        }
        Proven::Busy => "busy",
        Proven::Failed => "not told",
    })
}

/// For `/status`.
pub(super) fn view(facts: &Facts) -> Value {
    let pass = |pass: &Pass| {
        json!({
            "started": pass.started.to_string(),
            "ended": pass.ended.map(|at| at.to_string()),
            "entity": pass.only,
            "repair": pass.repair,
            "at": pass.at.as_ref().map(|(entity, _)| entity),
            "keys": pass.keys,
            "busy": pass.busy,
            "not_told": pass.failed,
            "differing": pass.differing(),
            "differences": pass.differences,
        })
    };
    let progress = &facts.progress;
    json!({
        "running": progress.running.as_ref().map(pass),
        "ended": progress.ended.as_ref().map(pass),
        "last": progress.last.as_ref().map(pass),
        "held_up": facts.held_up.filter(|_| progress.running.is_some()),
    })
}
