//! Rows in, effects out: the rules of the mapping that need more than one row.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use mare::core::entity::{Entity, Key};
use mare::core::row::{Cell, RowChange};
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::mapping::cell::{RowId, oid};
use mare::mapping::config::MappingConfig;
use mare::mapping::{Announced, Effect, Mapper, Pair, Refresh, Rows};

#[path = "support/stock_tables.rs"]
mod stock_tables;

use stock_tables::{STOCK, relation, tables};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// The stored rows, in memory.
#[derive(Default)]
struct Stored(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rows for Stored {
    fn row(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8])) {
        for (key, value) in self.0.iter().filter(|(key, _)| key.starts_with(prefix)) {
            f(key, value);
        }
    }
}

/// A mapper with its stored rows. Ids are whole numbers, to be readable.
struct Bench {
    mapper: Mapper,
    stored: Stored,
}

impl Bench {
    fn new(mapping: &str) -> Self {
        let config: MappingConfig = toml::from_str(mapping).unwrap();
        assert_eq!(config.validate(), Vec::<String>::new());
        let mut mapper = Mapper::new(Arc::new(config));
        for table in &tables() {
            assert_eq!(mapper.announce(table), Announced::Ready);
        }
        let mut bench = Self { mapper, stored: Stored::default() };
        bench.insert(1, &["1", "9", "001", "t", "1"]);
        bench.insert(2, &["1", "1", "LOJA", "t", "1"]);
        bench.insert(4, &["1", "9", "P1", "t", "0", "f", "1"]);
        bench.insert(5, &["1", "1", "S1", "1", "t", "1"]);
        bench.mapper.set_stock_complete(true);
        bench
    }

    fn change(&mut self, relation: u32, change: &RowChange<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let _ = self.mapper.change(relation, change, NOW, &self.stored, &mut effects);
        self.keep(&effects);
        effects
    }

    fn keep(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::PutRow { key, value } => drop(self.stored.0.insert(key.clone(), value.clone())),
                Effect::DeleteRow { key } => drop(self.stored.0.remove(key)),
                _ => {}
            }
        }
    }

    fn insert(&mut self, relation: u32, cells: &[&str]) -> Vec<Effect> {
        let cells: Vec<Cell<'_>> = cells.iter().map(|text| Cell::Text(text.as_bytes())).collect();
        self.change(relation, &RowChange::Insert { new: &cells })
    }

    fn update(&mut self, relation: u32, cells: &[&str]) -> Vec<Effect> {
        let cells: Vec<Cell<'_>> = cells.iter().map(|text| Cell::Text(text.as_bytes())).collect();
        self.change(relation, &RowChange::Update { old: None, new: &cells })
    }
}

const ONE_STORE: &str = "entities = [\"stock\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"w\"";

fn shows(sku: &str, quantity: u32) -> Effect {
    Effect::Want { key: Key::stock("w", sku), value: Value::Stock(Stock::of(quantity)) }
}

#[test]
fn a_balance_becomes_a_wanted_quantity_without_a_stored_row() {
    let mut bench = Bench::new(ONE_STORE);
    assert_eq!(bench.insert(STOCK, &["1", "1", "1", "7", "2"]), [shows("S1", 5)]);
    let cells = ["1", "1", "1"].map(|text| Cell::Text(text.as_bytes()));
    let old = [cells[0], cells[1], cells[2], Cell::Null, Cell::Null];
    assert_eq!(bench.change(STOCK, &RowChange::Delete { old: &old }), [shows("S1", 0)]);
}

#[test]
fn deposits_of_one_warehouse_are_added_up() {
    let mut bench = Bench::new(ONE_STORE);
    bench.insert(2, &["2", "1", "RESERVA", "t", "1"]);
    let wanted =
        |effects: Vec<Effect>| effects.into_iter().find(|effect| matches!(effect, Effect::Want { .. }));
    assert_eq!(wanted(bench.insert(STOCK, &["1", "1", "1", "5", "0"])), Some(shows("S1", 5)));
    assert_eq!(wanted(bench.insert(STOCK, &["1", "2", "1", "3", "1"])), Some(shows("S1", 7)));
    assert_eq!(wanted(bench.update(STOCK, &["1", "1", "1", "4", "0"])), Some(shows("S1", 6)));
    // Until every deposit has been read once, nothing is said: half a sum is a wrong value.
    bench.mapper.set_stock_complete(false);
    assert_eq!(wanted(bench.update(STOCK, &["1", "1", "1", "9", "0"])), None);
    let mut sums = Vec::new();
    bench.mapper.sums(&bench.stored, &mut sums);
    assert!(sums.contains(&shows("S1", 11)), "{sums:?}");
}

