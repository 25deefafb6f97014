use super::model::fields;
use super::*;
use crate::core::call::catalog::Specified;
use crate::core::money::Money;

fn delivered(wanted: &Sku) -> (Vtex, Site) {
    let (mut vtex, mut site) = (Vtex::default(), Site::sku());
    site.deliver(&mut vtex, &sku(wanted));
    let held = vtex.skus.get_mut(&101).unwrap();
    held.body.insert("ManufacturerCode".into(), json!("do lojista"));
    held.body.insert("Ean".into(), json!("7891000000017"));
    held.eans.insert("do-lojista".into());
    (vtex, site)
}

fn changed(change: impl FnOnce(&mut Sku)) -> Sku {
    let mut wanted = a_sku();
    change(&mut wanted);
    wanted
}

#[test]
fn a_new_sku_costs_a_post_and_one_request_for_each_code_specification_and_image() {
    let (mut vtex, mut site) = (Vtex::default(), Site::sku());
    let calls = site.deliver(&mut vtex, &sku(&a_sku()));
    assert_eq!(
        calls,
        [
            "POST /sku",
            "POST /sku/101/ean/7891000000017",
            "PUT /sku/101/specificationvalue",
            "PUT /sku/101/specificationvalue",
            "POST /sku/101/file",
            "POST /sku/101/file"
        ]
    );
    let held = vtex.only_sku();
    for (name, value) in [
        ("RefId", json!(SKU)),
        ("ProductId", json!(10)),
        ("ActivateIfPossible", json!(true)),
        ("IsActive", json!(true)), // by VTEX, with the first image
        ("PackagedWeightKg", json!(350)),
        ("PackagedHeight", json!(5)),
        ("PackagedWidth", json!(20.5)),
        ("MeasurementUnit", json!("un")),
        ("UnitMultiplier", json!(1)),
    ] {
        assert_eq!(held.body[name], value, "{name}");
    }
    let main: Vec<_> = held.images.iter().map(|image| (image.main, image.position)).collect();
    assert_eq!(main, [(true, 0), (false, 1)]);
    assert_eq!(site.deliver(&mut vtex, &sku(&a_sku())), [""; 0], "VTEX has it");
}

#[test]
fn each_change_touches_what_differs_and_nothing_of_the_merchants() {
    let put = ["GET /sku/101", "PUT /sku/101"].as_slice();
    let ean = ["DELETE /sku/101/ean/7891000000017", "POST /sku/101/ean/7891000000024"].as_slice();
    let cases: [(&str, Sku, &[&str]); 8] = [
        ("name", changed(|sku| sku.name = "Outro".into()), put),
        ("package", changed(|sku| sku.package.grams = 351), put),
        ("unit", changed(|sku| sku.multiplier = Decimal4(5_000)), put),
        ("inactive", changed(|sku| sku.active = false), put),
        ("ean", changed(|sku| sku.eans = vec!["7891000000024".into()]), ean),
        (
            "specification",
            changed(|sku| sku.specifications[1] = specification("Tamanho", "G")),
            &["PUT /sku/101/specificationvalue"],
        ),
        (
            "image",
            changed(|sku| sku.images[1] = image("mare-costas", "9")),
            &["GET /sku/101/file", "PUT /sku/101/file/6"],
        ),
        (
            "one image less",
            changed(|sku| drop(sku.images.pop())),
            &["GET /sku/101/file", "DELETE /sku/101/file/6"],
        ),
    ];
    for (case, wanted, expected) in cases {
        let (mut vtex, mut site) = delivered(&a_sku());
        assert_eq!(site.deliver(&mut vtex, &sku(&wanted)), expected, "{case}");
        let held = vtex.only_sku();
        assert_eq!(held.body["ManufacturerCode"], text("do lojista"), "{case}");
        assert_eq!(held.body["IsActive"], wanted.active, "{case}");
        assert!(held.eans.contains("do-lojista"), "{case}");
        assert_eq!(held.images.len(), wanted.images.len(), "{case}");
    }
}

#[test]
fn a_sku_is_switched_off_and_on_again_but_not_over_the_merchants_head() {
    let (mut vtex, mut site) = delivered(&a_sku());
    let off = Sku { active: false, ..a_sku() };
    site.deliver(&mut vtex, &sku(&off));
    let state = |vtex: &Vtex| {
        let body = &vtex.only_sku().body;
        (body["IsActive"].clone(), body["ActivateIfPossible"].clone())
    };
    assert_eq!(state(&vtex), (json!(false), json!(false)));
    site.deliver(&mut vtex, &sku(&a_sku()));
    assert_eq!(state(&vtex), (json!(false), json!(true)), "VTEX does the rest");

    let (mut vtex, mut site) = delivered(&a_sku());
    vtex.skus.get_mut(&101).unwrap().body.insert("IsActive".into(), json!(false));
    site.deliver(&mut vtex, &sku(&changed(|sku| sku.name = "Outro".into())));
    assert_eq!(state(&vtex), (json!(false), json!(true)), "the merchant has switched it off");
}

