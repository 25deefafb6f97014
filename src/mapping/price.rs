//! From the price rows of a product to the price document of each of its SKUs.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::money::{Decimal4, Money};
use crate::core::time::Timestamp;
use crate::core::value::{FixedPrice, Price};

use super::cell::RowId;
use super::config::{PriceRule, PriceUse};
use super::counts::{Counts, Reason};
use super::reference::PriceTable;

/// One row of the price table, as kept per product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PriceRow {
    pub(super) id: RowId,
    pub(super) table: RowId,
    /// `None`: all SKUs of the product.
    pub(super) sku: Option<RowId>,
    pub(super) value: Decimal4,
    pub(super) promotion: Option<Decimal4>,
    pub(super) min_quantity: Decimal4,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) active: bool,
}

/// Live writes an open end as year 9999; from here on an end is open.
const OPEN_END: Timestamp = Timestamp(4_102_444_800_000_000); // 2100-01-01
/// VTEX wants an end when there is a beginning: the last moment before the open end.
const FAR: Timestamp = Timestamp(OPEN_END.0 - 1_000_000);

/// The prices of one SKU at `now`, and when they change by themselves.
pub(super) struct Priced {
    pub(super) price: Price,
    pub(super) changes_at: Option<Timestamp>,
}

/// Puts together what the rows say about one SKU. A row of the SKU itself beats one of the whole product,
/// per price table and minimum quantity.
pub(super) fn price_of<'a>(
    sku: &RowId,
    rows: &'a [PriceRow],
    table_of: impl Fn(&RowId) -> Option<(&'a PriceTable, &'a PriceRule)>,
    now: Timestamp,
    counts: &mut Counts,
) -> Priced {
    let mut price = Price::default();
    let mut has_list_table = false;
    let mut changes_at: Option<Timestamp> = None;
    let mut soonest = |moment: Timestamp| {
        if moment > now && moment < OPEN_END {
            changes_at = Some(changes_at.map_or(moment, |at| at.min(moment)));
        }
    };
    let mut list_from_base = None;
    for row in rows.iter().filter(|row| row.sku.as_ref().is_none_or(|of| of == sku)) {
        let Some((table, rule)) = table_of(&row.table) else {
            counts.count(Reason::PriceTableNotMapped);
            continue;
        };
        let from = table.from.map_or(row.from, |from| from.max(row.from));
        let to = table.to.map_or(row.to, |to| to.min(row.to));
        if !row.active || !table.active || to <= now {
            continue;
        }
        let beaten = row.sku.is_none()
            && rows.iter().any(|other| {
                other.sku.as_ref() == Some(sku)
                    && other.table == row.table
                    && other.min_quantity == row.min_quantity
                    && other.active
                    && other.value.0 > 0
                    && other.from <= now
                    && other.to > now
            });
        soonest(from);
        soonest(to);
        if beaten {
            continue;
        }
        if row.value.0 <= 0 {
            counts.count(Reason::PriceNotPositive);
            continue;
        }
        let value = money(row.value, counts);
        let in_force = from <= now;
        let min_quantity = u32::try_from(row.min_quantity.floor().max(1)).unwrap_or(u32::MAX);
        let fixed = |policy: &String, value, list| FixedPrice {
            trade_policy: CompactString::from(policy),
            min_quantity,
            valid: validity(from, to, now),
            value,
            list,
        };
        match rule.usage {
            None => {
                if let Some(policy) = &rule.trade_policy {
                    let promotion = promotion(row, counts);
                    let list = promotion.map(|_| value);
                    price.fixed.push(fixed(policy, promotion.unwrap_or(value), list));
                }
            }
            Some(PriceUse::Base) if min_quantity > 1 => match &rule.promotion_trade_policy {
                Some(policy) => price.fixed.push(fixed(policy, value, None)),
                None => counts.count(Reason::NoPolicyForQuantity),
            },
            Some(PriceUse::Base) => {
                if let (Some(policy), Some(promotion)) =
                    (&rule.promotion_trade_policy, promotion(row, counts))
                {
                    price.fixed.push(fixed(policy, promotion, Some(value)));
                }
                if in_force {
                    price.base = Some(value);
                    list_from_base = Some(value);
                }
            }
            Some(PriceUse::List) => {
                has_list_table = true;
                if in_force {
                    price.list = Some(value);
                }
            }
            Some(PriceUse::Cost) => {
                if in_force {
                    price.cost = Some(value);
                }
            }
        }
    }
    if !has_list_table {
        price.list = list_from_base;
    }
    // A list price below the base price says nothing to a shopper.
    if price.list.zip(price.base).is_some_and(|(list, base)| list < base) {
        price.list = price.base;
    }
    price.fixed.sort_unstable();
    price.fixed.dedup_by(|later, first| later.identity() == first.identity());
    Priced { price, changes_at }
}

