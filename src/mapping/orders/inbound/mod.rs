//! An order of VTEX as what is written into Live: pure.
//!
//! | file | holds |
//! |---|---|
//! | `routes` | which store sends what: the parts that an order has in Live |
//! | `amounts` | what each line costs, to the cent |
//! | `payments` | which payment pays which part |
//! | `buyer` | the customer |
//! | `fit` | texts that fit into Live's columns |
//!
//! All that hinders it is found at once, so that one look at the list is enough.

use compact_str::{CompactString, format_compact};

use super::inbound_config::{InboundConfig, PolicyKind};
use crate::core::money::{Decimal4, Money};
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::{Entry, Pedido, PedidoLine, PedidoPayment};
use crate::core::order::purchase::{Address, Content, Line, Purchase};
use crate::core::time::Timestamp;
use crate::core::value::order::OrderKind;
use crate::mapping::config::MappingConfig;

mod amounts;
mod buyer;
mod fit;
mod payments;
mod routes;

use amounts::Amounts;
pub use buyer::is_masked;
use fit::Fit;
use routes::{Group, Piece};

/// Parts of one order that are told apart. More stores than that in one basket are a mistake of the configuration.
pub const PARTS_MAX: usize = 20;
/// `numero_externo` of a part of an order, counted from 1: the first one has the order's own id.
pub fn part_number(order: &str, part: usize) -> CompactString {
    match part {
        1 => CompactString::from(order),
        part => format_compact!("{order}#{part}"),
    }
}

/// `pedido_venda.servico_entrega`.
const SERVICE_MAX: usize = 60;

/// What the mapping goes by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub orders: &'a InboundConfig,
    pub mapping: &'a MappingConfig,
    /// The reference of one of VTEX's SKUs, for lines that do not tell it.
    pub reference: &'a dyn Fn(&str) -> Option<CompactString>,
}

/// Maps an order. `email`: the shopper's own address, where the order has an alias.
///
/// # Errors
/// Everything that hinders it.
pub fn entry(
    purchase: &Purchase,
    content: &Content,
    email: Option<&str>,
    rules: Rules<'_>,
) -> Result<Entry, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let mut fit = Fit::default();
    let policy = policy(content, rules, &mut obstacles).unwrap_or_default();
    let groups = routes::groups(content, policy.kind == PolicyKind::Seller, rules, &mut obstacles);
    let amounts = amounts::of(content, &mut obstacles);
    let customer = buyer::customer(purchase, content, email, &mut fit, &mut obstacles);
    let references = references(&content.lines, rules, &mut obstacles);
    if groups.len() > PARTS_MAX {
        obstacles.push(Obstacle::Parts(PARTS_MAX));
    }
    let forms = payments::forms(content, rules.orders, &mut fit, &mut obstacles);
    let mut pedidos: Vec<Pedido> = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let head = Head { purchase, content, policy: &policy, document: customer.document.clone(), index };
        pedidos.push(pedido(&head, group, &amounts, &references, rules, &mut fit, &mut obstacles));
    }
    if obstacles.is_empty() {
        check_sum(content, &pedidos, &mut obstacles);
        let totals: Vec<Money> = pedidos.iter().map(|pedido| pedido.total).collect();
        for (pedido, paid) in pedidos.iter_mut().zip(payments::divide(forms, &totals)) {
            pedido.payments = paid;
        }
    }
    obstacles.sort();
    obstacles.dedup();
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    Ok(Entry {
        order: purchase.id.clone(),
        pedidos,
        customer,
        consent: content.newsletter.then_some(content.placed_at),
        warnings: fit.warnings(),
    })
}

/// What the trade policy says.
#[derive(Default)]
struct Policy {
    kind: PolicyKind,
    channel: Option<CompactString>,
    modality: Option<CompactString>,
    price_table: Option<CompactString>,
}

fn policy(content: &Content, rules: Rules<'_>, obstacles: &mut Vec<Obstacle>) -> Result<Policy, ()> {
    if rules.orders.trade_policies.is_empty() {
        return Ok(Policy::default());
    }
    let name = content.trade_policy.clone().unwrap_or_default();
    let rule = rules.orders.policy(&name).ok_or_else(|| obstacles.push(Obstacle::TradePolicy(name)))?;
    Ok(Policy {
        kind: rule.kind,
        channel: rule.canal_venda.clone(),
        modality: rule.modalidade.clone(),
        price_table: rule.tabela.clone(),
    })
}

fn references(lines: &[Line], rules: Rules<'_>, obstacles: &mut Vec<Obstacle>) -> Vec<CompactString> {
    let reference = |line: &Line| {
        let known = line.reference.clone().or_else(|| (rules.reference)(&line.sku));
        known.unwrap_or_else(|| {
            obstacles.push(Obstacle::NoReference { sku: line.sku.clone() });
            CompactString::default()
        })
    };
    lines.iter().map(reference).collect()
}

