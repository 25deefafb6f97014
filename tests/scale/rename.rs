//! A brand, a classifier or a colour is renamed, and thousands of products follow.

use std::time::Duration;

use mare::core::entity::{Entity, Key};
use mare::core::record::Cause;
use mare::core::value::Value;

use crate::clockwork::Clockwork;
use crate::shop::{self, Size};

const RENAMED: Size = Size { products: 5_000 };
/// Sales a second, while the catalog follows.
const SALES: u64 = 20;
const SECONDS: u64 = 120;

/// VTEX has had it all for long.
fn at_rest() -> Clockwork {
    let mut clockwork = Clockwork::new();
    let everything = shop::brands()
        .chain(shop::categories())
        .chain(shop::products(RENAMED))
        .chain(shop::skus(RENAMED))
        .chain(shop::stock(RENAMED));
    for (key, value) in everything {
        clockwork.install(key, value);
    }
    clockwork
}

#[test]
fn a_rename_of_five_thousand_products_delays_no_stock_by_a_second() {
    let mut clockwork = at_rest();
    for n in 0..RENAMED.products {
        let Value::Product(mut product) = shop::product(n) else { unreachable!() };
        product.title = Some(format!("Camisa {n} | Marca nova"));
        clockwork.want(&shop::product_key(n), Value::Product(product), Cause::Resync);
    }
    for n in 0..RENAMED.skus() {
        clockwork.want(&shop::sku_key(n), shop::sku(n, ["Azul-mar", "Grafite"]), Cause::Resync);
    }
    let mut sold = 0;
    for sale in 0..SALES * SECONDS {
        let n = usize::try_from(sale).unwrap() * 7 % RENAMED.skus();
        let key = Key::stock(shop::WAREHOUSES[0], &shop::reference(n));
        clockwork.want(&key, shop::units(u32::try_from(sale % 3).unwrap()), Cause::Change);
        sold += 1;
        let next = clockwork.now.tick + Duration::from_millis(1000 / SALES);
        clockwork.run_until(next);
    }
    clockwork.run_until(clockwork.now.tick + Duration::from_secs(2));
    let of = |entity: Entity| clockwork.settled.iter().filter(move |(key, ..)| key.entity == entity);
    let slowest = of(Entity::Stock).map(|(_, wanted, held)| wanted.until(*held)).max().unwrap();
    println!("{sold} sales, the slowest known to VTEX after {slowest:?}");
    assert_eq!(of(Entity::Stock).count(), sold, "every sale was told");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(
        of(Entity::Product).count() > 0 && clockwork.dispatch.stats(clockwork.now).keys > 30_000,
        "at work"
    );

    while clockwork.step() {}
    assert_eq!(clockwork.account.wrong, Vec::<String>::new());
    let (_, body) = clockwork.account.product("4999").unwrap();
    assert_eq!(body["Title"], "Camisa 4999 | Marca nova");
    let (_, sku) = clockwork.account.sku(&shop::reference(0)).unwrap();
    assert_eq!(sku.specifications["Cor"], ["Azul-mar"]);
}
