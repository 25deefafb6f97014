//! Customers, put together from the rows of several tables.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::entity::{Entity, Key};
use crate::core::row::Cell;
use crate::core::time::Timestamp;
use crate::core::value::Value;

use crate::mapping::cell::{self, RowId};
use crate::mapping::people::{
    AddressRow, ConsentRow, CustomerRow, OnDelete, PeopleReason, PersonRows, Told, person,
};
use crate::mapping::read::Plan;
use crate::mapping::{Effect, Mapper, Reason, Role, RowError, Rows};

/// The rows of some customers, as they come.
#[derive(Debug)]
pub struct PeopleBatch(BTreeMap<RowId, Found>);

/// A customer that VTEX was told of: a delete carries nothing but the id.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptCustomer {
    pub id: RowId,
    code: CompactString,
}

#[derive(Debug)]
enum Found {
    /// Live has no such row (yet).
    Nothing,
    /// A row that cannot be read: nothing is said.
    Unusable,
    /// A row of another tenant.
    OtherTenant,
    Rows(Box<PersonRows>),
}

impl Mapper {
    /// Takes rows of these customers: theirs first, then what belongs to them.
    pub fn people_batch(&self, customers: &[RowId]) -> PeopleBatch {
        PeopleBatch(customers.iter().map(|id| (id.clone(), Found::Nothing)).collect())
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
            let Some(place) = batch.0.get_mut(&id) else { return Ok(()) };
            *place = Found::Unusable;
            *place = if plan.ours(cells, 1, &self.config)? {
                let customer = plan.customer(cells)?;
                Found::Rows(Box::new(PersonRows { customer, addresses: Vec::new(), consents: Vec::new() }))
            } else {
                self.counts.count(Reason::OtherTenant);
                Found::OtherTenant
            };
            return Ok(());
        }
        let Some(owner) = plan.owner(cells)? else { return Ok(()) };
        out.push(Effect::PutRow {
            key: Self::detail_index(plan.role(), &id),
            value: Self::owner_row(&owner),
        });
        let Some(Found::Rows(rows)) = batch.0.get_mut(&owner) else { return Ok(()) };
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

    /// What VTEX shall know of these customers. `told`: what it was told of a key, or is about to be told.
    pub fn people_wanted(
        &mut self,
        batch: PeopleBatch,
        told: &dyn Fn(&Key) -> Option<Value>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        let mut found = Vec::new();
        // Whoever goes, goes before somebody else comes under the same code.
        for (id, row) in batch.0 {
            let known = Self::kept_customer(&id, rows).map(|customer| customer.code);
            let (how, code) = match &row {
                Found::Unusable => continue,
                Found::Nothing => (self.config.customers.on_delete, None),
                // Somebody else's now, or under another code: nobody asks for an erasure.
                Found::OtherTenant => (OnDelete::Keep, None),
                Found::Rows(row) => (OnDelete::Keep, Some(row.customer.code.clone())),
            };
            if let Some(before) = known.as_ref().filter(|known| code.as_ref() != Some(known)) {
                self.let_go(&id, before, how, told, rows, out);
            }
            if let Found::Rows(row) = row {
                found.push((id, known, row));
            }
        }
        for (id, known, row) in found {
            let code = row.customer.code.clone();
            if self.want_person(&row, told, rows, out) && known.as_ref() != Some(&code) {
                let kept = KeptCustomer { id: id.clone(), code: code.clone() };
                let value =
                    postcard::to_stdvec(&kept).expect("postcard writes any of our own types to memory");
                out.push(Effect::PutRow { key: Self::customer_row(&id), value });
                out.push(Effect::PutRow { key: Self::code_row(&code), value: Self::owner_row(&id) });
            }
        }
    }

    /// The beginning of the stored keys that tell under which code VTEX was told of a customer.
    pub fn customers_prefix() -> Vec<u8> {
        vec![b'd', Role::Customer as u8]
    }

    fn customer_row(id: &RowId) -> Vec<u8> {
        Self::detail_index(Role::Customer, id)
    }

    /// The other way round.
    fn code_row(code: &str) -> Vec<u8> {
        [&b"u"[..], code.as_bytes()].concat()
    }

