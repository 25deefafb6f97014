//! The items of an order: what the catalog knows of them when they are bought, their price, and who sends them.

use hashbrown::HashMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::prices::{FixedPrice, Price};
use super::super::{SkuId, World, WorldError};
use super::order::{Allotment, Component, Item};

/// One line of a new order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewItem {
    #[serde(rename = "ref")]
    reference: Option<String>,
    sku: Option<SkuId>,
    quantity: u32,
    warehouse: Option<String>,
    /// Several warehouses send it.
    #[serde(default)]
    split: Vec<Share>,
    price: Option<i64>,
    list_price: Option<i64>,
    #[serde(default)]
    discount: i64,
    #[serde(default)]
    gift: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    warehouse: String,
    quantity: u32,
}

/// Centavos.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitPrice {
    pub(super) price: i64,
    pub(super) list: i64,
    pub(super) cost: i64,
}

impl NewItem {
    /// The same once more, at the same price.
    pub(super) fn again(item: &Item) -> Self {
        Self {
            reference: None,
            sku: Some(item.sku),
            quantity: u32::try_from(item.quantity).unwrap_or(u32::MAX),
            warehouse: item.allotments.first().map(|allotment| allotment.warehouse.clone()),
            split: Vec::new(),
            price: Some(item.price),
            list_price: Some(item.list_price),
            discount: item.discount,
            gift: item.gift,
        }
    }

    pub(super) fn of(sku: SkuId, quantity: u32, warehouse: Option<String>, price: Option<i64>) -> Self {
        Self {
            reference: None,
            sku: Some(sku),
            quantity,
            warehouse,
            split: Vec::new(),
            price,
            list_price: None,
            discount: 0,
            gift: false,
        }
    }
}

/// What of the stock an item needs: itself, or the components of a kit; and how many for one of it.
pub(super) fn parts(item: &Item) -> Vec<(SkuId, i64)> {
    if item.components.is_empty() {
        return vec![(item.sku, 1)];
    }
    item.components.iter().map(|component| (component.sku, component.quantity)).collect()
}

/// `taken` is what the items before take away already.
pub(super) fn build(
    world: &World,
    new: &NewItem,
    channel: &str,
    oversell: bool,
    taken: &mut HashMap<(SkuId, String), i64>,
) -> Result<Item, WorldError> {
    let sku = sku_of(world, new)?;
    let quantity = i64::from(new.quantity);
    let found = unit_price(world, sku, channel, quantity, world.timestamp());
    let price = new.price.or(found.map(|found| found.price));
    let price = price.ok_or_else(|| refused(format!("SKU {sku} has no price")))?;
    if quantity == 0 || price < 0 || !(0..=price * quantity).contains(&new.discount) {
        return Err(refused(format!("quantity, price or discount of SKU {sku} make no sense")));
    }
    let mut item = described(world, sku);
    item.quantity = quantity;
    item.price = price;
    item.list_price = new.list_price.or(found.map(|found| found.list)).unwrap_or(price);
    item.cost_price = found.map_or(0, |found| found.cost);
    item.discount = new.discount;
    item.gift = new.gift;
    let parts = parts(&item);
    for (warehouse, quantity) in senders(world, new, &parts, taken)? {
        if world.warehouses.index(&warehouse).is_none() {
            return Err(WorldError::UnknownWarehouse(warehouse));
        }
        for (sku, each) in &parts {
            if !oversell && available(world, *sku, &warehouse, taken) < quantity * each {
                return Err(refused(format!("SKU {sku} is not available in warehouse {warehouse}")));
            }
            *taken.entry((*sku, warehouse.clone())).or_insert(0) += quantity * each;
        }
        item.allotments.push(Allotment { warehouse, quantity, reservations: Vec::new() });
    }
    Ok(item)
}

fn sku_of(world: &World, new: &NewItem) -> Result<SkuId, WorldError> {
    match (&new.reference, new.sku) {
        (Some(reference), None) => {
            world.skus.id(reference).ok_or_else(|| refused(format!("no SKU has the RefId {reference}")))
        }
        (None, Some(sku)) if world.skus.exists(sku) => Ok(sku),
        (None, Some(sku)) => Err(WorldError::UnknownSku(sku)),
        _ => Err(refused("an item has either ref or sku".to_owned())),
    }
}

