//! Customers, put together from the rows of several tables.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::core::entity::{Entity, Key};
use crate::core::row::Cell;
use crate::core::time::Timestamp;

use crate::mapping::cell::{self, RowId};
use crate::mapping::people::{AddressRow, ConsentRow, CustomerRow, PersonRows, person};
use crate::mapping::read::Plan;
use crate::mapping::{Effect, Mapper, Reason, Role, RowError};

/// The rows of some customers, as they come.
#[derive(Debug)]
pub struct PeopleBatch(BTreeMap<RowId, Option<PersonRows>>);

impl Mapper {
    /// Takes rows of these customers, table by table in the order of [`Role::ALL`].
    pub fn people_batch(&self, customers: &[RowId]) -> PeopleBatch {
        PeopleBatch(customers.iter().map(|id| (id.clone(), None)).collect())
    }

    /// Takes one row in. One that cannot be read is counted; without the row of the customer nothing is said.
    pub fn people_row(
        &mut self,
        batch: &mut PeopleBatch,
        relation: u32,
        cells: &[Cell<'_>],
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        if self.take_person_row(batch, &plan, cells, out).is_err() {
            self.counts.count(Reason::BadValue);
        }
    }

    fn take_person_row(
        &mut self,
        batch: &mut PeopleBatch,
        plan: &Plan,
        cells: &[Cell<'_>],
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let id = plan.id(cells)?;
        if plan.role() == Role::Customer {
            if !plan.ours(cells, 1, &self.config)? {
                self.counts.count(Reason::OtherTenant);
                return Ok(());
            }
            if let Some(place) = batch.0.get_mut(&id) {
                let customer = plan.customer(cells)?;
                *place = Some(PersonRows { customer, addresses: Vec::new(), consents: Vec::new() });
            }
            return Ok(());
        }
        let Some(owner) = plan.owner(cells)? else { return Ok(()) };
        out.push(Effect::PutRow {
            key: Self::detail_index(plan.role(), &id),
            value: Self::owner_row(&owner),
        });
        let Some(rows) = batch.0.get_mut(&owner).and_then(Option::as_mut) else { return Ok(()) };
        match plan.role() {
            Role::Address => rows.addresses.push(plan.address(cells, &id)?),
            Role::Consent => rows.consents.push(self.consent(plan, cells)?),
            _ => {}
        }
        Ok(())
    }

    fn consent(&self, plan: &Plan, cells: &[Cell<'_>]) -> Result<ConsentRow, RowError> {
        let letter = plan.need(cells, 2, cell::row_id)?;
        let letter = self.reference.named(Role::Letter, &letter);
        let purpose = plan.need(cells, 3, cell::row_id)?;
        // A purpose that is not known (yet) is nobody's: it is named by its number, and means nothing to VTEX.
        let code = self.reference.named(Role::Purpose, &purpose).map(|purpose| purpose.code.clone());
        Ok(ConsentRow {
            purpose: code.unwrap_or_else(|| CompactString::from(purpose.to_string())),
            state: plan.need(cells, 4, cell::integer)?,
            channel: plan.read(cells, 5, |cell, _| cell::text(cell))?.unwrap_or_default(),
            accepted: plan.read(cells, 6, cell::timestamp)?,
            revoked: plan.read(cells, 7, cell::timestamp)?,
            letter: letter.map(|letter| letter.code.clone()).unwrap_or_default(),
            version: letter.map(|letter| letter.version).unwrap_or_default(),
            text_hash: letter.map(|letter| letter.name.clone()).unwrap_or_default(),
        })
    }

    /// What VTEX shall know of these customers.
    pub fn people_wanted(&mut self, batch: PeopleBatch, out: &mut Vec<Effect>) {
        for rows in batch.0.into_values().flatten() {
            let mapped = person(&rows, &self.config.customers, &self.config.consent);
            for (entity, value) in [(Entity::Consent, mapped.consent), (Entity::Customer, mapped.customer)] {
                if !self.config.has(entity) {
                    continue;
                }
                match value {
                    Ok(value) => {
                        let key = Key { entity, id: rows.customer.code.clone() };
                        out.push(Effect::Want { key, value });
                    }
                    Err(reason) => self.people_counts.count(reason),
                }
            }
            for reason in mapped.left_out {
                self.people_counts.count(reason);
            }
        }
    }
}

type Read<T> = Result<T, RowError>;

impl Plan {
    fn customer(&self, cells: &[Cell<'_>]) -> Read<CustomerRow> {
        Ok(CustomerRow {
            code: self.need(cells, 2, |cell, _| cell::text(cell))?,
            kind: self.kind(cells, 3)?,
            document: self.line(cells, 4)?,
            registration: self.line(cells, 5)?,
            name: self.need(cells, 6, |cell, _| cell::text(cell))?.into(),
            trade_name: self.line(cells, 7)?,
            birth_date: self.read(cells, 8, cell::timestamp)?.and_then(day),
            sex: self.read(cells, 9, cell::integer)?,
            email: self.line(cells, 10)?,
            cell_phone: self.line(cells, 11)?,
            phone: self.line(cells, 12)?,
            active: self.active(cells, 13)?,
            erased: self.read(cells, 14, cell::timestamp)?.is_some(),
        })
    }

    fn address(&self, cells: &[Cell<'_>], id: &RowId) -> Read<AddressRow> {
        let need = |at| -> Read<String> { Ok(self.line(cells, at)?.unwrap_or_default()) };
        Ok(AddressRow {
            id: CompactString::from(id.to_string().to_lowercase()),
            kind: self.kind(cells, 2)?,
            receiver: self.line(cells, 3)?,
            street: need(4)?,
            number: self.line(cells, 5)?,
            complement: self.line(cells, 6)?,
            neighborhood: self.line(cells, 7)?,
            city: need(8)?,
            state: need(9)?,
            postal_code: need(10)?,
            country: need(11)?,
            reference: self.line(cells, 12)?,
            active: self.active(cells, 13)?,
        })
    }
}

/// The day of a moment that is midnight UTC.
fn day(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(at.0).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(at).date().to_string())
}
