//! Each rule of the drain under its name, and what goes wrong without it.

use std::time::Duration;

use mare::core::poll::PollLimits;
use mare::source::changelog::drain::Rules;

use crate::rig::{Rig, Step};

fn set(sku: u32, quantity: u32) -> String {
    format!("UPDATE live.estoque_saldo SET quantidade = {quantity} WHERE id_sku = {sku}")
}

/// A writer passed over while it is open, and a later one of the same key that commits ahead of the scan.
/// What SKU 1 shows in the end.
async fn inversion(name: &str, rules: Rules) -> Option<u32> {
    let mut rig = Rig::new(name).await;
    rig.settings.rules = rules;
    rig.settings.page_rows = 1;
    rig.start_loaded().await;
    let late = rig.session().await;
    // The second page of a round comes only when the first was full.
    rig.hold.arm(Step::Pages, 2);
    late.batch_execute(&format!("BEGIN; {}", set(1, 10))).await.unwrap();
    rig.sql(&format!("BEGIN; {}; {}; COMMIT", set(2, 12), set(3, 13))).await;
    rig.hold.reached().await;
    late.batch_execute("COMMIT").await.unwrap();
    rig.sql(&set(1, 20)).await;
    rig.hold.go();
    rig.drained().await;
    rig.until_shown(3, 13).await;
    rig.until_shown(2, 12).await;
    rig.shown(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_keeps_the_changes_of_a_key_in_order() {
    assert_eq!(inversion("bound", Rules::default()).await, Some(20));
    let without = Rules { bound_first: false, ..Rules::default() };
    assert_eq!(inversion("bound_without", without).await, Some(10), "this test must be able to fail");
}

/// Two changes of a key, and a death between the two deletes.
async fn death_between_deletes(name: &str, rules: Rules) -> Option<u32> {
    let mut rig = Rig::new(name).await;
    rig.settings.rules = rules;
    rig.settings.delete_rows = 1;
    rig.start_loaded().await;
    rig.hold.arm(Step::Delete, 2);
    rig.sql(&format!("BEGIN; {}; {}; COMMIT", set(1, 10), set(1, 20))).await;
    rig.hold.reached().await;
    assert_eq!(rig.changes().await.len(), 1, "one of two is deleted");
    rig.kill().await;
    let before = rig.history(1).len();
    rig.start();
    rig.drained().await;
    rig.until("what was left is read again", async || rig.history(1).len() > before).await;
    rig.shown(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_ascend_so_that_what_is_left_ends_with_the_newest() {
    assert_eq!(death_between_deletes("ascend", Rules::default()).await, Some(20));
    let without = Rules { ascending_deletes: false, ..Rules::default() };
    let shown = death_between_deletes("ascend_without", without).await;
    assert_eq!(shown, Some(10), "this test must be able to fail");
}

/// A death before the batch is on disk: what SKU 1 shows after the next start.
async fn death_before_durable(name: &str, rules: Rules) -> Option<u32> {
    let mut rig = Rig::new(name).await;
    rig.settings.rules = rules;
    rig.start_loaded().await;
    rig.hold.arm(Step::HandOver, 1);
    rig.sql(&set(1, 10)).await;
    rig.hold.reached().await;
    rig.kill().await;
    assert_eq!(rig.shown(1), Some(5), "the batch died on its way");
    rig.start();
    rig.sql(&set(2, 12)).await;
    rig.until_shown(2, 12).await;
    rig.shown(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_before_it_is_durable() {
    assert_eq!(death_before_durable("durable", Rules::default()).await, Some(10));
    let without = Rules { delete_only_after_durable: false, ..Rules::default() };
    let shown = death_before_durable("durable_without", without).await;
    assert_eq!(shown, Some(5), "this test must be able to fail");
}

/// A transaction that began before the first load and commits after it, with an old number.
async fn late_commit_after_a_chunk(name: &str, rules: Rules) -> Option<u32> {
    let mut rig = Rig::new(name).await;
    rig.settings.rules = rules;
    let late = rig.session().await;
    late.batch_execute(&format!("BEGIN; {}", set(1, 10))).await.unwrap();
    for quantity in 20..30 {
        rig.sql(&set(2, quantity)).await;
    }
    rig.start_loaded().await;
    rig.until_shown(2, 29).await;
    assert_eq!(rig.shown(1), Some(5), "loaded as it was committed");
    late.batch_execute("COMMIT").await.unwrap();
    rig.drained().await;
    rig.until("the late change is delivered", async || rig.history(1).ends_with(&[10])).await;
    rig.shown(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_that_commits_after_a_chunk_is_not_stale() {
    assert_eq!(late_commit_after_a_chunk("late", Rules::default()).await, Some(10));
    let without = Rules { versions_count_batches: false, ..Rules::default() };
    let shown = late_commit_after_a_chunk("late_without", without).await;
    assert_eq!(shown, Some(5), "this test must be able to fail");
}

/// Two changes that a chunk has seen and the drain has not: what was delivered for SKU 1.
async fn chunk_ahead_of_the_drain(name: &str, rules: Rules) -> Vec<u32> {
    const PAUSE: Duration = Duration::from_secs(5);
    let mut rig = Rig::new(name).await;
    rig.settings.rules = rules;
    rig.settings.round_rows = 1;
    // Between two looks there is time for a chunk.
    rig.settings.poll = PollLimits { min: PAUSE, max: PAUSE };
    rig.start_loaded().await;
    rig.sql(&set(1, 10)).await;
    rig.sql(&set(1, 20)).await;
    rig.reconcile();
    rig.drained().await;
    rig.until("all is delivered", async || rig.history(1).ends_with(&[20])).await;
    rig.history(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_waits_until_the_drain_has_brought_what_it_has_seen() {
    assert_eq!(chunk_ahead_of_the_drain("ahead", Rules::default()).await, [5, 10, 20]);
    let without = Rules { chunks_wait_for_a_round: false, ..Rules::default() };
    let history = chunk_ahead_of_the_drain("ahead_without", without).await;
    assert_eq!(history, [5, 20, 10, 20], "this test must be able to fail: it went backwards");
}

/// A change while a chunk is on its way: what SKU 1 shows in the end.
async fn change_beside_a_chunk(name: &str, yields: bool) -> Option<u32> {
    let mut rig = Rig::new(name).await;
    rig.chunks_do_not_yield = !yields;
    rig.start_loaded().await;
    let ended = |rig: &Rig| rig.status().last_load.and_then(|load| load.ended);
    let first = ended(&rig);
    rig.hold.arm(Step::StockChunk, 1);
    rig.reconcile();
    rig.hold.reached().await;
    rig.sql(&set(1, 10)).await;
    rig.until_shown(1, 10).await;
    rig.hold.go();
    rig.until("the load has ended", async || ended(&rig) > first).await;
    // What is delivered now comes after all of the load.
    rig.sql(&set(3, 13)).await;
    rig.until_shown(3, 13).await;
    rig.shown(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_yields_to_what_the_stream_touched_meanwhile() {
    assert_eq!(change_beside_a_chunk("yield", true).await, Some(10));
    assert_eq!(
        change_beside_a_chunk("yield_without", false).await,
        Some(5),
        "this test must be able to fail"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_holds_up_nobody_and_a_rollback_leaves_no_trace() {
    let mut rig = Rig::new("long").await;
    rig.start_loaded().await;
    let (late, gone) = (rig.session().await, rig.session().await);
    late.batch_execute(&format!("BEGIN; {}", set(1, 10))).await.unwrap();
    gone.batch_execute(&format!("BEGIN; {}", set(3, 99))).await.unwrap();
    for quantity in 20..40 {
        rig.sql(&set(2, quantity)).await;
        rig.until_shown(2, quantity).await;
    }
    assert_eq!(rig.shown(1), Some(5));
    gone.batch_execute("ROLLBACK").await.unwrap();
    late.batch_execute("COMMIT").await.unwrap();
    rig.until_shown(1, 10).await;
    rig.drained().await;
    assert_eq!(rig.history(3), [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_rolled_back_leaves_no_trace() {
    let mut rig = Rig::new("savepoint").await;
    rig.start_loaded().await;
    rig.sql(&format!("BEGIN; {}; SAVEPOINT s; {}; ROLLBACK TO s; COMMIT", set(1, 10), set(1, 66))).await;
    rig.until_shown(1, 10).await;
    assert_eq!(rig.history(1), [5, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_is_cut_goes_on_where_it_ended() {
    let mut rig = Rig::new("cut").await;
    rig.settings.round_rows = 3;
    rig.settings.page_rows = 2;
    rig.settings.delete_rows = 2;
    rig.start_loaded().await;
    rig.sql(
        "DO $$ BEGIN FOR n IN 1..40 LOOP UPDATE live.estoque_saldo SET quantidade = n + id_sku; END LOOP; END $$",
    )
    .await;
    for sku in 1..=9 {
        rig.until_shown(sku, 40 + sku).await;
        let history = rig.history(sku);
        assert!(history[1..].is_sorted(), "SKU {sku} went backwards after it was loaded: {history:?}");
    }
    rig.drained().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_drain_is_refused_and_told_who_has_it() {
    use mare::source::changelog::dialect::{Connector, DialectError};
    let mut rig = Rig::new("second").await;
    rig.start_loaded().await;
    match rig.connector().connect().await {
        Err(DialectError::Blocked(text)) => {
            assert!(text.contains("database 'second'") && text.contains("user mare_second"), "{text}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two drains of one database"),
    }
    // The first one is none the worse for it.
    rig.sql(&set(1, 10)).await;
    rig.until_shown(1, 10).await;
    rig.kill().await;
    assert!(rig.connector().connect().await.is_ok(), "the lock goes with its connection");
}
