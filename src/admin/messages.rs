//! Messages to customers. Without `[[messages.webhooks]]` there are none.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Refusal};
use crate::messages::Outbox;
use crate::store::StoreError;

/// More are not listed at once.
const LISTED_MAX: usize = 500;

fn stored(error: StoreError) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn outbox(admin: &Admin) -> Result<&Arc<Outbox>, Refusal> {
    let none = || {
        let text = "customers are told nothing: there is no [[messages.webhooks]]";
        Refusal(StatusCode::NOT_FOUND, text.to_owned())
    };
    admin.messages.as_ref().ok_or_else(none)
}

fn not_parked(id: &str) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("message {id} is not set aside"))
}

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Result<Json<Value>, Refusal> {
    Ok(Json(outbox(&admin)?.list(LISTED_MAX).map_err(stored)?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Named {
    /// As listed. None: all that are set aside.
    id: Option<String>,
}

pub(super) async fn retry(
    State(admin): State<Arc<Admin>>,
    Json(named): Json<Named>,
) -> Result<Json<Value>, Refusal> {
    let retried = outbox(&admin)?.retry(named.id.as_deref()).map_err(stored)?;
    match &named.id {
        Some(id) if retried == 0 => return Err(not_parked(id)),
        _ => tracing::info!(retried, "messages that were set aside are sent again"),
    }
    Ok(Json(json!({ "retried": retried })))
}

pub(super) async fn drop_parked(
    State(admin): State<Arc<Admin>>,
    Json(named): Json<Named>,
) -> Result<Json<Value>, Refusal> {
    let id = named.id.unwrap_or_default();
    if !outbox(&admin)?.drop_parked(&id).map_err(stored)? {
        return Err(not_parked(&id));
    }
    tracing::info!(id, "a message that was set aside is forgotten");
    Ok(Json(json!({ "dropped": true })))
}
