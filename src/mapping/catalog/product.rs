//! What is said about a product, whatever its colours and sizes.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::core::entity::{Entity, Key};
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::core::value::catalog::{Brand, Product};
use crate::mapping::cell::RowId;
use crate::mapping::counts::Reason;

use super::config::{CatalogConfig, Grouping, Score};
use super::rows::{Lookups, ProductInput, ProductRow};
use super::sku::Member;
use super::{
    Notes, Refusal, category, check_reference, key, limits, measure, rtf, slug, specification, text,
};

/// A product of Live, before it is divided.
pub(super) struct Described {
    pub(super) key: Key,
    /// Brand and categories, parents first.
    pub(super) parents: Vec<(Key, Value)>,
    /// As long as Live has it.
    pub(super) name: String,
    pub(super) unit: CompactString,
    /// Without a link, and its name in full.
    base: Product,
}

/// # Errors
/// When VTEX could not hold it, or something would have to be made up.
pub(super) fn describe(
    config: &CatalogConfig,
    lookups: &Lookups,
    input: &ProductInput,
    notes: &mut Notes,
) -> Result<Described, Refusal> {
    let row = &input.product;
    let code = row.code.trim();
    check_reference("produto.codigo", code, limits::PRODUCT_REFERENCE)?;
    let key = key(Entity::Product, code);
    if row.kind == config.kit_kind && !config.kits {
        return Err(Refusal::Kit);
    }
    let named = [&row.title, &row.description];
    let raw = named.into_iter().flatten().find(|name| !text::line(name).is_empty()).ok_or(Refusal::NoName)?;
    let name = notes.fit(&key, "name", raw, usize::MAX);
    let unit = measure::unit(config, row.unit.as_deref(), row.fractional)
        .ok_or_else(|| Refusal::UnknownUnit(text::line(row.unit.as_deref().unwrap_or_default())))?;
    let brand = brand(config, lookups, row.brand.as_ref(), &key, notes)?;
    let classified = category::classify(config, &lookups.classifiers, row.classifier.as_ref(), notes)?;
    let mut optional = |field: &str, raw: &Option<String>, max: usize| {
        let raw = raw.as_deref()?;
        Some(notes.fit(&key, field, raw, max)).filter(|text| !text.is_empty())
    };
    let mut trade_policies = config.trade_policies.clone();
    trade_policies.sort_unstable();
    trade_policies.dedup();
    let base = Product {
        name: name.clone(),
        link: String::new(),
        title: optional("title", &row.title, limits::TITLE),
        short_description: optional("short description", &row.short_description, usize::MAX),
        keywords: optional("keywords", &row.keywords, limits::KEYWORDS),
        meta_description: optional("meta description", &row.meta_description, usize::MAX),
        description: description(row.long_description.as_deref(), &key, notes),
        brand: brand.0.id.clone(),
        category: classified.category,
        shown: row.shown && row.active && row.in_ecommerce,
        score: score(config.score, row.order),
        release_date: release_date(row.release, &key, notes),
        tax_code: tax_code(row, &key, notes),
        specifications: specification::specifications(
            config,
            &key,
            &input.specifications,
            classified.deeper,
            notes,
        ),
        trade_policies,
    };
    let parents = std::iter::once(brand).chain(classified.wants).collect();
    Ok(Described { key, parents, name, unit, base })
}

