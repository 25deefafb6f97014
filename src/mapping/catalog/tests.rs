//! A product with everything, and then one thing after the other that is different.

use super::config::{CatalogConfig, DefaultBrand, DefaultPackage, Grouping, ImageRules, ImageSource, Score};
use super::rows::*;
use super::*;
use crate::core::money::{Decimal4, Money};
use crate::core::time::Timestamp;
use crate::core::value::catalog::{Component, Product, Sku};
use crate::mapping::cell::RowId;

pub(super) fn lookups() -> Lookups {
    let mut lookups = Lookups::default();
    for (id, code, name) in [(1, "M1", "Maresia"), (2, "M2", "Onda")] {
        lookups.brands.put(&RowId::Int(id), Some(BrandRow { code: code.into(), name: name.to_owned() }));
    }
    for (id, level, code, name) in
        [(1, 1, "R", "Roupas"), (2, 2, "C", "Camisetas"), (3, 3, "B", "Básicas"), (4, 4, "V", "Verão")]
    {
        let row = ClassifierRow {
            code: code.into(),
            name: name.to_owned(),
            parent: (id > 1).then(|| RowId::Int(id - 1)),
            level: Some(level),
        };
        lookups.classifiers.put(&RowId::Int(id), Some(row));
    }
    for (id, code, name) in [(1, "AZ", "Azul"), (2, "VM", "Vermelho")] {
        lookups.colours.put(&RowId::Int(id), Some(VariationRow { code: code.into(), name: name.to_owned() }));
    }
    for (id, code) in [(1, "P"), (2, "M")] {
        lookups.sizes.put(&RowId::Int(id), Some(VariationRow { code: code.into(), name: code.to_owned() }));
    }
    lookups
}

pub(super) fn sku_row(id: i64, colour: i64, size: i64) -> SkuRow {
    SkuRow {
        id: RowId::Int(id),
        code: CompactString::from(format!("{id}")),
        reference: CompactString::from(format!("S{id}")),
        colour: Some(RowId::Int(colour)),
        size: Some(RowId::Int(size)),
        complement: None,
        package: Size::default(),
        factor: Decimal4::ONE,
        in_ecommerce: true,
        active: true,
    }
}

fn code_row(sku: i64, code: &str, main: bool) -> CodeRow {
    CodeRow { sku: RowId::Int(sku), code: code.into(), kind: 1, main, active: true }
}

fn image_row(colour: Option<i64>, name: &str, main: bool) -> ImageRow {
    ImageRow {
        colour: colour.map(RowId::Int),
        sku: None,
        order: 1,
        url: format!("https://img.example/{name}.jpg"),
        label: Some("Frente".to_owned()),
        main,
    }
}

pub(super) fn input() -> ProductInput {
    let text = |text: &str| Some(text.to_owned());
    ProductInput {
        product: ProductRow {
            id: RowId::Int(10),
            code: "1234".into(),
            reference: text("REF-9"),
            title: text("Camiseta Básica"),
            description: text("CAMISETA BASICA"),
            short_description: text("Camiseta"),
            long_description: text("{\\rtf1 De \\b algod\\'e3o}"),
            keywords: text("camiseta, algodão"),
            meta_description: text("Camiseta de algodão"),
            brand: Some(RowId::Int(1)),
            classifier: Some(RowId::Int(4)),
            ncm: text("6109.10.00"),
            unit: text("UN"),
            fractional: false,
            kind: 1,
            in_ecommerce: true,
            shown: true,
            active: true,
            order: Some(30),
            release: Some(Timestamp(1_767_225_600_000_000)),
            size: Size {
                height: Some(Decimal4(3_5000)),
                width: Some(Decimal4(20_0000)),
                length: Some(Decimal4(30_0000)),
                weight: Some(Decimal4(1801)),
            },
        },
        skus: vec![sku_row(1, 1, 1), sku_row(2, 1, 2), sku_row(3, 2, 1)],
        codes: vec![code_row(1, "96385074", false), code_row(1, "7891000315507", true)],
        images: vec![image_row(Some(1), "azul", true), image_row(Some(2), "vermelha", true)],
        specifications: vec![SpecificationRow { name: "Material".to_owned(), value: "Algodão".to_owned() }],
        parts: Vec::new(),
    }
}

