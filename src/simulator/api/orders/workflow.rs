//! What the ERP does to an order, other than invoicing and changing it.

use serde::Deserialize;
use serde_json::json;

use super::super::super::reply::Reply;
use super::super::super::world::NotCancelled;
use super::super::Call;
use super::document::email;
use super::{date, known, on_order, parse, receipt};

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Denial {
    cancellation_request_id: String,
    deny_reason: String,
}

#[derive(Deserialize)]
struct Interaction {
    source: String,
    message: String,
}

pub(super) fn start_handling(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "start-handling", |desk, place| {
        if desk.start_handling(place) {
            return Ok(Reply::empty(204));
        }
        let text = "Order status should be ready-for-handling to perform this action";
        Err(Reply::coded_error(409, "OMS003", text))
    })
}

pub(super) fn cancel(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "cancel", |desk, place| {
        // The reason is optional, and so is the body.
        let reason = if call.body.is_empty() { None } else { parse::<Reason>(call.body)?.reason };
        match desk.cancel(place, reason) {
            Ok(()) => Ok(Reply::json(&receipt(desk, place))),
            Err(NotCancelled::Invoiced) => Err(Reply::error(400, "The order is invoiced, if only in part")),
            Err(NotCancelled::Incomplete) => Err(Reply::error(400, "The order is incomplete")),
            Err(NotCancelled::Ended) => {
                let status = desk.options().cancelled_again_status;
                if status == 200 {
                    return Ok(Reply::json(&receipt(desk, place)));
                }
                Err(Reply::error(status, "The order is over"))
            }
        }
    })
}

pub(super) fn deny_cancellation(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "deny-cancellation-request", |desk, place| {
        let Denial { cancellation_request_id, deny_reason } = parse(call.body)?;
        if desk.deny(place, &cancellation_request_id, deny_reason) {
            return Ok(Reply::empty(200));
        }
        Err(Reply::error(400, "No such cancellation request waits for a decision"))
    })
}

pub(super) fn payment_notification(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "payment-notification", |desk, place| {
        let payment = &call.target.second;
        if !desk.order(place).payments.iter().any(|known| known.id == **payment) {
            return Err(Reply::error(404, "Payment not found"));
        }
        if desk.pay(place) {
            return Ok(Reply::empty(200));
        }
        Err(Reply::error(400, "The order does not wait for a payment"))
    })
}

pub(super) fn interaction(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "interactions", |desk, place| {
        let Interaction { source, message } = parse(call.body)?;
        desk.interact(place, source, message);
        Ok(Reply::empty(200))
    })
}

/// One message: the confirmation that the shop sent to the customer. It names the real address.
pub(super) fn conversation(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let order = desk.order(known(call, &desk)?);
    let customer = &order.customer;
    let masked = email(desk.options().email, customer);
    let person = |name: &str, email: &str, alias: &str, role: &str| {
        json!({
            "conversationRelatedTo": order.id,
            "conversationSubject": "oms",
            "emailAlias": alias,
            "aliasMaskType": 0,
            "email": email,
            "name": name,
            "role": role,
        })
    };
    let shop = format!("loja@{}.example", call.world.options.account);
    Ok(Reply::json_utf8(&json!([{
        "id": format!("{}-1", order.id),
        "from": person(&call.world.options.account, &shop, &shop, "Seller"),
        "to": [person(&customer.first_name, &customer.email, &masked, "Customer")],
        "subject": "Seu pedido foi realizado",
        "firstWords": "Olá",
        "body": "Olá, recebemos o seu pedido.",
        "hasAttachment": false,
        "attachmentNames": [],
        "date": date(order.created),
    }])))
}
