//! Balances of deposits to the stock of warehouses.

use std::collections::BTreeSet;

use crate::core::entity::Key;
use crate::core::money::Decimal4;
use crate::core::row::{Cell, RowChange};
use crate::core::value::{Stock, Value};

use super::cell::{CellError, RowId};
use super::read::Plan;
use super::{Effect, Mapper, Pair, Reason, Refresh, RowError, Rows, STOCK_COMPLETE, old_and_new, stock};

impl Mapper {
    pub(super) fn stock_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        if let Some(old) = old {
            let before = plan.stock_key(old)?;
            let moved = match new {
                Some(new) => plan.stock_key(new)? != before,
                None => true,
            };
            if moved {
                let (store, deposit, sku) = before;
                self.balance(&store, &deposit, &sku, None, rows, out);
            }
        }
        let Some(new) = new else { return Ok(()) };
        let (store, deposit, sku) = plan.stock_key(new)?;
        match plan.balance(new) {
            Ok(balance) => self.balance(&store, &deposit, &sku, Some(balance), rows, out),
            Err(RowError { error: CellError::Unchanged, .. }) => out.push(Effect::Refresh(Refresh::Sku(sku))),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What a balance of one deposit (`None`: no row) means for its warehouse.
    pub(super) fn balance(
        &mut self,
        store: &RowId,
        deposit: &RowId,
        sku: &RowId,
        balance: Option<Decimal4>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(pair) = self.reference.pair(store, deposit) else {
            return self.counts.count(Reason::NotMapped);
        };
        let total = if pair.shared {
            let key = Self::part_row(pair, sku);
            let total = self.sum(&pair.warehouse, sku, Some((&key, balance)), rows);
            out.push(match balance {
                Some(balance) => Effect::PutRow { key, value: balance.0.to_be_bytes().to_vec() },
                None => Effect::DeleteRow { key },
            });
            if !self.stock_complete {
                return;
            }
            total
        } else {
            balance.unwrap_or_default()
        };
        let warehouse = pair.warehouse.clone();
        self.want_stock(&warehouse, sku, total, out);
    }

    /// All parts of a warehouse's balance, one of them as it is now.
    pub(super) fn sum(
        &self,
        warehouse: &str,
        sku: &RowId,
        changed: Option<(&[u8], Option<Decimal4>)>,
        rows: &dyn Rows,
    ) -> Decimal4 {
        let mut total = changed.and_then(|(_, balance)| balance).map_or(0, |balance| balance.0);
        // Parts of deposits that are closed now do not count; they stay, for when they open again.
        let prefix = Self::parts_prefix(warehouse, sku);
        let open: BTreeSet<Vec<u8>> = self
            .reference
            .pairs()
            .iter()
            .filter(|pair| pair.warehouse == warehouse)
            .map(|pair| Self::part_row(pair, sku))
            .collect();
        rows.rows(&prefix, &mut |key, value| {
            let is_changed = changed.is_some_and(|(changed, _)| changed == key);
            if !is_changed
                && open.contains(key)
                && let Ok(part) = <[u8; 8]>::try_from(value)
            {
                total = total.saturating_add(i64::from_be_bytes(part));
            }
        });
        Decimal4(total)
    }

    pub(super) fn want_stock(
        &mut self,
        warehouse: &str,
        sku: &RowId,
        balance: Decimal4,
        out: &mut Vec<Effect>,
    ) {
        let Some((row, product, reference)) = self.reference.sku(&self.config, sku) else {
            let known = self.reference.skus.contains_key(sku);
            return self.counts.count(if known { Reason::DuplicateReference } else { Reason::UnknownSku });
        };
        if !product.in_ecommerce {
            return self.counts.count(Reason::NotIntegrated);
        }
        let minimum = self.config.stock.minimum;
        if let Some(quantity) = stock::units(balance, row, product, minimum, &mut self.counts) {
            out.push(Effect::Want {
                key: Key::stock(warehouse, &reference),
                value: Value::Stock(Stock::of(quantity)),
            });
        }
    }

    /// Balances of a range of SKUs of one deposit: those without a row have none. `told`: whether VTEX holds anything of a
    /// key, or is about to be told.
    #[expect(clippy::too_many_arguments, reason = "a chunk with all that it belongs to")]
    pub fn stock_chunk<'a>(
        &mut self,
        pair: &Pair,
        skus: &[RowId],
        relation: u32,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
        told: &dyn Fn(&Key) -> bool,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        let mut missing: BTreeSet<&RowId> = skus.iter().collect();
        for row in cells {
            let (Ok((store, deposit, sku)), Ok(balance)) = (plan.stock_key(&row), plan.balance(&row)) else {
                self.counts.count(Reason::BadValue);
                continue;
            };
            missing.remove(&sku);
            self.balance(&store, &deposit, &sku, Some(balance), rows, out);
        }
        for sku in missing {
            let Some((_, _, reference)) = self.reference.sku(&self.config, sku) else { continue };
            // Nothing is said about stock that never was: only what VTEX holds is taken back.
            if pair.shared || told(&Key::stock(&pair.warehouse, &reference)) {
                self.balance(&pair.store, &pair.deposit, sku, None, rows, out);
            }
        }
    }

    /// Whether sums of several deposits are whole; until then their warehouses are silent.
    pub fn set_stock_complete(&mut self, complete: bool) {
        self.stock_complete = complete;
    }

    /// The wanted stock of every warehouse that several deposits feed.
    pub fn sums(&mut self, rows: &dyn Rows, out: &mut Vec<Effect>) {
        out.push(Effect::PutRow { key: STOCK_COMPLETE.to_vec(), value: vec![1] });
        let warehouses: BTreeSet<_> = self
            .reference
            .pairs()
            .into_iter()
            .filter(|pair| pair.shared)
            .map(|pair| pair.warehouse)
            .collect();
        for warehouse in warehouses {
            for sku in self.reference.sku_order.clone() {
                let mut any = false;
                rows.rows(&Self::parts_prefix(&warehouse, &sku), &mut |_, _| any = true);
                if any {
                    let total = self.sum(&warehouse, &sku, None, rows);
                    self.want_stock(&warehouse, &sku, total, out);
                }
            }
        }
    }
}