#[test]
fn the_main_image_is_the_first_one_wherever_it_was() {
    for hides_urls in [false, true] {
        let (mut vtex, mut site) = delivered(&a_sku());
        vtex.hides_urls = hides_urls;
        let wanted = changed(|sku| {
            sku.images.reverse();
            sku.images.push(image("mare-lado", "3"));
        });
        let calls = site.deliver(&mut vtex, &sku(&wanted));
        assert_eq!(
            calls,
            ["GET /sku/101/file", "PUT /sku/101/file/6", "PUT /sku/101/file/5", "POST /sku/101/file"]
        );
        let mut images: Vec<_> = vtex.only_sku().images.iter().collect();
        images.sort_by_key(|image| image.position);
        let shown: Vec<_> = images.iter().map(|image| (image.name.as_str(), image.main)).collect();
        assert_eq!(shown, [("mare-costas", true), ("mare-frente", false), ("mare-lado", false)]);
    }
}

#[test]
fn the_main_image_is_ours_although_the_merchant_has_chosen_another() {
    let (mut vtex, mut site) = delivered(&a_sku());
    let images = &mut vtex.skus.get_mut(&101).unwrap().images;
    let foreign = RemoteImage { file: 98, name: "do-lojista".into(), ..images[0].clone() };
    images[0].main = false;
    images.push(foreign);
    site.unsure = true;
    vtex.hides_urls = false;
    let calls = site.deliver(&mut vtex, &sku(&a_sku()));
    assert!(calls.contains(&"PUT /sku/101/file/5".to_owned()), "{calls:?}");
    let main: Vec<_> = vtex.only_sku().images.iter().map(|image| image.main).collect();
    assert_eq!(main, [true, false, false]);
}

#[test]
fn a_label_of_the_merchants_stays_with_its_image() {
    let (mut vtex, mut site) = delivered(&a_sku());
    vtex.skus.get_mut(&101).unwrap().images[1].label = Some("Costas".into());
    site.deliver(&mut vtex, &sku(&changed(|sku| sku.images[1] = image("mare-costas", "9"))));
    assert_eq!(vtex.only_sku().images[1].label.as_deref(), Some("Costas"));
}

#[test]
fn an_image_that_vtex_added_before_it_failed_is_not_added_again() {
    for fault in [Fault::Applied, Fault::NotApplied] {
        let (mut vtex, mut site) = (Vtex::default(), Site::sku());
        vtex.faults = [None, None, None, None, Some(fault)].into();
        site.deliver(&mut vtex, &sku(&a_sku()));
        assert_eq!(vtex.only_sku().images.len(), 2, "{fault:?}");
    }
}

#[test]
fn an_image_that_is_there_twice_goes() {
    let (mut vtex, mut site) = delivered(&a_sku());
    let images = &mut vtex.skus.get_mut(&101).unwrap().images;
    let twin = RemoteImage { file: 99, main: false, ..images[0].clone() };
    let foreign = RemoteImage { file: 98, name: "do-lojista".into(), position: 5, ..twin.clone() };
    images.extend([twin, foreign]);
    site.unsure = true;
    site.deliver(&mut vtex, &sku(&a_sku()));
    let names: Vec<_> = vtex.only_sku().images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["mare-frente", "mare-costas", "do-lojista"]);
}

#[test]
fn a_sku_that_vtex_has_already_is_taken_over_whatever_the_refusal_says() {
    for is_terse in [false, true] {
        let (mut vtex, _) = delivered(&a_sku());
        vtex.is_terse = is_terse;
        let mut site = Site::sku();
        let calls = site.deliver(&mut vtex, &sku(&changed(|sku| sku.name = "Outro".into())));
        let found = if is_terse { "GET /sku?RefId=1001-AZ-M" } else { "GET /sku/101" };
        assert_eq!(calls[..3], ["POST /sku", found, "PUT /sku/101"]);
        let body = &vtex.only_sku().body;
        assert_eq!((&body["Name"], &body["ManufacturerCode"]), (&text("Outro"), &text("do lojista")));
        assert_eq!(site.own, Some(101));
    }
}

#[test]
fn vtex_that_has_a_sku_and_does_not_find_it_is_not_asked_in_circles() {
    let (mut vtex, _) = delivered(&a_sku());
    (vtex.is_terse, vtex.is_blind) = (true, true);
    let calls = Site::sku().deliver(&mut vtex, &sku(&a_sku()));
    let expected =
        ["POST /sku", "GET /sku?RefId=1001-AZ-M", "GET /pvt/sku/skuidbyrefid/1001-AZ-M", "GET /sku/101"];
    assert_eq!(calls[..4], expected);
    assert_eq!(vtex.skus.len(), 1);
}

