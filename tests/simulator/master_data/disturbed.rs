//! Faults, limits, permissions and locks on the calls of Master Data.

use mare::simulator::{Fault, FaultKind, Limit, Limits, MasterDataOptions, Options, Permission};
use serde_json::json;

use super::{CUSTOMERS, Desk, by_id};

#[tokio::test]
async fn an_injected_fault_does_what_it_says_to_the_document() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let cases = [
        (FaultKind::TooManyRequests, 429, false),
        (FaultKind::RequestTimeout, 408, false),
        (FaultKind::ErrorBefore, 500, false),
        (FaultKind::ErrorAfter, 500, true),
        (FaultKind::Unavailable, 503, false),
        (FaultKind::Unauthorized, 401, false),
        (FaultKind::Forbidden, 403, false),
    ];
    for (number, (kind, status, applied)) in (0..).zip(cases) {
        let fault = Fault { route: "master-data".to_owned(), count: Some(1), ..Fault::new(kind) };
        desk.world().set_faults(vec![fault]);
        let name = format!("Ana {number}");
        let body = json!({"email": "ana@loja.com.br", "firstName": name});
        assert_eq!(desk.patch(CUSTOMERS, body.clone()).await.status, status, "{kind:?}");
        assert_eq!(desk.world().document("CL", &id).unwrap()["firstName"] == name, applied, "{kind:?}");
        // Sent again it does what is left to do: nothing where the error hid a success.
        assert_eq!(desk.patch(CUSTOMERS, body).await.status, if applied { 304 } else { 200 }, "{kind:?}");
    }
    assert_eq!(desk.world().document_count("CL"), 1);
}

#[tokio::test]
async fn a_lost_answer_of_a_post_leaves_the_customer_behind() {
    let desk = Desk::start().await;
    let reset = Fault { applied: true, count: Some(1), ..Fault::new(FaultKind::Reset) };
    desk.world().set_faults(vec![reset]);
    let body = json!({"email": "ana@loja.com.br"});
    assert!(desk.0.request("POST", CUSTOMERS, Some(body.clone())).send().await.is_err());
    assert_eq!(desk.world().customers_by_email("ana@loja.com.br").len(), 1);
    assert_eq!(desk.post(CUSTOMERS, body).await.status, 400);
    let hang = Fault { ms: 10, route: "user-rights".to_owned(), ..Fault::new(FaultKind::Hang) };
    desk.world().set_faults(vec![hang]);
    let forget = json!({"email": "ana@loja.com.br"});
    assert!(desk.0.request("POST", "/api/user-rights/forget/jobs", Some(forget)).send().await.is_err());
    assert!(desk.world().erasures().is_empty());
}

#[tokio::test]
async fn faults_aim_at_an_entity_and_a_document() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let at = |entity: &str, document: Option<&str>| Fault {
        sku: Some(entity.to_owned()),
        warehouse: document.map(str::to_owned),
        ..Fault::new(FaultKind::Unavailable)
    };
    for (fault, status) in [(at("AD", None), 200), (at("CL", None), 503), (at("CL", Some(&id)), 503)] {
        desk.world().set_faults(vec![fault.clone()]);
        assert_eq!(desk.get(&by_id(&id)).await.status, status, "{fault:?}");
    }
    desk.world().set_faults(vec![at("CL", Some("other"))]);
    assert_eq!(desk.get(&by_id(&id)).await.status, 200);
}

#[tokio::test]
async fn a_limit_refuses_before_anything_is_processed() {
    let limits = Limits { master_data: Some(Limit { per_minute: 1, credits: 1 }), ..Limits::default() };
    let desk = Desk::with_all(Options { limits, ..Options::default() }).await;
    let id = desk.customer("ana@loja.com.br").await;
    let limited = desk.post(CUSTOMERS, json!({"email": "bia@loja.com.br"})).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, None));
    assert_eq!(desk.get(&by_id(&id)).await.status, 200, "each route has its own");
    assert_eq!((desk.world().document_count("CL"), desk.world().counters().total_rate_limited()), (1, 1));
}

