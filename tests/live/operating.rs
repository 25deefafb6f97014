//! What operators see is what happens: metrics, status, readiness, explain, parked keys.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use mare::simulator::{Fault, FaultKind, Limits, Options};
use serde_json::Value;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const TUNING: &str = "[tuning.routes]\nstock_write = { per_second = 2000, burst = 1500 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n";
/// Keys of the SKU that VTEX does not have: its stock in two stores, and its price.
const WAITING_KEYS: u64 = 3;
/// Rows whose stock is changed in the steps below.
const ROWS: usize = 10;

/// The samples of `/metrics`: name and labels to value.
struct Metrics(BTreeMap<(String, BTreeMap<String, String>), f64>);

impl Metrics {
    async fn of(site: &Site) -> Self {
        let text = site.text("/metrics").await;
        Self(
            text.lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(Self::sample)
                .collect(),
        )
    }

    fn sample(line: &str) -> ((String, BTreeMap<String, String>), f64) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        let labels = labels.map(|label| {
            let (name, value) = label.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        });
        ((name.to_owned(), labels.collect()), value.parse().unwrap())
    }

    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.get(&(name.to_owned(), labels)).copied()
    }

    #[track_caller]
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} among {:#?}", self.0.keys()))
    }
}

/// A stock row of store 001 that VTEX shows as it is: SKU id, and the SKU's code.
type Shown = (String, String);

/// Rows whose quantity shows in VTEX unchanged, so that a change of it is one of a key.
async fn shown_rows(site: &Site) -> Vec<Shown> {
    let rows = site
        .live
        .query(
            "SELECT s.id::text, s.codigo FROM live.estoque_saldo e JOIN live.produto_sku s ON s.id = e.id_sku \
             JOIN live.produto p ON p.id = s.id_produto JOIN live.loja l ON l.id = e.id_loja \
             JOIN live.deposito d ON d.id = e.id_deposito \
             WHERE l.codigo = '001' AND e.quantidade - e.quantidade_reservada > 20 AND NOT p.ind_fracionado \
               AND p.ind_integra_ecommerce AND p.situacao = 1 AND s.situacao = 1 AND s.ind_ativo_ecommerce \
               AND p.estoque_minimo_exibicao = 0 AND d.ind_disponivel_ecommerce \
               AND EXISTS (SELECT FROM live.estoque_saldo o WHERE o.id_sku = s.id AND o.id_loja <> e.id_loja) \
             ORDER BY s.codigo LIMIT $1::int",
            &[&(ROWS as i32 + 1)],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), ROWS + 1);
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Adds `amount` to the quantity of these SKUs in store 001.
async fn add(site: &Site, rows: &[Shown], amount: i32) {
    let ids: Vec<&str> = rows.iter().map(|(id, _)| id.as_str()).collect();
    let changed = site
        .live
        .execute(
            "UPDATE live.estoque_saldo SET quantidade = quantidade + $1::int WHERE id_sku::text = ANY($2) \
             AND id_loja = (SELECT id FROM live.loja WHERE codigo = '001')",
            &[&amount, &ids],
        )
        .await
        .unwrap();
    assert_eq!(changed, rows.len() as u64);
}

/// Waits until a sample has a value.
async fn reaches(site: &Site, name: &str, labels: &[(&str, &str)], fits: impl Fn(f64) -> bool) {
    site.until(&format!("{name} {labels:?}"), MINUTE, async |site| {
        Metrics::of(site).await.find(name, labels).is_some_and(&fits)
    })
    .await;
}

async fn idle(site: &Site) {
    site.until("nothing is under way", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        let parked: u64 = parked(&status).values().sum();
        let loaded = status["sources"]["live"]["last_load"]["ended"].is_number();
        loaded && status["vtex"]["keys"] == parked + WAITING_KEYS
    })
    .await;
}