#[test]
fn a_column_that_was_not_sent_is_read_again_and_never_zero() {
    let mut bench = Bench::new(ONE_STORE);
    let text = |text: &'static str| Cell::Text(text.as_bytes());
    let new = [text("1"), text("1"), text("1"), Cell::Unchanged, text("0")];
    let effects = bench.change(STOCK, &RowChange::Update { old: None, new: &new });
    assert!(matches!(effects[..], [Effect::Refresh(Refresh::Sku(_))]), "{effects:?}");
    let null = [text("1"), text("1"), text("1"), Cell::Null, text("0")];
    assert_eq!(
        bench.change(STOCK, &RowChange::Update { old: None, new: &null }),
        [],
        "null is refused, not zero"
    );
    assert_eq!(bench.mapper.counts()["refused/bad-value"], 1);
}

#[test]
fn the_flag_of_a_product_decides_whether_anything_is_sent() {
    let mut bench = Bench::new(ONE_STORE);
    let off = bench.update(4, &["1", "9", "P1", "f", "0", "f", "1"]);
    assert!(off.contains(&shows("S1", 0)), "switched off: to zero once: {off:?}");
    assert_eq!(bench.insert(STOCK, &["1", "1", "1", "7", "0"]), []);
    let on = bench.update(4, &["1", "9", "P1", "t", "0", "f", "1"]);
    assert!(on.iter().any(|effect| matches!(effect, Effect::Refresh(Refresh::Product(_)))), "{on:?}");
}

/// Store 001 with its deposit, and store 002 with two.
fn two_stores(warehouses: [&str; 2]) -> Bench {
    let [first, second] = warehouses;
    let mut bench = Bench::new(&format!(
        "entities = [\"stock\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"{first}\"\n\
         [[stores]]\nloja = \"002\"\nwarehouse = \"{second}\""
    ));
    bench.insert(1, &["2", "9", "002", "t", "1"]);
    bench.insert(2, &["2", "2", "LOJA", "t", "1"]);
    bench.insert(2, &["3", "2", "FUNDO", "t", "1"]);
    bench.insert(5, &["2", "1", "S2", "1", "t", "1"]);
    bench
}

/// What is read again because of these effects: `store/deposit: SKUs`.
fn read_again(bench: &Bench, effects: &[Effect]) -> Vec<String> {
    let refreshes: Vec<Refresh> = effects
        .iter()
        .filter_map(|effect| if let Effect::Refresh(refresh) = effect { Some(refresh.clone()) } else { None })
        .collect();
    let scope = bench.mapper.scope(&refreshes);
    let line = |(pair, skus): &(Pair, Arc<[RowId]>)| {
        let skus: Vec<_> = skus.iter().map(ToString::to_string).collect();
        format!("{}/{}: {}", pair.store, pair.deposit, skus.join(","))
    };
    scope.stock.iter().map(line).collect()
}

#[test]
fn a_change_of_one_store_has_only_that_store_read_again() {
    let mut bench = two_stores(["one", "two"]);
    let opened = bench.insert(2, &["4", "2", "NOVO", "t", "1"]);
    assert_eq!(read_again(&bench, &opened), ["2/2: 1,2", "2/3: 1,2", "2/4: 1,2"]);
    let closed = bench.update(2, &["3", "2", "FUNDO", "t", "0"]);
    assert_eq!(read_again(&bench, &closed), ["2/2: 1,2", "2/4: 1,2"]);
    let renamed = bench.update(2, &["2", "2", "OUTRO", "t", "1"]);
    assert_eq!(read_again(&bench, &renamed), Vec::<String>::new(), "a name changes no balance");
    // A SKU has its balance everywhere.
    let sku = bench.update(5, &["2", "1", "S2", "2", "t", "1"]);
    assert_eq!(read_again(&bench, &sku), ["1/1: 2", "2/2: 2", "2/4: 2"]);
    // Both at once.
    let both = [closed, sku].concat();
    assert_eq!(read_again(&bench, &both), ["1/1: 2", "2/2: 1,2", "2/4: 1,2"]);
    // Nobody feeds it any more: emptied without reading.
    let store = bench.update(1, &["2", "9", "002", "t", "0"]);
    assert_eq!(read_again(&bench, &store), Vec::<String>::new());
    let empty = |sku| Effect::Want { key: Key::stock("two", sku), value: Value::Stock(Stock::of(0)) };
    assert!(store.contains(&empty("S1")) && store.contains(&empty("S2")), "{store:?}");
}

