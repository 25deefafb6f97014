//! Change tables.

use mare::core::entity::Entity;
use mare::source::changelog::drain::Rules;
use mare::source::status::Phase;

use crate::change_tables::{self, SWITCHED_OFF, SWITCHES, change_table};
use crate::live;
use crate::site::{Disk, Site, Way};
use crate::tds::{Failure, Fault, Locks, Tx, Value};

const PAGE: &str = "mare:drain.page";
const DELETE: &str = "mare:drain.delete";

async fn open(rules: Rules, rows: usize) -> Site {
    Site::open(Way::Triggers(rules, rows)).await
}

/// Change rows that are still there.
fn waiting(site: &Site) -> usize {
    site.server.with(|engine| {
        let tables = live::shapes().iter().map(|shape| change_table(shape.name));
        tables.map(|table| engine.read(Tx(0), &table, Locks::Versions).unwrap().len()).sum()
    })
}

#[tokio::test]
async fn changes_come_and_their_rows_go() {
    let mut site = open(Rules::default(), 100).await;
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 7));
    site.shop(|engine, tx| live::delete_stock(engine, tx, 2));
    site.until_shows(1, 7).await;
    site.until_shows(2, 0).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    assert_eq!(site.due(Entity::Stock), None);
    site.stop().await;
}

#[tokio::test]
async fn what_the_shop_writes_is_passed_by_until_it_commits() {
    let mut site = open(Rules::default(), 100).await;
    let open = site.server.with(|engine| {
        let tx = engine.begin();
        live::set_quantity(engine, tx, 1, 50).unwrap();
        tx
    });
    site.shop(|engine, tx| live::set_quantity(engine, tx, 2, 8));
    site.until_shows(2, 8).await;
    assert_eq!(site.quantity(1), Some(1), "it is not committed");
    site.server.with(|engine| engine.commit(open));
    site.until_shows(1, 50).await;
    site.stop().await;
}

/// A writer that is passed by while it is open, and a later one of the same key that commits ahead of the scan:
/// what SKU 1 shows in the end.
async fn inversion(rules: Rules) -> Option<u32> {
    let mut site = open(rules, 1).await;
    site.server.with(|engine| {
        let late = engine.begin();
        live::set_quantity(engine, late, 1, 10).unwrap();
        engine.notes.insert("commits after a page".to_owned(), Value::Int(late.0 as i64));
        engine.notes.insert("then SKU 1 gets".to_owned(), Value::Int(20));
        engine.autocommit(|engine, tx| {
            live::set_quantity(engine, tx, 2, 12)?;
            live::set_quantity(engine, tx, 3, 13)
        });
    });
    site.until_shows(2, 12).await;
    site.until_shows(3, 13).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    site.until_read_past(99).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn the_bound_keeps_the_changes_of_a_key_in_order() {
    assert_eq!(inversion(Rules::default()).await, Some(20));
    let without = Rules { bound_first: false, ..Rules::default() };
    assert_eq!(inversion(without).await, Some(10), "this test must be able to fail");
}

/// The process dies with a batch on its way to the disk.
async fn death_before_durable(rules: Rules) -> Option<u32> {
    let mut site = open(rules, 100).await;
    site.set_disk(Disk::DiesBeforeValues);
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 10));
    site.until_died().await;
    site.kill().await;
    site.start();
    site.until_read_past(9).await;
    let shown = site.quantity(1);
    site.stop().await;
    shown
}

#[tokio::test]
async fn nothing_is_deleted_before_it_is_durable() {
    assert_eq!(death_before_durable(Rules::default()).await, Some(10));
    let without = Rules { delete_only_after_durable: false, ..Rules::default() };
    assert_eq!(death_before_durable(without).await, Some(1), "this test must be able to fail");
}

#[tokio::test]
async fn a_deadlock_of_a_delete_is_ended_without_a_new_session() {
    let mut site = open(Rules::default(), 100).await;
    let logins = site.server.logins();
    site.server.fault(DELETE, Fault::Fail(Failure::deadlock()));
    site.server.fault(DELETE, Fault::Fail(Failure::deadlock()));
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 10));
    site.until_shows(1, 10).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    assert_eq!(site.server.logins(), logins);
    site.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_between_disk_and_delete_has_it_read_again() {
    let mut site = open(Rules::default(), 100).await;
    let logins = site.server.logins();
    site.server.fault(DELETE, Fault::Fail(Failure::new(596, 21, "The session is in the kill state.")));
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 10));
    site.until_shows(1, 10).await;
    site.shop(|engine, tx| live::set_quantity(engine, tx, 1, 11));
    site.until_shows(1, 11).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    assert_eq!(site.quantity(1), Some(11));
    assert!(site.server.logins() > logins);
    site.stop().await;
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_page_loses_nothing() {
    let mut site = open(Rules::default(), 100).await;
    let failure = Failure::new(701, 17, "There is insufficient system memory.");
    site.server.fault(PAGE, Fault::FailAfterRows(1, failure));
    site.server.fault(PAGE, Fault::CutAt(60));
    site.shop(|engine, tx| {
        live::set_quantity(engine, tx, 1, 10)?;
        live::set_quantity(engine, tx, 2, 11)
    });
    site.until_shows(1, 10).await;
    site.until_shows(2, 11).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    site.stop().await;
}

