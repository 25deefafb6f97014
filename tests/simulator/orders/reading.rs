//! The list of orders.

use std::time::Duration;

use mare::simulator::{OrderOptions, OrderStatus};
use serde_json::{Value, json};

use super::Till;

const LIST: &str = "/api/oms/pvt/orders";
const HOUR: Duration = Duration::from_secs(3_600);

fn ids(list: &Value) -> Vec<&str> {
    list["list"].as_array().unwrap().iter().map(|order| order["orderId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_range_of_dates_finds_the_orders_of_that_time() {
    let till = Till::open().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(till.place());
        till.world().advance(HOUR);
    }
    let at: Vec<String> = {
        let views = till.world().order_views();
        views.iter().map(|view| view.history[0].0.clone()).collect()
    };
    let range = |from: &str, to: &str| format!("{LIST}?f_creationDate=creationDate:[{from}%20TO%20{to}]");
    let all = till.get(&range(&at[0], &at[2])).await.body;
    assert_eq!(ids(&all), [placed[2].as_str(), &placed[1], &placed[0]], "the newest first");
    assert_eq!(ids(&till.get(&range(&at[1], &at[1])).await.body), [placed[1].as_str()]);
    let page = format!("{}&page=2&per_page=2&orderBy=creationDate,asc", range(&at[0], &at[2]));
    let page = till.get(&page).await.body;
    assert_eq!(ids(&page), [placed[2].as_str()]);
    assert_eq!(page["paging"], json!({"total": 3, "pages": 2, "currentPage": 2, "perPage": 2}));
    assert_eq!(all["stats"]["stats"]["totalValue"]["Sum"], 3 * 6_498);
    assert_eq!(till.get(&format!("{LIST}?f_creationDate=yesterday")).await.status, 400);
}

#[tokio::test]
async fn the_list_ends_after_thirty_pages_of_a_hundred() {
    let till = Till::open().await;
    assert_eq!(till.get(&format!("{LIST}?page=31")).await.status, 400);
    assert_eq!(till.get(&format!("{LIST}?per_page=101")).await.status, 400);
    assert_eq!(till.get(&format!("{LIST}?page=30&per_page=100")).await.status, 200);
}

#[tokio::test]
async fn statuses_filter_and_incomplete_orders_are_a_list_of_their_own() {
    let till = Till::open().await;
    let (ready, handled) = (till.place(), till.handled().await);
    let incomplete = till.place_as(json!({"incomplete": true}));
    let list = async |query: &str| till.get(&format!("{LIST}?{query}")).await.body;
    assert_eq!(ids(&list("f_status=handling").await), [handled.as_str()]);
    assert_eq!(ids(&list("f_status=handling,ready-for-handling").await), [handled.as_str(), &ready]);
    assert_eq!(ids(&list("incompleteOrders=true").await), [incomplete.as_str()]);
    assert_eq!(ids(&list(&format!("q={ready}")).await), [ready.as_str()]);
}

#[tokio::test]
async fn the_list_may_be_late() {
    let list_lag = Duration::from_secs(240);
    let till = Till::with(OrderOptions { list_lag, ..OrderOptions::without_window() }).await;
    let id = till.place();
    assert!(ids(&till.get(LIST).await.body).is_empty());
    assert_eq!(till.document(&id).await["status"], OrderStatus::ReadyForHandling.name());
    till.world().advance(list_lag);
    assert_eq!(ids(&till.get(LIST).await.body), [id.as_str()]);
}
