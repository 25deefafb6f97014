//! Orders in the simulator: workflow, feed, hook, stock. Every exchange is held against VTEX's files where these are at
//! hand.

mod cancelling;
mod changes;
mod document;
mod driver;
mod feed;
mod hook;
mod invoicing;
mod operator;
mod reading;
mod stock;
mod workflow;

use std::sync::OnceLock;
use std::time::Duration;

use mare::simulator::{Options, OrderOptions, OrderStatus, OrderView, World};
use serde_json::{Map, Value, json};

use crate::openapi::OpenApi;
use crate::{Answer, Scene};

const FEED: &str = "/api/orders/feed";
const FEED_CONFIG: &str = "/api/orders/feed/config";
const DAY: Duration = Duration::from_secs(86_400);

/// A shop with two warehouses, three SKUs at 24.99 each and plenty of stock, and the ERP that works on its orders.
struct Till(Scene);

impl Till {
    /// Orders are ready for handling at once.
    async fn open() -> Self {
        Self::with(OrderOptions::without_window()).await
    }

    async fn with(orders: OrderOptions) -> Self {
        Self::with_all(Options { orders, ..Options::default() }).await
    }

    async fn with_all(options: Options) -> Self {
        let warehouses = vec!["1_1".to_owned(), "2_1".to_owned()];
        let till = Self(Scene::with(Options { warehouses, ..options }).await);
        for sku in 1..=3 {
            let price = json!({"basePrice": 24.99, "costPrice": 10, "listPrice": 29.99});
            till.0.ok("PUT", &format!("/simulator/pricing/prices/{sku}"), price).await;
            for warehouse in ["1_1", "2_1"] {
                till.set_stock(sku, warehouse, 10).await;
            }
        }
        till
    }

    fn world(&self) -> &World {
        self.0.handle.world()
    }

    async fn set_stock(&self, sku: u32, warehouse: &str, quantity: i64) {
        let path = format!("/api/logistics/pvt/inventory/skus/{sku}/warehouses/{warehouse}/quantity");
        let body = json!({"quantity": quantity, "unlimitedQuantity": false});
        assert_eq!(self.0.send("PATCH", &path, Some(body)).await.status, 204);
    }

    fn available(&self, sku: u32, warehouse: &str) -> i64 {
        self.world().stock(sku, warehouse).unwrap().available
    }

    /// Two pieces of SKU-1 from warehouse 1_1 and shipping for 15.00: 64.98 in all.
    fn place(&self) -> String {
        self.place_as(json!({"shipping": 1_500}))
    }

    /// The same order, with fields of its own.
    fn place_as(&self, own: Value) -> String {
        let mut order = json!({"items": [{"ref": "SKU-1", "quantity": 2, "warehouse": "1_1"}]});
        order.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        self.world().place_order(order).unwrap()
    }

    /// An order that the ERP has taken.
    async fn handled(&self) -> String {
        let id = self.place();
        assert_eq!(self.start_handling(&id).await.status, 204);
        id
    }

    fn view(&self, id: &str) -> OrderView {
        self.world().order(id).unwrap()
    }

    fn status(&self, id: &str) -> Option<OrderStatus> {
        self.view(id).status
    }

    async fn start_handling(&self, id: &str) -> Answer {
        self.post(&format!("/api/oms/pvt/orders/{id}/start-handling"), None).await
    }

    async fn cancel(&self, id: &str) -> Answer {
        let body = json!({"reason": "Sem estoque"});
        self.post(&format!("/api/oms/pvt/orders/{id}/cancel"), Some(body)).await
    }

    async fn deny(&self, id: &str, request: &str) -> Answer {
        let body = json!({"cancellationRequestId": request, "denyReason": "Já foi enviado"});
        self.post(&format!("/api/orders/pvt/document/{id}/deny-cancellation-request"), Some(body)).await
    }

    async fn invoice(&self, id: &str, number: &str, value: i64, quantity: i64) -> Answer {
        self.send(
            "POST",
            &format!("/api/oms/pvt/orders/{id}/invoice"),
            Some(invoice(number, value, quantity)),
        )
        .await
    }

    async fn document(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/oms/pvt/orders/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn configure_feed(&self, status: Value) {
        let body = feed_config(status);
        assert_eq!(self.post(FEED_CONFIG, Some(body)).await.status, 200);
    }

    /// Reads at most ten events.
    async fn events(&self) -> Vec<Value> {
        let answer = self.get(&format!("{FEED}?maxlot=10")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body.as_array().unwrap().clone()
    }

    async fn commit(&self, events: &[Value]) {
        let handles: Vec<&Value> = events.iter().map(|event| &event["handle"]).collect();
        assert_eq!(self.post(FEED, Some(json!({"handles": handles}))).await.status, 200);
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Answer {
        self.send("POST", path, body).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let answer = self.0.send(method, path, body.clone()).await;
        static FILES: OnceLock<Option<OpenApi>> = OnceLock::new();
        if let Some(files) = FILES.get_or_init(OpenApi::from_environment) {
            let exchange = exchange(method, path, body, &answer);
            let findings = files.findings(&exchange);
            assert!(findings.is_empty(), "{findings:#?}\n{exchange:#}");
        }
        answer
    }
}

fn feed_config(status: Value) -> Value {
    json!({
        "filter": {"type": "FromWorkflow", "status": status},
        "queue": {"visibilityTimeoutInSeconds": 240, "MessageRetentionPeriodInSeconds": 345_600},
    })
}

/// An invoice of SKU-1 at 24.99.
fn invoice(number: &str, value: i64, quantity: i64) -> Value {
    json!({
        "type": "Output",
        "issuanceDate": "2026-03-04T10:00:00-03:00",
        "invoiceNumber": number,
        "invoiceValue": value.to_string(),
        "invoiceKey": "35260300000000000191550010000000011000000010",
        "items": [{"id": "1", "price": 2_499, "quantity": quantity}],
    })
}

fn exchange(method: &str, path: &str, body: Option<Value>, answer: &Answer) -> Value {
    let url = reqwest::Url::parse(&format!("http://vtex{path}")).unwrap();
    let query: Map<String, Value> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    json!({
        "method": method,
        "path": url.path(),
        "query": query,
        "headers": {"accept": "application/json", "content-type": "application/json"},
        "body": body,
        "status": answer.status,
        "response_headers": {"content-type": answer.header("content-type")},
        "response_body": answer.body,
    })
}

#[tokio::test]
async fn the_check_against_the_files_finds_what_is_wrong_in_an_order() {
    let Some(files) = OpenApi::from_environment() else { return };
    let till = Till::open().await;
    let path = format!("/api/oms/pvt/orders/{}", till.place());
    let right = exchange("GET", &path, None, &till.get(&path).await);
    let broken = |change: fn(&mut Value)| {
        let mut wrong = right.clone();
        change(&mut wrong["response_body"]);
        files.findings(&wrong).len()
    };
    assert_eq!(broken(|_| {}), 0);
    assert_eq!(broken(|order| order["delivered"] = true.into()), 1);
    assert_eq!(broken(|order| order["value"] = "6498".into()), 1);
    assert_eq!(broken(|order| order["items"][0]["price"] = json!(24.99)), 1);
    assert_eq!(broken(|order| order["clientProfileData"]["cpf"] = "1".into()), 1);
    assert_eq!(broken(|order| order["shippingData"]["logisticsInfo"][0]["warehouseId"] = "1".into()), 1);
}
