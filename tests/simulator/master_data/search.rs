//! Search and scroll: late, in pages, and by field.

use std::time::Duration;

use mare::simulator::{Limit, Limits, MasterDataOptions, Options, Permission};
use serde_json::{Value, json};

use super::{CUSTOMERS, Desk, by_id};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_write_is_there_at_once_by_id_and_later_in_search() {
    let desk = Desk::with(MasterDataOptions { search_lag: HOUR, ..MasterDataOptions::default() }).await;
    let id = desk.customer("ana@loja.com.br").await;
    assert_eq!(desk.get(&by_id(&id)).await.status, 200);
    assert!(desk.found("CL", "email=ana@loja.com.br").await.is_empty());
    desk.world().advance(HOUR);
    assert_eq!(desk.found("CL", "email=ana@loja.com.br").await, [id.as_str()]);
    // Frozen: the old value is found and the new one is not; a deleted document is still shown.
    desk.world().freeze_search();
    assert_eq!(desk.patch(&by_id(&id), json!({"email": "lima@loja.com.br"})).await.status, 204);
    assert_eq!(desk.found("CL", "email=ana@loja.com.br").await, [id.as_str()]);
    assert!(desk.found("CL", "email=lima@loja.com.br").await.is_empty());
    desk.world().set_search_lag(Duration::ZERO);
    assert!(desk.found("CL", "email=ana@loja.com.br").await.is_empty());
    assert_eq!(desk.found("CL", "email=LIMA@loja.com.br").await, [id.as_str()]);
    desk.world().freeze_search();
    assert_eq!(desk.delete(&by_id(&id)).await.status, 204);
    assert_eq!(desk.get(&by_id(&id)).await.status, 404);
    assert_eq!(desk.found("CL", "").await, [id]);
    desk.world().set_search_lag(Duration::ZERO);
    assert!(desk.found("CL", "").await.is_empty());
}

#[tokio::test]
async fn polling_by_update_finds_what_the_shop_changed() {
    let desk = Desk::start().await;
    let (ana, bia) = (desk.customer("ana@loja.com.br").await, desk.customer("bia@loja.com.br").await);
    assert_eq!(desk.patch(&by_id(&ana), json!({"lastName": "Lima"})).await.status, 204);
    let seen = desk.world().document("CL", &ana).unwrap()["updatedIn"].as_str().unwrap().to_owned();
    let since = |seen: &str| format!("_where=updatedIn>{seen} AND updatedIn<2999-01-01&_sort=updatedIn ASC");
    assert!(desk.found("CL", &since(&seen)).await.is_empty());
    desk.world().shop_sets_newsletter(&bia, true).unwrap();
    desk.world().shop_sets_newsletter(&ana, false).unwrap();
    assert_eq!(
        desk.found("CL", &since(&seen)).await,
        [bia.as_str()],
        "the other's choice was the same before"
    );
    let changed = desk.world().document("CL", &bia).unwrap();
    assert_eq!((&changed["isNewsletterOptIn"], &changed["updatedBy"]), (&json!(true), &json!("shop")));
    let until = changed["updatedIn"].as_str().unwrap();
    let between = format!("_where=updatedIn between {seen} AND {until}");
    assert_eq!(desk.found("CL", &between).await.len(), 2, "both ends count");
    desk.world().shop_updates(&ana, json!({"isNewsletterOptIn": true, "phone": "+5511999990000"})).unwrap();
    assert_eq!(desk.found("CL", &since(until)).await, [ana]);
    let new =
        desk.world().shop_registers(json!({"email": "caio@loja.com.br", "isNewsletterOptIn": true})).unwrap();
    assert_eq!(desk.found("CL", "_where=updatedIn is null AND isNewsletterOptIn=true").await, [new]);
    assert!(desk.world().shop_sets_newsletter("nobody", true).is_err());
    assert!(desk.world().shop_registers(json!({"email": "ana@loja.com.br"})).is_err());
}

