//! Money and dates as JSON, exact in both directions.

use serde_json::Number;

use super::request::Refused;
use crate::core::money::Money;
use crate::core::time::Timestamp;

/// 0001-01-01: before it, RFC 3339 has no form.
const FIRST_DATE: i64 = -62_135_596_800_000_000;

/// Appends `text` as a JSON string.
pub(super) fn push_text(body: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        body.push('"');
        body.push_str(text);
        body.push('"');
    } else {
        body.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// RFC 3339 in UTC, with as many decimals as the moment has: what is read back is the same moment.
pub(super) fn date(at: Timestamp) -> Result<jiff::Timestamp, Refused> {
    jiff::Timestamp::from_microsecond(at.0).ok().filter(|_| at.0 >= FIRST_DATE).ok_or(Refused::Date(at.0))
}

/// The moment that an RFC 3339 text names, in whole microseconds.
pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_microsecond()))
}

/// A JSON number as centavos; `None` when it is not a whole number of them.
///
/// Goes over the shortest decimal form, which is the one that was sent for up to 15 digits: amounts up to
/// ten trillion reais are exact.
pub(super) fn centavos(number: &Number) -> Option<Money> {
    let text = number.to_string();
    let (digits, negative) = text.strip_prefix('-').map_or((text.as_str(), false), |rest| (rest, true));
    let (reais, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let cents = match decimals.trim_end_matches('0') {
        "" => 0,
        one @ ("1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9") => one.parse::<i64>().ok()? * 10,
        two if two.len() == 2 => two.parse::<i64>().ok()?,
        _ => return None,
    };
    let amount = reais.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    Some(Money(if negative { -amount } else { amount }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten trillion reais, in centavos.
    const LARGEST: i64 = 1_000_000_000_000_000;

    proptest! {
        #[test]
        fn money_survives_json(cents in -LARGEST..LARGEST) {
            let number: Number = serde_json::from_str(&Money(cents).to_string()).unwrap();
            prop_assert_eq!(centavos(&number), Some(Money(cents)));
        }

        #[test]
        fn a_date_survives_rfc_3339(micros in FIRST_DATE..253_402_200_000_000_000_i64) {
            let text = date(Timestamp(micros)).unwrap().to_string();
            prop_assert!(text.ends_with('Z'));
            prop_assert_eq!(parse_date(&text), Some(Timestamp(micros)));
        }

        #[test]
        fn any_text_survives_json(text in any::<String>()) {
            let mut body = String::new();
            push_text(&mut body, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&body).unwrap(), text);
        }
    }

    #[test]
    fn amounts_between_centavos_are_not_rounded() {
        for (text, cents) in [
            ("300", Some(30_000)),
            ("0.1", Some(10)),
            ("19.90", Some(1_990)),
            ("-0.05", Some(-5)),
            ("24.999", None),
            ("1e300", None),
            ("1e-7", None),
        ] {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(centavos(&number), cents.map(Money), "{text}");
        }
    }

    #[test]
    fn dates_with_an_offset_are_the_same_moment() {
        let here = parse_date("2021-12-30T22:00:00-03:00");
        assert_eq!(here, parse_date("2021-12-31T01:00:00Z"));
        assert_eq!(parse_date("2021-12-30T22:00:00"), None);
        assert!(date(Timestamp(i64::MAX)).is_err());
    }
}
