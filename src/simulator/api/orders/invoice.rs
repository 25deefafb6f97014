//! Invoices and their tracking.

use serde::Deserialize;

use super::super::super::reply::Reply;
use super::super::super::world::{NewInvoice, NotInvoiced, TrackingEvent};
use super::super::Call;
use super::{on_order, parse, receipt};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    issuance_date: Option<String>,
    invoice_number: Option<String>,
    /// Centavos as text. A number is what other APIs of VTEX take here.
    invoice_value: Option<String>,
    invoice_key: Option<String>,
    invoice_url: Option<String>,
    embedded_invoice: Option<String>,
    courier: Option<String>,
    tracking_number: Option<String>,
    tracking_url: Option<String>,
    items: Option<Vec<Line>>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    price: i64,
    quantity: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackingPatch {
    tracking_number: String,
    tracking_url: Option<String>,
    courier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackingPut {
    is_delivered: bool,
    delivered_date: Option<String>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    city: String,
    state: String,
    description: String,
    date: String,
}

pub(super) fn post(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "invoice", |desk, place| {
        let new = parse::<Body>(call.body)?.invoice()?;
        match desk.invoice(place, new) {
            Ok(()) => Ok(Reply::json(&receipt(desk, place))),
            Err(NotInvoiced::State) => {
                let status = desk.options().not_invoiceable_status;
                Err(Reply::error(status, "The order's status takes no invoice"))
            }
            Err(NotInvoiced::AboveValue) => {
                Err(Reply::error(400, "The invoices are above the value of the order"))
            }
            Err(NotInvoiced::Items) => Err(Reply::error(400, "The items are not those of the order")),
        }
    })
}

impl Body {
    fn invoice(self) -> Result<NewInvoice, Reply> {
        let missing = |name: &str| Reply::error(400, &format!("{name} is required"));
        let sale = match self.kind.as_deref() {
            Some("Output") => true,
            Some("Input") => false,
            _ => return Err(Reply::error(400, "type is Output or Input")),
        };
        let value = self.invoice_value.ok_or_else(|| missing("invoiceValue"))?.parse::<i64>().ok();
        let value = value.filter(|value| *value > 0);
        let number = self.invoice_number.filter(|number| !number.is_empty());
        let items = self.items.ok_or_else(|| missing("items"))?;
        if items.iter().any(|line| line.quantity <= 0 || line.price < 0) {
            return Err(Reply::error(400, "quantity and price of an item are positive"));
        }
        Ok(NewInvoice {
            sale,
            number: number.ok_or_else(|| missing("invoiceNumber"))?,
            value: value.ok_or_else(|| Reply::error(400, "invoiceValue is above zero, in centavos"))?,
            key: self.invoice_key,
            url: self.invoice_url,
            xml: self.embedded_invoice,
            issued: self.issuance_date.ok_or_else(|| missing("issuanceDate"))?,
            courier: self.courier,
            tracking_number: self.tracking_number,
            tracking_url: self.tracking_url,
            items: items.into_iter().map(|line| (line.id, line.quantity, line.price)).collect(),
        })
    }
}

pub(super) fn patch(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "invoice-tracking-number", |desk, place| {
        let body: TrackingPatch = parse(call.body)?;
        let invoice = desk.invoice_mut(place, &call.target.second);
        let invoice = invoice.ok_or_else(|| Reply::error(404, "Invoice not found"))?;
        invoice.tracking_number = Some(body.tracking_number);
        invoice.tracking_url = body.tracking_url;
        invoice.courier = body.courier.or_else(|| invoice.courier.take());
        Ok(Reply::json(&receipt(desk, place)))
    })
}

pub(super) fn tracking(call: Call<'_>) -> Result<Reply, Reply> {
    on_order(call, "tracking", |desk, place| {
        let body: TrackingPut = parse(call.body)?;
        let received = desk.now();
        let number = &call.target.second;
        if desk.invoice_mut(place, number).is_none() {
            return Err(Reply::error(404, "Invoice not found"));
        }
        let events = body.events.into_iter().map(|event| TrackingEvent {
            city: event.city,
            state: event.state,
            description: event.description,
            date: event.date,
            received,
        });
        if desk.track(place, number, body.is_delivered, body.delivered_date, events.collect()) {
            return Ok(Reply::json_utf8(&receipt(desk, place)));
        }
        Err(Reply::error(400, "The invoice has no tracking number"))
    })
}
