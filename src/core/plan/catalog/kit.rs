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

pub(super) fn next(plan: &Plan<'_>) -> Option<CatalogCall> {
    let wanted = &plan.wanted.components;
    let same = plan.ours.is_some_and(|ours| ours.components == *wanted);
    if !plan.writes(SkuField::Components) || same {
        return None;
    }
    let is_wanted = |component: &&Component| wanted.iter().any(|other| other.sku == component.sku);
    let mut withdrawn = confirmed(plan).iter().filter(|component| !is_wanted(component));
    wanted
        .iter()
        .enumerate()
        .find_map(|(at, component)| bring(plan, at, component))
        .or_else(|| withdrawn.find_map(|component| withdraw(plan, component)))
}

fn confirmed<'a>(plan: &'a Plan<'_>) -> &'a [Component] {
    plan.confirmed().map_or(&[], |confirmed| confirmed.components.as_slice())
}

fn bring(plan: &Plan<'_>, at: usize, component: &Component) -> Option<CatalogCall> {
    // The kit has waited for its parts: their numbers stand behind that of its product.
    let sku = *plan.situation.links.parents.get(at + 1)?;
    match known(plan, sku) {
        Err(read) => Some(read),
        Ok(Some(held)) if is_as_wanted(plan, held, component) => None,
        Ok(Some(held)) => Some(CatalogCall::RemoveComponent { parent: plan.id, component: held.id }),
        Ok(None) => Some(CatalogCall::AddComponent {
            parent: plan.id,
            sku,
            component: component.clone(),
            unit_price: component.unit_price.or(plan.situation.rules.catalog.kit_component_price),
        }),
    }
}

/// VTEX shows a price without its cents, so only what was confirmed tells whether it is another one by now.
fn is_as_wanted(plan: &Plan<'_>, held: RemoteComponent, component: &Component) -> bool {
    let before = confirmed(plan).iter().find(|before| before.sku == component.sku);
    let repriced = before.is_some_and(|before| before.unit_price != component.unit_price);
    held.quantity == component.quantity && (!repriced || held.id == RemoteComponent::JUST_ADDED)
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
