//! Rows in, effects out.

use std::sync::Arc;

use super::*;
use crate::core::row::{Column, Relation, RowChange};
use crate::core::time::Timestamp;
use crate::core::value::order::Order;
use crate::mapping::Refresh;
use crate::mapping::cell::oid;
use crate::mapping::config::MappingConfig;

struct Nothing;

impl Rows for Nothing {
    fn row(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn rows(&self, _: &[u8], _: &mut dyn FnMut(&[u8], &[u8])) {}
}

/// A mapper with a product, a SKU and a carrier. A row is written as `column=value`, and null where it says nothing.
struct Bench {
    mapper: Mapper,
    config: Arc<MappingConfig>,
}

impl Bench {
    fn new(more: &str) -> Self {
        Self::of(&format!("entities = [\"order\"]\n{more}"))
    }

    fn of(config: &str) -> Self {
        let config: MappingConfig = toml::from_str(config).unwrap();
        assert_eq!(config.validate(), Vec::<String>::new());
        let config = Arc::new(config);
        let mut bench = Self { mapper: Mapper::new(Arc::clone(&config)), config };
        for table in bench.config.captured() {
            let role = table.role;
            let column =
                |name: &String| Column { name: name.as_str().into(), type_oid: oid::TEXT, key: false };
            bench.mapper.announce(&Relation {
                id: role as u32,
                schema: table.schema.as_str().into(),
                table: table.table.as_str().into(),
                columns: table.columns.iter().map(column).collect(),
            });
        }
        bench.change(
            Role::Product,
            None,
            Some("id=p codigo=100 ind_integra_ecommerce=t ind_fracionado=f situacao=1"),
        );
        bench.change(
            Role::Sku,
            None,
            Some("id=s id_produto=p codigo=100-01 ind_ativo_ecommerce=t situacao=1"),
        );
        bench.change(Role::Carrier, None, Some("id=c codigo=1 nome=Correios"));
        bench
    }

