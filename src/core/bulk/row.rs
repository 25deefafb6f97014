//! Which keys may be rows.

use compact_str::CompactString;

use super::super::call::bulk::BulkRow;
use super::super::entity::{Key, SkuId};
use super::super::plan::PriceRules;
use super::super::value::{Price, Stock, Value};
use super::BulkRules;

/// A key that waits, with what VTEX confirmed of it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub key: &'a Key,
    pub sku: SkuId,
    pub wanted: &'a Value,
    pub confirmed: Option<&'a Value>,
    /// VTEX is known to hold the confirmed value.
    pub sure: bool,
    /// Whose the fixed prices in VTEX are.
    pub prices: &'a PriceRules,
}

/// What a key has in a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub content: BulkRow,
    /// It says all that is wanted. If not, there may be fixed prices of ours in VTEX that are to go: the key is read
    /// after the job.
    pub whole: bool,
}

/// The row of a key; `None`: it goes singly.
pub fn row(candidate: Candidate<'_>, rules: &BulkRules) -> Option<Row> {
    match candidate.wanted {
        Value::Stock(stock) => Some(Row { content: stock_row(candidate, *stock, rules)?, whole: true }),
        Value::Price(price) => {
            let whole = match fixed_prices(candidate, price) {
                Fixed::AsWanted => true,
                Fixed::Unknown if price.fixed.is_empty() => false,
                Fixed::Unknown | Fixed::Other => return None,
            };
            Some(Row { content: price_row(candidate, price, rules)?, whole })
        }
        _ => None,
    }
}

fn stock_row(candidate: Candidate<'_>, stock: Stock, rules: &BulkRules) -> Option<BulkRow> {
    Some(BulkRow::Stock {
        sku: candidate.sku,
        warehouse: CompactString::new(candidate.key.warehouse()?),
        quantity: told(stock)?,
        lead_time_hours: rules.stock_lead_time_hours?,
    })
}

/// What VTEX is told of a balance; `None`: more than it takes, or with units of an order, which must not wait for a job.
fn told(stock: Stock) -> Option<u32> {
    let fits = i32::try_from(stock.quantity).is_ok() && stock.reserved == 0;
    fits.then(|| stock.told())
}

fn price_row(candidate: Candidate<'_>, price: &Price, rules: &BulkRules) -> Option<BulkRow> {
    // Base and cost are columns that must not be empty.
    let (base, cost, list) = (price.base?, price.cost?, price.list);
    let sku = candidate.sku;
    (list.is_some() || rules.empty_list_price).then_some(BulkRow::Price { sku, cost, base, list })
}

/// How the fixed prices in VTEX compare to Live's.
enum Fixed {
    AsWanted,
    Other,
    Unknown,
}

