//! Whatever is asked for in whatever order, the tables agree with each other, and a refusal leaves no trace.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::skus::Skus;
use super::*;

/// Few enough of each that requests meet.
const BRAND: u32 = 1;
const CATEGORY: u32 = 1;
const REFERENCES: [&str; 4] = ["", "a", "b", "c"];
const EANS: [&str; 3] = ["1", "2", "3"];
const IDS: std::ops::Range<u32> = 1..5;

#[derive(Clone, Debug)]
enum Request {
    CreateProduct { id: Option<u32>, reference: &'static str, link: &'static str },
    CreateNamed { path: &'static str, brand: &'static str },
    PutProduct { id: u32, reference: &'static str, link: &'static str, active: bool },
    CreateSku { id: Option<u32>, product: u32, reference: &'static str },
    PutSku { id: u32, product: u32, reference: &'static str, active: bool, kit: bool, wish: bool },
    AddEan { sku: u32, ean: &'static str },
    RemoveEans { sku: u32, only: Option<&'static str> },
    AddImage { sku: u32, main: bool },
    RemoveImages { sku: u32 },
    AddComponent { kit: u32, sku: u32 },
    Specify { owner: Owner, value: &'static str },
}

fn request() -> impl Strategy<Value = Request> {
    let id = || IDS;
    let wanted = || proptest::option::of(IDS);
    let reference = || prop::sample::select(&REFERENCES[..]);
    let ean = || prop::sample::select(&EANS[..]);
    let owner = prop_oneof![id().prop_map(Owner::Product), id().prop_map(Owner::Sku)];
    let path = prop::sample::select(&["Roupas/Praia", "Roupas/Praia/Sungas", "/", "Outra//Sungas"][..]);
    prop_oneof![
        (wanted(), reference(), reference()).prop_map(|(id, reference, link)| Request::CreateProduct {
            id,
            reference,
            link
        }),
        (path, prop::sample::select(&["", "Onda", "Vento"][..]))
            .prop_map(|(path, brand)| Request::CreateNamed { path, brand }),
        (id(), reference(), reference(), any::<bool>())
            .prop_map(|(id, reference, link, active)| Request::PutProduct { id, reference, link, active }),
        (wanted(), id(), reference()).prop_map(|(id, product, reference)| Request::CreateSku {
            id,
            product,
            reference
        }),
        (id(), id(), reference(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(id, product, reference, active, kit, wish)| Request::PutSku {
                id,
                product,
                reference,
                active,
                kit,
                wish
            }
        ),
        (id(), ean()).prop_map(|(sku, ean)| Request::AddEan { sku, ean }),
        (id(), proptest::option::of(ean())).prop_map(|(sku, only)| Request::RemoveEans { sku, only }),
        (id(), any::<bool>()).prop_map(|(sku, main)| Request::AddImage { sku, main }),
        id().prop_map(|sku| Request::RemoveImages { sku }),
        (id(), id()).prop_map(|(kit, sku)| Request::AddComponent { kit, sku }),
        (owner, prop::sample::select(&["Azul", "Verde", ""][..]))
            .prop_map(|(owner, value)| Request::Specify { owner, value }),
    ]
}

impl Request {
    fn apply(self, tables: &mut Tables, names: &Skus) -> Result<(), Refusal> {
        match self {
            Self::CreateProduct { id, reference, link } => {
                let fields = product(reference, link, true);
                tables.create_product(NewProduct { id, fields, ..NewProduct::default() }).map(drop)
            }
            Self::CreateNamed { path, brand } => {
                let fields = ProductFields { name: format!("{path} {brand}"), ..ProductFields::default() };
                let (category_path, brand_name) = (Some(path.to_owned()), Some(brand.to_owned()));
                tables.create_product(NewProduct { id: None, category_path, brand_name, fields }).map(drop)
            }
            Self::PutProduct { id, reference, link, active } => {
                tables.put_product(id, product(reference, link, active)).map(drop)
            }
            Self::CreateSku { id, product, reference } => {
                tables.create_sku(names, id, sku(product, reference, false, false, true)).map(drop)
            }
            Self::PutSku { id, product, reference, active, kit, wish } => {
                tables.put_sku(names, id, sku(product, reference, active, kit, wish)).map(drop)
            }
            Self::AddEan { sku, ean } => tables.add_ean(sku, ean),
            Self::RemoveEans { sku, only } => tables.remove_eans(sku, only),
            Self::AddImage { sku, main } => tables.add_image(sku, image(main)).map(drop),
            Self::RemoveImages { sku } => tables.remove_images(sku, None),
            Self::AddComponent { kit, sku } => tables.add_component(kit, sku, 1, 1.0).map(drop),
            Self::Specify { owner, value } => {
                tables.assign_named(owner, true, "Geral", "Cor", &[value.to_owned()]).map(drop)
            }
        }
    }
}

fn product(reference: &str, link: &str, active: bool) -> ProductFields {
    ProductFields {
        name: format!("Produto {reference}{link}"),
        category_id: Some(CATEGORY),
        brand_id: Some(BRAND),
        ref_id: reference.to_owned(),
        link_id: link.to_owned(),
        is_active: active,
        ..ProductFields::default()
    }
}

fn sku(product: u32, reference: &str, active: bool, kit: bool, wish: bool) -> SkuFields {
    SkuFields {
        product_id: product,
        name: "Azul".to_owned(),
        ref_id: reference.to_owned(),
        is_active: active,
        is_kit: kit,
        activate_if_possible: wish,
        packaged_height: Some(1.0),
        packaged_length: Some(1.0),
        packaged_width: Some(1.0),
        packaged_weight_kg: Some(1.0),
        ..SkuFields::default()
    }
}

fn image(main: bool) -> ImageFields {
    ImageFields {
        name: "frente".to_owned(),
        url: "https://imagens.example/1.jpg".to_owned(),
        is_main: main,
        ..ImageFields::default()
    }
}

/// Everything that a client could see, in an order of its own.
fn seen(tables: &Tables) -> String {
    let Tables { brands, categories, products, skus, groups, fields, values, kits, .. } = tables;
    format!("{brands:?}{categories:?}{products:?}{skus:?}{groups:?}{fields:?}{values:?}{kits:?}")
}

fn check(tables: &Tables, names: &Skus) {
    let by_ref = tables.products.values().filter(|product| !product.fields.ref_id.is_empty());
    let by_ref: BTreeMap<_, _> = by_ref.map(|product| (product.fields.ref_id.clone(), product.id)).collect();
    assert_eq!(by_ref, tables.product_refs.clone().into_iter().collect());
    let links = tables.products.values().map(|product| (product.fields.link_id.clone(), product.id));
    assert_eq!(links.collect::<BTreeMap<_, _>>(), tables.links.clone().into_iter().collect());
    let eans = tables.skus.values().flat_map(|sku| sku.eans.iter().map(|ean| (ean.clone(), sku.id)));
    assert_eq!(eans.collect::<BTreeMap<_, _>>(), tables.eans.clone().into_iter().collect());
    for product in tables.products.values() {
        assert!(
            tables.brands.contains_key(&product.brand) && tables.categories.contains_key(&product.category)
        );
        let own = tables.skus.values().filter(|sku| sku.fields.product_id == product.id).map(|sku| sku.id);
        assert_eq!(product.skus, own.collect::<BTreeSet<_>>());
    }
    for sku in tables.skus.values() {
        assert!(tables.products.contains_key(&sku.fields.product_id));
        assert_eq!(names.reference(sku.id).as_deref(), Some(sku.fields.ref_id.as_str()));
        if !sku.fields.ref_id.is_empty() {
            assert_eq!(names.id(&sku.fields.ref_id), Some(sku.id));
        }
        assert!(sku.images.iter().filter(|image| image.fields.is_main).count() <= 1);
        assert!(sku.images.iter().all(|image| !image.fields.is_main || image.position == 0));
        assert!(sku.images.is_sorted_by_key(|image| image.position));
        let ready = tables.unmet_for_activation(sku).is_empty();
        assert!(!(sku.waits && ready && !sku.active), "it waits for nothing");
    }
}

proptest! {
    #[test]
    fn the_tables_agree_and_a_refusal_leaves_no_trace(requests in prop::collection::vec(request(), 1..60)) {
        let catalog = Catalog::new(&Options::default());
        let names = Skus::new(false);
        names.add([("seeded", 4)]).unwrap();
        catalog.write(Duration::ZERO, |tables| {
            let brand = BrandFields { name: "Maré".to_owned(), active: true, ..BrandFields::default() };
            tables.create_brand(Some(BRAND), brand)?;
            let fields = CategoryFields { name: "Roupas".to_owned(), is_active: true, ..CategoryFields::default() };
            tables.create_category(Some(CATEGORY), fields)
        }).unwrap();
        for (second, request) in requests.into_iter().enumerate() {
            let now = Duration::from_secs(second as u64);
            let before = catalog.read(seen);
            let known = names.page(1, 100);
            let refused = catalog.write(now, |tables| request.clone().apply(tables, &names)).is_err();
            catalog.read(|tables| {
                check(tables, &names);
                let same = (before, known) == (seen(tables), names.page(1, 100));
                assert!(!refused || same, "{request:?} was refused and left a trace");
                for product in tables.products.values() {
                    let shown = tables.indexed(product.id, now).expect("a product is indexed when it is made");
                    let active = product.skus.iter().filter(|sku| tables.skus[*sku].active).copied();
                    assert_eq!(shown.skus.keys().copied().collect::<Vec<_>>(), active.collect::<Vec<_>>());
                }
            });
        }
    }
}
