//! From a balance of Live to the quantity that VTEX shall show.

use crate::core::money::Decimal4;

use super::config::Minimum;
use super::counts::{Counts, Reason};
use super::reference::{Product, Sku};

/// VTEX: int32 (Logistics API).
const QUANTITY_MAX: i64 = 2_147_483_647;

/// Units for sale out of a balance (available minus reserved, all deposits of the warehouse).
///
/// Fractional goods are counted in sales units (balance ÷ factor). Rounded down, never below zero, never
/// above what VTEX takes; below the minimum for display nothing is shown, or the minimum is kept back.
/// `None`: the factor makes no sense, and nothing is guessed.
pub(super) fn units(
    balance: Decimal4,
    sku: &Sku,
    product: &Product,
    minimum: Minimum,
    counts: &mut Counts,
) -> Option<u32> {
    if !product.active || !sku.active || !sku.in_ecommerce {
        return Some(0);
    }
    let (units, whole) = if product.fractional {
        if sku.factor.0 <= 0 {
            counts.count(Reason::BadFactor);
            return None;
        }
        (balance.0.div_euclid(sku.factor.0), balance.0.rem_euclid(sku.factor.0) == 0)
    } else {
        (balance.floor(), balance.is_whole())
    };
    if units < 0 {
        counts.count(Reason::Negative);
        return Some(0);
    }
    if !whole {
        counts.count(Reason::Fractional);
    }
    let shown = match minimum {
        Minimum::Hide if units.saturating_mul(10_000) < product.minimum.0 => 0,
        Minimum::Hide => units,
        Minimum::Subtract => (units - ceil(product.minimum).max(0)).max(0),
    };
    if shown > QUANTITY_MAX {
        counts.count(Reason::TooLarge);
    }
    u32::try_from(shown.min(QUANTITY_MAX)).ok()
}

const fn ceil(value: Decimal4) -> i64 {
    -Decimal4(-value.0).floor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::cell::RowId;

    fn product(minimum: i64, fractional: bool) -> Product {
        Product { code: "p".into(), in_ecommerce: true, minimum: Decimal4(minimum), fractional, active: true }
    }

    fn sku(factor: i64) -> Sku {
        Sku {
            product: RowId::Int(1),
            code: "s".into(),
            factor: Decimal4(factor),
            in_ecommerce: true,
            active: true,
        }
    }

    #[test]
    fn a_balance_becomes_units() {
        use Minimum::{Hide, Subtract};
        // balance, factor, fractional, minimum, mode, units
        let table = [
            (70_000, 10_000, false, 0, Hide, Some(7)),
            (75_000, 10_000, false, 0, Hide, Some(7)),
            (-10_000, 10_000, false, 0, Hide, Some(0)),
            (-1, 10_000, false, 0, Hide, Some(0)),
            (70_000, 10_000, false, 70_000, Hide, Some(7)),
            (70_000, 10_000, false, 70_001, Hide, Some(0)),
            (70_000, 10_000, false, 25_000, Subtract, Some(4)),
            (20_000, 10_000, false, 30_000, Subtract, Some(0)),
            (75_000, 25_000, true, 0, Hide, Some(3)),
            (74_999, 25_000, true, 0, Hide, Some(2)),
            (75_000, 25_000, false, 0, Hide, Some(7)),
            (75_000, 0, true, 0, Hide, None),
            (i64::MAX, 10_000, false, 0, Hide, Some(2_147_483_647)),
        ];
        for (balance, factor, fractional, minimum, mode, expected) in table {
            let found = units(
                Decimal4(balance),
                &sku(factor),
                &product(minimum, fractional),
                mode,
                &mut Counts::default(),
            );
            assert_eq!(
                found, expected,
                "balance {balance} factor {factor} {fractional} minimum {minimum} {mode:?}"
            );
        }
    }

    #[test]
    fn what_is_not_for_sale_has_no_units() {
        let stopped = Product { active: false, ..product(0, false) };
        let hidden = Sku { in_ecommerce: false, ..sku(10_000) };
        let mut counts = Counts::default();
        assert_eq!(units(Decimal4(70_000), &sku(10_000), &stopped, Minimum::Hide, &mut counts), Some(0));
        assert_eq!(units(Decimal4(70_000), &hidden, &product(0, false), Minimum::Hide, &mut counts), Some(0));
    }

    #[test]
    fn adjustments_are_counted() {
        let mut counts = Counts::default();
        let _ = units(Decimal4(-10_000), &sku(10_000), &product(0, false), Minimum::Hide, &mut counts);
        let _ = units(Decimal4(15_000), &sku(10_000), &product(0, false), Minimum::Hide, &mut counts);
        let named = counts.named();
        assert_eq!((named["adjusted/negative"], named["adjusted/fractional"]), (1, 1));
    }
}
