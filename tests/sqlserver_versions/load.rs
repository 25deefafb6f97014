//! A load beside the stream, with the rows of SQL Server.

use mare::core::entity::Entity;
use mare::source::changelog::versions::dialect::Mode;
use mare::source::changelog::versions::reader::VersionRules;
use mare::source::status::Phase;

use crate::live::{self, SKU, STOCK, minimum_note};
use crate::site::{Site, Way};
use crate::tds::{Failure, Fault, Locks, Value};

const PAGE: &str = "mare:chunk.page";
const RANGE: &str = "mare:chunk.range";
/// An answer as if nothing were wrong.
const WHOLE: Fault = Fault::Pieces(1 << 20);

/// A shop with nine SKUs, of which the stream has brought three: the changes of the others were cleaned up while nobody
/// read.
async fn open() -> Site {
    let mut site = Site::open(Way::Versions(Mode::Tracking, VersionRules::default())).await;
    site.stop().await;
    site.shop(|engine, tx| (4..=9).try_for_each(|sku| live::add_sku(engine, tx, sku)));
    site.server.with(|engine| {
        for table in [SKU, STOCK] {
            let now = Value::Int(engine.tracking_version() as i64);
            engine.notes.insert(minimum_note(table), now);
        }
    });
    site.start();
    site.until("something to load", |site| site.due(Entity::Stock).is_some()).await;
    site
}

/// The SKUs behind which stretches of stock were read.
fn read_after(site: &Site) -> Vec<String> {
    let asked = site.server.statements_of(RANGE).into_iter();
    asked.map(|statement| statement.params[2..].first().map(|id| id.as_text().to_owned()).unwrap()).collect()
}

#[tokio::test]
async fn a_load_that_met_locks_goes_on_where_it_was() {
    let mut site = open().await;
    let locked = || Fault::Fail(Failure::lock_timeout());
    for fault in [WHOLE, WHOLE, locked(), locked(), locked()] {
        site.server.fault(RANGE, fault);
    }
    let loading = site.load(2);
    let held_up = |site: &Site| site.status.facts().load.and_then(|load| load.held_up);
    site.until("the locks", |site| held_up(site).is_some_and(|why| why.contains("1222"))).await;
    assert_eq!(site.quantity(4), Some(1), "what was read before them is in the ledger");
    assert_eq!(site.quantity(5), None);
    assert_eq!(site.due(Entity::Stock), None, "it is the load itself that is due now");
    loading.stop().await;

    let pages = site.server.statements_of(PAGE).len();
    let loading = site.load(2);
    for sku in 1..=9 {
        site.until_shows(sku, 1).await;
    }
    site.until("the end", |site| site.status.facts().last_load.is_some()).await;
    assert_eq!(site.server.statements_of(PAGE).len(), pages, "reference data is not read again");
    // The first stretch has only an end, SKU 2.
    assert_eq!(read_after(&site), ["2", "2", "4", "4", "4", "4", "6", "8"]);
    loading.stop().await;
    site.stop().await;
}

#[tokio::test]
async fn a_load_that_waits_for_a_lock_can_be_stopped() {
    let mut site = open().await;
    let till = site.server.with(|engine| {
        let till = engine.begin();
        live::set_quantity(engine, till, 5, 3).unwrap();
        till
    });
    let loading = site.load(100);
    site.server.until_asked(RANGE).await;
    loading.stop().await;
    assert_eq!(site.server.statements_of(RANGE).len(), 1);
    site.server.with(|engine| engine.commit(till));
    let loading = site.load(100);
    site.until_shows(5, 3).await;
    site.until_shows(9, 1).await;
    loading.stop().await;
    site.stop().await;
}

/// A row that comes up behind the page that is being read is in no page; the stream has brought it.
#[tokio::test]
async fn what_comes_up_behind_a_page_stays() {
    let mut site = open().await;
    let held = site.server.with(|engine| {
        let held = engine.begin();
        live::rename_sku(engine, held, 5).unwrap();
        held
    });
    let pages = site.server.statements_of(PAGE).len();
    let loading = site.load(2);
    // Store, deposit, product, two pages of SKUs, and the one that waits.
    site.until("the page that waits", |site| site.server.statements_of(PAGE).len() == pages + 6).await;
    site.shop(|engine, tx| live::add_sku(engine, tx, 0));
    site.until_shows(0, 1).await;
    site.server.with(|engine| engine.commit(held));
    site.until("the end", |site| site.status.facts().last_load.is_some()).await;
    site.shop(|engine, tx| live::set_quantity(engine, tx, 0, 7));
    site.until_read_past(9).await;
    assert_eq!(site.quantity(0), Some(7));
    loading.stop().await;
    site.stop().await;
}

#[tokio::test]
async fn what_is_gone_from_a_reference_table_is_taken_back() {
    let mut site = open().await;
    site.stop().await;
    site.shop(|engine, tx| engine.delete(tx, SKU, Locks::Wait, |row| row[0] == Value::Int(3)));
    site.server.with(|engine| {
        let now = Value::Int(engine.tracking_version() as i64);
        engine.notes.insert(minimum_note(SKU), now);
    });
    site.start();
    site.until("streaming", |site| site.status.facts().phase == Phase::Streaming).await;
    assert_eq!(site.quantity(3), Some(1), "nobody has told");
    let loading = site.load(2);
    site.until_shows(3, 0).await;
    site.until_shows(9, 1).await;
    let asked = site.server.statements_of("mare:chunk.by_keys");
    assert_eq!(asked[0].params, [Value::text("3")], "it is asked for by name before it is given up");
    loading.stop().await;
    site.stop().await;
}
