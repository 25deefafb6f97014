//! The simulator behaves as VTEX's documents say, with its limits and on purpose with its faults.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test, also in the helpers of tests")]

#[path = "simulator/catalog/mod.rs"]
mod catalog;
#[path = "simulator/master_data/mod.rs"]
mod master_data;
#[path = "support/openapi.rs"]
mod openapi;
#[path = "simulator/orders/mod.rs"]
mod orders;

use std::time::Duration;

use mare::simulator::{
    Credential, Fault, FaultKind, Handle, Limit, Limits, Numbers, Options, Outage, Permission,
    ReservationStep, Simulator, TokenBucket, UnknownRefs,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const QUANTITY: &str = "/api/logistics/pvt/inventory/skus/1/warehouses/1_1/quantity";
const STOCK: &str = "/api/logistics/pvt/inventory/skus/1/warehouses/1_1";
const PRICE: &str = "/simulator/pricing/prices/1";
const FIXED: &str = "/simulator/pricing/prices/1/fixed";
const BY_REFS: &str = "/api/catalog_system/pub/sku/stockkeepingunitidsbyrefids";
/// Simulated operations of the Catalog API.
const CATALOG_ROUTES: usize = 79;

/// A simulator with the SKUs SKU-1 to SKU-3, and a client of it.
struct Scene {
    handle: Handle,
    http: reqwest::Client,
}

/// An answer of the simulator. The body is a string when it is not JSON, null when there is none.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Scene {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let handle = Simulator::start(options).await.unwrap();
        handle.world().seed_numbered_skus("SKU-", 3).unwrap();
        Self { handle, http: reqwest::Client::new() }
    }

    fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.handle.base_url());
        let request = self.http.request(method.parse().unwrap(), url);
        let request = request.header("accept", "application/json").header("content-type", "application/json");
        let credential = Credential::default();
        let request = request
            .header("x-vtex-api-appkey", credential.key)
            .header("x-vtex-api-apptoken", credential.token);
        match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        read(self.request(method, path, body).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    async fn patch_quantity(&self, quantity: i64) -> Answer {
        self.send("PATCH", QUANTITY, Some(json!({"quantity": quantity, "unlimitedQuantity": false}))).await
    }

    fn quantity(&self) -> i64 {
        self.handle.world().stock(1, "1_1").unwrap().quantity
    }
}

async fn read(mut response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    let text = || String::from_utf8_lossy(&bytes).into_owned().into();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| text())
    };
    Answer { status, headers, body }
}

proptest! {
    #[test]
    fn the_bucket_never_grants_more_than_its_credits_and_the_rate_times_the_time(
        per_minute in 1u32..5_000, credits in 1u32..20,
        gaps_ns in prop::collection::vec(0u64..3_000_000_000, 1..80),
    ) {
        let mut bucket = TokenBucket::full(Limit { per_minute, credits }, Duration::ZERO);
        let mut now = 0;
        let mut granted = Vec::new();
        for gap in gaps_ns {
            now += gap;
            let grant = bucket.take(Duration::from_nanos(now));
            prop_assert!(grant.remaining < credits || !grant.granted);
            if grant.granted {
                granted.push(now);
            } else {
                let later = Duration::from_nanos(now) + Duration::from_secs(grant.retry_after_seconds);
                prop_assert!(bucket.take(later).granted, "Retry-After was too short");
                now = u64::try_from(later.as_nanos()).unwrap();
                granted.push(now);
            }
        }
        // Every window, in nanoseconds per minute so that nothing is rounded.
        for (first, from) in granted.iter().enumerate() {
            for (last, to) in granted.iter().enumerate().skip(first) {
                let count = u128::try_from(last - first + 1).unwrap();
                let allowed = u128::from(credits) * 60_000_000_000 + u128::from(per_minute) * u128::from(to - from);
                prop_assert!(count * 60_000_000_000 <= allowed);
            }
        }
    }
}

