//! The journeys, as data.

use serde::Serialize;

use super::expect::{Expect, Task, is_reached};
use super::seen::{Document, LiveSeen, Pedido};
use crate::core::order::{Phase, Step};
use crate::core::value::order::OrderKind;

/// Which journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Retira Loja: bought in the shop, fetched and closed at the till of a store.
    Pickup,
    /// Entrega: invoiced in the back office, carried to the customer.
    Delivery,
    /// Pedido Vendedor: entered by a sales person, cancelled in Live.
    Seller,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Pickup, Self::Delivery, Self::Seller];

    /// On the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Delivery => "delivery",
            Self::Seller => "seller",
        }
    }

    /// What Live calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pickup => "Retira Loja",
            Self::Delivery => "Entrega",
            Self::Seller => "Pedido Vendedor",
        }
    }

    pub const fn order_kind(self) -> OrderKind {
        match self {
            Self::Pickup => OrderKind::Pickup,
            Self::Delivery => OrderKind::Delivery,
            Self::Seller => OrderKind::Seller,
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    Shopper,
    Mare,
    Store,
    Till,
    BackOffice,
    Carrier,
}

impl Actor {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Mare => "maré",
            Self::Store => "store",
            Self::Till => "PDV",
            Self::BackOffice => "back office",
            Self::Carrier => "carrier",
        }
    }
}

/// What is done in Live at a stage, where `--act` plays the people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Status(Step),
    /// The sale with its fiscal receipt.
    CloseAtTill,
    /// The invoice, after the status and in a transaction of its own.
    Issue,
    Dispatch,
    /// The fiscal document is cancelled, and the pedido comes to this step.
    TakeBack(Step),
    Cancel,
}

/// What must be seen in Live before a stage is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Nothing: the stage follows by itself.
    None,
    /// An order of this kind is placed.
    Placed,
    /// It is in Live: not before VTEX's window to cancel has passed.
    Entered,
    Reached(Step),
    /// An authorised fiscal document.
    Document,
}

impl Trigger {
    /// Whether it is there. `Placed` shows in VTEX alone.
    pub fn holds(self, live: &LiveSeen) -> bool {
        let pedidos = &live.pedidos;
        match self {
            Self::None | Self::Placed => true,
            Self::Entered => !pedidos.is_empty(),
            Self::Reached(step) => each(pedidos, |pedido| pedido.step.is_some_and(|at| is_reached(at, step))),
            Self::Document => each(pedidos, |pedido| {
                pedido.documents.as_ref().is_ok_and(|all| all.iter().any(Document::is_authorised_sale))
            }),
        }
    }
}

fn each(pedidos: &[Pedido], holds: impl Fn(&Pedido) -> bool) -> bool {
    !pedidos.is_empty() && pedidos.iter().all(holds)
}

/// One stage of a journey.
#[derive(Debug, Clone)]
pub struct Stage {
    pub title: String,
    pub actor: Actor,
    /// What the person has to do; none: it is nobody's turn.
    pub hint: Option<String>,
    pub act: Option<Act>,
    pub trigger: Trigger,
    pub expect: Vec<Expect>,
}

/// All stages.
#[derive(Debug, Clone)]
pub struct Journey {
    pub kind: Kind,
    pub stages: Vec<Stage>,
}

/// What of the configuration changes what is expected.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// `tuning.orders.refund`: what is cancelled after VTEX had it is paid back.
    pub refund: bool,
    /// The code that Live has for a step; a step without one is left out.
    pub code: &'a dyn Fn(Step) -> Option<i64>,
}

impl Journey {
    pub fn new(kind: Kind, rules: Rules<'_>) -> Self {
        let mut stages = vec![placed(kind), entered(kind), handled()];
        match kind {
            Kind::Pickup => pickup(rules, &mut stages),
            Kind::Delivery => delivery(rules, &mut stages),
            Kind::Seller => seller(rules, &mut stages),
        }
        Self { kind, stages }
    }
}

