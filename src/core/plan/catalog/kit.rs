//! What kits are made of. Components cannot be changed in VTEX, only added and removed.

use compact_str::CompactString;

use super::CatalogHeld;
use super::rules::SkuField;
use super::sku::Plan;
use crate::core::call::catalog::{CatalogCall, RemoteComponent};
use crate::core::value::catalog::Component;

pub(super) fn resolved(held: &CatalogHeld, reference: &CompactString) -> Option<u32> {
    held.resolved.iter().find(|(known, _)| known == reference).map(|(_, id)| *id)
}

/// Asks for the first SKU whose number is not known: before the kit is made, so that one that cannot be
/// complete is not begun.
pub(super) fn unresolved(components: &[Component], held: &CatalogHeld) -> Option<CatalogCall> {
    let unknown = components.iter().find(|component| resolved(held, &component.sku).is_none())?;
    Some(CatalogCall::ResolveSku { reference: unknown.sku.clone() })
}

pub(super) fn next(plan: &Plan<'_>) -> Option<CatalogCall> {
    let wanted = &plan.wanted.components;
    let same = plan.ours.is_some_and(|ours| ours.components == *wanted);
    if !plan.writes(SkuField::Components) || same {
        return None;
    }
    let confirmed = plan.confirmed().map_or(&[] as &[_], |confirmed| confirmed.components.as_slice());
    let is_wanted = |component: &&Component| wanted.iter().any(|other| other.sku == component.sku);
    let withdrawn = confirmed.iter().filter(|component| !is_wanted(component));
    unresolved(wanted, plan.held)
        .or_else(|| wanted.iter().find_map(|component| bring(plan, component)))
        .or_else(|| withdrawn.into_iter().find_map(|component| withdraw(plan, component)))
}

fn bring(plan: &Plan<'_>, component: &Component) -> Option<CatalogCall> {
    let sku = resolved(plan.held, &component.sku)?;
    match known(plan, sku) {
        Err(read) => Some(read),
        Ok(Some(held)) if held.quantity == component.quantity => None,
        Ok(Some(held)) => Some(CatalogCall::RemoveComponent { parent: plan.id, component: held.id }),
        Ok(None) => Some(CatalogCall::AddComponent {
            parent: plan.id,
            sku,
            component: component.clone(),
            unit_price: plan.situation.rules.catalog.kit_component_price,
        }),
    }
}

fn withdraw(plan: &Plan<'_>, component: &Component) -> Option<CatalogCall> {
    let Some(sku) = resolved(plan.held, &component.sku) else {
        return Some(CatalogCall::ResolveSku { reference: component.sku.clone() });
    };
    match known(plan, sku) {
        Err(read) => Some(read),
        Ok(held) => held.map(|held| CatalogCall::RemoveComponent { parent: plan.id, component: held.id }),
    }
}

/// What the kit has of a SKU, or the request that tells.
fn known(plan: &Plan<'_>, sku: u32) -> Result<Option<RemoteComponent>, CatalogCall> {
    let read = plan.held.components.iter().find(|(known, _)| *known == sku);
    match read {
        Some((_, component)) => Ok(*component),
        None if plan.held.created => Ok(None),
        None => Err(CatalogCall::ReadComponent { parent: plan.id, sku }),
    }
}
