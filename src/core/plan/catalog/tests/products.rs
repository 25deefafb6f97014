use super::*;

/// Creates the product and lets the merchant write into it.
fn delivered(wanted: &Product) -> (Vtex, Site) {
    let (mut vtex, mut site) = (Vtex::default(), Site::product());
    site.deliver(&mut vtex, &product(wanted));
    let body = &mut vtex.products.get_mut(&101).unwrap().body;
    body.insert("ShowWithoutStock".into(), json!(false));
    body.insert("Title".into(), json!("Título do lojista"));
    (vtex, site)
}

#[test]
fn a_new_product_costs_a_look_up_a_post_and_one_request_for_each_specification() {
    let (mut vtex, mut site) = (Vtex::default(), Site::product());
    let calls = site.deliver(&mut vtex, &product(&a_product()));
    assert_eq!(
        calls,
        ["GET /pvt/products/productgetbyrefid/1001", "POST /product", "PUT /product/101/specificationvalue"]
    );
    let body = &vtex.only_product().body;
    for (name, value) in [
        ("RefId", json!("1001")),
        ("LinkId", json!("vestido-longo-1001")),
        ("BrandId", json!(3)),
        ("CategoryId", json!(4)),
        ("IsVisible", json!(true)),
        ("IsActive", json!(true)),
        ("Score", json!(7)),
        ("DescriptionShort", json!("Longo")),
        ("ReleaseDate", json!("2024-03-01")),
        ("TaxCode", json!("6204.43.00")),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert_eq!(site.deliver(&mut vtex, &product(&a_product())), [""; 0], "VTEX has it");
}

#[test]
fn trade_policies_cost_a_reading_each_change_and_a_save_that_indexes() {
    let wanted = Product { trade_policies: vec![2, 3], specifications: Vec::new(), ..a_product() };
    let (mut vtex, mut site) = (Vtex::default(), Site::product());
    let calls = site.deliver(&mut vtex, &product(&wanted));
    assert_eq!(
        calls[1..],
        [
            "POST /product",
            "GET /product/101/salespolicy",
            "POST /product/101/salespolicy/3",
            "DELETE /product/101/salespolicy/1",
            "GET /product/101",
            "PUT /product/101"
        ]
    );
    assert_eq!(vtex.only_product().indexed, [2, 3].into());
    // Together with another change there is still one save.
    let wanted = Product { trade_policies: vec![2], name: "Outro".into(), ..wanted };
    let calls = site.deliver(&mut vtex, &product(&wanted));
    assert_eq!(
        calls,
        [
            "GET /product/101/salespolicy",
            "DELETE /product/101/salespolicy/3",
            "GET /product/101",
            "PUT /product/101"
        ]
    );
    assert_eq!(vtex.only_product().indexed, [2].into());
}

#[test]
fn each_change_touches_what_differs_and_nothing_of_the_merchants() {
    let change = |change: fn(&mut Product)| {
        let mut wanted = a_product();
        change(&mut wanted);
        wanted
    };
    let put = ["GET /product/101", "PUT /product/101"].as_slice();
    let specify = ["PUT /product/101/specificationvalue"].as_slice();
    let cases: [(&str, Product, &[&str], serde_json::Value); 9] = [
        ("Name", change(|product| product.name = "Outro".into()), put, json!("Outro")),
        ("Description", change(|product| product.description = Some("x".into())), put, json!("x")),
        ("Description", change(|product| product.description = None), put, json!("<p>Longo</p>")),
        ("IsActive", change(|product| product.shown = false), put, json!(false)),
        ("Score", change(|product| product.score = Some(9)), put, json!(9)),
        ("TaxCode", change(|product| product.tax_code = Some("1".into())), put, json!("1")),
        ("KeyWords", change(|product| product.keywords = Some("seda".into())), put, json!("seda")),
        (
            "Name",
            change(|product| product.specifications.push(specification("Gola", "V"))),
            specify,
            json!("Vestido Longo"),
        ),
        // The address of a page is never changed.
        ("LinkId", change(|product| product.link = "outro".into()), &[], json!("vestido-longo-1001")),
    ];
    for (field, wanted, expected, value) in cases {
        let (mut vtex, mut site) = delivered(&a_product());
        let calls = site.deliver(&mut vtex, &product(&wanted));
        // A text that Live does not have any more is VTEX's own affair: it is read, and not written.
        let expected = if wanted.description.is_none() { &expected[..1] } else { expected };
        assert_eq!(calls, expected, "{field}");
        let body = &vtex.only_product().body;
        assert_eq!(body[field], value, "{field}");
        assert_eq!(body["ShowWithoutStock"], false, "{field}");
        assert_eq!(body["Title"], text("Título do lojista"), "{field}");
        assert_eq!(body["LinkId"], text("vestido-longo-1001"), "{field}");
    }
}

#[test]
fn a_brand_and_a_category_are_changed_by_their_numbers() {
    let (mut vtex, mut site) = delivered(&a_product());
    let wanted = Product { brand: "N".into(), category: "D".into(), ..a_product() };
    site.parents = vec![30, 40];
    site.deliver(&mut vtex, &product(&wanted));
    let body = &vtex.only_product().body;
    assert_eq!((&body["BrandId"], &body["CategoryId"]), (&json!(30), &json!(40)));
}

#[test]
fn a_product_that_vtex_has_is_read_whole_before_it_is_written() {
    let (mut vtex, _) = delivered(&Product { score: Some(5), ..a_product() });
    let wanted = Product { score: None, name: "Novo".into(), ..a_product() };
    let mut site = Site::product();
    let calls = site.deliver(&mut vtex, &product(&wanted));
    assert_eq!(
        calls[..3],
        ["GET /pvt/products/productgetbyrefid/1001", "GET /product/101", "PUT /product/101"]
    );
    assert_eq!(vtex.only_product().body["Score"], 5, "the look-up does not show it");
}

#[test]
fn what_was_confirmed_of_another_product_is_not_relied_upon() {
    let (mut vtex, mut site) = delivered(&a_product());
    // The merchant has made it anew: the number is forgotten, the reference is the same.
    let product_again = vtex.products.remove(&101).unwrap();
    vtex.products.insert(555, model::Thing { specifications: Default::default(), ..product_again });
    vtex.products.get_mut(&555).unwrap().body.insert("Id".into(), json!(555));
    site.own = None;
    site.deliver(&mut vtex, &product(&Product { name: "Outro".into(), ..a_product() }));
    let held = vtex.only_product();
    assert!(held.body["Name"] == "Outro" && held.specifications.contains_key("Tecido"));
    assert_eq!(site.own, Some(555));
}

#[test]
fn a_date_that_vtex_shows_with_a_time_is_the_same_date() {
    let (mut vtex, mut site) = delivered(&a_product());
    vtex.products.get_mut(&101).unwrap().body.insert("ReleaseDate".into(), json!("2024-03-01T00:00:00"));
    site.unsure = true;
    let calls = site.deliver(&mut vtex, &product(&a_product()));
    assert_eq!(calls, ["GET /product/101", "PUT /product/101/specificationvalue"]);
}

#[test]
fn a_product_that_vtex_has_without_being_found_is_taken_by_the_number_in_its_refusal() {
    let (mut vtex, mut site) = (Vtex::default(), Site::product());
    Site::product().deliver(&mut vtex, &product(&a_product()));
    // The look-up wrongly finds nothing; another writer is as good a cause.
    let held = CatalogHeld { thing: Thing::Absent, ..CatalogHeld::default() };
    let situation_held = Held::Catalog(held);
    let wanted = product(&a_product());
    let links = Links::default();
    let price = PriceRules::default();
    let situation = Situation {
        key: &site.key,
        links: &links,
        wanted: &wanted,
        committed_at: Timestamp(1),
        now: Timestamp(0),
        attempts: 0,
        confirmed: None,
        read_first: false,
        held: &situation_held,
        rules: Rules { price: &price, catalog: &site.rules, orders: &OrderRules::default() },
    };
    let Next::Call(Call::Catalog(call)) = next(&situation) else { panic!("a create") };
    let answer = vtex.request(&call).unwrap();
    assert_eq!(answer, Answer::Catalog(CatalogAnswer::Exists(Some(101))));
    site.own = Some(101);
    site.deliver(&mut vtex, &wanted);
    assert_eq!(vtex.products.len(), 1);
}

#[test]
fn a_field_that_is_not_ours_is_set_once() {
    let (mut vtex, mut site) = (Vtex::default(), Site::product());
    let ours = [ProductField::Shown, ProductField::Score];
    site.rules.product = ours.into();
    let first = Product { trade_policies: vec![3], ..a_product() };
    site.deliver(&mut vtex, &product(&first));
    let created = vtex.only_product().clone();
    assert_eq!(created.body["Name"], text("Vestido Longo"));
    assert!(created.specifications.contains_key("Tecido") && created.policies == [3].into());

    let wanted = Product {
        name: "Outro".into(),
        specifications: vec![specification("Tecido", "Linho")],
        trade_policies: vec![4],
        ..a_product()
    };
    assert_eq!(site.deliver(&mut vtex, &product(&wanted)), [""; 0]);
    let wanted = Product { score: Some(1), ..wanted };
    assert_eq!(site.deliver(&mut vtex, &product(&wanted)), ["GET /product/101", "PUT /product/101"]);
    let body = &vtex.only_product().body;
    assert_eq!((&body["Name"], &body["Score"]), (&text("Vestido Longo"), &json!(1)));
}

#[test]
fn a_specification_that_live_has_no_more_is_taken_back_and_the_merchants_stay() {
    let with = |specifications: Vec<Specification>| product(&Product { specifications, ..a_product() });
    let (cloth, collar) = (specification("Tecido", "Seda"), specification("Gola", "V"));
    for text in [false, true] {
        let (mut vtex, mut site) = (Vtex::default(), Site::product());
        site.deliver(&mut vtex, &with(vec![cloth.clone(), collar.clone()]));
        let held = vtex.products.values_mut().next().unwrap();
        if text {
            held.texts.insert("Gola".into());
        }
        // Of the merchant: one of another name with the same value.
        held.specifications.insert("do-lojista".into(), specification("do-lojista", "V"));
        let number = if text { 102 } else { 2 };
        let calls = site.deliver(&mut vtex, &with(vec![cloth.clone()]));
        let remove = format!("DELETE /product/101/specification/{number}");
        let expected = ["GET /product/101/specification", "GET /specification/2"];
        assert_eq!(calls[..2], expected, "{text}");
        assert!(calls.contains(&remove) && calls.len() <= 5, "{text}: {calls:?}");
        let names: Vec<_> = vtex.only_product().specifications.keys().cloned().collect();
        assert_eq!(names, ["Tecido", "do-lojista"], "{text}");
        assert_eq!(site.deliver(&mut vtex, &with(vec![cloth.clone()])), [""; 0]);
    }
}

#[test]
fn a_specification_is_left_to_whoever_gave_it_another_value_or_owns_it() {
    let without = product(&Product { specifications: Vec::new(), ..a_product() });
    let kept = |change: &dyn Fn(&mut Vtex, &mut Site)| {
        let (mut vtex, mut site) = delivered(&a_product());
        change(&mut vtex, &mut site);
        let calls = site.deliver(&mut vtex, &without);
        assert!(calls.iter().all(|call| call.starts_with("GET")), "{calls:?}");
        vtex.only_product().specifications.contains_key("Tecido")
    };
    let thing = |vtex: &mut Vtex, change: &dyn Fn(&mut model::Thing)| {
        change(vtex.products.values_mut().next().unwrap());
    };
    let linen = |thing: &mut model::Thing| {
        drop(thing.specifications.insert("Tecido".into(), specification("Tecido", "Linho")))
    };
    assert!(kept(&|vtex, _| thing(vtex, &linen)), "another value");
    assert!(
        kept(&|_, site| site.rules.product.retain(|field| *field != ProductField::Specifications)),
        "not ours"
    );
    // Gone already: nothing is left to be done.
    assert!(!kept(&|vtex, _| thing(vtex, &|thing| thing.specifications.clear())));
}
