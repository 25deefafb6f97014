use mare::core::entity::Entity;
use mare::core::value::Value;
use mare::core::value::catalog::{Product, Sku};
use mare::simulator::{Fault, FaultKind, Options, Quirks, UnknownProduct};

use super::shop::{SKU, Shop, a_product, a_sku, holds, image};

const WRITES: [&str; 12] = [
    "POST */pvt/brand",
    "POST */pvt/category",
    "POST */pvt/product",
    "PUT */pvt/product/*",
    "PUT */product/*/specificationvalue",
    "POST */pvt/stockkeepingunit",
    "PUT */pvt/stockkeepingunit/*",
    "PUT */stockkeepingunit/*/specificationvalue",
    "POST */ean/*",
    "POST */file",
    "PUT */file/*",
    "POST */salespolicy/*",
];

fn fault(kind: FaultKind, route: &str) -> Fault {
    Fault { route: route.to_owned(), count: Some(1), ..Fault::new(kind) }
}

fn second() -> (Product, Sku) {
    let product = Product { name: "Vestido Curto".into(), trade_policies: vec![1], ..a_product() };
    let images = vec![image("costas", "9"), image("frente", "1")];
    (product, Sku { name: "Vestido Curto Azul M".into(), images, ..a_sku() })
}

/// Every write of a catalog that comes up and changes fails once, applied and not applied.
#[tokio::test]
async fn a_lost_answer_anywhere_leaves_one_of_everything_as_wanted() {
    for kind in [FaultKind::ErrorAfter, FaultKind::ErrorBefore, FaultKind::Reset] {
        for route in WRITES {
            let mut shop = Shop::open().await;
            shop.world().set_faults(vec![fault(kind, route)]);
            shop.deliver(&a_product(), &a_sku()).await;
            holds(&shop, &a_product(), &a_sku());
            let (product, sku) = second();
            shop.deliver(&product, &sku).await;
            holds(&shop, &product, &sku);
            assert_eq!(shop.product().trade_policies, [1], "{kind:?} {route}");
            let left: Vec<_> = shop.world().faults().into_iter().filter(|it| it.count != Some(0)).collect();
            assert!(left.is_empty(), "{kind:?} {route} was never sent");
        }
    }
}

#[tokio::test]
async fn a_catalog_survives_many_failures_at_random() {
    for seed in 1..6 {
        let mut shop = Shop::with(Options { seed, ..Options::default() }).await;
        let any = |kind| Fault { probability: 0.15, count: Some(15), ..Fault::new(kind) };
        shop.world().set_faults(vec![any(FaultKind::ErrorAfter), any(FaultKind::ErrorBefore)]);
        shop.deliver(&a_product(), &a_sku()).await;
        let (product, sku) = second();
        shop.deliver(&product, &sku).await;
        holds(&shop, &product, &sku);
    }
}

/// A SKU changes, and everything that it hangs on is gone: product, category, department and brand.
#[tokio::test]
async fn what_a_sku_hangs_on_is_made_again_in_an_account_that_has_lost_it() {
    let mut shop = Shop::open().await;
    shop.deliver(&a_product(), &a_sku()).await;
    shop.empty_the_account().await;
    let sku = Sku { name: "Vestido Longo Azul 42".into(), ..a_sku() };
    shop.want(Entity::Sku, SKU, Value::Sku(Box::new(sku.clone())));
    shop.settle().await;
    holds(&shop, &a_product(), &sku);
}

/// The process ends after any number of requests.
#[tokio::test]
async fn a_restart_at_any_request_leaves_one_of_everything() {
    for requests in 0..24 {
        let mut shop = Shop::open().await;
        shop.want_all(&a_product(), &a_sku());
        shop.restart_after(requests).await;
        shop.settle().await;
        holds(&shop, &a_product(), &a_sku());
    }
}

#[tokio::test]
async fn vtex_may_say_in_either_way_that_it_knows_no_product() {
    for unknown_product in [UnknownProduct::Null, UnknownProduct::NotFound] {
        let quirks = Quirks { unknown_product, unique_brand_names: true, ..Quirks::default() };
        let mut shop = Shop::with(Options { quirks, ..Options::default() }).await;
        shop.deliver(&a_product(), &a_sku()).await;
        holds(&shop, &a_product(), &a_sku());
    }
}
