//! Live itself.

use std::process::Command;

use super::{FAST, MINUTE, equal, open, options, shop};
use crate::support::postgres::{Certificate, Cluster, Options};
use crate::support::replicator::Site;
use crate::support::shop;

pub(super) async fn connect(site: &mut Site) {
    for _ in 0..600 {
        if let Ok(live) = site.postgres.database("live").try_connect().await
            && live.batch_execute("SELECT 1").await.is_ok()
        {
            site.live = live;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("Live does not come back:\n{}", site.postgres.log());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_server_process_that_feeds_us_is_killed_again_and_again() {
    let mut site = open().await;
    site.start();
    equal(&site).await;
    for _ in 0..4 {
        shop(&site, 30).await;
        let sql = "SELECT pid FROM pg_stat_replication WHERE application_name LIKE 'mar%'";
        let mut pid = None;
        for _ in 0..100 {
            pid = site.live.query_opt(sql, &[]).await.unwrap().map(|row| row.get::<_, i32>(0));
            if pid.is_some() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let pid = pid.expect("we are fed").to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        // All of Postgres restarts: whatever was in its memory may be damaged.
        connect(&mut site).await;
        shop(&site, 10).await;
    }
    equal(&site).await;
    assert_eq!(site.vtex.world().counters().backwards, 0);
    assert_eq!(site.stop(), 0, "{}", site.log());
}

/// The server's files, as they are while it is stopped.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_takes_the_place_of_live_is_noticed_and_vtex_follows_it() {
    let mut site = open().await;
    site.start();
    equal(&site).await;
    let data = site.postgres.socket_folder().join("data");
    let backup = site.postgres.socket_folder().join("backup");
    site.postgres.stop();
    copy(&data, &backup);
    site.postgres.restart();
    connect(&mut site).await;
    shop(&site, 200).await;
    equal(&site).await;
    // The disk of the server is lost; yesterday's copy comes back.
    site.postgres.stop();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    site.postgres.restart();
    connect(&mut site).await;
    site.until("it is noticed", MINUTE, async |site| site.log().contains("restored from a backup")).await;
    equal(&site).await;
    shop(&site, 20).await;
    equal(&site).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told_and_a_renewed_one_is_enough() {
    let (expired, renewed) = Certificate::expired_and_renewed(&["localhost", "127.0.0.1"]);
    let postgres = Cluster::start(&Options { tls: Some(renewed.clone()), ..Options::default() });
    let live = postgres.create_database("live").await.connect().await;
    shop::create(&live, 200).await;
    let authority = postgres.socket_folder().join("authority.pem");
    std::fs::write(&authority, &renewed.authority).unwrap();
    let tls = format!("tls = \"verify-full\"\nca_file = \"{}\"", authority.display());
    let mut site = Site::around(postgres, live, options(), FAST, &tls).await;
    site.set_config(&site.config().replace("# entities", "entities = [\"stock\"]"));
    site.start();
    equal(&site).await;
    // It runs out while we are connected: the next connection is the first to see it.
    site.postgres.use_certificate(&expired).await;
    site.live.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication", &[]).await.unwrap();
    shop(&site, 30).await;
    let why = async |site: &Site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["reasons"].to_string()
    };
    site.until("it says why", MINUTE, async |site| why(site).await.contains("expired")).await;
    site.postgres.use_certificate(&renewed).await;
    equal(&site).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}