fn money(value: Decimal4, counts: &mut Counts) -> Money {
    let (money, rounded) = value.to_money();
    if rounded {
        counts.count(Reason::Rounded);
    }
    money
}

/// The promotional price, if it is one.
fn promotion(row: &PriceRow, counts: &mut Counts) -> Option<Money> {
    let promotion = row.promotion?;
    if promotion.0 <= 0 || promotion >= row.value {
        counts.count(Reason::PromotionNotBelow);
        return None;
    }
    Some(money(promotion, counts))
}

/// `None` for what is valid from now on for good.
fn validity(from: Timestamp, to: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    match (from <= now, to >= OPEN_END) {
        (true, true) => None,
        (_, true) => Some((from, FAR)),
        (_, false) => Some((from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const DAY: i64 = 86_400_000_000;
    const OPEN: Timestamp = Timestamp(253_370_764_800_000_000);

    fn row(table: i64, sku: Option<i64>, value: i64) -> PriceRow {
        PriceRow {
            id: RowId::Int(value),
            table: RowId::Int(table),
            sku: sku.map(RowId::Int),
            value: Decimal4(value),
            promotion: None,
            min_quantity: Decimal4::ONE,
            from: Timestamp(0),
            to: OPEN,
            active: true,
        }
    }

    fn rules() -> Vec<PriceRule> {
        let rule = |usage, policy: Option<&str>, promotion: Option<&str>| PriceRule {
            tabela: String::new(),
            usage,
            trade_policy: policy.map(str::to_owned),
            promotion_trade_policy: promotion.map(str::to_owned),
        };
        vec![
            rule(Some(PriceUse::Base), None, Some("1")),
            rule(Some(PriceUse::Cost), None, None),
            rule(None, Some("2"), None),
        ]
    }

    fn priced(rows: &[PriceRow]) -> Priced {
        let rules = rules();
        let table = PriceTable { code: "T".into(), active: true, from: None, to: None };
        let rows = rows.to_vec();
        let table_of = |id: &RowId| match id {
            RowId::Int(n) => rules.get(*n as usize).map(|rule| (&table, rule)),
            _ => None,
        };
        price_of(&RowId::Int(7), &rows, table_of, NOW, &mut Counts::default())
    }

    #[test]
    fn tables_go_where_they_are_mapped() {
        let price = priced(&[row(0, None, 19_9000), row(1, None, 8_0000), row(2, None, 15_5050)]).price;
        assert_eq!(
            (price.base, price.list, price.cost),
            (Some(Money(1990)), Some(Money(1990)), Some(Money(800)))
        );
        assert_eq!(price.fixed.len(), 1);
        assert_eq!((price.fixed[0].trade_policy.as_str(), price.fixed[0].value), ("2", Money(1551)));
    }

    #[test]
    fn the_price_of_the_sku_beats_that_of_the_product() {
        let rows = [row(0, Some(7), 25_0000), row(0, None, 19_0000), row(0, Some(8), 99_0000)];
        assert_eq!(priced(&rows).price.base, Some(Money(2500)));
    }

    #[test]
    fn a_promotion_becomes_a_fixed_price_with_its_validity() {
        let to = Timestamp(NOW.0 + DAY);
        let promoted = PriceRow { promotion: Some(Decimal4(15_0000)), to, ..row(0, None, 19_0000) };
        let found = priced(&[promoted]);
        let fixed = &found.price.fixed[0];
        assert_eq!(
            (fixed.value, fixed.list, fixed.valid),
            (Money(1500), Some(Money(1900)), Some((Timestamp(0), to)))
        );
        assert_eq!(found.changes_at, Some(to));
        let not_below = PriceRow { promotion: Some(Decimal4(19_0000)), ..row(0, None, 19_0000) };
        let price = priced(&[not_below]).price;
        assert!(price.fixed.is_empty() && price.base == Some(Money(1900)));
    }

    #[test]
    fn no_price_is_ever_invented() {
        for value in [0, -1, -10_0000] {
            assert_eq!(priced(&[row(0, None, value)]).price, Price::default());
        }
        let ended = PriceRow { to: NOW, ..row(0, None, 19_0000) };
        let off = PriceRow { active: false, ..row(0, None, 19_0000) };
        let elsewhere = row(9, None, 19_0000);
        assert_eq!(priced(&[ended, off, elsewhere]).price, Price::default());
    }

    #[test]
    fn a_base_price_waits_for_its_day() {
        let from = Timestamp(NOW.0 + DAY);
        let found = priced(&[PriceRow { from, ..row(0, None, 19_0000) }]);
        assert_eq!((found.price.base, found.changes_at), (None, Some(from)));
    }
}
