//! What VTEX can do to us.

use std::time::{Duration, Instant};

use mare::simulator::{Credential, Fault, FaultKind, Limit, Limits, Options};

use crate::support::replicator::{KEY, Site};

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n";

fn unlimited() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

/// Stock keys that are set aside.
fn parked(status: &serde_json::Value) -> u64 {
    let by_reason = status["vtex"]["lanes"]["stock"]["parked"].as_object().unwrap();
    by_reason.values().map(|count| count.as_u64().unwrap()).sum()
}

/// Changes every balance, by so much that whatever is for sale has another quantity in VTEX.
async fn sell(site: &Site) {
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1000").await.unwrap();
}

/// The stock of something that is for sale.
async fn for_sale(site: &Site) -> serde_json::Value {
    let stock = site.all_stock().await;
    stock.into_iter().find(|stock| stock["quantity"].as_i64() > Some(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_obeyed_with_and_without_retry_after() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    for retry_after in [Some(2), None] {
        let fault = Fault {
            route: "logistics".to_owned(),
            count: Some(1),
            retry_after,
            ..Fault::new(FaultKind::TooManyRequests)
        };
        site.vtex.world().set_faults(vec![fault]);
        sell(&site).await;
        site.converged(MINUTE).await;
    }
    let status = site.get("/status").await.unwrap();
    assert_eq!(parked(&status), 0);
    assert!(status["vtex"]["routes"]["stock-write"]["limit"]["throttled"].as_u64().unwrap() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_park_nothing_and_new_ones_are_taken_without_a_restart() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site.vtex.world().set_credentials(vec![Credential { key: KEY.to_owned(), token: "renewed".to_owned() }]);
    sell(&site).await;
    site.until("the refusal is said", MINUTE, async |site| {
        let ready = site.get("/readyz").await.unwrap_or_default();
        ready["reasons"].to_string().contains("app key")
    })
    .await;
    let before = site.requests();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(site.requests() - before < 10, "a wrong key is not tried in a loop");
    site.set_token("renewed");
    site.signal("-HUP");
    site.converged(MINUTE).await;
    let status = site.get("/status").await.unwrap();
    assert_eq!(parked(&status), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_key_is_parked_alone_and_comes_back_by_hand() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let sku = for_sale(&site).await["sku"].to_string();
    let fault =
        Fault { route: "logistics".to_owned(), sku: Some(sku), ..Fault::new(FaultKind::EmptyBadRequest) };
    site.vtex.world().set_faults(vec![fault]);
    sell(&site).await;
    site.until("only that SKU differs", MINUTE, async |site| {
        let parked = site.command(&["parked", "list"]).output().unwrap();
        let text = String::from_utf8_lossy(&parked.stdout).into_owned();
        text.contains("rejected") && site.stock_differences().await.len() <= 2
    })
    .await;
    site.vtex.world().set_faults(Vec::new());
    let retried = site.command(&["parked", "retry", "--reason", "rejected"]).output().unwrap();
    assert!(retried.status.success(), "{}", String::from_utf8_lossy(&retried.stderr));
    site.converged(MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_that_vtex_does_not_know_waits_without_requests_and_then_goes() {
    let options = Options { auto_skus: false, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, FAST).await;
    site.start();
    site.until("the load has ended", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["ended"].is_number()
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counters = site.vtex.world().counters();
    let writes: u64 = counters
        .requests
        .iter()
        .filter(|(route, _)| !route.contains("stockkeepingunit"))
        .flat_map(|(_, statuses)| statuses.values())
        .sum();
    assert_eq!(writes, 0, "nothing is sent for SKUs that do not exist: {counters:?}");
    let rows = site.live.query("SELECT codigo FROM live.produto_sku", &[]).await.unwrap();
    site.vtex
        .world()
        .seed_skus(rows.iter().enumerate().map(|(n, row)| (row.get::<_, String>(0), n as u32 + 1)))
        .unwrap();
    site.converged(2 * MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vtex_limits_are_kept_without_a_single_429() {
    let options = Options {
        auto_skus: true,
        limits: Limits { logistics: Some(Limit { per_minute: 3_600, credits: 60 }), ..Limits::default() },
        ..Options::default()
    };
    let tuning = "[tuning.routes]\nstock_write = { per_second = 50, burst = 50 }\n";
    let mut site = Site::new(200, options, tuning).await;
    site.start();
    site.converged(2 * MINUTE).await;
    sell(&site).await;
    let begun = Instant::now();
    site.converged(2 * MINUTE).await;
    assert!(begun.elapsed() > Duration::from_secs(3), "the rate was not kept");
    assert_eq!(site.vtex.world().counters().total_rate_limited(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_out_at_kill_9_is_not_trusted_to_be_over() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    let shown = for_sale(&site).await;
    let key = format!("{}/{}", shown["warehouse"].as_str().unwrap(), shown["ref"].as_str().unwrap());
    let fault = Fault {
        route: "logistics".to_owned(),
        sku: Some(shown["sku"].to_string()),
        ms: 60_000,
        ..Fault::new(FaultKind::Hang)
    };
    site.vtex.world().set_faults(vec![fault]);
    sell(&site).await;
    let state = async |site: &Site| site.get(&format!("/explain/stock/{key}")).await.unwrap_or_default();
    site.until("its request hangs", MINUTE, async |site| {
        state(site).await["active"]["state"] == "in-flight" && site.stock_differences().await.len() <= 2
    })
    .await;
    site.kill();
    site.vtex.world().set_faults(vec![]);
    site.start();
    site.converged(MINUTE).await;
    // VTEX may still work on the request of the killed process: the key is read once more, later.
    let explained = state(&site).await;
    assert_eq!(explained["active"]["state"], "verifying", "{explained:#}");
    let status = site.get("/status").await.unwrap();
    let verifying = status["vtex"]["lanes"]["stock"]["verifying"].as_u64().unwrap();
    assert!((1..=2).contains(&verifying), "only what was out is doubted: {verifying}");
}

/// A small disk, for as long as it is mounted.
#[cfg(target_os = "linux")]
struct SmallDisk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    /// `None` where the tests may not mount anything.
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mut mount = std::process::Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(&path).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(path))
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.0.join("ballast")).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_confirms_nothing_and_the_next_start_goes_on() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    let Some(disk) = SmallDisk::mount(site.state_dir()) else {
        eprintln!("SKIPPED: a small disk cannot be mounted here (root is needed)");
        return;
    };
    site.start();
    site.converged(MINUTE).await;
    disk.fill();
    let began = Instant::now();
    // The journal has some room left: sell until there is none.
    let code = loop {
        sell(&site).await;
        if let Some(code) = site.ended() {
            break code;
        }
        assert!(began.elapsed() < MINUTE, "it neither ends nor says why:\n{}", site.log());
    };
    assert_ne!(code, 0);
    assert!(site.log().contains("takes nothing more after a write that failed"), "{}", site.log());
    disk.make_room();
    site.start();
    site.converged(MINUTE).await;
    site.kill();
}
