//! The look-ups of the Catalog API that a replicator needs.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::world::World;

/// The only batch look-up. Unknown references are null; duplicates fail as they do at VTEX.
pub(super) fn ids_by_refs(world: &World, body: &Value) -> Answer {
    let Some(refs) = body.as_array() else { return Answer::bad("an array is expected") };
    let mut seen = HashSet::new();
    let mut found = Map::new();
    for sku_ref in refs {
        let Some(sku_ref) = sku_ref.as_str() else { return Answer::bad("texts are expected") };
        if !seen.insert(sku_ref) {
            return Answer::json(500, &json!({ "Message": "An error has occurred." }));
        }
        if let Some(id) = world.sku(sku_ref) {
            found.insert(sku_ref.to_owned(), json!(id.to_string()));
        }
    }
    Answer::json(200, &Value::Object(found))
}

pub(super) fn id_by_ref(world: &World, sku_ref: &str) -> Answer {
    match world.sku(sku_ref) {
        Some(id) => Answer::json(200, &json!(id.to_string())),
        None => Answer::json(404, &json!("SKU not found.")),
    }
}

pub(super) fn sku(world: &World, id: u32) -> Answer {
    let Some(sku_ref) = world.sku_ref(id) else { return Answer::json(404, &json!("SKU not found")) };
    Answer::json(
        200,
        &json!({
            "Id": id, "ProductId": id, "IsActive": true, "ActivateIfPossible": true, "Name": sku_ref,
            "RefId": sku_ref, "PackagedHeight": 10.0, "PackagedLength": 10.0, "PackagedWidth": 10.0,
            "PackagedWeightKg": 100, "IsKit": false, "MeasurementUnit": "un", "UnitMultiplier": 1.0,
        }),
    )
}

pub(super) fn sku_ids(world: &World, page: usize, size: usize) -> Answer {
    let ids = world.sku_ids();
    let from = page.saturating_sub(1).saturating_mul(size);
    Answer::json(200, &json!(ids.into_iter().skip(from).take(size).collect::<Vec<_>>()))
}

/// Trade policies.
pub(super) fn sales_channels() -> Answer {
    let channel = |id: u32| {
        json!({
            "Id": id, "Name": format!("Policy {id}"), "IsActive": true, "ProductClusterId": null,
            "CountryCode": "BRA", "CultureInfo": "pt-BR", "TimeZone": "E. South America Standard Time",
            "CurrencyCode": "BRL", "CurrencySymbol": "R$", "CurrencyLocale": 1046,
            "CurrencyFormatInfo": null, "Origin": null, "Position": null, "ConditionRule": null,
            "CurrencyDecimalDigits": 2,
        })
    };
    Answer::json(200, &json!([channel(1), channel(2)]))
}