#[tokio::test]
async fn a_search_gives_a_range_of_the_total_in_order() {
    let desk = Desk::start().await;
    for number in 0..7 {
        desk.customer(&format!("c{number}@loja.com.br")).await;
    }
    let page = |range: &'static str| desk.search("CL", "_fields=email&_sort=email DESC", range);
    let first = page("resources=0-3").await;
    assert_eq!(first.header("rest-content-range"), Some("resources 0-3/7"));
    let emails = |body: &Value| -> Vec<String> {
        body.as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(emails(&first.body), ["c6@loja.com.br", "c5@loja.com.br", "c4@loja.com.br"]);
    let last = page("resources=6-9").await;
    assert_eq!((emails(&last.body).len(), last.header("rest-content-range")), (1, Some("resources 6-7/7")));
    for refused in ["resources=0-101", "resources=9950-10001", "0-10", "resources=5-1"] {
        assert_eq!(page(refused).await.status, 400, "{refused}");
    }
    assert_eq!(desk.0.get("/api/dataentities/CL/search").await.status, 400);
    assert_eq!(desk.world().counters().violations["missing header REST-Range"], 1);
}

#[tokio::test]
async fn filters_stand_by_name_or_in_where_and_only_fields_that_exist() {
    let desk = Desk::start().await;
    let id = desk.customer("ana+loja@loja.com.br").await;
    for found in [
        "email=ana%2Bloja@loja.com.br",
        "_where=email=ana%2Bloja@loja.com.br AND firstName=ana",
        "_where=(firstName=Bia OR lastName=\"Souza\") AND document is null",
        "firstName=*n*",
        "_keyword=souza",
        &format!("id={id}"),
        &format!("_where=id={id} AND isNewsletterOptIn=false"),
    ] {
        assert_eq!(desk.found("CL", found).await, [id.as_str()], "{found}");
    }
    // A plus that is not encoded is a blank on the way, and nobody is called so.
    assert!(desk.found("CL", "email=ana+loja@loja.com.br").await.is_empty());
    for refused in ["nome=Ana", "_where=nome=Ana", "_sort=nome ASC", "_where=firstName"] {
        assert_eq!(desk.search("CL", refused, "resources=0-1").await.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn a_scroll_hands_out_what_was_there_when_it_began() {
    let desk = Desk::start().await;
    for number in 0..5 {
        desk.customer(&format!("c{number}@loja.com.br")).await;
    }
    let first = desk.get("/api/dataentities/CL/scroll?_size=2&_fields=email&_sort=email ASC").await;
    assert_eq!(first.header("rest-content-total"), Some("5"));
    let token = first.header("x-vtex-md-token").unwrap().to_owned();
    let next = format!("/api/dataentities/CL/scroll?_token={token}");
    assert_eq!(first.body, json!([{"email": "c0@loja.com.br"}, {"email": "c1@loja.com.br"}]));
    desk.customer("c9@loja.com.br").await;
    let lengths = [2, 1, 0];
    for length in lengths {
        assert_eq!(desk.get(&next).await.body.as_array().unwrap().len(), length);
    }
    let over = desk.get(&next).await;
    let message = format!("Operation not found for this token: '{token}'");
    assert_eq!((over.status, &over.body["Message"]), (400, &json!(message)));
    assert_eq!(desk.get("/api/dataentities/CL/scroll?_size=1001").await.status, 400);
}

#[tokio::test]
async fn ten_scrolls_are_open_at_most_until_they_end_or_expire() {
    let desk = Desk::start().await;
    desk.customer("ana@loja.com.br").await;
    let open = || desk.get("/api/dataentities/CL/scroll");
    let mut tokens = Vec::new();
    for _ in 0..10 {
        tokens.push(open().await.header("x-vtex-md-token").unwrap().to_owned());
    }
    let refused = open().await;
    let message = json!("Maximum simultaneous scrolls rate exceeded (10)");
    assert_eq!((refused.status, &refused.body["Message"]), (400, &message));
    let end = format!("/api/dataentities/CL/scroll?_token={}", tokens[0]);
    assert_eq!(desk.get(&end).await.body, json!([]));
    assert_eq!(open().await.status, 200);
    let next = format!("/api/dataentities/CL/scroll?_token={}", tokens[1]);
    desk.world().advance(Duration::from_secs(21 * 60));
    assert_eq!(desk.get(&next).await.status, 400, "not used for 20 minutes");
    assert_eq!(open().await.status, 200);
}

#[tokio::test]
async fn too_many_wildcards_are_blocked() {
    let wildcard_searches = Some(Limit { per_minute: 1, credits: 1 });
    let limits = Limits { wildcard_searches, ..Limits::default() };
    let desk = Desk::with_all(Options { limits, ..Options::default() }).await;
    assert_eq!(desk.search("CL", "firstName=*a*", "resources=0-1").await.status, 200);
    assert_eq!(desk.search("CL", "firstName=*a*", "resources=0-1").await.status, 503);
    assert_eq!(desk.get("/api/dataentities/CL/scroll?_keyword=ana").await.status, 429);
    assert_eq!(desk.search("CL", "firstName=ana", "resources=0-1").await.status, 200);
}

#[tokio::test]
async fn private_fields_need_full_access() {
    let private_fields = vec![("CL".to_owned(), "document".to_owned())];
    let desk = Desk::with(MasterDataOptions { private_fields, ..MasterDataOptions::default() }).await;
    let id = desk.customer("ana@loja.com.br").await;
    let document = format!("{}?_fields=document", by_id(&id));
    assert_eq!(desk.get(&document).await.status, 200);
    desk.world().deny(vec![Permission::AllDocuments]);
    let refused = desk.get(&document).await;
    assert_eq!((refused.status, &refused.body["Message"]), (403, &json!("Cannot read private fields")));
    assert_eq!(desk.get(&format!("{}?_fields=_all", by_id(&id))).await.status, 403);
    assert_eq!(desk.get(&format!("{}?_fields=email", by_id(&id))).await.status, 200);
    let refused = desk.search("CL", "document=1", "resources=0-1").await;
    assert_eq!((refused.status, &refused.body["Message"]), (403, &json!("Cannot filter by private fields")));
    assert_eq!(desk.patch(CUSTOMERS, json!({"email": "ana@loja.com.br", "document": "1"})).await.status, 200);
}
