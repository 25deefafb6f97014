//! SKUs and their EANs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::super::skus::{Skus, Taken};
use super::text::{at_most, required};
use super::{Assignment, Image, Refusal, Tables, Unmet};
use crate::simulator::options::UnmetActivation;

const NAME_MAX: usize = 200;
const REFERENCE_MAX: usize = 50;
const SKUS_PER_PRODUCT_MAX: usize = 50;
/// Cubic centimetres per kilogram of cubic weight.
const CUBIC_FACTOR: f64 = 6_000.0;
const UNITS: [&str; 21] = [
    "un", "kg", "g", "mg", "m", "m²", "m³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "oz", "lb", "ft", "ft²",
    "ft³", "in", "in²", "in³",
];

/// A SKU as a request writes it. What is left out is wiped; without `IsActive` it becomes inactive.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SkuFields {
    pub(crate) product_id: u32,
    /// What the request wants; whether the SKU is active is [`Sku::active`].
    pub(crate) is_active: bool,
    pub(crate) activate_if_possible: bool,
    pub(crate) name: String,
    pub(crate) ref_id: String,
    /// Centimetres.
    pub(crate) packaged_height: Option<f64>,
    pub(crate) packaged_length: Option<f64>,
    pub(crate) packaged_width: Option<f64>,
    /// Grams, whatever its name says.
    pub(crate) packaged_weight_kg: Option<f64>,
    pub(crate) height: f64,
    pub(crate) length: f64,
    pub(crate) width: f64,
    pub(crate) weight_kg: f64,
    pub(crate) cubic_weight: Option<f64>,
    pub(crate) is_kit: bool,
    pub(crate) creation_date: String,
    pub(crate) reward_value: f64,
    pub(crate) estimated_date_arrival: Option<String>,
    pub(crate) manufacturer_code: String,
    pub(crate) commercial_condition_id: Option<u32>,
    pub(crate) measurement_unit: String,
    pub(crate) unit_multiplier: Option<f64>,
    pub(crate) modal_type: Option<String>,
    pub(crate) kit_itens_sell_apart: bool,
    pub(crate) videos: Vec<String>,
}

/// A SKU.
#[derive(Clone, Debug)]
pub(crate) struct Sku {
    pub(crate) id: u32,
    pub(crate) active: bool,
    pub(crate) fields: SkuFields,
    /// In the order in which VTEX lists them.
    pub(crate) eans: BTreeSet<String>,
    pub(crate) images: Vec<Image>,
    pub(crate) specifications: Vec<Assignment>,
    /// It becomes active when nothing is in the way any more. A PUT that switches it off ends this, although
    /// `ActivateIfPossible` stays: it was possible, and is not wanted.
    pub(super) waits: bool,
    /// Since when it has its RefId.
    ref_since: Duration,
}

impl Tables {
    /// Makes a SKU, always inactive. Its RefId and id become known to Logistics and Pricing as well.
    pub(crate) fn create_sku(
        &mut self,
        names: &Skus,
        id: Option<u32>,
        fields: SkuFields,
    ) -> Result<u32, Refusal> {
        if fields.is_active {
            return Err(Refusal::invalid("A SKU can not be created as active"));
        }
        if id.is_some_and(|id| self.skus.contains_key(&id)) {
            return Err(Refusal::IdTaken("Sku"));
        }
        let fields = self.checked_sku(None, fields)?;
        let id = names.create(id, &fields.ref_id, &mut self.issued.sku).map_err(|taken| match taken {
            Taken::Id => Refusal::IdTaken("Sku"),
            Taken::Reference(holder) => Refusal::SkuRefTaken(holder),
        })?;
        self.store_sku(Sku::bare(id, self.now), fields, false);
        Ok(id)
    }

    /// Replaces a SKU: what the request leaves out is gone. A SKU that so far was only an id and a RefId gets its
    /// data by this. True when it changed.
    pub(crate) fn put_sku(&mut self, names: &Skus, id: u32, fields: SkuFields) -> Result<bool, Refusal> {
        let before = match self.skus.get(&id) {
            Some(known) => known.clone(),
            None if names.exists(id) => Sku::bare(id, self.now),
            None => return Err(Refusal::NotFound("Sku")),
        };
        let mut fields = self.checked_sku(Some(&before), fields)?;
        if fields.ref_id.is_empty() && before.eans.is_empty() {
            return Err(Refusal::invalid("RefId is required, since the SKU has no EAN"));
        }
        // A kit stays one.
        fields.is_kit |= before.fields.is_kit;
        let active = self.active_after_put(&before, &fields)?;
        names.rename(id, &fields.ref_id).map_err(Refusal::SkuRefTaken)?;
        let same = SkuFields { is_active: fields.is_active, ..before.fields.clone() };
        let changed = active != before.active || fields != same;
        self.store_sku(before, fields, active);
        Ok(changed)
    }

    fn store_sku(&mut self, before: Sku, fields: SkuFields, active: bool) {
        let (id, product) = (before.id, fields.product_id);
        let former = before.fields.product_id;
        if former != product
            && let Some(left) = self.products.get_mut(&former)
        {
            left.skus.remove(&id);
            self.saved(former);
        }
        if let Some(product) = self.products.get_mut(&product) {
            product.skus.insert(id);
        }
        let ref_since = if before.fields.ref_id == fields.ref_id { before.ref_since } else { self.now };
        let wish = fields.activate_if_possible;
        let waits = wish && (before.waits || !before.fields.activate_if_possible);
        self.skus.insert(id, Sku { active, fields, waits, ref_since, ..before });
        self.saved(product);
    }

