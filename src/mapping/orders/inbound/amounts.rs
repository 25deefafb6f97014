//! What each line costs, so that all of them together are what the shopper pays.

use super::routes::Piece;
use crate::core::money::{Decimal4, Money};
use crate::core::order::obstacle::Obstacle;
use crate::core::order::purchase::{Content, Line};
use crate::core::order::shares::shares;

/// What a line, or a piece of one, costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Quantity times price.
    pub(super) gross: Money,
    pub(super) discount: Money,
    pub(super) shipping: Money,
    /// Taxes, and whatever else VTEX adds.
    pub(super) surcharge: Money,
}

/// The costs of all lines.
#[derive(Debug)]
pub(super) struct Amounts {
    lines: Vec<Cost>,
}

/// The order's totals are the truth; each is divided among the lines.
pub(super) fn of(content: &Content, obstacles: &mut Vec<Obstacle>) -> Amounts {
    let lines = &content.lines;
    match content.totals.sum() {
        Some(sum) if sum == content.value => {}
        Some(parts) => obstacles.push(Obstacle::Sum { what: "the totals", parts, whole: content.value }),
        None => obstacles.push(Obstacle::Overflow),
    }
    let Some(gross) = lines.iter().map(gross).collect::<Option<Vec<Money>>>() else {
        obstacles.push(Obstacle::Overflow);
        return Amounts { lines: vec![Cost::default(); lines.len()] };
    };
    expect("the items", sum(&gross), content.totals.items, obstacles);
    let discounts = discounts(content, &gross, obstacles);
    let weights = |weight: &dyn Fn(&Line) -> i64| lines.iter().map(weight).collect::<Vec<_>>();
    let shipping = shares(content.totals.shipping, &weights(&|line| line.delivery.price.0));
    let tax = shares(content.totals.tax, &weights(&|line| line.tax.0));
    let other = content.totals.others.iter().map(|(_, money)| money.0).fold(0, i64::saturating_add);
    let other = shares(Money(other), &gross.iter().map(|money| money.0).collect::<Vec<_>>());
    let cost = |index: usize| {
        // What is taken off is a discount, whatever VTEX calls it.
        let (off, on) = (other[index].0.min(0), other[index].0.max(0));
        Cost {
            gross: gross[index],
            discount: Money(discounts[index].0 - off),
            shipping: shipping[index],
            surcharge: Money(tax[index].0.saturating_add(on)),
        }
    };
    Amounts { lines: (0..lines.len()).map(cost).collect() }
}

/// Quantity times price, rounded to the centavo where goods are sold by fractions; `None` when it is too much.
fn gross(line: &Line) -> Option<Money> {
    let exact = i128::from(line.price.0) * i128::from(line.quantity) * i128::from(line.multiplier.0);
    let one = i128::from(Decimal4::ONE.0);
    let half = if exact < 0 { -one / 2 } else { one / 2 };
    i64::try_from((exact + half) / one).ok().map(Money)
}

/// Discounts of the lines, above zero. Where the total counts discounts on the shipping too, each line has its own.
fn discounts(content: &Content, gross: &[Money], obstacles: &mut Vec<Obstacle>) -> Vec<Money> {
    let whole = content.totals.discounts.0.checked_neg().map_or(Money(i64::MAX), Money);
    let own: Vec<Money> = content
        .lines
        .iter()
        .zip(gross)
        .map(|(line, gross)| Money(gross.0.saturating_sub(line.net.0)))
        .collect();
    for (line, (discount, gross)) in content.lines.iter().zip(own.iter().zip(gross)) {
        if discount.0 < 0 {
            let (parts, whole) = (*gross, line.net);
            obstacles.push(Obstacle::Sum { what: "quantity and price of a line", parts, whole });
        }
    }
    if sum(&own) == Some(whole) {
        return own;
    }
    let with_shipping: Vec<Money> = own
        .iter()
        .zip(&content.lines)
        .map(|(discount, line)| Money(discount.0.saturating_sub(line.shipping_discount.0)))
        .collect();
    if sum(&with_shipping) == Some(whole) {
        return with_shipping;
    }
    expect("the discounts", sum(&own), whole, obstacles);
    own
}

fn sum(amounts: &[Money]) -> Option<Money> {
    amounts.iter().map(|money| money.0).try_fold(0_i64, i64::checked_add).map(Money)
}

fn expect(what: &'static str, parts: Option<Money>, whole: Money, obstacles: &mut Vec<Obstacle>) {
    match parts {
        Some(parts) if parts == whole => {}
        Some(parts) => obstacles.push(Obstacle::Sum { what, parts, whole }),
        None => obstacles.push(Obstacle::Overflow),
    }
}

impl Amounts {
    /// The part of a line's cost that belongs to a piece of it. All pieces together cost what the line does.
    pub(super) fn of_piece(&self, piece: &Piece, line: &Line) -> Cost {
        let whole = self.lines[piece.line];
        let after = line.quantity.saturating_sub(piece.before).saturating_sub(piece.quantity);
        let part = |amount: Money| {
            // Everything up to the end of this piece, less everything before it.
            let up_to = |quantity: i64| {
                let rest = line.quantity.saturating_sub(quantity);
                shares(amount, &[quantity, rest])[0].0
            };
            Money(up_to(line.quantity.saturating_sub(after)) - up_to(piece.before))
        };
        Cost {
            gross: part(whole.gross),
            discount: part(whole.discount),
            shipping: part(whole.shipping),
            surcharge: part(whole.surcharge),
        }
    }
}
