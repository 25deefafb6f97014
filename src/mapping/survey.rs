//! What a load needs to know of the mapping, and what people do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::core::entity::{Entity, Key};

use super::cell::RowId;
use super::{Holders, Mapper, Pair, Refresh, Role, Rows, Scope};

impl Mapper {
    /// Every deposit that feeds a warehouse, in a fixed order.
    pub fn deposits_to_load(&self) -> Vec<Pair> {
        self.reference.pairs()
    }

    /// The next products after one, how many lie before them, and how many there are.
    pub fn products_after(&self, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
        page(&self.reference.product_order, after, count)
    }

    /// The next SKUs after one, how many lie before them, and how many there are.
    pub fn skus_after(&self, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
        page(&self.reference.sku_order, after, count)
    }

    /// What has to be read for these refreshes: of a store everything, of the others the SKUs that are named.
    pub fn scope(&self, refreshes: &[Refresh]) -> Scope {
        let mut skus = BTreeSet::new();
        let mut products = BTreeSet::new();
        let mut stores = BTreeSet::new();
        let (mut catalog, mut holders) = (BTreeSet::new(), BTreeSet::new());
        let (mut people, mut people_coded) = (BTreeSet::new(), BTreeSet::new());
        let (mut pedidos, mut orders) = (BTreeSet::new(), BTreeSet::new());
        for refresh in refreshes {
            match refresh {
                Refresh::Product(id) => {
                    products.insert(id.clone());
                    skus.extend(self.reference.skus_of(id).iter().cloned());
                }
                Refresh::Sku(id) => {
                    skus.insert(id.clone());
                    products.extend(self.reference.skus.get(id).map(|sku| sku.product.clone()));
                }
                Refresh::Store(id) => drop(stores.insert(id)),
                Refresh::Catalog(id) => drop(catalog.insert(id.clone())),
                Refresh::Holders(role, id) => drop(holders.insert((*role, id))),
                Refresh::Person(id) => drop(people.insert(id.clone())),
                Refresh::PersonCoded(code) => drop(people_coded.insert(RowId::Text(code.clone()))),
                Refresh::Pedido(id) => drop(pedidos.insert(id.clone())),
                Refresh::Order(id) => drop(orders.insert(id.clone())),
            }
        }
        let named: Arc<[RowId]> = skus.into_iter().collect();
        let all: Arc<[RowId]> = if stores.is_empty() {
            Arc::default()
        } else {
            self.reference.sku_order.iter().cloned().collect()
        };
        let stock = self.reference.pairs().into_iter().filter_map(|pair| {
            let skus = if stores.contains(&pair.store) { &all } else { &named };
            (!skus.is_empty()).then(|| (pair, Arc::clone(skus)))
        });
        Scope {
            stock: stock.collect(),
            products: products.into_iter().collect(),
            catalog: catalog.into_iter().collect(),
            holders: holders.into_iter().filter_map(|(role, id)| self.holders(role, id)).collect(),
            people: people.into_iter().collect(),
            people_coded: people_coded.into_iter().collect(),
            pedidos: pedidos.into_iter().collect(),
            orders: orders.into_iter().collect(),
        }
    }

    /// Where the products stand that have a row of a small table.
    fn holders(&self, role: u8, id: &RowId) -> Option<Holders> {
        let tables = &self.config.tables;
        let role = Role::ALL.into_iter().find(|known| *known as u8 == role)?;
        let (table, column) = match role {
            Role::Brand => (Role::Product, &tables.product.columns.brand),
            Role::Classifier => (Role::Product, &tables.product.columns.classifier),
            Role::Colour => (Role::Sku, &tables.sku.columns.colour),
            Role::Size => (Role::Sku, &tables.sku.columns.size),
            Role::Sku => (Role::KitPart, &tables.kit_part.columns.sku),
            _ => return None,
        };
        let ids = if role == Role::Classifier { self.below(id) } else { vec![id.clone()] };
        (!column.is_empty()).then(|| Holders { table, column: column.clone(), ids })
    }

    /// The products of some SKUs.
    pub fn products_with(&self, skus: &[RowId]) -> Vec<RowId> {
        skus.iter().filter_map(|sku| self.reference.skus.get(sku)).map(|sku| sku.product.clone()).collect()
    }

    /// A classifier with all that stand below it.
    fn below(&self, id: &RowId) -> Vec<RowId> {
        let mut found = vec![id.clone()];
        let mut next = 0;
        // Each comes once, so a circle in the tree ends too.
        while let Some(parent) = found.get(next).cloned() {
            next += 1;
            for (child, row) in self.reference.all_named(Role::Classifier) {
                if row.parent.as_ref() == Some(&parent) && !found.contains(child) {
                    found.push(child.clone());
                }
            }
        }
        found
    }

