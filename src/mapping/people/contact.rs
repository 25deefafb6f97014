//! E-mail addresses and telephone numbers.

use compact_str::{CompactString, format_compact};

/// The domain of the aliases that VTEX shows instead of shoppers' addresses.
const MASKED_DOMAIN: &str = "ct.vtex.com.br";

/// `cliente.email`, and what the mail system takes at most (RFC 5321) is longer.
const EMAIL_MAX: usize = 254;
const LOCAL_MAX: usize = 64;
const LABEL_MAX: usize = 63;

/// Why there is no address to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("there is no e-mail address")]
    Missing,
    #[error("the e-mail address is none")]
    Invalid,
    #[error("the e-mail address is an alias of VTEX")]
    Masked,
}

/// The address in lower case, without blanks around it. Stricter than the standard: an address with quotes, comments,
/// `*` or letters beyond ASCII is refused, since VTEX's search would take it for something else.
pub fn email(text: Option<&str>) -> Result<CompactString, EmailError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).ok_or(EmailError::Missing)?;
    let address = CompactString::from(text.to_ascii_lowercase());
    let (local, domain) = address.split_once('@').ok_or(EmailError::Invalid)?;
    if address.len() > EMAIL_MAX || !is_local(local) || !is_domain(domain) {
        return Err(EmailError::Invalid);
    }
    if domain == MASKED_DOMAIN {
        return Err(EmailError::Masked);
    }
    Ok(address)
}

fn is_local(local: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-/=?^_{|}~".contains(&byte);
    local.len() <= LOCAL_MAX && local.split('.').all(|part| !part.is_empty() && part.bytes().all(allowed))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_top = |label: &str| label.len() >= 2 && label.bytes().any(|byte| byte.is_ascii_alphabetic());
    domain.rsplit_once('.').is_some_and(|(_, top)| is_top(top)) && domain.split('.').all(is_label)
}

/// E.164: a Brazilian number with area code, with or without country code, trunk zero and carrier; a foreign number
/// only when it begins with `+`. What lacks an area code, or the ninth digit of a mobile number, is none: nothing is
/// added that nobody wrote.
pub fn phone(text: &str) -> Option<CompactString> {
    let text = text.trim();
    let separator = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '-' | '.' | '/');
    let (international, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let digits: String = rest.chars().filter(|c| !separator(*c)).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match (international, digits.strip_prefix("55")) {
        (true, Some(national)) => brazilian(national),
        (true, None) => foreign(&digits),
        (false, Some(national)) if matches!(digits.len(), 12 | 13) => brazilian(national),
        (false, _) => brazilian(without_trunk(&digits)),
    }
}

/// `0 19 3200-0000` and, with a carrier, `0 15 19 3200-0000`.
fn without_trunk(digits: &str) -> &str {
    match (digits.strip_prefix('0'), digits.len()) {
        (Some(rest), 11 | 12) => rest,
        (Some(rest), 13 | 14) => &rest[2..],
        _ => digits,
    }
}

fn brazilian(national: &str) -> Option<CompactString> {
    let (area, number) = national.split_at_checked(2)?;
    let is_number = match number.len() {
        8 => matches!(number.as_bytes()[0], b'2'..=b'5'),
        9 => number.starts_with('9'),
        _ => false,
    };
    (is_number && is_area(area)).then(|| format_compact!("+55{national}"))
}

/// A number of E.164 has at most fifteen digits, and no country code begins with zero.
fn foreign(digits: &str) -> Option<CompactString> {
    let is_number = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    is_number.then(|| format_compact!("+{digits}"))
}

