//! A shop with its own server and, where something captures, its own maré.

use std::time::Duration;

use futures_util::future::join_all;
use mare::shop::{self, Profile};
use mare::simulator::{Limits, Options, Outage};
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::super::support::postgres::{self, Cluster};
use super::super::{MINUTE, Site, look_as_usual, processor, report};
use super::{SEED, Spread, TILLS, rate, sell};

/// A way to capture, with what its turns came to.
pub(super) struct Variant {
    capture: &'static str,
    site: Site,
    captures: bool,
    tills: Vec<Client>,
    turns: Vec<Turn>,
}

struct Turn {
    /// Transactions per second.
    rate: f64,
    /// Rows that were not in the ledger when the last sale was made.
    behind: u64,
    /// Processor time a transaction, in microseconds: of the tills' sessions …
    sessions: f64,
    /// … of the whole server, until everything was in the ledger …
    server: f64,
    /// … and of maré.
    mare: f64,
}

impl Variant {
    /// `source`: further lines of `[[source]]`; none: nothing captures.
    pub(super) async fn new(capture: &'static str, source: Option<&str>, wal_level: &str) -> Self {
        // What a server has to clean up after a turn it does at once, and not in the turn of another.
        let settings = vec![("wal_level", wal_level.to_owned()), ("autovacuum_naptime", "1s".to_owned())];
        let postgres =
            Cluster::start(&postgres::Options { fsync: true, settings, ..postgres::Options::default() });
        let live = postgres.create_database("live").await.connect().await;
        shop::create(&live, Profile::Pequeno, SEED).await.unwrap();
        live.batch_execute("VACUUM ANALYZE").await.unwrap();
        let warehouses: Vec<String> = (1..=5).map(|store| format!("loja{store:03}")).collect();
        let vtex = Options { auto_skus: true, warehouses, limits: Limits::unlimited(), ..Options::default() };
        let stores: String = (3..=5)
            .map(|store| {
                format!("[[mapping.stores]]\nloja = \"{store:03}\"\nwarehouse = \"loja{store:03}\"\n")
            })
            .collect();
        // Without capture is what `mare uninstall` leaves.
        let mut site =
            Site::around(postgres, live, vtex, &stores, source.unwrap_or("capture = \"triggers\"")).await;
        look_as_usual(&site);
        // Requests to VTEX would take their part of the processors and have nothing to do with capture.
        site.vtex.world().set_outage(Outage::Unavailable);
        if source.is_some() {
            site.start();
            site.until("the first load is in the ledger", 5 * MINUTE, async |site| {
                let source = source_status(site).await;
                source.is_some_and(|source| source["last_load"]["ended"].is_number())
            })
            .await;
        } else {
            site.run(&["uninstall"]);
        }
        let url = site.postgres.database("live").url();
        let tills = join_all((0..TILLS).map(|_| till(&url))).await;
        Self { capture, site, captures: source.is_some(), tills, turns: Vec::new() }
    }

    pub(super) async fn turn(&mut self, seed: u64) {
        let before = self.spent().await;
        let taken_before = self.taken().await;
        let totals = sell(&self.tills, seed).await;
        let mut behind = 0;
        if self.captures {
            behind = totals.changes - (self.taken().await - taken_before);
            self.site
                .until("everything is in the ledger", MINUTE, async |_| {
                    self.taken().await - taken_before >= totals.changes && self.is_quiet().await
                })
                .await;
        }
        let after = self.spent().await;
        let each = |before: f64, after: f64| (after - before) * 1e6 / totals.transactions as f64;
        self.turns.push(Turn {
            rate: rate(totals),
            behind,
            sessions: each(before.sessions, after.sessions),
            server: each(before.server, after.server),
            mare: each(before.mare, after.mare),
        });
    }

    /// Changes that are in the ledger.
    async fn taken(&self) -> u64 {
        if !self.captures {
            return 0;
        }
        source_status(&self.site).await.and_then(|source| source["changes"].as_u64()).unwrap()
    }

    /// Nothing is to be read again from Live, three times in a row.
    async fn is_quiet(&self) -> bool {
        for _ in 0..3 {
            let source = source_status(&self.site).await.unwrap();
            if source["refresh_due"] != 0 {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        true
    }

    async fn spent(&self) -> Spent {
        let sessions = join_all(self.tills.iter().map(backend)).await;
        Spent {
            sessions: sessions.into_iter().map(processor::seconds).sum(),
            server: processor::seconds_with_children(postmaster(&self.site.postgres)),
            mare: if self.captures { processor::seconds(self.site.process()) } else { 0.0 },
        }
    }

    /// Transactions per second of the counted rounds.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.counted().map(|turn| turn.rate).collect()
    }

    fn counted(&self) -> impl Iterator<Item = &Turn> {
        self.turns.iter().skip(1)
    }

    pub(super) fn report(&self, without: &[f64]) {
        let rates = Spread::of(self.rates());
        let ratios = Spread::of_ratios(&self.rates(), without);
        let median = |of: fn(&Turn) -> f64| Spread::of(self.counted().map(of)).median;
        report(&json!({
            "bench": "burden", "capture": self.capture, "tills": TILLS, "rounds": without.len(),
            "transactions_per_second": rates.median, "least": rates.least, "most": rates.most,
            "ratio": ratios.median, "ratio_least": ratios.least, "ratio_most": ratios.most,
            "session_microseconds": median(|turn| turn.sessions),
            "server_microseconds": median(|turn| turn.server),
            "mare_microseconds": median(|turn| turn.mare),
            "rows_behind": self.counted().map(|turn| turn.behind).max(),
        }));
    }
}

/// Processor seconds so far.
struct Spent {
    sessions: f64,
    server: f64,
    mare: f64,
}

async fn source_status(site: &Site) -> Option<serde_json::Value> {
    Some(site.get("/status").await?["sources"]["live"].take())
}

/// Its commits do not wait for the disk: that wait would hide what capture costs, and it varies more.
async fn till(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("SET synchronous_commit = off").await.unwrap();
    client
}

/// The process of the server that serves a session.
async fn backend(till: &Client) -> u32 {
    let pid: i32 = till.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    pid.unsigned_abs()
}

fn postmaster(postgres: &Cluster) -> u32 {
    let file = std::fs::read_to_string(postgres.socket_folder().join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().trim().parse().unwrap()
}
