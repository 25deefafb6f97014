//! What orders need in a first configuration: which pick-up points, payments and carriers of VTEX are which in Live.

use std::collections::{BTreeMap, BTreeSet};

use super::{LiveFacts, Named, StoreFacts, code_in_name, plain, same_code, same_name};
use crate::core::order::purchase::{Content, Purchase};

/// What Live's tables and its newest pedidos name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PedidoFacts {
    /// `transportadora`: code and name.
    pub carriers: Vec<Named>,
    /// `pedido_venda_pagamento.forma`.
    pub forms: Vec<String>,
    /// `pedido_venda.canal_venda`.
    pub channels: Vec<String>,
    /// `pedido_venda.status`.
    pub statuses: Vec<i64>,
}

/// What the account has, and its newest orders name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurchaseFacts {
    pub pickup_points: Vec<Named>,
    /// Groups of means of payment; their names are those of the means.
    pub payments: Vec<Named>,
    pub couriers: Vec<Named>,
    /// Ids only.
    pub trade_policies: Vec<String>,
}

/// What names suggest, each in the order of the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderProposal {
    /// By pick-up point: `loja.codigo`.
    pub pickup_points: Vec<Option<String>>,
    /// By payment: `forma`.
    pub payments: Vec<Option<String>>,
    /// By courier: `transportadora.codigo`.
    pub carriers: Vec<Option<String>>,
    /// `canal_venda` of what the shop sells.
    pub channel: Option<String>,
}

/// VTEX's groups that every shop meets sooner or later, with words for them in a `forma`.
const PAYMENT_GROUPS: [(&str, &[&str]); 5] = [
    ("creditCard", &["CREDITO", "CREDIT"]),
    ("debitCard", &["DEBITO", "DEBIT"]),
    ("instantPayment", &["PIX"]),
    ("bankInvoice", &["BOLETO"]),
    ("giftCard", &["VALE", "GIFT", "PRESENTE"]),
];
/// Words for the web shop in a `canal_venda`.
const CHANNEL_MARKS: [&str; 5] = ["ECOMMERCE", "SITE", "WEB", "ONLINE", "VTEX"];

/// Proposes what can be told from codes and names; nothing that could be meant for two.
pub fn propose(live: &LiveFacts, pedidos: &PedidoFacts, account: &PurchaseFacts) -> OrderProposal {
    OrderProposal {
        pickup_points: account.pickup_points.iter().map(|point| store_of(&live.stores, point)).collect(),
        payments: account.payments.iter().map(|payment| form_of(&pedidos.forms, &payment.id)).collect(),
        carriers: account.couriers.iter().map(|courier| carrier_of(&pedidos.carriers, courier)).collect(),
        channel: only(&pedidos.channels, |channel| has_mark(channel, &CHANNEL_MARKS)).cloned(),
    }
}

impl PurchaseFacts {
    /// What some orders name, with the pick-up points of the account.
    pub fn of(pickup_points: Vec<Named>, purchases: &[Purchase]) -> Self {
        let contents: Vec<&Content> =
            purchases.iter().filter_map(|purchase| purchase.content.as_deref().ok()).collect();
        let mut facts = Self { pickup_points, ..Self::default() };
        let mut names: BTreeMap<String, BTreeSet<String>> =
            PAYMENT_GROUPS.into_iter().map(|(group, _)| (group.to_owned(), BTreeSet::new())).collect();
        for payment in contents.iter().flat_map(|content| &content.payments) {
            let Some(group) = &payment.group else { continue };
            let seen = names.entry(group.to_string()).or_default();
            seen.extend(payment.system_name.as_ref().map(ToString::to_string));
        }
        let name = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
        facts.payments = names.into_iter().map(|(id, names)| Named { id, name: name(names) }).collect();
        let lines = || contents.iter().flat_map(|content| &content.lines);
        let couriers: BTreeMap<String, String> = lines()
            .flat_map(|line| &line.delivery.origins)
            .filter_map(|origin| {
                let name = origin.courier_name.as_deref().unwrap_or_default();
                Some((origin.courier.as_ref()?.to_string(), name.to_owned()))
            })
            .collect();
        facts.couriers = couriers.into_iter().map(|(id, name)| Named { id, name }).collect();
        for point in lines().filter_map(|line| line.delivery.pickup_point.as_deref()) {
            if !facts.pickup_points.iter().any(|known| is_point(&known.id, point)) {
                facts.pickup_points.push(Named { id: point.to_owned(), name: String::new() });
            }
        }
        let policies: BTreeSet<&str> =
            contents.iter().filter_map(|content| content.trade_policy.as_deref()).collect();
        facts.trade_policies = policies.into_iter().map(str::to_owned).collect();
        facts
    }
}