fn wanted(config: &CatalogConfig, input: &ProductInput) -> Wanted {
    match map(config, &lookups(), input) {
        Ok(Mapped::Wanted(wanted)) => wanted,
        other => panic!("{other:?}"),
    }
}

fn changed(change: impl FnOnce(&mut ProductInput)) -> ProductInput {
    let mut input = input();
    change(&mut input);
    input
}

fn products(wanted: &Wanted) -> Vec<&Product> {
    wanted
        .wants
        .iter()
        .filter_map(
            |(_, value)| if let Value::Product(product) = value { Some(product.as_ref()) } else { None },
        )
        .collect()
}

fn product(config: &CatalogConfig, input: &ProductInput) -> Product {
    products(&wanted(config, input))[0].clone()
}

fn sku(config: &CatalogConfig, input: &ProductInput, reference: &str) -> Sku {
    let wanted = wanted(config, input);
    let found = wanted.wants.into_iter().find(|(key, _)| key.entity == Entity::Sku && key.id == reference);
    let Some((_, Value::Sku(sku))) = found else { panic!("no SKU {reference}: {:?}", wanted.refused) };
    *sku
}

fn reasons(wanted: &Wanted) -> Vec<Reason> {
    wanted.notes.iter().map(|note| note.reason).collect()
}

fn plain() -> CatalogConfig {
    CatalogConfig::default()
}

#[test]
fn a_product_comes_out_whole_and_in_order() {
    let found = wanted(&plain(), &input());
    let keys: Vec<_> = found.wants.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(
        keys,
        ["brand M1", "category R", "category C", "category B", "product 1234", "sku S1", "sku S2", "sku S3"]
    );
    assert!(found.notes.is_empty() && found.refused.is_empty(), "{:?}", found.notes);
    let product = products(&found)[0];
    let expected = Product {
        name: "Camiseta Básica".to_owned(),
        link: "camiseta-basica-1234".to_owned(),
        title: Some("Camiseta Básica".to_owned()),
        short_description: Some("Camiseta".to_owned()),
        description: Some("<p>De <strong>algodão</strong></p>".to_owned()),
        keywords: Some("camiseta, algodão".to_owned()),
        meta_description: Some("Camiseta de algodão".to_owned()),
        brand: "M1".into(),
        category: "B".into(),
        shown: true,
        score: Some(9_970),
        release_date: Some("2026-01-01".into()),
        tax_code: Some("61091000".into()),
        specifications: product.specifications.clone(),
        trade_policies: Vec::new(),
    };
    assert_eq!(*product, expected);
    let named: Vec<_> =
        product.specifications.iter().map(|found| (found.name.as_str(), found.values[0].as_str())).collect();
    assert_eq!(named, [("Classificação 4", "Verão"), ("Material", "Algodão")]);
    let sku = sku(&plain(), &input(), "S1");
    assert_eq!(
        (sku.product.as_str(), sku.name.as_str(), sku.active),
        ("1234", "CAMISETA BASICA Azul P", true)
    );
    assert_eq!(sku.eans, ["7891000315507", "96385074"]);
    assert_eq!((sku.package.height.0, sku.package.grams), (3_5000, 181));
    assert_eq!((sku.unit.as_str(), sku.multiplier), ("un", Decimal4::ONE));
    let named: Vec<_> =
        sku.specifications.iter().map(|found| (found.name.as_str(), found.values.clone())).collect();
    assert_eq!(named, [("Cor", vec!["Azul".to_owned()]), ("Tamanho", vec!["P".to_owned()])]);
    assert_eq!(sku.images.len(), 1);
    assert_eq!(sku.images[0].url, "https://img.example/azul.jpg");
}