/// What all parts have in common.
struct Head<'a> {
    purchase: &'a Purchase,
    content: &'a Content,
    policy: &'a Policy,
    document: Option<CompactString>,
    index: usize,
}

impl Head<'_> {
    /// `numero_externo`.
    fn number(&self) -> CompactString {
        part_number(&self.purchase.id, self.index + 1)
    }
}

fn pedido(
    head: &Head<'_>,
    group: &Group,
    amounts: &Amounts,
    references: &[CompactString],
    rules: Rules<'_>,
    fit: &mut Fit,
    obstacles: &mut Vec<Obstacle>,
) -> Pedido {
    let content = head.content;
    let deliveries = || group.pieces.iter().map(|piece| &content.lines[piece.line].delivery);
    let destination = match (group.kind, group.pickup_store.is_some()) {
        (_, true) => None,
        _ => fit.place(address(content, group), "shippingData.address", obstacles),
    };
    let estimate = deliveries().filter_map(|delivery| delivery.estimate).max();
    let service = deliveries().find_map(|delivery| delivery.service.as_deref());
    let mut pedido = Pedido {
        number: head.number(),
        group: head.purchase.group.clone(),
        sequence: head.purchase.sequence.clone(),
        kind: group.kind,
        store: group.store.clone(),
        pickup_store: group.pickup_store.clone(),
        document: head.document.clone(),
        channel: head.policy.channel.clone(),
        modality: head.policy.modality.clone(),
        price_table: head.policy.price_table.clone(),
        products: Money(0),
        discount: Money(0),
        shipping: Money(0),
        surcharge: Money(0),
        total: Money(0),
        carrier: carrier(group, rules, obstacles),
        service: service.map(|service| fit.cut("servico_entrega", service, SERVICE_MAX)),
        expected: estimate.and_then(|moment| day(moment, rules)),
        window: deliveries().find_map(|delivery| delivery.window),
        destination,
        note: content.note.as_deref().map(fit::without_controls),
        manual_payment: group.kind == OrderKind::Seller,
        placed_at: content.placed_at,
        lines: Vec::new(),
        payments: Vec::<PedidoPayment>::new(),
    };
    for piece in &group.pieces {
        let line = &content.lines[piece.line];
        let cost = amounts.of_piece(piece, line);
        pedido.products.0 += cost.gross.0;
        pedido.discount.0 += cost.discount.0;
        pedido.shipping.0 += cost.shipping.0;
        pedido.surcharge.0 += cost.surcharge.0;
        pedido.lines.push(PedidoLine {
            reference: references[piece.line].clone(),
            external: line.unique.clone().unwrap_or_else(|| line.sku.clone()),
            quantity: units(line, piece, obstacles),
            unit_price: line.price,
            discount: cost.discount,
            shipping: cost.shipping,
            total: Money(cost.gross.0 - cost.discount.0),
            gift: line.gift,
            deposit: piece.deposit.clone(),
        });
    }
    pedido.total = Money(pedido.products.0 - pedido.discount.0 + pedido.shipping.0 + pedido.surcharge.0);
    pedido
}

fn units(line: &Line, piece: &Piece, obstacles: &mut Vec<Obstacle>) -> Decimal4 {
    line.multiplier.0.checked_mul(piece.quantity).map_or_else(
        || {
            obstacles.push(Obstacle::Overflow);
            Decimal4::ZERO
        },
        Decimal4,
    )
}

/// The address that the group's lines go to.
fn address<'a>(content: &'a Content, group: &Group) -> Option<&'a Address> {
    let named =
        content.addresses.iter().find(|address| group.address.is_some() && address.id == group.address);
    named.or_else(|| content.addresses.first())
}

fn carrier(group: &Group, rules: Rules<'_>, obstacles: &mut Vec<Obstacle>) -> Option<CompactString> {
    if rules.orders.carriers.is_empty() || group.pickup_store.is_some() {
        return None;
    }
    let courier = group.pieces.iter().find_map(|piece| piece.courier.clone())?;
    let carrier = rules.orders.carrier(&courier).cloned();
    if carrier.is_none() {
        obstacles.push(Obstacle::Carrier(courier));
    }
    carrier
}

fn day(moment: Timestamp, rules: Rules<'_>) -> Option<String> {
    let moment = jiff::Timestamp::from_microsecond(moment.0).ok()?;
    Some(rules.orders.zone().to_datetime(moment).date().to_string())
}

/// Every way of dividing keeps the sum; this is the proof.
fn check_sum(content: &Content, pedidos: &[Pedido], obstacles: &mut Vec<Obstacle>) {
    let parts = pedidos.iter().map(|pedido| pedido.total.0).try_fold(0_i64, i64::checked_add);
    match parts.map(Money) {
        Some(parts) if parts == content.value => {}
        Some(parts) => obstacles.push(Obstacle::Sum { what: "the pedidos", parts, whole: content.value }),
        None => obstacles.push(Obstacle::Overflow),
    }
}

#[cfg(test)]
mod tests;
