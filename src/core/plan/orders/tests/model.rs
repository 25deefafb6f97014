//! VTEX as its documents describe it, as far as one order goes. What it would answer with an error panics here: the
//! planner reads before it writes, so it has no excuse.

use super::*;

#[derive(Debug)]
pub(super) struct Vtex {
    pub(super) order: RemoteOrder,
    /// Whether the order's items may be changed.
    pub(super) changes: bool,
    /// Changes are taken and not carried out yet.
    pub(super) changing: Option<(CompactString, i64)>,
    pub(super) reads: usize,
}

use compact_str::CompactString;

impl Vtex {
    /// An order of two units of SKU `A`.
    pub(super) fn new(status: RemoteStatus) -> Self {
        let item = RemoteItem {
            id: "31".into(),
            unique_id: "u1".into(),
            ref_id: "A".into(),
            quantity: 2,
            price: Money(VALUE / 2),
        };
        let order = RemoteOrder {
            status,
            complete: true,
            value: Money(VALUE),
            items: vec![item],
            packages: Vec::new(),
            cancellations: Vec::new(),
        };
        Self { order, changes: true, changing: None, reads: 0 }
    }

    pub(super) fn with_package(mut self, number: &str, value: i64) -> Self {
        self.order.packages.push(Package {
            number: number.into(),
            direction: Direction::Output,
            value: Money(value),
            key: Some(format!("{number:0>44}").into()),
            tracking: Tracking::default(),
            delivered: false,
        });
        self
    }

    pub(super) fn asked_to_cancel(mut self) -> Self {
        self.order.cancellations.push(CancellationRequest { id: "c1".into(), denied: false });
        self
    }

    pub(super) fn take(&mut self, call: &OrderCall) -> Answer {
        let status = self.order.status.clone();
        let is_canceled = matches!(status, RemoteStatus::Canceled | RemoteStatus::Replaced);
        assert!(!is_canceled || !call.writes(), "{call:?} of an order that is cancelled");
        match &call.act {
            OrderAct::Read => {
                self.reads += 1;
                return Answer::Order(OrderAnswer::Order(Box::new(self.order.clone())));
            }
            OrderAct::StartHandling => {
                assert_eq!(status, RemoteStatus::ReadyForHandling, "OMS003");
                self.order.status = RemoteStatus::Handling;
            }
            OrderAct::Note { message } => assert!(!message.is_empty()),
            OrderAct::Invoice(document) => self.invoice(document),
            OrderAct::Tracking { invoice, tracking, .. } => {
                let package = self.package(invoice);
                assert!(tracking.number.is_some() && package.tracking != *tracking, "nothing new");
                package.tracking = tracking.clone();
            }
            OrderAct::Delivered { invoice, .. } => {
                let package = self.package(invoice);
                assert!(!package.delivered, "delivered twice");
                assert!(package.tracking.number.is_some(), "VTEX follows packages by their number");
                package.delivered = true;
            }
            OrderAct::Cancel { reason } => {
                assert!(!reason.0.is_empty());
                assert!(self.order.packages.is_empty(), "VTEX answers 400: it is invoiced");
                self.order.status = RemoteStatus::Canceled;
            }
            OrderAct::DenyCancellation { request, .. } => {
                let request = self.order.cancellations.iter_mut().find(|other| other.id == *request);
                request.expect("there is such a request").denied = true;
                if status.phase() == Phase::CancellationAsked {
                    self.order.status = RemoteStatus::Handling;
                }
            }
            OrderAct::Change { lines, .. } => {
                if !self.changes {
                    return Answer::Order(OrderAnswer::ChangeRefused);
                }
                assert!(self.changing.is_none(), "VTEX is at work on a change");
                let [line] = lines.as_slice() else { panic!("one SKU: {lines:?}") };
                let item = self.order.items.iter().find(|item| item.unique_id == line.line);
                assert_eq!(item.map(|item| item.quantity), Some(line.from), "the line as it is");
                self.changing = Some((line.id.clone(), line.from - line.to));
                return Answer::Order(OrderAnswer::Changing("r1".into()));
            }
        }
        Answer::Done
    }

    fn invoice(&mut self, document: &crate::core::call::orders::InvoiceDocument) {
        let order = &mut self.order;
        let wanted = match document.direction {
            Direction::Output => Phase::Handling,
            Direction::Input => Phase::Invoiced,
        };
        assert_eq!(order.status.phase(), wanted, "{:?}", document.direction);
        assert!(
            order.packages.iter().all(|package| package.number != document.number),
            "its number is taken"
        );
        assert!(document.number.chars().all(|c| c.is_ascii_alphanumeric()), "{}", document.number);
        assert!(document.value.0 > 0 && !document.items.is_empty());
        assert!(document.items.iter().all(|item| order.items.iter().any(|other| other.id == item.id)));
        order.packages.push(Package {
            number: document.number.clone(),
            direction: document.direction,
            value: document.value,
            key: document.key.clone(),
            tracking: Tracking::default(),
            delivered: false,
        });
        assert!(order.invoiced() <= order.value, "more than the order is worth");
        if order.invoiced() == order.value {
            order.status = RemoteStatus::Invoiced;
        }
    }

    fn package(&mut self, number: &str) -> &mut Package {
        let found = self.order.packages.iter_mut().find(|package| package.number == number);
        found.expect("VTEX has such an invoice")
    }

    /// What VTEX does by itself, later.
    pub(super) fn carry_out_changes(&mut self) {
        let Some((id, quantity)) = self.changing.take() else { return };
        let item = self.order.items.iter_mut().find(|item| item.id == id).expect("the order has it");
        item.quantity -= quantity;
        self.order.value.0 -= quantity * item.price.0;
    }
}

/// What was told, in a word.
pub(super) fn name(call: &OrderCall) -> String {
    match &call.act {
        OrderAct::Read => "read".to_owned(),
        OrderAct::StartHandling => "handle".to_owned(),
        OrderAct::Note { message } => format!("note {message}"),
        OrderAct::Invoice(document) if document.direction == Direction::Input => {
            format!("return {}", document.number)
        }
        OrderAct::Invoice(document) => format!("invoice {}", document.number),
        OrderAct::Tracking { invoice, .. } => format!("track {invoice}"),
        OrderAct::Delivered { invoice, .. } => format!("delivered {invoice}"),
        OrderAct::Cancel { .. } => "cancel".to_owned(),
        OrderAct::DenyCancellation { request, .. } => format!("deny {request}"),
        OrderAct::Change { lines, .. } => {
            let lines: Vec<_> =
                lines.iter().map(|line| format!("{} of {}", line.from - line.to, line.id)).collect();
            format!("take out {}", lines.join(", "))
        }
    }
}