#[test]
fn the_name_is_the_first_that_says_something() {
    let table = [
        (Some("Título"), Some("Descrição"), "Título"),
        (Some(" \u{0}"), Some(" Descrição  longa "), "Descrição longa"),
        (None, Some("Descrição"), "Descrição"),
    ];
    for (title, description, expected) in table {
        let input = changed(|input| {
            input.product.title = title.map(str::to_owned);
            input.product.description = description.map(str::to_owned);
        });
        assert_eq!(product(&plain(), &input).name, expected);
    }
    let long = changed(|input| input.product.title = Some("palavra ".repeat(40)));
    let found = wanted(&plain(), &long);
    assert_eq!(products(&found)[0].name, "palavra ".repeat(18).trim_end());
    assert!(reasons(&found).contains(&Reason::TextCut));
}

#[test]
fn what_would_have_to_be_made_up_is_refused() {
    type Change = fn(&mut ProductInput);
    let table: [(Change, Reason); 11] = [
        (
            |input| (input.product.title, input.product.description) = (None, Some(" ".to_owned())),
            Reason::NoName,
        ),
        (|input| input.product.brand = None, Reason::NoBrand),
        (|input| input.product.brand = Some(RowId::Int(9)), Reason::NoBrand),
        (|input| input.product.classifier = None, Reason::NoCategory),
        (|input| input.product.classifier = Some(RowId::Int(9)), Reason::BadCategoryTree),
        (|input| input.product.code = " ".into(), Reason::BadReference),
        (|input| input.product.code = "x".repeat(101).into(), Reason::BadReference),
        (|input| input.product.code = "a\u{7}b".into(), Reason::BadReference),
        (|input| input.product.kind = 2, Reason::Kit),
        (
            |input| (input.product.fractional, input.product.unit) = (true, Some("LT".to_owned())),
            Reason::UnknownUnit,
        ),
        (|input| (input.product.fractional, input.product.unit) = (true, None), Reason::UnknownUnit),
    ];
    for (at, (change, reason)) in table.into_iter().enumerate() {
        let refusal = map(&plain(), &lookups(), &changed(change)).expect_err("refused");
        assert_eq!(refusal.reason(), reason, "{at}: {refusal}");
    }
}

#[test]
fn one_sku_that_is_refused_leaves_the_others() {
    type Change = fn(&mut ProductInput);
    let table: [(Change, Reason); 7] = [
        (|input| input.skus[0].colour = Some(RowId::Int(9)), Reason::UnknownVariation),
        (|input| input.skus[0].size = Some(RowId::Int(9)), Reason::UnknownVariation),
        (|input| input.skus[0].reference = "x".repeat(51).into(), Reason::BadReference),
        (|input| input.skus[0].reference = "".into(), Reason::BadReference),
        (
            |input| {
                let size = std::mem::take(&mut input.product.size);
                for sku in &mut input.skus[1..] {
                    sku.package = size;
                }
            },
            Reason::NoDimensions,
        ),
        (
            |input| {
                (input.product.fractional, input.product.unit) = (true, Some("KG".to_owned()));
                input.skus[0].factor = Decimal4::ZERO;
            },
            Reason::BadFactor,
        ),
        (|input| input.product.kind = 2, Reason::BadKit),
    ];
    for (at, (change, reason)) in table.into_iter().enumerate() {
        let config = CatalogConfig { kits: true, ..plain() };
        let mut input = changed(change);
        for kit in [2, 3] {
            input.parts.push(PartRow {
                kit: RowId::Int(kit),
                part: Some("PART".into()),
                quantity: Decimal4(2_0000),
                unit_price: None,
            });
        }
        let found = wanted(&config, &input);
        assert_eq!(
            found.refused.iter().map(|(_, refusal)| refusal.reason()).collect::<Vec<_>>(),
            [reason],
            "{at}"
        );
        assert_eq!(found.wants.iter().filter(|(key, _)| key.entity == Entity::Sku).count(), 2, "{at}");
    }
}

