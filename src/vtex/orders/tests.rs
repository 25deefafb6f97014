//! Requests as the Orders API documents them, and answers as VTEX really gives them.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::*;
use crate::core::call::orders::{DocumentItem, FewerUnits, InvoiceDocument, Reason};
use crate::core::money::Money;
use crate::core::order::{Direction, RemoteOrder, RemoteStatus, Tracking};
use crate::core::time::Timestamp;

/// 2026-01-02T03:04:05Z
const AT: Timestamp = Timestamp(1_767_323_045_000_000);

fn sent(act: OrderAct) -> (Method, String, Json) {
    let (method, path, body) = request(&OrderCall { order: "v-1234-01".into(), act }).unwrap();
    (method, path, body.map_or(Json::Null, |body| serde_json::from_str(&body).unwrap()))
}

#[test]
fn every_act_is_told_as_the_orders_api_documents_it() {
    let reason = || Reason("sem estoque".to_owned());
    let orders = "/api/oms/pvt/orders/v-1234-01";
    let document = InvoiceDocument {
        direction: Direction::Output,
        number: "5001".into(),
        value: Money(2_499),
        key: Some("35".into()),
        url: None,
        issued_at: AT,
        items: vec![DocumentItem { id: "31".into(), quantity: 2, price: Money(1_000) }],
    };
    let tracking = Tracking { courier: Some("Correios".into()), number: Some("BR1".into()), url: None };
    let table = [
        (OrderAct::Read, Method::GET, orders.to_owned(), Json::Null),
        (OrderAct::StartHandling, Method::POST, format!("{orders}/start-handling"), Json::Null),
        (
            OrderAct::Note { message: "pedido 1: empacotado".to_owned() },
            Method::POST,
            format!("{orders}/interactions"),
            json!({"source": "maré", "message": "pedido 1: empacotado"}),
        ),
        (
            OrderAct::Invoice(Box::new(document)),
            Method::POST,
            format!("{orders}/invoice"),
            // The value is text, the prices are numbers.
            json!({
                "type": "Output", "issuanceDate": "2026-01-02T03:04:05Z", "invoiceNumber": "5001", "invoiceValue": "2499",
                "invoiceKey": "35", "items": [{"id": "31", "price": 1000, "quantity": 2}],
            }),
        ),
        (
            OrderAct::Tracking { invoice: "5001".into(), tracking, dispatched: Some(AT) },
            Method::PATCH,
            format!("{orders}/invoice/5001"),
            json!({
                "trackingNumber": "BR1", "trackingUrl": null, "courier": "Correios",
                "dispatchedDate": "2026-01-02T03:04:05Z",
            }),
        ),
        (
            OrderAct::Delivered { invoice: "5001".into(), at: Some(AT) },
            Method::PUT,
            format!("{orders}/invoice/5001/tracking"),
            json!({"isDelivered": true, "deliveredDate": "2026-01-02 03:04", "events": []}),
        ),
        (
            OrderAct::Delivered { invoice: "5001".into(), at: None },
            Method::PUT,
            format!("{orders}/invoice/5001/tracking"),
            json!({"isDelivered": true, "deliveredDate": null, "events": []}),
        ),
        (
            OrderAct::Cancel { reason: reason() },
            Method::POST,
            format!("{orders}/cancel"),
            json!({"reason": "sem estoque"}),
        ),
        (
            OrderAct::DenyCancellation { request: "c1".into(), reason: reason() },
            Method::POST,
            "/api/orders/pvt/document/v-1234-01/deny-cancellation-request".to_owned(),
            json!({"cancellationRequestId": "c1", "denyReason": "sem estoque"}),
        ),
        (
            OrderAct::Change {
                lines: vec![
                    FewerUnits { id: "31".into(), line: "u1".into(), from: 3, to: 1 },
                    FewerUnits { id: "32".into(), line: "".into(), from: 1, to: 0 },
                ],
                reason: reason(),
            },
            Method::PATCH,
            "/api/order-system/orders/v-1234-01/changes".to_owned(),
            json!({"reason": "sem estoque", "replace": [
                {
                    "from": {"items": [{"id": "31", "uniqueId": "u1", "quantity": 3}]},
                    "to": {"items": [{"id": "31", "quantity": 1}]},
                },
                {"from": {"items": [{"id": "32", "quantity": 1}]}, "to": {"items": []}},
            ]}),
        ),
    ];
    for (act, method, path, body) in table {
        assert_eq!(sent(act), (method, path, body));
    }
}

#[test]
fn an_order_id_cannot_lead_elsewhere() {
    for order in ["", "..", "."] {
        assert!(request(&OrderCall { order: order.into(), act: OrderAct::Read }).is_err(), "{order:?}");
    }
    let call = OrderCall { order: "a/../b".into(), act: OrderAct::Read };
    assert_eq!(request(&call).unwrap().1, "/api/oms/pvt/orders/a%2F..%2Fb");
}

fn read(order: &Json) -> Result<RemoteOrder, Failure> {
    status::order(order.to_string().as_bytes())
}

