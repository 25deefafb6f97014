//! The slot and what can happen to it.

use std::time::Duration;

use mare::simulator::{Limits, Options, Outage};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\nstock_write = { per_second = 5000, burst = 5000 }\n\
    price_put = { per_second = 500, burst = 1000 }\nprice_read = { per_second = 500, burst = 1000 }\n";

fn unlimited() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_slot_leads_to_reconcile_and_not_to_silence() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    assert_eq!(site.stop(), 0);
    site.live.batch_execute("SELECT pg_drop_replication_slot('mare')").await.unwrap();
    // Nobody can know of this change but by comparing.
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 3").await.unwrap();
    site.live.batch_execute("DELETE FROM live.estoque_saldo WHERE quantidade > 100").await.unwrap();
    site.start();
    site.converged(MINUTE).await;
    assert!(site.log().contains("the slot was gone"), "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vtex_was_only_about_to_be_told_is_taken_back_when_its_row_went_unseen() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    // One deposit feeds each warehouse: its rows are not kept to be added up.
    let close = "UPDATE live.deposito SET ind_disponivel_ecommerce = false WHERE NOT ind_padrao";
    site.live.batch_execute(close).await.unwrap();
    site.vtex.world().set_outage(Outage::Unavailable);
    site.start();
    // Everything waits in the ledger, and VTEX was told of nothing.
    site.until("the load", MINUTE, async |site| {
        let status = site.get("/status").await.unwrap_or_default();
        status["sources"]["live"]["last_load"]["ended"].is_number()
    })
    .await;
    site.kill();
    site.live.batch_execute("SELECT pg_drop_replication_slot('mare')").await.unwrap();
    let gone = "DELETE FROM live.estoque_saldo e USING live.produto_sku s, live.loja l WHERE s.id = e.id_sku AND l.id = e.id_loja \
        AND e.quantidade > e.quantidade_reservada RETURNING s.codigo, l.codigo";
    let gone = site.live.query(gone, &[]).await.unwrap();
    assert!(gone.len() > 100);
    site.start();
    let compared = |site: &Site| site.log().matches("Live and the ledger agree").count();
    site.until("the second compare", MINUTE, async |site| compared(site) == 2).await;
    site.vtex.world().set_outage(Outage::Off);
    site.converged(2 * MINUTE).await;
    site.until("nothing waits", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["vtex"]["keys"] == 0)
    })
    .await;
    for row in gone {
        let (sku, store): (&str, &str) = (row.get(0), row.get(1));
        let shown = site.stock(sku, &format!("loja{store}"));
        assert!(matches!(shown, None | Some(0)), "{store}/{sku}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_made_again_behind_our_back_is_noticed() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    assert_eq!(site.stop(), 0);
    site.live.batch_execute("SELECT pg_drop_replication_slot('mare')").await.unwrap();
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 3").await.unwrap();
    site.live.batch_execute("SELECT pg_create_logical_replication_slot('mare', 'pgoutput')").await.unwrap();
    site.start();
    site.converged(MINUTE).await;
    assert!(site.log().contains("made again"), "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_in_other_hands_is_waited_for_and_said() {
    let mut first = Site::new(200, unlimited(), FAST).await;
    first.start();
    first.converged(MINUTE).await;
    // A second replicator with a ledger of its own on the same slot.
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = first.command(&[]).get_current_dir().unwrap().join("mare.toml");
    let text = std::fs::read_to_string(config).unwrap();
    let admin = first.admin.trim_start_matches("http://").to_owned();
    let text = text.replace(&admin, &format!("127.0.0.1:{port}"));
    std::fs::write(dir.path().join("mare.toml"), text).unwrap();
    let mut second = first
        .command(&["run"])
        .current_dir(dir.path())
        .env("MARE_CONFIG", dir.path().join("mare.toml"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let admin = format!("http://127.0.0.1:{port}");
    let begun = std::time::Instant::now();
    let said = loop {
        let answer = reqwest::get(format!("{admin}/readyz")).await;
        if let Ok(answer) = answer {
            let status = answer.status();
            let body =
                http_body_util::BodyExt::collect(reqwest::Body::from(answer)).await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&body).into_owned();
            if status == 503 && text.contains("in use") {
                break text;
            }
        }
        assert!(begun.elapsed() < MINUTE, "the second one never said that the slot is in use");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(said.contains("slot 'mare'"), "{said}");
    second.kill().unwrap();
    second.wait().unwrap();
    first.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 1").await.unwrap();
    first.converged(MINUTE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_database_beside_a_busy_one_keeps_no_wal() {
    const RETAINED_MAX: i64 = 40 << 20;
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site.live.batch_execute("CREATE DATABASE other").await.unwrap();
    let other = site.postgres.database("other").connect().await;
    other.batch_execute("CREATE TABLE noise (text text)").await.unwrap();
    // 200 MiB of WAL that is none of ours.
    for _ in 0..40 {
        other
            .batch_execute("INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 5000) n; TRUNCATE noise")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    site.until("the slot has moved on", MINUTE, async |site| {
        // restart_lsn follows at a checkpoint-like record of the server's own.
        site.live.batch_execute("CHECKPOINT").await.unwrap();
        let row = site
            .live
            .query_one(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots",
                &[],
            )
            .await
            .unwrap();
        row.get::<_, i64>(0) < RETAINED_MAX
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_live_is_survived() {
    let mut site = Site::new(200, unlimited(), FAST).await;
    site.start();
    site.converged(MINUTE).await;
    site.postgres.stop();
    site.until("the loss is said", MINUTE, async |site| {
        site.get("/readyz").await.is_some_and(|ready| ready["ready"] == false)
    })
    .await;
    site.postgres.restart();
    site.live = site.postgres.database("live").connect().await;
    site.live.batch_execute("UPDATE live.estoque_saldo SET quantidade = quantidade + 2").await.unwrap();
    site.converged(MINUTE).await;
}
