//! Changes of an order (order system, version 2).

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::world::{Change, ChangeState, NewChange, NotChanged, Order, Replacement};
use super::super::Call;
use super::{feed_date, known, on_order, parse};

#[derive(Deserialize)]
struct Body {
    reason: String,
    #[serde(default)]
    replace: Vec<Replace>,
}

#[derive(Deserialize)]
struct Replace {
    from: From,
    to: To,
}

#[derive(Deserialize)]
struct From {
    items: Vec<FromItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FromItem {
    id: String,
    unique_id: Option<String>,
    quantity: i64,
}

#[derive(Deserialize)]
struct To {
    items: Vec<ToItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToItem {
    id: String,
    quantity: i64,
    #[serde(default)]
    manual_discount_value: i64,
    #[serde(default)]
    manual_increment_value: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    rollout_configuration: Option<Rollout>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rollout {
    enable_api: Option<bool>,
}

/// Accepted at once, applied later: the answer says nothing of success.
pub(super) fn patch(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "changes", |desk, place| {
        let new = parse::<Body>(call.body)?.change();
        match desk.request_change(place, new) {
            Ok(index) => {
                let order = desk.order(place);
                let mut shown = shown(call, order, &order.changes[index]);
                shown["totals"] = json!([]);
                shown["replace"] = Value::Null;
                shown["settings"] = settings_body(desk.options().changes_enabled);
                Ok(Reply::json_with(202, &shown))
            }
            Err(refusal) => Err(refused(refusal)),
        }
    })
}

impl Body {
    fn change(self) -> NewChange {
        let replace = self.replace.into_iter().map(|one| Replacement {
            discount: one.to.items.iter().map(|item| item.manual_discount_value).sum(),
            increment: one.to.items.iter().map(|item| item.manual_increment_value).sum(),
            to: one.to.items.into_iter().map(|item| (item.id, item.quantity)).collect(),
            from: one.from.items.into_iter().map(|item| (item.unique_id, item.id, item.quantity)).collect(),
        });
        NewChange { reason: self.reason, replace: replace.collect() }
    }
}

/// The codes are VTEX's; which of them belongs to which reason its documents only partly say.
fn refused(refusal: NotChanged) -> Reply {
    match refusal {
        NotChanged::Disabled => Reply::coded_error(403, "SalesOrderSystem008", "Changes are not enabled"),
        NotChanged::State => {
            Reply::coded_error(400, "SalesOrderSystem010", "The order's status allows no change")
        }
        NotChanged::InProgress => {
            Reply::coded_error(409, "SalesOrderSystem011", "Another change is in progress")
        }
        NotChanged::Items => Reply::coded_error(400, "CHK0022", "The items are not those of the order"),
    }
}

pub(super) fn all(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let order = desk.order(known(call, &desk)?);
    let all = order.changes.iter().map(|change| {
        let mut shown = shown(call, order, change);
        shown["replace"] = json!([]);
        shown
    });
    Ok(Reply::json(&json!({"requests": all.collect::<Vec<_>>(), "actions": []})))
}

pub(super) fn one(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let order = desk.order(known(call, &desk)?);
    let change = order.changes.iter().find(|change| change.id == call.target.second);
    let change = change.ok_or_else(|| Reply::error(404, "Change not found"))?;
    let mut shown = shown(call, order, change);
    shown["replace"] = json!([]);
    shown["status"] = match change.state {
        ChangeState::InProgress => "in-progress",
        ChangeState::Done => "done",
        ChangeState::Failed(_) => "failed",
    }
    .into();
    shown["inProgress"] = (change.state == ChangeState::InProgress).into();
    Ok(Reply::json(&shown))
}

fn shown(call: Call<'_>, order: &Order, change: &Change) -> Value {
    json!({
        "requestId": change.id,
        "workflowId": change.workflow,
        "reason": change.reason,
        "manualDiscountValue": change.discount,
        "manualIncrementValue": change.increment,
        "totalChangeValue": change.moved,
        "totals": [{"id": "ManualValues", "name": "Manual Values Total", "value": change.increment - change.discount}],
        "add": null,
        "remove": null,
        "date": feed_date(change.at),
        "origin": {
            "account": call.world.options.account,
            "orderId": order.id,
            "component": "MarketplaceComponent",
        },
        "settings": {"customPaymentSystemsAllowed": []},
    })
}

pub(super) fn settings(call: Call<'_>) -> Reply {
    let desk = call.world.orders();
    Reply::json(&settings_body(desk.options().changes_enabled))
}

pub(super) fn put_settings(call: Call<'_>) -> Result<Reply, Reply> {
    let settings: Settings = parse(call.body)?;
    let mut desk = call.world.orders();
    if let Some(enabled) = settings.rollout_configuration.and_then(|rollout| rollout.enable_api) {
        desk.enable_changes(enabled);
    }
    Ok(Reply::json(&settings_body(desk.options().changes_enabled)))
}

fn settings_body(enabled: bool) -> Value {
    json!({
        "paymentConfiguration": {"customPaymentSystemsAllowed": []},
        "rolloutConfiguration": {
            "usingDefaultBehavior": false,
            "enableApi": enabled,
            "enableAdminOrders": {"enabledWorkspaces": []},
            "enableMyOrders": {"enabledWorkspaces": []},
        },
        "pipelineConfiguration": {
            "enableTaxHubRecalculation": false,
            "compensateShippingChanges": false,
            "enablePromotionRecalculation": false,
            "enableNativeTaxRecalculation": false,
        },
    })
}
