//! Row versions.

use std::time::Duration;

use mare::core::entity::Entity;
use mare::source::changelog::versions::dialect::Mode;
use mare::source::changelog::versions::reader::VersionRules;

use crate::live;
use crate::site::{Disk, Site, Way};
use crate::tds::{Failure, Fault};

const HOUR: Duration = Duration::from_secs(3_600);
const ROUND: &str = "mare:version.bound";

async fn open(rules: VersionRules) -> Site {
    Site::open(Way::Versions(Mode::RowVersions, rules)).await
}

/// What the change of a transaction shows that stays open while others come and go.
async fn long_transaction(rules: VersionRules) -> Option<u32> {
    let mut site = open(rules).await;
    let slow = site.server.with(|engine| {
        let (slow, quick) = (engine.begin(), engine.begin());
        live::set_quantity(engine, slow, 1, 5).unwrap();
        live::set_quantity(engine, quick, 2, 7).unwrap();
        engine.commit(quick);
        slow
    });
    if rules.bound_first {
        site.until("held back", |site| site.status.facts().held_back.is_some()).await;
        let held = site.status.facts().held_back.unwrap();
        assert!(
            held.contains("2 row versions") && held.contains("session 77 (Fechamento on RETAGUARDA)"),
            "{held}"
        );
        site.rounds(ROUND).await;
        assert_eq!(site.quantity(2), Some(1), "it stands behind the open transaction");
    } else {
        site.until_shows(2, 7).await;
    }
    site.server.with(|engine| engine.commit(slow));
    site.until_read_past(9).await;
    assert_eq!(site.quantity(2), Some(7));
    site.until("nothing is held back", |site| site.status.facts().held_back.is_none()).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn a_long_transaction_holds_back_and_loses_nothing() {
    assert_eq!(long_transaction(VersionRules::default()).await, Some(5));
    let without = VersionRules { bound_first: false, ..VersionRules::default() };
    assert_eq!(long_transaction(without).await, Some(1), "without the rule it is lost");
}

#[tokio::test]
async fn a_rollback_leaves_no_trace() {
    let mut site = open(VersionRules::default()).await;
    let undone = site.server.with(|engine| {
        let tx = engine.begin();
        live::set_quantity(engine, tx, 1, 99).unwrap();
        tx
    });
    site.rounds(ROUND).await;
    site.server.with(|engine| engine.rollback(undone));
    site.until_read_past(9).await;
    assert_eq!(site.quantity(1), Some(1));
    site.stop().await;
}

#[tokio::test]
async fn a_deleted_row_is_not_seen_and_found_by_schedule() {
    let mut site = open(VersionRules::default()).await;
    site.shop(|engine, tx| live::delete_stock(engine, tx, 2));
    site.until_read_past(9).await;
    assert_eq!(site.quantity(2), Some(1), "row versions do not tell it");
    assert_eq!(site.due(Entity::Stock), None);
    site.stop().await;
    site.set_compared(25 * HOUR);
    site.start();
    site.until("comparing", |site| site.due(Entity::Stock).as_deref() == Some("by schedule")).await;
    site.forget_what_is_due();
    site.until_read_past(10).await;
    assert_eq!(site.due(Entity::Stock), None, "once is enough");
    site.stop().await;
}

/// What a sale shows that was read and never stored, after a crash.
async fn sale_before_a_crash(rules: VersionRules) -> Option<u32> {
    let mut site = open(rules).await;
    site.set_disk(Disk::DiesBeforeValues);
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.until_died().await;
    site.kill().await;
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

#[tokio::test]
async fn a_table_with_locked_rows_is_read_later_and_ends_nothing() {
    let mut site = open(VersionRules::default()).await;
    let logins = site.server.logins();
    // As many as there are tables, and once more.
    for _ in 0..6 {
        site.server.fault("mare:version.page", Fault::Fail(Failure::lock_timeout()));
    }
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 4));
    site.until_shows(1, 4).await;
    site.until("nothing is locked", |site| site.status.facts().held_back.is_none()).await;
    assert_eq!(site.server.logins(), logins);
    site.stop().await;
}
