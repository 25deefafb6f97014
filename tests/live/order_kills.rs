//! Guarantee 4, with a process that ends between any two steps, in the middle of a request, and in the middle of a commit.

use std::time::{Duration, Instant};

use mare::simulator::{Fault, FaultKind, Limits, Options, OrderOptions, OrderStatus};
use serde_json::json;

use super::order_status::{VALUE, accepted, invoice, place, shows, step, view};
use super::orders::{ORDERS, RESERVED, check_books, entered, number, order, place as place_this, texts};
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\norder_read = { per_second = 200, burst = 200 }\n\
    order_write = { per_second = 200, burst = 200 }\n";
/// VTEX hides from the next process for this long what it gave to the last one, and more.
const HIDDEN: Duration = Duration::from_secs(300);

const SKUS: &str = "SELECT codigo FROM live.produto_sku ORDER BY codigo";

/// A shop whose orders go both ways, with the feed set up, and nobody at work.
async fn shop() -> Site {
    let orders = OrderOptions::without_window();
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, &format!("{ORDERS}{FAST}")).await;
    site.use_entities("\"order\"");
    let known = texts(&site, SKUS).await;
    site.vtex.world().seed_skus(known.into_iter().zip(1..)).unwrap();
    site.run(&["install"]);
    site.start();
    let listening = async |site: &Site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["orders"]["feed"] == "listening"
            && status["orders"]["reconciling"] == false
            && status["sources"]["live"]["last_load"].is_object()
    };
    site.until("the feed and the first load", MINUTE, listening).await;
    all_told(&site).await;
    site.kill();
    site
}

