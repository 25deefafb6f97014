//! `GET /api/oms/pvt/orders`: which orders there are, for when the feed has told nothing.

use compact_str::CompactString;

use super::feed::{Told, json};
use crate::core::call::{Failure, Lane};
use crate::core::order::purchase::Purchase;
use crate::core::time::Timestamp;
use crate::vtex::client::Client;
use crate::vtex::request::{Request, push_escaped};

/// The most that VTEX gives of one question: 30 pages of 100.
const PAGE: usize = 100;
pub const PAGES_MAX: u64 = 30;
const DAY_MICROS: i64 = 86_400_000_000;

/// A page of the orders of some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// With the status of each.
    pub orders: Vec<(CompactString, CompactString)>,
    /// Of this question. More than [`PAGES_MAX`] are not given: ask for a shorter time.
    pub pages: u64,
}

impl Client {
    /// Orders made from `from` until before `to`, oldest first; `page` counts from 1.
    pub async fn list_orders(&self, from: Timestamp, to: Timestamp, page: u64) -> Told<Listed> {
        self.orders_page(from, to, "asc", PAGE, page).await
    }

    /// The newest orders of the last `days` before `now`, at most `count` and 100 of them, each as it is now.
    ///
    /// # Errors
    /// The first question that VTEX does not answer. An order that cannot be read is left out.
    pub async fn newest_purchases(
        &self,
        now: Timestamp,
        days: u16,
        count: usize,
    ) -> Result<Vec<Purchase>, Failure> {
        let from = Timestamp(now.0 - i64::from(days) * DAY_MICROS);
        let newest = self.orders_page(from, now, "desc", count.clamp(1, PAGE), 1).await.result?;
        let mut purchases = Vec::new();
        for (order, _) in newest.orders {
            match self.read_purchase(&order).await.result {
                Ok(purchase) => purchases.extend(purchase),
                Err(Failure::Malformed(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(purchases)
    }

    async fn orders_page(
        &self,
        from: Timestamp,
        to: Timestamp,
        order: &str,
        size: usize,
        page: u64,
    ) -> Told<Listed> {
        let mut path = format!("/api/oms/pvt/orders?orderBy=creationDate,{order}&f_creationDate=");
        push_escaped(&mut path, &format!("creationDate:[{from} TO {to}]"));
        path.push_str(&format!("&per_page={size}&page={page}"));
        self.told(&Request::get(Lane::Orders, path), |result| listed(&result?)).await
    }
}

fn listed(body: &[u8]) -> Result<Listed, Failure> {
    let answer = json(body, "list of orders")?;
    let list =
        answer["list"].as_array().ok_or_else(|| Failure::Malformed("list of orders: no list".to_owned()))?;
    let order = |order: &serde_json::Value| {
        let status = order["status"].as_str().unwrap_or_default();
        Some((CompactString::new(order["orderId"].as_str()?), CompactString::new(status)))
    };
    Ok(Listed {
        orders: list.iter().filter_map(order).collect(),
        pages: answer["paging"]["pages"].as_u64().unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_orders() {
        let body = br#"{"list":[{"orderId":"1-01","status":"handling"},{"orderId":null},{"orderId":"2-01"}],"paging":{"total":2,"pages":3}}"#;
        assert_eq!(
            listed(body).unwrap(),
            Listed { orders: vec![("1-01".into(), "handling".into()), ("2-01".into(), "".into())], pages: 3 }
        );
        assert!(listed(b"[]").is_err());
    }

    #[test]
    fn any_bytes_are_a_list_or_an_error() {
        crate::mutation::each("orders", &crate::mutation::JSON, |body| drop(listed(body)));
    }
}