#[test]
fn one_request_above_the_rate_costs_one_credit_and_an_idle_second_gives_the_rate_back() {
    let mut bucket = TokenBucket::full(Limit { per_minute: 60 * 33, credits: 500 }, Duration::ZERO);
    let at = |seconds| Duration::from_secs(seconds);
    (0..500).for_each(|_| assert!(bucket.take(at(0)).granted));
    let refused = bucket.take(at(0));
    assert!(!refused.granted && refused.remaining == 0 && refused.retry_after_seconds == 1);
    assert_eq!(refused.reset_seconds, 16, "500 credits at 33 a second");
    assert_eq!(bucket.look(at(1)).remaining, 33);
    let of_34 = (0..34).filter(|_| bucket.take(at(1)).granted).count();
    assert_eq!(of_34, 33);
    assert_eq!(bucket.look(at(100)).remaining, 500);
}

#[tokio::test]
async fn pricing_shows_its_bucket_and_does_not_process_a_limited_request() {
    let limits = Limits { pricing_write: Some(Limit { per_minute: 1, credits: 2 }), ..Limits::default() };
    let scene = Scene::with(Options { limits, ..Options::default() }).await;
    for (price, remaining) in [(10, "1"), (11, "0")] {
        let answer = scene.send("PUT", PRICE, Some(json!({"basePrice": price, "costPrice": price}))).await;
        assert_eq!((answer.status, &answer.body), (200, &Value::Null));
        assert_eq!(answer.header("ratelimit-limit"), Some("2"));
        assert_eq!(answer.header("ratelimit-remaining"), Some(remaining));
        assert!(answer.header("ratelimit-reset").is_some() && answer.header("retry-after").is_none());
    }
    let limited = scene.send("PUT", PRICE, Some(json!({"basePrice": 12, "costPrice": 12}))).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(scene.handle.world().price(1).unwrap().base, Some(11.0));
    // Another route has its own bucket, and the 429 was counted.
    assert_eq!(scene.send("PATCH", FIXED, Some(json!([]))).await.status, 200);
    assert_eq!(scene.handle.world().counters().total_rate_limited(), 1);
}

#[tokio::test]
async fn a_stock_write_without_quantity_empties_with_put_and_fails_with_patch() {
    let scene = Scene::start().await;
    assert_eq!(scene.patch_quantity(7).await.status, 204);
    let missing = json!({"unlimitedQuantity": false});
    assert_eq!(scene.send("PATCH", QUANTITY, Some(missing.clone())).await.status, 400);
    assert_eq!(scene.quantity(), 7);
    let lead_time = json!({"leadTime": "1.02:03:04"});
    assert_eq!(scene.send("PATCH", &format!("{STOCK}/lead-time"), Some(lead_time)).await.status, 204);
    assert_eq!(scene.patch_quantity(8).await.status, 204);
    assert_eq!(
        scene.handle.world().stock(1, "1_1").unwrap().lead_time,
        "1.02:03:04",
        "PATCH leaves it alone"
    );
    let put = scene.send("PUT", STOCK, Some(missing)).await;
    assert_eq!((put.status, put.body), (200, json!(true)));
    let stock = scene.handle.world().stock(1, "1_1").unwrap();
    assert_eq!((stock.quantity, stock.lead_time.as_str()), (0, "00:00:00"));
}

#[tokio::test]
async fn unlimited_stock_shows_a_million_and_unknown_keys_are_refused() {
    let scene = Scene::start().await;
    let body = json!({"quantity": 3, "unlimitedQuantity": true});
    assert_eq!(scene.send("PATCH", QUANTITY, Some(body.clone())).await.status, 204);
    let shown = scene.get("/api/logistics/pvt/inventory/skus/1").await.body;
    assert_eq!(shown["balance"][0]["totalQuantity"], 1_000_000);
    for unknown in ["/skus/01/warehouses/1_1", "/skus/9/warehouses/1_1", "/skus/1/warehouses/9"] {
        let path = format!("/api/logistics/pvt/inventory{unknown}/quantity");
        assert_eq!(scene.send("PATCH", &path, Some(body.clone())).await.status, 404, "{unknown}");
    }
    assert_eq!(scene.handle.world().stock_count(), 1);
}

