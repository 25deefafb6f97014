//! Price rows, kept by product, to the prices of SKUs.

use std::collections::BTreeMap;

use crate::core::entity::Key;
use crate::core::row::{Cell, RowChange};
use crate::core::time::Timestamp;
use crate::core::value::Value;

use super::cell::{CellError, RowId};
use super::config::PriceRule;
use super::price::{PriceRow, price_of};
use super::read::Plan;
use super::reference::PriceTable;
use super::{Effect, Mapper, Reason, Refresh, RowError, Rows, old_and_new};

/// How a product is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// By a change: one that comes every night until then asks once.
    Once,
    /// By what was read: maybe because its moment has come, by our clock and not yet by Live's.
    Anew,
}

impl Mapper {
    pub(super) fn price_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        now: Timestamp,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        let new = match new {
            Some(cells) => match plan.price(cells) {
                Ok(read) => Some(read),
                Err(RowError { error: CellError::Unchanged, .. }) => {
                    let product = plan.price_product(cells)?;
                    out.push(Effect::Refresh(Refresh::Product(product)));
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
            None => None,
        };
        // Under which id the row was kept before: its own, or that of before a key change.
        let id = match (old, &new) {
            (Some(old), _) => plan.price_id(old)?,
            (None, Some((_, row))) => row.id.clone(),
            (None, None) => return Ok(()),
        };
        let index = Self::price_index(&id);
        let before = rows.row(&index).and_then(|bytes| postcard::from_bytes::<RowId>(&bytes).ok());
        let target = new.as_ref().map(|(product, _)| product.clone());
        if let Some(product) = before.as_ref()
            && Some(product) != target.as_ref()
        {
            let mut kept = Self::kept_prices(product, rows);
            kept.retain(|row| row.id != id);
            self.reprice(product, kept, now, Asks::Once, rows, out);
        }
        if new.as_ref().is_none_or(|(_, row)| row.id != id) {
            out.push(Effect::DeleteRow { key: index });
        }
        if let Some((product, row)) = new {
            let mut kept = Self::kept_prices(&product, rows);
            kept.retain(|other| other.id != id && other.id != row.id);
            let owner =
                postcard::to_stdvec(&product).expect("postcard writes any of our own types to memory");
            out.push(Effect::PutRow { key: Self::price_index(&row.id), value: owner });
            kept.push(row);
            self.reprice(&product, kept, now, Asks::Once, rows, out);
        }
        Ok(())
    }

    pub(super) fn kept_prices(product: &RowId, rows: &dyn Rows) -> Vec<PriceRow> {
        rows.row(&Self::price_row(product))
            .and_then(|bytes| postcard::from_bytes(&bytes).ok())
            .unwrap_or_default()
    }

    /// Keeps the rows of a product and says what its SKUs cost.
    fn reprice(
        &mut self,
        product: &RowId,
        kept: Vec<PriceRow>,
        now: Timestamp,
        asks: Asks,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let mut changes_at: Option<Timestamp> = None;
        if !self.reference.products.contains_key(product) {
            self.counts.count(Reason::UnknownSku);
        }
        for id in self.reference.skus_of(product).to_vec() {
            let Some((_, owner, reference)) = self.reference.sku(&self.config, &id) else { continue };
            if !owner.in_ecommerce {
                self.counts.count(Reason::NotIntegrated);
                continue;
            }
            let table_of = |table: &RowId| -> Option<(&PriceTable, &PriceRule)> {
                let table = self.reference.price_tables.get(table)?;
                Some((table, self.rules.get(table.code.as_str())?))
            };
            let priced = price_of(&id, &kept, table_of, now, &mut self.counts);
            changes_at = match (changes_at, priced.changes_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if priced.price.base.is_none() {
                self.counts.count(Reason::NoBasePrice);
            }
            out.push(Effect::Want {
                key: Key::price(&reference),
                value: Value::Price(Box::new(priced.price)),
            });
        }
        Self::wake(product, changes_at, asks, rows, out);
        let key = Self::price_row(product);
        out.push(if kept.is_empty() {
            Effect::DeleteRow { key }
        } else {
            let value = postcard::to_stdvec(&kept).expect("postcard writes any of our own types to memory");
            Effect::PutRow { key, value }
        });
    }

    /// Has a product read again when its prices change by themselves.
    fn wake(product: &RowId, at: Option<Timestamp>, asks: Asks, rows: &dyn Rows, out: &mut Vec<Effect>) {
        let key = [&b"w"[..], &product.bytes()].concat();
        let asked = rows.row(&key);
        let at_bytes = at.map(|at| at.0.to_be_bytes().to_vec());
        if asks == Asks::Anew || asked != at_bytes {
            out.extend(at.map(|at| Effect::Wake { at, refresh: Refresh::Product(product.clone()) }));
        }
        match at_bytes {
            bytes if bytes == asked => {}
            Some(value) => out.push(Effect::PutRow { key, value }),
            None => out.push(Effect::DeleteRow { key }),
        }
    }

    /// All price rows of some products: what is not among them is no more.
    pub fn price_chunk<'a>(
        &mut self,
        products: &[RowId],
        relation: u32,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
        now: Timestamp,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        let mut found: BTreeMap<RowId, Vec<PriceRow>> =
            products.iter().map(|product| (product.clone(), Vec::new())).collect();
        for row in cells {
            match plan.price(&row) {
                Ok((product, row)) => {
                    if let Some(prices) = found.get_mut(&product) {
                        let owner = postcard::to_stdvec(&product)
                            .expect("postcard writes any of our own types to memory");
                        out.push(Effect::PutRow { key: Self::price_index(&row.id), value: owner });
                        prices.push(row);
                    }
                }
                Err(_) => self.counts.count(Reason::BadValue),
            }
        }
        for (product, prices) in found {
            for gone in Self::kept_prices(&product, rows) {
                if !prices.iter().any(|row| row.id == gone.id) {
                    out.push(Effect::DeleteRow { key: Self::price_index(&gone.id) });
                }
            }
            self.reprice(&product, prices, now, Asks::Anew, rows, out);
        }
    }
}
