//! Just enough of T-SQL's lexer to tell names, texts and comments from everything else.

/// A script with every bracketed name, text and comment reduced to a mark: what is left is what a mistake in quoting
/// would change.
pub(crate) fn skeleton(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("--") {
            let end = after.find('\n').unwrap_or(after.len());
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("/*") {
            rest = after.split_once("*/").expect("a comment ends").1;
        } else if c == '[' {
            out.push_str("[]");
            rest = ended(&rest[1..], ']');
        } else if c == '\'' {
            out.push_str("''");
            rest = ended(&rest[1..], '\'');
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What follows a name or text whose end mark, where it is part of it, is doubled.
fn ended(text: &str, mark: char) -> &str {
    let mut rest = text;
    loop {
        let at = rest.find(mark).unwrap_or_else(|| panic!("no {mark} in {rest:?}"));
        rest = &rest[at + mark.len_utf8()..];
        match rest.strip_prefix(mark) {
            Some(after) => rest = after,
            None => return rest,
        }
    }
}

#[test]
fn quoting_that_is_wrong_shows() {
    assert_eq!(skeleton("SELECT [a]]b], N'it''s' -- [x\nFROM [t]"), "SELECT [], N'' FROM []");
    assert_ne!(skeleton("SELECT [a]b] FROM [t]"), skeleton("SELECT [a] FROM [t]"));
}