#[tokio::test]
async fn put_price_deletes_the_fixed_prices_it_leaves_out_and_patch_fixed_deletes_none() {
    let scene = Scene::start().await;
    let fixed = |table: &str, value: f64| json!({"tradePolicyId": table, "value": value, "minQuantity": 1});
    let put = |body: Value| scene.send("PUT", PRICE, Some(body));
    let both =
        json!({"basePrice": 24.99, "costPrice": 10, "fixedPrices": [fixed("1", 20.5), fixed("2", 21.0)]});
    assert_eq!(put(both).await.status, 200);
    assert_eq!(
        scene.send("PATCH", FIXED, Some(json!([fixed("2", 22.0), fixed("3", 23.0)]))).await.status,
        200
    );
    let shown = scene.get(PRICE).await.body;
    assert_eq!(
        (&shown["basePrice"], &shown["costPrice"], &shown["markup"]),
        (&json!(24.99), &json!(10), &json!(149.9))
    );
    let values: Vec<_> =
        shown["fixedPrices"].as_array().unwrap().iter().map(|fixed| &fixed["value"]).collect();
    assert_eq!(values, [&json!(20.5), &json!(22), &json!(23)]);
    assert_eq!(
        put(json!({"basePrice": 30, "costPrice": 10, "fixedPrices": [fixed("3", 9.0)]})).await.status,
        200
    );
    assert_eq!(scene.handle.world().price(1).unwrap().fixed.len(), 1);
    assert_eq!(put(json!({"basePrice": 30, "costPrice": 10})).await.status, 200);
    assert!(scene.handle.world().price(1).unwrap().fixed.is_empty());
    assert_eq!(
        put(json!({"basePrice": 30, "costPrice": 10, "markup": 200})).await.status,
        400,
        "exactly two"
    );
}

#[tokio::test]
async fn whole_numbers_print_as_the_files_type_them_or_as_vtex_does() {
    for (numbers, whole) in [(Numbers::Strict, json!(30)), (Numbers::Realistic, json!(30.0))] {
        let mut options = Options::default();
        options.quirks.numbers = numbers;
        let scene = Scene::with(options).await;
        scene.send("PUT", PRICE, Some(json!({"basePrice": 30, "costPrice": 24.99}))).await;
        let shown = scene.get(PRICE).await.body;
        assert_eq!((&shown["basePrice"], &shown["costPrice"]), (&whole, &json!(24.99)));
    }
}

#[tokio::test]
async fn a_fixed_price_is_known_by_policy_minimum_quantity_and_instants() {
    let scene = Scene::start().await;
    let ranged = |from: &str, value: f64| json!([{"value": value, "minQuantity": 1, "dateRange": {"from": from, "to": "2030-01-01T00:00:00Z"}}]);
    let table = format!("{FIXED}/gold");
    for (from, value) in [("2029-01-01T00:00:00Z", 5.0), ("2028-12-31T21:00:00-03:00", 6.0)] {
        assert_eq!(scene.send("POST", &table, Some(ranged(from, value))).await.status, 200);
    }
    let fixed = scene.handle.world().price(1).unwrap().fixed;
    assert_eq!(
        (fixed.len(), fixed[0].value),
        (1, 6.0),
        "the same instants in another zone are the same range"
    );
    let backwards = ranged("2031-01-01T00:00:00Z", 1.0);
    assert_eq!(scene.send("POST", &table, Some(backwards)).await.status, 400);
    assert_eq!(scene.send("DELETE", &table, None).await.status, 200);
    assert_eq!(scene.get(&table).await.status, 404);
    assert_eq!(scene.send("DELETE", PRICE, None).await.status, 200);
    assert_eq!(scene.get(PRICE).await.status, 404);
}

#[tokio::test]
async fn an_acknowledged_reservation_goes_with_the_next_quantity_write() {
    let scene = Scene::start().await;
    scene.patch_quantity(10).await;
    let world = scene.handle.world();
    let handled = world.reserve(1, "1_1", 3).unwrap();
    world.reserve(1, "1_1", 2).unwrap();
    assert!(world.step_reservation(&handled, ReservationStep::Acknowledge).is_err(), "payment comes first");
    world.step_reservation(&handled, ReservationStep::Confirm).unwrap();
    scene.patch_quantity(10).await;
    assert_eq!(world.stock(1, "1_1").unwrap().available, 5, "not yet in handling: both stay");
    world.step_reservation(&handled, ReservationStep::Acknowledge).unwrap();
    scene.patch_quantity(7).await;
    let stock = world.stock(1, "1_1").unwrap();
    assert_eq!((stock.quantity, stock.reserved, stock.available), (7, 2, 5));
}

