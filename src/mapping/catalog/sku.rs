//! The SKUs of a product.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use compact_str::CompactString;

use crate::core::entity::{Entity, Key};
use crate::core::money::{Decimal4, Money};
use crate::core::value::catalog::{Component, Sku, Specification};
use crate::mapping::cell::RowId;
use crate::mapping::counts::Reason;

use super::config::{CatalogConfig, Grouping};
use super::product::Described;
use super::rows::{Lookups, ProductInput, SkuRow, Table, VariationRow};
use super::{
    Notes, Refusal, check_reference, gtin, image, key, limits, measure, product_reference, template, text,
};

/// A SKU with what it refers to.
pub(super) struct Member<'a> {
    pub(super) key: Key,
    pub(super) row: &'a SkuRow,
    pub(super) colour: Option<&'a VariationRow>,
    size: Option<&'a VariationRow>,
    /// Reference of its product in VTEX.
    pub(super) parent: CompactString,
}

/// The SKUs that have a place in VTEX, those for sale first.
pub(super) fn members<'a>(
    config: &CatalogConfig,
    lookups: &'a Lookups,
    input: &'a ProductInput,
    described: &Described,
    refused: &mut Vec<(Key, Refusal)>,
    notes: &mut Notes,
) -> Vec<Member<'a>> {
    let mut rows: Vec<_> = input.skus.iter().collect();
    rows.sort_unstable_by_key(|row| (Reverse(row.in_ecommerce && row.active), &row.reference, *row));
    let mut seen = BTreeSet::new();
    let mut sizes: HashMap<CompactString, usize> = HashMap::new();
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let key = key(Entity::Sku, &row.reference);
        if !seen.insert(&row.reference) {
            notes.add(&key, Reason::DuplicateReference, format!("SKU {}", text::line(&row.code)));
            continue;
        }
        match member(config, lookups, described, key.clone(), row) {
            Ok(member) => {
                let count = sizes.entry(member.parent.clone()).or_default();
                *count += 1;
                if *count > limits::SKUS {
                    refused.push((key, Refusal::TooManySkus));
                } else {
                    members.push(member);
                }
            }
            Err(refusal) => refused.push((key, refusal)),
        }
    }
    members
}

fn member<'a>(
    config: &CatalogConfig,
    lookups: &'a Lookups,
    described: &Described,
    key: Key,
    row: &'a SkuRow,
) -> Result<Member<'a>, Refusal> {
    check_reference("the SKU's reference (mapping.sku_reference)", &row.reference, limits::SKU_REFERENCE)?;
    let colour = variation(&lookups.colours, row.colour.as_ref(), "colour (cor)")?;
    let size = variation(&lookups.sizes, row.size.as_ref(), "size (tamanho)")?;
    let parent = product_reference(config, lookups, &described.key.id, row);
    if config.grouping == Grouping::Colour {
        check_reference("product reference <produto>-<cor>", &parent, limits::PRODUCT_REFERENCE)?;
    }
    Ok(Member { key, row, colour, size, parent })
}

fn variation<'a>(
    table: &'a Table<VariationRow>,
    id: Option<&RowId>,
    what: &'static str,
) -> Result<Option<&'a VariationRow>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    let row = table.get(id).filter(|row| !text::line(&row.name).is_empty() && !row.code.trim().is_empty());
    row.map(Some).ok_or(Refusal::UnknownVariation(what))
}

/// # Errors
/// When VTEX could not hold it, or something would have to be made up.
pub(super) fn sku(
    config: &CatalogConfig,
    input: &ProductInput,
    described: &Described,
    member: &Member<'_>,
    taken: &mut BTreeSet<CompactString>,
    notes: &mut Notes,
) -> Result<Sku, Refusal> {
    let (row, product) = (member.row, &input.product);
    let multiplier = match (product.fractional, row.factor.0 > 0) {
        (false, _) => Decimal4::ONE,
        (true, true) => row.factor,
        (true, false) => return Err(Refusal::BadFactor),
    };
    let (package, stood_in) =
        measure::package(row.package, product.size, config.default_package).ok_or(Refusal::NoDimensions)?;
    let components = if product.kind == config.kit_kind { components(input, member)? } else { Vec::new() };
    if stood_in {
        notes.add(&member.key, Reason::DefaultPackage, "package");
    }
    let eans = eans(config, input, member, taken, notes);
    let of = image::Of { key: &member.key, sku: &row.id, colour: row.colour.as_ref() };
    let code = |row: Option<&VariationRow>| row.map(|row| row.code.trim().to_owned());
    let value = |name: &str| {
        let value = match name {
            "produto" => Some(described.key.id.to_string()),
            "referencia" => product.reference.as_deref().map(text::line),
            "sku" => Some(row.reference.to_string()),
            "codigo_sku" => Some(text::line(&row.code)),
            "cor" => code(member.colour),
            "tamanho" => code(member.size),
            "ean" => eans.first().map(CompactString::to_string),
            _ => None,
        };
        value.filter(|value| !value.is_empty())
    };
    let image_rows: Vec<_> = input.images.iter().collect();
    let images = image::images(&config.images, &of, &image_rows, value, notes);
    Ok(Sku {
        product: member.parent.clone(),
        name: name(config, input, described, member, notes),
        active: row.in_ecommerce && row.active && product.active && product.in_ecommerce,
        eans,
        package,
        unit: described.unit.clone(),
        multiplier,
        specifications: specifications(config, member, notes),
        images,
        components,
    })
}