/// Whether an order's pick-up point is this one of the account. Orders write the seller before it: `1_loja-sul`.
pub fn is_point(id: &str, of_order: &str) -> bool {
    id == of_order || of_order.split_once('_').is_some_and(|(_, own)| own == id)
}

fn store_of(stores: &[StoreFacts], point: &Named) -> Option<String> {
    for fits in [same_code, same_name, code_in_name] {
        let mut found = stores.iter().filter(|store| fits(store, point));
        if let Some(store) = found.next() {
            return found.next().is_none().then(|| store.code.clone());
        }
    }
    None
}

fn form_of(forms: &[String], group: &str) -> Option<String> {
    let (_, marks) = PAYMENT_GROUPS.iter().find(|(name, _)| name.eq_ignore_ascii_case(group))?;
    only(forms, |form| has_mark(form, marks)).cloned()
}

fn carrier_of(carriers: &[Named], courier: &Named) -> Option<String> {
    let fits = |carrier: &Named| {
        let name = plain(&courier.name);
        plain(&carrier.id) == plain(&courier.id) || (!name.is_empty() && plain(&carrier.name) == name)
    };
    only(carriers, fits).map(|carrier| carrier.id.clone())
}

fn has_mark(text: &str, marks: &[&str]) -> bool {
    let text = plain(text);
    marks.iter().any(|mark| text.contains(mark))
}

/// What fits, if nothing else does.
fn only<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Option<&T> {
    let mut found = all.iter().filter(|one| fits(one));
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str, name: &str) -> Named {
        Named { id: id.into(), name: name.into() }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_tell_what_is_what_and_what_could_be_two_things_is_left_open() {
        let store =
            |code: &str, name: &str| StoreFacts { code: code.into(), cnpj: String::new(), name: name.into() };
        let live =
            LiveFacts { stores: vec![store("001", "Centro"), store("002", "Norte")], ..LiveFacts::default() };
        let pedidos = PedidoFacts {
            carriers: vec![named("7", "Correios"), named("8", "Jadlog"), named("9", "Jadlog")],
            forms: texts(&[
                "CARTAO CREDITO",
                "CARTAO DEBITO",
                "PIX",
                "BOLETO",
                "VALE TROCA",
                "VALE PRESENTE",
            ]),
            channels: texts(&["LOJA", "E-COMMERCE"]),
            statuses: Vec::new(),
        };
        let account = PurchaseFacts {
            pickup_points: vec![named("loja-2", ""), named("p9", "Centro"), named("x", "Outlet")],
            payments: PAYMENT_GROUPS.map(|(group, _)| named(group, "")).into(),
            couriers: vec![named("c1", "CORREIOS"), named("c2", "Jadlog"), named("8", "")],
            trade_policies: texts(&["1"]),
        };
        let found = propose(&live, &pedidos, &account);
        let shown = |found: &[Option<String>]| {
            found.iter().map(|one| one.as_deref().unwrap_or("-").to_owned()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(shown(&found.pickup_points), "002|001|-");
        assert_eq!(shown(&found.payments), "CARTAO CREDITO|CARTAO DEBITO|PIX|BOLETO|-", "two are vouchers");
        assert_eq!(shown(&found.carriers), "7|-|8");
        assert_eq!(found.channel.as_deref(), Some("E-COMMERCE"));
        let empty = propose(&live, &PedidoFacts::default(), &account);
        assert_eq!(
            (shown(&empty.payments), empty.channel),
            ("-|-|-|-|-".to_owned(), None),
            "nothing is invented"
        );
    }

    #[test]
    fn an_order_writes_the_seller_before_its_pick_up_point() {
        assert!(is_point("loja-2", "1_loja-2") && is_point("1_x", "1_x"));
        assert!(!is_point("loja-2", "1_loja-21") && !is_point("2", "loja-2"));
    }
}
