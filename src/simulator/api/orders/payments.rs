//! How an order is paid.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::world::{Order, Payment, PaymentKind};
use super::super::Call;
use super::known;

/// VTEX's id and name of a way of paying, and its group.
fn system(kind: PaymentKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        PaymentKind::CreditCard => ("2", "Visa", "creditCard"),
        PaymentKind::DebitCard => ("37", "Visa Electron", "debitCard"),
        PaymentKind::Pix => ("125", "Pix", "instantPayment"),
        PaymentKind::Boleto => ("6", "Boleto Bancário", "bankInvoice"),
        PaymentKind::GiftCard => ("16", "Vale", "giftCard"),
        PaymentKind::Promissory => ("201", "A Prazo", "promissory"),
    }
}

/// The names of all payments, as the list of orders shows them.
pub(super) fn names(order: &Order) -> String {
    order.payments.iter().map(|payment| system(payment.kind).1).collect::<Vec<_>>().join(",")
}

pub(super) fn part(call: Call<'_>, order: &Order) -> Value {
    let payments: Vec<Value> = order.payments.iter().map(|payment| in_order(payment, order)).collect();
    let cards = order.payments.iter().filter(|payment| payment.kind == PaymentKind::GiftCard);
    let cards = cards.map(|payment| {
        json!({
            "id": payment.tid,
            "redemptionCode": "MARE-0000",
            "name": "Vale-presente",
            "caption": null,
            "value": payment.value,
            "balance": 0,
            "provider": "VtexGiftCard",
            "groupName": null,
            "inUse": true,
            "isSpecialCard": false,
        })
    });
    json!({
        "paymentData": {
            "giftCards": cards.collect::<Vec<_>>(),
            "transactions": [{
                "isActive": true,
                "transactionId": order.unique("transaction").replace('-', "").to_uppercase(),
                "merchantName": call.world.options.account.to_uppercase(),
                "payments": payments,
            }],
        },
    })
}

fn in_order(payment: &Payment, order: &Order) -> Value {
    let mut shown = common(payment);
    let authorized = order.authorized.is_some();
    let card = matches!(payment.kind, PaymentKind::CreditCard | PaymentKind::DebitCard);
    shown["connectorResponses"] = match (authorized, card) {
        (true, true) => json!({
            "Tid": payment.tid,
            "ReturnCode": "200",
            "Message": "Autorizado",
            "authId": &payment.tid[2..],
            "acquirer": "Adquirente Preamar",
            "nsu": &payment.tid[1..],
        }),
        (true, false) => json!({"Tid": payment.tid, "ReturnCode": "200", "Message": "Pago"}),
        (false, _) => json!({}),
    };
    for (name, value) in [
        ("giftCardProvider", gift_card_provider(payment)),
        ("giftCardAsDiscount", json!(false)),
        ("koinUrl", Value::Null),
        ("accountId", Value::Null),
        ("parentAccountId", Value::Null),
        (
            "bankIssuedInvoiceIdentificationNumber",
            boleto(payment, "00190000090000000000000000000000000000000000"),
        ),
        (
            "bankIssuedInvoiceIdentificationNumberFormatted",
            boleto(payment, "00190.00009 00000.000000 00000.000000 0"),
        ),
        ("bankIssuedInvoiceBarCodeNumber", boleto(payment, "00190000000000000000000000000000000000000000")),
        ("bankIssuedInvoiceBarCodeType", boleto(payment, "i25")),
        ("billingAddress", Value::Null),
        ("paymentOrigin", Value::Null),
    ] {
        shown[name] = value;
    }
    shown
}

fn common(payment: &Payment) -> Value {
    let (system, name, group) = system(payment.kind);
    let card = matches!(payment.kind, PaymentKind::CreditCard | PaymentKind::DebitCard);
    let gift = payment.kind == PaymentKind::GiftCard;
    json!({
        "id": payment.id,
        "paymentSystem": system,
        "paymentSystemName": name,
        "value": payment.value,
        "installments": payment.installments,
        "referenceValue": payment.value,
        "cardHolder": null,
        "cardNumber": null,
        "firstDigits": card.then_some("400000"),
        "lastDigits": card.then_some("0002"),
        "cvv2": null,
        "expireMonth": null,
        "expireYear": null,
        "url": null,
        "giftCardId": gift.then_some(&payment.tid),
        "giftCardName": gift.then_some("Vale-presente"),
        "giftCardCaption": null,
        "redemptionCode": gift.then_some("MARE-0000"),
        "group": group,
        "tid": payment.tid,
        "dueDate": null,
    })
}

fn gift_card_provider(payment: &Payment) -> Value {
    if payment.kind == PaymentKind::GiftCard { "VtexGiftCard".into() } else { Value::Null }
}

fn boleto(payment: &Payment, text: &str) -> Value {
    if payment.kind == PaymentKind::Boleto { text.into() } else { Value::Null }
}

/// The payments once more, with fewer fields.
pub(super) fn transaction(call: Call<'_>) -> Result<Reply, Reply> {
    let desk = call.world.orders();
    let order = desk.order(known(call, &desk)?);
    let authorized = order.authorized.is_some();
    let payments = order.payments.iter().map(|payment| {
        let mut shown = common(payment);
        // Not nullable in this answer.
        for name in ["firstDigits", "lastDigits"] {
            if shown[name].is_null() {
                shown[name] = "".into();
            }
        }
        shown["connectorResponses"] = json!({
            "Tid": payment.tid,
            "ReturnCode": authorized.then_some("200"),
            "Message": null,
            "authId": if authorized { &payment.tid[2..] } else { "" },
        });
        shown
    });
    Ok(Reply::json(&json!({
        "status": if authorized { "Finished" } else { "Authorizing" },
        "isActive": true,
        "transactionId": order.unique("transaction").replace('-', "").to_uppercase(),
        "merchantName": call.world.options.account.to_uppercase(),
        "payments": payments.collect::<Vec<_>>(),
    })))
}
