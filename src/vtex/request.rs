//! Method, path and body of every call: pure.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use compact_str::CompactString;
use reqwest::Method;

use super::{bulk, catalog, logistics, orders, people, pricing};
use crate::core::call::{Call, Lane, Route};

/// A request that is ready to be sent to the base URL of its API family.
/// `Debug` shows method and API family only: path and body may tell of a person.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) lane: Lane,
    /// Beginning with `/`, percent-encoded.
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// The header `REST-Range` of searches in Master Data.
    pub(super) range: Option<Cow<'static, str>>,
}

/// Why a call was not made into a request. VTEX would answer it with 400, or worse, accept it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("'{0}' cannot be part of a path")]
    Segment(String),
    #[error("a quantity of {0} is above 2147483647, the most that VTEX takes")]
    Quantity(u32),
    #[error("a date {0} microseconds from 1970 is out of range")]
    Date(i64),
    #[error("it goes to storage, not to VTEX")]
    Elsewhere,
    #[error("a price without a base price")]
    NoBasePrice,
    #[error(
        "VTEX requires a price for each component of a kit, and Live has none: set \
         tuning.catalog.kit_component_price, or leave kits out of the mapping"
    )]
    NoComponentPrice,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} to {})", self.method, self.lane.name())
    }
}

impl Request {
    /// `consents`: the entity that holds acts of consent.
    pub(super) fn of(call: &Call, consents: &str) -> Result<Self, Refused> {
        let mut range = None;
        let (method, path, body) = match call {
            Call::SetStock { sku, warehouse, quantity, balance_at } => (
                Method::PATCH,
                logistics::quantity_path(*sku, warehouse)?,
                Some(logistics::quantity_body(*quantity, *balance_at)?),
            ),
            Call::ReadStock { sku, .. } | Call::ReadBalances { sku, .. } => {
                (Method::GET, logistics::sku_path(*sku), None)
            }
            Call::PutPrice { sku, price } => {
                (Method::PUT, pricing::price_path(*sku), Some(pricing::price_body(price)?))
            }
            Call::PatchFixed { sku, fixed } => {
                (Method::PATCH, pricing::fixed_path(*sku), Some(pricing::fixed_body(fixed)?))
            }
            Call::DeleteFixed { sku, trade_policy } => {
                (Method::DELETE, pricing::table_path(*sku, trade_policy)?, None)
            }
            Call::DeletePrice { sku } => (Method::DELETE, pricing::price_path(*sku), None),
            Call::ReadPrice { sku } => (Method::GET, pricing::price_path(*sku), None),
            Call::FindSkus { refs } => return Ok(Self::lookup(refs)),
            Call::Catalog(call) => catalog::request(call)?,
            Call::People(call) => {
                range = people::range(call);
                people::request(call, consents)?
            }
            Call::Bulk(call) => bulk::request(call)?,
            Call::Order(call) => orders::request(call)?,
        };
        Ok(Self { method, lane: call.lane(), path, body, range })
    }

    pub(super) const fn get(lane: Lane, path: String) -> Self {
        Self { method: Method::GET, lane, path, body: None, range: None }
    }

    pub(super) fn lookup(refs: &[CompactString]) -> Self {
        let path = catalog::LOOKUP_PATH.to_owned();
        let body = Some(catalog::lookup_body(refs));
        Self { method: Method::POST, lane: Lane::Catalog, path, body, range: None }
    }
}

/// Method and path of a call, as `explain` shows them. Holds no secrets, and of people neither address nor name.
pub fn describe(call: &Call) -> String {
    match call {
        Call::People(call) => return call.line(),
        Call::Bulk(call) => return call.line(),
        _ => {}
    }
    match Request::of(call, people::DEFAULT_CONSENT_ENTITY) {
        Ok(request) => format!("{} {}", request.method, request.path),
        Err(refused) => format!("not sent: {refused}"),
    }
}

/// The body of a call, as `explain` shows it; `None` for calls without one, and for those about people.
pub fn request_body(call: &Call) -> Result<Option<String>, Refused> {
    if let Call::People(_) = call {
        return Ok(None);
    }
    Request::of(call, people::DEFAULT_CONSENT_ENTITY).map(|request| request.body)
}

/// The License Manager resource that the key needs for a route (permissions of each operation in VTEX's
/// OpenAPI files): what a 403 is about.
pub const fn resource(route: Route) -> &'static str {
    match route {
        Route::StockWrite | Route::StockRead => "Logistics inventory full access",
        Route::PricePut | Route::PricePatch => "Modify prices",
        Route::PriceBulk => "Modify prices, and Read prices",
        Route::StockBulk => "Logistics - Full access",
        // Also for the price, or a single fixed price, of one SKU, in spite of its name.
        Route::PriceDelete => "Delete all prices from account",
        Route::PriceRead => "Read prices",
        Route::SkuLookup => "SKUs",
        // The product Catalog's: of every brand, category, product and SKU that is mapped.
        Route::CatalogRead | Route::CatalogWrite => {
            "Product and SKU Management, Product management, SKUs, Categories Management, Category, \
             Brands Management, Brand Management, Brands (kits: SKU Bundles)"
        }
        Route::PeopleRead => "Read only documents",
        // The first saves everything; addresses that are gone can only be deleted with the second.
        Route::PeopleWrite => "Insert or update document (not remove), and Full access to all documents",
        Route::OrderRead => "View order",
        Route::OrderWrite => "Change order workflow status, Notify invoice, Cancel order, Change order",
    }
}

/// Appends `/` and `segment`, percent-encoded but for RFC 3986's unreserved characters.
///
/// Refuses what would change the meaning of the path instead of naming something: an empty segment would
/// turn "delete this fixed price" into its parent, and dots are resolved away by URL parsers even when
/// they are encoded.
pub(super) fn push_segment(path: &mut String, segment: &str) -> Result<(), Refused> {
    if matches!(segment, "" | "." | "..") {
        return Err(Refused::Segment(segment.to_owned()));
    }
    path.push('/');
    push_escaped(path, segment);
    Ok(())
}

/// Appends `text`, percent-encoded but for RFC 3986's unreserved characters.
pub(super) fn push_escaped(path: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_segment_is_read_back_as_it_was(segment in "\\PC{1,20}") {
            prop_assume!(segment != "." && segment != "..");
            let mut path = String::new();
            push_segment(&mut path, &segment).unwrap();
            let url = reqwest::Url::parse(&format!("http://host/a{path}/z")).unwrap();
            let parts: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(parts.len(), 3);
            prop_assert_eq!(decode(parts[1]), segment);
        }
    }

    fn decode(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            if *first == b'%' {
                let hex = std::str::from_utf8(&tail[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_segment_never_climbs_to_its_parent() {
        for segment in ["", ".", ".."] {
            assert!(push_segment(&mut String::new(), segment).is_err(), "{segment:?}");
        }
    }
}
