//! What a stage expects, and whether what was seen is that.

use serde::Serialize;

use super::seen::{Document, Known, MareSeen, Pedido, Seen};
use crate::core::money::Money;
use crate::core::order::{Direction, Package, Phase, RemoteOrder, Step};
use crate::core::value::order::OrderKind;

/// Where an expectation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Live,
    Vtex,
    Mare,
    /// At both, and compares them.
    Both,
}

impl Side {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Vtex => "VTEX",
            Self::Mare => "maré",
            Self::Both => "both",
        }
    }
}

/// What maré leaves to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Whether the customer of a cancelled sale is paid back.
    TakenBack,
    /// The payment of a cancelled pedido vendedor.
    PaymentByHand,
}

impl Task {
    /// Words of the task that tell it from others.
    const fn words(self) -> &'static str {
        match self {
            Self::TakenBack => "paid back",
            Self::PaymentByHand => "cancel that by hand",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::TakenBack => "a task for a person: whether the customer is paid back",
            Self::PaymentByHand => "a task for a person: the payment is to be cancelled by hand",
        }
    }
}

/// One expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// VTEX has the order, paid and not cancelled.
    Placed,
    /// Live has it, as pedidos of this kind.
    Entered(OrderKind),
    /// Every line is there.
    Lines,
    /// The pedidos are worth what VTEX's order is.
    Value,
    /// Their payments add up to it.
    Paid,
    Customer,
    /// The goods of every line are reserved.
    Reserved,
    /// Live says that the payment is for a person to see to.
    ManualPayment,
    /// Every pedido is at this step or behind it.
    Reached(Step),
    /// VTEX shows a status of this phase.
    Shows(Phase),
    /// maré knows the step that Live shows.
    Known,
    /// maré has told VTEX all about the step that Live shows.
    Told,
    /// Every pedido has an authorised fiscal document.
    Document,
    /// VTEX has no invoice that Live has no authorised document for.
    NoMoreInvoices,
    /// VTEX has each document of Live, by number, key and value, and they are worth the order.
    Invoices,
    Tracking,
    Delivered,
    /// What VTEX shows is what Live's step means.
    Equal,
    /// maré has nothing to send.
    Resting,
    Task(Task),
    /// VTEX has no return.
    NotPaidBack,
    /// VTEX has a return worth the sale.
    PaidBack,
}

/// An expectation, what was seen, and whether that is it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub side: Side,
    pub expected: String,
    pub seen: String,
    pub pass: bool,
}

impl Expect {
    pub fn judge(self, seen: &Seen) -> Check {
        let (pass, text) = self.look(seen).unwrap_or_else(|why| (false, why));
        Check { side: self.side(), expected: self.text(), seen: text, pass }
    }

    const fn side(self) -> Side {
        match self {
            Self::Entered(_)
            | Self::Customer
            | Self::Reserved
            | Self::ManualPayment
            | Self::Reached(_)
            | Self::Document => Side::Live,
            Self::Placed | Self::Shows(_) | Self::Delivered | Self::NotPaidBack => Side::Vtex,
            Self::Known | Self::Told | Self::Resting | Self::Task(_) => Side::Mare,
            Self::Lines
            | Self::Value
            | Self::Paid
            | Self::NoMoreInvoices
            | Self::Invoices
            | Self::Tracking
            | Self::Equal
            | Self::PaidBack => Side::Both,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Placed => "the order, paid and not cancelled".to_owned(),
            Self::Entered(kind) => format!("pedidos of kind {}", kind_name(Some(kind))),
            Self::Lines => "every line of the order".to_owned(),
            Self::Value => "pedidos worth what the order is".to_owned(),
            Self::Paid => "payments that add up to it".to_owned(),
            Self::Customer => "a customer on every pedido".to_owned(),
            Self::Reserved => "the goods of every line reserved".to_owned(),
            Self::ManualPayment => "payment marked as a person's".to_owned(),
            Self::Reached(step) => format!("every pedido at {step}"),
            Self::Shows(phase) => format!("status {}", phase_name(phase)),
            Self::Known => "knows the step that Live shows".to_owned(),
            Self::Told => "has told VTEX all about this step".to_owned(),
            Self::Document => "an authorised fiscal document".to_owned(),
            Self::NoMoreInvoices => "no invoice without an authorised document".to_owned(),
            Self::Invoices => "the same documents, worth the order".to_owned(),
            Self::Tracking => "the same tracking".to_owned(),
            Self::Delivered => "delivered".to_owned(),
            Self::Equal => "the status that Live's step means".to_owned(),
            Self::Resting => "nothing to send".to_owned(),
            Self::Task(task) => task.text().to_owned(),
            Self::NotPaidBack => "nothing paid back by itself".to_owned(),
            Self::PaidBack => "a return worth the sale".to_owned(),
        }
    }

