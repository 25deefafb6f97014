//! RTF, in which Live's editor writes long texts, as HTML: paragraphs, lines, bold and italic. Everything else
//! of it (fonts, colours, pictures) is left to the shop's own style.

use super::text;

/// Groups that hold no text of the document (RTF specification 1.9.1, "Destinations").
const SILENT: [&str; 27] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "footnote",
    "themedata",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "latentstyles",
    "datastore",
    "filetbl",
    "revtbl",
    "fldinst",
    "nonshppict",
];

/// A converted text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Converted {
    pub(super) html: String,
    /// Characters of a code page that is not read were left out.
    pub(super) lost: bool,
}

pub(super) fn is_rtf(text: &str) -> bool {
    text.trim_start().starts_with("{\\rtf")
}

/// Total over any text: what is malformed is passed over.
pub(super) fn to_html(rtf: &str) -> Converted {
    let mut reader = Reader { rest: rtf.trim_start(), ..Reader::default() };
    while !reader.done {
        reader.step();
    }
    reader.finish()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Style {
    bold: bool,
    italic: bool,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    style: Style,
    silent: bool,
    /// How many characters stand in for a Unicode character (`\uc`).
    substitutes: usize,
}

impl Default for Group {
    fn default() -> Self {
        Self { style: Style::default(), silent: false, substitutes: 1 }
    }
}

#[derive(Debug, Default)]
struct Reader<'a> {
    rest: &'a str,
    group: Group,
    outer: Vec<Group>,
    /// Substitutes still to be passed over.
    skip: usize,
    /// First half of a character beyond the first plane.
    high: Option<u16>,
    foreign: bool,
    lost: bool,
    /// Text in one style each; `\n` ends a line.
    runs: Vec<(Style, String)>,
    paragraphs: Vec<Vec<(Style, String)>>,
    done: bool,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        let mut chars = self.rest.chars();
        let Some(c) = chars.next() else {
            self.done = true;
            return;
        };
        self.rest = chars.as_str();
        match c {
            '{' => {
                self.skip = 0;
                self.outer.push(self.group);
            }
            '}' => {
                self.skip = 0;
                // What follows the last brace is no part of the document.
                match self.outer.pop() {
                    Some(group) if !self.outer.is_empty() => self.group = group,
                    _ => self.done = true,
                }
            }
            '\\' => self.control(),
            '\r' | '\n' => {}
            c => self.plain(c),
        }
    }

    fn control(&mut self) {
        let mut chars = self.rest.chars();
        let Some(c) = chars.next() else { return };
        if c.is_ascii_alphabetic() {
            return self.word();
        }
        self.rest = chars.as_str();
        match c {
            '\'' => self.byte(),
            '*' => self.group.silent = true,
            '~' => self.plain('\u{a0}'),
            '_' => self.plain('-'),
            '\\' | '{' | '}' => self.plain(c),
            '\r' | '\n' => self.paragraph(),
            _ => {}
        }
    }

    /// `\word`, its number, and the one space that ends it.
    fn word(&mut self) {
        let (word, rest) = split(self.rest, |c| c.is_ascii_alphabetic());
        let (sign, digits) = rest.strip_prefix('-').map_or((1, rest), |digits| (-1, digits));
        let (digits, after) = split(digits, |c| c.is_ascii_digit());
        let number = (!digits.is_empty()).then(|| digits.parse().map_or(i64::MAX, |n: i64| n * sign));
        let rest = if number.is_some() { after } else { rest };
        self.rest = rest.strip_prefix(' ').unwrap_or(rest);
        match word {
            "par" | "sect" | "page" | "row" => self.paragraph(),
            "line" => self.emit('\n'),
            "tab" | "cell" | "emspace" | "enspace" => self.plain(' '),
            "emdash" => self.plain('—'),
            "endash" => self.plain('–'),
            "bullet" => self.plain('•'),
            "lquote" => self.plain('‘'),
            "rquote" => self.plain('’'),
            "ldblquote" => self.plain('“'),
            "rdblquote" => self.plain('”'),
            "b" => self.group.style.bold = number != Some(0),
            "i" => self.group.style.italic = number != Some(0),
            "plain" => self.group.style = Style::default(),
            "uc" => self.group.substitutes = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            "u" => self.unicode(number),
            "ansicpg" => self.foreign = !matches!(number, Some(0 | 1252)),
            "mac" | "pc" | "pca" => self.foreign = true,
            "bin" => self.pass(number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0)),
            _ if SILENT.contains(&word) => self.group.silent = true,
            _ => {}
        }
    }

    /// `\'hh`: a byte of the document's code page.
    fn byte(&mut self) {
        let byte = self.rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let Some(byte) = byte else { return };
        self.rest = &self.rest[2..];
        if self.skip > 0 {
            self.skip -= 1;
        } else if byte >= 0x80 && self.foreign {
            self.lost |= !self.group.silent;
        } else if let Some(c) = text::windows_1252(byte) {
            self.emit(c);
        }
    }

    /// `\u`: a UTF-16 unit, written as a signed number, and substitutes for readers that know none.
    fn unicode(&mut self, number: Option<i64>) {
        let unit = number.filter(|n| (-32_768..=65_535).contains(n)).map(|n| (n & 0xffff) as u16);
        let Some(unit) = unit else { return };
        match (self.high.take(), unit) {
            (_, 0xd800..=0xdbff) => self.high = Some(unit),
            (Some(high), _) => {
                if let Some(Ok(c)) = char::decode_utf16([high, unit]).next() {
                    self.emit(c);
                }
            }
            (None, _) => {
                if let Some(c) = char::from_u32(u32::from(unit)) {
                    self.emit(c);
                }
            }
        }
        self.skip = self.group.substitutes;
    }

    /// Passes over raw bytes.
    fn pass(&mut self, bytes: usize) {
        let mut at = bytes.min(self.rest.len());
        while !self.rest.is_char_boundary(at) {
            at += 1;
        }
        self.rest = &self.rest[at..];
    }

    fn plain(&mut self, c: char) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.emit(c);
        }
    }

    fn emit(&mut self, c: char) {
        if self.group.silent {
            return;
        }
        match self.runs.last_mut() {
            Some((style, text)) if *style == self.group.style => text.push(c),
            _ => self.runs.push((self.group.style, c.to_string())),
        }
    }

    fn paragraph(&mut self) {
        self.skip = 0;
        if !self.group.silent {
            self.paragraphs.push(std::mem::take(&mut self.runs));
        }
    }

    fn finish(mut self) -> Converted {
        self.paragraphs.push(self.runs);
        let html = self.paragraphs.iter().map(|runs| paragraph(runs)).collect();
        Converted { html, lost: self.lost }
    }
}

