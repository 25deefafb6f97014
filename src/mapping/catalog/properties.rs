//! What holds for any rows whatsoever.

use std::collections::HashSet;

use proptest::prelude::*;

use super::config::{CatalogConfig, CategoryKey, DefaultPackage, Grouping, ImageRules, ImageSource};
use super::rows::*;
use super::tests::{input, lookups, sku_row};
use super::*;
use crate::core::money::Decimal4;
use crate::core::time::Timestamp;
use crate::mapping::cell::RowId;

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zç ]{0,300}",
        r"\{\\rtf1 [a-z\\{}' ]{0,40}",
        "(<p>)?[a-z&;]{0,20}",
        Just("👕".repeat(120)),
        Just("x".repeat(9000)),
    ]
}

/// Mostly one of a few rows that exist.
fn id() -> impl Strategy<Value = Option<RowId>> {
    prop::option::weighted(
        0.9,
        prop_oneof![9 => (1_i64..3).prop_map(RowId::Int), 1 => (0_i64..6).prop_map(RowId::Int)],
    )
}

fn decimal() -> impl Strategy<Value = Decimal4> {
    prop_oneof![1 => any::<i64>(), 9 => -10_i64..1_000_000].prop_map(Decimal4)
}

fn size() -> impl Strategy<Value = Size> {
    let measure = || prop::option::weighted(0.8, decimal());
    (measure(), measure(), measure(), measure()).prop_map(|(height, width, length, weight)| Size {
        height,
        width,
        length,
        weight,
    })
}

fn skus() -> impl Strategy<Value = Vec<SkuRow>> {
    let sku = (0_i64..70, "S?[0-9]{0,2}", id(), id(), words(), size(), decimal(), any::<(bool, bool)>())
        .prop_map(|(id, reference, colour, size, complement, package, factor, (in_ecommerce, active))| {
            SkuRow {
                reference: reference.into(),
                colour,
                size,
                complement: Some(complement),
                package,
                factor,
                in_ecommerce,
                active,
                ..sku_row(id, 1, 1)
            }
        });
    prop::collection::vec(sku, 0..8)
}

fn children() -> impl Strategy<Value = (Vec<CodeRow>, Vec<ImageRow>, Vec<SpecificationRow>, Vec<PartRow>)> {
    let sku = || (0_i64..70).prop_map(RowId::Int);
    let code = (sku(), "([0-9]{8}|[0-9]{13}|96385074|.{0,5})", 1_i64..3, any::<(bool, bool)>())
        .prop_map(|(sku, code, kind, (main, active))| CodeRow { sku, code: code.into(), kind, main, active });
    let url = prop_oneof![words(), "https://x/[a-c é]{0,3}[.](jpg|pdf)"];
    let image = (id(), any::<i64>(), url, prop::option::of(words()), any::<bool>()).prop_map(
        |(colour, order, url, label, main)| ImageRow { colour, sku: None, order, url, label, main },
    );
    let name = prop_oneof!["Gola|GOLA|gola|Cor", words()];
    let specification = (name, words()).prop_map(|(name, value)| SpecificationRow { name, value });
    let part = (sku(), "[AS][0-9]{0,2}", decimal()).prop_map(|(kit, part, quantity)| PartRow {
        kit,
        part: Some(part.into()),
        quantity,
        unit_price: None,
    });
    (
        prop::collection::vec(code, 0..8),
        prop::collection::vec(image, 0..6),
        prop::collection::vec(specification, 0..5),
        prop::collection::vec(part, 0..4),
    )
}

fn product() -> impl Strategy<Value = ProductRow> {
    let texts = prop::collection::vec(prop::option::weighted(0.8, words()), 8);
    let code = prop_oneof![9 => "[0-9A-Z]{1,6}", 1 => words()];
    let unit = prop::option::weighted(0.9, prop_oneof![9 => "UN|KG|M2", 1 => ".{0,3}"]);
    let numbers = (
        prop::option::of(any::<i64>()),
        prop::option::of(any::<i64>()),
        prop_oneof![4 => Just(1_i64), 1 => Just(2)],
    );
    (code, texts, (id(), id()), unit, any::<[bool; 3]>(), numbers, size()).prop_map(
        |(code, mut texts, (brand, classifier), unit, flags, (order, release, kind), size)| {
            let mut text = || texts.pop().flatten();
            ProductRow {
                code: code.into(),
                reference: text(),
                title: text(),
                description: text(),
                short_description: text(),
                long_description: text(),
                keywords: text(),
                meta_description: text(),
                ncm: text(),
                brand,
                classifier,
                unit,
                fractional: flags[0],
                shown: flags[1],
                active: flags[2],
                order,
                release: release.map(Timestamp),
                kind,
                size,
                ..input().product
            }
        },
    )
}

fn any_input() -> impl Strategy<Value = ProductInput> {
    (product(), skus(), children()).prop_map(|(product, skus, (codes, images, specifications, parts))| {
        ProductInput { product, skus, codes, images, specifications, parts }
    })
}