#[test]
fn configured_stand_ins_are_told() {
    let config = CatalogConfig {
        default_brand: Some(DefaultBrand { code: "0".to_owned(), name: "Própria".to_owned() }),
        default_package: Some(DefaultPackage { height: 1, width: 2, length: 3, grams: 40 }),
        ..plain()
    };
    let input = changed(|input| {
        input.product.brand = None;
        input.product.size.weight = None;
        input.skus.truncate(1);
    });
    let found = wanted(&config, &input);
    assert_eq!(found.wants[0].0.id, "0");
    assert_eq!(reasons(&found), [Reason::DefaultBrand, Reason::DefaultPackage]);
    let package = sku(&config, &input, "S1").package;
    assert_eq!((package.height.0, package.grams), (3_5000, 40));
}

#[test]
fn the_two_flags_mean_two_things() {
    // integrates, shown, product in use, SKU for sale -> product shown, SKU active
    let table = [
        (true, true, true, (true, true)),
        (false, true, true, (false, true)),
        (true, false, true, (false, false)),
        (true, true, false, (true, false)),
    ];
    for (shown, active, for_sale, expected) in table {
        let input = changed(|input| {
            (input.product.shown, input.product.active) = (shown, active);
            input.skus[0].in_ecommerce = for_sale;
        });
        assert_eq!((product(&plain(), &input).shown, sku(&plain(), &input, "S1").active), expected);
    }
    let off = changed(|input| {
        input.product.in_ecommerce = false;
        // Even one that could not be sent any more has to be hidden.
        input.product.brand = None;
    });
    let Ok(Mapped::Withdrawn(keys)) = map(&plain(), &lookups(), &off) else { panic!("not withdrawn") };
    assert_eq!(
        keys.iter().map(Key::to_string).collect::<Vec<_>>(),
        ["product 1234", "sku S1", "sku S2", "sku S3"]
    );
    let held = Value::Product(Box::new(product(&plain(), &input())));
    let Some(Value::Product(hidden)) = withdrawn(&held) else { panic!("not hidden") };
    assert_eq!(*hidden, Product { shown: false, ..product(&plain(), &input()) });
    assert_eq!(withdrawn(&Value::Product(hidden)), None);
    let held = Value::Sku(Box::new(sku(&plain(), &input(), "S1")));
    assert!(matches!(withdrawn(&held), Some(Value::Sku(sku)) if !sku.active));
}

#[test]
fn a_product_by_colour_has_its_sizes() {
    let config = CatalogConfig { grouping: Grouping::Colour, ..plain() };
    let input = changed(|input| {
        input.skus[0].code = "1".into();
        input.skus.push(SkuRow { colour: None, ..sku_row(4, 1, 1) });
    });
    let found = wanted(&config, &input);
    let keys: Vec<_> = found.wants.iter().map(|(key, _)| key.to_string()).skip(4).collect();
    assert_eq!(
        keys,
        ["product 1234", "product 1234-AZ", "product 1234-VM", "sku S1", "sku S2", "sku S3", "sku S4"]
    );
    let products = products(&found);
    assert_eq!(products[1].name, "Camiseta Básica Azul");
    assert_eq!(products[1].link, "camiseta-basica-azul-1234-az");
    assert!(products[0].link.starts_with("camiseta-basica-1234-"));
    assert_eq!(sku(&config, &input, "S3").product, "1234-VM");
    assert_eq!(super::keys(&config, &lookups(), &input).len(), 7);
}

