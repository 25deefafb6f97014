//! Orders as they come in practice: with fields that are null or not there at all.

use serde_json::Value;

/// Fields that VTEX's orders lack now and then; `*` is every element. None of them is one without which nobody could
/// fulfil the order.
const OFTEN_MISSING: [&str; 22] = [
    "/clientPreferencesData",
    "/clientProfileData/phone",
    "/clientProfileData/lastName",
    "/clientProfileData/userProfileId",
    "/followUpEmail",
    "/orderFormId",
    "/hostname",
    "/marketplace",
    "/storePreferencesData",
    "/ratesAndBenefitsData",
    "/itemMetadata",
    "/customData",
    "/openTextField",
    "/invoiceData",
    "/shippingData/address/number",
    "/shippingData/address/neighborhood",
    "/shippingData/address/complement",
    "/shippingData/contactInformation",
    "/items/*/imageUrl",
    "/items/*/ean",
    "/items/*/additionalInfo",
    "/items/*/components",
];
/// Of these fields, so many become null, and as many are left out.
const SHARE: f64 = 0.2;

/// Thins an order out; the same order always in the same way.
pub(super) fn thin_out(document: &mut Value, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x7370_6172);
    for path in OFTEN_MISSING {
        let drawn = random.f64();
        if drawn < 2.0 * SHARE {
            let segments: Vec<&str> = path.split('/').skip(1).collect();
            strike(document, &segments, drawn < SHARE);
        }
    }
}

fn strike(value: &mut Value, path: &[&str], to_null: bool) {
    match (path, value) {
        ([name], Value::Object(fields)) if to_null => {
            if let Some(field) = fields.get_mut(*name) {
                *field = Value::Null;
            }
        }
        ([name], Value::Object(fields)) => drop(fields.remove(*name)),
        (["*", rest @ ..], Value::Array(elements)) => {
            elements.iter_mut().for_each(|element| strike(element, rest, to_null));
        }
        ([name, rest @ ..], Value::Object(fields)) => {
            if let Some(field) = fields.get_mut(*name) {
                strike(field, rest, to_null);
            }
        }
        _ => {}
    }
}
