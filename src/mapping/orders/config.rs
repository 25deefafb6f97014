//! `[mapping.orders]`: the codes that Live has for what happens to a pedido. None of them is the same everywhere.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::Deserialize;

use crate::core::order::{Direction, Step};
use crate::core::value::order::{Decision, InvoiceState, OrderKind};

/// `[mapping.orders]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrdersConfig {
    /// `pedido_venda.origem` of what came from VTEX; all others are none of our business. Default: `VTEX`.
    pub origin: CompactString,
    /// A first load, and every comparison of all orders, reads those of so many days. Default: 30.
    pub days: u32,
    /// Whether what is ordered is part of `estoque_saldo.quantidade_reservada` as long as the pedido is open. Default: what
    /// `orders.reserve` says, else true.
    pub reserves: Option<bool>,
    pub status: StatusCodes,
    pub kinds: Kinds,
    /// `decisao_cancelamento` where a cancellation is accepted. Default: 1.
    pub accept: i64,
    /// The same where it is denied. Default: 2.
    pub deny: i64,
    /// `nota_fiscal.operacao` of a sale. Default: 1.
    pub sale: i64,
    /// The same of a return. Default: 2.
    pub returned: i64,
    pub invoice_states: InvoiceStates,
}

impl Default for OrdersConfig {
    fn default() -> Self {
        Self {
            origin: CompactString::const_new("VTEX"),
            days: 30,
            reserves: None,
            status: StatusCodes::default(),
            kinds: Kinds::default(),
            accept: 1,
            deny: 2,
            sale: 1,
            returned: 2,
            invoice_states: InvoiceStates::default(),
        }
    }
}

/// `[mapping.orders.status]`: `pedido_venda.status` by code, like `20 = "em-atendimento"`. Given at all, it is the whole
/// list. Default: the codes of the reference schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Step>")]
pub struct StatusCodes(BTreeMap<i64, Step>);

impl StatusCodes {
    pub fn step(&self, code: i64) -> Option<Step> {
        self.0.get(&code).copied()
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = (i64, Step)> {
        self.0.iter().map(|(code, step)| (*code, *step))
    }

    /// The first code that means this step.
    pub fn code(&self, step: Step) -> Option<i64> {
        self.0.iter().find(|(_, other)| **other == step).map(|(code, _)| *code)
    }
}

impl Default for StatusCodes {
    fn default() -> Self {
        Self(BTreeMap::from([
            (10, Step::Received),
            (20, Step::Accepted),
            (30, Step::Picking),
            (40, Step::Packed),
            (50, Step::Labelled),
            (60, Step::ReadyForPickup),
            (65, Step::RecoveredAtTill),
            (70, Step::Invoiced),
            (75, Step::ClosedAtTill),
            (80, Step::Dispatched),
            (90, Step::Delivered),
            (95, Step::Cancelled),
            (96, Step::SaleCancelled),
            (97, Step::InvoiceCancelled),
            (98, Step::Rejected),
        ]))
    }
}

impl TryFrom<BTreeMap<String, Step>> for StatusCodes {
    type Error = String;

    fn try_from(codes: BTreeMap<String, Step>) -> Result<Self, Self::Error> {
        let code = |(code, step): (String, Step)| match code.trim().parse() {
            Ok(number) => Ok((number, step)),
            Err(_) => Err(format!("'{code}' is no status of a pedido: write its number, like 20")),
        };
        codes.into_iter().map(code).collect::<Result<_, _>>().map(Self)
    }
}

/// `[mapping.orders.kinds]`: `pedido_venda.tipo_pedido`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kinds {
    /// Retira loja. Default: 1.
    pub pickup: i64,
    /// Entrega. Default: 2.
    pub delivery: i64,
    /// Pedido vendedor. Default: 3.
    pub seller: i64,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { pickup: 1, delivery: 2, seller: 3 }
    }
}

/// `[mapping.orders.invoice_states]`: `nota_fiscal.situacao`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InvoiceStates {
    /// Default: `A`.
    pub authorised: CompactString,
    /// Default: `C`.
    pub cancelled: CompactString,
    /// Default: `I`.
    pub voided: CompactString,
    /// Default: `P`.
    pub pending: CompactString,
}

impl Default for InvoiceStates {
    fn default() -> Self {
        let code = CompactString::const_new;
        Self { authorised: code("A"), cancelled: code("C"), voided: code("I"), pending: code("P") }
    }
}

impl OrdersConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.origin.trim().is_empty() {
            findings.push("orders.origin is empty: give pedido_venda.origem of VTEX's orders".to_owned());
        }
        for step in [Step::Received, Step::Invoiced, Step::Cancelled] {
            if self.status.code(step).is_none() {
                findings.push(format!("orders.status has no code for {step}: without it orders stand still"));
            }
        }
        if self.accept == self.deny {
            findings.push("orders.accept and orders.deny are the same".to_owned());
        }
        if self.sale == self.returned {
            findings.push("orders.sale and orders.returned are the same".to_owned());
        }
        findings
    }

    /// None: no kind has this code.
    pub const fn kind(&self, code: i64) -> Option<OrderKind> {
        let Kinds { pickup, delivery, seller } = self.kinds;
        if code == pickup {
            Some(OrderKind::Pickup)
        } else if code == delivery {
            Some(OrderKind::Delivery)
        } else if code == seller {
            Some(OrderKind::Seller)
        } else {
            None
        }
    }

    pub(super) const fn decision(&self, code: i64) -> Option<Decision> {
        if code == self.accept {
            Some(Decision::Accept)
        } else if code == self.deny {
            Some(Decision::Deny)
        } else {
            None
        }
    }

    /// None: no direction has this code.
    pub const fn direction(&self, code: i64) -> Option<Direction> {
        if code == self.sale {
            Some(Direction::Output)
        } else if code == self.returned {
            Some(Direction::Input)
        } else {
            None
        }
    }

    /// None: no state has this code.
    pub fn invoice_state(&self, code: &str) -> Option<InvoiceState> {
        let states = &self.invoice_states;
        [
            (&states.authorised, InvoiceState::Authorised),
            (&states.cancelled, InvoiceState::Cancelled),
            (&states.voided, InvoiceState::Voided),
            (&states.pending, InvoiceState::Pending),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code.trim()))
        .map(|(_, state)| state)
    }
}