#[test]
fn vtex_takes_fifty_skus_of_a_product() {
    let input = changed(|input| {
        input.skus = (1..=60).map(|id| SkuRow { in_ecommerce: id > 20, ..sku_row(id, 1, 1) }).collect();
    });
    let found = wanted(&plain(), &input);
    assert_eq!(found.refused.len(), 10);
    assert!(found.refused.iter().all(|(key, refusal)| {
        *refusal == Refusal::TooManySkus && key.id[1..].parse::<i64>().is_ok_and(|id| id <= 20)
    }));
}

#[test]
fn barcodes_are_gtins_and_name_one_sku() {
    let input = changed(|input| {
        let row = |sku, code: &str| code_row(sku, code, false);
        input.codes = vec![
            row(1, "7891000315507"),
            row(1, " 7891000315507 "),
            row(1, "07891000315507"),
            row(1, "7891000315508"),
            row(1, "ABC"),
            CodeRow { kind: 2, ..row(1, "96385074") },
            CodeRow { active: false, ..row(1, "96385074") },
            row(2, "7891000315507"),
            CodeRow { main: true, ..row(2, "96385074") },
            row(2, "036000291452"),
        ];
    });
    assert_eq!(sku(&plain(), &input, "S1").eans.len(), 1);
    assert_eq!(sku(&plain(), &input, "S2").eans, ["96385074", "036000291452"]);
    let found = reasons(&wanted(&plain(), &input));
    assert_eq!(found.iter().filter(|reason| **reason == Reason::BadBarcode).count(), 2);
    assert!(found.contains(&Reason::DuplicateBarcode));
}

#[test]
fn long_texts_become_html() {
    let table = [
        (Some("Linha 1\r\nA & B"), Some("Linha 1<br>A &amp; B")),
        (Some("<p>pronto</p>"), Some("<p>pronto</p>")),
        (Some("{\\rtf1\\par}"), None),
        (Some(" \n"), None),
        (None, None),
    ];
    for (raw, expected) in table {
        let input = changed(|input| input.product.long_description = raw.map(str::to_owned));
        assert_eq!(product(&plain(), &input).description.as_deref(), expected, "{raw:?}");
    }
}

#[test]
fn numbers_and_dates_are_those_of_vtex() {
    let table = [
        (Score::Inverted, Some(0), Some(10_000)),
        (Score::Inverted, Some(i64::MIN), Some(i32::MAX)),
        (Score::Inverted, Some(i64::MAX), Some(i32::MIN)),
        (Score::Inverted, None, None),
        (Score::Same, Some(7), Some(7)),
        (Score::Off, Some(7), None),
    ];
    for (rule, order, expected) in table {
        let config = CatalogConfig { score: rule, ..plain() };
        assert_eq!(product(&config, &changed(|input| input.product.order = order)).score, expected);
    }
    for moment in [i64::MAX, i64::MIN, 253_370_764_800_000_000] {
        let found = wanted(&plain(), &changed(|input| input.product.release = Some(Timestamp(moment))));
        assert_eq!(
            (products(&found)[0].release_date.as_ref(), reasons(&found)),
            (None, vec![Reason::BadDate])
        );
    }
    for (ncm, expected, told) in [
        ("61091000", Some("61091000"), false),
        ("1091000", None, true),
        (" ", None, false),
        ("6109x000", None, true),
    ] {
        let found = wanted(&plain(), &changed(|input| input.product.ncm = Some(ncm.to_owned())));
        assert_eq!(products(&found)[0].tax_code.as_deref(), expected);
        assert_eq!(reasons(&found) == [Reason::BadTaxCode], told);
    }
    let by_weight = changed(|input| {
        (input.product.fractional, input.product.unit) = (true, Some("KG".to_owned()));
        input.skus[0].factor = Decimal4(5000);
    });
    let sku = sku(&plain(), &by_weight, "S1");
    assert_eq!((sku.unit.as_str(), sku.multiplier), ("kg", Decimal4(5000)));
}

