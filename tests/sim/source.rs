//! What the process reads: rows through the real mapping.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;
use mare::core::money::{Decimal4, Money};
use mare::core::order::{Direction, Step, Tracking};
use mare::core::row::{Cell, Relation, RowChange};
use mare::core::time::Timestamp;
use mare::core::value::Value;
use mare::core::value::order::{
    Dispatched, Invoice, InvoiceItem, InvoiceState, Line, Order, OrderKind, Part,
};
use mare::mapping::cell::RowId;
use mare::mapping::config::MappingConfig;
use mare::mapping::{Announced, Effect, Mapper, Pair, Rows};

use crate::live::{Change, Pedido};
use crate::stock_tables::{STOCK, tables};
use crate::vtex::{ORDERED, VALUE};

/// The same for all seeds.
static TABLES: OnceLock<[Relation; 5]> = OnceLock::new();
pub(crate) const WAREHOUSE: &str = "w";

/// The configuration is the same for all seeds.
pub(crate) fn config() -> Arc<MappingConfig> {
    static CONFIG: OnceLock<Arc<MappingConfig>> = OnceLock::new();
    let text = "entities = [\"stock\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"w\"";
    Arc::clone(CONFIG.get_or_init(|| Arc::new(toml::from_str(text).unwrap())))
}

pub(crate) fn pair() -> Pair {
    Pair { store: RowId::Int(1), deposit: RowId::Int(1), warehouse: WAREHOUSE.into(), shared: false }
}

pub(crate) fn row_id(sku: u32) -> RowId {
    RowId::Int(i64::from(sku) + 1)
}

/// A mapper with what the ledger keeps of reference data.
pub(crate) fn mapper(rows: &dyn Rows) -> Mapper {
    let mut mapper = Mapper::new(config());
    mapper.restore(rows);
    for relation in TABLES.get_or_init(tables) {
        assert_eq!(mapper.announce(relation), Announced::Ready);
    }
    mapper.set_stock_complete(true);
    mapper
}

/// The rows of stores, deposits, products and SKUs.
pub(crate) fn reference(mapper: &mut Mapper, skus: u32, rows: &dyn Rows, effects: &mut Vec<Effect>) {
    let mut insert = |relation: u32, cells: &[&str]| {
        let cells: Vec<Cell<'_>> = cells.iter().map(|text| Cell::Text(text.as_bytes())).collect();
        mapper.change(relation, &RowChange::Insert { new: &cells }, Timestamp(0), rows, effects).unwrap();
    };
    insert(1, &["1", "9", "001", "t", "1"]);
    insert(2, &["1", "1", "LOJA", "t", "1"]);
    insert(4, &["1", "9", "P1", "t", "0", "f", "1"]);
    for sku in 0..skus {
        let id = (sku + 1).to_string();
        insert(5, &[&id, "1", &format!("S{sku}"), "1", "t", "1"]);
    }
}

/// What a change says, in the mapping's words.
pub(crate) fn map(
    mapper: &mut Mapper,
    change: &Change,
    at: Timestamp,
    absent_is_zero: bool,
    rows: &dyn Rows,
    effects: &mut Vec<Effect>,
) {
    let (sku, quantity) = match change {
        Change::Order(pedido) => return effects.push(wants(pedido)),
        Change::Stock { sku, quantity } => (*sku, Some(*quantity)),
        Change::Touched { sku } => (*sku, None),
    };
    let id = (sku + 1).to_string();
    let key = [Cell::Text(b"1"), Cell::Text(b"1"), Cell::Text(id.as_bytes())];
    let text = quantity.flatten().unwrap_or(0).to_string();
    let result = match quantity {
        Some(None) => {
            let old = [key[0], key[1], key[2], Cell::Null, Cell::Null];
            mapper.change(STOCK, &RowChange::Delete { old: &old }, at, rows, effects)
        }
        known => {
            let balance = match known {
                Some(_) => Cell::Text(text.as_bytes()),
                None if absent_is_zero => Cell::Text(b"0"),
                None => Cell::Unchanged,
            };
            let new = [key[0], key[1], key[2], balance, Cell::Text(b"0")];
            mapper.change(STOCK, &RowChange::Update { old: None, new: &new }, at, rows, effects)
        }
    };
    result.expect("every row can be read");
}

/// A chunk of balances.
pub(crate) fn map_chunk(
    mapper: &mut Mapper,
    skus: &[u32],
    stock: &[(u32, i64)],
    told: &dyn Fn(&mare::core::entity::Key) -> bool,
    rows: &dyn Rows,
    effects: &mut Vec<Effect>,
) {
    let ids: Vec<RowId> = skus.iter().map(|sku| row_id(*sku)).collect();
    let texts: Vec<[String; 2]> = stock
        .iter()
        .filter(|(sku, _)| skus.contains(sku))
        .map(|(sku, quantity)| [(sku + 1).to_string(), quantity.to_string()])
        .collect();
    let cells = texts.iter().map(|[id, quantity]| {
        let text = |text: &'static str| Cell::Text(text.as_bytes());
        vec![text("1"), text("1"), Cell::Text(id.as_bytes()), Cell::Text(quantity.as_bytes()), text("0")]
    });
    mapper.stock_chunk(&pair(), &ids, STOCK, cells, told, rows, effects);
}

/// What Live wants VTEX to know of an order.
pub(crate) fn wants(pedido: &Pedido) -> Effect {
    let key = mare::core::entity::Key::order(&pedido.order);
    let document = |number: &u32| Invoice {
        direction: Direction::Output,
        number: number.to_string().into(),
        series: "1".into(),
        key: None,
        state: InvoiceState::Authorised,
        value: Money(VALUE),
        issued_at: Timestamp(0),
        url: None,
        items: vec![InvoiceItem { sku: ORDERED.into(), quantity: Decimal4::ONE, price: Money(VALUE) }],
    };
    let tracking = Tracking { number: Some(CompactString::new(&pedido.order)), ..Tracking::default() };
    let sent = matches!(pedido.step, Step::Dispatched | Step::Delivered);
    let part = Part {
        number: pedido.order.as_str().into(),
        kind: OrderKind::Delivery,
        step: pedido.step,
        at: None,
        lines: vec![Line {
            sku: ORDERED.into(),
            warehouse: None,
            external: None,
            ordered: Decimal4::ONE,
            served: None,
        }],
        invoices: pedido.invoice.iter().map(document).collect(),
        dispatch: sent.then_some(Dispatched { tracking, at: None }),
        decision: None,
        reason: None,
    };
    Effect::Want { key, value: Value::Order(Box::new(Order { parts: vec![part] })) }
}