fn placed(kind: Kind) -> Stage {
    let hint = match kind {
        Kind::Pickup => "place an order in the shop that is fetched in a store (retira loja), and pay it",
        Kind::Delivery => "place an order in the shop that is delivered (entrega), and pay it",
        Kind::Seller => "place an order in the sales channel of the sales people (pedido vendedor)",
    };
    Stage {
        title: "order placed in VTEX".to_owned(),
        actor: Actor::Shopper,
        hint: Some(hint.to_owned()),
        act: None,
        trigger: Trigger::Placed,
        expect: vec![Expect::Placed],
    }
}

fn entered(kind: Kind) -> Stage {
    let mut expect = vec![
        Expect::Entered(kind.order_kind()),
        Expect::Lines,
        Expect::Value,
        Expect::Paid,
        Expect::Customer,
        Expect::Reserved,
    ];
    if kind == Kind::Seller {
        expect.push(Expect::ManualPayment);
    }
    let hint = "nothing to do: maré writes it into Live once VTEX's window to cancel has passed (30 minutes by default)";
    Stage {
        title: "pedido in Live: items, payment, customer, reservation".to_owned(),
        actor: Actor::Mare,
        hint: Some(hint.to_owned()),
        act: None,
        trigger: Trigger::Entered,
        expect,
    }
}

fn handled() -> Stage {
    let expect = vec![Expect::Reached(Step::Received), Expect::Shows(Phase::Handling), Expect::Told];
    follows("VTEX knows that Live has it", expect)
}

/// A stage that nobody has to do anything for.
fn follows(title: &str, expect: Vec<Expect>) -> Stage {
    let (title, trigger) = (title.to_owned(), Trigger::None);
    Stage { title, actor: Actor::Mare, hint: None, act: None, trigger, expect }
}

fn pickup(rules: Rules<'_>, stages: &mut Vec<Stage>) {
    let on_the_way = [Step::Accepted, Step::Picking, Step::Packed, Step::ReadyForPickup];
    on_the_way.into_iter().for_each(|step| stages.extend(handling(step, Actor::Store, rules)));
    stages.extend(handling(Step::RecoveredAtTill, Actor::Till, rules));
    stages.extend(step(Step::ClosedAtTill, rules, |code| Stage {
        title: "sale closed at the PDV (finalizado-pdv), NFC-e or SAT authorised".to_owned(),
        actor: Actor::Till,
        hint: Some(format!("close the recovered sale at the PDV, with its fiscal receipt (status {code})")),
        act: Some(Act::CloseAtTill),
        trigger: Trigger::Reached(Step::ClosedAtTill),
        expect: vec![
            Expect::Reached(Step::ClosedAtTill),
            Expect::Document,
            Expect::Shows(Phase::Invoiced),
            Expect::Invoices,
            Expect::Delivered,
            Expect::Told,
        ],
    }));
    stages.push(equal());
    stages.extend(taken_back(
        Step::SaleCancelled,
        Actor::Till,
        "sale cancelled at the PDV (cancelado-pdv)",
        "cancel the sale at the PDV",
        rules,
    ));
}