    /// What to read again for the key of an entity, or for all that a SKU reference names. None: Live has no such thing.
    pub fn find(&self, entity: Option<Entity>, key: &str) -> Option<Vec<Refresh>> {
        let sku = |reference: &str| self.reference.by_reference(reference).cloned();
        let catalog_of = |sku: &RowId| Some(Refresh::Catalog(self.reference.skus.get(sku)?.product.clone()));
        let holders = |role: Role, code: &str| {
            let found = self.reference.all_named(role).find(|(_, row)| row.code == code);
            found.map(|(id, _)| vec![Refresh::Holders(role as u8, id.clone())])
        };
        let of_stock = || key.split_once('/').and_then(|(_, reference)| sku(reference));
        match entity {
            None => {
                let id = sku(key).or_else(of_stock)?;
                let catalog = self.config.has(Entity::Product).then(|| catalog_of(&id)).flatten();
                Some([Some(Refresh::Sku(id)), catalog].into_iter().flatten().collect())
            }
            Some(Entity::Stock | Entity::Price) => Some(vec![Refresh::Sku(sku(key).or_else(of_stock)?)]),
            Some(Entity::Sku) => Some(vec![catalog_of(&sku(key)?)?]),
            Some(Entity::Product) => Some(vec![Refresh::Catalog(self.product_called(key)?)]),
            Some(Entity::Brand) => holders(Role::Brand, key),
            // Where categories are named by all their codes, the last one is their own.
            Some(Entity::Category) => holders(Role::Classifier, key)
                .or_else(|| holders(Role::Classifier, key.rsplit('/').next().unwrap_or_default())),
            // Customers are not kept: whether there is such a one, Live knows.
            Some(Entity::Customer | Entity::Consent) => Some(vec![Refresh::PersonCoded(key.into())]),
            Some(Entity::Order) => Some(vec![Refresh::Order(Key::order(key).id)]),
        }
    }

    /// The product with a reference of VTEX: its code, or that with a colour's behind it.
    fn product_called(&self, reference: &str) -> Option<RowId> {
        let coded = |code: &str| {
            let found = self.reference.products.iter().find(|(_, product)| product.code == code);
            found.map(|(id, _)| id.clone())
        };
        coded(reference).or_else(|| coded(reference.rsplit_once('-')?.0))
    }

    /// What in Live leads to the wanted value of a key, for people.
    pub fn explain(&self, key: &Key, rows: &dyn Rows) -> Vec<String> {
        if key.entity == Entity::Product {
            let found = self.reference.products.iter().find(|(_, product)| product.code == key.id);
            let Some((id, product)) = found else {
                return vec![format!("Live has no product with the code {}", key.id)];
            };
            let flag = if product.in_ecommerce { "yes" } else { "no" };
            let mut lines = vec![format!("Integra Ecommerce: {flag}")];
            lines.extend(Self::refusals(id, rows));
            return lines;
        }
        if key.entity == Entity::Order {
            return Self::order_refusal(&key.id, rows).into_iter().collect();
        }
        if matches!(key.entity, Entity::Customer | Entity::Consent) {
            return Self::explain_person(&key.id, rows);
        }
        let Some(reference) = key.sku() else { return Vec::new() };
        let Some(id) = self.reference.by_reference(reference) else {
            return vec![format!("Live has no SKU with the reference {reference}")];
        };
        let Some((sku, product, _)) = self.reference.sku(&self.config, id) else {
            return vec![format!("the product of SKU {reference} is not known")];
        };
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let mut lines = vec![
            format!("SKU {} of product {}", sku.code, product.code),
            format!(
                "Integra Ecommerce: {}; product active: {}; SKU active: {}; SKU for sale: {}",
                yes(product.in_ecommerce),
                yes(product.active),
                yes(sku.active),
                yes(sku.in_ecommerce)
            ),
        ];
        if key.entity == Entity::Sku {
            lines.extend(Self::refusals(&sku.product, rows));
        } else if let Some(warehouse) = key.warehouse() {
            let pairs: Vec<Pair> =
                self.reference.pairs().into_iter().filter(|pair| pair.warehouse == warehouse).collect();
            lines.push(format!(
                "minimum for display: {}; sold in fractions: {} (factor {})",
                product.minimum,
                yes(product.fractional),
                sku.factor
            ));
            lines.push(format!("open deposits that feed {warehouse}: {}", pairs.len()));
        } else {
            let kept = Self::kept_prices(&sku.product, rows);
            for row in kept.iter().filter(|row| row.sku.as_ref().is_none_or(|of| of == id)) {
                let table = self.reference.price_tables.get(&row.table);
                lines.push(format!(
                    "price table {}: {}{}{}",
                    table.map_or("(unknown)", |table| table.code.as_str()),
                    row.value,
                    row.promotion.map_or(String::new(), |promotion| format!(", promotion {promotion}")),
                    if row.active { "" } else { " (not in use)" }
                ));
            }
        }
        lines
    }
}

impl Mapper {
    /// Why a product, or some of its SKUs, cannot be sent.
    fn refusals(product: &RowId, rows: &dyn Rows) -> Vec<String> {
        let text = rows.row(&Self::refused_row(product)).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(|line| format!("not sent: {line}")).collect()
    }
}

fn page(order: &BTreeSet<RowId>, after: Option<&RowId>, count: usize) -> (Vec<RowId>, usize, usize) {
    use std::ops::Bound::{Excluded, Unbounded};
    let from = after.map_or(Unbounded, Excluded);
    let page: Vec<_> = order.range::<RowId, _>((from, Unbounded)).take(count).cloned().collect();
    let before = after.map_or(0, |after| order.range::<RowId, _>(..=after).count());
    (page, before, order.len())
}