#[tokio::test]
async fn a_second_drain_is_refused_and_takes_over_when_the_first_ends() {
    let mut site = open(Rules::default(), 100).await;
    let mut second = site.beside(Way::Triggers(Rules::default(), 100));
    second.start();
    second.until("it is refused", |second| second.status.facts().phase == Phase::Blocked).await;
    let reason = second.status.facts().reason.unwrap();
    assert!(reason.contains("another maré (mare on CAIXA7)"), "{reason}");
    site.stop().await;
    second.until("it takes over", |second| second.status.facts().phase == Phase::Streaming).await;
    second.stop().await;
}

#[tokio::test]
async fn what_happened_while_capture_was_off_is_compared() {
    let mut site = open(Rules::default(), 100).await;
    let open = site.server.with(|engine| {
        engine.notes.insert(SWITCHED_OFF.to_owned(), Value::Bit(true));
        engine.notes.insert(SWITCHES.to_owned(), Value::Int(1));
        // It wrote while nobody looked, and commits later.
        let tx = engine.begin();
        live::set_quantity(engine, tx, 1, 50).unwrap();
        tx
    });
    site.until("it is told", |site| {
        site.status.facts().faults.iter().any(|fault| fault.contains("switched off"))
    })
    .await;
    site.server.with(|engine| {
        engine.notes.remove(SWITCHED_OFF);
        engine.notes.insert(SWITCHES.to_owned(), Value::Int(2));
    });
    site.until("it is on", |site| site.status.facts().faults.is_empty()).await;
    site.rounds("mare:check.switch").await;
    assert_eq!(site.due(Entity::Stock), None, "a comparison now would not see the open transaction");
    site.server.with(|engine| engine.commit(open));
    site.until("it is compared", |site| site.due(Entity::Stock).is_some()).await;
    assert!(site.due(Entity::Stock).unwrap().contains("switched off"));
    site.stop().await;
}

#[tokio::test]
async fn a_disabled_trigger_is_told_and_when_it_is_back_everything_is_compared() {
    let mut site = open(Rules::default(), 100).await;
    let note = change_tables::disabled(live::STOCK);
    site.server.with(|engine| engine.notes.insert(note.clone(), Value::Bit(true)));
    site.until("it is told", |site| !site.status.facts().faults.is_empty()).await;
    let faults = site.status.facts().faults;
    assert!(
        faults[0].contains("trigger [mare_estoque_saldo] of [live].[estoque_saldo] is disabled"),
        "{faults:?}"
    );
    assert_eq!(site.due(Entity::Stock), None);
    site.server.with(|engine| engine.notes.remove(&note));
    site.until("it is compared", |site| site.due(Entity::Stock).is_some()).await;
    site.stop().await;
}

#[tokio::test]
async fn without_change_tables_it_says_what_to_do() {
    let mut site = open(Rules::default(), 100).await;
    site.stop().await;
    site.server.with(change_tables::uninstall);
    site.start();
    site.until("it is blocked", |site| site.status.facts().phase == Phase::Blocked).await;
    let reason = site.status.facts().reason.unwrap();
    assert!(reason.contains("no change tables are installed") && reason.contains("mare install"), "{reason}");
    site.stop().await;
}

#[tokio::test]
async fn a_change_table_of_another_mapping_is_told() {
    let mut site = open(Rules::default(), 100).await;
    site.stop().await;
    site.server.with(change_tables::lose_column);
    site.start();
    site.until("it is blocked", |site| site.status.facts().phase == Phase::Blocked).await;
    let reason = site.status.facts().reason.unwrap();
    assert!(reason.contains("made for another mapping") && reason.contains("mare install"), "{reason}");
    site.stop().await;
}

#[tokio::test]
async fn a_restored_database_is_compared() {
    let mut site = open(Rules::default(), 100).await;
    site.stop().await;
    site.server.with(|engine| engine.notes.insert("fork".to_owned(), Value::text("B")));
    site.start();
    site.until("it is compared", |site| site.due(Entity::Stock).is_some()).await;
    assert!(site.due(Entity::Stock).unwrap().contains("restored"));
    site.stop().await;
}

#[tokio::test]
async fn an_idle_shop_is_asked_one_question_at_a_time() {
    let mut site = open(Rules::default(), 100).await;
    site.until("nothing waits", |site| waiting(site) == 0).await;
    let before = site.server.statements_of(PAGE).len();
    site.rounds("mare:drain.bound").await;
    assert_eq!(site.server.statements_of(PAGE).len(), before, "no table is read when the bound saw nothing");
    site.stop().await;
}
