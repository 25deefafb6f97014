//! CPF and CNPJ, with their check digits (Receita Federal; from July 2026 a CNPJ may have letters, Instrução Normativa
//! RFB 2.229/2024).

use compact_str::CompactString;

/// The eleven digits of a CPF, if it is one; dots, hyphens and blanks do not count.
pub fn cpf(text: &str) -> Option<CompactString> {
    let characters = characters(text)?;
    let is_checked = characters.len() == 11
        && characters.iter().all(u8::is_ascii_digit)
        && !all_the_same(&characters)
        && check_digit(&characters[..9], 11) == characters[9]
        && check_digit(&characters[..10], 11) == characters[10];
    is_checked.then(|| text_of(&characters))
}

/// The fourteen characters of a CNPJ, if it is one: twelve digits or upper-case letters and two check digits.
pub fn cnpj(text: &str) -> Option<CompactString> {
    let characters = characters(text)?;
    let is_checked = characters.len() == 14
        && characters[12..].iter().all(u8::is_ascii_digit)
        && !all_the_same(&characters)
        && check_digit(&characters[..12], 9) == characters[12]
        && check_digit(&characters[..13], 9) == characters[13];
    is_checked.then(|| text_of(&characters))
}

/// Letters and digits without separators, in upper case; `None` when there is anything else.
fn characters(text: &str) -> Option<Vec<u8>> {
    let is_separator = |c: &char| matches!(c, '.' | '-' | '/') || c.is_whitespace();
    text.chars()
        .filter(|c| !is_separator(c))
        .map(|c| u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()))
        .collect()
}

/// Passes the check digits, and belongs to nobody.
fn all_the_same(characters: &[u8]) -> bool {
    characters.windows(2).all(|pair| pair[0] == pair[1])
}

/// Modulo 11 with weights from the right: 2, 3, … up to `weight_max`, then from 2 again. A character is worth its ASCII
/// code less that of zero.
fn check_digit(characters: &[u8], weight_max: u32) -> u8 {
    let weights = (2..=weight_max).cycle();
    let sum: u32 = characters
        .iter()
        .rev()
        .zip(weights)
        .map(|(character, weight)| u32::from(character - b'0') * weight)
        .sum();
    match sum % 11 {
        0 | 1 => b'0',
        // 11 less a rest of 2 to 10 is one digit.
        rest => b'0' + (11 - rest) as u8,
    }
}

fn text_of(characters: &[u8]) -> CompactString {
    characters.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_that_are_ones_and_that_are_none() {
        let cpfs = [
            ("529.982.247-25", Some("52998224725")),
            (" 52998224725 ", Some("52998224725")),
            ("111.444.777-35", Some("11144477735")),
            ("529.982.247-24", None),
            ("52998224752", None),
            ("111.111.111-11", None),
            ("000.000.000-00", None),
            ("5299822472", None),
            ("052998224725", None),
            ("5299822472A", None),
            ("52998224725é", None),
            ("", None),
        ];
        for (text, expected) in cpfs {
            assert_eq!(cpf(text).as_deref(), expected, "{text}");
        }
        let cnpjs = [
            ("11.222.333/0001-81", Some("11222333000181")),
            ("11444777000161", Some("11444777000161")),
            ("12.ABC.345/01DE-35", Some("12ABC34501DE35")),
            ("12abc34501de35", Some("12ABC34501DE35")),
            ("12.ABC.345/01DE-36", None),
            ("12.ABC.345/01DE-3A", None),
            ("11.222.333/0001-18", None),
            ("00000000000000", None),
            ("1122233300018", None),
            ("52998224725", None),
        ];
        for (text, expected) in cnpjs {
            assert_eq!(cnpj(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_wrong_check_digit_is_found(base in "[0-9]{9}", at in 9_usize..11, by in 1_u8..10) {
            let mut digits = base.into_bytes();
            digits.push(check_digit(&digits, 11));
            digits.push(check_digit(&digits, 11));
            let right = String::from_utf8(digits.clone()).unwrap();
            prop_assume!(!all_the_same(&digits));
            prop_assert_eq!(cpf(&right), Some(right.into()));
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            prop_assert_eq!(cpf(std::str::from_utf8(&digits).unwrap()), None);
        }

        #[test]
        fn letters_are_checked_as_digits_are(base in "[0-9A-Z]{12}", separated in any::<bool>()) {
            let mut characters = base.into_bytes();
            characters.push(check_digit(&characters, 9));
            characters.push(check_digit(&characters, 9));
            prop_assume!(!all_the_same(&characters));
            let right = String::from_utf8(characters.clone()).unwrap();
            let written = if separated {
                format!("{}.{}.{}/{}-{}", &right[..2], &right[2..5], &right[5..8], &right[8..12], &right[12..])
            } else {
                right.to_lowercase()
            };
            prop_assert_eq!(cnpj(&written), Some(right.as_str().into()));
            characters[13] = b'0' + (characters[13] - b'0' + 1) % 10;
            prop_assert_eq!(cnpj(std::str::from_utf8(&characters).unwrap()), None);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,20}") {
            let _ = (cpf(&text), cnpj(&text));
        }
    }
}