fn delivery(rules: Rules<'_>, stages: &mut Vec<Stage>) {
    let on_the_way = [Step::Accepted, Step::Picking, Step::Packed, Step::Labelled];
    on_the_way.into_iter().for_each(|step| stages.extend(handling(step, Actor::Store, rules)));
    stages.extend(step(Step::Invoiced, rules, |code| Stage {
        title: "status faturado".to_owned(),
        actor: Actor::BackOffice,
        hint: Some(format!("invoice the pedido in the back office (faturado, status {code})")),
        act: Some(Act::Status(Step::Invoiced)),
        trigger: Trigger::Reached(Step::Invoiced),
        expect: vec![Expect::Reached(Step::Invoiced), Expect::Known, Expect::NoMoreInvoices],
    }));
    stages.push(Stage {
        title: "NF-e authorised".to_owned(),
        actor: Actor::BackOffice,
        hint: Some("have the NF-e of the pedido authorised".to_owned()),
        act: Some(Act::Issue),
        trigger: Trigger::Document,
        expect: vec![Expect::Document, Expect::Shows(Phase::Invoiced), Expect::Invoices, Expect::Told],
    });
    stages.extend(step(Step::Dispatched, rules, |code| Stage {
        title: "handed to the carrier (despachado), with tracking".to_owned(),
        actor: Actor::BackOffice,
        hint: Some(format!("enter the tracking code and hand it to the carrier (despachado, status {code})")),
        act: Some(Act::Dispatch),
        trigger: Trigger::Reached(Step::Dispatched),
        expect: vec![Expect::Reached(Step::Dispatched), Expect::Tracking, Expect::Told],
    }));
    stages.extend(step(Step::Delivered, rules, |code| Stage {
        title: "delivered (entregue)".to_owned(),
        actor: Actor::Carrier,
        hint: Some(format!("set the pedido to entregue (status {code})")),
        act: Some(Act::Status(Step::Delivered)),
        trigger: Trigger::Reached(Step::Delivered),
        expect: vec![Expect::Reached(Step::Delivered), Expect::Delivered, Expect::Told],
    }));
    stages.push(equal());
    stages.extend(taken_back(
        Step::InvoiceCancelled,
        Actor::BackOffice,
        "NF-e cancelled (nf-cancelada)",
        "cancel the NF-e in the back office",
        rules,
    ));
}

fn seller(rules: Rules<'_>, stages: &mut Vec<Stage>) {
    stages.extend(step(Step::Cancelled, rules, |code| Stage {
        title: "cancelled in Live (cancelado); its payment is left to a person".to_owned(),
        actor: Actor::BackOffice,
        hint: Some(format!("cancel the pedido in Live (cancelado, status {code}), with a reason")),
        act: Some(Act::Cancel),
        trigger: Trigger::Reached(Step::Cancelled),
        expect: vec![
            Expect::Reached(Step::Cancelled),
            Expect::Shows(Phase::Canceled),
            Expect::Task(Task::PaymentByHand),
        ],
    }));
}

fn equal() -> Stage {
    follows("both sides equal", vec![Expect::Equal, Expect::Invoices, Expect::Resting])
}

/// A step that VTEX has no status for: it goes on showing `handling`.
fn handling(at: Step, actor: Actor, rules: Rules<'_>) -> Option<Stage> {
    step(at, rules, |code| Stage {
        title: match at {
            Step::RecoveredAtTill => format!("recovered at the PDV ({at})"),
            _ => format!("status {at}"),
        },
        actor,
        hint: Some(match at {
            Step::RecoveredAtTill => format!("recover the pedido at the PDV ({at}, status {code})"),
            _ => format!("set the pedido to {at} (status {code})"),
        }),
        act: Some(Act::Status(at)),
        trigger: Trigger::Reached(at),
        expect: vec![Expect::Reached(at), Expect::Equal, Expect::NoMoreInvoices, Expect::Told],
    })
}

fn taken_back(at: Step, actor: Actor, title: &str, hint: &str, rules: Rules<'_>) -> Option<Stage> {
    step(at, rules, |code| Stage {
        title: title.to_owned(),
        actor,
        hint: Some(format!("{hint} ({at}, status {code})")),
        act: Some(Act::TakeBack(at)),
        trigger: Trigger::Reached(at),
        expect: if rules.refund {
            vec![Expect::Reached(at), Expect::PaidBack]
        } else {
            // VTEX cancels nothing that is invoiced, and nobody is paid back by itself.
            let task = Expect::Task(Task::TakenBack);
            vec![Expect::Reached(at), task, Expect::Shows(Phase::Invoiced), Expect::NotPaidBack]
        },
    })
}

fn step(at: Step, rules: Rules<'_>, stage: impl FnOnce(i64) -> Stage) -> Option<Stage> {
    (rules.code)(at).map(stage)
}