    fn look(self, seen: &Seen) -> Known<(bool, String)> {
        match self {
            Self::Placed => {
                let order = seen.order()?;
                let phase = order.status.phase();
                let is_on_the_way =
                    matches!(phase, Phase::Early | Phase::Ready | Phase::Passing | Phase::Handling);
                let paid = is_on_the_way && order.complete;
                Ok((paid, format!("{}, {}", order.status, order.value)))
            }
            Self::Entered(kind) => {
                let pedidos = seen.pedidos()?;
                let text = each(pedidos, |pedido| {
                    format!("{} as {} ({})", pedido.number, pedido.external, kind_name(pedido.kind))
                });
                Ok((pedidos.iter().all(|pedido| pedido.kind == Some(kind)), text))
            }
            Self::Lines => lines(seen),
            Self::Value => amount(seen, |pedido| pedido.total.clone()),
            Self::Paid => amount(seen, |pedido| pedido.paid.clone()),
            Self::Customer => flag(seen, |pedido| pedido.customer.clone(), "has one", "has none"),
            Self::ManualPayment => flag(seen, |pedido| pedido.manual_payment.clone(), "marked", "not marked"),
            Self::Reserved => reserved(seen),
            Self::Reached(step) => {
                let pedidos = seen.pedidos()?;
                let there = |pedido: &Pedido| pedido.step.is_some_and(|at| is_reached(at, step));
                Ok((pedidos.iter().all(there), each(pedidos, at)))
            }
            Self::Shows(phase) => {
                let order = seen.order()?;
                Ok((order.status.phase() == phase, order.status.to_string()))
            }
            Self::Known => told(seen, |mare| &mare.wanted),
            Self::Told => told(seen, |mare| &mare.confirmed),
            Self::Document => {
                let pedidos = seen.pedidos()?;
                let all = documents(pedidos)?;
                let each_has = |(_, documents): &(_, Vec<&Document>)| {
                    documents.iter().any(|document| document.is_authorised_sale())
                };
                let listed = all.iter().flat_map(|(_, documents)| documents.iter().copied());
                Ok((all.iter().all(each_has), names(listed.map(document_name))))
            }
            Self::NoMoreInvoices => no_more_invoices(seen),
            Self::Invoices => invoices(seen),
            Self::Tracking => tracking(seen),
            Self::Delivered => {
                let order = seen.order()?;
                let all = order.sales().count() > 0 && order.sales().all(|package| package.delivered);
                Ok((all, packages(order)))
            }
            Self::Equal => equal(seen),
            Self::Resting => {
                let mare = mare(seen)?;
                Ok((mare.rests, if mare.rests { "at rest".to_owned() } else { doing(mare) }))
            }
            Self::Task(task) => {
                let mare = mare(seen)?;
                let Some((reason, hint)) = &mare.parked else { return Ok((false, doing(mare))) };
                Ok((reason == "by-hand" && hint.contains(task.words()), format!("{reason}: {hint}")))
            }
            Self::NotPaidBack => {
                let returns: Vec<_> = returns(seen.order()?).collect();
                let text = names(returns.iter().map(|package| package_name(package)));
                Ok((returns.is_empty(), if returns.is_empty() { "no return".to_owned() } else { text }))
            }
            Self::PaidBack => {
                let order = seen.order()?;
                let back: i64 = returns(order).map(|package| package.value.0).sum();
                let text = format!("sold {}, paid back {}", order.invoiced(), Money(back));
                Ok((back > 0 && Money(back) == order.invoiced(), text))
            }
        }
    }
}

