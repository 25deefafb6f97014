//! Changes of reference data, and what they change in turn.

use std::collections::BTreeSet;

use crate::core::entity::{Entity, Key};
use crate::core::row::RowChange;
use crate::core::value::Value;

use super::cell::{CellError, RowId};
use super::read::Plan;
use super::reference::Row;
use super::{Effect, Mapper, Pair, Reason, Refresh, Role, RowError, no_stock, old_and_new};

impl Mapper {
    pub(super) fn reference_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        let role = plan.role();
        let new_id = new.map(|cells| plan.id(cells)).transpose()?;
        if let Some(old) = old {
            let id = plan.id(old)?;
            if new_id.as_ref() != Some(&id) {
                self.put_reference(role, &id, None, out);
            }
        }
        if let (Some(cells), Some(id)) = (new, new_id) {
            let before = self.reference.row(role, &id);
            let row = match plan.reference(cells, &self.config, before.as_ref()) {
                Err(RowError { error: CellError::Unchanged, .. }) => {
                    // Nothing is known that could complete it: the tables are read again.
                    for entity in role.needed_by() {
                        out.push(Effect::Reconcile(*entity, "a row came incomplete"));
                    }
                    return Ok(());
                }
                read => read?,
            };
            if row.is_none() {
                self.counts.count(Reason::OtherTenant);
            }
            // What VTEX's catalog says of it is not kept here: it is read when it is sent.
            if self.config.has(Entity::Product) {
                match (role, &row) {
                    (Role::Product, Some(_)) => out.push(Effect::Refresh(Refresh::Catalog(id.clone()))),
                    (Role::Sku, Some(Row::Sku(sku))) => {
                        out.push(Effect::Refresh(Refresh::Catalog(sku.product.clone())));
                    }
                    _ => {}
                }
            }
            self.put_reference(role, &id, row, out);
        }
        Ok(())
    }

    /// Keeps a reference row and has read again what it changes.
    pub(super) fn put_reference(&mut self, role: Role, id: &RowId, row: Option<Row>, out: &mut Vec<Effect>) {
        let key = Self::reference_row(role, id);
        // The SKUs that are about to lose their name still have it.
        let leaving = if row.is_none() { self.keys_of(role, id) } else { Vec::new() };
        let pairs = matches!(role, Role::Store | Role::Deposit).then(|| self.reference.pairs());
        let before = self.reference.put(&self.config, role, id, row.clone());
        if before == row {
            return;
        }
        out.push(match &row {
            Some(row) => {
                let value =
                    postcard::to_stdvec(&(id, row)).expect("postcard writes any of our own types to memory");
                Effect::PutRow { key, value }
            }
            None => Effect::DeleteRow { key },
        });
        for key in leaving {
            out.push(match key.entity {
                Entity::Stock => Effect::Want { value: no_stock(), key },
                Entity::Price => Effect::Want { value: Value::Price(Box::default()), key },
                _ => Effect::Withdraw { key },
            });
        }
        match (role, &before, &row) {
            (Role::Product, Some(Row::Product(before)), Some(Row::Product(after)))
                if before.in_ecommerce && !after.in_ecommerce =>
            {
                self.close(id, out);
            }
            (Role::Product, _, Some(_)) => out.push(Effect::Refresh(Refresh::Product(id.clone()))),
            (Role::Sku, before, Some(after)) => {
                out.push(Effect::Refresh(Refresh::Sku(id.clone())));
                // A kit names its parts by what they are called in VTEX.
                let renamed = before.as_ref().is_none_or(|before| before.code() != after.code());
                if renamed && self.config.uses(Role::KitPart) {
                    out.push(Effect::Refresh(Refresh::Holders(role as u8, id.clone())));
                }
            }
            (Role::PriceTable, ..) => out.push(Effect::Reconcile(Entity::Price, "a price table changed")),
            (Role::Brand | Role::Classifier | Role::Colour | Role::Size, Some(_), Some(_)) => {
                out.push(Effect::Refresh(Refresh::Holders(role as u8, id.clone())));
            }
            _ => {}
        }
        if let Some(pairs) = pairs {
            self.pairs_changed(&pairs, out);
        }
    }

    /// The keys of the SKUs of a product, or of one, and with the product its own.
    pub(super) fn keys_of(&self, role: Role, id: &RowId) -> Vec<Key> {
        let skus = match role {
            Role::Product => self.reference.skus_of(id).to_vec(),
            Role::Sku => vec![id.clone()],
            _ => Vec::new(),
        };
        let mut keys = Vec::new();
        if let (Role::Product, true, Some(product)) =
            (role, self.config.has(Entity::Product), self.reference.products.get(id))
        {
            keys.push(Key { entity: Entity::Product, id: product.code.clone() });
        }
        for sku in skus {
            let Some((_, product, reference)) = self.reference.sku(&self.config, &sku) else { continue };
            if !product.in_ecommerce {
                continue;
            }
            if self.config.has(Entity::Stock) {
                keys.extend(
                    self.config.warehouses().into_iter().map(|warehouse| Key::stock(warehouse, &reference)),
                );
            }
            if self.config.has(Entity::Price) {
                keys.push(Key::price(&reference));
            }
            if self.config.has(Entity::Product) {
                keys.push(Key { entity: Entity::Sku, id: reference });
            }
        }
        keys
    }

    /// "Integra Ecommerce" was switched off: the stock goes to zero once, prices stay as they are.
    pub(super) fn close(&mut self, product: &RowId, out: &mut Vec<Effect>) {
        for sku in self.reference.skus_of(product).to_vec() {
            let Some((_, _, reference)) = self.reference.sku(&self.config, &sku) else { continue };
            for warehouse in self.config.warehouses() {
                out.push(Effect::Want { key: Key::stock(warehouse, &reference), value: no_stock() });
            }
        }
    }

    /// Stores or deposits opened or closed: a warehouse that nobody feeds any more is emptied; of the others
    /// only the stores that are concerned are read again.
    pub(super) fn pairs_changed(&mut self, before: &[Pair], out: &mut Vec<Effect>) {
        let after = self.reference.pairs();
        let gone = before.iter().filter(|pair| !after.contains(pair));
        let mut stores: BTreeSet<&RowId> =
            after.iter().filter(|pair| !before.contains(pair)).map(|pair| &pair.store).collect();
        for pair in gone {
            // Whoever is read adds up what is left: any one of those who still feed the warehouse will do.
            if let Some(other) = after.iter().find(|other| other.warehouse == pair.warehouse) {
                stores.insert(&other.store);
                continue;
            }
            for sku in &self.reference.sku_order {
                if let Some((_, product, reference)) = self.reference.sku(&self.config, sku)
                    && product.in_ecommerce
                {
                    let key = Key::stock(&pair.warehouse, &reference);
                    out.push(Effect::Want { key, value: no_stock() });
                }
            }
        }
        out.extend(stores.into_iter().map(|store| Effect::Refresh(Refresh::Store(store.clone()))));
    }

    /// What is known of a reference table beyond these ids.
    pub fn reference_beyond(&self, role: Role, seen: &BTreeSet<RowId>) -> Vec<RowId> {
        fn beyond<'a>(known: impl Iterator<Item = &'a RowId>, seen: &BTreeSet<RowId>) -> Vec<RowId> {
            known.filter(|id| !seen.contains(*id)).cloned().collect()
        }
        match role {
            Role::Store => beyond(self.reference.stores.keys(), seen),
            Role::Deposit => beyond(self.reference.deposits.keys(), seen),
            Role::PriceTable => beyond(self.reference.price_tables.keys(), seen),
            Role::Product => beyond(self.reference.products.keys(), seen),
            Role::Sku => beyond(self.reference.skus.keys(), seen),
            _ => beyond(self.reference.all_named(role).map(|(id, _)| id), seen),
        }
    }

    /// A row of a reference table was asked for, and there is none.
    pub fn reference_gone(&mut self, role: Role, id: &RowId, out: &mut Vec<Effect>) {
        self.put_reference(role, id, None, out);
    }
}