#[tokio::test]
async fn each_call_needs_its_permission() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let name = json!({"firstName": "Bia"});
    let schema = json!({"properties": {"a": {"type": "string"}}});
    let denied = async |permission: Permission| {
        desk.world().deny(vec![permission]);
        [
            desk.get(&by_id(&id)).await.status,
            desk.search("CL", "", "resources=0-1").await.status,
            desk.patch(&by_id(&id), name.clone()).await.status,
            desk.put("/api/dataentities/own/schemas/v1", schema.clone()).await.status,
            desk.get("/api/dataentities/own/schemas").await.status,
            desk.delete(&by_id("nobody")).await.status,
        ]
    };
    assert_eq!(denied(Permission::EraseUsers).await, [200, 200, 204, 200, 200, 404]);
    assert_eq!(denied(Permission::ReadDocuments).await, [403, 403, 304, 200, 403, 404]);
    assert_eq!(denied(Permission::WriteDocuments).await, [200, 200, 403, 200, 200, 404]);
    assert_eq!(denied(Permission::AllDocuments).await, [200, 200, 304, 200, 200, 403]);
    assert_eq!(denied(Permission::MasterDataAdministrator).await, [200, 200, 304, 403, 200, 404]);
}

#[tokio::test]
async fn two_writes_of_one_document_at_once_are_counted_and_may_time_out() {
    for (lock_timeouts, status) in [(false, 200), (true, 408)] {
        let desk = Desk::with(MasterDataOptions { lock_timeouts, ..MasterDataOptions::default() }).await;
        desk.customer("ana@loja.com.br").await;
        let hang = Fault { ms: 3_600_000, count: Some(1), ..Fault::new(FaultKind::Hang) };
        desk.world().set_faults(vec![hang]);
        let body = |name: &str| json!({"email": "ana@loja.com.br", "firstName": name});
        desk.world().reset_counters();
        let first = tokio::spawn(desk.0.request("PATCH", CUSTOMERS, Some(body("Bia"))).send());
        while desk.world().counters().in_flight_max == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            desk.patch(CUSTOMERS, json!({"email": "caio@loja.com.br"})).await.status,
            201,
            "another one"
        );
        assert_eq!(desk.world().counters().overlapping, 0);
        assert_eq!(desk.patch(CUSTOMERS, body("Caio")).await.status, status);
        assert_eq!(desk.world().counters().overlapping, 1);
        first.abort();
    }
}

#[tokio::test]
async fn a_reset_forgets_the_customers_and_keeps_the_schemas() {
    let desk = Desk::start().await;
    desk.customer("ana@loja.com.br").await;
    let path = "/api/dataentities/own/schemas/v1";
    desk.put(path, json!({"properties": {"a": {"type": "string"}}})).await;
    desk.world().reset();
    assert_eq!(desk.world().document_count("CL"), 0);
    assert_eq!(desk.get(path).await.status, 200);
    desk.customer("ana@loja.com.br").await;
}

#[tokio::test]
async fn the_operator_looks_at_documents_and_acts_for_shoppers() {
    let desk = Desk::start().await;
    let admin = async |method: &str, path: &str, body| {
        desk.0.send(method, &format!("/_simulator/{path}"), body).await
    };
    let new = json!({"email": "ana@loja.com.br", "isNewsletterOptIn": false});
    let id = admin("POST", "shop/customers", Some(new.clone())).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(admin("POST", "shop/customers", Some(new)).await.status, 409);
    let choice = json!({"id": id, "optIn": true});
    assert_eq!(admin("PUT", "shop/newsletter", Some(choice)).await.status, 200);
    let shown = admin("GET", "documents/CL", None).await.body;
    assert_eq!((&shown["id"], &shown["isNewsletterOptIn"]), (&json!(id), &json!(true)));
    assert_eq!(admin("GET", "duplicates/CL/email", None).await.body, json!({"duplicates": 0}));
    assert_eq!(admin("PUT", "search-lag", Some(json!({"ms": 3_600_000}))).await.status, 204);
    assert!(desk.found("CL", "").await.is_empty());
    assert_eq!(admin("PUT", "search-lag", Some(json!("soon"))).await.status, 400);
    assert_eq!(admin("GET", "nothing", None).await.status, 404);
}
