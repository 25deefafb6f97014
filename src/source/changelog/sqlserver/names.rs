//! Names, literals, templates and batches of T-SQL.

/// Longest identifier of SQL Server, in UTF-16 units (`sysname`).
pub const NAME_MAX: usize = 128;

/// A name between brackets, right whatever it contains.
pub fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// `[schema].[object]`
pub fn qualified(schema: &str, object: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(object))
}

/// A text as a Unicode literal.
pub fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// Why a name cannot be used, if so. A line break would end a comment of a script, or be taken for the end of
/// a batch by the tools that run it.
pub fn unusable(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.encode_utf16().count() > NAME_MAX {
        Some("is longer than 128 characters")
    } else if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some("contains a control character")
    } else {
        None
    }
}

/// A name made of ours and the shop's, kept within [`NAME_MAX`]: what is cut off is replaced by a hash of it.
pub fn joined(prefix: &str, name: &str) -> String {
    let whole = format!("{prefix}_{name}");
    if whole.encode_utf16().count() <= NAME_MAX {
        return whole;
    }
    let mut kept = String::new();
    let mut units = 0;
    for c in whole.chars() {
        units += c.len_utf16();
        // Room for the underscore and 16 digits.
        if units > NAME_MAX - 17 {
            break;
        }
        kept.push(c);
    }
    format!("{kept}_{:016x}", fingerprint(&whole))
}

/// FNV-1a of 64 bits: the same on every machine and in every version, which is all that is asked of it. It shows
/// an alteration, it does not keep out an attacker.
pub fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// A template with its `{placeholders}` filled in, in one pass: what is filled in is never looked at again, so a
/// table called `{columns}` stays what it is.
///
/// # Panics
/// When the template names something that is not given: both are ours, and every template has a test.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').expect("a template closes its placeholders");
        let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        filled.push_str(before);
        filled.push_str(value.expect("a template names only what it is given"));
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// The batches of a script: what stands between lines that say `GO`. Batches without a statement are left out.
pub fn batches(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in script.split_inclusive('\n') {
        if line.trim().eq_ignore_ascii_case("go") {
            found.push(&script[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    found.push(&script[start..]);
    found.retain(|batch| batch.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("--")));
    found
}

/// Begins a batch that a server may refuse, because it lacks what the batch sets. Whoever runs the script says so and goes
/// on: capture is right without it.
pub const OPTIONAL: &str = "/*mare:optional*/\n";

/// Whether the script may go on when this batch fails.
pub fn is_optional(batch: &str) -> bool {
    batch.trim_start().starts_with(OPTIONAL.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a bracketed name as SQL Server does, and returns it with what follows.
    fn read(text: &str) -> (String, &str) {
        let mut rest = text.strip_prefix('[').unwrap();
        let mut name = String::new();
        loop {
            let (part, behind) = rest.split_once(']').unwrap();
            name.push_str(part);
            match behind.strip_prefix(']') {
                Some(after) => {
                    name.push(']');
                    rest = after;
                }
                None => return (name, behind),
            }
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_as_it_was_written(schema in "\\PC{1,40}", table in "\\PC{1,40}") {
            let text = qualified(&schema, &table);
            let (first, rest) = read(&text);
            let (second, rest) = read(rest.strip_prefix('.').unwrap());
            prop_assert_eq!((first, second, rest), (schema, table, ""));
        }

        #[test]
        fn a_literal_ends_where_its_text_ends(text in "\\PC*") {
            let written = literal(&text);
            let inside = written.strip_prefix("N'").unwrap().strip_suffix('\'').unwrap();
            prop_assert!(!inside.replace("''", "").contains('\''));
            prop_assert_eq!(inside.replace("''", "'"), text);
        }

        #[test]
        fn a_joined_name_always_fits_and_tells_long_ones_apart(name in "\\PC{1,200}") {
            let one = joined("alt", &name);
            prop_assert!(one.encode_utf16().count() <= NAME_MAX);
            prop_assert_ne!(one, joined("alt", &format!("{name}x")));
        }

        #[test]
        fn what_is_filled_in_is_not_filled_again(value in "\\PC*") {
            prop_assert_eq!(fill("a {one} b {two}", &[("one", &value), ("two", "2")]), format!("a {value} b 2"));
        }
    }

    #[test]
    fn a_name_with_a_line_break_is_refused() {
        for name in ["a\nGO\nDROP", "a\r", "a\u{85}", "a\u{2028}", "", &"x".repeat(129)] {
            assert!(unusable(name).is_some(), "{name:?}");
        }
        for name in ["estoque saldo", "a]b'c\"d--e/*f{g}", "Ação", &"x".repeat(128)] {
            assert_eq!(unusable(name), None, "{name:?}");
        }
    }

    #[test]
    fn go_ends_a_batch_only_on_a_line_of_its_own() {
        let script = "-- only a comment\nGO\nSELECT 'GO';\n  go  \r\nSELECT 2 -- GO\nGO\n\n";
        assert_eq!(batches(script), ["SELECT 'GO';\n", "SELECT 2 -- GO\n"]);
    }
}