/// Names may be anything, and parents may be anybody.
fn any_lookups() -> impl Strategy<Value = Lookups> {
    let tree = prop::collection::vec((words(), id(), prop::option::of(0_i64..4), "[A-C]{0,2}"), 0..6);
    let names = prop::collection::vec(words(), 0..6);
    (0..4, tree, names).prop_map(|(unusual, tree, names)| {
        if unusual > 0 {
            return lookups();
        }
        let mut lookups = lookups();
        for (at, (name, parent, level, code)) in (0_i64..).zip(tree) {
            let row = ClassifierRow { code: code.into(), name, parent, level };
            lookups.classifiers.put(&RowId::Int(at), Some(row));
        }
        for (at, name) in (0_i64..).zip(names) {
            let code = CompactString::from(name.chars().take(9).collect::<String>());
            lookups
                .colours
                .put(&RowId::Int(at), Some(VariationRow { code: code.clone(), name: name.clone() }));
            lookups.brands.put(&RowId::Int(at), Some(BrandRow { code, name }));
        }
        lookups
    })
}

fn any_config() -> impl Strategy<Value = CatalogConfig> {
    (any::<[bool; 5]>(), 1_usize..6).prop_map(|(flags, category_levels)| CatalogConfig {
        grouping: if flags[0] { Grouping::Colour } else { Grouping::Product },
        category_key: if flags[1] { CategoryKey::Path } else { CategoryKey::Code },
        category_levels,
        kits: flags[2],
        default_package: flags[3].then_some(DefaultPackage { height: 1, width: 1, length: 1, grams: 1 }),
        images: ImageRules {
            from: if flags[4] { ImageSource::Template } else { ImageSource::Live },
            url: "https://x/{produto}-{cor}-{ordem}.jpg".to_owned(),
            count: 3,
            ..ImageRules::default()
        },
        ..CatalogConfig::default()
    })
}

fn holds(value: &Value) -> Result<(), TestCaseError> {
    let clean = |text: &str| !text.is_empty() && text::line(text) == text;
    match value {
        Value::Brand(brand) => prop_assert!(clean(&brand.name)),
        Value::Category(category) => {
            prop_assert!(clean(&category.name) && text::length(&category.name) <= 150)
        }
        Value::Product(product) => {
            prop_assert!(clean(&product.name) && text::length(&product.name) <= 150);
            prop_assert!(product.link.len() <= 255 && product.link.is_ascii());
            prop_assert!(
                product.title.as_ref().is_none_or(|title| clean(title) && text::length(title) <= 150)
            );
            prop_assert!(product.keywords.as_ref().is_none_or(|words| text::length(words) <= 8000));
            prop_assert!(product.tax_code.as_ref().is_none_or(|code| code.len() == 8));
            let names: HashSet<_> =
                product.specifications.iter().map(|found| found.name.to_lowercase()).collect();
            prop_assert_eq!(names.len(), product.specifications.len());
            for found in &product.specifications {
                prop_assert!(
                    clean(&found.name) && text::length(&found.name) <= 100 && !found.values.is_empty()
                );
            }
        }
        Value::Sku(sku) => {
            prop_assert!(clean(&sku.name) && text::length(&sku.name) <= 200);
            prop_assert!(sku.eans.iter().all(|ean| gtin::is_gtin(ean)));
            let package = &sku.package;
            prop_assert!(package.height.0 > 0 && package.width.0 > 0 && package.length.0 > 0);
            prop_assert!((1..=limits::INT).contains(&package.grams));
            prop_assert!(sku.multiplier.0 > 0 && measure::UNITS.contains(&sku.unit.as_str()));
            prop_assert!(sku.specifications.iter().all(|found| found.values.len() == 1));
            prop_assert!(
                sku.images.iter().all(|image| image::address(&image.url).as_ref() == Some(&image.url))
            );
            let names: HashSet<_> = sku.images.iter().map(|image| &image.name).collect();
            prop_assert_eq!(names.len(), sku.images.len());
        }
        other => prop_assert!(false, "not of the catalog: {:?}", other),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn limits_hold_and_parents_come_first(input in any_input(), lookups in any_lookups(), config in any_config()) {
        let Ok(Mapped::Wanted(found)) = map(&config, &lookups, &input) else { return Ok(()) };
        let mut seen: HashSet<Key> = HashSet::new();
        for (key, value) in &found.wants {
            prop_assert!(!key.id.is_empty());
            // Parts of kits are products of their own.
            let known = |parent: &Key| parent.entity == Entity::Sku || seen.contains(parent);
            prop_assert!(value.parents().iter().all(known), "{} before its parents", key);
            prop_assert!(seen.insert(key.clone()), "{} twice", key);
            holds(value)?;
        }
        let all = keys(&config, &lookups, &input);
        for (key, _) in &found.refused {
            prop_assert!(!seen.contains(key) && (key.id.is_empty() || all.contains(key)));
        }
        let own = |key: &&Key| matches!(key.entity, Entity::Product | Entity::Sku);
        prop_assert!(seen.iter().filter(own).all(|key| all.contains(key)));
    }

    #[test]
    fn the_order_of_rows_changes_nothing(input in any_input(), config in any_config(), turn in 0_usize..8) {
        let lookups = lookups();
        let mut other = input.clone();
        other.skus.reverse();
        let turned = |len: usize| turn % len.max(1);
        let (codes, images) = (turned(other.codes.len()), turned(other.images.len()));
        other.codes.rotate_left(codes);
        other.images.rotate_left(images);
        other.specifications.reverse();
        other.parts.reverse();
        prop_assert_eq!(map(&config, &lookups, &input), map(&config, &lookups, &other));
        prop_assert_eq!(keys(&config, &lookups, &input), keys(&config, &lookups, &other));
    }
}