#[test]
fn a_store_that_closes_leaves_the_rest_of_a_shared_warehouse() {
    let mut bench = two_stores(["w", "w"]);
    bench.insert(STOCK, &["1", "1", "1", "5", "0"]);
    bench.insert(STOCK, &["2", "2", "1", "3", "0"]);
    assert!(bench.insert(STOCK, &["2", "3", "1", "1", "0"]).contains(&shows("S1", 9)));
    let closed = bench.update(1, &["2", "9", "002", "t", "0"]);
    assert_eq!(read_again(&bench, &closed), ["1/1: 1,2"], "what is left is added up from the others");
    assert!(bench.update(STOCK, &["1", "1", "1", "5", "0"]).contains(&shows("S1", 5)));
    let opened = bench.update(1, &["2", "9", "002", "t", "1"]);
    assert_eq!(read_again(&bench, &opened), ["2/2: 1,2", "2/3: 1,2"]);
    assert!(bench.update(STOCK, &["2", "2", "1", "3", "0"]).contains(&shows("S1", 9)));
}

#[test]
fn two_skus_never_race_for_one_reference() {
    let mut bench = Bench::new(ONE_STORE);
    bench.insert(5, &["2", "1", "S1 ", "1", "t", "1"]);
    assert_eq!(bench.insert(STOCK, &["1", "1", "2", "9", "0"]), []);
    assert_eq!(bench.mapper.counts()["refused/duplicate-reference"], 1);
    assert_eq!(bench.insert(STOCK, &["1", "1", "1", "7", "0"]), [shows("S1", 7)]);
}

#[test]
fn a_primary_key_that_changes_leaves_nothing_behind() {
    let mut bench = Bench::new(ONE_STORE);
    bench.insert(5, &["2", "1", "S2", "1", "t", "1"]);
    let text = |text: &'static str| Cell::Text(text.as_bytes());
    let old = [text("1"), text("1"), text("1"), Cell::Null, Cell::Null];
    let new = [text("1"), text("1"), text("2"), text("4"), text("0")];
    let effects = bench.change(STOCK, &RowChange::Update { old: Some(&old), new: &new });
    assert_eq!(effects, [shows("S1", 0), shows("S2", 4)]);
}

#[test]
fn a_missing_column_pauses_what_needs_it() {
    let mut bench = Bench::new(ONE_STORE);
    let renamed = relation(
        STOCK,
        "estoque_saldo",
        &[
            ("id_loja", oid::INT4),
            ("id_deposito", oid::INT4),
            ("id_sku", oid::INT4),
            ("saldo", oid::NUMERIC),
            ("quantidade_reservada", oid::NUMERIC),
        ],
    );
    let Announced::Paused(paused) = bench.mapper.announce(&renamed) else { panic!("paused") };
    assert_eq!(paused[0].0, Entity::Stock);
    assert!(paused[0].1.contains("quantidade"), "{}", paused[0].1);
    assert_eq!(bench.insert(STOCK, &["1", "1", "1", "7", "0"]), []);
}

#[test]
fn a_wrong_configuration_says_all_that_is_wrong() {
    let config: MappingConfig = toml::from_str(
        "sku_reference = \"x\"\n[[stores]]\nloja = \"001\"\nwarehouse = \"a b\"\n[[stores]]\nloja = \"002\"\nwarehouse = \"W\"\n\
         [[stores]]\nloja = \"003\"\nwarehouse = \"w\"",
    )
    .unwrap();
    let findings = config.validate().join("\n");
    for part in ["a b", "differ only by case", "{sku}", "mapping.prices"] {
        assert!(findings.contains(part), "{part} is not in:\n{findings}");
    }
    assert!(toml::from_str::<MappingConfig>("stroes = []").is_err(), "a misspelt field is an error");
}

