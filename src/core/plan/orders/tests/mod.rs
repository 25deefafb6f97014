//! The planner of orders against a model of VTEX that refuses, loudly, what VTEX would refuse or what would do harm.

use std::time::Duration;

use super::*;
use crate::core::call::Answer;
use crate::core::call::orders::OrderAnswer;
use crate::core::entity::{Key, RemoteId};
use crate::core::money::{Decimal4, Money};
use crate::core::order::{CancellationRequest, Direction, Package, RemoteItem, RemoteStatus, Step, Tracking};
use crate::core::plan::catalog::CatalogRules;
use crate::core::plan::{Held, Links, PriceRules, Rules};
use crate::core::time::Timestamp;
use crate::core::value::Value;
use crate::core::value::order::{Decision, Dispatched, Invoice, InvoiceItem, InvoiceState, Line, Part};

mod cancellations;
mod invoices;
mod model;
mod properties;
mod transitions;

use model::Vtex;

const ORDER: &str = "1234567890123-01";
/// What the orders of these tests cost.
const VALUE: i64 = 10_000;

fn units(units: i64) -> Decimal4 {
    Decimal4(units * 10_000)
}

/// A pedido at a step, with two units of SKU `A`, and without any document.
fn part(step: Step) -> Part {
    Part {
        number: "101".into(),
        kind: OrderKind::Delivery,
        step,
        at: Some(Timestamp(1_700_000_000_000_000)),
        lines: vec![Line {
            sku: "A".into(),
            warehouse: None,
            external: None,
            ordered: units(2),
            served: None,
        }],
        invoices: Vec::new(),
        dispatch: None,
        decision: None,
        reason: None,
    }
}

/// An authorised document of `value` centavos.
fn document(number: &str, value: i64) -> Invoice {
    Invoice {
        direction: Direction::Output,
        number: number.into(),
        series: "1".into(),
        key: Some(format!("{number:0>44}").into()),
        state: InvoiceState::Authorised,
        value: Money(value),
        issued_at: Timestamp(1_700_000_000_000_000),
        url: None,
        items: vec![InvoiceItem { sku: "A".into(), quantity: units(2), price: Money(value / 2) }],
    }
}

/// A pedido at a step, invoiced over the whole value, and on its way once it was dispatched.
fn invoiced(step: Step) -> Part {
    let dispatch = matches!(step, Step::Dispatched | Step::Delivered).then(dispatched);
    Part { invoices: vec![document("5001", VALUE)], dispatch, ..part(step) }
}

fn dispatched() -> Dispatched {
    let number = Some("BR123".into());
    Dispatched { tracking: Tracking { courier: Some("Correios".into()), number, url: None }, at: None }
}

fn order(parts: impl Into<Vec<Part>>) -> Order {
    Order { parts: parts.into() }
}

/// What came of bringing VTEX to what Live wants.
#[derive(Debug, PartialEq)]
struct Run {
    /// What was told, without the readings.
    told: Vec<String>,
    end: Next,
}

/// How an order stands besides what VTEX shows.
struct Site {
    rules: OrderRules,
    /// How long Live has wanted it.
    waited: Duration,
    confirmed: Option<Order>,
    own: Option<RemoteId>,
    attempts: u32,
    read_first: bool,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            rules: OrderRules::default(),
            waited: Duration::ZERO,
            confirmed: None,
            own: None,
            attempts: 0,
            read_first: false,
        }
    }
}

impl Site {
    /// One job: from the first reading to its end.
    fn run(&mut self, vtex: &mut Vtex, wanted: &Order) -> Run {
        let mut held = Held::Unknown;
        let mut told = Vec::new();
        for _ in 0..60 {
            let call = match self.next(&held, wanted) {
                Next::Call(Call::Order(call)) => call,
                Next::Call(other) => panic!("{other:?}"),
                end => return Run { told, end },
            };
            assert_eq!(call.order, ORDER);
            let answer = vtex.take(&call);
            if let Some(id) = answer.id() {
                self.own = Some(id);
            }
            // What VTEX refused was told to nobody.
            if call.writes() && answer != Answer::Order(OrderAnswer::ChangeRefused) {
                told.push(model::name(&call));
            }
            held = held.after(&Call::Order(call), &answer);
        }
        panic!("it does not end: {told:?}");
    }

    fn next(&self, held: &Held, wanted: &Order) -> Next {
        let confirmed = self.confirmed.clone().map(|order| Value::Order(Box::new(order)));
        let committed_at = Timestamp(1_700_000_000_000_000);
        super::super::next(&Situation {
            key: &Key::order(ORDER),
            links: &Links { own: self.own.clone(), parents: Vec::new() },
            wanted: &Value::Order(Box::new(wanted.clone())),
            committed_at,
            confirmed: confirmed.as_ref(),
            now: committed_at.plus(self.waited),
            attempts: self.attempts,
            read_first: self.read_first,
            held,
            rules: Rules {
                price: &PriceRules::default(),
                catalog: &CatalogRules::default(),
                orders: &self.rules,
            },
        })
    }
}

/// One job of a site as it comes.
fn run(vtex: &mut Vtex, wanted: &Order) -> Run {
    Site::default().run(vtex, wanted)
}