    /// Where it is kept what of a customer is not sent, and why: reasons, nothing of the person.
    fn notes_row(code: &str) -> Vec<u8> {
        [&b"y"[..], code.as_bytes()].concat()
    }

    fn note(code: &str, notes: String, rows: &dyn Rows, out: &mut Vec<Effect>) {
        let key = Self::notes_row(code);
        let before = rows.row(&key).unwrap_or_default();
        if notes.is_empty() && !before.is_empty() {
            out.push(Effect::DeleteRow { key });
        } else if before != notes.as_bytes() {
            out.push(Effect::PutRow { key, value: notes.into_bytes() });
        }
    }

    /// What in Live leads to what VTEX is told of a customer.
    pub(in crate::mapping) fn explain_person(code: &str, rows: &dyn Rows) -> Vec<String> {
        let known = rows.row(&Self::code_row(code)).is_some();
        let notes = rows.row(&Self::notes_row(code)).unwrap_or_default();
        let mut lines = match (known, notes.is_empty()) {
            (false, true) => vec![format!("nothing is known of a customer with the code {code}")],
            (false, false) => vec!["VTEX is not told of this customer".to_owned()],
            (true, _) => vec!["VTEX is told of this customer".to_owned()],
        };
        lines.extend(String::from_utf8_lossy(&notes).lines().map(str::to_owned));
        lines
    }

    fn kept_customer(id: &RowId, rows: &dyn Rows) -> Option<KeptCustomer> {
        postcard::from_bytes(&rows.row(&Self::customer_row(id))?).ok()
    }

    /// Whether VTEX is to know anything of the customer.
    fn want_person(
        &mut self,
        rows: &PersonRows,
        told: &dyn Fn(&Key) -> Option<Value>,
        stored: &dyn Rows,
        out: &mut Vec<Effect>,
    ) -> bool {
        let key = |entity| Key { entity, id: rows.customer.code.clone() };
        let (customer, consent) = (told(&key(Entity::Customer)), told(&key(Entity::Consent)));
        let before = Told {
            customer: match &customer {
                Some(Value::Customer(customer)) => Some(&**customer),
                _ => None,
            },
            consent: match &consent {
                Some(Value::Consent(consent)) => Some(&**consent),
                _ => None,
            },
        };
        let mapped = person(rows, before, &self.config.customers, &self.config.consent);
        let mut wanted = false;
        let mut notes = String::new();
        for (entity, value) in [(Entity::Consent, mapped.consent), (Entity::Customer, mapped.customer)] {
            if !self.config.has(entity) {
                continue;
            }
            match value {
                Ok(value) => {
                    wanted = true;
                    out.push(Effect::Want { key: key(entity), value });
                }
                Err(reason) => {
                    self.people_counts.count(reason);
                    notes.push_str(&format!("{entity} {}\n", reason.words()));
                }
            }
        }
        for reason in mapped.left_out {
            self.people_counts.count(reason);
            notes.push_str(&format!("{}\n", reason.words()));
        }
        Self::note(&rows.customer.code, notes, stored, out);
        wanted
    }

    /// Live has this customer no more, or not under this code.
    fn let_go(
        &mut self,
        id: &RowId,
        code: &CompactString,
        how: OnDelete,
        told: &dyn Fn(&Key) -> Option<Value>,
        rows: &dyn Rows,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::DeleteRow { key: Self::customer_row(id) });
        let index = Self::code_row(code);
        if rows.row(&index) != Some(Self::owner_row(id)) {
            return; // another customer has the code since
        }
        out.push(Effect::DeleteRow { key: index });
        Self::note(code, String::new(), rows, out);
        self.people_counts.count(PeopleReason::Deleted);
        for entity in [Entity::Consent, Entity::Customer] {
            let key = Key { entity, id: code.clone() };
            let value = match (how, told(&key)) {
                (_, None) => continue,
                (_, Some(told)) if told.leaves_no_trace() || !self.config.has(entity) => continue,
                (OnDelete::Erase, _) => Value::Erased,
                (OnDelete::Keep, Some(Value::Consent(told))) if told.takes_back() => {
                    Value::Released(Some(told))
                }
                (OnDelete::Keep, _) => Value::Released(None),
            };
            out.push(Effect::Want { key, value });
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
            price_group: self.read(cells, 15, cell::row_id)?.map(|group| group.to_string()),
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
