//! Change tracking.

use mare::core::entity::Entity;
use mare::source::changelog::versions::dialect::Mode;
use mare::source::changelog::versions::reader::VersionRules;
use mare::source::status::Phase;

use crate::live::{self, PRODUCT, STOCK, minimum_note};
use crate::site::{Disk, Site, Way};
use crate::tds::{Failure, Fault, Value};

async fn open(rules: VersionRules) -> Site {
    Site::open(Way::Versions(Mode::Tracking, rules)).await
}

#[tokio::test]
async fn changes_arrive_in_whatever_order_they_are_committed() {
    let mut site = open(VersionRules::default()).await;
    let (slow, quick) = site.server.with(|engine| (engine.begin(), engine.begin()));
    site.server.with(|engine| {
        live::set_quantity(engine, slow, 1, 5).unwrap();
        live::set_quantity(engine, quick, 2, 7).unwrap();
        engine.commit(quick);
    });
    site.until_shows(2, 7).await;
    assert_eq!(site.quantity(1), Some(1), "nothing uncommitted is read");
    site.server.with(|engine| engine.commit(slow));
    site.until_shows(1, 5).await;
    let undone = site.server.with(|engine| {
        let tx = engine.begin();
        live::set_quantity(engine, tx, 1, 99).unwrap();
        tx
    });
    site.server.with(|engine| engine.rollback(undone));
    site.until_read_past(9).await;
    assert_eq!(site.quantity(1), Some(5));
    assert_eq!(site.due(Entity::Stock), None);
    site.stop().await;
}

#[tokio::test]
async fn a_deleted_row_is_told_by_its_key() {
    let mut site = open(VersionRules::default()).await;
    site.shop(|engine, tx| live::delete_stock(engine, tx, 2));
    site.until_shows(2, 0).await;
    site.stop().await;
}