/// Whether a pedido that stands at `at` has come to `step`. What ended otherwise has not.
pub(super) fn is_reached(at: Step, step: Step) -> bool {
    let ended = |step: Step| step.is_cancelled() || step.is_taken_back();
    if ended(step) { at == step } else { !ended(at) && at >= step }
}

fn lines(seen: &Seen) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let mut there = super::seen::Lines::default();
    for pedido in pedidos {
        let lines = pedido.lines.clone()?;
        there.count += lines.count;
        there.units += lines.units;
    }
    let (count, units) = (order.items.len(), order.items.iter().map(|item| item.quantity).sum::<i64>());
    let text =
        format!("Live {} lines, {} units; VTEX {count} lines, {units} units", there.count, there.units);
    // A line that two stores share is one in each, and one of VTEX's units may be several of Live's.
    let all = i64::try_from(count).is_ok_and(|count| count > 0 && there.count >= count);
    Ok((all && there.units >= units, text))
}

fn amount(seen: &Seen, of: impl Fn(&Pedido) -> Known<Money>) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let mut sum = 0;
    for pedido in pedidos {
        sum += of(pedido)?.0;
    }
    Ok((sum == order.value.0, format!("Live {}, VTEX {}", Money(sum), order.value)))
}

fn flag(seen: &Seen, of: impl Fn(&Pedido) -> Known<bool>, yes: &str, no: &str) -> Known<(bool, String)> {
    let mut all = true;
    let mut texts = Vec::new();
    for pedido in seen.pedidos()? {
        let holds = of(pedido)?;
        all &= holds;
        texts.push(format!("{} {}", pedido.number, if holds { yes } else { no }));
    }
    Ok((all, texts.join(", ")))
}

fn reserved(seen: &Seen) -> Known<(bool, String)> {
    let pedidos = seen.pedidos()?;
    let (mut units, mut missing) = (0, 0);
    for pedido in pedidos {
        let lines = pedido.lines.clone()?;
        let Some(unreserved) = lines.unreserved else {
            return Ok((true, "left to Live (orders.reserve = \"none\")".to_owned()));
        };
        units += lines.units;
        missing += unreserved;
    }
    if missing > 0 {
        return Ok((false, format!("{missing} lines with less reserved than ordered")));
    }
    match seen.live.as_ref().ok().and_then(|live| live.reserved) {
        None => Ok((true, format!("{units} units"))),
        Some((before, now)) => {
            Ok((now - before >= units, format!("{units} units ordered, {} more reserved", now - before)))
        }
    }
}

fn mare(seen: &Seen) -> Known<&MareSeen> {
    seen.mare.as_ref().map_err(Clone::clone)
}

fn told(seen: &Seen, of: impl Fn(&MareSeen) -> &Vec<Step>) -> Known<(bool, String)> {
    let (pedidos, mare) = (seen.pedidos()?, mare(seen)?);
    let mut live: Vec<Option<Step>> = pedidos.iter().map(|pedido| pedido.step).collect();
    let mut known: Vec<Option<Step>> = of(mare).iter().copied().map(Some).collect();
    live.sort_unstable();
    known.sort_unstable();
    let same = live == known;
    let text = names(of(mare).iter().map(ToString::to_string));
    Ok((same, if same { text } else { format!("{text}; {}", doing(mare)) }))
}

/// What maré is about with an order.
fn doing(mare: &MareSeen) -> String {
    if !mare.held.is_empty() {
        return format!("set aside on its way into Live: {}", mare.held.join("; "));
    }
    match (&mare.parked, &mare.why) {
        (Some((reason, hint)), _) => format!("{reason}: {hint}"),
        (None, Some(why)) => why.clone(),
        (None, None) => "at rest, without a task".to_owned(),
    }
}

type OfPedido<'a> = (&'a Pedido, Vec<&'a Document>);

fn documents(pedidos: &[Pedido]) -> Known<Vec<OfPedido<'_>>> {
    let mut all = Vec::with_capacity(pedidos.len());
    for pedido in pedidos {
        all.push((pedido, pedido.documents.as_ref().map_err(Clone::clone)?.iter().collect()));
    }
    Ok(all)
}

fn authorised(pedidos: &[Pedido]) -> Known<Vec<&Document>> {
    let all = documents(pedidos)?.into_iter().flat_map(|(_, documents)| documents);
    Ok(all.filter(|document| document.is_authorised_sale()).collect())
}

