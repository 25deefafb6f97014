//! From the price rows of a product to the price document of each of its SKUs.

use std::collections::BTreeMap;

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
/// VTEX wants a beginning when there is an end: nothing that is sold today began before.
const LONG_AGO: Timestamp = Timestamp(946_684_800_000_000); // 2000-01-01

/// The prices of one SKU at `now`, and when they change by themselves.
pub(super) struct Priced {
    pub(super) price: Price,
    pub(super) changes_at: Option<Timestamp>,
}

/// A row that counts for the SKU now, or will some day.
struct Standing<'a> {
    row: &'a PriceRow,
    rule: &'a PriceRule,
    value: Money,
    min_quantity: u32,
    from: Timestamp,
    to: Timestamp,
}

impl Standing<'_> {
    /// While several are in force, the highest counts: a row of the SKU before one of the whole product, and of two
    /// such rows the one that came into force later (the older one was never closed).
    fn rank(&self) -> (bool, Timestamp, &RowId) {
        (self.row.sku.is_some(), self.from, &self.row.id)
    }

    const fn is_in_force(&self, at: Timestamp) -> bool {
        self.from.0 <= at.0 && at.0 < self.to.0
    }
}

/// A time in which one row counts.
struct Stretch<'a> {
    standing: &'a Standing<'a>,
    from: Timestamp,
    to: Timestamp,
}

/// Puts together what the rows say about one SKU. Fixed prices are told with their times, those to come too: VTEX then
/// changes them at their moment, whether we are there or not.
pub(super) fn price_of<'a>(
    sku: &RowId,
    rows: &'a [PriceRow],
    table_of: impl Fn(&RowId) -> Option<(&'a PriceTable, &'a PriceRule)>,
    now: Timestamp,
    counts: &mut Counts,
) -> Priced {
    let standing = standing(sku, rows, table_of, now, counts);
    let mut price = Price::default();
    let mut list = None;
    for stretch in timetable(&standing, now) {
        let Standing { rule, value, min_quantity, .. } = *stretch.standing;
        let promotion = promotion(stretch.standing, counts);
        let mut fix = |policy: &String| {
            price.fixed.push(FixedPrice {
                trade_policy: CompactString::from(policy),
                min_quantity,
                valid: validity(stretch.from, stretch.to, now),
                value: promotion.unwrap_or(value),
                list: promotion.map(|_| value),
            });
        };
        match (rule.usage, &rule.trade_policy, &rule.promotion_trade_policy) {
            (None, Some(policy), _) => fix(policy),
            (Some(PriceUse::Base), _, Some(policy)) if min_quantity > 1 || promotion.is_some() => fix(policy),
            (Some(PriceUse::Base), ..) if min_quantity == 1 && promotion.is_some() => {
                counts.count(Reason::NoPolicyForPromotion);
            }
            // VTEX has one of each.
            (Some(_), ..) if min_quantity > 1 => counts.count(Reason::NoPolicyForQuantity),
            _ => {}
        }
        if min_quantity > 1 || stretch.from > now {
            continue;
        }
        match rule.usage {
            Some(PriceUse::Base) => price.base = Some(value),
            Some(PriceUse::List) => list = Some(value),
            Some(PriceUse::Cost) => price.cost = Some(value),
            None => {}
        }
    }
    // A list price below the base price says nothing to a shopper.
    price.list = list.filter(|list| price.base.is_none_or(|base| *list >= base)).or(price.base);
    price.fixed.sort_unstable();
    price.fixed.dedup_by(|later, first| later.identity() == first.identity());
    let moments = standing.iter().flat_map(|row| [row.from, row.to]);
    let changes_at = moments.filter(|at| *at > now && *at < OPEN_END).min();
    Priced { price, changes_at }
}

