//! Dividing an amount without losing a cent.

use crate::core::money::Money;

/// The amount in as many parts as there are weights, in proportion to them; their sum is the amount, exactly.
///
/// What rounding leaves over goes to the largest remainders, the first one first. Negative weights count as none;
/// where no weight is above zero, all are alike.
pub fn shares(amount: Money, weights: &[i64]) -> Vec<Money> {
    let weights: Vec<i128> = weights.iter().map(|weight| i128::from((*weight).max(0))).collect();
    let sum: i128 = weights.iter().sum();
    let (weights, sum) =
        if sum == 0 { (vec![1; weights.len()], weights.len() as i128) } else { (weights, sum) };
    if sum == 0 {
        return Vec::new();
    }
    let whole = i128::from(amount.0);
    let mut parts: Vec<i128> = weights.iter().map(|weight| (whole * weight).div_euclid(sum)).collect();
    let mut left = whole - parts.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse((whole * weights[*index]).rem_euclid(sum)));
    for index in order {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    // A part lies between zero and the amount, give or take the cent that was left over.
    parts.into_iter().map(|part| Money(i64::try_from(part).unwrap_or(i64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(amount: i64, weights: &[i64]) -> Vec<i64> {
        shares(Money(amount), weights).into_iter().map(|money| money.0).collect()
    }

    #[test]
    fn an_amount_is_divided_in_proportion() {
        let table: [(i64, &[i64], &[i64]); 8] = [
            (100, &[1, 1], &[50, 50]),
            (100, &[1, 1, 1], &[34, 33, 33]),
            (100, &[2, 1, 1], &[50, 25, 25]),
            (-100, &[1, 1, 1], &[-33, -33, -34]),
            (1, &[1, 9], &[0, 1]),
            (7, &[0, 0], &[4, 3]),
            (7, &[-5, 1], &[0, 7]),
            (7, &[], &[]),
        ];
        for (amount, weights, expected) in table {
            assert_eq!(of(amount, weights), expected, "{amount} by {weights:?}");
        }
    }

    proptest! {
        #[test]
        fn no_cent_is_lost_and_nobody_without_weight_pays(
            amount in any::<i64>(),
            weights in proptest::collection::vec(0_i64..i64::MAX / 64, 1..20),
        ) {
            let parts = of(amount, &weights);
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(amount));
            if weights.iter().any(|weight| *weight > 0) {
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!(*weight > 0 || *part == 0);
                }
            }
        }
    }
}
