//! Images of a SKU.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::core::entity::Key;
use crate::core::value::catalog::Image;
use crate::mapping::cell::RowId;
use crate::mapping::counts::Reason;

use super::config::{ImageRules, ImageSource};
use super::rows::ImageRow;
use super::{Notes, template, text};

/// What VTEX takes for an image (Catalog API, SKU files).
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "gif", "svg", "webp", "ico"];

/// The SKU whose images are looked for.
pub(super) struct Of<'a> {
    pub(super) key: &'a Key,
    pub(super) sku: &'a RowId,
    pub(super) colour: Option<&'a RowId>,
}

/// The address as VTEX can fetch it, with what has no place in one written as `%xx`. `None`: it is none of
/// http or https, has no host, or does not end as an image does, which VTEX demands of the whole address.
pub(super) fn address(url: &str) -> Option<String> {
    let url = url.trim();
    if text::has_noise(url) || url.contains('#') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let (host, path) = rest.split_once('/')?;
    let of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    if host.is_empty() || host.starts_with([':', '.']) || !host.chars().all(of_host) {
        return None;
    }
    let (_, extension) = path.rsplit_once('.')?;
    if !EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return None;
    }
    let allowed =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    Some(format!("{}://{host}/{}", scheme.to_ascii_lowercase(), percent(path, allowed)))
}

