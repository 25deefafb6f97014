//! Fewer units than were ordered (corte): they are taken out of VTEX's order before it is invoiced, so that it can be
//! invoiced as a whole, and the customer is paid back for them.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::{Next, PASSING, Plan, cancel};
use crate::core::call::orders::{OrderAct, Removed};
use crate::core::entity::RemoteId;
use crate::core::money::Decimal4;
use crate::core::value::order::{Line, Part};

/// What VTEX's customers are shown where Live gives no reason.
const MISSING: &str = "Item indisponível na loja";

impl Plan<'_> {
    /// Whether Live sends less than was ordered.
    pub(super) fn is_short(&self) -> bool {
        self.wanted.parts.iter().any(|part| part.step.is_cancelled() || part.lines.iter().any(Line::is_short))
    }

    /// Everything was sent that Live has, and VTEX waits for more.
    pub(super) fn is_short_for_good(&self) -> bool {
        self.is_short()
            && self.is_whole()
            && self.order.sales().next().is_some()
            && self.order.invoiced() < self.order.value
    }

    /// What comes before an invoice where units are missing; none: they are out, or cannot be taken out.
    pub(super) fn take_out_missing(&self) -> Option<Next> {
        if !self.rules().change_items || self.held.change_refused || !self.is_short() || !self.is_whole() {
            return None;
        }
        let removed = self.missing();
        if removed.is_empty() {
            return None;
        }
        if let Some(RemoteId::Change(_)) = self.situation.links.own {
            // VTEX is at work on it. What it does not do in time, it has refused.
            let left = self.rules().patience().saturating_sub(self.waited());
            return (!left.is_zero()).then_some(Next::Later(PASSING));
        }
        Some(self.tell(OrderAct::Change { removed, reason: cancel::reason(self.wanted, MISSING) }))
    }

    /// What VTEX's order has more of than Live serves, by VTEX's number of the SKU. It follows from what VTEX shows, so that
    /// nothing is taken out twice.
    fn missing(&self) -> Vec<Removed> {
        let mut served: BTreeMap<CompactString, Decimal4> = BTreeMap::new();
        for part in &self.wanted.parts {
            for line in &part.lines {
                let Some(item) = self.item(&line.sku, Some(line)) else { continue };
                served.entry(item.id.clone()).or_default().0 += served_of(part, line).0;
            }
        }
        let removed = served.into_iter().filter_map(|(id, served)| {
            let items = self.order.items.iter().filter(|item| item.id == id);
            let quantity = items.map(|item| item.quantity).sum::<i64>() - served.floor();
            (served.is_whole() && quantity > 0).then_some(Removed { id, quantity })
        });
        removed.collect()
    }
}

fn served_of(part: &Part, line: &Line) -> Decimal4 {
    if part.step.is_cancelled() {
        return Decimal4::ZERO;
    }
    line.served.unwrap_or(line.ordered).min(line.ordered)
}
