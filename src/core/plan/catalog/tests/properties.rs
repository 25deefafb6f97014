//! Whatever happens on the way, VTEX ends up with one thing, as wanted.

use proptest::prelude::*;

use super::*;
use crate::core::money::Money;

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[ab]{1,2}")
}

fn any_specifications() -> impl Strategy<Value = Vec<Specification>> {
    prop::collection::btree_map("[XYZ]", "[ab]", 0..3)
        .prop_map(|all| all.iter().map(|(name, value)| specification(name, value)).collect())
}

fn any_product() -> impl Strategy<Value = Product> {
    let policies = prop::collection::btree_set(1..5_u32, 0..3);
    (any_text(), any_text(), any::<bool>(), prop::option::of(0..3), any_specifications(), policies).prop_map(
        |(name, description, shown, score, specifications, policies)| Product {
            name: name.unwrap_or_else(|| "Vestido".into()),
            description,
            shown,
            score,
            specifications,
            trade_policies: policies.into_iter().collect(),
            ..a_product()
        },
    )
}

fn any_sku() -> impl Strategy<Value = Sku> {
    let eans = prop::collection::btree_set("[123]", 0..3);
    let images = prop::collection::btree_map("mare-[abc]", "[xy]", 0..4);
    let components = prop::collection::btree_map("[AB]", 1..3_u32, 0..3);
    (any::<bool>(), 1..4_u32, eans, any_specifications(), images, any::<bool>(), components).prop_map(
        |(active, grams, eans, specifications, images, backwards, components)| {
            let mut images: Vec<_> = images.iter().map(|(name, url)| image(name, url)).collect();
            if backwards {
                images.reverse();
            }
            Sku {
                active,
                package: Package { grams, ..a_sku().package },
                eans: eans.into_iter().map(CompactString::from).collect(),
                specifications,
                images,
                components: components.iter().map(|(sku, quantity)| component(sku, *quantity)).collect(),
                ..a_sku()
            }
        },
    )
}

fn any_faults() -> impl Strategy<Value = Vec<Option<Fault>>> {
    let fault = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Applied)),
        1 => Just(Some(Fault::NotApplied)),
    ];
    prop::collection::vec(fault, 0..40)
}

/// In the order of their names.
fn with_the_merchants(wanted: &[Specification]) -> Vec<Specification> {
    let mut all = [wanted, &[specification("do-lojista", "a")]].concat();
    all.sort();
    all
}