#[test]
fn a_lost_create_is_looked_for_before_it_is_repeated() {
    for (fault, expected) in [(Fault::Applied, "GET /sku/101/ean"), (Fault::NotApplied, "POST /sku")] {
        let (mut vtex, mut site) = (Vtex::default(), Site::sku());
        vtex.faults = [Some(fault)].into();
        let calls = site.deliver(&mut vtex, &sku(&a_sku()));
        assert_eq!(calls[..2], ["GET /sku?RefId=1001-AZ-M", expected], "{fault:?}");
        assert_eq!(vtex.skus.len(), 1);
    }
}

#[test]
fn a_kit_is_made_of_skus_that_exist() {
    let mut vtex = Vtex::default();
    vtex.add_sku(1, "A");
    vtex.add_sku(2, "B");
    let mut site = Site::sku();
    site.rules.kit_component_price = Some(Money(1_000));
    let wanted = changed(|sku| sku.components = vec![component("A", 1), component("B", 2)]);
    let calls = site.deliver(&mut vtex, &sku(&wanted));
    assert_eq!(calls[0], "POST /sku", "the dispatcher knows its parts before it begins");
    let id = site.own.unwrap();
    assert!(vtex.skus[&id].body["IsKit"] == true && id > 100, "it did not take a component for itself");
    let parts = |vtex: &Vtex| {
        vtex.skus[&id].components.iter().map(|(sku, quantity, _)| (*sku, *quantity)).collect::<Vec<_>>()
    };
    assert_eq!(parts(&vtex), [(1, 1), (2, 2)]);

    let wanted = changed(|sku| sku.components = vec![component("A", 3)]);
    site.deliver(&mut vtex, &sku(&wanted));
    assert_eq!(parts(&vtex), [(1, 3)]);
}

#[test]
fn a_part_of_a_kit_that_has_another_price_is_added_anew() {
    let mut vtex = Vtex::default();
    vtex.add_sku(1, "A");
    vtex.add_sku(2, "B");
    let mut site = Site::sku();
    site.rules.kit_component_price = Some(Money(1_000));
    let kit = |price: Option<i64>| {
        let part = Component { unit_price: price.map(Money), ..component("A", 1) };
        sku(&changed(|sku| sku.components = vec![part, component("B", 1)]))
    };
    let prices = |vtex: &Vtex, site: &Site| vtex.skus[&site.own.unwrap()].component_prices.clone();
    site.deliver(&mut vtex, &kit(Some(250)));
    assert_eq!(prices(&vtex, &site), [Some(Money(250)), Some(Money(1_000))]);
    for fault in [None, Some(Fault::Applied), Some(Fault::NotApplied)] {
        let price = 300 + vtex.last as i64;
        // Read, remove, add: whichever of the last two is lost.
        vtex.faults = [None, fault, None, fault].into();
        site.deliver(&mut vtex, &kit(Some(price)));
        vtex.faults.clear();
        assert_eq!(prices(&vtex, &site).last(), Some(&Some(Money(price))), "{fault:?}");
        let parts = &vtex.skus[&site.own.unwrap()].components;
        assert_eq!(parts.iter().map(|part| part.0).collect::<Vec<_>>(), [2, 1], "{fault:?}");
        assert_eq!(site.deliver(&mut vtex, &kit(Some(price))), [""; 0]);
    }
}

#[test]
fn a_part_that_is_not_ours_is_set_once() {
    let (mut vtex, mut site) = (Vtex::default(), Site::sku());
    site.rules.sku = [SkuField::Active, SkuField::Package].into();
    site.deliver(&mut vtex, &sku(&a_sku()));
    assert_eq!((vtex.only_sku().eans.len(), vtex.only_sku().images.len()), (1, 2));
    let wanted = Sku {
        name: "Outro".into(),
        eans: Vec::new(),
        images: Vec::new(),
        specifications: Vec::new(),
        ..a_sku()
    };
    assert_eq!(site.deliver(&mut vtex, &sku(&wanted)), [""; 0]);
    site.unsure = true;
    assert_eq!(site.deliver(&mut vtex, &sku(&wanted)), ["GET /sku/101"]);
}