#[tokio::test]
async fn only_known_credentials_with_the_permission_and_both_headers_get_through() {
    let scene = Scene::start().await;
    let world = scene.handle.world();
    let old = Credential::default();
    let new = Credential { token: "renewed".to_owned(), ..old.clone() };
    world.set_credentials(vec![old, new.clone()]);
    assert_eq!(scene.patch_quantity(1).await.status, 204, "the old token works while the new one is pending");
    world.set_credentials(vec![new]);
    assert_eq!(scene.patch_quantity(2).await.status, 401);
    world.set_credentials(vec![Credential::default()]);
    world.deny(vec![Permission::ModifyInventory]);
    assert_eq!(scene.patch_quantity(3).await.status, 403);
    assert_eq!(
        scene.get("/api/logistics/pvt/inventory/skus/1").await.status,
        200,
        "reading is another resource"
    );
    let bare = scene.http.get(format!("{}{PRICE}", scene.handle.base_url())).send().await.unwrap();
    assert_eq!(bare.status().as_u16(), 400);
    let counters = world.counters();
    assert_eq!(counters.violations["missing header Content-Type"], 1);
    assert_eq!((counters.with_status(401), counters.with_status(403), scene.quantity()), (1, 1, 1));
}

#[tokio::test]
async fn the_batch_look_up_answers_duplicates_with_500_and_unknown_ones_as_configured() {
    let mut options = Options::default();
    let strict = Scene::with(options.clone()).await;
    let look_up = |references: Value| Some(references);
    assert_eq!(strict.send("POST", BY_REFS, look_up(json!(["SKU-1", "SKU-1"]))).await.status, 500);
    let answer = strict.send("POST", BY_REFS, look_up(json!(["SKU-1", "nowhere", "SKU-3"]))).await;
    assert_eq!(answer.body, json!({"SKU-1": "1", "SKU-3": "3"}));
    options.quirks.unknown_refs = UnknownRefs::Null;
    let lenient = Scene::with(options).await;
    let answer = lenient.send("POST", BY_REFS, look_up(json!(["SKU-1", "nowhere"]))).await;
    assert_eq!(answer.body, json!({"SKU-1": "1", "nowhere": null}));
}