fn name(
    config: &CatalogConfig,
    input: &ProductInput,
    described: &Described,
    member: &Member<'_>,
    notes: &mut Notes,
) -> String {
    let product = &input.product;
    let filled = template::fill(&config.sku_name, |name| {
        let value = match name {
            "nome" => Some(described.name.as_str()),
            "descricao" => product
                .description
                .as_deref()
                .filter(|text| !text::line(text).is_empty())
                .or(Some(&described.name)),
            "referencia" => product.reference.as_deref(),
            "produto" => Some(described.key.id.as_str()),
            "sku" => Some(member.row.reference.as_str()),
            "cor" => member.colour.map(|row| row.name.as_str()),
            "tamanho" => member.size.map(|row| row.name.as_str()),
            "complemento" => member.row.complement.as_deref(),
            _ => None,
        };
        Some(value.unwrap_or_default().to_owned())
    });
    let filled = filled.filter(|name| !text::line(name).is_empty());
    notes.fit(&member.key, "name", filled.as_deref().unwrap_or(&described.name), limits::SKU_NAME)
}

/// Colour and size, each with one value.
fn specifications(config: &CatalogConfig, member: &Member<'_>, notes: &mut Notes) -> Vec<Specification> {
    let labelled = [(&config.colour_label, member.colour), (&config.size_label, member.size)];
    let mut found: Vec<_> = labelled
        .into_iter()
        .filter_map(|(label, row)| Some((text::line(label), row?)))
        .filter(|(label, _)| !label.is_empty())
        .map(|(name, row)| Specification {
            group: text::line(&config.specification_group),
            values: vec![notes.fit(&member.key, &name, &row.name, usize::MAX)],
            name,
        })
        .collect();
    found.sort_unstable();
    found
}

/// GTINs in use, the main one first. One that a SKU of the product has already is not given to another: in
/// VTEX it names one.
fn eans(
    config: &CatalogConfig,
    input: &ProductInput,
    member: &Member<'_>,
    taken: &mut BTreeSet<CompactString>,
    notes: &mut Notes,
) -> Vec<CompactString> {
    let mut rows: Vec<_> = input
        .codes
        .iter()
        .filter(|code| code.sku == member.row.id && code.active && code.kind == config.gtin_kind)
        .map(|code| (!code.main, code.code.trim()))
        .collect();
    rows.sort_unstable();
    let mut eans = Vec::with_capacity(rows.len());
    for (_, code) in rows {
        if !gtin::is_gtin(code) {
            notes.add(&member.key, Reason::BadBarcode, text::line(code));
        } else if taken.insert(gtin::canonical(code)) {
            eans.push(CompactString::from(code));
        } else {
            notes.add(&member.key, Reason::DuplicateBarcode, code);
        }
    }
    eans
}

/// What a kit is made of.
fn components(input: &ProductInput, member: &Member<'_>) -> Result<Vec<Component>, Refusal> {
    let mut parts: BTreeMap<&str, (u32, Option<Money>)> = BTreeMap::new();
    let mut rows: Vec<_> = input.parts.iter().filter(|part| part.kit == member.row.id).collect();
    rows.sort_unstable();
    for part in rows {
        let Some(reference) = part.part.as_deref().map(str::trim) else {
            return Err(Refusal::BadKit(
                "with a part that Live has no SKU for (yet), or that shares its code with another",
            ));
        };
        check_reference("a part's reference", reference, limits::SKU_REFERENCE)?;
        if reference == member.row.reference {
            return Err(Refusal::BadKit("that is a part of itself"));
        }
        let whole = u32::try_from(part.quantity.floor()).ok().filter(|n| *n > 0 && part.quantity.is_whole());
        let quantity =
            whole.ok_or(Refusal::BadKit("with a part whose quantity is no whole number above 0"))?;
        let unit_price = part.unit_price.map(|price| price.to_money().0);
        if unit_price.is_some_and(|price| price.0 < 0) {
            return Err(Refusal::BadKit("with a part whose price is below zero"));
        }
        let (sum, price) = parts.entry(reference).or_insert((0, unit_price));
        if *price != unit_price {
            return Err(Refusal::BadKit("with two prices for one part"));
        }
        *sum = sum.saturating_add(quantity).min(limits::INT);
    }
    if parts.is_empty() {
        return Err(Refusal::BadKit("without parts"));
    }
    Ok(parts
        .into_iter()
        .map(|(sku, (quantity, unit_price))| Component {
            sku: CompactString::from(sku),
            quantity,
            unit_price,
        })
        .collect())
}