/// A shop with prices and customers, besides what the bench has.
mod more {
    use super::*;

    const TABLE: u32 = 3;
    const PRICE: u32 = 6;
    const DAY: i64 = 86_400_000_000;

    fn with_prices() -> Bench {
        let prices = "entities = [\"stock\", \"price\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"w\"\n\
                      [[prices]]\ntabela = \"VAREJO\"\nas = \"base\"";
        let mut bench = Bench::new(prices);
        let (int, text, number, time) = (oid::INT4, oid::TEXT, oid::NUMERIC, oid::TIMESTAMPTZ);
        let table = [
            ("id", int),
            ("id_dominio", int),
            ("codigo", text),
            ("data_vigencia_inicial", time),
            ("data_vigencia_final", time),
            ("situacao", int),
        ];
        let price = [
            ("id", int),
            ("id_tabela_preco", int),
            ("id_produto", int),
            ("id_sku", int),
            ("valor", number),
            ("preco_promocional", number),
            ("quantidade_minima", number),
            ("data_vigencia_inicial", time),
            ("data_vigencia_final", time),
            ("situacao", int),
        ];
        assert_eq!(bench.mapper.announce(&relation(TABLE, "tabela_preco", &table)), Announced::Ready);
        assert_eq!(bench.mapper.announce(&relation(PRICE, "preco", &price)), Announced::Ready);
        let text = |text: &'static str| Cell::Text(text.as_bytes());
        let row = [text("1"), text("9"), text("VAREJO"), Cell::Null, Cell::Null, text("1")];
        bench.change(TABLE, &RowChange::Insert { new: &row });
        bench
    }

    fn cells<'a>(value: &'a str, from: &'a str) -> [Cell<'a>; 10] {
        let text = |text: &'a str| Cell::Text(text.as_bytes());
        let (null, open) = (Cell::Null, text("9999-12-31 00:00:00+00"));
        [text("1"), text("1"), text("1"), null, text(value), null, null, text(from), open, text("1")]
    }

    /// Days after [`NOW`], as Postgres writes them.
    fn day(days: i64) -> String {
        let at = jiff::Timestamp::from_microsecond(NOW.0 + days * DAY).unwrap();
        at.strftime("%Y-%m-%d %H:%M:%S+00").to_string()
    }

    fn wakes(effects: &[Effect]) -> Vec<i64> {
        let at = |effect: &Effect| match effect {
            Effect::Wake { at, refresh: Refresh::Product(_) } => Some((at.0 - NOW.0) / DAY),
            _ => None,
        };
        effects.iter().filter_map(at).collect()
    }

    /// Reads the product again, as a load does, after so many days.
    fn read_again(bench: &mut Bench, days: i64, row: [Cell<'_>; 10]) -> Vec<Effect> {
        let (mut effects, now) = (Vec::new(), Timestamp(NOW.0 + days * DAY));
        let products = [RowId::Int(1)];
        let rows = [row.to_vec()];
        bench.mapper.price_chunk(&products, PRICE, rows.into_iter(), now, &bench.stored, &mut effects);
        bench.keep(&effects);
        effects
    }

    fn base(effects: &[Effect]) -> Option<i64> {
        effects.iter().find_map(|effect| match effect {
            Effect::Want { value: Value::Price(price), .. } => price.base.map(|money| money.0),
            _ => None,
        })
    }

    #[test]
    fn a_price_of_tomorrow_is_asked_for_once_however_often_the_row_changes() {
        let (mut bench, tomorrow, later) = (with_prices(), day(1), day(2));
        let first = bench.change(PRICE, &RowChange::Insert { new: &cells("10", &tomorrow) });
        assert_eq!((wakes(&first), base(&first)), (vec![1], None));
        for value in ["11", "12", "13"] {
            let again = bench.change(PRICE, &RowChange::Update { old: None, new: &cells(value, &tomorrow) });
            assert_eq!(wakes(&again), [0; 0], "it is asked for already");
        }
        let moved = bench.change(PRICE, &RowChange::Update { old: None, new: &cells("13", &later) });
        assert_eq!(wakes(&moved), [2]);
        // By our clock its moment has come, and by Live's it has not: it is asked for again.
        assert_eq!(wakes(&read_again(&mut bench, 1, cells("13", &later))), [2]);
        let due = read_again(&mut bench, 2, cells("13", &later));
        assert_eq!((wakes(&due), base(&due)), (vec![], Some(1300)));
        let same = bench.change(PRICE, &RowChange::Update { old: None, new: &cells("14", &later) });
        assert_eq!(wakes(&same), [2], "what was asked for is done, so a change asks anew");
    }

    #[test]
    fn a_sku_without_a_price_is_counted_and_gets_none() {
        let (mut bench, past) = (with_prices(), day(-1));
        let priced = bench.change(PRICE, &RowChange::Insert { new: &cells("10", &past) });
        assert_eq!(base(&priced), Some(1000));
        assert!(!bench.mapper.counts().contains_key("skipped/no-base-price"));
        let gone = bench.change(PRICE, &RowChange::Delete { old: &cells("10", &past) });
        assert_eq!(base(&gone), None);
        assert_eq!(bench.mapper.counts()["skipped/no-base-price"], 1);
    }
}

