//! Both sides move one order at the same moment.

use std::time::Duration;

use mare::simulator::{EmailMask, Latency, Limits, Options, OrderOptions, OrderStatus};

use super::order_load::DELIVER;
use super::order_status::{accepted, shows, view};
use super::orders::{ORDERS, number, order, place, texts};
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const COUNT: usize = 24;
const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\norder_read = { per_second = 500, burst = 500 }\n\
    order_write = { per_second = 500, burst = 500 }\n";

/// What staff decides about every open request.
const DENY: &str = "UPDATE live.pedido_venda SET decisao_cancelamento = 2, data_status = now()
    WHERE origem = 'VTEX' AND ind_solicitacao_cancelamento";

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_who_cancels_while_the_store_invoices_leaves_no_order_in_two_states() {
    let orders = OrderOptions { email: EmailMask::Hard, ..OrderOptions::without_window() };
    let latency = Latency { fixed: Duration::from_millis(20), jitter: Duration::from_millis(30) };
    let options = Options { limits: Limits::unlimited(), latency, orders, ..Options::default() };
    let mut site = Site::new(200, options, &format!("{ORDERS}{FAST}")).await;
    site.use_entities("\"order\"");
    let skus = texts(&site, "SELECT codigo FROM live.produto_sku ORDER BY codigo").await;
    site.vtex.world().seed_skus(skus.iter().cloned().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    // Orders of one store each, so that an invoice is the whole of it.
    let ids: Vec<String> = (0..COUNT).map(|n| place(&site, order(n * 5, &skus))).collect();
    for id in &ids {
        shows(&site, id, OrderStatus::Handling).await;
    }
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let cancels = |id: &String| usize::from(site.vtex.world().shopper_cancels(id, "desisti").is_ok());
    // One is before the race, and one after it.
    let mut asked = cancels(&ids[0]);
    for id in &ids {
        site.live.execute(DELIVER, &[&vec![id.clone()]]).await.unwrap();
        // The commit, the reading before the invoice, the invoice and what follows take some 200 ms.
        tokio::time::sleep(Duration::from_millis(random.u64(..250))).await;
        if id == &ids[COUNT - 1] {
            shows(&site, id, OrderStatus::Invoiced).await;
        }
        asked += cancels(id);
    }
    let settled = async |site: &Site| {
        let parked = site.run(&["parked", "list"]);
        ids.iter().all(|id| match view(site, id).status {
            // Nothing goes on until staff has decided, and staff is told.
            Some(OrderStatus::CancellationRequested) => {
                accepted(site, id) == ["start-handling"] && parked.contains(id.as_str())
            }
            status => status == Some(OrderStatus::Invoiced) && delivered(site, id),
        })
    };
    site.until("every order is invoiced, or its request is before staff", MINUTE, settled).await;
    let requests =
        ids.iter().filter(|id| view(&site, id).status == Some(OrderStatus::CancellationRequested)).count();
    println!("{asked} of {COUNT} asked to cancel; {requests} of these requests are open");
    assert!((1..COUNT).contains(&requests), "the first is asked about, the last is invoiced");
    let known =
        "SELECT count(*) FROM live.pedido_venda WHERE origem = 'VTEX' AND ind_solicitacao_cancelamento";
    site.until("Live knows of them", MINUTE, async |site| number(site, known).await == requests as i64).await;
    site.live.batch_execute(DENY).await.unwrap();
    site.until("all goes on", MINUTE, async |site| ids.iter().all(|id| delivered(site, id))).await;
    for id in &ids {
        let invoices = accepted(&site, id).iter().filter(|call| **call == "invoice").count();
        assert_eq!(invoices, 1, "{id}: {:?}", view(&site, id).calls);
    }
    assert!(site.run(&["parked", "list"]).contains("nothing is parked"));
    let open = "SELECT count(*) FROM live.pedido_venda WHERE origem = 'VTEX' AND status <> 90";
    assert_eq!(number(&site, open).await, 0);
    assert_eq!(site.stop(), 0, "{}", site.log());
}

fn delivered(site: &Site, id: &str) -> bool {
    let view = view(site, id);
    view.status == Some(OrderStatus::Invoiced) && view.delivered && view.invoiced == view.value
}