/// Runs until it ends by itself at `point`.
async fn ends_at(site: &mut Site, point: &str) {
    site.start_with(&[("MARE_END_AT", point)]);
    let begun = Instant::now();
    while site.ended().is_none() {
        assert!(begun.elapsed() < MINUTE, "{point} is not reached\n{}", site.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    site.vtex.world().advance(HIDDEN);
}

/// Nothing is left of what VTEX has told, nor of what it is to be told.
async fn all_told(site: &Site) {
    let waiting = |site: &Site| site.vtex.world().feeds().iter().map(|feed| feed.waiting).sum::<usize>();
    let told = async |site: &Site| {
        if waiting(site) > 0 {
            // What the last process read is hidden from this one.
            site.vtex.world().advance(Duration::from_secs(5));
            return false;
        }
        // What was interrupted is looked at once more after a minute; that need not be waited for.
        let status = site.get("/status").await.unwrap_or_default();
        let orders = &status["vtex"]["lanes"]["orders"];
        status["sources"]["live"]["refresh_due"] == 0 && orders["in_flight"] == 0
    };
    site.until("all is told", MINUTE, told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_an_order_enters_once_and_is_handled_once_wherever_the_process_ends() {
    const POINTS: &[&str] = &[
        "order/told",
        "order/read",
        "order/entering",
        "order/entered",
        "order/noting",
        "order/noted",
        "feed/committing",
        "feed/committed",
        "order/looked-up",
        "order/wanted",
        "order-read/sending",
        "order-read/answered",
        "order-write/sending",
        "order-write/answered",
        "outcomes/stored",
    ];
    let mut site = shop().await;
    let before = number(&site, RESERVED).await;
    let skus = texts(&site, SKUS).await;
    let mut ids = Vec::new();
    for (n, point) in POINTS.iter().enumerate() {
        let id = place_this(&site, order(n, &skus));
        ends_at(&mut site, point).await;
        site.start();
        site.until(point, MINUTE, async |site| view(site, &id).status == Some(OrderStatus::Handling)).await;
        all_told(&site).await;
        assert_eq!(accepted(&site, &id), ["start-handling"], "{point}");
        ids.push(id);
        site.kill();
    }
    site.start();
    all_told(&site).await;
    check_books(&site, &ids, before).await;
    assert_eq!(site.get("/orders").await.unwrap()["total"], 0, "none is set aside");
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_what_vtex_ends_ends_once_in_live_wherever_the_process_ends() {
    let mut site = shop().await;
    let before = number(&site, RESERVED).await;
    let skus = texts(&site, SKUS).await;
    let enter = async |site: &mut Site, n| {
        let id = place_this(site, order(n, &skus));
        site.start();
        shows(site, &id, OrderStatus::Handling).await;
        all_told(site).await;
        site.kill();
        id
    };
    for (n, point) in
        ["order/ending", "order/ended", "order/noting", "feed/committing"].into_iter().enumerate()
    {
        // Of two parts.
        let id = enter(&mut site, 5 * n + 1).await;
        site.vtex.world().force_order_status(&id, OrderStatus::Canceled).unwrap();
        ends_at(&mut site, point).await;
        site.start();
        let open = format!(
            "SELECT count(*) FROM live.pedido_venda WHERE numero_externo LIKE '{id}%' AND status <> 95"
        );
        site.until(point, MINUTE, async |site| number(site, &open).await == 0).await;
        let written = format!(
            "SELECT count(*) FROM live.pedido_venda_status s JOIN live.pedido_venda p ON p.id = s.id_pedido \
             WHERE p.numero_externo LIKE '{id}%' AND s.status = 95"
        );
        assert_eq!(number(&site, &written).await, 2, "{point}: once for each part");
        site.kill();
    }
    assert_eq!(number(&site, RESERVED).await, before, "what is cancelled is reserved no more");
    for (n, point) in ["order/flagging", "order/flagged"].into_iter().enumerate() {
        let id = enter(&mut site, 5 * n).await;
        site.vtex.world().shopper_cancels(&id, "mudei de ideia").unwrap();
        ends_at(&mut site, point).await;
        site.start();
        let told = format!(
            "SELECT count(*) FROM live.pedido_venda WHERE numero_externo = '{id}' AND ind_solicitacao_cancelamento"
        );
        site.until(point, MINUTE, async |site| number(site, &told).await == 1).await;
        site.kill();
    }
    for point in ["order/holding", "order/held"] {
        let mut odd = order(2, &skus);
        odd["pickup"] = json!("retira-9");
        let id = place_this(&site, odd);
        ends_at(&mut site, point).await;
        site.start();
        let held = async |site: &Site| {
            let orders = site.get("/orders").await.unwrap_or_default();
            orders["held"].as_array().is_some_and(|held| held.iter().any(|held| held["order"] == id.as_str()))
        };
        site.until(point, MINUTE, held).await;
        all_told(&site).await;
        site.kill();
    }
}

/// An order of two pieces, in handling, with everything in Live that there is to tell; nobody at work.
async fn delivered(site: &mut Site, number: i32) -> String {
    let id = place(site).await;
    site.start();
    shows(site, &id, OrderStatus::Handling).await;
    all_told(site).await;
    site.kill();
    invoice(site, &id, number, VALUE, 2).await;
    let sql =
        format!("UPDATE live.pedido_venda SET codigo_rastreio = 'BR{number}' WHERE numero_externo = '{id}'");
    site.live.batch_execute(&sql).await.unwrap();
    step(site, &id, 90).await;
    id
}

const EACH_ONCE: [&str; 4] = ["start-handling", "invoice", "invoice-tracking-number", "tracking"];

async fn each_once(site: &Site, id: &str, point: &str) {
    site.until(point, MINUTE, async |site| view(site, id).delivered).await;
    let view = view(site, id);
    assert_eq!(accepted(site, id), EACH_ONCE, "{point}");
    assert_eq!((view.status, view.invoiced), (Some(OrderStatus::Invoiced), VALUE), "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_every_step_reaches_vtex_once_and_in_order_wherever_the_process_ends() {
    const POINTS: &[&str] = &[
        "order/looked-up",
        "order/wanted",
        "order-read/sending",
        "order-read/answered",
        "order-write/sending",
        "order-write/answered",
        "outcomes/stored",
        "order-write/sending:2",
        "order-write/answered:2",
        "order-write/sending:3",
        "order-write/answered:3",
    ];
    let mut site = shop().await;
    let mut ids = Vec::new();
    for (n, point) in (8_000..).zip(POINTS) {
        let id = delivered(&mut site, n).await;
        ends_at(&mut site, point).await;
        site.start();
        each_once(&site, &id, point).await;
        site.kill();
        ids.push(id);
    }
    site.start();
    all_told(&site).await;
    for id in &ids {
        assert_eq!(accepted(&site, id), EACH_ONCE, "and none of them later");
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_step_whose_answer_nobody_heard_is_not_told_twice() {
    let mut site = shop().await;
    let unheard = |route: &str, applied| Fault {
        route: route.to_owned(),
        count: Some(1),
        ms: 1_500,
        applied,
        ..Fault::new(FaultKind::Hang)
    };
    let mut n = 9_000;
    for applied in [true, false] {
        for (call, route) in [
            ("invoice", "POST */invoice"),
            ("invoice-tracking-number", "PATCH */invoice/*"),
            ("tracking", "PUT */tracking"),
        ] {
            n += 1;
            let id = delivered(&mut site, n).await;
            site.vtex.world().set_faults(vec![unheard(route, applied)]);
            site.start();
            let before = EACH_ONCE.into_iter().take_while(|other| *other != call).count();
            site.until(call, MINUTE, async |site| accepted(site, &id).len() == before + usize::from(applied))
                .await;
            if !applied {
                // It has left by now.
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            site.kill();
            site.start();
            each_once(&site, &id, route).await;
            site.kill();
        }
    }
    let id = place(&site).await;
    site.vtex.world().set_faults(vec![unheard("POST */start-handling", true)]);
    site.start();
    shows(&site, &id, OrderStatus::Handling).await;
    site.kill();
    site.start();
    all_told(&site).await;
    site.until("at rest", MINUTE, async |site| site.run(&["explain", "order", &id]).contains("at rest"))
        .await;
    assert_eq!(accepted(&site, &id), EACH_ONCE[..1]);
}

/// Has every commit of a new pedido wait for `go`.
const WAIT: &str = "CREATE FUNCTION public.wait_for_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
      WHILE NOT pg_try_advisory_xact_lock_shared(77) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NULL; END $$; \
    CREATE CONSTRAINT TRIGGER wait_for_go AFTER INSERT ON live.pedido_venda DEFERRABLE INITIALLY DEFERRED \
      FOR EACH ROW EXECUTE FUNCTION public.wait_for_go()";

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_4_a_commit_that_was_under_way_enters_the_order_once() {
    let mut site = shop().await;
    let before = number(&site, RESERVED).await;
    let skus = texts(&site, SKUS).await;
    site.live.batch_execute(WAIT).await.unwrap();
    let committing = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND usename = 'mare'";
    let mut ids: Vec<String> = Vec::new();
    for n in 0..2 {
        site.live.batch_execute("SELECT pg_advisory_lock(77)").await.unwrap();
        ids.push(place_this(&site, order(n, &skus)));
        site.start();
        site.until("its commit", MINUTE, async |site| number(site, committing).await == 1).await;
        site.kill();
        site.vtex.world().advance(HIDDEN);
        // Nobody hears of the commit: it comes through before the next process looks, or while it writes the same.
        if n == 0 {
            site.live.batch_execute("SELECT pg_advisory_unlock(77)").await.unwrap();
            site.until("it is in", MINUTE, async |site| entered(site).await.len() == 1).await;
            site.start();
        } else {
            site.start();
            let waits = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                 WHERE NOT l.granted AND a.usename = 'mare' AND l.locktype = 'transactionid'";
            site.until("the next one waits for it", MINUTE, async |site| number(site, waits).await == 1)
                .await;
            site.live.batch_execute("SELECT pg_advisory_unlock(77)").await.unwrap();
        }
        let id = &ids[n];
        shows(&site, id, OrderStatus::Handling).await;
        assert_eq!(accepted(&site, id), ["start-handling"]);
        all_told(&site).await;
        site.kill();
    }
    check_books(&site, &ids, before).await;
    let log = site.log();
    assert!(!log.contains("is set aside"), "what was there already is no trouble: {log}");
}