#[test]
fn names_and_labels_are_the_sites() {
    let config = CatalogConfig {
        sku_name: "{referencia} {tamanho} {complemento}".to_owned(),
        colour_label: String::new(),
        size_label: "Numeração".to_owned(),
        specification_group: "Ficha".to_owned(),
        trade_policies: vec![2, 1, 2],
        images: ImageRules {
            from: ImageSource::Template,
            url: "https://img.example/{produto}/{cor}/{ean}_{ordem}.png".to_owned(),
            count: 2,
            ..ImageRules::default()
        },
        ..plain()
    };
    let found = sku(&config, &input(), "S1");
    assert_eq!(found.name, "REF-9 P");
    assert_eq!((found.specifications.len(), found.specifications[0].name.as_str()), (1, "Numeração"));
    assert_eq!(found.specifications[0].group, "Ficha");
    assert_eq!(found.images[1].url, "https://img.example/1234/AZ/7891000315507_2.png");
    // No barcode, no address.
    assert!(sku(&config, &input(), "S2").images.is_empty());
    assert_eq!(product(&config, &input()).trade_policies, [1, 2]);
    let empty = CatalogConfig { sku_name: "{complemento}".to_owned(), ..plain() };
    assert_eq!(sku(&empty, &input(), "S1").name, "Camiseta Básica");
}

#[test]
fn a_kit_is_made_of_its_parts() {
    let config = CatalogConfig { kits: true, ..plain() };
    let kit = |parts: &[(Option<&str>, i64, Option<i64>)]| {
        changed(|input| {
            input.product.kind = 2;
            input.skus.truncate(1);
            let part = |(part, quantity, price): &(Option<&str>, i64, Option<i64>)| PartRow {
                kit: RowId::Int(1),
                part: part.map(CompactString::from),
                quantity: Decimal4(*quantity),
                unit_price: price.map(Decimal4),
            };
            input.parts = parts.iter().map(part).collect();
        })
    };
    let (a, b, itself) = (Some("A"), Some("B"), Some("S1"));
    let component = |sku: &str, quantity, price: Option<i64>| Component {
        sku: sku.into(),
        quantity,
        unit_price: price.map(Money),
    };
    let found = sku(&config, &kit(&[(b, 1_0000, None), (a, 2_0000, Some(9_9050)), (b, 2_0000, None)]), "S1");
    assert_eq!(found.components, [component("A", 2, Some(991)), component("B", 3, None)]);
    let table = [
        (&[][..], "without parts"),
        (&[(itself, 1_0000, None)], "part of itself"),
        (&[(a, 5000, None)], "no whole number"),
        (&[(a, 0, None)], "no whole number"),
        (&[(a, -1_0000, None)], "no whole number"),
        (&[(a, 1_0000, None), (None, 1_0000, None)], "no SKU for"),
        (&[(a, 1_0000, Some(-1_0000))], "below zero"),
        (&[(a, 1_0000, Some(1_0000)), (a, 1_0000, None)], "two prices"),
    ];
    for (parts, why) in table {
        let refused = &wanted(&config, &kit(parts)).refused[0].1;
        assert_eq!(refused.reason(), Reason::BadKit, "{parts:?}");
        assert!(refused.to_string().contains(why), "{parts:?}: {refused}");
    }
}

#[test]
fn two_brands_with_one_code_are_refused() {
    let mut lookups = lookups();
    lookups.brands.put(&RowId::Int(2), Some(BrandRow { code: "M1".into(), name: "Outra".to_owned() }));
    let refusal = map(&plain(), &lookups, &input()).expect_err("refused");
    assert_eq!(refusal.reason(), Reason::SharedCode);
}

#[test]
fn two_skus_with_one_reference_are_one() {
    let input = changed(|input| input.skus[1].reference = "S1".into());
    let found = wanted(&plain(), &input);
    assert_eq!(found.wants.iter().filter(|(key, _)| key.entity == Entity::Sku).count(), 2);
    assert!(reasons(&found).contains(&Reason::DuplicateReference) && found.refused.is_empty());
}
