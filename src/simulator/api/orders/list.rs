//! The list of orders: late and without details, for reconciling.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::query_value;
use super::super::super::world::{Order, OrderStatus};
use super::super::Call;
use super::{date, payments};

const PER_PAGE_DEFAULT: usize = 15;
const PER_PAGE_MAX: usize = 100;
/// Later pages are refused.
const PAGE_MAX: usize = 30;

/// What the query wants.
struct Wanted {
    created: Option<(Timestamp, Timestamp)>,
    authorized: Option<(Timestamp, Timestamp)>,
    invoiced: Option<(Timestamp, Timestamp)>,
    status: Vec<String>,
    text: Option<String>,
    incomplete: bool,
    before: Timestamp,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    let (page, per_page) = (page(call, "page", 1)?, page(call, "per_page", PER_PAGE_DEFAULT)?);
    if page > PAGE_MAX || per_page > PER_PAGE_MAX {
        return Err(Reply::error(400, "Max page exceed"));
    }
    let desk = call.world.orders();
    let lag = desk.options().list_lag;
    let wanted = Wanted {
        created: range(call, "f_creationDate")?,
        authorized: range(call, "f_authorizedDate")?,
        invoiced: range(call, "f_invoicedDate")?,
        status: query_value(call.query, "f_status")
            .map(|text| text.split(',').map(|status| status.trim().to_owned()).collect())
            .unwrap_or_default(),
        text: query_value(call.query, "q").map(|text| text.to_lowercase()),
        incomplete: query_value(call.query, "incompleteOrders").is_some_and(|text| text == "true"),
        before: desk.now().checked_sub(lag).unwrap_or(Timestamp::MIN),
    };
    let served = desk.all().iter().filter(|order| desk.find(&order.id).is_some());
    let mut found: Vec<&Order> = served.filter(|order| wanted.fits(order)).collect();
    let order_by = query_value(call.query, "orderBy").unwrap_or_default();
    if !order_by.ends_with(",asc") {
        found.reverse();
    }
    let total = found.len();
    let shown: Vec<Value> =
        found.iter().skip((page - 1) * per_page).take(per_page).map(|order| line(order)).collect();
    let values: Vec<i64> = found.iter().map(|order| order.value()).collect();
    let counts: Vec<i64> =
        found.iter().map(|order| order.items.iter().map(|item| item.quantity).sum()).collect();
    Ok(Reply::json_utf8(&json!({
        "list": shown,
        "facets": [],
        "paging": {
            "total": total,
            "pages": total.div_ceil(per_page),
            "currentPage": page,
            "perPage": per_page,
        },
        "stats": {"stats": {"totalValue": statistics(&values), "totalItems": statistics(&counts)}},
    })))
}

impl Wanted {
    fn fits(&self, order: &Order) -> bool {
        let within = |range: Option<(Timestamp, Timestamp)>, at: Option<Timestamp>| {
            range.is_none_or(|(from, to)| at.is_some_and(|at| from <= at && at <= to))
        };
        order.created <= self.before
            && order.is_complete() != self.incomplete
            && within(self.created, Some(order.created))
            && within(self.authorized, order.authorized)
            && within(self.invoiced, order.invoiced)
            && (self.status.is_empty()
                || order.status.is_some_and(|status| self.status.iter().any(|one| one == status.name())))
            && self.text.as_ref().is_none_or(|text| {
                let customer = &order.customer;
                let texts = [&order.id, &customer.document, &customer.email, &order.sequence.to_string()];
                texts.iter().any(|own| own.to_lowercase().contains(text))
            })
    }
}

fn page(call: Call<'_>, name: &str, default: usize) -> Result<usize, Reply> {
    match query_value(call.query, name) {
        None => Ok(default),
        Some(text) => {
            let number = text.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| Reply::error(400, &format!("{name} is not a page")))
        }
    }
}

/// `creationDate:[2024-01-01T02:00:00.000Z TO 2024-01-02T01:59:59.999Z]`
fn range(call: Call<'_>, name: &str) -> Result<Option<(Timestamp, Timestamp)>, Reply> {
    let Some(text) = query_value(call.query, name) else { return Ok(None) };
    let bad = || Reply::error(400, &format!("{name} is not a range of dates"));
    let inner = text.split_once(":[").and_then(|(_, rest)| rest.strip_suffix(']')).ok_or_else(bad)?;
    let (from, to) = inner.split_once(" TO ").ok_or_else(bad)?;
    Ok(Some((from.parse().map_err(|_| bad())?, to.parse().map_err(|_| bad())?)))
}

fn line(order: &Order) -> Value {
    let estimate = order.created + jiff::SignedDuration::from_hours(24 * order.delivery.estimate_days);
    json!({
        "orderId": order.id,
        "creationDate": date(order.created),
        "clientName": format!("{} {}", order.customer.first_name, order.customer.last_name),
        "items": null,
        "totalValue": order.value(),
        "paymentNames": payments::names(order),
        "status": order.status.map_or("", OrderStatus::name),
        "statusDescription": order.status.map_or("", OrderStatus::description),
        "marketPlaceOrderId": null,
        "sequence": order.sequence.to_string(),
        "salesChannel": order.sales_channel,
        "affiliateId": order.affiliate,
        "origin": if order.affiliate.is_empty() { "Marketplace" } else { "Fulfillment" },
        "workflowInErrorState": order.in_error,
        "workflowInRetry": false,
        "lastMessageUnread": null,
        "ShippingEstimatedDate": order.authorized.map(|_| date(estimate)),
        "ShippingEstimatedDateMax": null,
        "ShippingEstimatedDateMin": null,
        "orderIsComplete": order.is_complete(),
        "listId": null,
        "listType": null,
        "authorizedDate": order.authorized.map(date),
        "callCenterOperatorName": null,
        "totalItems": order.items.iter().map(|item| item.quantity).sum::<i64>(),
        "currencyCode": "BRL",
    })
}

/// All orders here are of one currency and one origin; the other origin's numbers are zero.
fn statistics(values: &[i64]) -> Value {
    let facets = json!({
        "origin": {"Fulfillment": bare(&[]), "Marketplace": bare(values)},
        "currencyCode": {"BRL": bare(values)},
    });
    let mut all = bare(values);
    all["Facets"] = facets;
    all
}

fn bare(values: &[i64]) -> Value {
    // A whole number where it is one, as VTEX's file has it.
    let (sum, count) = (values.iter().sum::<i64>(), i64::try_from(values.len()).unwrap_or(i64::MAX).max(1));
    #[expect(clippy::cast_precision_loss, reason = "sums of centavos are far below 2^53")]
    let mean = if sum % count == 0 { json!(sum / count) } else { json!(sum as f64 / count as f64) };
    json!({
        "Count": values.len(),
        "Max": values.iter().max().unwrap_or(&0),
        "Mean": mean,
        "Min": values.iter().min().unwrap_or(&0),
        "Missing": 0,
        "StdDev": 0,
        "Sum": values.iter().sum::<i64>(),
        "SumOfSquares": values.iter().map(|value| value * value).sum::<i64>(),
        "Facets": null,
    })
}