fn percent(text: &str, allowed: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if allowed(c) {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

/// Names an image by its address: another address is another image, and a new order is none.
fn name(url: &str) -> CompactString {
    CompactString::from(format!("mare-{:016x}", text::fnv(url)))
}

/// The images of a SKU, the main one first: those of its colour and those of every colour. `value` gives what
/// a template needs.
pub(super) fn images(
    rules: &ImageRules,
    of: &Of<'_>,
    rows: &[&ImageRow],
    value: impl Fn(&str) -> Option<String>,
    notes: &mut Notes,
) -> Vec<Image> {
    let found: Vec<(String, Option<String>)> = match rules.from {
        ImageSource::Off => Vec::new(),
        ImageSource::Live => from_rows(of, rows),
        ImageSource::Template => from_template(rules, of, value, notes),
    };
    let mut seen = BTreeSet::new();
    let mut images = Vec::with_capacity(found.len());
    for (url, label) in found {
        let Some(url) = address(&url) else {
            notes.add(of.key, Reason::BadImage, format!("image {url}"));
            continue;
        };
        let name = name(&url);
        if seen.insert(name.clone()) {
            let label = label.map(|label| text::line(&label)).filter(|label| !label.is_empty());
            images.push(Image { name, url, label });
        }
    }
    images
}

fn from_rows(of: &Of<'_>, rows: &[&ImageRow]) -> Vec<(String, Option<String>)> {
    let fits = |row: &ImageRow| {
        row.sku.as_ref().is_none_or(|sku| sku == of.sku)
            && row.colour.as_ref().is_none_or(|colour| Some(colour) == of.colour)
    };
    let mut rows: Vec<_> = rows.iter().filter(|row| fits(row)).collect();
    // Of two main ones that of the colour is shown; of two in one place the address decides.
    rows.sort_by_key(|row| {
        (!row.main, row.sku.is_none(), row.colour.is_none(), row.order, &row.url, &row.label)
    });
    // After the main one, the order is that of Live.
    let rest = usize::from(rows.first().is_some_and(|first| first.main)).min(rows.len());
    rows[rest..]
        .sort_by_key(|row| (row.sku.is_none(), row.colour.is_none(), row.order, &row.url, &row.label));
    rows.into_iter().map(|row| (row.url.clone(), row.label.clone())).collect()
}

fn from_template(
    rules: &ImageRules,
    of: &Of<'_>,
    value: impl Fn(&str) -> Option<String>,
    notes: &mut Notes,
) -> Vec<(String, Option<String>)> {
    // A code may hold anything; in an address it is one piece of a path.
    let piece = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let urls: Option<Vec<_>> = (1..=rules.count)
        .map(|order| {
            template::fill(&rules.url, |name| match name {
                "ordem" => Some(order.to_string()),
                "ordem:02" => Some(format!("{order:02}")),
                _ => value(name).map(|value| percent(&value, piece)),
            })
        })
        .collect();
    if urls.is_none() {
        notes.add(of.key, Reason::NoImageValue, format!("images by {}", rules.url));
    }
    urls.into_iter().flatten().map(|url| (url, None)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entity::Entity;

    #[test]
    fn an_address_is_one_that_vtex_fetches() {
        let table = [
            ("https://img.example/a.jpg", Some("https://img.example/a.jpg")),
            (" HTTP://img.example:8080/a/b.PNG ", Some("http://img.example:8080/a/b.PNG")),
            (
                "https://img.example/camiseta azul ção.webp",
                Some("https://img.example/camiseta%20azul%20%C3%A7%C3%A3o.webp"),
            ),
            ("https://img.example/a%20b.jpg", Some("https://img.example/a%20b.jpg")),
            ("https://img.example/?file=a.jpg", Some("https://img.example/?file=a.jpg")),
            ("https://img.example/a.jpg?v=2", None),
            ("https://img.example/a.jpg#x.jpg", None),
            ("https://img.example/a.pdf", None),
            ("https://img.example/a", None),
            ("https://img.example", None),
            ("https:///a.jpg", None),
            ("https://us er/a.jpg", None),
            ("ftp://img.example/a.jpg", None),
            ("C:\\fotos\\a.jpg", None),
            ("a.jpg", None),
            ("", None),
            ("https://img.example/a\u{0}.jpg", None),
        ];
        for (url, expected) in table {
            assert_eq!(address(url).as_deref(), expected, "{url}");
        }
    }

    fn row(colour: Option<i64>, order: i64, url: &str, main: bool) -> ImageRow {
        ImageRow {
            colour: colour.map(RowId::Int),
            sku: None,
            order,
            url: format!("https://x/{url}.jpg"),
            label: None,
            main,
        }
    }

    fn shown(rules: &ImageRules, rows: &[ImageRow]) -> (Vec<String>, Vec<Reason>) {
        let key = Key { entity: Entity::Sku, id: "s".into() };
        let (sku, colour) = (RowId::Int(100), RowId::Int(1));
        let mut notes = Notes::default();
        let of = Of { key: &key, sku: &sku, colour: Some(&colour) };
        let value = |name: &str| (name == "cor").then(|| "AZ/1".to_owned());
        let images = images(rules, &of, &rows.iter().collect::<Vec<_>>(), value, &mut notes);
        let short = |url: &str| url.trim_start_matches("https://x/").trim_end_matches(".jpg").to_owned();
        (
            images.iter().map(|image| short(&image.url)).collect(),
            notes.0.iter().map(|note| note.reason).collect(),
        )
    }

    #[test]
    fn a_sku_shows_its_colour_and_the_main_image_first() {
        let rows = [
            row(None, 9, "medidas", false),
            row(Some(1), 3, "costas", false),
            row(Some(1), 2, "frente", true),
            row(Some(2), 1, "vermelha", true),
            row(Some(1), 1, "lado", false),
            row(Some(1), 5, "costas", false),
        ];
        let live = ImageRules::default();
        assert_eq!(shown(&live, &rows).0, ["frente", "lado", "costas", "medidas"]);
        let two_main = [row(None, 0, "geral", true), row(Some(1), 1, "azul", true)];
        assert_eq!(shown(&live, &two_main).0, ["azul", "geral"]);
        let near =
            [row(None, 0, "geral", true), row(Some(1), 3, "azul", true), row(Some(1), 1, "lado", false)];
        assert_eq!(shown(&live, &near).0, ["azul", "lado", "geral"]);
        let general_main = [row(None, 0, "geral", true), row(Some(1), 1, "azul", false)];
        assert_eq!(shown(&live, &general_main).0, ["geral", "azul"]);
        let own = ImageRow { sku: Some(RowId::Int(100)), ..row(None, 9, "dela", false) };
        let other = ImageRow { sku: Some(RowId::Int(101)), ..row(None, 0, "outra", true) };
        assert_eq!(shown(&live, &[own, other, row(Some(1), 1, "azul", false)]).0, ["dela", "azul"]);
        let off = ImageRules { from: ImageSource::Off, ..live };
        assert!(shown(&off, &rows).0.is_empty());
    }

    #[test]
    fn a_template_makes_the_addresses() {
        let rules = |url: &str, count| ImageRules {
            from: ImageSource::Template,
            url: url.to_owned(),
            count,
            ..ImageRules::default()
        };
        assert_eq!(shown(&rules("https://x/{cor}_{ordem:02}.jpg", 2), &[]).0, ["AZ%2F1_01", "AZ%2F1_02"]);
        let found = shown(&rules("https://x/{tamanho}_{ordem}.jpg", 3), &[]);
        assert_eq!(found, (Vec::new(), vec![Reason::NoImageValue]));
    }

    #[test]
    fn a_name_stays_with_its_address() {
        assert_eq!(name("https://x/a.jpg"), name("https://x/a.jpg"));
        assert_ne!(name("https://x/a.jpg"), name("https://x/b.jpg"));
        let bad = ImageRow { url: "foto.jpg".to_owned(), ..row(None, 0, "", true) };
        assert_eq!(shown(&ImageRules::default(), &[bad]), (Vec::new(), vec![Reason::BadImage]));
    }
}
