//! The address of a product's page (VTEX: `LinkId`).

use super::text;

/// VTEX: at most 255 characters.
pub(super) const MAX: usize = 255;

/// Words that VTEX keeps for itself.
const RESERVED: [&str; 4] = ["a", "meta", "api", "admin"];

/// `name` in lower case ASCII, and the reference's parts: `camiseta-basica-1234`.
///
/// The reference makes it unique. Where its letters do not survive as they are (or there are not `usual` many
/// parts, so that name and reference could be told apart in two ways), a digest of it is added.
pub(super) fn slug(name: &str, parts: &[&str], usual: usize) -> String {
    let plain = parts.len() == usual
        && parts.iter().all(|part| {
            !part.is_empty() && part.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        });
    let mut end = words(&parts.join(" "));
    if !plain {
        let digest = format!("{:016x}", text::fnv(&parts.join("\u{1f}")));
        end.truncate(MAX / 2);
        end = join(end.trim_end_matches('-'), &digest);
    }
    end.truncate(MAX - 1);
    let mut stem = words(name);
    let room = (MAX - 1).saturating_sub(end.len());
    if stem.len() > room {
        // One more than fits tells whether a word ends right there.
        let cut = stem[..=room].rfind('-').unwrap_or(room);
        stem.truncate(cut);
    }
    let slug = join(&stem, &end);
    if RESERVED.contains(&slug.as_str()) { format!("produto-{slug}") } else { slug }
}

fn join(left: &str, right: &str) -> String {
    if left.is_empty() { right.to_owned() } else { format!("{left}-{right}") }
}

/// Letters and digits as lower case ASCII, one hyphen between words.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        // Marks that a decomposed text writes after the letter.
        if matches!(c, '\u{300}'..='\u{36f}') {
            continue;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if let Some(letters) = fold(c) {
            out.push_str(letters);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    if out.ends_with('-') {
        out.pop();
    }
    out
}

/// A lower case Latin letter without its mark.
const fn fold(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ª' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẽ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'º' | '°' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '¹' => "1",
        '²' => "2",
        '³' => "3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_becomes_an_address() {
        let table = [
            ("Camiseta Básica", "1234", "camiseta-basica-1234"),
            ("  Calça / Jeans -- 50% OFF!  ", "CJ9", "calca-jeans-50-off-cj9"),
            ("Ação nº 1 (m²)", "7", "acao-no-1-m2-7"),
            ("Cafe\u{301}", "7", "cafe-7"),
            ("İstanbul Straße Œuvre", "7", "istanbul-strasse-oeuvre-7"),
            ("日本", "7", "7"),
            ("", "ADMIN", "produto-admin"),
            ("", "A", "produto-a"),
            ("Meta", "1", "meta-1"),
        ];
        for (name, code, expected) in table {
            assert_eq!(slug(name, &[code], 1), expected, "{name} {code}");
        }
        assert_eq!(slug("Camiseta Azul", &["10", "AZ"], 2), "camiseta-azul-10-az");
    }

    #[test]
    fn codes_that_look_alike_keep_their_addresses_apart() {
        let alike = ["A1", "a1", "A-1", "A/1", "A 1", "Á1", "", "é", "日"];
        let slugs: std::collections::BTreeSet<_> = alike.map(|code| slug("x", &[code], 1)).into();
        assert_eq!(slugs.len(), alike.len());
        // The same text, divided in two ways.
        assert_ne!(slug("camiseta 10", &["5"], 2), slug("camiseta", &["10", "5"], 2));
    }

    #[test]
    fn a_long_name_gives_way_to_the_reference() {
        let found = slug(&"palavra ".repeat(60), &["1234567890"], 1);
        assert!(found.len() <= MAX && found.ends_with("palavra-1234567890"), "{found}");
        assert_eq!(slug(&"x".repeat(400), &["1"], 1).len(), MAX);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_valid_address(name in any::<String>(), parts in prop::collection::vec(any::<String>(), 0..3), usual in 1_usize..3) {
            let parts: Vec<_> = parts.iter().map(String::as_str).collect();
            let slug = slug(&name, &parts, usual);
            prop_assert!(!slug.is_empty() && slug.len() <= MAX);
            prop_assert!(slug.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
            prop_assert!(!RESERVED.contains(&slug.as_str()));
        }

        #[test]
        fn other_codes_give_other_addresses(name in "[a-z ç]{0,300}", one in "[ -~]{1,20}", other in "[ -~]{1,20}") {
            prop_assume!(one != other);
            prop_assert_ne!(slug(&name, &[&one], 1), slug(&name, &[&other], 1));
        }
    }
}
