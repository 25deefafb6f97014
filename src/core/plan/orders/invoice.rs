//! Which fiscal documents VTEX has, and what the next one is called.

use compact_str::{CompactString, format_compact};

use super::carry_out::Outcome;
use super::{Plan, tasks};
use crate::core::call::orders::{DocumentItem, InvoiceDocument, OrderAct};
use crate::core::money::Money;
use crate::core::order::{Direction, Package, Phase, RemoteItem};
use crate::core::value::order::{Invoice, InvoiceItem, InvoiceState, Line, Part};

impl Part {
    /// Documents of what was sold, and that hold.
    pub(super) fn sales(&self) -> impl Iterator<Item = &Invoice> {
        self.invoices.iter().filter(|invoice| {
            invoice.direction == Direction::Output && invoice.state == InvoiceState::Authorised
        })
    }
}

impl<'a> Plan<'a> {
    /// What VTEX has of a document of this order: told by its access key, and without one by name and value. Where several
    /// documents could be the same package, the first of them is.
    pub(super) fn package_of(&self, invoice: &Invoice) -> Option<&'a Package> {
        let mut taken: Vec<&Package> = Vec::new();
        for part in &self.wanted.parts {
            for other in part.invoices.iter().filter(|other| other.was_issued()) {
                let is_free = |package: &&Package| !taken.iter().any(|taken| std::ptr::eq(*taken, *package));
                let found =
                    self.order.packages.iter().filter(is_free).find(|package| is_of(package, part, other));
                if std::ptr::eq(other, invoice) {
                    return found;
                }
                taken.extend(found);
            }
        }
        None
    }

    /// A document that VTEX does not have.
    pub(super) fn invoice(&self, part: &Part, invoice: &Invoice) -> Outcome {
        if let Some(first) = self.open_request() {
            return Outcome::Now(first);
        }
        if self.order.status.phase() == Phase::Invoiced {
            return Outcome::Task(tasks::ALREADY_INVOICED);
        }
        if !self.held.fresh {
            return Outcome::Now(super::read(self.situation));
        }
        if let Some(first) = self.take_out_missing() {
            return Outcome::Now(first);
        }
        let (sum, value) = (self.sum(), self.order.value);
        if sum > value {
            return Outcome::Task(tasks::SUM_TOO_LARGE);
        }
        let comes_apart = sum < value && self.is_whole() && !self.is_short();
        if comes_apart && !self.rules().partial_invoices {
            return Outcome::Awaits(tasks::SUM_DIFFERS);
        }
        match self.document(part, invoice, Direction::Output, names(part, invoice)) {
            Some(document) => Outcome::Now(self.tell(OrderAct::Invoice(Box::new(document)))),
            None => Outcome::Task(tasks::UNKNOWN_ITEM),
        }
    }

    /// What VTEX has, and what it is to have besides.
    fn sum(&self) -> Money {
        let unsent = self
            .wanted
            .parts
            .iter()
            .filter(|part| part.step.is_invoiced())
            .flat_map(Part::sales)
            .filter(|invoice| self.package_of(invoice).is_none());
        Money(self.order.invoiced().0 + unsent.map(|invoice| invoice.value.0).sum::<i64>())
    }

    /// Whether every pedido that is to be carried out has its document.
    pub(super) fn is_whole(&self) -> bool {
        self.wanted.live_parts().all(|part| part.step.is_invoiced() && part.sales().next().is_some())
    }

    /// The document for VTEX, under the first name that is free; none: VTEX's order does not have its items.
    pub(super) fn document(
        &self,
        part: &Part,
        invoice: &Invoice,
        direction: Direction,
        names: Vec<CompactString>,
    ) -> Option<InvoiceDocument> {
        let is_free =
            |name: &CompactString| self.order.packages.iter().all(|package| package.number != *name);
        let items: Option<Vec<DocumentItem>> =
            invoice.items.iter().map(|item| self.document_item(part, item)).collect();
        Some(InvoiceDocument {
            direction,
            number: names.into_iter().find(is_free)?,
            value: invoice.value,
            key: invoice.key.clone().filter(|_| direction == invoice.direction),
            url: invoice.url.clone(),
            issued_at: invoice.issued_at,
            items: items?,
        })
    }

    fn document_item(&self, part: &Part, item: &InvoiceItem) -> Option<DocumentItem> {
        let line = part.lines.iter().find(|line| line.sku == item.sku);
        let found = self.item(&item.sku, line)?;
        let quantity = item.quantity.is_whole().then(|| item.quantity.floor()).filter(|units| *units > 0)?;
        Some(DocumentItem { id: found.id.clone(), quantity, price: item.price })
    }

    /// The item of VTEX's order that a SKU of Live is.
    pub(super) fn item(&self, sku: &str, line: Option<&Line>) -> Option<&'a RemoteItem> {
        let external = line.and_then(|line| line.external.as_deref());
        let items = || self.order.items.iter().filter(|item| !item.id.is_empty());
        items()
            .find(|item| !sku.is_empty() && item.ref_id == sku)
            .or_else(|| items().find(|item| external.is_some_and(|it| item.unique_id == it || item.id == it)))
    }
}

fn is_of(package: &Package, part: &Part, invoice: &Invoice) -> bool {
    package.direction == invoice.direction
        && match (&package.key, &invoice.key) {
            (Some(package), Some(invoice)) => package == invoice,
            _ => names(part, invoice).contains(&package.number) && package.value == invoice.value,
        }
}

/// What a document may be called in its order, the best name first: its number; where another one has that, with its
/// series; and where two stores have the same, with the pedido. VTEX takes letters and digits (known issue 1302085).
pub(super) fn names(part: &Part, invoice: &Invoice) -> Vec<CompactString> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<CompactString>();
    let (number, series) = (plain(&invoice.number), plain(&invoice.series));
    if number.is_empty() {
        return Vec::new();
    }
    let with_series = format_compact!("{number}S{series}");
    let with_part = format_compact!("{with_series}P{}", plain(&part.number));
    vec![number, with_series, with_part]
}
