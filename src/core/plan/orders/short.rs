//! Fewer units than were ordered (corte): they are taken out of VTEX's order before it is invoiced, so that it can be
//! invoiced as a whole, and the customer is paid back for them.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::{Next, PASSING, Plan, cancel};
use crate::core::call::orders::{FewerUnits, OrderAct};
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
        let lines = self.missing();
        if lines.is_empty() {
            return None;
        }
        if let Some(RemoteId::Change(_)) = self.situation.links.own {
            // VTEX is at work on it. What it does not do in time, it has refused.
            let left = self.rules().patience().saturating_sub(self.waited());
            return (!left.is_zero()).then_some(Next::Later(PASSING));
        }
        Some(self.tell(OrderAct::Change { lines, reason: cancel::reason(self.wanted, MISSING) }))
    }

    /// The lines of VTEX's order with more units than Live serves. It follows from what VTEX shows, so that nothing is taken
    /// out twice.
    fn missing(&self) -> Vec<FewerUnits> {
        let mut served: BTreeMap<CompactString, Decimal4> = BTreeMap::new();
        for part in &self.wanted.parts {
            for line in &part.lines {
                let Some(item) = self.item(&line.sku, Some(line)) else { continue };
                served.entry(item.id.clone()).or_default().0 += served_of(part, line).0;
            }
        }
        let mut lines = Vec::new();
        for (id, served) in served.into_iter().filter(|(_, served)| served.is_whole()) {
            let mut left = served.floor();
            // Several lines may have the same SKU: the first ones are served first.
            for item in self.order.items.iter().filter(|item| item.id == id) {
                let to = item.quantity.min(left);
                left -= to;
                if to < item.quantity {
                    lines.push(FewerUnits {
                        id: id.clone(),
                        line: item.unique_id.clone(),
                        from: item.quantity,
                        to,
                    });
                }
            }
        }
        lines
    }
}

fn served_of(part: &Part, line: &Line) -> Decimal4 {
    if part.step.is_cancelled() {
        return Decimal4::ZERO;
    }
    line.served.unwrap_or(line.ordered).min(line.ordered)
}
