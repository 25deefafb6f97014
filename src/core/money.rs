//! Money without floating point.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in centavos. VTEX Pricing takes reais with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Money(pub i64);

impl fmt::Display for Money {
    /// Reais with two decimals and a point, as JSON numbers want it: `1234.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// A decimal number of Live with four decimals, exact: `numeric(15,4)` scaled by 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Decimal4(pub i64);

impl Decimal4 {
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(10_000);

    /// The largest whole number that is not above this one.
    pub const fn floor(self) -> i64 {
        self.0.div_euclid(10_000)
    }

    pub const fn is_whole(self) -> bool {
        self.0 % 10_000 == 0
    }

    /// To centavos, half away from zero; the second value tells whether anything was rounded off.
    pub const fn to_money(self) -> (Money, bool) {
        let half = if self.0 < 0 { -50 } else { 50 };
        let cents = self.0.saturating_add(half) / 100;
        (Money(cents), self.0 % 100 != 0)
    }
}

impl fmt::Display for Decimal4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:04}", magnitude / 10_000, magnitude % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_with_two_decimals() {
        assert_eq!(Money(123_450).to_string(), "1234.50");
        assert_eq!(Money(5).to_string(), "0.05");
        assert_eq!(Money(-5).to_string(), "-0.05");
    }

    #[test]
    fn a_price_is_rounded_half_away_from_zero() {
        assert_eq!(Decimal4(12_3450).to_money(), (Money(1235), true));
        assert_eq!(Decimal4(12_3400).to_money(), (Money(1234), false));
        assert_eq!(Decimal4(-12_3450).to_money(), (Money(-1235), true));
    }

    #[test]
    fn quantities_are_floored() {
        assert_eq!(Decimal4(29_999).floor(), 2);
        assert_eq!(Decimal4(-1).floor(), -1);
    }
}
