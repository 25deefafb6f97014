//! Text as VTEX takes it.
//!
//! Lengths are counted in UTF-16 units: no character counts for more in any other way of counting, so what
//! fits by them fits by all.

use std::borrow::Cow;

/// The length of `text`, as limits count it.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Whether a character says nothing to anybody: controls, marks of direction and width, and what stands for
/// bytes that were no text.
const fn is_noise(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffd}'..='\u{ffff}')
        // The last two of each plane are no characters.
        || (c as u32) & 0xfffe == 0xfffe
}

/// Whether cleaning takes something out of `text`.
pub(super) fn has_noise(text: &str) -> bool {
    text.chars().any(is_noise)
}

/// One line: without noise, white space once and not at the ends.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(char::is_whitespace) {
        let mut word = word.chars().filter(|c| !is_noise(*c)).peekable();
        if word.peek().is_some() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(word);
    }
    out
}

/// Several lines, ended by `\n`: without noise, and without white space at the ends.
pub(super) fn lines(text: &str) -> String {
    let ends = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    ends.chars().filter(|c| !is_noise(*c)).collect::<String>().trim().to_owned()
}

/// At most `max` units: after a whole word where there is one, in a word otherwise. `None`: it fits as it is.
pub(super) fn cut(text: &str, max: usize) -> Option<&str> {
    let mut units = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        units += c.len_utf16();
        (units > max).then_some(at)
    })?;
    let head = &text[..end];
    let whole = if text[end..].starts_with(char::is_whitespace) {
        head
    } else {
        head.rfind(char::is_whitespace).map_or(head, |space| &head[..space])
    };
    let open = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–' | '/' | '(' | '[');
    let tidy = whole.trim_end_matches(open);
    Some(if tidy.is_empty() { head.trim_end() } else { tidy })
}

/// Text inside of HTML.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// Whether somebody wrote this text as HTML: it has a tag or an entity.
pub(super) fn is_html(text: &str) -> bool {
    let tag = |rest: &str| {
        let name = rest.strip_prefix('/').unwrap_or(rest);
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') && rest.contains('>')
    };
    let entity = |rest: &str| {
        let end = rest.bytes().take(10).position(|c| c == b';').unwrap_or(0);
        end > 1 && rest.bytes().take(end).all(|c| c.is_ascii_alphanumeric() || c == b'#')
    };
    text.split('<').skip(1).any(tag) || text.split('&').skip(1).any(entity)
}

/// Plain text as HTML: lines stay lines.
pub(super) fn to_html(text: &str) -> String {
    text.lines().map(|line| escape(line.trim_end())).collect::<Vec<_>>().join("<br>")
}

/// A character of Windows-1252, which Brazilian Windows writes; `None` for the five bytes without one.
pub(super) const fn windows_1252(byte: u8) -> Option<char> {
    const HIGH: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’',
        '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => match HIGH[(byte - 0x80) as usize] {
            '\0' => None,
            c => Some(c),
        },
        _ => Some(byte as char),
    }
}

/// FNV-1a of 64 bits: the same on every machine and in every version.
pub(super) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_clean() {
        let table = [
            ("  Camiseta   básica ", "Camiseta básica"),
            ("a\tb\r\nc", "a b c"),
            ("a\u{a0}b", "a b"),
            ("a\u{0}b\u{7}c\u{fffd}", "abc"),
            ("a \u{200b} b", "a b"),
            ("\u{feff}x\u{202e}", "x"),
            (" \u{0} ", ""),
            ("", ""),
            ("ação 👕", "ação 👕"),
        ];
        for (text, expected) in table {
            assert_eq!(line(text), expected, "{text:?}");
        }
        assert!(has_noise("a\u{0}") && has_noise("\u{1fffe}") && !has_noise("a\n\tção 👨‍👩"));
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("\r\n a\r\nb\rc\u{2028}d\u{0} \n"), "a\nb\nc\nd");
        assert_eq!(to_html("a < b & c\n\nd"), "a &lt; b &amp; c<br><br>d");
    }

    #[test]
    fn a_long_text_ends_after_a_word() {
        let table = [
            ("camiseta azul", 13, None),
            ("camiseta azul", 12, Some("camiseta")),
            ("camiseta azul", 9, Some("camiseta")),
            ("camiseta azul", 8, Some("camiseta")),
            ("camiseta azul", 5, Some("camis")),
            ("camiseta - azul", 11, Some("camiseta")),
            ("ççççç", 3, Some("ççç")),
            // An emoji is two units, and never half.
            ("👕👕", 4, None),
            ("👕👕", 3, Some("👕")),
            ("👕", 1, Some("")),
            ("-----", 3, Some("---")),
        ];
        for (text, max, expected) in table {
            assert_eq!(cut(text, max), expected, "{text} {max}");
        }
    }

    #[test]
    fn html_is_told_from_text() {
        for text in ["<p>a</p>", "a<br/>b", "x &nbsp; y", "a &#233;", "1 < 2 <b>x</b>", "<!-- c --> a"] {
            assert!(is_html(text), "{text}");
        }
        for text in ["a < b", "a<3>2", "R&D", "a & b; c", "&;", "<", "a <b", "tamanho > 3"] {
            assert!(!is_html(text), "{text}");
        }
    }

    #[test]
    fn windows_text_is_read() {
        assert_eq!(
            [0x41, 0xe7, 0x80, 0x96, 0x81].map(windows_1252),
            [Some('A'), Some('ç'), Some('€'), Some('–'), None]
        );
    }
}