#[tokio::test]
async fn an_automatic_sku_has_the_same_id_after_a_restart() {
    let mut ids = Vec::new();
    for order in [["A-17", "4711", "0042"], ["0042", "A-17", "4711"]] {
        let scene = Scene::with(Options { auto_skus: true, ..Options::default() }).await;
        let answer = scene.send("POST", BY_REFS, Some(json!(order))).await;
        assert_eq!(answer.body["4711"], "1000004711");
        ids.push(answer.body);
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_injected_fault_does_what_it_says_to_the_stock() {
    let scene = Scene::start().await;
    let world = scene.handle.world();
    scene.patch_quantity(1).await;
    let cases = [
        (FaultKind::TooManyRequests, 429, false),
        (FaultKind::Locked, 423, false),
        (FaultKind::ErrorBefore, 500, false),
        (FaultKind::ErrorAfter, 500, true),
        (FaultKind::Unavailable, 503, false),
        (FaultKind::Unauthorized, 401, false),
        (FaultKind::EmptyBadRequest, 400, false),
        (FaultKind::Malformed, 200, false),
        (FaultKind::Html, 200, false),
    ];
    for (quantity, (kind, status, applied)) in (2..).zip(cases) {
        let before = scene.quantity();
        world.set_faults(vec![Fault { route: "logistics".to_owned(), count: Some(1), ..Fault::new(kind) }]);
        let answer = scene.patch_quantity(quantity).await;
        assert_eq!(
            (answer.status, scene.quantity()),
            (status, if applied { quantity } else { before }),
            "{kind:?}"
        );
        if kind == FaultKind::Locked {
            assert_eq!(answer.header("content-type"), Some("text/plain"));
            assert_eq!(answer.body, "Unable to acquire lock for key: simulator_item_logistics_1_1_1.");
        }
        assert!(world.faults().is_empty(), "its count is used up");
        assert_eq!(scene.patch_quantity(quantity).await.status, 204);
    }
}

#[tokio::test]
async fn a_reset_closes_the_connection_before_or_after_the_write() {
    let scene = Scene::start().await;
    scene.patch_quantity(1).await;
    for (quantity, applied) in [(2, false), (3, true)] {
        let reset = Fault { applied, count: Some(1), ..Fault::new(FaultKind::Reset) };
        scene.handle.world().set_faults(vec![reset]);
        let body = json!({"quantity": quantity, "unlimitedQuantity": false});
        assert!(scene.request("PATCH", QUANTITY, Some(body)).send().await.is_err());
        assert_eq!(scene.quantity(), if applied { 3 } else { 1 });
    }
    assert_eq!(scene.handle.world().counters().with_status(0), 2);
}

#[tokio::test]
async fn faults_aim_at_a_route_a_sku_and_a_warehouse() {
    let scene = Scene::start().await;
    let at = |route: &str, sku: Option<&str>| Fault {
        route: route.to_owned(),
        sku: sku.map(str::to_owned),
        ..Fault::new(FaultKind::Unavailable)
    };
    for (fault, stock, price) in [
        (at("*", None), 503, 503),
        (at("pricing", None), 204, 503),
        (at("PATCH */quantity", None), 503, 404),
        (at("GET */quantity", None), 204, 404),
        (at("*", Some("2")), 204, 404),
    ] {
        scene.handle.world().set_faults(vec![fault.clone()]);
        assert_eq!(scene.patch_quantity(1).await.status, stock, "{fault:?}");
        assert_eq!(scene.get(PRICE).await.status, price, "{fault:?}");
    }
}

#[tokio::test]
async fn a_second_write_of_a_key_in_flight_is_locked_out_and_counted() {
    let scene = Scene::start().await;
    let world = scene.handle.world();
    let hang = Fault { ms: 3_600_000, count: Some(1), ..Fault::new(FaultKind::Hang) };
    world.set_faults(vec![hang]);
    let body = json!({"quantity": 1, "unlimitedQuantity": false});
    let first = tokio::spawn(scene.request("PATCH", QUANTITY, Some(body)).send());
    while world.counters().in_flight_max == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.patch_quantity(2).await.status, 423);
    let counters = world.counters();
    assert_eq!((counters.in_flight_max, counters.overlapping), (2, 1));
    first.abort();
    // The key is free again as soon as the simulator has seen that the client went away.
    while scene.patch_quantity(3).await.status == 423 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.quantity(), 3);
}

#[tokio::test]
async fn a_write_with_an_older_balance_is_applied_and_counted_as_backwards() {
    let scene = Scene::start().await;
    let write = |quantity: i64, balance_at: &str| {
        let body =
            json!({"quantity": quantity, "unlimitedQuantity": false, "dateUtcOnBalanceSystem": balance_at});
        scene.send("PATCH", QUANTITY, Some(body))
    };
    for (quantity, balance_at) in
        [(5, "2024-06-13T00:52:16"), (4, "2024-06-13T00:52:16.025+00:00"), (6, "2024-06-12T23:00:00-01:00")]
    {
        assert_eq!(write(quantity, balance_at).await.status, 204);
    }
    assert_eq!(scene.handle.world().counters().backwards, 1);
    assert_eq!(scene.handle.world().counters().backwards_samples[0].got, "2024-06-13T00:00:00Z");
    assert_eq!(scene.quantity(), 6, "VTEX has no version: the last write wins");
    assert_eq!(write(7, "yesterday").await.status, 400);
}