/// Which row counts when, from now on; one at a time for each price table and minimum quantity.
fn timetable<'a>(standing: &'a [Standing<'a>], now: Timestamp) -> Vec<Stretch<'a>> {
    let mut groups: BTreeMap<(&RowId, u32), Vec<&Standing<'_>>> = BTreeMap::new();
    for row in standing {
        groups.entry((&row.row.table, row.min_quantity)).or_default().push(row);
    }
    let mut stretches = Vec::with_capacity(standing.len());
    for rows in groups.into_values() {
        let mut moments: Vec<Timestamp> = rows.iter().flat_map(|row| [row.from, row.to]).collect();
        moments.retain(|at| *at > now);
        moments.push(now);
        moments.sort_unstable();
        moments.dedup();
        let mut last: Option<Stretch<'_>> = None;
        for at in moments {
            let counts = rows.iter().filter(|row| row.is_in_force(at)).max_by_key(|row| row.rank());
            if let Some(over) =
                last.take_if(|last| counts.is_none_or(|row| !std::ptr::eq(*row, last.standing)))
            {
                stretches.push(Stretch { to: at, ..over });
            }
            if let (None, Some(standing)) = (&last, counts) {
                let from = if at == now { standing.from } else { at };
                last = Some(Stretch { standing, from, to: standing.to });
            }
        }
        stretches.extend(last);
    }
    stretches
}

/// The rows of mapped tables that are in use, not over, and have a price.
fn standing<'a>(
    sku: &RowId,
    rows: &'a [PriceRow],
    table_of: impl Fn(&RowId) -> Option<(&'a PriceTable, &'a PriceRule)>,
    now: Timestamp,
    counts: &mut Counts,
) -> Vec<Standing<'a>> {
    let mut standing = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.sku.as_ref().is_none_or(|of| of == sku)) {
        let Some((table, rule)) = table_of(&row.table) else {
            counts.count(Reason::PriceTableNotMapped);
            continue;
        };
        let from = table.from.map_or(row.from, |from| from.max(row.from));
        let to = table.to.map_or(row.to, |to| to.min(row.to));
        if !row.active || !table.active || to <= now || to <= from {
            continue;
        }
        let value = money(row.value, counts);
        if value.0 <= 0 {
            counts.count(Reason::PriceNotPositive);
            continue;
        }
        let min_quantity = u32::try_from(row.min_quantity.floor().max(1)).unwrap_or(u32::MAX);
        standing.push(Standing { row, rule, value, min_quantity, from, to });
    }
    standing
}

fn money(value: Decimal4, counts: &mut Counts) -> Money {
    let (money, rounded) = value.to_money();
    if rounded {
        counts.count(Reason::Rounded);
    }
    money
}

/// The promotional price, if it is one.
fn promotion(row: &Standing<'_>, counts: &mut Counts) -> Option<Money> {
    let promotion = money(row.row.promotion?, counts);
    if promotion.0 <= 0 || promotion >= row.value {
        counts.count(Reason::PromotionNotBelow);
        return None;
    }
    Some(promotion)
}