    /// Whether a SKU is active after a PUT. Files and components are checked every time; VTEX's documents do not
    /// say what it answers when one of the other conditions is not met.
    fn active_after_put(&self, before: &Sku, fields: &SkuFields) -> Result<bool, Refusal> {
        if !fields.is_active {
            return Ok(false);
        }
        let wanted = Sku { fields: fields.clone(), ..before.clone() };
        let unmet = self.unmet_for_activation(&wanted);
        let name = &fields.name;
        for condition in &unmet {
            let why = match condition {
                Unmet::Image => "it does not have any files associated to it yet",
                Unmet::KitComponent => "it is a kit and does not have active components associated to it",
                _ if before.active || self.rules.unmet_activation == UnmetActivation::StaysInactive => {
                    continue;
                }
                _ => "one of the conditions for its activation is not met",
            };
            return Err(Refusal::Invalid(format!("Sku {name} could not be set as active because {why}.")));
        }
        Ok(before.active || unmet.is_empty())
    }

    pub(crate) fn sku(&self, id: u32) -> Result<&Sku, Refusal> {
        self.skus.get(&id).ok_or(Refusal::NotFound("Sku"))
    }

    pub(super) fn sku_mut(&mut self, id: u32) -> Result<&mut Sku, Refusal> {
        self.skus.get_mut(&id).ok_or(Refusal::NotFound("Sku"))
    }

    /// False while a look-up by RefId does not find the SKU yet.
    pub(crate) fn sku_ref_shows(&self, id: u32, now: Duration, lag: Duration) -> bool {
        self.skus.get(&id).is_none_or(|sku| now.saturating_sub(sku.ref_since) >= lag)
    }

    /// Adds an EAN. VTEX takes any number of them for one SKU (known issue 286097).
    pub(crate) fn add_ean(&mut self, sku: u32, ean: &str) -> Result<(), Refusal> {
        let product = self.sku(sku)?.fields.product_id;
        if let Some(holder) = self.eans.get(ean) {
            return Err(Refusal::EanTaken(*holder));
        }
        self.eans.insert(ean.to_owned(), sku);
        self.sku_mut(sku)?.eans.insert(ean.to_owned());
        self.saved(product);
        Ok(())
    }

    /// Removes one EAN or all; the SKU stays active even if nothing identifies it now (known issue 626031).
    pub(crate) fn remove_eans(&mut self, sku: u32, only: Option<&str>) -> Result<(), Refusal> {
        let owner = self.sku_mut(sku)?;
        let product = owner.fields.product_id;
        let gone = match only {
            Some(ean) => vec![owner.eans.take(ean).ok_or(Refusal::NotFound("Ean"))?],
            None => std::mem::take(&mut owner.eans).into_iter().collect(),
        };
        for ean in gone {
            self.eans.remove(&ean);
        }
        self.saved(product);
        Ok(())
    }

    pub(crate) fn sku_by_ean(&self, ean: &str) -> Option<&Sku> {
        self.skus.get(self.eans.get(ean)?)
    }

    /// Checks limits and fills in what VTEX makes itself.
    fn checked_sku(&self, before: Option<&Sku>, mut fields: SkuFields) -> Result<SkuFields, Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        at_most("RefId", &fields.ref_id, REFERENCE_MAX)?;
        let product = self.product(fields.product_id)?;
        let joins = before.is_none_or(|before| !product.skus.contains(&before.id));
        if joins && product.skus.len() >= SKUS_PER_PRODUCT_MAX {
            return Err(Refusal::invalid("A product has at most 50 SKUs"));
        }
        let (Some(height), Some(length), Some(width), Some(_)) = (
            fields.packaged_height,
            fields.packaged_length,
            fields.packaged_width,
            fields.packaged_weight_kg,
        ) else {
            return Err(Refusal::invalid(
                "PackagedHeight, PackagedLength, PackagedWidth and PackagedWeightKg are required",
            ));
        };
        let cubic_weight = (height * length * width / CUBIC_FACTOR * 1e4).round() / 1e4;
        fields.cubic_weight.get_or_insert(cubic_weight);
        fields.unit_multiplier.get_or_insert(1.0);
        if *fields.commercial_condition_id.get_or_insert(1) == 0 {
            return Err(Refusal::invalid("CommercialConditionId must not be 0"));
        }
        if fields.measurement_unit.is_empty() {
            UNITS[0].clone_into(&mut fields.measurement_unit);
        }
        if !UNITS.contains(&fields.measurement_unit.as_str()) {
            return Err(Refusal::Invalid(format!("{} is no MeasurementUnit", fields.measurement_unit)));
        }
        if fields.creation_date.is_empty() {
            let made = before.map(|before| before.fields.creation_date.clone());
            fields.creation_date = made.filter(|date| !date.is_empty()).unwrap_or_else(now_text);
        }
        Ok(fields)
    }
}

impl Sku {
    /// An id without data.
    fn bare(id: u32, now: Duration) -> Self {
        Self {
            id,
            active: false,
            fields: SkuFields::default(),
            eans: BTreeSet::new(),
            images: Vec::new(),
            specifications: Vec::new(),
            waits: false,
            ref_since: now,
        }
    }
}

fn now_text() -> String {
    jiff::Timestamp::now().strftime("%FT%T").to_string()
}
