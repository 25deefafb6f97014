//! Rows that say something of a product, a SKU or a customer: whoever they belong to is read again.

use crate::core::entity::Entity;
use crate::core::row::RowChange;

use super::cell::RowId;
use super::read::Plan;
use super::{Effect, Mapper, Reason, Refresh, Role, RowError, Rows, old_and_new};

impl Mapper {
    pub(super) fn detail_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let (old, new) = old_and_new(change);
        let role = plan.role();
        if let Some(old) = old {
            let index = Self::detail_index(role, &plan.id(old)?);
            let known = || rows.row(&index).and_then(|bytes| postcard::from_bytes::<RowId>(&bytes).ok());
            match plan.owner(old)?.or_else(known) {
                Some(owner) => self.ask_again(role, &owner, out),
                // It was never read: whoever had it is read with everything else.
                None => self.counts.count(Reason::UnknownSku),
            }
            if new.is_none() {
                out.push(Effect::DeleteRow { key: index });
            }
        }
        if let Some(new) = new {
            let index = Self::detail_index(role, &plan.id(new)?);
            let known = || rows.row(&index).and_then(|bytes| postcard::from_bytes::<RowId>(&bytes).ok());
            let before = known();
            let owner = plan.owner(new)?.or_else(|| before.clone());
            if let Some(before) = before.as_ref().filter(|before| owner.as_ref() != Some(before)) {
                self.ask_again(role, before, out);
            }
            if let Some(owner) = owner {
                self.ask_again(role, &owner, out);
                out.push(Effect::PutRow { key: index, value: Self::owner_row(&owner) });
            }
        }
        Ok(())
    }

    pub(super) fn owner_row(owner: &RowId) -> Vec<u8> {
        postcard::to_stdvec(owner).expect("postcard writes any of our own types to memory")
    }

    fn ask_again(&self, role: Role, owner: &RowId, out: &mut Vec<Effect>) {
        let refresh = match role {
            Role::Address | Role::Consent => Refresh::Person(owner.clone()),
            // One of an unknown SKU is read when the SKU comes.
            Role::Barcode | Role::KitPart => match self.reference.skus.get(owner) {
                Some(sku) => Refresh::Catalog(sku.product.clone()),
                None => return,
            },
            _ => Refresh::Catalog(owner.clone()),
        };
        out.push(Effect::Refresh(refresh));
    }
}

impl Mapper {
    /// A row of `pedido_venda`. Those of other systems are not even asked for.
    pub(super) fn pedido_change(
        &mut self,
        plan: &Plan,
        change: &RowChange<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        // A pedido that is deleted says nothing: an order is not cancelled by being cleared away.
        let (_, Some(new)) = old_and_new(change) else { return Ok(()) };
        // What cannot be read here is read again.
        if !matches!(self.vtex_order(plan, new), Ok(None)) {
            out.push(Effect::Refresh(Refresh::Pedido(plan.id(new)?)));
        }
        Ok(())
    }
}

/// A row of an item, a parcel or a fiscal document of an order. No index leads from it to its order, since there are as
/// many of them as there are sales: where a row is deleted and tells nothing but its own id, open orders are compared.
pub(super) fn order_detail_change(
    plan: &Plan,
    change: &RowChange<'_>,
    out: &mut Vec<Effect>,
) -> Result<(), RowError> {
    let (old, new) = old_and_new(change);
    let owners = [old, new].map(|cells| cells.map(|cells| plan.owner(cells)).transpose());
    let [old_owner, new_owner] = owners;
    let (old_owner, new_owner) = (old_owner?.flatten(), new_owner?.flatten());
    if new.is_none() && old_owner.is_none() && plan.role() != Role::Invoice {
        out.push(Effect::Reconcile(Entity::Order, "a row of an order was deleted and does not say of which"));
    }
    for owner in [old_owner, new_owner].into_iter().flatten() {
        out.push(Effect::Refresh(Refresh::Pedido(owner)));
    }
    Ok(())
}

/// A row of a customer.
pub(super) fn person_change(
    plan: &Plan,
    change: &RowChange<'_>,
    out: &mut Vec<Effect>,
) -> Result<(), RowError> {
    let (old, new) = old_and_new(change);
    for cells in [old, new].into_iter().flatten() {
        out.push(Effect::Refresh(Refresh::Person(plan.id(cells)?)));
    }
    Ok(())
}
