//! Links of images from a file: CSV as spreadsheets write it in Brazil, with `,` or `;`, with or without a
//! header, in UTF-8 or Windows-1252.
//!
//! ```text
//! link;sku;ordem;principal;texto
//! https://img.example/10-az.jpg;10-AZ-P;1;sim;Frente
//! ```

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{image, text};

/// One image and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// As VTEX can fetch it.
    pub url: String,
    pub target: Target,
    /// Lower comes first. None: as in the file.
    pub order: Option<u32>,
    pub main: bool,
    pub label: Option<String>,
}

/// What an image belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A SKU, by its reference in VTEX.
    Sku(String),
    /// All SKUs of a product, by `produto.codigo`.
    Product(String),
    /// The file does not say which of the two the code is.
    Either(String),
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LineError {
    /// From 1; of a field with line ends in it, the line where its record begins.
    pub line: usize,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the file is UTF-16: save it as \"CSV UTF-8\"")]
    Utf16,
    #[error("a quote is not closed, or is followed by text")]
    Quote,
    #[error("the header has no column for the {0}")]
    NoColumn(&'static str),
    #[error("the header names \"{0}\" twice")]
    ColumnTwice(&'static str),
    #[error("{0} fields where there are {1} columns: put fields with a separator in quotes")]
    Fields(usize, usize),
    #[error("\"{0}\" is no address of an image: http:// or https://, and an image's extension at the end")]
    Address(String),
    #[error("no code of a SKU or product")]
    NoCode,
    #[error("order \"{0}\" is no whole number")]
    Order(String),
    #[error("main \"{0}\": write sim or não")]
    Main(String),
    #[error("the same image as in line {0}")]
    Repeated(usize),
    #[error("a second main image; the first is in line {0}")]
    SecondMain(usize),
}

/// Reads a whole file. A line with an error is left out and tells why; the others count.
pub fn parse(bytes: &[u8]) -> (Vec<Link>, Vec<LineError>) {
    let wrong = |line, problem| (Vec::new(), vec![LineError { line, problem }]);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return wrong(1, Problem::Utf16);
    }
    let file = decode(bytes);
    let separator = separator(&file);
    let records = Records { rest: &file, line: 1, separator };
    let mut columns = Column::USUAL.to_vec();
    let mut first = true;
    let mut checker = Checker::default();
    for (line, record) in records {
        let Some(fields) = record else {
            checker.errors.push(LineError { line, problem: Problem::Quote });
            continue;
        };
        if fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let may_be_header = std::mem::take(&mut first);
        match header(&fields).filter(|_| may_be_header) {
            None => {
                let link = link(line, &columns, &fields);
                checker.take(line, link);
            }
            Some(Ok(named)) => columns = named,
            Some(Err(problem)) => return wrong(line, problem),
        }
    }
    (checker.links, checker.errors)
}

/// Text that is no UTF-8 is what Excel writes as plain "CSV" in Brazil.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => bytes.iter().filter_map(|byte| text::windows_1252(*byte)).collect(),
    }
}

/// A semicolon in the first line, outside of quotes, is the separator: addresses have commas, too.
fn separator(file: &str) -> char {
    let first = file.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    for c in first.chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => return ';',
            _ => {}
        }
    }
    ','
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Link,
    Sku,
    Product,
    Code,
    Order,
    Main,
    Label,
    /// Of no meaning here.
    Other,
}

impl Column {
    /// Of a file without a header.
    const USUAL: [Self; 5] = [Self::Link, Self::Code, Self::Order, Self::Main, Self::Label];

    const NAMES: [(Self, &'static [&'static str]); 7] = [
        (Self::Link, &["link", "url", "imagem", "endereco", "image"]),
        (Self::Sku, &["sku", "codigo_sku", "cod_sku", "referencia_sku", "ref_sku", "refid"]),
        (Self::Product, &["produto", "codigo_produto", "cod_produto", "product"]),
        (Self::Code, &["codigo", "cod", "code", "referencia"]),
        (Self::Order, &["ordem", "posicao", "sequencia", "order", "position"]),
        (Self::Main, &["principal", "capa", "main"]),
        (Self::Label, &["texto", "legenda", "rotulo", "descricao", "label", "alt"]),
    ];

    /// What a field of a header names.
    fn named(field: &str) -> Self {
        let name = folded(field);
        Self::NAMES
            .into_iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map_or(Self::Other, |(of, _)| of)
    }
}

/// In lower case, without accents, words joined by `_`.
fn folded(field: &str) -> String {
    let plain = |c| match c {
        'á' | 'à' | 'ã' | 'â' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'õ' | 'ô' => 'o',
        'ú' => 'u',
        'ç' => 'c',
        ' ' | '-' => '_',
        c => c,
    };
    text::line(field).to_lowercase().chars().map(plain).collect()
}