#[test]
fn a_store_that_leaves_the_shop_has_nothing_once_and_is_silent_then() {
    let mut bench = two_stores(["one", "two"]);
    let empty = |sku| Effect::Want { key: Key::stock("two", sku), value: Value::Stock(Stock::of(0)) };
    let wants =
        |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Want { .. })).count();
    bench.insert(STOCK, &["2", "2", "1", "3", "0"]);
    // ind_integra_ecommerce of the store.
    let off = bench.update(1, &["2", "9", "002", "f", "1"]);
    assert!(off.contains(&empty("S1")) && off.contains(&empty("S2")), "{off:?}");
    let skipped = |bench: &Bench| bench.mapper.counts().get("skipped/not-mapped").copied().unwrap_or(0);
    let before = skipped(&bench);
    for quantity in ["5", "6"] {
        assert_eq!(wants(&bench.update(STOCK, &["2", "2", "1", quantity, "0"])), 0);
    }
    assert_eq!(skipped(&bench), before + 2, "counted, not silent to the operator");
    assert_eq!(wants(&bench.update(1, &["2", "9", "002", "f", "1"])), 0, "once");
    let on = bench.update(1, &["2", "9", "002", "t", "1"]);
    assert_eq!(read_again(&bench, &on), ["2/2: 1,2", "2/3: 1,2"]);
}

#[test]
fn only_the_stores_of_the_configuration_are_replicated() {
    let mut bench = Bench::new(ONE_STORE);
    bench.insert(1, &["7", "9", "777", "t", "1"]);
    bench.insert(2, &["7", "7", "LOJA", "t", "1"]);
    assert_eq!(bench.insert(STOCK, &["7", "7", "1", "5", "0"]), []);
    assert_eq!(bench.mapper.counts()["skipped/not-mapped"], 1);
    assert_eq!(bench.mapper.deposits_to_load().len(), 1, "and none of its rows is read");
}

#[test]
fn of_several_tenants_only_one_is_mapped() {
    let mut bench = Bench::new(&format!("tenant = \"9\"\n{ONE_STORE}"));
    let other = "8";
    bench.insert(1, &["2", other, "001", "t", "1"]);
    bench.insert(2, &["2", "2", "LOJA", "t", "1"]);
    bench.insert(4, &["2", other, "P1", "t", "0", "f", "1"]);
    bench.insert(5, &["2", "2", "S1", "1", "t", "1"]);
    assert_eq!(bench.mapper.counts()["skipped/other-tenant"], 2, "the store and the product");
    for cells in [["2", "2", "2", "5", "0"], ["2", "2", "1", "5", "0"], ["1", "1", "2", "5", "0"]] {
        assert_eq!(bench.insert(STOCK, &cells), [], "{cells:?}");
    }
    assert_eq!(bench.insert(STOCK, &["1", "1", "1", "7", "0"]), [shows("S1", 7)], "ours has its own codes");
    // It is moved to the other tenant: what VTEX shows of it goes.
    let moved = bench.update(4, &["1", other, "P1", "t", "0", "f", "1"]);
    assert!(moved.contains(&shows("S1", 0)), "{moved:?}");
}