#[test]
fn an_order_is_read_whatever_its_numbers_look_like_and_whatever_is_missing() {
    let order = read(&json!({
        "orderId": "v-1", "status": "handling", "value": 10000.0, "isCompleted": true,
        "items": [
            {"id": "31", "uniqueId": "u1", "refId": "A", "quantity": 2.0, "price": 6000, "sellingPrice": 5000},
            {"id": 32, "refId": null, "quantity": 1, "price": 10},
        ],
        "packageAttachment": {"packages": [
            {
                "invoiceNumber": "5001", "invoiceValue": "10000", "invoiceKey": "35", "type": "Output", "courier": "C",
                "trackingNumber": "BR1", "trackingUrl": "", "courierStatus": {"status": "ok", "finished": true},
            },
            {"invoiceNumber": "9", "invoiceValue": 5, "type": "Input", "courierStatus": null},
            {"invoiceValue": 5},
        ]},
        "cancellationRequests": [{"id": "c0", "deniedBySeller": true}, {"Id": "c1", "deniedBySeller": null}],
    }))
    .unwrap();
    assert_eq!((order.status, order.complete, order.value), (RemoteStatus::Handling, true, Money(10_000)));
    let items: Vec<_> =
        order.items.iter().map(|it| (&*it.id, &*it.ref_id, it.quantity, it.price.0)).collect();
    assert_eq!(items, [("31", "A", 2, 5_000), ("32", "", 1, 10)]);
    let [sale, returned] = order.packages.as_slice() else { panic!("{:?}", order.packages) };
    assert_eq!((sale.value, sale.direction, sale.delivered), (Money(10_000), Direction::Output, true));
    let tracking = Tracking { courier: Some("C".into()), number: Some("BR1".into()), url: None };
    assert_eq!((&sale.key, &sale.tracking), (&Some("35".into()), &tracking));
    assert_eq!((returned.direction, returned.delivered), (Direction::Input, false));
    let requests: Vec<_> = order.cancellations.iter().map(|it| (&*it.id, it.denied)).collect();
    assert_eq!(requests, [("c0", true), ("c1", false)]);
}

#[test]
fn an_order_without_status_is_incomplete_and_without_value_it_is_none() {
    let order = read(&json!({"status": null, "value": 0})).unwrap();
    assert_eq!((order.status, order.complete), (RemoteStatus::Incomplete, true));
    let unknown =
        read(&json!({"status": "waiting-for-drone", "value": 1, "packageAttachment": null})).unwrap();
    assert_eq!(unknown.status, RemoteStatus::Other("waiting-for-drone".into()));
    for wrong in
        [json!({"value": 1}), json!({"status": "handling"}), json!({"status": 1, "value": 1}), json!([])]
    {
        assert!(matches!(read(&wrong), Err(Failure::Malformed(_))), "{wrong}");
    }
    assert!(read(&json!({"status": "handling", "value": 1.5})).is_err(), "half a centavo");
}

fn answered(act: OrderAct, code: u16, body: &str) -> Result<Answer, Failure> {
    answer(&OrderCall { order: "v-1".into(), act }, code, false, &|| match code {
        200..300 => Ok(body.as_bytes()),
        _ => Err(Failure::Status { code, body: body.to_owned() }),
    })
}

#[test]
fn receipts_say_nothing_and_may_be_missing() {
    let cancel = || OrderAct::Cancel { reason: Reason(String::new()) };
    for body in ["", "null", r#"{"date":"2026","orderId":"v-1","receipt":null}"#] {
        assert_eq!(answered(cancel(), 200, body), Ok(Answer::Done), "{body}");
    }
    assert_eq!(answered(OrderAct::StartHandling, 204, ""), Ok(Answer::Done));
    assert!(matches!(answered(cancel(), 200, "gateway says hello"), Err(Failure::Malformed(_))));
    let refused = answered(OrderAct::StartHandling, 409, "");
    assert_eq!(refused, Err(Failure::Status { code: 409, body: String::new() }));
}

#[test]
fn a_change_is_taken_or_refused() {
    let change = || OrderAct::Change { lines: Vec::new(), reason: Reason(String::new()) };
    let taken = answered(change(), 202, r#"{"requestId":"r1","workflowId":"w"}"#);
    assert_eq!(taken, Ok(Answer::Order(OrderAnswer::Changing("r1".into()))));
    assert!(matches!(answered(change(), 202, "{}"), Err(Failure::Malformed(_))));
    for code in [400, 404, 405, 412, 422] {
        assert_eq!(answered(change(), code, ""), Ok(Answer::Order(OrderAnswer::ChangeRefused)), "{code}");
    }
    // Another change is at work (409), or the key may not do it (403).
    for code in [401, 403, 409, 429, 500, 503] {
        assert_eq!(answered(change(), code, ""), Err(Failure::Status { code, body: String::new() }));
    }
    let disabled = r#"{"error":{"code":"SalesOrderSystem008","message":"Changes are not enabled"}}"#;
    assert_eq!(answered(change(), 403, disabled), Ok(Answer::Order(OrderAnswer::ChangeRefused)));
}

#[test]
fn any_bytes_are_an_order_or_an_error() {
    crate::mutation::each("order", &crate::mutation::JSON, |body| {
        let _ = (super::purchase::purchase(body), super::status::order(body));
    });
}
