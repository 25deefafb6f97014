//! The ledger, and the process that has it.

use std::io::Write as _;
use std::path::PathBuf;

use super::{equal, open, shop};
use crate::support::replicator::Site;

/// The journals of the ledger's engine, the newest last.
fn journals(site: &Site) -> Vec<PathBuf> {
    let folder = site.state_dir().join("ledger");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_whose_last_bytes_are_torn_is_taken_up() {
    let mut site = open().await;
    site.start();
    equal(&site).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..5 {
        shop(&site, 40).await;
        site.kill();
        // What a power cut leaves of the record that was being written: some bytes of it, or zeroes.
        let torn: Vec<u8> =
            (0..random.usize(1..4_000)).map(|_| if round % 2 == 0 { random.u8(..) } else { 0 }).collect();
        let newest = journals(&site).pop().unwrap();
        std::fs::OpenOptions::new().append(true).open(newest).unwrap().write_all(&torn).unwrap();
        site.start();
        equal(&site).await;
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_in_a_storm_ends_in_order_and_the_next_start_goes_on() {
    let mut site = open().await;
    for _ in 0..4 {
        site.start();
        site.until("it streams", super::MINUTE, async |site| {
            let status = site.get("/status").await.unwrap_or_default();
            status["sources"]["live"]["phase"] == "streaming"
        })
        .await;
        shop(&site, 60).await;
        assert_eq!(site.stop(), 0, "{}", site.log());
        shop(&site, 20).await;
    }
    site.start();
    equal(&site).await;
    assert_eq!(site.vtex.world().counters().backwards, 0);
    assert_eq!(site.stop(), 0, "{}", site.log());
}
