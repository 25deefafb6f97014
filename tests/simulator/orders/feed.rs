//! Feed v3.

use std::collections::BTreeSet;
use std::time::Duration;

use mare::simulator::{Credential, Fault, FaultKind, FeedFaults, Limit, Limits, Options, OrderOptions};
use serde_json::{Value, json};

use super::{DAY, FEED, FEED_CONFIG, Till, feed_config};

/// Longer than the visibility timeout of these tests.
const VISIBLE_AGAIN: Duration = Duration::from_secs(241);

fn states(events: &[Value]) -> BTreeSet<&str> {
    events.iter().map(|event| event["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn only_wanted_events_after_the_configuration_are_delivered() {
    let till = Till::open().await;
    assert_eq!(till.get(&format!("{FEED}?maxlot=10")).await.status, 404);
    assert_eq!(till.get(FEED_CONFIG).await.status, 404);
    till.place();
    till.configure_feed(json!(["ready-for-handling", "handling", "misspelt"])).await;
    let id = till.handled().await;
    let events = till.events().await;
    assert_eq!(states(&events), BTreeSet::from(["handling", "ready-for-handling"]));
    let handling = events.iter().find(|event| event["state"] == "handling").unwrap();
    assert_eq!(handling["orderId"], id);
    assert_eq!(
        (&handling["domain"], &handling["lastState"]),
        (&json!("Fulfillment"), &json!("start-handling"))
    );
}

#[tokio::test]
async fn without_a_filter_every_state_is_an_event() {
    let till = Till::open().await;
    till.configure_feed(json!([])).await;
    till.place();
    assert_eq!(till.events().await.len(), 8);
    assert!(till.events().await.is_empty(), "all are hidden");
}

#[tokio::test]
async fn an_event_that_is_not_committed_comes_back_under_a_new_handle() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.place();
    let first = till.events().await;
    assert!(first[0]["handle"].as_str().unwrap().len() > 500);
    assert!(till.events().await.is_empty());
    till.world().advance(VISIBLE_AGAIN);
    let second = till.events().await;
    assert_eq!(first[0]["eventId"], second[0]["eventId"]);
    assert_ne!(first[0]["handle"], second[0]["handle"]);
    till.commit(&first).await;
    till.world().advance(VISIBLE_AGAIN);
    let third = till.events().await;
    assert_eq!(third.len(), 1, "an old handle commits nothing");
    till.commit(&third).await;
    till.world().advance(VISIBLE_AGAIN);
    assert!(till.events().await.is_empty());
    assert_eq!((till.world().feeds()[0].delivered, till.world().feeds()[0].committed), (3, 1));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_a_commit_and_a_read_whose_answer_is_lost_hides_the_events() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.place();
    let lost =
        |route: &str| Fault { route: route.to_owned(), count: Some(1), ..Fault::new(FaultKind::ErrorAfter) };
    till.world().set_faults(vec![lost("GET */feed")]);
    assert_eq!(till.get(&format!("{FEED}?maxlot=10")).await.status, 500);
    assert!(till.events().await.is_empty());
    till.world().advance(VISIBLE_AGAIN);
    let events = till.events().await;
    till.world().set_faults(vec![lost("POST */feed")]);
    let body = json!({"handles": [events[0]["handle"]]});
    assert_eq!(till.post(FEED, Some(body)).await.status, 500);
    till.world().advance(VISIBLE_AGAIN);
    assert!(till.events().await.is_empty());
}

#[tokio::test]
async fn a_read_gives_ten_at_most_and_in_no_order() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    let order = json!({"items": [{"ref": "SKU-1", "quantity": 1}], "oversell": true});
    let placed: Vec<String> = (0..40).map(|_| till.world().place_order(order.clone()).unwrap()).collect();
    let mut seen = Vec::new();
    loop {
        let answer = till.get(&format!("{FEED}?maxlot=10")).await;
        let events = answer.body.as_array().unwrap().clone();
        if events.is_empty() {
            break;
        }
        assert!(events.len() <= 10);
        seen.extend(events.iter().map(|event| event["orderId"].as_str().unwrap().to_owned()));
    }
    assert_ne!(seen, placed);
    seen.sort();
    let mut placed = placed;
    placed.sort();
    assert_eq!(seen, placed);
    assert_eq!(till.get(&format!("{FEED}?maxlot=0")).await.status, 400);
}

#[tokio::test]
async fn a_feed_to_which_nothing_comes_for_four_days_is_gone() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.world().advance(DAY * 3);
    till.place();
    till.world().advance(DAY * 3);
    assert_eq!(till.events().await.len(), 1, "an event three days ago keeps it");
    till.world().advance(DAY);
    assert_eq!(till.get(&format!("{FEED}?maxlot=10")).await.status, 404);
    assert_eq!(till.get(FEED_CONFIG).await.status, 404);
    assert_eq!(till.post(FEED, Some(json!({"handles": ["x"]}))).await.status, 404);
}

