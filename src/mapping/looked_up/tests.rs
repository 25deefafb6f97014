//! Kits, from rows of the stream and of a read to what VTEX shall hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::entity::{Entity, Key};
use crate::core::money::Money;
use crate::core::row::{Cell, Column, Relation, RowChange};
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::core::value::catalog::Component;
use crate::mapping::cell::{RowId, oid};
use crate::mapping::config::MappingConfig;
use crate::mapping::{Announced, Effect, Holders, Mapper, Refresh, Role, Rows};

#[derive(Default)]
struct Stored(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rows for Stored {
    fn row(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn rows(&self, prefix: &[u8], f: &mut dyn FnMut(&[u8], &[u8])) {
        self.0.iter().filter(|(key, _)| key.starts_with(prefix)).for_each(|(key, value)| f(key, value));
    }
}

/// A row as `column=value`, with a blank in between; columns that are not named are null.
type Line<'a> = &'a str;

struct Bench {
    config: Arc<MappingConfig>,
    mapper: Mapper,
    stored: Stored,
}

const PART: Line<'_> = "id=2 id_produto=2 codigo=PART ind_ativo_ecommerce=1 situacao=1";
const ROW: Line<'_> = "id=9 id_sku_kit=1 id_sku=2 quantidade=3 preco_unitario=4.505";

impl Bench {
    /// Product 1 with SKU 1 is a kit, product 2 with SKU 2 its part.
    fn new() -> Self {
        let text = "entities = [\"product\"]\n[catalog]\nkits = true\n\
                    default_brand = { code = \"0\", name = \"Própria\" }\n\
                    default_package = { height = 1, width = 1, length = 1, grams = 1 }";
        let config: MappingConfig = toml::from_str(text).expect("a configuration");
        let config = Arc::new(config);
        let mut mapper = Mapper::new(Arc::clone(&config));
        for role in Role::ALL.into_iter().filter(|role| config.uses(*role)) {
            assert_eq!(mapper.announce(&relation(&config, role)), Announced::Ready, "{role:?}");
        }
        let mut bench = Self { config, mapper, stored: Stored::default() };
        bench.put(Role::Classifier, "id=1 codigo=C descricao=Camisetas nivel=1 situacao=1");
        bench.put(Role::Product, KIT_PRODUCT);
        bench.put(Role::Product, "id=2 codigo=P2 descricao=Parte ind_integra_ecommerce=1 situacao=1");
        bench.put(Role::Sku, KIT);
        bench.put(Role::Sku, PART);
        bench
    }

    fn put(&mut self, role: Role, line: Line<'_>) -> Vec<Effect> {
        let table = relation(&self.config, role);
        let cells = cells(&table, line);
        self.change(role, &RowChange::Insert { new: &cells })
    }

    fn delete(&mut self, role: Role, line: Line<'_>) -> Vec<Effect> {
        let table = relation(&self.config, role);
        let cells = cells(&table, line);
        self.change(role, &RowChange::Delete { old: &cells })
    }

    fn change(&mut self, role: Role, change: &RowChange<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let changed = self.mapper.change(role as u32, change, Timestamp(0), &self.stored, &mut effects);
        changed.expect("a row that can be read");
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

    /// What a read of product 1 with these rows of its kit leads to.
    fn read(&mut self, rows: &[Line<'_>]) -> Vec<Effect> {
        let mut batch = self.mapper.catalog_batch(&[id("1")]);
        let mut effects = Vec::new();
        let lines = [(Role::Product, KIT_PRODUCT), (Role::Sku, KIT)].into_iter();
        for (role, line) in lines.chain(rows.iter().map(|line| (Role::KitPart, *line))) {
            let table = relation(&self.config, role);
            self.mapper.catalog_row(&mut batch, role as u32, &cells(&table, line), &mut effects);
        }
        self.mapper.catalog_wanted(batch, &self.stored, &mut effects);
        self.keep(&effects);
        effects
    }
}

const KIT_PRODUCT: Line<'_> =
    "id=1 codigo=P1 descricao=Conjunto id_classificador=1 tipo_produto=2 ind_integra_ecommerce=1 situacao=1";
const KIT: Line<'_> = "id=1 id_produto=1 codigo=KIT ind_ativo_ecommerce=1 situacao=1";

fn id(text: &str) -> RowId {
    RowId::Text(text.into())
}

/// Every column as text.
fn relation(config: &MappingConfig, role: Role) -> Relation {
    let table = config.captured_table(role);
    let column = |name: &String| Column { name: name.as_str().into(), type_oid: oid::TEXT, key: false };
    Relation {
        id: role as u32,
        schema: table.schema.as_str().into(),
        table: table.table.as_str().into(),
        columns: table.columns.iter().map(column).collect(),
    }
}

fn cells<'a>(table: &Relation, line: Line<'a>) -> Vec<Cell<'a>> {
    let value = |name: &str| {
        let found =
            line.split(' ').filter_map(|pair| pair.split_once('=')).find(|(column, _)| *column == name);
        found.map_or(Cell::Null, |(_, value)| Cell::Text(value.as_bytes()))
    };
    table.columns.iter().map(|column| value(&column.name)).collect()
}

fn refreshes(effects: &[Effect]) -> Vec<Refresh> {
    let refresh = |effect: &Effect| match effect {
        Effect::Refresh(refresh) => Some(refresh.clone()),
        _ => None,
    };
    effects.iter().filter_map(refresh).collect()
}

fn components(effects: &[Effect]) -> Option<Vec<Component>> {
    effects.iter().find_map(|effect| match effect {
        Effect::Want { key, value: Value::Sku(sku) } if key.id == "KIT" => Some(sku.components.clone()),
        _ => None,
    })
}

#[test]
fn a_change_of_a_kits_parts_has_the_kit_read_again() {
    let mut bench = Bench::new();
    let again = [Refresh::Catalog(id("1"))];
    assert_eq!(refreshes(&bench.put(Role::KitPart, ROW)), again);
    // What a trigger or a replica identity leaves of a deleted row may be its id alone.
    assert_eq!(refreshes(&bench.delete(Role::KitPart, "id=9")), again);
}

#[test]
fn a_kit_waits_for_its_parts_by_their_references_in_vtex() {
    let mut bench = Bench::new();
    let effects = bench.read(&[ROW]);
    let part = Component { sku: "PART".into(), quantity: 3, unit_price: Some(Money(451)) };
    assert_eq!(components(&effects), Some(vec![part]));
    let value = effects.iter().find_map(|effect| match effect {
        Effect::Want { key, value } if key.id == "KIT" => Some(value),
        _ => None,
    });
    let parent = |entity, id: &str| Key { entity, id: id.into() };
    let parents = value.map(Value::parents);
    assert_eq!(parents, Some(vec![parent(Entity::Product, "P1"), parent(Entity::Sku, "PART")]));
}

#[test]
fn a_kit_without_parts_or_with_an_unknown_one_says_so() {
    let unknown = "id=9 id_sku_kit=1 id_sku=77 quantidade=1";
    for (rows, why) in [(&[][..], "a kit without parts"), (&[ROW, unknown], "no SKU for (yet)")] {
        let mut bench = Bench::new();
        let effects = bench.read(rows);
        assert_eq!(components(&effects), None, "{why}");
        let key = Key { entity: Entity::Sku, id: "KIT".into() };
        let explained = bench.mapper.explain(&key, &bench.stored).join("\n");
        assert!(explained.contains(why), "{explained}");
    }
}

#[test]
fn a_part_that_gets_another_name_has_its_kits_read_again() {
    let mut bench = Bench::new();
    let holders = Refresh::Holders(Role::Sku as u8, id("2"));
    let unchanged = bench.put(Role::Sku, PART);
    assert!(!refreshes(&unchanged).contains(&holders), "{unchanged:?}");
    let renamed = refreshes(&bench.put(Role::Sku, &PART.replace("PART", "OTHER")));
    assert!(renamed.contains(&holders), "{renamed:?}");
    let scope = bench.mapper.scope(&renamed);
    let column = "id_sku".to_owned();
    assert_eq!(scope.holders, [Holders { table: Role::KitPart, column, ids: vec![id("2")] }]);
    assert_eq!(bench.mapper.products_with(&[id("1"), id("5")]), [id("1")]);
}

#[test]
fn a_key_leads_to_what_is_to_be_read_again() {
    let mut bench = Bench::new();
    bench.put(Role::Brand, "id=8 codigo=M1 descricao=Maré situacao=1");
    let (sku, catalog) = (Refresh::Sku(id("2")), Refresh::Catalog(id("2")));
    let holders = |role: Role, row: &str| vec![Refresh::Holders(role as u8, id(row))];
    let table = [
        (None, "PART", Some(vec![sku.clone(), catalog.clone()])),
        (None, "w/PART", Some(vec![sku.clone(), catalog.clone()])),
        (None, "NADA", None),
        (Some(Entity::Stock), "w/PART", Some(vec![sku.clone()])),
        (Some(Entity::Price), "PART", Some(vec![sku])),
        (Some(Entity::Sku), "PART", Some(vec![catalog.clone()])),
        (Some(Entity::Product), "P2", Some(vec![catalog.clone()])),
        (Some(Entity::Product), "P2-AZUL", Some(vec![catalog])),
        (Some(Entity::Product), "P3", None),
        (Some(Entity::Brand), "M1", Some(holders(Role::Brand, "8"))),
        (Some(Entity::Brand), "M2", None),
        (Some(Entity::Category), "C", Some(holders(Role::Classifier, "1"))),
        (Some(Entity::Category), "A/B/C", Some(holders(Role::Classifier, "1"))),
        (Some(Entity::Customer), "4711", Some(vec![Refresh::PersonCoded("4711".into())])),
    ];
    for (entity, key, expected) in table {
        assert_eq!(bench.mapper.find(entity, key), expected, "{entity:?} {key}");
    }
}

#[test]
fn where_kits_are_off_their_table_is_not_read() {
    let config: MappingConfig = toml::from_str("entities = [\"product\"]").expect("a configuration");
    assert!(config.captured().iter().all(|table| table.role != Role::KitPart));
    let kits: MappingConfig =
        toml::from_str("entities = [\"product\"]\n[catalog]\nkits = true").expect("a configuration");
    let table = kits.captured().into_iter().find(|table| table.role == Role::KitPart).expect("is captured");
    assert_eq!(table.table, "produto_kit_componente");
    assert_eq!(table.key, ["id", "id_sku_kit"]);
}