/// Who sends how many. Without a word about it: the first warehouse that has enough, else the first of all.
fn senders(
    world: &World,
    new: &NewItem,
    parts: &[(SkuId, i64)],
    taken: &HashMap<(SkuId, String), i64>,
) -> Result<Vec<(String, i64)>, WorldError> {
    let quantity = i64::from(new.quantity);
    if !new.split.is_empty() {
        let split: Vec<_> =
            new.split.iter().map(|share| (share.warehouse.clone(), i64::from(share.quantity))).collect();
        let whole = split.iter().map(|(_, quantity)| quantity).sum::<i64>() == quantity;
        return if whole { Ok(split) } else { Err(refused("split does not add up to quantity".to_owned())) };
    }
    if let Some(warehouse) = &new.warehouse {
        return Ok(vec![(warehouse.clone(), quantity)]);
    }
    let all = world.warehouses.all();
    let enough = |warehouse: &str| {
        parts.iter().all(|(sku, each)| available(world, *sku, warehouse, taken) >= quantity * each)
    };
    let chosen = all.iter().find(|one| enough(&one.id)).or_else(|| all.first());
    let chosen = chosen.ok_or_else(|| refused("there is no warehouse".to_owned()))?;
    Ok(vec![(chosen.id.clone(), quantity)])
}

fn available(world: &World, sku: SkuId, warehouse: &str, taken: &HashMap<(SkuId, String), i64>) -> i64 {
    let stock = world.warehouses.index(warehouse).and_then(|index| world.stock.get(sku, index));
    let taken = taken.get(&(sku, warehouse.to_owned())).copied().unwrap_or(0);
    stock.map_or(0, |stock| stock.available) - taken
}

/// The fixed price of the trade policy that is in force, else the base price.
pub(super) fn unit_price(
    world: &World,
    sku: SkuId,
    channel: &str,
    quantity: i64,
    at: Timestamp,
) -> Option<UnitPrice> {
    world.prices.with(sku, |price| {
        let price = price?;
        let applies = |fixed: &&FixedPrice| {
            let in_force = fixed.range.as_ref().is_none_or(|range| range.from <= at && at <= range.to);
            in_force && fixed.table == channel && i64::from(fixed.min_quantity) <= quantity
        };
        let fixed = price.fixed.iter().filter(applies).max_by_key(|fixed| fixed.min_quantity);
        let value = fixed.map(|fixed| fixed.value).or(price.base)?;
        let list = fixed.and_then(|fixed| fixed.list).or(price.list).unwrap_or(value);
        Some(UnitPrice { price: cents(value), list: cents(list), cost: cost(price) })
    })
}

fn cost(price: &Price) -> i64 {
    price.cost.map_or(0, cents)
}

#[expect(clippy::cast_possible_truncation, reason = "prices are far below 2^53 centavos")]
fn cents(value: f64) -> i64 {
    (value * 100.0).round() as i64
}

/// An item with what the catalog knows, without quantity and price. A SKU that is only an id has its RefId as its name.
fn described(world: &World, sku: SkuId) -> Item {
    let reference = world.skus.reference(sku).map_or_else(String::new, |reference| reference.to_string());
    let known = world.catalog_sku(sku);
    let product = known.as_ref().and_then(|known| world.product(known.product));
    let component = |kit: &super::super::KitView| Component {
        sku: kit.sku,
        reference: world.skus.reference(kit.sku).map_or_else(String::new, |text| text.to_string()),
        quantity: kit.quantity.into(),
        price: cents(kit.unit_price),
    };
    let name = product.as_ref().map_or_else(|| reference.clone(), |product| product.name.clone());
    let sku_name = known.as_ref().map_or_else(|| name.clone(), |known| known.name.clone());
    Item {
        unique_id: String::new(),
        product: known.as_ref().map_or(sku, |known| known.product),
        sku,
        name: if sku_name == name { name.clone() } else { format!("{name} {sku_name}") },
        sku_name,
        ean: known.as_ref().and_then(|known| known.eans.first().cloned()),
        brand: product.as_ref().map_or((1, String::new()), |one| (one.brand.id, one.brand.name.clone())),
        category: product.as_ref().map_or((1, String::new()), |one| {
            (one.category.id, one.category.path.last().cloned().unwrap_or_default())
        }),
        image: known
            .as_ref()
            .and_then(|known| known.images.first())
            .map_or_else(String::new, |image| image.url.clone()),
        page: product.as_ref().map_or_else(|| format!("/sku-{sku}/p"), |one| format!("/{}/p", one.link)),
        quantity: 0,
        price: 0,
        list_price: 0,
        cost_price: 0,
        discount: 0,
        gift: false,
        unit: known.as_ref().map_or_else(|| "un".to_owned(), |known| known.unit.clone()),
        unit_multiplier: known.as_ref().map_or(1.0, |known| known.unit_multiplier),
        packaged: known.as_ref().map_or([1.0; 3], |known| known.packaged),
        grams: known.as_ref().map_or(1.0, |known| known.packaged_grams),
        components: known.iter().flat_map(|known| known.components.iter().map(component)).collect(),
        allotments: Vec::new(),
        reference,
    }
}

pub(super) fn refused(text: String) -> WorldError {
    WorldError::Order(text)
}