/// What VTEX has otherwise than Live, of the SKUs that it knows.
async fn differences(site: &Site) -> Vec<String> {
    let mut differences = site.stock_differences().await;
    differences.extend(site.price_differences().await);
    differences.retain(|difference| {
        let key = difference.split(':').next().unwrap_or_default();
        site.vtex.world().sku_id(key.rsplit('/').next().unwrap_or_default()).is_some()
    });
    differences
}

async fn equal(site: &Site) {
    site.until("VTEX equals Live", MINUTE, async |site| differences(site).await.is_empty()).await;
}

/// Parked stock keys by reason.
fn parked(status: &Value) -> BTreeMap<String, u64> {
    let by_reason = status["vtex"]["lanes"]["stock"]["parked"].as_object();
    by_reason.into_iter().flatten().map(|(reason, count)| (reason.clone(), count.as_u64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_see_is_what_happens() {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, TUNING).await;
    let mut rows = shown_rows(&site).await;
    // VTEX does not know the last of them.
    let (_, missing) = rows.pop().unwrap();
    let skus = site.live.query("SELECT codigo FROM live.produto_sku ORDER BY codigo", &[]).await.unwrap();
    let codes = skus.iter().map(|row| row.get::<_, String>(0)).filter(|code| *code != missing);
    site.vtex.world().seed_skus(codes.zip(1..)).unwrap();
    site.start();
    site.until("it answers", MINUTE, async |site| site.get("/status").await.is_some()).await;

    a_missing_sku_is_waited_for(&site, &missing).await;
    a_first_load_is_counted(&site).await;
    a_paused_lane_shows_its_backlog(&site, &rows).await;
    parked_keys_are_listed_retried_and_dropped(&site, &rows[0].1).await;
    failures_show_by_their_outcome(&site, &rows).await;
    the_way_from_live_is_measured(&site, &rows).await;
    the_readme_names_what_metrics_has(&site).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}

async fn a_missing_sku_is_waited_for(site: &Site, sku: &str) {
    // Its stock in both stores, and its price.
    reaches(site, "mare_waiting_keys", &[("lane", "stock"), ("for", "sku")], |keys| keys == 2.0).await;
    reaches(site, "mare_waiting_keys", &[("lane", "price"), ("for", "sku")], |keys| keys == 1.0).await;
    let explained = site.run(&["explain", "stock", &format!("loja001/{sku}")]);
    assert!(explained.contains(&format!("VTEX knows no SKU with the reference {sku}")), "{explained}");
    idle(site).await;
}

async fn a_first_load_is_counted(site: &Site) {
    let status: Value = serde_json::from_str(&site.run(&["status", "--json"])).unwrap();
    let metrics = Metrics::of(site).await;
    let counters = site.vtex.world().counters();
    let source = [("source", "live")];
    let load = &status["sources"]["live"]["last_load"];
    assert_eq!(metrics.value("mare_reconcile_progress", &source), 1.0);
    assert_eq!(Some(metrics.value("mare_reconcile_rows_total", &source)), load["rows"].as_f64());
    assert_eq!(
        Some(metrics.value("mare_reconcile_differences_total", &source)),
        load["differences"].as_f64()
    );
    assert_eq!(metrics.value("mare_source_up", &source), 1.0);

    // Every key once: what was confirmed, what was sent, what VTEX took, and how long it all took.
    let written = counters.stock_writes as f64;
    assert_eq!(written, site.all_stock().await.len() as f64);
    let (stock, write) = ([("entity", "stock")], [("route", "stock-write")]);
    for (name, labels) in [
        ("mare_confirmed_total", &stock[..]),
        ("mare_commit_to_confirm_seconds_count", &stock),
        ("mare_request_seconds_count", &write),
        ("mare_requests_total", &[("route", "stock-write"), ("outcome", "ok")]),
    ] {
        assert_eq!(metrics.value(name, labels), written, "{name}");
    }
    assert_eq!(status["vtex"]["routes"]["stock-write"]["requests"]["ok"].as_f64(), Some(written));
    assert_eq!(
        metrics.value("mare_confirmed_total", &[("entity", "price")]),
        site.dump("prices").await.len() as f64
    );

    let (limit, lane) = (&status["vtex"]["routes"]["stock-write"]["limit"], [("lane", "stock")]);
    assert_eq!(metrics.value("mare_rate_configured_per_second", &write), 2_000.0);
    assert_eq!(metrics.value("mare_rate_limit_per_second", &write), 2_000.0);
    assert_eq!(limit["configured_per_second"], 2_000.0);
    assert!((0.0..=1_500.0).contains(&metrics.value("mare_rate_tokens", &write)));
    assert_eq!(metrics.value("mare_throttled_total", &write), 0.0);
    assert_eq!(metrics.value("mare_breaker_open", &lane), 0.0);
    assert_eq!(metrics.value("mare_requests_in_flight", &lane), 0.0);
    assert!((1.0..=32.0).contains(&metrics.value("mare_concurrency_limit", &lane)));

    assert!(metrics.value("mare_ledger_bytes", &[]) > 0.0);
    let commits = metrics.value("mare_ledger_commits_total", &[]);
    assert!(commits > 0.0 && metrics.value("mare_ledger_commit_seconds_count", &[]) == commits);
    let kept = status["sources"]["live"]["rows"].as_object().unwrap();
    assert!(!kept.is_empty(), "the reference shop has products that are not for the web");
    for (label, count) in kept {
        let (outcome, reason) = label.split_once('/').unwrap();
        let labels = [("outcome", outcome), ("reason", reason)];
        assert_eq!(Some(metrics.value("mare_rows_total", &labels)), count.as_f64(), "{label}");
    }
    assert_eq!(site.get("/readyz").await.unwrap(), serde_json::json!({ "ready": true, "reasons": [] }));
}

async fn a_paused_lane_shows_its_backlog(site: &Site, rows: &[Shown]) {
    let (queued, backlog) = ("mare_queued_keys", ROWS as f64);
    let rising = [("lane", "stock"), ("urgency", "rising")];
    let falling = [("lane", "stock"), ("urgency", "falling")];
    let (ledger, source) = ([("where", "ledger")], [("where", "source")]);
    site.run(&["tuning", "--set", r#"{"paused": ["stock"]}"#]);
    let before = Metrics::of(site).await;
    let key = format!("loja001/{}", rows[0].1);
    let shown = site.stock(&rows[0].1, "loja001").unwrap();

    add(site, rows, 1).await;
    reaches(site, queued, &rising, |keys| keys == backlog).await;
    let ready = site.get("/readyz").await.unwrap();
    assert_eq!(ready["ready"], false);
    assert!(ready["reasons"].to_string().contains("lane stock is paused"), "{ready}");
    let explained = site.run(&["explain", "stock", &key]);
    for part in [
        "\n  confirmed ".to_owned(),
        format!(": {shown} units"),
        format!("wanted: {} units", shown + 1),
        "the lane stock is paused".to_owned(),
        format!("SKU {}", rows[0].1),
    ] {
        assert!(explained.contains(&part), "{part} is not in\n{explained}");
    }
    let explained: Value = serde_json::from_str(&site.run(&["explain", "--json", "stock", &key])).unwrap();
    assert_eq!(
        explained["active"]["wanted"]["value"]["stock"],
        serde_json::json!({ "quantity": shown + 1, "reserved": 0 })
    );

    // Newer values replace those that wait, and their urgency.
    add(site, rows, -2).await;
    reaches(site, queued, &falling, |keys| keys == backlog).await;
    let now = Metrics::of(site).await;
    assert_eq!(
        now.value("mare_coalesced_total", &ledger) - before.value("mare_coalesced_total", &ledger),
        backlog
    );
    assert_eq!(now.value(queued, &rising), 0.0);
    the_oldest_key_is_dated(site).await;

    // Back to what VTEX has: nothing is left to be sent.
    add(site, rows, 1).await;
    reaches(site, queued, &falling, |keys| keys == 0.0).await;
    let now = Metrics::of(site).await;
    assert_eq!(
        now.value("mare_suppressed_total", &ledger) - before.value("mare_suppressed_total", &ledger),
        backlog
    );
    let explained = site.run(&["explain", "stock", &key]);
    assert!(explained.contains("at rest"), "{explained}");

    // Two changes of one transaction are one already on the way in.
    site.live.batch_execute("BEGIN").await.unwrap();
    add(site, rows, 5).await;
    add(site, rows, -1).await;
    site.live.batch_execute("COMMIT").await.unwrap();
    reaches(site, queued, &rising, |keys| keys == backlog).await;
    let now = Metrics::of(site).await;
    let coalesced = |metrics: &Metrics| metrics.value("mare_coalesced_total", &source);
    assert_eq!(coalesced(&now) - coalesced(&before), backlog);
    let total = |name| now.value(name, &[("source", "live")]) - before.value(name, &[("source", "live")]);
    assert_eq!(total("mare_source_changes_total"), 5.0 * backlog);
    assert_eq!(total("mare_source_transactions_total"), 4.0);
    let writes = site.vtex.world().counters().stock_writes;
    site.run(&["tuning", "--set", r#"{"paused": []}"#]);
    idle(site).await;
    assert_eq!(site.vtex.world().counters().stock_writes - writes, ROWS as u64);
    assert_eq!(site.stock(&rows[0].1, "loja001"), Some(shown + 4));
    assert_eq!(site.get("/readyz").await.unwrap()["ready"], true);
}

/// The same as a moment and as an age.
async fn the_oldest_key_is_dated(site: &Site) {
    let since = |status: &Value| status["vtex"]["lanes"]["stock"]["oldest_since"].as_f64().unwrap() / 1e6;
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let since = since(&site.get("/status").await.unwrap());
    let before = now() - since;
    let oldest = Metrics::of(site).await.value("mare_oldest_dirty_seconds", &[("lane", "stock")]);
    // Whole microseconds on one side, floating point on the other.
    assert!((before - 0.001..=now() - since + 0.001).contains(&oldest), "{oldest}");
    assert!(oldest > 0.0);
}

async fn parked_keys_are_listed_retried_and_dropped(site: &Site, sku: &str) {
    assert_eq!(site.run(&["parked", "list"]).trim(), "nothing is parked");
    let id = site.vtex.world().sku_id(sku).unwrap().to_string();
    let fault =
        Fault { sku: Some(id), route: "logistics".to_owned(), ..Fault::new(FaultKind::EmptyBadRequest) };
    site.vtex.world().set_faults(vec![fault]);
    let change = format!(
        "UPDATE live.estoque_saldo SET quantidade = quantidade + 1 \
         WHERE id_sku = (SELECT id FROM live.produto_sku WHERE codigo = '{sku}')"
    );
    site.live.batch_execute(&change).await.unwrap();
    reaches(site, "mare_parked_keys", &[("reason", "rejected")], |keys| keys == 2.0).await;
    let metrics = Metrics::of(site).await;
    let refused = [("route", "stock-write"), ("outcome", "400")];
    assert_eq!(
        metrics.value("mare_requests_total", &refused),
        site.vtex.world().counters().with_status(400) as f64
    );
    let status: Value = serde_json::from_str(&site.run(&["status", "--json"])).unwrap();
    assert_eq!(parked(&status)["rejected"], 2);

    let (first, second) = (format!("loja001/{sku}"), format!("loja002/{sku}"));
    let listed = site.run(&["parked", "list", "--entity", "stock", "--reason", "rejected"]);
    for part in [&*first, &second, "rejected", "PATCH /api/logistics/pvt/inventory/skus/", "→ 400"] {
        assert!(listed.contains(part), "{part} is not in\n{listed}");
    }
    assert_eq!(site.run(&["parked", "list", "--entity", "price"]).trim(), "nothing is parked");
    let shown: Value = serde_json::from_str(&site.run(&["parked", "show", "stock", &first])).unwrap();
    assert_eq!((&shown[0]["key"], &shown[0]["reason"]), (&Value::from(&*first), &Value::from("rejected")));
    assert!(!shown[0]["hint"].as_str().unwrap().is_empty() && shown[1].is_null(), "{shown}");
    let explained = site.run(&["explain", "stock", &first]);
    assert!(explained.contains("parked") && explained.contains("(rejected)"), "{explained}");

    site.vtex.world().set_faults(Vec::new());
    assert!(site.run(&["parked", "drop", "stock", &first]).starts_with("dropped"));
    assert!(site.fails(&["parked", "drop", "stock", &first]).contains("is not parked"));
    assert!(site.run(&["explain", "stock", &first]).contains("at rest"));
    assert_eq!(site.run(&["parked", "retry", "--key", &second]).trim(), "1 keys are tried again");
    reaches(site, "mare_parked_keys", &[("reason", "rejected")], |keys| keys == 0.0).await;
    idle(site).await;
    let differences = differences(site).await;
    assert!(
        differences.len() == 1 && differences[0].starts_with(&first),
        "dropped means not sent: {differences:?}"
    );
    site.run(&["reconcile", "stock", "--key", sku]);
    equal(site).await;
}

async fn failures_show_by_their_outcome(site: &Site, rows: &[Shown]) {
    let (route, lane) = ([("route", "stock-write")], [("lane", "stock")]);
    let outcome = |outcome: &'static str| [("route", "stock-write"), ("outcome", outcome)];
    // A hanging answer takes longer than the timeout of the installation.
    let once = |kind| Fault { route: "logistics".to_owned(), count: Some(1), ms: 2_500, ..Fault::new(kind) };
    for (kind, label) in [
        (FaultKind::Reset, "reset"),
        (FaultKind::Hang, "timeout"),
        (FaultKind::ErrorBefore, "500"),
        (FaultKind::TooManyRequests, "429"),
    ] {
        site.vtex.world().set_faults(vec![once(kind)]);
        add(site, rows, 1).await;
        reaches(site, "mare_requests_total", &outcome(label), |requests| requests == 1.0).await;
        equal(site).await;
    }
    let metrics = Metrics::of(site).await;
    assert_eq!(metrics.value("mare_throttled_total", &route), 1.0);
    let (allowed, configured) = ("mare_rate_limit_per_second", "mare_rate_configured_per_second");
    assert!(
        metrics.value(allowed, &route) < metrics.value(configured, &route),
        "halved, and on its way back"
    );

    let away = Fault { retry_after: Some(1), ..Fault::new(FaultKind::Unavailable) };
    site.vtex.world().set_faults(vec![away]);
    add(site, rows, 1).await;
    reaches(site, "mare_breaker_open", &lane, |open| open > 0.0).await;
    reaches(site, "mare_requests_total", &outcome("503"), |requests| requests > 0.0).await;
    let ready = site.get("/readyz").await.unwrap();
    assert!(ready["reasons"].to_string().contains("lane stock: VTEX does not work"), "{ready}");
    site.vtex.world().set_faults(Vec::new());
    equal(site).await;
    reaches(site, "mare_breaker_open", &lane, |open| open == 0.0).await;
    // A request without a clear answer may still be applied: its key is looked at again in a while.
    let verified = [("lane", "stock"), ("for", "verification")];
    assert!(Metrics::of(site).await.value("mare_waiting_keys", &verified) > 0.0);
}

async fn the_way_from_live_is_measured(site: &Site, rows: &[Shown]) {
    let source = [("source", "live")];
    site.live.batch_execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'").await.unwrap();
    site.live.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let least = f64::from(1 << 29);
    reaches(site, "mare_slot_safe_bytes", &source, |bytes| {
        (least..2.0 * least + f64::from(32 << 20)).contains(&bytes)
    })
    .await;
    reaches(site, "mare_slot_retained_bytes", &source, |bytes| (1.0..f64::from(64 << 20)).contains(&bytes))
        .await;
    let heartbeat = Metrics::of(site).await.value("mare_heartbeat_seconds", &source);
    assert!((0.0..10.0).contains(&heartbeat), "{heartbeat}");

    // The process that sends us the WAL stands still; Live goes on.
    let sender = site.live.query_one("SELECT pid::text FROM pg_stat_replication", &[]).await.unwrap();
    let signal = |signal: &str| {
        let sent = Command::new("kill").args([signal, sender.get::<_, &str>(0)]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the test may signal its own Postgres");
    };
    signal("-STOP");
    let begun = Instant::now();
    add(site, rows, 1).await;
    reaches(site, "mare_source_lag_bytes", &source, |bytes| bytes > 0.0).await;
    reaches(site, "mare_source_lag_seconds", &source, |seconds| seconds > 1.5).await;
    let metrics = Metrics::of(site).await;
    let status = site.get("/status").await.unwrap();
    let behind =
        (metrics.value("mare_source_lag_bytes", &source), metrics.value("mare_source_lag_seconds", &source));
    signal("-CONT");
    // One heartbeat a second was on its way at most when the sender stopped.
    assert!(behind.1 < begun.elapsed().as_secs_f64() + 2.0, "{behind:?}");
    assert!(
        behind.0 < f64::from(16 << 20)
            && status["sources"]["live"]["lag_bytes"].as_f64().unwrap() >= behind.0
    );
    reaches(site, "mare_source_lag_bytes", &source, |bytes| bytes == 0.0).await;
    reaches(site, "mare_source_lag_seconds", &source, |seconds| seconds == 0.0).await;
    equal(site).await;
}

/// Of capture by triggers, of orders taken in, of messages to customers, of the shop's opt-ins and of a proof that has ended;
/// this site has a slot and none of these.
const ONLY_WHERE_CONFIGURED: [&str; 11] = [
    "mare_capture_faults",
    "mare_changelog_rows",
    "mare_drift_",
    "mare_proof_differences",
    "mare_proof_keys",
    "mare_feed_",
    "mare_hook_",
    "mare_order_entry_",
    "mare_orders_",
    "mare_message",
    "mare_shop_",
];

/// The README's table and `/metrics` hold the same names with the same labels.
async fn the_readme_names_what_metrics_has(site: &Site) {
    let readme = include_str!("../../README.md");
    let documented: BTreeMap<String, BTreeSet<String>> = readme
        .lines()
        .filter(|line| line.starts_with("| `mare_"))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            let name = cells.next().unwrap().trim_matches('`').to_owned();
            let labels = cells.next().unwrap().split(',').filter(|label| !["–", ""].contains(label));
            (name, labels.map(str::to_owned).collect())
        })
        .filter(|(name, _): &(String, _)| !ONLY_WHERE_CONFIGURED.iter().any(|start| name.starts_with(start)))
        .collect();
    let metrics = Metrics::of(site).await;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, labels) in metrics.0.keys().filter(|(name, _)| name.starts_with("mare_")) {
        let parts = ["_bucket", "_sum", "_count"].map(|part| name.strip_suffix(part));
        let whole = parts.into_iter().flatten().find(|whole| documented.contains_key(*whole));
        let labels = labels.keys().filter(|label| *label != "le").cloned();
        found.entry(whole.unwrap_or(name).to_owned()).or_default().extend(labels);
    }
    assert_eq!(found, documented);
}