fn fixed_prices(candidate: Candidate<'_>, wanted: &Price) -> Fixed {
    let held = match candidate.confirmed {
        Some(Value::Price(held)) => &held.fixed[..],
        _ => &[],
    };
    let known = candidate.sure && candidate.confirmed.is_some();
    let none_is_ours = !candidate.prices.may_own_fixed() && held.is_empty();
    match held == wanted.fixed {
        true if known || none_is_ours => Fixed::AsWanted,
        false if known => Fixed::Other,
        _ => Fixed::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::money::Money;
    use super::super::super::value::FixedPrice;
    use super::*;

    const SKU: SkuId = SkuId(7);

    fn price(list: Option<i64>, cost: Option<i64>, fixed: &[i64]) -> Value {
        let fixed = fixed.iter().map(|value| FixedPrice {
            trade_policy: "1".into(),
            min_quantity: 1,
            valid: None,
            value: Money(*value),
            list: None,
        });
        let fixed = fixed.collect();
        let (list, cost) = (list.map(Money), cost.map(Money));
        Value::Price(Box::new(Price { base: Some(Money(1_000)), list, cost, fixed }))
    }

    /// Whether a row says all, or something; `None`: the key goes singly.
    fn goes(
        wanted: &Value,
        confirmed: Option<&Value>,
        sure: bool,
        rules: &BulkRules,
        prices: &PriceRules,
    ) -> Option<bool> {
        let key = Key::price("A");
        row(Candidate { key: &key, sku: SKU, wanted, confirmed, sure, prices }, rules).map(|row| row.whole)
    }

    #[test]
    fn only_what_an_import_can_say_goes_by_it() {
        let rules = BulkRules::default();
        let lenient = BulkRules { empty_list_price: true, ..rules.clone() };
        let prices = PriceRules { trade_policies: vec!["1".into()], ..PriceRules::default() };
        let no_base = Value::Price(Box::default());
        let whole = price(Some(1_200), Some(500), &[]);
        let with_fixed = price(Some(1_200), Some(500), &[900]);
        let other_fixed = price(Some(1_200), Some(500), &[800]);
        let (all, some) = (Some(true), Some(false));
        // wanted, confirmed, sure, goes, goes where an empty list price may
        let table = [
            (&whole, None, true, some, some),
            (&whole, None, false, some, some),
            (&whole, Some(&whole), true, all, all),
            (&whole, Some(&whole), false, some, some),
            (&whole, Some(&with_fixed), false, some, some),
            (&whole, Some(&with_fixed), true, None, None),
            (&price(None, Some(500), &[]), Some(&whole), true, None, all),
            (&price(Some(1_200), None, &[]), Some(&whole), true, None, None),
            (&no_base, Some(&whole), true, None, None),
            (&with_fixed, None, true, None, None),
            (&with_fixed, Some(&with_fixed), true, all, all),
            (&with_fixed, Some(&with_fixed), false, None, None),
            (&with_fixed, Some(&other_fixed), true, None, None),
            (&with_fixed, Some(&whole), true, None, None),
        ];
        for (wanted, confirmed, sure, strict, with_empty) in table {
            let told = format!("{wanted:?} {confirmed:?} {sure}");
            assert_eq!(goes(wanted, confirmed, sure, &rules, &prices), strict, "{told}");
            assert_eq!(goes(wanted, confirmed, sure, &lenient, &prices), with_empty, "{told}");
        }
    }

    #[test]
    fn where_no_fixed_price_can_be_ours_nothing_has_to_be_read() {
        let (rules, none) = (BulkRules::default(), PriceRules::default());
        let (whole, with_fixed) = (price(Some(1_200), Some(500), &[]), price(Some(1_200), Some(500), &[900]));
        assert_eq!(goes(&whole, None, true, &rules, &none), Some(true));
        assert_eq!(goes(&whole, Some(&whole), false, &rules, &none), Some(true));
        assert_eq!(goes(&whole, Some(&with_fixed), false, &rules, &none), Some(false));
        let all = PriceRules { owns_fixed_prices: true, ..none };
        assert_eq!(goes(&whole, None, true, &rules, &all), Some(false));
    }

    #[test]
    fn a_balance_names_its_warehouse_and_the_lead_time_that_was_set() {
        let (key, prices) = (Key::stock("1_1", "A"), PriceRules::default());
        let wanted = Value::Stock(Stock::of(3));
        let candidate =
            Candidate { key: &key, sku: SKU, wanted: &wanted, confirmed: None, sure: false, prices: &prices };
        assert_eq!(row(candidate, &BulkRules::default()), None);
        let rules = BulkRules { stock_lead_time_hours: Some(24), ..BulkRules::default() };
        let content = BulkRow::Stock { sku: SKU, warehouse: "1_1".into(), quantity: 3, lead_time_hours: 24 };
        assert_eq!(row(candidate, &rules), Some(Row { content, whole: true }));
        let too_many = Value::Stock(Stock::of(u32::MAX));
        assert_eq!(row(Candidate { wanted: &too_many, ..candidate }, &rules), None);
    }
}