#[tokio::test]
async fn an_outage_takes_vtex_away_but_not_the_admin_calls() {
    let scene = Scene::start().await;
    scene.handle.world().set_outage(Outage::Unavailable);
    assert_eq!(scene.patch_quantity(1).await.status, 503);
    assert_eq!(scene.send("PUT", "/_simulator/outage", Some(json!("reset"))).await.status, 204);
    assert!(scene.request("GET", PRICE, None).send().await.is_err());
    assert_eq!(scene.send("PUT", "/_simulator/outage", Some(json!("off"))).await.status, 204);
    assert_eq!(scene.patch_quantity(1).await.status, 204);
}

#[tokio::test]
async fn admin_calls_seed_disturb_and_dump() {
    let scene = Scene::start().await;
    let admin = |method: &'static str, path: &'static str, body: Value| scene.send(method, path, Some(body));
    assert_eq!(
        admin("POST", "/_simulator/skus", json!([{"id": 70, "ref": "a/b"}])).await.body,
        json!({"added": 1})
    );
    assert_eq!(admin("POST", "/_simulator/skus", json!([{"id": 71, "ref": "a/b"}])).await.status, 409);
    assert_eq!(admin("POST", "/_simulator/skus", json!({"count": 5})).await.body, json!({"added": 5}));
    assert_eq!(scene.get("/api/catalog_system/pvt/sku/stockkeepingunitidbyrefid/a%2Fb").await.body, "70");
    assert_eq!(admin("POST", "/_simulator/warehouses", json!({"id": "Loja2"})).await.status, 204);
    let path = "/api/logistics/pvt/inventory/skus/70/warehouses/loja2/quantity";
    let body =
        json!({"quantity": 4, "unlimitedQuantity": false, "dateUtcOnBalanceSystem": "2026-01-02T03:04:05Z"});
    assert_eq!(scene.send("PATCH", path, Some(body)).await.status, 204);
    let line = scene.get("/_simulator/stock").await.body;
    assert_eq!(
        (&line["sku"], &line["ref"], &line["warehouse"]),
        (&json!(70), &json!("a/b"), &json!("Loja2"))
    );
    assert_eq!((&line["quantity"], &line["balance_at"]), (&json!(4), &json!("2026-01-02T03:04:05Z")));
    assert_eq!(admin("PUT", "/_simulator/faults", json!([{"kind": "503", "count": 1}])).await.status, 204);
    assert_eq!(admin("PUT", "/_simulator/faults", json!([{"kind": "none"}])).await.status, 400);
    assert_eq!(scene.get("/_simulator/faults").await.body[0]["count"], 1);
    let counters = scene.get("/_simulator/counters").await.body;
    assert_eq!(counters["stock_writes"], 1);
    assert_eq!(scene.send("POST", "/_simulator/reset", None).await.status, 204);
    assert_eq!(scene.get("/_simulator/stock").await.body, Value::Null);
}

#[tokio::test]
async fn http2_without_tls_works_on_the_same_port() {
    let mut scene = Scene::start().await;
    scene.http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let request = scene.request("GET", "/api/logistics/pvt/configuration/warehouses", None);
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(read(response).await.body[0]["id"], "1_1");
}

