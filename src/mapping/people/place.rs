//! Postal codes and states.

use compact_str::CompactString;

/// The twenty-six states and the federal district (IBGE).
const STATES: [&str; 27] = [
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI",
    "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
];

/// The two letters of a state, in upper case.
pub fn state(text: &str) -> Option<CompactString> {
    let text = text.trim().to_ascii_uppercase();
    STATES.contains(&text.as_str()).then(|| CompactString::from(text))
}

/// The eight digits of a CEP; dots, hyphens and blanks do not count. One that has lost its leading zero is none.
pub fn postal_code(text: &str) -> Option<CompactString> {
    let is_separator = |c: &char| matches!(c, '.' | '-') || c.is_whitespace();
    let digits: CompactString = text.chars().filter(|c| !is_separator(c)).collect();
    let is_code = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    // The lowest one in use is 01000-000 (Correios).
    (is_code && digits.as_str() >= "01000000").then_some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_that_are_ones_and_that_are_none() {
        for (text, expected) in [
            ("13010-000", Some("13010000")),
            ("01.001-000 ", Some("01001000")),
            ("1001000", None),
            ("00000000", None),
            ("99999999", Some("99999999")),
            ("1301000A", None),
            ("", None),
        ] {
            assert_eq!(postal_code(text).as_deref(), expected, "{text}");
        }
        for (text, expected) in
            [("SP", Some("SP")), (" rj", Some("RJ")), ("XX", None), ("São Paulo", None), ("", None)]
        {
            assert_eq!(state(text).as_deref(), expected, "{text}");
        }
        assert!(STATES.is_sorted() && STATES.iter().all(|uf| state(uf).is_some()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,12}", digits in "[0-9.-]{7,11}") {
            for text in [&text, &digits] {
                let _ = state(text);
                if let Some(code) = postal_code(text) {
                    prop_assert_eq!(postal_code(&code), Some(code));
                }
            }
        }
    }
}
