//! Whether a SKU can be sold, condition by condition, as far as VTEX has confirmed it.

use serde::Serialize;

use crate::core::entity::{Entity, Key};
use crate::core::value::Value;
use crate::core::value::catalog::{Product, Sku};
use crate::store::{Store, StoreError};

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Condition {
    pub(super) holds: bool,
    pub(super) text: String,
}

fn condition(holds: bool, yes: impl Into<String>, no: impl Into<String>) -> Condition {
    Condition { holds, text: if holds { yes.into() } else { no.into() } }
}

/// The conditions of an active SKU that a shopper can buy (VTEX Catalog API, "activation of SKUs").
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn of(store: &Store, sku_ref: &str, warehouses: &[String]) -> Result<Vec<Condition>, StoreError> {
    let confirmed = |entity: Entity, id: &str| -> Result<Option<Value>, StoreError> {
        let found = store.confirmed(&Key { entity, id: id.into() })?;
        Ok(found.map(|confirmed| confirmed.value))
    };
    let mut conditions = Vec::new();
    let sku = match confirmed(Entity::Sku, sku_ref)? {
        Some(Value::Sku(sku)) => Some(sku),
        _ => None,
    };
    let product = match &sku {
        Some(sku) => match confirmed(Entity::Product, &sku.product)? {
            Some(Value::Product(product)) => Some(product),
            _ => None,
        },
        None => None,
    };
    conditions.push(condition(sku.is_some(), "the SKU is in VTEX", "VTEX has not confirmed the SKU yet"));
    conditions.extend(sku.iter().flat_map(|sku| of_sku(sku)));
    if let Some(product) = &product {
        conditions.extend(of_product(product));
        let brand = confirmed(Entity::Brand, &product.brand)?.is_some();
        conditions.push(condition(
            brand,
            format!("brand {} is in VTEX", product.brand),
            format!("VTEX has not confirmed brand {} yet", product.brand),
        ));
        let category = confirmed(Entity::Category, &product.category)?.is_some();
        conditions.push(condition(
            category,
            format!("category {} is in VTEX", product.category),
            format!("VTEX has not confirmed category {} yet", product.category),
        ));
    } else if sku.is_some() {
        conditions.push(condition(false, "", "VTEX has not confirmed the product yet"));
    }
    let price = confirmed(Entity::Price, sku_ref)?.and_then(|price| price.is_priced());
    let without = match price {
        Some(_) => "Live has no price for it (VTEX may still have an old one)",
        None => "VTEX has confirmed no price for it",
    };
    conditions.push(condition(price == Some(true), "it has a price", without));
    let mut units = 0;
    for warehouse in warehouses {
        if let Some(Value::Stock(stock)) = confirmed(Entity::Stock, &format!("{warehouse}/{sku_ref}"))? {
            units += u64::from(stock.quantity);
        }
    }
    conditions.push(condition(
        units > 0,
        format!("{units} units in all warehouses"),
        "no warehouse has any of it",
    ));
    Ok(conditions)
}

fn of_sku(sku: &Sku) -> [Condition; 3] {
    [
        condition(
            sku.active,
            "Live has it for sale",
            "in Live it is not for sale (situação, ativo no e-commerce)",
        ),
        condition(
            !sku.images.is_empty(),
            format!("{} images", sku.images.len()),
            "it has no image: VTEX does not activate it",
        ),
        condition(
            !sku.specifications.is_empty() || sku.components.is_empty(),
            "its specifications are sent (which of them the category requires, VTEX knows)",
            "it has no specification",
        ),
    ]
}

fn of_product(product: &Product) -> [Condition; 2] {
    let policies: Vec<String> = product.trade_policies.iter().map(ToString::to_string).collect();
    [
        condition(
            product.shown,
            "the product is shown",
            "the product is hidden (Produto Ativo no E-commerce?)",
        ),
        condition(
            true,
            if policies.is_empty() {
                "trade policies: as VTEX has them".to_owned()
            } else {
                format!("trade policies: {}", policies.join(", "))
            },
            "",
        ),
    ]
}