impl Described {
    /// The products of VTEX, in the order of their keys.
    pub(super) fn products(
        &self,
        config: &CatalogConfig,
        members: &[Member<'_>],
        notes: &mut Notes,
    ) -> Vec<(Key, Value)> {
        let code = &self.key.id;
        let mut parts: BTreeMap<&str, Option<(&str, &str)>> = BTreeMap::new();
        if config.grouping == Grouping::Product {
            parts.insert(code, None);
        }
        for member in members {
            let colour = member.colour.filter(|_| config.grouping == Grouping::Colour);
            parts
                .entry(&member.parent)
                .or_insert_with(|| colour.map(|row| (row.code.trim(), row.name.as_str())));
        }
        let product = |(reference, colour): (&str, Option<(&str, &str)>)| {
            let key = key(Entity::Product, reference);
            let name = match colour {
                Some((_, colour)) => format!("{} {}", self.name, text::line(colour)),
                None => self.name.clone(),
            };
            let link = match (config.grouping, colour) {
                (Grouping::Product, _) => slug::slug(&name, &[code], 1),
                (Grouping::Colour, None) => slug::slug(&name, &[code], 2),
                (Grouping::Colour, Some((colour, _))) => slug::slug(&name, &[code, colour], 2),
            };
            let name = notes.fit(&key, "name", &name, limits::PRODUCT_NAME);
            (key, Value::Product(Box::new(Product { name, link, ..self.base.clone() })))
        };
        parts.into_iter().map(product).collect()
    }
}

/// The product's brand; the configured one for a product that has none.
fn brand(
    config: &CatalogConfig,
    lookups: &Lookups,
    id: Option<&RowId>,
    product: &Key,
    notes: &mut Notes,
) -> Result<(Key, Value), Refusal> {
    let want = |code: &str, name: String| (key(Entity::Brand, code), Value::Brand(Box::new(Brand { name })));
    if let Some(id) = id {
        let row = lookups.brands.get(id).ok_or_else(|| Refusal::UnknownBrand(id.to_string()))?;
        let (code, name) = (text::line(&row.code), text::line(&row.name));
        if lookups.brands.is_shared(&row.code) {
            return Err(Refusal::SharedCode { what: "marcas", code });
        }
        if !code.is_empty() && !name.is_empty() {
            return Ok(want(&code, name));
        }
    }
    let default = config.default_brand.as_ref().ok_or(Refusal::NoBrand)?;
    let code = text::line(&default.code);
    notes.add(product, Reason::DefaultBrand, code.as_str());
    let known =
        lookups.brands.by_code(&code).map(|row| text::line(&row.name)).filter(|name| !name.is_empty());
    let name = known.unwrap_or_else(|| text::line(&default.name));
    if code.is_empty() || name.is_empty() { Err(Refusal::NoBrand) } else { Ok(want(&code, name)) }
}

/// Live's long text as HTML.
fn description(raw: Option<&str>, key: &Key, notes: &mut Notes) -> Option<String> {
    let raw = raw?;
    let html = if rtf::is_rtf(raw) {
        let converted = rtf::to_html(raw);
        if converted.lost {
            notes.add(key, Reason::BadText, "description: characters of a code page that is not read");
        }
        converted.html
    } else {
        if text::has_noise(raw) {
            notes.add(key, Reason::BadText, "description");
        }
        let clean = text::lines(raw);
        if text::is_html(&clean) { clean } else { text::to_html(&clean) }
    };
    Some(html).filter(|html| !html.is_empty())
}

fn score(rule: Score, order: Option<i64>) -> Option<i32> {
    let score = match rule {
        Score::Inverted => 10_000_i64.saturating_sub(order?),
        Score::Same => order?,
        Score::Off => return None,
    };
    Some(i32::try_from(score).unwrap_or(if score < 0 { i32::MIN } else { i32::MAX }))
}

/// SQL Server's calendar begins in 1753; Live writes "never" as year 9999.
fn release_date(release: Option<Timestamp>, key: &Key, notes: &mut Notes) -> Option<CompactString> {
    let release = release?;
    let date = jiff::Timestamp::from_microsecond(release.0)
        .map(|at| jiff::tz::TimeZone::UTC.to_datetime(at).date())
        .ok()
        .filter(|date| (1753..2100).contains(&date.year()));
    if date.is_none() {
        notes.add(key, Reason::BadDate, "release date");
    }
    date.map(|date| CompactString::from(date.to_string()))
}

/// NCM: eight digits, with or without its points. Nothing is filled up: a zero that got lost may be any.
fn tax_code(row: &ProductRow, key: &Key, notes: &mut Notes) -> Option<CompactString> {
    let ncm = text::line(row.ncm.as_deref()?);
    if ncm.is_empty() {
        return None;
    }
    let digits: String = ncm.chars().filter(|c| !matches!(c, '.' | ' ' | '-')).collect();
    if digits.len() == 8 && digits.bytes().all(|c| c.is_ascii_digit()) {
        return Some(CompactString::from(digits));
    }
    notes.add(key, Reason::BadTaxCode, ncm);
    None
}