/// Area codes in use (Anatel, "códigos nacionais").
fn is_area(area: &str) -> bool {
    matches!(
        area.parse(),
        Ok(
            11..=19
            | 21
            | 22
            | 24
            | 27
            | 28
            | 31..=35
            | 37
            | 38
            | 41..=49
            | 51
            | 53..=55
            | 61..=69
            | 71
            | 73..=75
            | 77
            | 79
            | 81..=89
            | 91..=99_u8,
        )
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_are_ones_and_that_are_none() {
        let right = [
            ("ana@example.com", "ana@example.com"),
            ("  Ana.Souza@Example.COM.br\t", "ana.souza@example.com.br"),
            ("ana+loja@example.com", "ana+loja@example.com"),
            ("o'neil@ex-ample.com", "o'neil@ex-ample.com"),
            ("a@xn--caf-dma.com", "a@xn--caf-dma.com"),
        ];
        for (text, expected) in right {
            assert_eq!(email(Some(text)).as_deref(), Ok(expected), "{text}");
        }
        let wrong = [
            "ana",
            "@example.com",
            "ana@",
            "ana@example",
            "ana@@example.com",
            "a@b@c.com",
            "a na@example.com",
            "ana@example..com",
            ".ana@example.com",
            "ana.@example.com",
            "a..b@example.com",
            "ana@-x.com",
            "ana@x-.com",
            "ana@example.c",
            "ana@1.2",
            "*@example.com",
            "ana,b@example.com",
            "\"a\"@example.com",
            "joão@example.com",
            "ana@example.com;bia@example.com",
            "ana@exam_ple.com",
        ];
        for text in wrong {
            assert_eq!(email(Some(text)), Err(EmailError::Invalid), "{text}");
        }
        for text in [None, Some(""), Some("  ")] {
            assert_eq!(email(text), Err(EmailError::Missing));
        }
        let masked = Some("7f0c-1@CT.vtex.com.br");
        assert_eq!(email(masked), Err(EmailError::Masked));
        let long = format!("{}@example.com", "a".repeat(65));
        assert_eq!(email(Some(&long)), Err(EmailError::Invalid));
    }

    #[test]
    fn numbers_that_are_ones_and_that_are_none() {
        let right = [
            ("(19) 3200-0000", "+551932000000"),
            ("19 99999-0000", "+5519999990000"),
            ("+55 19 99999 0000", "+5519999990000"),
            ("5519999990000", "+5519999990000"),
            ("551932000000", "+551932000000"),
            ("019 3200-0000", "+551932000000"),
            ("0 15 19 99999-0000", "+5519999990000"),
            // Rio Grande do Sul, whose area code is that of the country.
            ("55 99999-0000", "+5555999990000"),
            ("(55) 3200-0000", "+555532000000"),
            ("+55 55 99999-0000", "+5555999990000"),
            ("+1 (212) 555-0100", "+12125550100"),
            ("+351 912 345 678", "+351912345678"),
        ];
        for (text, expected) in right {
            assert_eq!(phone(text).as_deref(), Some(expected), "{text}");
        }
        let wrong = [
            "",
            "-",
            "3200-0000",
            "99999-0000",
            "19 9999-0000",
            "19 8999-0000",
            "10 3200-0000",
            "23 3200-0000",
            "19 89999-0000",
            "19 3200-0000 ramal 12",
            "+55 3200-0000",
            "+0 12345678",
            "+1234567",
            "12125550100",
            "0000000000",
            "+1234567890123456",
            "19 3200 000é",
        ];
        for text in wrong {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_goes_in_again(area in 11_u8..100, number in "[2-5][0-9]{7}|9[0-9]{8}") {
            let once = phone(&format!("({area}) {number}"));
            prop_assert_eq!(once.is_some(), is_area(&area.to_string()));
            if let Some(once) = once {
                prop_assert_eq!(phone(&once), Some(once.clone()));
                prop_assert_eq!(phone(&once[1..]), Some(once));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,30}", digits in "[+0]?[0-9 ()-]{0,18}") {
            for text in [&text, &digits] {
                if let Ok(address) = email(Some(text)) {
                    prop_assert_eq!(email(Some(&address)), Ok(address));
                }
                if let Some(number) = phone(text) {
                    prop_assert!(number.len() <= 16 && number[1..].bytes().all(|byte| byte.is_ascii_digit()));
                    prop_assert_eq!(phone(&number), Some(number));
                }
            }
        }
    }
}