/// Calls every simulated operation once, as a correct client does, and gives what was recorded.
async fn record_every_operation() -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let pickup_points = vec!["1_loja".to_owned()];
    let options = Options { record: Some(file.path().to_owned()), pickup_points, ..Options::default() };
    let scene = Scene::with(options).await;
    let dated = json!({"from": "2020-01-01T00:00:00-03:00", "to": "2040-01-01T00:00:00-03:00"});
    let fixed = json!({"value": 50.5, "listPrice": 60, "minQuantity": 2, "dateRange": dated});
    let mut patched = fixed.clone();
    patched["tradePolicyId"] = "1".into();
    let reservation = scene.handle.world().reserve(1, "1_1", 1).unwrap();
    let reservation = |step: &str| format!("/api/logistics/pvt/inventory/reservations/{reservation}/{step}");
    let quantity = json!({"quantity": 5, "unlimitedQuantity": false, "dateUtcOnBalanceSystem": "2024-01-31T19:12:01.02Z"});
    let full = json!({"quantity": 5, "unlimitedQuantity": false, "leadTime": "10.10:00:00"});
    let calls = [
        ("PATCH", QUANTITY.to_owned(), Some(quantity)),
        ("PUT", STOCK.to_owned(), Some(full)),
        ("PATCH", format!("{STOCK}/lead-time"), Some(json!({"leadTime": "8.00:00:00"}))),
        ("GET", "/api/logistics/pvt/inventory/skus/1".to_owned(), None),
        ("GET", "/api/logistics/pvt/inventory/items/1/warehouses/1_1".to_owned(), None),
        ("GET", "/api/logistics/pvt/configuration/warehouses".to_owned(), None),
        ("GET", "/api/logistics/pvt/configuration/warehouses/1_1".to_owned(), None),
        ("GET", "/api/logistics/pvt/configuration/pickuppoints".to_owned(), None),
        ("GET", "/api/logistics/pvt/configuration/docks".to_owned(), None),
        ("POST", reservation("confirm"), None),
        ("POST", reservation("acknowledge"), None),
        ("PUT", PRICE.to_owned(), Some(json!({"basePrice": 24.99, "costPrice": 10, "fixedPrices": []}))),
        ("GET", PRICE.to_owned(), None),
        ("PATCH", FIXED.to_owned(), Some(json!([patched]))),
        ("GET", FIXED.to_owned(), None),
        ("POST", format!("{FIXED}/gold"), Some(json!([fixed]))),
        ("GET", format!("{FIXED}/gold"), None),
        ("GET", format!("{PRICE}/computed?quantity=2"), None),
        ("GET", format!("{PRICE}/computed/gold"), None),
        ("DELETE", format!("{FIXED}/gold"), None),
        ("DELETE", PRICE.to_owned(), None),
        ("GET", "/simulator/pricing/config".to_owned(), None),
        ("PUT", "/simulator/pricing/tables/gold".to_owned(), None),
        ("GET", "/pricing/tables".to_owned(), None),
        ("POST", BY_REFS.to_owned(), Some(json!(["SKU-1", "nowhere"]))),
        ("GET", "/api/catalog_system/pvt/sku/stockkeepingunitidbyrefid/SKU-1".to_owned(), None),
        ("GET", "/api/catalog/pvt/stockkeepingunit?RefId=SKU-1".to_owned(), None),
        ("GET", "/api/catalog/pvt/stockkeepingunit/1".to_owned(), None),
        ("GET", "/api/catalog_system/pvt/sku/stockkeepingunitids?page=1&pagesize=2".to_owned(), None),
        ("GET", "/api/catalog_system/pvt/saleschannel/list".to_owned(), None),
    ];
    for (method, path, body) in calls {
        let status = scene.send(method, &path, body).await.status;
        assert!(status == 200 || status == 204, "{method} {path}: {status}");
    }
    assert_eq!(
        scene.handle.world().counters().requests.len(),
        30,
        "every route but the cancelled reservation"
    );
    scene.handle.shutdown().await.unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_record_holds_every_exchange_without_secrets_and_with_the_path_of_api_vtex_com() {
    let exchanges = record_every_operation().await;
    assert_eq!(exchanges.len(), 30);
    let tables = exchanges.iter().find(|exchange| exchange["path"] == "/simulator/pricing/tables").unwrap();
    assert_eq!(tables["response_body"], json!(["1", "gold"]));
    assert_eq!(tables["headers"]["x-vtex-api-apptoken"], "***");
    let page = exchanges.iter().find(|exchange| !exchange["query"]["pagesize"].is_null()).unwrap();
    assert_eq!((&page["query"]["page"], &page["response_body"]), (&json!("1"), &json!([1, 2])));
}

