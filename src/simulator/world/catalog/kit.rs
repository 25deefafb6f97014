//! Kits and their components; complements of SKUs.

use super::{Refusal, Tables};

/// Accessory, suggestion, similar product, show together.
const COMPLEMENT_TYPES: [u32; 4] = [1, 2, 3, 5];

/// A component of a kit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KitComponent {
    pub(crate) id: u32,
    pub(crate) kit: u32,
    pub(crate) sku: u32,
    pub(crate) quantity: u32,
    pub(crate) unit_price: f64,
}

/// A SKU that is shown beside another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complement {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) sku: u32,
    pub(crate) kind: u32,
}

impl Tables {
    pub(crate) fn add_component(
        &mut self,
        kit: u32,
        sku: u32,
        quantity: u32,
        unit_price: f64,
    ) -> Result<u32, Refusal> {
        let owner = self.sku(kit)?;
        self.sku(sku)?;
        if !owner.fields.is_kit {
            return Err(Refusal::Invalid(format!("Sku {kit} is not a kit")));
        }
        if kit == sku || quantity == 0 {
            return Err(Refusal::invalid("a component is another SKU, once or more"));
        }
        let product = owner.fields.product_id;
        let id = Self::issue(&mut self.issued.component, &self.kits);
        self.kits.insert(id, KitComponent { id, kit, sku, quantity, unit_price });
        self.saved(product);
        Ok(id)
    }

    /// The components that fit: of this kit, of this SKU.
    pub(crate) fn components(
        &self,
        kit: Option<u32>,
        sku: Option<u32>,
    ) -> impl Iterator<Item = &KitComponent> {
        self.kits.values().filter(move |component| {
            kit.is_none_or(|kit| component.kit == kit) && sku.is_none_or(|sku| component.sku == sku)
        })
    }

    pub(crate) fn component(&self, id: u32) -> Result<&KitComponent, Refusal> {
        self.kits.get(&id).ok_or(Refusal::NotFound("Kit"))
    }

    pub(crate) fn remove_component(&mut self, id: u32) -> Result<(), Refusal> {
        let gone = self.kits.remove(&id).ok_or(Refusal::NotFound("Kit"))?;
        if let Some(kit) = self.skus.get(&gone.kit) {
            self.touched.push((kit.fields.product_id, true));
        }
        Ok(())
    }

    /// The kits that this SKU is a component of.
    pub(super) fn kits_with(&self, sku: u32) -> impl Iterator<Item = u32> {
        self.components(None, Some(sku)).map(|component| component.kit)
    }

    /// Adds a complement; like every change of complements it is not indexed.
    pub(crate) fn add_complement(&mut self, parent: u32, sku: u32, kind: u32) -> Result<u32, Refusal> {
        self.sku(parent)?;
        self.sku(sku)?;
        if !COMPLEMENT_TYPES.contains(&kind) {
            return Err(Refusal::invalid("ComplementTypeId is none of 1, 2, 3, 5"));
        }
        let id = Self::issue(&mut self.issued.component, &self.complements);
        self.complements.insert(id, Complement { id, parent, sku, kind });
        Ok(id)
    }

    pub(crate) fn complement(&self, id: u32) -> Result<&Complement, Refusal> {
        self.complements.get(&id).ok_or(Refusal::NotFound("SkuComplement"))
    }

    /// Of this parent, and of this type.
    pub(crate) fn complements(&self, parent: u32, kind: Option<u32>) -> impl Iterator<Item = &Complement> {
        self.complements
            .values()
            .filter(move |known| known.parent == parent && kind.is_none_or(|kind| known.kind == kind))
    }

    pub(crate) fn remove_complement(&mut self, id: u32) -> Result<(), Refusal> {
        self.complements.remove(&id).map(drop).ok_or(Refusal::NotFound("SkuComplement"))
    }
}