/// The columns, if this record is a header: it names one and holds no address.
fn header(fields: &[String]) -> Option<Result<Vec<Column>, Problem>> {
    let columns: Vec<_> = fields.iter().map(|field| Column::named(field)).collect();
    let is_header = columns.iter().any(|column| *column != Column::Other)
        && !fields.iter().any(|field| field.contains("://"));
    is_header.then(|| {
        let count = |of: Column| columns.iter().filter(|column| **column == of).count();
        if let Some((_, names)) = Column::NAMES.into_iter().find(|(of, _)| count(*of) > 1) {
            return Err(Problem::ColumnTwice(names[0]));
        }
        if count(Column::Link) == 0 {
            return Err(Problem::NoColumn("link"));
        }
        if count(Column::Sku) + count(Column::Product) + count(Column::Code) == 0 {
            return Err(Problem::NoColumn("code (sku, produto or codigo)"));
        }
        Ok(columns)
    })
}

fn link(line: usize, columns: &[Column], fields: &[String]) -> Result<Link, Problem> {
    // Spreadsheets fill up with empty fields.
    let used = fields.iter().rposition(|field| !field.trim().is_empty()).map_or(0, |last| last + 1);
    if used > columns.len() {
        return Err(Problem::Fields(used, columns.len()));
    }
    let field = |of: Column| {
        let at = columns.iter().position(|column| *column == of)?;
        Some(text::line(fields.get(at)?)).filter(|field| !field.is_empty())
    };
    let raw = field(Column::Link).unwrap_or_default();
    let url = image::address(&raw).ok_or(Problem::Address(raw))?;
    let target = field(Column::Sku)
        .map(Target::Sku)
        .or_else(|| field(Column::Product).map(Target::Product))
        .or_else(|| field(Column::Code).map(Target::Either))
        .ok_or(Problem::NoCode)?;
    let order = match field(Column::Order) {
        None => None,
        Some(order) => Some(order.parse().map_err(|_| Problem::Order(order))?),
    };
    let main = match field(Column::Main) {
        None => false,
        Some(main) => match folded(&main).as_str() {
            "sim" | "s" | "1" | "x" | "true" | "verdadeiro" | "yes" | "y" => true,
            "nao" | "n" | "0" | "false" | "falso" | "no" => false,
            _ => return Err(Problem::Main(main)),
        },
    };
    Ok(Link { line, url, target, order, main, label: field(Column::Label) })
}

/// Sees what no line alone can tell.
#[derive(Default)]
struct Checker {
    links: Vec<Link>,
    errors: Vec<LineError>,
    lines: HashMap<(Target, String), usize>,
    mains: HashMap<Target, usize>,
}

impl Checker {
    fn take(&mut self, line: usize, link: Result<Link, Problem>) {
        let checked = link.and_then(|link| {
            let image = (link.target.clone(), link.url.clone());
            if let Some(before) = self.lines.get(&image) {
                return Err(Problem::Repeated(*before));
            }
            if link.main
                && let Some(before) = self.mains.get(&link.target)
            {
                return Err(Problem::SecondMain(*before));
            }
            if link.main {
                self.mains.insert(link.target.clone(), line);
            }
            self.lines.insert(image, line);
            Ok(link)
        });
        match checked {
            Ok(link) => self.links.push(link),
            Err(problem) => self.errors.push(LineError { line, problem }),
        }
    }
}

/// Cuts a file into records (RFC 4180).
struct Records<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl Iterator for Records<'_> {
    /// The line where the record begins, and its fields; `None` when its quotes make no sense. Then only that
    /// line is lost.
    type Item = (usize, Option<Vec<String>>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let fields = match record(self.rest, self.separator) {
            Some((fields, used)) => {
                self.line += self.rest[..used].matches('\n').count();
                self.rest = &self.rest[used..];
                Some(fields)
            }
            None => {
                self.line += 1;
                self.rest = &self.rest[end..];
                None
            }
        };
        Some((line, fields))
    }
}

/// A line with quotes may run on for this many bytes: behind a quote that nobody closed the rest of the file
/// is not read again and again.
const LONGEST: usize = 64 * 1024;

/// The fields of the first record, and how many bytes it takes.
fn record(text: &str, separator: char) -> Option<(Vec<String>, usize)> {
    let mut fields = vec![String::new()];
    let mut chars = text.char_indices().peekable();
    let (mut begins, mut quoted, mut closed) = (true, false, false);
    while let Some((at, c)) = chars.next() {
        let field = fields.last_mut()?;
        if quoted {
            match c {
                '"' if chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
                '"' => (quoted, closed) = (false, true),
                _ if at > LONGEST => return None,
                c => field.push(c),
            }
            continue;
        }
        match c {
            '\n' => return Some((fields, at + 1)),
            c if c == separator => {
                fields.push(String::new());
                (begins, closed) = (true, false);
                continue;
            }
            '"' if begins => {
                field.clear();
                quoted = true;
            }
            c if c.is_whitespace() => field.push(c),
            _ if closed => return None,
            c => field.push(c),
        }
        begins &= c.is_whitespace();
    }
    if quoted { None } else { Some((fields, text.len())) }
}

#[cfg(test)]
mod tests;
