//! A catalog of fashion as `mare shop create --size medio` makes it: six SKUs a product, two specifications, one
//! image and one code each.

use compact_str::{CompactString, format_compact};
use mare::core::entity::{Entity, Key};
use mare::core::money::{Decimal4, Money};
use mare::core::value::catalog::{Brand, Category, Image, Package, Product, Sku, Specification};
use mare::core::value::{Price, Stock, Value};

/// Every SKU is in the first, every other one in the second too.
pub(crate) const WAREHOUSES: [&str; 2] = ["cd", "loja001"];
pub(crate) const SKUS_PER_PRODUCT: usize = 6;
const COLOURS: [&str; 2] = ["Azul", "Preto"];
const SIZES: [&str; 3] = ["P", "M", "G"];
const DEPARTMENTS: usize = 8;
const CATEGORIES: usize = 120;
const BRANDS: usize = 60;

/// How much there is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) products: usize,
}

impl Size {
    pub(crate) const fn skus(self) -> usize {
        self.products * SKUS_PER_PRODUCT
    }
}

pub(crate) fn brands() -> impl Iterator<Item = (Key, Value)> {
    let value = |n| Value::Brand(Box::new(Brand { name: format!("Marca {n}") }));
    (0..BRANDS).map(move |n| (key(Entity::Brand, format_compact!("{n}")), value(n)))
}

/// Departments and the categories below them.
pub(crate) fn categories() -> impl Iterator<Item = (Key, Value)> {
    let department = |n: usize| format_compact!("D{}", n % DEPARTMENTS);
    let category = |name: String, parent| Value::Category(Box::new(Category { name, parent }));
    let departments = (0..DEPARTMENTS)
        .map(move |n| (key(Entity::Category, department(n)), category(format!("Departamento {n}"), None)));
    let below = (0..CATEGORIES).map(move |n| {
        let value = category(format!("Categoria {n}"), Some(department(n)));
        (key(Entity::Category, format_compact!("{n}")), value)
    });
    departments.chain(below)
}

pub(crate) fn products(size: Size) -> impl Iterator<Item = (Key, Value)> {
    (0..size.products).map(|n| (product_key(n), product(n)))
}

pub(crate) fn skus(size: Size) -> impl Iterator<Item = (Key, Value)> {
    (0..size.skus()).map(|n| (key(Entity::Sku, reference(n)), sku(n, COLOURS)))
}

pub(crate) fn prices(size: Size) -> impl Iterator<Item = (Key, Value)> {
    let price = |n: usize| {
        let base = Some(Money(4_990 + i64::try_from(n % 100).unwrap() * 100));
        Value::Price(Box::new(Price { base, list: base, ..Price::default() }))
    };
    (0..size.skus()).map(move |n| (Key::price(&reference(n)), price(n)))
}

pub(crate) fn stock(size: Size) -> impl Iterator<Item = (Key, Value)> {
    let of = |n: usize| {
        let warehouses = &WAREHOUSES[..1 + n % 2];
        warehouses.iter().map(move |warehouse| (Key::stock(warehouse, &reference(n)), units(3)))
    };
    (0..size.skus()).flat_map(of)
}

pub(crate) fn units(quantity: u32) -> Value {
    Value::Stock(Stock::of(quantity))
}

pub(crate) fn product_key(n: usize) -> Key {
    key(Entity::Product, format_compact!("{n}"))
}

pub(crate) fn sku_key(n: usize) -> Key {
    key(Entity::Sku, reference(n))
}

pub(crate) fn reference(n: usize) -> CompactString {
    format_compact!("{}-{}", n / SKUS_PER_PRODUCT, n % SKUS_PER_PRODUCT)
}

pub(crate) fn product(n: usize) -> Value {
    let group = || "Características".to_owned();
    Value::Product(Box::new(Product {
        name: format!("Camisa {n}"),
        link: format!("camisa-{n}"),
        title: Some(format!("Camisa {n} | Marca {}", n % BRANDS)),
        short_description: None,
        description: Some("<p>Camisa de algodão</p>".to_owned()),
        keywords: None,
        meta_description: None,
        brand: format_compact!("{}", n % BRANDS),
        category: format_compact!("{}", n % CATEGORIES),
        shown: true,
        score: None,
        release_date: None,
        tax_code: None,
        specifications: vec![Specification {
            name: "Composição".to_owned(),
            group: group(),
            values: vec!["Algodão".to_owned()],
        }],
        trade_policies: vec![1],
    }))
}

/// `colours`: what the two colours of every product are called.
pub(crate) fn sku(n: usize, colours: [&str; 2]) -> Value {
    let at = n % SKUS_PER_PRODUCT;
    let (colour, size) = (colours[at / SIZES.len()], SIZES[at % SIZES.len()]);
    let specification = |name: &str, value: &str| Specification {
        name: name.to_owned(),
        group: "Variações".to_owned(),
        values: vec![value.to_owned()],
    };
    Value::Sku(Box::new(Sku {
        product: format_compact!("{}", n / SKUS_PER_PRODUCT),
        name: format!("{colour} {size}"),
        active: true,
        eans: vec![format_compact!("{:013}", 7_890_000_000_000 + n)],
        package: Package {
            height: Decimal4(50_000),
            width: Decimal4(250_000),
            length: Decimal4(300_000),
            grams: 300,
        },
        unit: "un".into(),
        multiplier: Decimal4::ONE,
        specifications: vec![specification("Cor", colour), specification("Tamanho", size)],
        images: vec![Image {
            name: format_compact!("foto-{at}"),
            url: format!("https://imagens.example.com/{n}.jpg"),
            label: None,
        }],
        components: Vec::new(),
    }))
}

const fn key(entity: Entity, id: CompactString) -> Key {
    Key { entity, id }
}