fn no_more_invoices(seen: &Seen) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let documents = authorised(pedidos)?;
    let known = |package: &Package| documents.iter().any(|document| document.is_called(&package.number));
    let pass = order.sales().all(known);
    Ok((pass, format!("Live {} documents; VTEX {}", documents.len(), packages(order))))
}

fn invoices(seen: &Seen) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let documents = authorised(pedidos)?;
    let same = |document: &&Document| {
        order.sales().any(|package| {
            document.is_called(&package.number)
                && package.value == document.value
                && document.key.as_ref().is_none_or(|key| package.key.as_ref() == Some(key))
        })
    };
    let all = !documents.is_empty()
        && documents.len() == order.sales().count()
        && documents.iter().all(same)
        && order.invoiced() == order.value;
    let live = names(documents.iter().copied().map(document_name));
    Ok((all, format!("Live {live}; VTEX {}, order worth {}", packages(order), order.value)))
}

fn tracking(seen: &Seen) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let has = |number: &str| {
        order.sales().any(|package| package.tracking.number.as_deref().is_some_and(|known| known == number))
    };
    let all = pedidos.iter().all(|pedido| pedido.tracking.as_deref().is_some_and(has));
    let text = |number: Option<&str>| number.unwrap_or("none").to_owned();
    let live = names(pedidos.iter().map(|pedido| text(pedido.tracking.as_deref())));
    let vtex = names(order.sales().map(|package| text(package.tracking.number.as_deref())));
    Ok((all, format!("Live {live}; VTEX {vtex}")))
}

/// What VTEX has to show for a step of Live.
fn equal(seen: &Seen) -> Known<(bool, String)> {
    let (pedidos, order) = (seen.pedidos()?, seen.order()?);
    let delivered = order.sales().count() > 0 && order.sales().all(|package| package.delivered);
    let same = |pedido: &Pedido| {
        let phase = order.status.phase();
        match pedido.step {
            None => false,
            Some(step) if step.is_cancelled() => phase == Phase::Canceled,
            Some(step) if step.is_delivered() => phase == Phase::Invoiced && delivered,
            Some(step) if step.is_invoiced() => phase == Phase::Invoiced && !delivered,
            // A document that was taken back stays in VTEX: it cancels nothing that is invoiced.
            Some(step) if step.is_taken_back() => phase == Phase::Invoiced,
            Some(_) => phase == Phase::Handling,
        }
    };
    let vtex = if delivered { format!("{}, delivered", order.status) } else { order.status.to_string() };
    Ok((pedidos.iter().all(same), format!("Live {}; VTEX {vtex}", each(pedidos, at))))
}

fn returns(order: &RemoteOrder) -> impl Iterator<Item = &Package> {
    order.packages.iter().filter(|package| package.direction == Direction::Input)
}

fn packages(order: &RemoteOrder) -> String {
    names(order.sales().map(package_name))
}

fn package_name(package: &Package) -> String {
    let delivered = if package.delivered { ", delivered" } else { "" };
    format!("{} ({}{delivered})", package.number, package.value)
}

fn document_name(document: &Document) -> String {
    let state = document.state.map_or("unknown".to_owned(), |state| format!("{state:?}").to_lowercase());
    format!("{} ({}, {state})", document.number, document.value)
}

fn at(pedido: &Pedido) -> String {
    match pedido.step {
        Some(step) => format!("{} {step} ({})", pedido.number, pedido.code),
        None => {
            format!("{} status {}, which [mapping.orders.status] does not name", pedido.number, pedido.code)
        }
    }
}

fn each(pedidos: &[Pedido], text: impl Fn(&Pedido) -> String) -> String {
    names(pedidos.iter().map(text))
}

fn names(texts: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = texts.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

const fn kind_name(kind: Option<OrderKind>) -> &'static str {
    match kind {
        Some(OrderKind::Pickup) => "retira loja",
        Some(OrderKind::Delivery) => "entrega",
        Some(OrderKind::Seller) => "pedido vendedor",
        None => "unknown",
    }
}

const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Handling => "handling",
        Phase::Invoiced => "invoiced",
        Phase::Canceled => "canceled",
        Phase::Ready => "ready-for-handling",
        _ => "on its way",
    }
}
