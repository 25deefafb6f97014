//! The network between us and the others.

use std::time::Duration;

use super::proxy::{Mode, Proxy};
use super::{MINUTE, equal, open, shop};
use crate::support::replicator::Site;

/// Each once, and back to normal in between or not.
const TROUBLE: [Mode; 6] = [Mode::Cut, Mode::Pass, Mode::Swallow, Mode::Slow, Mode::Cut, Mode::Swallow];

/// What the replicator knows as Live from its next start on.
pub(super) async fn through_a_proxy(site: &Site) -> Proxy {
    let proxy = Proxy::start(([127, 0, 0, 1], site.postgres.port()).into()).await;
    let direct = format!("port = {}\ndatabase", site.postgres.port());
    let through = format!("port = {}\ndatabase", proxy.port());
    assert!(site.config().contains(&direct));
    site.set_config(&site.config().replace(&direct, &through));
    proxy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_to_live_that_cuts_slows_and_swallows_loses_no_change() {
    let mut site = open().await;
    let proxy = through_a_proxy(&site).await;
    site.start();
    equal(&site).await;
    for mode in TROUBLE {
        proxy.set(mode);
        shop(&site, 40).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        shop(&site, 10).await;
    }
    proxy.set(Mode::Pass);
    shop(&site, 10).await;
    equal(&site).await;
    assert_eq!(site.vtex.world().counters().backwards, 0);
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_to_vtex_that_cuts_slows_and_swallows_loses_no_change() {
    let mut site = open().await;
    let url = site.vtex.base_url();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(([127, 0, 0, 1], port).into()).await;
    site.set_config(&site.config().replace(&url, &format!("http://127.0.0.1:{}", proxy.port())));
    site.start();
    equal(&site).await;
    for mode in TROUBLE {
        proxy.set(mode);
        shop(&site, 40).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    proxy.set(Mode::Pass);
    shop(&site, 10).await;
    equal(&site).await;
    let counters = site.vtex.world().counters();
    assert_eq!(counters.backwards, 0, "what was swallowed may come late, and is found out");
    assert!(counters.in_flight_max <= 1, "one request per key");
    site.until("nothing waits", 2 * MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["vtex"]["keys"] == 0)
    })
    .await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}
