//! Fiscal documents that were cancelled after they were issued: at the till (96) or in the back office (97).

use compact_str::{CompactString, format_compact};

use super::carry_out::Outcome;
use super::invoice::names;
use super::{Plan, tasks};
use crate::core::call::orders::OrderAct;
use crate::core::order::{Direction, Package, Phase};
use crate::core::value::order::{Invoice, InvoiceState, Part};

impl Plan<'_> {
    pub(super) fn taken_back(&self, part: &Part) -> Outcome {
        let sold: Vec<(&Invoice, &Package)> = part
            .invoices
            .iter()
            .filter(|invoice| invoice.direction == Direction::Output)
            .filter_map(|invoice| Some((invoice, self.package_of(invoice)?)))
            .collect();
        // VTEX pays back only what was invoiced as a whole.
        if sold.is_empty() || self.order.status.phase() != Phase::Invoiced {
            return Outcome::Task(tasks::TAKEN_BACK_EARLY);
        }
        if !self.rules().refund {
            return Outcome::Task(tasks::TAKEN_BACK);
        }
        for (invoice, package) in sold {
            let names = return_names(part, package);
            if self.is_returned(&names) {
                continue;
            }
            if !self.held.fresh {
                return Outcome::Now(super::read(self.situation));
            }
            let sale = Invoice { value: package.value, ..invoice.clone() };
            return match self.document(part, &sale, Direction::Input, names) {
                Some(document) => Outcome::Now(self.tell(OrderAct::Invoice(Box::new(document)))),
                None => Outcome::Task(tasks::UNKNOWN_ITEM),
            };
        }
        Outcome::Nothing
    }

    fn is_returned(&self, names: &[CompactString]) -> bool {
        let returns = self.order.packages.iter().filter(|package| package.direction == Direction::Input);
        returns.map(|package| &package.number).any(|number| names.contains(number))
    }
}

/// What the return of a sale is called: by the document of the return, if Live has one, else after the sale.
fn return_names(part: &Part, package: &Package) -> Vec<CompactString> {
    let is_return = |invoice: &&Invoice| {
        invoice.direction == Direction::Input
            && invoice.state == InvoiceState::Authorised
            && invoice.value == package.value
    };
    let mut all = vec![format_compact!("{}C", package.number)];
    if let Some(document) = part.invoices.iter().find(is_return) {
        all.splice(0..0, names(part, document));
    }
    all
}