/// What a sale right after the table was read shows once something later has come through.
async fn sale_after_reading(rules: VersionRules) -> Option<u32> {
    let mut site = open(rules).await;
    site.server.with(|engine| engine.notes.insert("sale after reading".to_owned(), Value::Int(4)));
    site.until("the sale", |site| {
        site.server.with(|engine| !engine.notes.contains_key("sale after reading"))
    })
    .await;
    site.until_read_past(9).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn a_commit_after_a_table_was_read_belongs_to_the_next_round() {
    assert_eq!(sale_after_reading(VersionRules::default()).await, Some(4));
    let without = VersionRules { bound_first: false, ..VersionRules::default() };
    assert_eq!(sale_after_reading(without).await, Some(1), "without the rule it is lost");
}

/// What a sale shows that was read and never stored, after a crash.
async fn sale_before_a_crash(rules: VersionRules) -> Option<u32> {
    let mut site = open(rules).await;
    site.set_disk(Disk::DiesBeforeValues);
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.until_died().await;
    site.kill().await;
    assert_eq!(site.quantity(1), Some(1), "it was not stored");
    site.start();
    site.until_read_past(9).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn what_was_read_and_not_stored_is_read_again() {
    assert_eq!(sale_before_a_crash(VersionRules::default()).await, Some(4));
    let without = VersionRules { marks_last: false, ..VersionRules::default() };
    assert_eq!(sale_before_a_crash(without).await, Some(1), "without the rule it is lost");
}

/// What a sale shows whose table could not be read in a round that had already stored another table.
async fn sale_beside_an_error(rules: VersionRules) -> Option<u32> {
    let mut site = open(rules).await;
    let before = site.status.facts().changes;
    let version = site.server.with(|engine| {
        engine.autocommit(|engine, tx| {
            live::withdraw_product(engine, tx)?;
            live::set_quantity(engine, tx, 1, 4)
        });
        let version = engine.tracking_version() as i64;
        engine.notes.insert(format!("fail {STOCK}"), Value::Int(version));
        version
    });
    site.until("the error", |site| site.status.facts().phase == Phase::Retrying).await;
    if rules.marks_last {
        assert!(site.status.facts().changes > before, "the product was stored");
        let mark = site.marks().unwrap().of("live.produto").unwrap();
        assert!(mark < version, "the marks stay until all tables are read: {mark}, {version}");
    }
    site.shop(live::restore_product);
    site.until("it goes on", |site| site.status.facts().phase == Phase::Streaming).await;
    site.rounds("mare:tracking.version").await;
    site.until_read_past(9).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn marks_move_when_all_tables_are_read() {
    assert_eq!(sale_beside_an_error(VersionRules::default()).await, Some(4));
    let without = VersionRules { marks_last: false, ..VersionRules::default() };
    assert_ne!(sale_beside_an_error(without).await, Some(4), "without the rule it is lost");
}

/// Whether stock is compared after changes of it were cleaned up while nobody read.
async fn compared_after_clean_up(rules: VersionRules) -> bool {
    let mut site = open(rules).await;
    site.stop().await;
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.server.with(|engine| {
        let now = Value::Int(engine.tracking_version() as i64);
        engine.notes.insert(minimum_note(STOCK), now);
    });
    site.start();
    site.rounds("mare:tracking.version").await;
    site.until_read_past(9).await;
    let due = site.due(Entity::Stock);
    assert_eq!(site.due(Entity::Price), None, "no other table has lost anything");
    site.forget_what_is_due();
    site.until_read_past(10).await;
    assert_eq!(site.due(Entity::Stock), None, "once is enough");
    site.stop().await;
    due.is_some_and(|why| why.contains("no longer has the changes"))
}

#[tokio::test]
async fn a_table_whose_changes_were_cleaned_up_is_compared() {
    assert!(compared_after_clean_up(VersionRules::default()).await);
    let without = VersionRules { minimum_checked: false, ..VersionRules::default() };
    assert!(!compared_after_clean_up(without).await, "without the rule nobody notices");
}

#[tokio::test]
async fn a_table_that_is_not_tracked_is_a_fault_and_compared_when_it_is_again() {
    let mut site = open(VersionRules::default()).await;
    site.server.with(|engine| engine.notes.insert(minimum_note(PRODUCT), Value::Null));
    site.until("the fault", |site| {
        site.status.facts().faults.iter().any(|fault| fault.contains("live.produto"))
    })
    .await;
    // The others go on.
    site.until_read_past(9).await;
    site.server.with(|engine| engine.notes.remove(&minimum_note(PRODUCT)));
    site.until("no fault", |site| site.status.facts().faults.is_empty()).await;
    site.until("comparing", |site| site.due(Entity::Stock).is_some()).await;
    site.stop().await;
}

#[tokio::test]
async fn a_restored_database_is_compared_as_a_whole() {
    let mut site = open(VersionRules::default()).await;
    site.server.with(|engine| engine.notes.insert("fork".to_owned(), Value::text("B")));
    site.until("comparing", |site| site.due(Entity::Stock).is_some_and(|why| why.contains("restored"))).await;
    assert!(site.due(Entity::Price).is_some());
    site.until_read_past(9).await;
    site.stop().await;
}

#[tokio::test]
async fn a_second_reader_is_refused_and_told_who_reads() {
    let mut site = open(VersionRules::default()).await;
    site.server.with(|engine| assert!(!engine.app_lock("mare", 9_999), "the reader holds the lock"));
    site.stop().await;
    site.server.until_open(0).await;
    site.server.with(|engine| assert!(engine.app_lock("mare", 9_999)));
    site.start();
    site.until("blocked", |site| site.status.facts().phase == Phase::Blocked).await;
    let reason = site.status.facts().reason.unwrap();
    assert!(reason.contains("CAIXA7") && reason.contains("LOJA/live"), "{reason}");
    site.stop().await;
}

#[tokio::test]
async fn a_round_is_one_snapshot_where_the_database_has_them() {
    let mut site = open(VersionRules::default()).await;
    site.stop().await;
    site.server.with(|engine| engine.notes.insert("snapshots".to_owned(), Value::Int(1)));
    site.start();
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.until_shows(1, 4).await;
    let setups = site.server.statements_of("mare:session");
    assert!(setups.last().unwrap().sql.contains("ISOLATION LEVEL SNAPSHOT"));
    site.server.with(|engine| {
        assert_eq!(engine.notes.get("read in a transaction"), Some(&Value::Bit(true)));
    });
    // An error ends the snapshot, and what was read in it is read again.
    site.server.with(|engine| engine.notes.insert(format!("fail {STOCK}"), Value::Int(0)));
    site.shop(|engine, tx| live::set_quantity(engine, tx, 2, 6));
    site.until_shows(2, 6).await;
    site.stop().await;
}

#[tokio::test]
async fn a_table_with_locked_rows_is_read_later_and_ends_nothing() {
    let mut site = open(VersionRules::default()).await;
    let logins = site.server.logins();
    for _ in 0..6 {
        site.server.fault("mare:tracking.changes", Fault::FailAfterRows(0, Failure::lock_timeout()));
    }
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.until_shows(1, 4).await;
    assert_eq!(site.server.logins(), logins);
    site.stop().await;
}