#[tokio::test]
async fn a_record_is_complete_when_the_simulator_stops_in_the_middle_of_a_request() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let hang = Fault { route: "pricing".to_owned(), ms: 3_600_000, ..Fault::new(FaultKind::Hang) };
    let options = Options { record: Some(file.path().to_owned()), faults: vec![hang], ..Options::default() };
    let mut scene = Scene::with(options).await;
    scene.http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    assert_eq!(scene.patch_quantity(1).await.status, 204);
    let body = json!({"basePrice": 1, "costPrice": 1});
    scene.handle.world().reset_counters();
    let hanging = tokio::spawn(scene.request("PUT", PRICE, Some(body)).send());
    while scene.handle.world().counters().in_flight_max < 1 {
        tokio::task::yield_now().await;
    }
    scene.handle.shutdown().await.unwrap();
    assert!(hanging.await.unwrap().is_err());
    assert_eq!(std::fs::read_to_string(file.path()).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn every_answer_is_one_that_vtexs_openapi_files_describe() {
    let Some(files) = openapi::OpenApi::from_environment() else { return };
    for exchange in record_every_operation().await {
        let findings = files.findings(&exchange);
        assert!(findings.is_empty(), "{findings:#?}\n{exchange:#}");
    }
}

#[tokio::test]
async fn the_openapi_check_finds_what_is_wrong() {
    let Some(files) = openapi::OpenApi::from_environment() else { return };
    let exchanges = record_every_operation().await;
    let correct = &exchanges[0];
    let broken = |change: fn(&mut Value)| {
        let mut exchange = correct.clone();
        change(&mut exchange);
        files.findings(&exchange).len()
    };
    assert_eq!(broken(|_| {}), 0);
    assert_eq!(broken(|exchange| exchange["path"] = "/api/logistics/pvt/inventory/sku".into()), 1);
    assert_eq!(broken(|exchange| drop(exchange["headers"].as_object_mut().unwrap().remove("accept"))), 1);
    assert_eq!(broken(|exchange| exchange["body"]["quantity"] = "5".into()), 1);
    assert_eq!(
        broken(|exchange| drop(exchange["body"].as_object_mut().unwrap().remove("unlimitedQuantity"))),
        1
    );
    assert_eq!(broken(|exchange| exchange["body"]["invented"] = 1.into()), 1);
    assert_eq!(broken(|exchange| exchange["status"] = 202.into()), 1);
    assert_eq!(broken(|exchange| exchange["response_body"] = true.into()), 1);
    let mut balance = exchanges[3].clone();
    balance["response_body"]["balance"][0]["totalQuantity"] = json!(1.5);
    assert_eq!(files.findings(&balance).len(), 1);
}

/// Clients of the load loop; each waits for its answer before it sends again.
const LOAD_CONNECTIONS: u32 = 64;
const LOAD_SECONDS: u64 = 5;

/// Run with `cargo test --release --test simulator -- --ignored --nocapture`; prints requests per second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a load of some seconds, for a release build"]
async fn a_million_skus_under_load_are_all_answered_and_applied() {
    let handle = Simulator::start(Options::default()).await.unwrap();
    handle.world().seed_numbered_skus("SKU-", 1_000_000).unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(LOAD_SECONDS);
    let clients: Vec<_> =
        (0..LOAD_CONNECTIONS).map(|client| tokio::spawn(write_until(end, handle.addr, client))).collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    println!("{} requests/s, client and simulator on the same cores", answered / LOAD_SECONDS);
    let counters = handle.world().counters();
    assert_eq!((counters.stock_writes, counters.with_status(204)), (answered, answered));
    assert_eq!(counters.in_flight_max, 1);
}

/// Writes its own share of the SKUs round and round over one connection; gives the number of answers.
async fn write_until(end: std::time::Instant, addr: std::net::SocketAddr, client: u32) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let Credential { key, token } = Credential::default();
    let (mut answers, mut buffer) = (0, [0; 1_024]);
    while std::time::Instant::now() < end {
        let sku = (u32::try_from(answers).unwrap() * LOAD_CONNECTIONS + client) % 1_000_000 + 1;
        let body = format!(
            "{{\"quantity\":{answers},\"unlimitedQuantity\":false,\
             \"dateUtcOnBalanceSystem\":\"2026-01-02T03:04:05.678901Z\"}}"
        );
        let request = format!(
            "PATCH /api/logistics/pvt/inventory/skus/{sku}/warehouses/1_1/quantity HTTP/1.1\r\nhost: simulator\r\n\
             accept: application/json\r\ncontent-type: application/json\r\nx-vtex-api-appkey: {key}\r\n\
             x-vtex-api-apptoken: {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut filled = 0;
        while !buffer[..filled].ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(count > 0, "the connection was closed");
            filled += count;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 204"));
        answers += 1;
    }
    answers
}
