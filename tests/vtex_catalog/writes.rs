use mare::core::entity::Entity;
use mare::core::value::Value;
use mare::core::value::catalog::{Brand, Product, Sku};
use mare::simulator::Unmet;

use super::shop::{SKU, Shop, a_product, a_sku, holds, image, specification};

#[tokio::test]
async fn a_catalog_comes_up_from_nothing_in_the_order_that_vtex_needs() {
    let mut shop = Shop::open().await;
    shop.want_all(&a_product(), &a_sku());
    let lines = shop.settle().await;
    holds(&shop, &a_product(), &a_sku());
    // Brand, two categories and a product: look-up and create; a batch look-up and the create of the SKU;
    // then each specification, code and image.
    assert_eq!(lines.len(), 2 + 4 + 2 + 1 + 2 + 1 + 2 + 2, "{lines:#?}");
    let unmet = shop.world().unmet(shop.sku().id, "1");
    assert!(unmet.iter().all(|it| matches!(it, Unmet::Price | Unmet::Stock | Unmet::Index)), "{unmet:?}");
}

#[tokio::test]
async fn every_kind_of_change_reaches_vtex() {
    let mut shop = Shop::open().await;
    shop.deliver(&a_product(), &a_sku()).await;
    let product = Product {
        name: "Vestido Curto".into(),
        title: Some("Curto".into()),
        specifications: vec![specification("Tecido", "Linho")],
        trade_policies: vec![1],
        ..a_product()
    };
    let sku = Sku {
        name: "Vestido Curto Azul M".into(),
        eans: vec!["7891234567888".into()],
        images: vec![image("costas", "3"), image("frente", "1")],
        ..a_sku()
    };
    shop.deliver(&product, &sku).await;
    holds(&shop, &product, &sku);
    assert_eq!(shop.product().trade_policies, [1]);
    let sku = Sku { images: vec![image("frente", "1")], active: false, ..sku };
    shop.deliver(&product, &sku).await;
    holds(&shop, &product, &sku);
    let sku = Sku { active: true, ..sku };
    shop.deliver(&product, &sku).await;
    holds(&shop, &product, &sku);
    let hidden = Product { shown: false, ..product };
    shop.deliver(&hidden, &sku).await;
    assert!(!shop.product().active && shop.product().skus.len() == 1, "the product stays");
}

#[tokio::test]
async fn the_same_again_costs_no_request() {
    let mut shop = Shop::open().await;
    shop.deliver(&a_product(), &a_sku()).await;
    shop.want_all(&a_product(), &a_sku());
    assert_eq!(shop.settle().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_brand_is_renamed_in_place() {
    let mut shop = Shop::open().await;
    shop.deliver(&a_product(), &a_sku()).await;
    shop.want(Entity::Brand, "M", Value::Brand(Box::new(Brand { name: "Maré Baixa".into() })));
    assert_eq!(shop.settle().await.len(), 2);
    let brands = shop.world().brands();
    assert_eq!((brands.len(), brands[0].name.as_str(), brands[0].active), (1, "Maré Baixa", true));
    assert_eq!(shop.product().brand.id, brands[0].id);
}

#[tokio::test]
async fn a_kit_waits_for_its_parts_and_is_made_of_them() {
    let mut shop = Shop::open().await;
    shop.deliver(&a_product(), &a_sku()).await;
    let part = shop.sku().id;
    let component = mare::core::value::catalog::Component { sku: SKU.into(), quantity: 2, unit_price: None };
    let kit = Sku { name: "Kit".into(), eans: Vec::new(), components: vec![component], ..a_sku() };
    shop.want(Entity::Sku, "KIT-1", Value::Sku(Box::new(kit)));
    shop.settle().await;
    let kit = shop.world().catalog_sku(shop.world().sku_id("KIT-1").unwrap()).unwrap();
    assert!(kit.is_kit && kit.active, "{kit:#?}");
    let parts: Vec<_> = kit.components.iter().map(|it| (it.sku, it.quantity, it.unit_price)).collect();
    assert_eq!(parts, [(part, 2, 1.0)]);
    assert_eq!(shop.sku().components.len(), 0);
}
