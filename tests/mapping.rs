//! Rows in, effects out: the rules of the mapping that need more than one row.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use mare::core::entity::{Entity, Key};
use mare::core::row::{Cell, Column, Relation, RowChange};
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::mapping::cell::{RowId, oid};
use mare::mapping::config::MappingConfig;
use mare::mapping::{Announced, Effect, Mapper, Pair, Refresh, Rows};

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

const STOCK: u32 = 7;

fn relation(id: u32, table: &str, columns: &[(&str, u32)]) -> Relation {
    let columns = columns.iter().map(|(name, type_oid)| Column {
        name: (*name).into(),
        type_oid: *type_oid,
        key: false,
    });
    Relation { id, schema: "live".into(), table: table.into(), columns: columns.collect() }
}

impl Bench {
    fn new(mapping: &str) -> Self {
        let config: MappingConfig = toml::from_str(mapping).unwrap();
        assert_eq!(config.validate(), Vec::<String>::new());
        let mut mapper = Mapper::new(Arc::new(config));
        let (int, text, flag, number) = (oid::INT4, oid::TEXT, oid::BOOL, oid::NUMERIC);
        let tables = [
            relation(
                1,
                "loja",
                &[
                    ("id", int),
                    ("id_dominio", int),
                    ("codigo", text),
                    ("ind_integra_ecommerce", flag),
                    ("situacao", int),
                ],
            ),
            relation(
                2,
                "deposito",
                &[
                    ("id", int),
                    ("id_loja", int),
                    ("codigo", text),
                    ("ind_disponivel_ecommerce", flag),
                    ("situacao", int),
                ],
            ),
            relation(
                4,
                "produto",
                &[
                    ("id", int),
                    ("id_dominio", int),
                    ("codigo", text),
                    ("ind_integra_ecommerce", flag),
                    ("estoque_minimo_exibicao", number),
                    ("ind_fracionado", flag),
                    ("situacao", int),
                ],
            ),
            relation(
                5,
                "produto_sku",
                &[
                    ("id", int),
                    ("id_produto", int),
                    ("codigo", text),
                    ("fator_embalagem", number),
                    ("ind_ativo_ecommerce", flag),
                    ("situacao", int),
                ],
            ),
            relation(
                STOCK,
                "estoque_saldo",
                &[
                    ("id_loja", int),
                    ("id_deposito", int),
                    ("id_sku", int),
                    ("quantidade", number),
                    ("quantidade_reservada", number),
                ],
            ),
        ];
        for table in &tables {
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
        for effect in &effects {
            match effect {
                Effect::PutRow { key, value } => drop(self.stored.0.insert(key.clone(), value.clone())),
                Effect::DeleteRow { key } => drop(self.stored.0.remove(key)),
                _ => {}
            }
        }
        effects
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