    fn cells<'a>(&self, role: Role, row: &'a str) -> Vec<Cell<'a>> {
        let given: BTreeMap<&str, &str> =
            row.split_whitespace().map(|pair| pair.split_once('=').expect("column=value")).collect();
        let columns = self.config.captured_table(role).columns;
        assert!(given.keys().all(|name| columns.iter().any(|column| column == name)), "{row}");
        let cell =
            |name: &String| given.get(name.as_str()).map_or(Cell::Null, |it| Cell::Text(it.as_bytes()));
        columns.iter().map(cell).collect()
    }

    fn change(&mut self, role: Role, old: Option<&str>, new: Option<&str>) -> Vec<Effect> {
        let old = old.map(|row| self.cells(role, row));
        let new = new.map(|row| self.cells(role, row));
        let change = match (&old, &new) {
            (None, Some(new)) => RowChange::Insert { new },
            (old, Some(new)) => RowChange::Update { old: old.as_deref(), new },
            (Some(old), None) => RowChange::Delete { old },
            (None, None) => panic!("no change"),
        };
        let mut out = Vec::new();
        self.mapper.change(role as u32, &change, Timestamp(0), &Nothing, &mut out).unwrap();
        out
    }

    /// What comes of these rows: orders, and why others were refused.
    fn orders(&mut self, rows: &[(Role, &str)]) -> (Vec<(String, Order)>, Vec<String>) {
        let mut batch = OrderBatch::default();
        for (role, row) in rows {
            let cells = self.cells(*role, row);
            self.mapper.order_row(&mut batch, *role as u32, &cells);
        }
        let mut out = Vec::new();
        self.mapper.orders_wanted(batch, &mut out);
        let (mut orders, mut refused) = (Vec::new(), Vec::new());
        for effect in out {
            match effect {
                Effect::Want { key, value: Value::Order(order) } => orders.push((key.id.to_string(), *order)),
                Effect::PutRow { value, .. } => refused.push(String::from_utf8(value).unwrap()),
                Effect::DeleteRow { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        (orders, refused)
    }
}

fn pedido(id: &str) -> Vec<Effect> {
    vec![Effect::Refresh(Refresh::Pedido(RowId::Text(id.into())))]
}

#[test]
fn only_rows_of_vtexs_orders_are_asked_for() {
    let vtex = "id=a origem=VTEX numero_externo=v-1 status=10";
    type Change<'a> = (Role, Option<&'a str>, Option<&'a str>, Vec<Effect>);
    let table: [Change<'_>; 11] = [
        (Role::Order, None, Some(vtex), pedido("a")),
        (Role::Order, Some("id=a"), Some(vtex), pedido("a")),
        (Role::Order, None, Some("id=a origem=PDV numero_externo=v-1"), vec![]),
        (Role::Order, None, Some("id=a origem=VTEX"), vec![]),
        // An order is not cancelled by being cleared away.
        (Role::Order, Some("id=a"), None, vec![]),
        (Role::OrderItem, None, Some("id=i id_pedido=a"), pedido("a")),
        (Role::Volume, Some("id=i id_pedido=a"), None, pedido("a")),
        (Role::Invoice, None, Some("id=n id_pedido=a"), pedido("a")),
        // What a till sells without an order.
        (Role::Invoice, None, Some("id=n"), vec![]),
        (Role::Invoice, Some("id=n"), None, vec![]),
        (Role::InvoiceItem, None, Some("id=i id_nota=n"), vec![]),
    ];
    let mut bench = Bench::new("");
    for (role, old, new, expected) in table {
        assert_eq!(bench.change(role, old, new), expected, "{role:?} {old:?} {new:?}");
    }
    let unknown = bench.change(Role::OrderItem, Some("id=i"), None);
    assert!(matches!(unknown[..], [Effect::Reconcile(crate::core::entity::Entity::Order, _)]), "{unknown:?}");
}

const WHOLE: [(Role, &str); 7] = [
    (
        Role::Order,
        "id=a origem=vtex numero_externo=v-1 numero=12 tipo_pedido=2 status=80 id_transportadora=c codigo_rastreio=BR1",
    ),
    (Role::Order, "id=b origem=VTEX numero_externo=v-1#2 numero=13 tipo_pedido=1 status=10"),
    (Role::OrderItem, "id=i id_pedido=a id_sku=s id_externo=u1 quantidade=2 quantidade_atendida=1"),
    (Role::OrderItem, "id=j id_pedido=b id_sku=other quantidade=1"),
    (Role::Volume, "id=v id_pedido=a data_despacho=2026-01-02"),
    (
        Role::Invoice,
        "id=n id_pedido=a operacao=1 numero=5001 serie=1 situacao=A valor_total=24.99 data_emissao=2026-01-01",
    ),
    (Role::InvoiceItem, "id=k id_nota=n id_sku=s quantidade=1 preco_unitario=24.99"),
];

#[test]
fn an_order_is_put_together_from_its_tables() {
    let (orders, refused) = Bench::new("").orders(&WHOLE);
    assert_eq!(refused, Vec::<String>::new());
    let [(id, order)] = orders.as_slice() else { panic!("{orders:?}") };
    let [first, second] = order.parts.as_slice() else { panic!("{order:?}") };
    assert_eq!((id.as_str(), &*first.number, &*second.number), ("v-1", "12", "13"));
    let dispatch = first.dispatch.clone().unwrap();
    assert_eq!(dispatch.tracking.courier.as_deref(), Some("Correios"));
    assert!(dispatch.at.is_some() && first.lines[0].is_short());
    assert_eq!((&*first.lines[0].sku, first.lines[0].external.as_deref()), ("100-01", Some("u1")));
    assert_eq!(first.invoices[0].items[0].sku, "100-01");
    // A SKU that is not known need not hold up its order.
    assert_eq!(second.lines[0].sku, "");
}

#[test]
fn an_order_with_a_row_that_cannot_be_read_is_refused_as_a_whole() {
    for (role, row) in [
        (Role::Order, "id=c origem=VTEX numero_externo=v-1#3 numero=14 tipo_pedido=2 status=x"),
        (Role::Order, "id=c origem=VTEX numero_externo=v-1#3 numero=14 tipo_pedido=2 status=11"),
        (Role::OrderItem, "id=l id_pedido=b id_sku=s quantidade=many"),
        (Role::Volume, "id=w id_pedido=b data_despacho=soon"),
        (Role::Invoice, "id=m id_pedido=b operacao=1 numero=1 situacao=A data_emissao=2026-01-01"),
        (Role::InvoiceItem, "id=l id_nota=n id_sku=s quantidade=1"),
    ] {
        let mut rows = WHOLE.to_vec();
        let other = "id=o origem=VTEX numero_externo=v-9 numero=99 tipo_pedido=2 status=10";
        rows.extend([(Role::Order, other), (role, row)]);
        let (orders, refused) = Bench::new("").orders(&rows);
        let told: Vec<_> = orders.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!((told, refused.len()), (vec!["v-9"], 1), "{row}: {refused:?}");
    }
}

#[test]
fn pedidos_of_others_are_no_part_of_an_order() {
    let mut rows = WHOLE.to_vec();
    rows.push((Role::Order, "id=z origem=PLUGINBOT numero_externo=v-1#9 numero=1 tipo_pedido=2 status=x"));
    rows.push((Role::OrderItem, "id=y id_pedido=z quantidade=x"));
    let (orders, refused) = Bench::new("").orders(&rows);
    assert_eq!((orders[0].1.parts.len(), refused.len()), (2, 0));
    let tenant = "tenant = \"t1\"\n";
    let foreign =
        (Role::Order, "id=a id_dominio=t2 origem=VTEX numero_externo=v-1 numero=1 tipo_pedido=2 status=10");
    assert_eq!(Bench::new(tenant).orders(&[foreign]), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_ordered_is_reserved_in_the_warehouse_of_its_deposit() {
    let warehouse = |more: &str| {
        let site = "entities = [\"order\", \"stock\"]\n[[stores]]\nloja = \"001\"\nwarehouse = \"1_1\"\n";
        let mut bench = Bench::of(&format!("{site}{more}"));
        bench.change(Role::Store, None, Some("id=l codigo=001 ind_integra_ecommerce=t situacao=1"));
        let deposits = [
            "id=d id_loja=l codigo=1 ind_disponivel_ecommerce=t situacao=1",
            "id=e id_loja=l codigo=2 ind_disponivel_ecommerce=f situacao=1",
        ];
        for deposit in deposits {
            bench.change(Role::Deposit, None, Some(deposit));
        }
        let mut rows =
            vec![(Role::Order, "id=a origem=VTEX numero_externo=v-1 numero=12 tipo_pedido=2 status=10")];
        rows.extend(["d", "e", "unknown"].map(|deposit| {
            let row = format!(
                "id=i{deposit} id_pedido=a id_sku=s id_externo={deposit} quantidade=2 id_deposito={deposit}"
            );
            (Role::OrderItem, &*row.leak())
        }));
        rows.push((Role::OrderItem, "id=j id_pedido=a id_sku=s id_externo=x quantidade=2"));
        let (orders, refused) = bench.orders(&rows);
        assert_eq!(refused, Vec::<String>::new());
        orders[0].1.parts[0]
            .lines
            .iter()
            .filter_map(|line| Some((line.external.clone()?, line.warehouse.clone()?)))
            .collect::<Vec<_>>()
    };
    assert_eq!(warehouse(""), [("d".into(), "1_1".into())]);
    assert_eq!(warehouse("[orders]\nreserves = false\n"), []);
    assert_eq!(warehouse("[tables.stock.columns]\nreserved = \"\"\n"), []);
}