proptest! {
    #[test]
    fn one_product_as_wanted_after_any_failures(
        values in prop::collection::vec(any_product(), 1..4),
        faults in any_faults(),
        restart in any::<bool>(),
    ) {
        let mut vtex = Vtex { faults: faults.into(), ..Vtex::default() };
        let mut site = Site::product();
        for (index, wanted) in values.iter().enumerate() {
            // A value may be replaced before its job came to an end.
            let last = index + 1 == values.len();
            if last || !restart {
                site.deliver(&mut vtex, &product(wanted));
            } else {
                let _ = site.try_deliver(&mut vtex, &product(wanted));
            }
            if let Some(held) = vtex.products.values_mut().next() {
                held.body.insert("ShowWithoutStock".into(), json!("do lojista"));
                let merchants = specification("do-lojista", "a");
                held.specifications.insert(merchants.name.clone(), merchants);
            }
        }
        vtex.faults.clear();
        let wanted = values.last().unwrap();
        let held = vtex.only_product();
        prop_assert_eq!(&held.body["Name"], &json!(wanted.name));
        prop_assert_eq!(&held.body["IsActive"], &json!(wanted.shown));
        prop_assert_eq!(&held.body["LinkId"], &json!(wanted.link));
        prop_assert_eq!(&held.body["ShowWithoutStock"], &text("do lojista"));
        if let Some(description) = &wanted.description {
            prop_assert_eq!(&held.body["Description"], &json!(description));
        }
        let found: Vec<_> = held.specifications.values().cloned().collect();
        let expected = with_the_merchants(&wanted.specifications);
        prop_assert!(expected.iter().all(|one| found.contains(one)), "{found:?}");
        // What a job had written that never came to its end is nobody's.
        prop_assert!(restart || found.len() == expected.len(), "{found:?}");
        if !wanted.trade_policies.is_empty() {
            let policies: Vec<u32> = held.policies.iter().copied().collect();
            prop_assert_eq!(&policies, &wanted.trade_policies);
            prop_assert_eq!(&held.indexed, &held.policies);
        }
        prop_assert_eq!(site.deliver(&mut vtex, &product(wanted)), Vec::<String>::new());
    }

    #[test]
    fn one_sku_as_wanted_after_any_failures(
        values in prop::collection::vec(any_sku(), 1..4),
        faults in any_faults(),
        is_terse in any::<bool>(),
        hides_urls in any::<bool>(),
        is_blind in any::<bool>(),
    ) {
        let mut vtex = Vtex { faults: faults.into(), is_terse, hides_urls, is_blind, ..Vtex::default() };
        vtex.add_sku(1, "A");
        vtex.add_sku(2, "B");
        let mut site = Site::sku();
        site.rules.kit_component_price = Some(Money(1));
        let merchant = RemoteImage {
            file: 9_999,
            name: "do-lojista".into(),
            label: None,
            url: None,
            main: false,
            position: 9,
        };
        let mut written = false;
        for wanted in &values {
            site.deliver(&mut vtex, &sku(wanted));
            let held = vtex.skus.get_mut(&site.own.unwrap()).unwrap();
            held.body.insert("ManufacturerCode".into(), json!("do lojista"));
            if !written {
                held.eans.insert("do-lojista".into());
                held.specifications.insert("do-lojista".into(), specification("do-lojista", "a"));
                held.images.push(merchant.clone());
                written = true;
            }
        }
        prop_assert_eq!(vtex.skus.len(), 3, "exactly one besides the components");
        let wanted = values.last().unwrap();
        let held = &vtex.skus[&site.own.unwrap()];
        prop_assert_eq!(&held.body["PackagedWeightKg"], &json!(wanted.package.grams));
        prop_assert_eq!(&held.body["ActivateIfPossible"], &json!(wanted.active));
        if !wanted.active {
            prop_assert_eq!(&held.body["IsActive"], &json!(false));
        }
        prop_assert_eq!(&held.body["ManufacturerCode"], &text("do lojista"));
        let mut eans: Vec<_> = wanted.eans.clone();
        eans.push("do-lojista".into());
        prop_assert_eq!(held.eans.iter().cloned().collect::<Vec<_>>(), eans);
        let found: Vec<_> = held.specifications.values().cloned().collect();
        prop_assert_eq!(found, with_the_merchants(&wanted.specifications));
        let mut images: Vec<_> = held.images.iter().filter(|image| image.file != 9_999).collect();
        prop_assert_eq!(images.len() + 1, held.images.len(), "the merchant's image stays");
        images.sort_by_key(|image| image.position);
        let images: Vec<_> =
            images.iter().map(|image| (image.name.as_str(), image.url.as_deref(), image.main)).collect();
        let expected = wanted.images.iter().enumerate();
        let expected: Vec<_> = expected
            .map(|(at, image)| (image.name.as_str(), Some(image.url.as_str()), at == 0))
            .collect();
        prop_assert_eq!(images, expected);
        let mut parts: Vec<_> = held.components.iter().map(|(sku, quantity, _)| (*sku, *quantity)).collect();
        parts.sort_unstable();
        let number = |sku: &str| if sku == "A" { 1 } else { 2 };
        let expected: Vec<_> =
            wanted.components.iter().map(|part| (number(&part.sku), part.quantity)).collect();
        prop_assert_eq!(parts, expected);
        vtex.faults.clear();
        prop_assert_eq!(site.deliver(&mut vtex, &sku(wanted)), Vec::<String>::new());
    }
}