fn split(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()))
}

/// Nothing for a paragraph without text.
fn paragraph(runs: &[(Style, String)]) -> String {
    let mut html = String::new();
    for (style, run) in runs {
        let clean: String =
            run.chars().filter(|c| *c == '\n' || !text::has_noise(c.encode_utf8(&mut [0; 4]))).collect();
        let body = text::escape(&clean).replace('\n', "<br>");
        if clean.trim().is_empty() {
            html.push_str(&body);
            continue;
        }
        let (before, after) = match (style.bold, style.italic) {
            (false, false) => ("", ""),
            (true, false) => ("<strong>", "</strong>"),
            (false, true) => ("<em>", "</em>"),
            (true, true) => ("<strong><em>", "</em></strong>"),
        };
        html.extend([before, &body, after]);
    }
    let html = html.trim();
    if runs.iter().all(|(_, run)| run.trim().is_empty()) { String::new() } else { format!("<p>{html}</p>") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(rtf: &str) -> String {
        to_html(rtf).html
    }

    #[test]
    fn a_document_becomes_paragraphs() {
        let document = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}}{\colortbl ;\red0\green0\blue0;}
{\*\generator Riched20 10.0;}\viewkind4\uc1\pard\lang1046\f0\fs20 Camiseta de \b algod\'e3o\b0  macio.\par
\i Lavar \'e0 m\'e3o\i0\line sem alvejante\par
\par
}";
        assert_eq!(
            html(document),
            "<p>Camiseta de <strong>algodão</strong> macio.</p><p><em>Lavar à mão</em><br>sem alvejante</p>"
        );
    }

    #[test]
    fn every_way_to_write_a_character_is_read() {
        let table = [
            (r"{\rtf1 a\{b\}c\\d}", r"<p>a{b}c\d</p>"),
            (r"{\rtf1 R&D <x>}", "<p>R&amp;D &lt;x&gt;</p>"),
            (r"{\rtf1\uc1 pre\u231?o}", "<p>preço</p>"),
            (r"{\rtf1\uc2 a\u8364\'80\'80 b}", "<p>a€ b</p>"),
            (r"{\rtf1\uc0 \u8364 x}", "<p>€x</p>"),
            (r"{\rtf1 \u-10179?\u-9131?!}", "<p>👕!</p>"),
            (r"{\rtf1 \u-10179?x}", "<p>x</p>"),
            (r"{\rtf1 10\~cm \endash  A\_B\emdash\bullet}", "<p>10\u{a0}cm – A-B—•</p>"),
            (r"{\rtf1 \ldblquote a\rdblquote}", "<p>“a”</p>"),
            (r"{\rtf1 {\b\i x}y}", "<p><strong><em>x</em></strong>y</p>"),
            (r"{\rtf1 ação}", "<p>ação</p>"),
            (r"{\rtf1 a\bin4 {}\b}", "<p>a</p>"),
            (r"{\rtf1 {\pict\wmetafile8 0102ff}texto{\info{\author Eu}}}", "<p>texto</p>"),
            (r#"{\rtf1 {\field{\*\fldinst HYPERLINK "x"}{\fldrslt loja}}}"#, "<p>loja</p>"),
            (r"{\rtf1 a} b", "<p>a</p>"),
            (r"{\rtf1\par\par}", ""),
            (r"{\rtf1", ""),
            (r"{\rtf1 a\'zz\'e", "<p>azze</p>"),
        ];
        for (rtf, expected) in table {
            assert_eq!(html(rtf), expected, "{rtf}");
        }
    }

    #[test]
    fn what_a_foreign_code_page_loses_is_told() {
        let found = to_html(r"{\rtf1\ansicpg1251 a\'e3b}");
        assert_eq!(found, Converted { html: "<p>ab</p>".to_owned(), lost: true });
        assert!(!to_html(r"{\rtf1\ansicpg1252 a\'e3b}").lost);
    }

    #[test]
    fn depth_and_length_do_no_harm() {
        assert_eq!(html(&format!("{{\\rtf1 {}x", "{".repeat(200_000))), "<p>x</p>");
        assert_eq!(html(&format!("{{\\rtf1 \\b{} x}}", "9".repeat(1000))), "<p><strong>x</strong></p>");
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in r"(\\[a-z']{0,4}-?[0-9]{0,6}|[{} a-zç&<>]|\PC){0,60}") {
            let found = html(&format!("{{\\rtf1 {text}"));
            for tag in ["p", "strong", "em"] {
                let count = |tag: &str| found.matches(tag).count();
                prop_assert_eq!(count(&format!("<{tag}>")), count(&format!("</{tag}>")));
            }
        }
    }
}