#[test]
fn a_sku_whose_making_was_interrupted_is_completed_but_not_one_of_the_merchants() {
    let rules = || CatalogRules { sku: [SkuField::Active].into(), ..CatalogRules::default() };
    let (mut vtex, mut site) = (Vtex::default(), Site::sku());
    site.rules = rules();
    vtex.faults = [None, None, None, None, None, Some(Fault::NotApplied)].into();
    site.deliver(&mut vtex, &sku(&a_sku()));
    assert_eq!(vtex.only_sku().images.len(), 2);

    let (mut vtex, _) = delivered(&a_sku());
    let held = vtex.skus.get_mut(&101).unwrap();
    held.images.iter_mut().for_each(|image| image.name = "do-lojista".into());
    let mut site = Site::sku();
    site.rules = rules();
    let calls = site.deliver(&mut vtex, &sku(&a_sku()));
    assert_eq!(calls, ["POST /sku", "GET /sku/101", "GET /sku/101/ean", "GET /sku/101/file"]);
    assert_eq!(vtex.only_sku().images.len(), 2);
}

#[test]
fn the_rules_are_read_from_the_configuration() {
    let rules: CatalogRules =
        serde_json::from_value(json!({"product": ["name", "trade_policies"], "sku": []})).unwrap();
    assert_eq!(rules.product, [ProductField::Name, ProductField::TradePolicies].into());
    assert!(rules.sku.is_empty() && rules.brand.contains(&BrandField::Name));
    let unknown = serde_json::from_value::<CatalogRules>(json!({"product": ["colour"]}));
    assert!(unknown.is_err(), "{unknown:?}");
    assert_eq!(fields(serde_json::to_value(CatalogRules::default()).unwrap()).len(), 5);
}

#[test]
fn a_number_that_names_another_specification_too_takes_nothing_back() {
    let held = |assigned: Vec<RemoteSpecification>| CatalogHeld {
        assigned: Some(assigned),
        fields: vec![(7, "Cor".into())],
        ..CatalogHeld::default()
    };
    let one = |id, field, of_list| RemoteSpecification { id, field, of_list, text: "Azul".into() };
    let other = |id, field| RemoteSpecification { text: "M".into(), ..one(id, field, true) };
    let table = [
        (vec![one(1, 7, true), other(2, 8)], Some(7)),
        (vec![one(1, 7, false), other(2, 8)], Some(1)),
        // 7 is the number of another one, too: by its own number then.
        (vec![one(1, 7, true), other(7, 8)], Some(1)),
        (vec![one(1, 7, true), other(7, 1)], None),
    ];
    for (assigned, expected) in table {
        let held = held(assigned);
        let (confirmed, wanted) = ([specification("cor", "azul")], []);
        let owner = Specified::Sku(5);
        let all = specifications::Specifications {
            owner,
            wanted: &wanted,
            ours: Some(&confirmed),
            confirmed: &confirmed,
            held: &held,
        };
        let expected =
            expected.map(|specification| CatalogCall::RemoveSpecification { owner, specification });
        assert_eq!(all.next(), expected, "{:?}", held.assigned);
    }
}

#[test]
fn an_image_that_is_not_there_leaves_the_others_and_is_brought_later() {
    let (mut vtex, mut site) = (Vtex::default(), Site::sku());
    let [front, back] = [image("mare-frente", "1"), image("mare-costas", "2")];
    let wanted = sku(&a_sku());
    vtex.missing.insert(front.url.clone());
    site.deliver(&mut vtex, &wanted);
    assert_eq!(site.why, "https://img.loja/1.jpg: 404");
    let shown = |vtex: &Vtex, site: &Site| {
        let images = &vtex.skus[&site.own.unwrap()].images;
        images.iter().map(|image| (image.name.to_string(), image.position, image.main)).collect::<Vec<_>>()
    };
    // The next one is the main image meanwhile, or the SKU would not be for sale.
    assert_eq!(shown(&vtex, &site), [("mare-costas".to_owned(), 0, true)]);
    let again = site.deliver(&mut vtex, &wanted);
    assert_eq!(again, ["GET /sku/101/file", "POST /sku/101/file"], "nothing else is looked at");

    vtex.missing.clear();
    site.deliver(&mut vtex, &wanted);
    assert_eq!(site.why, "");
    let both = [("mare-costas".to_owned(), 1, false), ("mare-frente".to_owned(), 0, true)];
    assert_eq!(shown(&vtex, &site), both);
    assert_eq!(site.deliver(&mut vtex, &wanted), [""; 0]);

    // What is to be replaced stays until the other one has come.
    let new = image("mare-nova", "3");
    let replaced = sku(&changed(|sku| sku.images = vec![new.clone(), back.clone()]));
    vtex.missing.insert(new.url.clone());
    site.deliver(&mut vtex, &replaced);
    let names = |vtex: &Vtex, site: &Site| {
        let mut names: Vec<_> = shown(vtex, site).into_iter().map(|(name, ..)| name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&vtex, &site), ["mare-costas", "mare-frente"]);
    vtex.missing.clear();
    site.deliver(&mut vtex, &replaced);
    assert_eq!(names(&vtex, &site), ["mare-costas", "mare-nova"]);
    assert_eq!(site.deliver(&mut vtex, &replaced), [""; 0]);
}