/// `None` for what is valid from now on for good.
fn validity(from: Timestamp, to: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    match (from <= now, to >= OPEN_END) {
        (true, true) => None,
        (_, true) => Some((from.max(LONG_AGO), FAR)),
        (_, false) => Some((from.max(LONG_AGO), to)),
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

    /// Base, cost, trade policy 2, list, base without a policy for promotions, trade policy 2 again.
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
            rule(Some(PriceUse::List), None, None),
            rule(Some(PriceUse::Base), None, None),
        ]
    }

    const BASE: i64 = 0;
    const COST: i64 = 1;
    const POLICY: i64 = 2;
    const LIST: i64 = 3;
    const BASE_ALONE: i64 = 4;

    fn counted(rows: &[PriceRow], table: &PriceTable, now: Timestamp) -> (Priced, Vec<&'static str>) {
        let (rules, rows) = (rules(), rows.to_vec());
        let table_of = |id: &RowId| match id {
            RowId::Int(n) => rules.get(*n as usize).map(|rule| (table, rule)),
            _ => None,
        };
        let mut counts = Counts::default();
        let priced = price_of(&RowId::Int(7), &rows, table_of, now, &mut counts);
        (priced, counts.named().into_keys().collect())
    }

    fn priced_at(rows: &[PriceRow], now: Timestamp) -> Priced {
        let table = PriceTable { code: "T".into(), active: true, from: None, to: None };
        counted(rows, &table, now).0
    }

    fn priced(rows: &[PriceRow]) -> Priced {
        priced_at(rows, NOW)
    }

    /// A day before or after now.
    const fn day(n: i64) -> Timestamp {
        Timestamp(NOW.0 + n * DAY)
    }

    fn during(row: PriceRow, from: Timestamp, to: Timestamp) -> PriceRow {
        PriceRow { from, to, ..row }
    }

    fn promoted(row: PriceRow, promotion: i64) -> PriceRow {
        PriceRow { promotion: Some(Decimal4(promotion)), ..row }
    }

    fn from_units(row: PriceRow, units: i64) -> PriceRow {
        PriceRow { min_quantity: Decimal4(units * 10_000), ..row }
    }

    /// `base list cost`, then `policy/units value<list [from, to)` in days from now; `…` is open.
    fn shown(price: &Price) -> String {
        let money = |money: Option<Money>| money.map_or("-".to_owned(), |money| money.to_string());
        let days = |at: Timestamp| match at {
            LONG_AGO => "long ago".to_owned(),
            FAR => "…".to_owned(),
            at => ((at.0 - NOW.0) / DAY).to_string(),
        };
        let mut text = [price.base, price.list, price.cost].map(money).join(" ");
        for fixed in &price.fixed {
            let list = fixed.list.map_or(String::new(), |list| format!("<{list}"));
            let valid = fixed.valid.map(|(from, to)| format!(" [{}, {})", days(from), days(to)));
            let (policy, units) = (&fixed.trade_policy, fixed.min_quantity);
            text += &format!("; {policy}/{units} {}{list}{}", fixed.value, valid.unwrap_or_default());
        }
        text
    }

    #[test]
    fn every_rule_of_prices() {
        let (ten, eight, six) = (10_0000, 8_0000, 6_0000);
        let all = |table, value| row(table, None, value);
        let own = |table, value| row(table, Some(7), value);
        let cases: Vec<(&str, Vec<PriceRow>, &str, &[&str])> = vec![
            ("nothing", vec![], "- - -", &[]),
            ("the base table", vec![all(BASE, ten)], "10.00 10.00 -", &[]),
            (
                "each table goes where it is mapped",
                vec![all(BASE, ten), all(COST, six), all(POLICY, eight)],
                "10.00 10.00 6.00; 2/1 8.00",
                &[],
            ),
            ("a list table", vec![all(BASE, eight), all(LIST, ten)], "8.00 10.00 -", &[]),
            (
                "a list price below the price says nothing",
                vec![all(BASE, eight), all(LIST, six)],
                "8.00 8.00 -",
                &[],
            ),
            (
                "a list price that is still to come",
                vec![all(BASE, eight), during(all(LIST, ten), day(1), OPEN)],
                "8.00 8.00 -",
                &[],
            ),
            ("a table that is not mapped", vec![all(9, ten)], "- - -", &["skipped/price-table-not-mapped"]),
            ("a row out of use", vec![PriceRow { active: false, ..all(BASE, ten) }], "- - -", &[]),
            ("zero is no price", vec![all(BASE, 0)], "- - -", &["refused/price-not-positive"]),
            (
                "less than a centavo is none",
                vec![all(BASE, 40)],
                "- - -",
                &["adjusted/rounded", "refused/price-not-positive"],
            ),
            ("half a centavo up", vec![all(BASE, 8_0050)], "8.01 8.01 -", &["adjusted/rounded"]),
            // SKU and product.
            ("the SKU before the product", vec![own(BASE, eight), all(BASE, ten)], "8.00 8.00 -", &[]),
            (
                "in each table for itself",
                vec![own(BASE, eight), all(BASE, ten), all(POLICY, six)],
                "8.00 8.00 -; 2/1 6.00",
                &[],
            ),
            ("another SKU's row", vec![row(BASE, Some(8), six), all(BASE, ten)], "10.00 10.00 -", &[]),
            (
                "a SKU's row that is no price",
                vec![own(BASE, 0), all(BASE, ten)],
                "10.00 10.00 -",
                &["refused/price-not-positive"],
            ),
            (
                "a SKU's row that is over",
                vec![during(own(BASE, eight), day(-2), day(-1)), all(BASE, ten)],
                "10.00 10.00 -",
                &[],
            ),
            (
                "a SKU's row that is still to come",
                vec![during(own(BASE, eight), day(1), OPEN), all(BASE, ten)],
                "10.00 10.00 -",
                &[],
            ),
            // Times.
            ("over", vec![during(all(BASE, ten), day(-2), NOW)], "- - -", &[]),
            ("a base price of tomorrow", vec![during(all(BASE, ten), day(1), OPEN)], "- - -", &[]),
            (
                "of two that are never closed the later one",
                vec![during(all(BASE, eight), day(-1), OPEN), all(BASE, ten)],
                "8.00 8.00 -",
                &[],
            ),
            (
                "whatever stands first",
                vec![all(BASE, ten), during(all(BASE, eight), day(-1), OPEN)],
                "8.00 8.00 -",
                &[],
            ),
            (
                "an end without a beginning",
                vec![during(all(POLICY, ten), Timestamp(i64::MIN), day(1))],
                "- - -; 2/1 10.00 [long ago, 1)",
                &[],
            ),
            (
                "a fixed price for a time",
                vec![during(all(POLICY, ten), day(-1), day(1))],
                "- - -; 2/1 10.00 [-1, 1)",
                &[],
            ),
            (
                "one of tomorrow, for good",
                vec![during(all(POLICY, ten), day(1), OPEN)],
                "- - -; 2/1 10.00 [1, …)",
                &[],
            ),
            (
                "it takes over from the one before",
                vec![all(POLICY, ten), during(all(POLICY, eight), day(1), OPEN)],
                "- - -; 2/1 10.00 [long ago, 1); 2/1 8.00 [1, …)",
                &[],
            ),
            (
                "and gives back",
                vec![during(all(POLICY, ten), day(-9), OPEN), during(own(POLICY, eight), day(1), day(3))],
                "- - -; 2/1 10.00 [-9, 1); 2/1 8.00 [1, 3); 2/1 10.00 [3, …)",
                &[],
            ),
            (
                "one that the SKU's own covers",
                vec![own(POLICY, eight), during(all(POLICY, ten), day(1), day(2))],
                "- - -; 2/1 8.00",
                &[],
            ),
            ("an interval that is none", vec![during(all(POLICY, ten), day(2), day(1))], "- - -", &[]),
            // Promotions.
            (
                "a promotion",
                vec![during(promoted(all(BASE, ten), eight), day(-1), day(1))],
                "10.00 10.00 -; 1/1 8.00<10.00 [-1, 1)",
                &[],
            ),
            ("for good", vec![promoted(all(BASE, ten), eight)], "10.00 10.00 -; 1/1 8.00<10.00", &[]),
            (
                "of next week, beside today's price",
                vec![all(BASE, ten), during(promoted(all(BASE, ten), eight), day(7), day(9))],
                "10.00 10.00 -; 1/1 8.00<10.00 [7, 9)",
                &[],
            ),
            (
                "none that is not below",
                vec![promoted(all(BASE, ten), ten)],
                "10.00 10.00 -",
                &["refused/promotion-not-below"],
            ),
            (
                "none that rounds to the price",
                vec![promoted(all(BASE, ten), 9_9999)],
                "10.00 10.00 -",
                &["adjusted/rounded", "refused/promotion-not-below"],
            ),
            (
                "none that is nothing",
                vec![promoted(all(BASE, ten), 0)],
                "10.00 10.00 -",
                &["refused/promotion-not-below"],
            ),
            (
                "nowhere to go",
                vec![promoted(all(BASE_ALONE, ten), eight)],
                "10.00 10.00 -",
                &["skipped/no-policy-for-promotion"],
            ),
            ("in a table of its own", vec![promoted(all(POLICY, ten), eight)], "- - -; 2/1 8.00<10.00", &[]),
            (
                "a SKU's own row has no part in it",
                vec![promoted(all(BASE, ten), six), own(BASE, eight)],
                "8.00 8.00 -",
                &[],
            ),
            // Quantities.
            (
                "from twelve units",
                vec![all(BASE, ten), from_units(all(BASE, eight), 12)],
                "10.00 10.00 -; 1/12 8.00",
                &[],
            ),
            (
                "with a promotion",
                vec![from_units(promoted(all(BASE, eight), six), 12)],
                "- - -; 1/12 6.00<8.00",
                &[],
            ),
            (
                "nowhere to go for several",
                vec![from_units(all(BASE_ALONE, eight), 12)],
                "- - -",
                &["skipped/no-policy-for-quantity"],
            ),
            (
                "no other cost or list price for several",
                vec![all(BASE, ten), from_units(all(COST, six), 12), from_units(all(LIST, eight), 12)],
                "10.00 10.00 -",
                &["skipped/no-policy-for-quantity"],
            ),
            (
                "in another table",
                vec![all(POLICY, ten), from_units(all(POLICY, eight), 3)],
                "- - -; 2/1 10.00; 2/3 8.00",
                &[],
            ),
            ("none is one", vec![from_units(all(POLICY, ten), 0)], "- - -; 2/1 10.00", &[]),
        ];
        let table = PriceTable { code: "T".into(), active: true, from: None, to: None };
        for (name, rows, expected, reasons) in cases {
            let (found, counted) = counted(&rows, &table, NOW);
            assert_eq!(shown(&found.price), expected, "{name}");
            assert_eq!(counted, reasons, "{name}");
            let mut turned = rows.clone();
            turned.reverse();
            assert_eq!(priced(&turned).price, found.price, "{name}: in any order");
        }
    }

    #[test]
    fn the_times_of_a_table_are_those_of_its_rows() {
        let table = |from, to, active| PriceTable { code: "T".into(), active, from, to };
        let cases = [
            (table(None, None, true), "- - -; 2/1 10.00 [-5, 5)"),
            (table(Some(day(-2)), Some(day(2)), true), "- - -; 2/1 10.00 [-2, 2)"),
            (table(Some(day(-9)), Some(day(9)), true), "- - -; 2/1 10.00 [-5, 5)"),
            (table(Some(day(2)), None, true), "- - -; 2/1 10.00 [2, 5)"),
            (table(None, Some(NOW), true), "- - -"),
            (table(Some(day(6)), None, true), "- - -"),
            (table(None, None, false), "- - -"),
        ];
        for (table, expected) in cases {
            let rows = [during(row(POLICY, None, 10_0000), day(-5), day(5))];
            assert_eq!(shown(&counted(&rows, &table, NOW).0.price), expected, "{table:?}");
        }
    }

    /// What is looked at again when it changes is the same as what anybody sees who comes later.
    #[test]
    fn prices_change_at_their_moment_though_no_row_does() {
        let rows = [
            during(row(BASE, None, 10_0000), day(-9), day(4)),
            during(promoted(row(BASE, None, 12_0000), 9_0000), day(2), day(3)),
            during(row(BASE, None, 11_0000), day(4), OPEN),
            during(row(POLICY, Some(7), 7_0000), day(-1), day(1)),
        ];
        let expected = [
            (NOW, "10.00 10.00 -; 1/1 9.00<12.00 [2, 3); 2/1 7.00 [-1, 1)", Some(day(1))),
            (day(1), "10.00 10.00 -; 1/1 9.00<12.00 [2, 3)", Some(day(2))),
            (day(2), "12.00 12.00 -; 1/1 9.00<12.00 [2, 3)", Some(day(3))),
            (day(3), "10.00 10.00 -", Some(day(4))),
            (day(4), "11.00 11.00 -", None),
        ];
        let mut at = Some(NOW);
        for (now, price, next) in expected {
            assert_eq!(at, Some(now), "it is looked at again then");
            let found = priced_at(&rows, now);
            assert_eq!(shown(&found.price), price);
            assert_eq!(found.changes_at, next);
            at = next;
        }
    }
}
