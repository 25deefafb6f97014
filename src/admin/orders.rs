//! Orders of VTEX on their way into Live. Without `[orders]` there are none.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Refusal};
use crate::orders::Inbound;
use crate::store::StoreError;

/// More are not listed at once.
const LISTED_MAX: usize = 500;

fn stored(error: StoreError) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn inbound(admin: &Admin) -> Result<&Arc<Inbound>, Refusal> {
    let none = || Refusal(StatusCode::NOT_FOUND, "no orders are taken in: there is no [orders]".to_owned());
    admin.orders.as_ref().ok_or_else(none)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    /// The last ones, instead of those that are set aside.
    recent: bool,
    limit: Option<usize>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Refusal> {
    let limit = which.limit.unwrap_or(LISTED_MAX).min(LISTED_MAX);
    Ok(Json(inbound(&admin)?.list(which.recent, limit).map_err(stored)?))
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(order): Path<String>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(inbound(&admin)?.show(&order).await.map_err(stored)?))
}

pub(super) async fn history(
    State(admin): State<Arc<Admin>>,
    Path(order): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let history = inbound(&admin)?.history(&order).map_err(stored)?;
    let unknown = || Refusal(StatusCode::NOT_FOUND, format!("nothing is known of an order {order}"));
    history.map(Json).ok_or_else(unknown)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Named {
    /// None: all that are set aside.
    order: Option<String>,
}

pub(super) async fn retry(
    State(admin): State<Arc<Admin>>,
    Json(named): Json<Named>,
) -> Result<Json<Value>, Refusal> {
    let retried = inbound(&admin)?.retry(named.order.as_deref()).map_err(stored)?;
    if let (Some(order), 0) = (&named.order, retried) {
        return Err(Refusal(StatusCode::NOT_FOUND, format!("order {order} is not set aside")));
    }
    tracing::info!(retried, "orders that were set aside are looked at again");
    Ok(Json(json!({ "retried": retried })))
}

pub(super) async fn drop_held(
    State(admin): State<Arc<Admin>>,
    Json(named): Json<Named>,
) -> Result<Json<Value>, Refusal> {
    let order = named.order.unwrap_or_default();
    if !inbound(&admin)?.drop_held(&order).map_err(stored)? {
        return Err(Refusal(StatusCode::NOT_FOUND, format!("order {order} is not set aside")));
    }
    tracing::info!(order, "an order that was set aside is forgotten");
    Ok(Json(json!({ "dropped": true })))
}
