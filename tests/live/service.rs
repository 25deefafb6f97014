//! As a service: what systemd is told, what SIGHUP reads again, how settings change while it runs.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use mare::simulator::{Limits, Options};
use serde_json::{Value, json};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const RATE: &str = "stock_write = { per_second = 1000, burst = 1000 }";

/// What the service told its manager, one state after the other.
struct Manager(UnixDatagram);

impl Manager {
    /// Waits for a state and returns what came before it.
    fn waits_for(&self, state: &str) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let mut buffer = [0; 1024];
            let length =
                self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("no {state} after {told:?}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            for line in text.lines() {
                if line == state {
                    return told;
                }
                told.push(line.to_owned());
            }
        }
    }
}

/// Requests per second to write stock: as configured, and as in `/metrics`.
async fn rate(site: &Site) -> (Value, bool) {
    let tuning = site.get("/tuning").await.unwrap();
    let rate = tuning["routes"]["stock_write"]["per_second"].clone();
    let sample = format!(
        "mare_rate_configured_per_second{{route=\"stock-write\"}} {rate:.0}",
        rate = rate.as_f64().unwrap()
    );
    let shown = site.text("/metrics").await.lines().any(|line| line == sample);
    (rate, shown)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_tells_its_manager_and_takes_new_settings() {
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, &format!("[tuning.routes]\n{RATE}\n")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    manager.0.set_read_timeout(Some(MINUTE)).unwrap();
    site.start_with(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")]);

    let before = manager.waits_for("READY=1");
    assert_eq!(before, Vec::<String>::new(), "ready comes first");
    for _ in 0..3 {
        manager.waits_for("WATCHDOG=1");
    }
    settings_change_while_it_runs(&site).await;
    sighup_reads_the_file_again(&site).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
    let before = manager.waits_for("STOPPING=1");
    assert!(before.iter().all(|state| state == "WATCHDOG=1"), "{before:?}");

    // What was saved outlives the process, and the file that has not changed since.
    site.start();
    site.until("it runs again", MINUTE, async |site| site.get("/tuning").await.is_some()).await;
    assert_eq!(rate(&site).await, (json!(1_500.0), true));
    site.converged(MINUTE).await;
}

async fn settings_change_while_it_runs(site: &Site) {
    assert_eq!(rate(site).await, (json!(1_000.0), true));
    let whole = site.get("/tuning").await.unwrap();
    for (patch, reason) in [
        (json!({ "concurrency": { "stock": 0 } }), "concurrency of lane stock is 0: expected 1 to"),
        (json!({ "routes": { "stock_write": { "per_second": 1e9, "burst": 1 } } }), "per_second"),
        (json!({ "ageing_every": 1 }), "ageing_every is 1"),
        (json!({ "retry_first_ms": 1 }), "retry_first_ms is 1"),
        (json!({ "rotues": {} }), "rotues"),
        (json!({ "paused": ["warehouse"] }), "warehouse"),
    ] {
        let refused = site.fails(&["tuning", "--set", &patch.to_string()]);
        assert!(refused.contains(reason) && refused.contains("400"), "{patch}: {refused}");
        assert_eq!(site.get("/tuning").await.unwrap(), whole, "nothing changes with a wrong patch");
    }
    let patch = json!({ "routes": { "stock_write": { "per_second": 1_500.0 } } }).to_string();
    let answer: Value = serde_json::from_str(&site.run(&["tuning", "--set", &patch, "--save"])).unwrap();
    assert_eq!(
        answer["routes"]["stock_write"],
        json!({ "per_second": 1_500.0, "burst": 1_000 }),
        "the rest stays"
    );
    assert_eq!(rate(site).await, (json!(1_500.0), true));
    let log = site.log();
    let audited = log.lines().any(|line| {
        line.contains("tuning changed")
            && line.contains("\"per_second\":1500.0")
            && line.contains("save=true")
    });
    assert!(audited, "{log}");
}

async fn sighup_reads_the_file_again(site: &Site) {
    let config = site.config();
    let mut reloads = 0;
    let mut reload = async |text: &str| {
        site.set_config(text);
        site.signal("-HUP");
        reloads += 1;
        site.until("SIGHUP has been obeyed", MINUTE, async |site| {
            let log = site.log();
            let done = ["configuration and secrets reloaded", "nothing was reloaded"];
            log.lines().filter(|line| done.iter().any(|done| line.contains(done))).count() == reloads
        })
        .await;
    };
    // A file that has not changed leaves alone what an operator has set.
    reload(&config).await;
    assert_eq!(rate(site).await.0, json!(1_500.0));
    reload(&config.replace(RATE, "stock_write = { per_second = 700, burst = 70 }")).await;
    assert_eq!(rate(site).await, (json!(700.0), true));
    // And back again.
    reload(&config).await;
    assert_eq!(rate(site).await, (json!(1_000.0), true));

    reload("[vtex").await;
    let ready = site.get("/readyz").await.unwrap();
    assert_eq!(ready["ready"], false);
    assert!(ready["reasons"].to_string().contains("could not be reloaded"), "{ready}");
    reload(&config).await;
    site.until("all is well again", MINUTE, async |site| {
        site.get("/readyz").await.is_some_and(|ready| ready["ready"] == true)
    })
    .await;
}