#[tokio::test]
async fn events_are_kept_for_the_retention_period_and_thrown_away_after_a_hundred_deliveries() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.place();
    till.world().advance(DAY * 2);
    till.place();
    till.world().advance(DAY * 3);
    assert_eq!(till.events().await.len(), 1, "the first is five days old");
    for delivery in 2..=100 {
        till.world().advance(VISIBLE_AGAIN);
        assert_eq!(till.events().await.len(), 1, "delivery {delivery}");
    }
    till.world().advance(VISIBLE_AGAIN);
    assert!(till.events().await.is_empty());
}

#[tokio::test]
async fn a_feed_that_is_configured_anew_keeps_its_events_and_a_deleted_one_does_not() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.place();
    till.configure_feed(json!(["canceled"])).await;
    let config = till.get(FEED_CONFIG).await.body;
    assert_eq!((&config["quantity"], &config["filter"]["status"]), (&json!(1), &json!(["canceled"])));
    assert_eq!(config["queue"]["MessageRetentionPeriodInSeconds"], 345_600);
    assert_eq!(states(&till.events().await), BTreeSet::from(["ready-for-handling"]));
    assert_eq!(till.send("DELETE", FEED_CONFIG, None).await.status, 200);
    assert_eq!(till.send("DELETE", FEED_CONFIG, None).await.status, 404);
    till.configure_feed(json!([])).await;
    till.world().advance(VISIBLE_AGAIN);
    assert!(till.events().await.is_empty());
}

#[tokio::test]
async fn a_configuration_that_mixes_the_filters_or_leaves_the_limits_is_refused() {
    let till = Till::open().await;
    let mut mixed = feed_config(json!(["canceled"]));
    mixed["filter"]["expression"] = "value > 100".into();
    assert_eq!(till.post(FEED_CONFIG, Some(mixed)).await.status, 409);
    for (field, value) in [
        ("visibilityTimeoutInSeconds", 43_201),
        ("MessageRetentionPeriodInSeconds", 345_599),
        ("MessageRetentionPeriodInSeconds", 1_209_601),
    ] {
        let mut config = feed_config(json!([]));
        config["queue"][field] = value.into();
        assert_eq!(till.post(FEED_CONFIG, Some(config)).await.status, 400, "{field} {value}");
    }
    assert_eq!(till.get(FEED_CONFIG).await.status, 404);
}

#[tokio::test]
async fn each_key_has_its_own_feed() {
    let other = Credential { key: "vtexappkey-other".to_owned(), token: "other".to_owned() };
    let credentials = vec![Credential::default(), other.clone()];
    let orders = OrderOptions::without_window();
    let till = Till::with_all(Options { credentials, orders, ..Options::default() }).await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.place();
    let url = format!("{}{FEED}?maxlot=10", till.0.handle.base_url());
    let request =
        till.0.http.get(url).header("accept", "application/json").header("content-type", "application/json");
    let request = request.header("x-vtex-api-appkey", other.key).header("x-vtex-api-apptoken", other.token);
    assert_eq!(request.send().await.unwrap().status(), 404);
    assert_eq!(till.events().await.len(), 1);
}

#[tokio::test]
async fn the_feed_can_be_disturbed() {
    let till = Till::open().await;
    till.configure_feed(json!(["ready-for-handling"])).await;
    till.world().set_feed_faults(FeedFaults { duplicated: 1.0, ..FeedFaults::default() });
    till.place();
    let twice = till.events().await;
    assert_eq!(twice.len(), 2);
    assert_ne!(twice[0]["eventId"], twice[1]["eventId"]);
    till.commit(&twice).await;
    till.world().set_feed_faults(FeedFaults { hidden: 1.0, ..FeedFaults::default() });
    till.place();
    assert!(till.events().await.is_empty());
    till.world().set_feed_faults(FeedFaults { delayed: 1.0, delay_ms: 60_000_000, ..FeedFaults::default() });
    till.place();
    assert!(till.events().await.is_empty());
    till.world().advance(Duration::from_secs(60_000));
    assert_eq!(till.events().await.len(), 1);
    till.world().lose_feeds();
    assert_eq!(till.get(FEED_CONFIG).await.status, 404);
}

#[tokio::test]
async fn a_read_may_give_fewer_than_there_are() {
    let till = Till::open().await;
    till.configure_feed(json!([])).await;
    till.place();
    till.world().set_feed_faults(FeedFaults { short: 1.0, ..FeedFaults::default() });
    assert!(till.events().await.len() < 8);
}

#[tokio::test]
async fn reads_of_orders_have_vtexs_limit() {
    let limits = Limits { order_read: Some(Limit { per_minute: 1, credits: 1 }), ..Limits::default() };
    let orders = OrderOptions::without_window();
    let till = Till::with_all(Options { limits, orders, ..Options::default() }).await;
    let id = till.place();
    let path = format!("/api/oms/pvt/orders/{id}");
    assert_eq!(till.get(&path).await.status, 200);
    let limited = till.get(&path).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, None));
}
