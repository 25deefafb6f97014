//! Barcodes: which of Live's codes are GTINs that VTEX may have as EANs.

use compact_str::CompactString;

/// A GTIN of 8, 12, 13 or 14 digits with the right check digit (GS1 General Specifications, 7.9).
pub(super) fn is_gtin(code: &str) -> bool {
    let digits = code.as_bytes();
    if !matches!(digits.len(), 8 | 12 | 13 | 14) || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // Zeros fit their check digit, and name nothing.
    if digits.iter().all(|digit| *digit == b'0') {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, by)| u32::from(digit - b'0') * by)
        .sum();
    sum.is_multiple_of(10)
}

/// The same for every way to write one GTIN: 14 digits.
pub(super) fn canonical(code: &str) -> CompactString {
    CompactString::from(format!("{code:0>14}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        for code in ["7891000315507", "96385074", "036000291452", "10614141000415", "4006381333931"] {
            assert!(is_gtin(code), "{code}");
        }
        for code in [
            "7891000315508",
            "96385075",
            "036000291453",
            "10614141000416",
            "",
            "0",
            "789",
            "00000000",
            "0000000000000",
            "78910003155O7",
            "7891000315507 ",
            "١٢٣٤٥٦٧٨",
            "789100031550 7",
            "17891000315507123",
        ] {
            assert!(!is_gtin(code), "{code}");
        }
    }

    #[test]
    fn every_single_wrong_digit_is_found() {
        let right = "7891000315507";
        for at in 0..right.len() {
            for digit in '0'..='9' {
                let mut wrong = right.to_owned();
                wrong.replace_range(at..=at, &digit.to_string());
                assert_eq!(is_gtin(&wrong), wrong == right, "{wrong}");
            }
        }
    }

    #[test]
    fn one_gtin_has_one_form() {
        assert_eq!(canonical("036000291452"), canonical("0036000291452"));
        assert_ne!(canonical("96385074"), canonical("7891000315507"));
    }
}
