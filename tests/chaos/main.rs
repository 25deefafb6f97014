//! Everything real, and everything that breaks: connections that are cut, slowed and swallowed, servers that die, a backup that
//! takes the place of Live, a ledger whose last bytes are torn. After each VTEX must equal Live, without anybody's help.
//!
//! What is killed with -9, a full disk, lost slots, two replicators on one slot and restarts of Live are in `tests/live`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is a failed test")]

mod failover;
mod ledger;
mod network;
mod proxy;
mod server;

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use mare::simulator::{Limits, Options};
use support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning]\nretry_first_ms = 100\nretry_max_ms = 2000\n[tuning.routes]\n\
    stock_write = { per_second = 5000, burst = 5000 }\nstock_read = { per_second = 5000, burst = 5000 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n";

fn options() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

/// A small shop, its stock in VTEX. `more` stands at the end of its configuration.
async fn open() -> Site {
    let site = Site::new(200, options(), FAST).await;
    site.set_config(&site.config().replace("# entities", "entities = [\"stock\"]"));
    site
}

/// Sells and takes in, a row or a dozen at a time.
async fn shop(site: &Site, statements: usize) {
    for n in 0..statements {
        let some = "UPDATE live.estoque_saldo SET quantidade = quantidade + $1::int, data_atualizacao = now() \
            WHERE id_sku IN (SELECT id FROM live.produto_sku ORDER BY codigo OFFSET $2::int LIMIT 7)";
        let (amount, skip) = ((n % 5) as i32 + 1, (n * 31 % 190) as i32);
        site.live.execute(some, &[&amount, &skip]).await.unwrap();
    }
}

/// Stock alone.
async fn equal(site: &Site) {
    let is_equal = async |site: &Site| site.stock_differences().await.is_empty();
    site.until("VTEX equals Live", 2 * MINUTE, is_equal).await;
    let counters = site.vtex.world().counters();
    assert!(counters.violations.is_empty(), "{:?}", counters.violation_samples);
}
