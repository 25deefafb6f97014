//! The customer in Live, what was said last, and the row for what the shopper says.

use compact_str::CompactString;

use super::ConsentsConfig;
use crate::core::call::people::Shopper;
use crate::core::shop_consent::Said;
use crate::core::time::Timestamp;
use crate::core::value::person::ConsentState;
use crate::live::writer::{Rows, Sql, Transaction, Value, WriteError};
use crate::mapping::cell::{self, CellError, RowId};
use crate::mapping::config::{MappingConfig, Role};
use crate::mapping::people::{self, ConsentRow};

/// Why an act is not in Live.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{table}: {error}: correct [mapping.tables]")]
    Cell { table: &'static str, error: CellError },
    #[error(
        "Live has no purpose {0} (finalidade_consentimento.codigo): correct mapping.consent.email_marketing_purpose"
    )]
    NoPurpose(CompactString),
    #[error("Live has no consent letter that the act could belong to: make one active")]
    NoLetter,
}

impl ActError {
    /// Whether the same again can succeed without anybody changing anything.
    pub(super) const fn is_transient(&self) -> bool {
        matches!(self, Self::Write(error) if error.is_transient())
    }
}

/// A customer of Live.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: RowId,
    /// The code: the customer's name in the ledger.
    pub code: CompactString,
    tenant: Option<RowId>,
    pub erased: bool,
}

/// Who it is.
pub(super) enum Found {
    One(Customer),
    Nobody,
    /// Several have the e-mail address.
    Several,
}

/// The tables of Live, as mapped.
pub struct Tables<'a> {
    pub mapping: &'a MappingConfig,
    pub config: &'a ConsentsConfig,
}

impl Tables<'_> {
    fn table(&self, role: Role) -> String {
        let captured = self.mapping.captured_table(role);
        format!("{}.{}", captured.schema, captured.table)
    }

    /// The customer with this CPF or CNPJ, or else with this e-mail address.
    pub(super) async fn customer(
        &self,
        transaction: &mut Transaction,
        shopper: &Shopper,
    ) -> Result<Found, ActError> {
        let columns = &self.mapping.tables.customer.columns;
        for document in
            shopper.documents.iter().filter_map(|text| people::cpf(text).or_else(|| people::cnpj(text)))
        {
            if columns.document.is_empty() {
                break;
            }
            let sql = self
                .select_customer("consents.by_document")
                .name(&columns.document)
                .push(" IN (")
                .values([Value::text(document.to_string()), Value::text(punctuated(&document))]);
            match self.customers(transaction, &sql.push(")")).await?.as_slice() {
                [] => {}
                [one] => return Ok(Found::One(one.clone())),
                _ => return Ok(Found::Several),
            }
        }
        // An alias of VTEX's is nobody's address.
        let Ok(email) = people::email(shopper.email.as_deref()) else { return Ok(Found::Nobody) };
        if columns.email.is_empty() {
            return Ok(Found::Nobody);
        }
        let sql = self.select_customer("consents.by_email").push("lower(").name(&columns.email);
        let sql = sql.push(") = ").value(Value::text(email.to_string()));
        Ok(match self.customers(transaction, &sql).await?.as_slice() {
            [] => Found::Nobody,
            [one] => Found::One(one.clone()),
            _ => Found::Several,
        })
    }

    /// Up to the condition.
    fn select_customer(&self, tag: &'static str) -> Sql {
        let columns = &self.mapping.tables.customer.columns;
        let mut sql = Sql::read(tag).push("SELECT ").names([columns.id.as_str(), &columns.code]);
        // What the site does not have is read as null.
        for name in [&columns.tenant, &columns.erased] {
            sql = if name.is_empty() { sql.push(", NULL") } else { sql.push(", ").name(name) };
        }
        sql = sql.push(" FROM ").table(&self.table(Role::Customer)).push(" WHERE ");
        match (&self.mapping.tenant, columns.tenant.as_str()) {
            (Some(_), "") | (None, _) => sql,
            (Some(tenant), name) => sql.name(name).push(" = ").value(named(tenant)).push(" AND "),
        }
    }

    async fn customers(&self, transaction: &mut Transaction, sql: &Sql) -> Result<Vec<Customer>, ActError> {
        let rows = transaction.fetch(sql).await?;
        let read = |row| {
            let Some(id) = id(&rows, row, 0)? else { return Err(CellError::Missing) };
            let code = cell::text(rows.cell(row, 1).0)?.ok_or(CellError::Missing)?;
            let erased = !matches!(rows.cell(row, 3).0, crate::core::row::Cell::Null);
            Ok(Customer { id, code, tenant: id_or_none(&rows, row, 2), erased })
        };
        (0..rows.len()).map(read).collect::<Result<_, _>>().map_err(|error| unreadable("cliente", error))
    }

    /// The newest act for the purpose, and the letter that it belongs to.
    pub(super) async fn last_act(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
        purpose: &RowId,
    ) -> Result<Option<(Said, RowId)>, ActError> {
        let columns = &self.mapping.tables.consent.columns;
        let names = [&columns.letter, &columns.state, &columns.channel, &columns.accepted, &columns.revoked]
            .map(String::as_str);
        let sql = Sql::read("consents.last")
            .push("SELECT ")
            .names(names)
            .push(" FROM ")
            .table(&self.table(Role::Consent))
            .push(" WHERE ")
            .name(&columns.customer)
            .push(" = ")
            .value(value(&customer.id))
            .push(" AND ")
            .name(&columns.purpose)
            .push(" = ")
            .value(value(purpose));
        let rows = transaction.fetch(&sql).await?;
        let acts: Vec<(ConsentRow, RowId)> = (0..rows.len())
            .map(|row| act(&rows, row))
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable("cliente_consentimento", error))?;
        Ok(newest(&acts, &self.config.channel))
    }

    /// What the site calls e-mail marketing.
    pub(super) async fn purpose(&self, transaction: &mut Transaction) -> Result<RowId, ActError> {
        let columns = &self.mapping.tables.purpose.columns;
        let code = &self.mapping.consent.email_marketing_purpose;
        let sql = Sql::read("consents.purpose").push("SELECT ").name(&columns.id).push(" FROM ");
        let sql = sql.table(&self.table(Role::Purpose)).push(" WHERE ").name(&columns.code).push(" = ");
        let rows = transaction.fetch(&sql.value(Value::text(code.to_string()))).await?;
        let found = if rows.is_empty() { Ok(None) } else { id(&rows, 0, 0) };
        found
            .map_err(|error| unreadable("finalidade_consentimento", error))?
            .ok_or_else(|| ActError::NoPurpose(code.clone()))
    }

    /// The letter that the customer's tenant shows today.
    async fn letter(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
    ) -> Result<Option<RowId>, ActError> {
        let columns = &self.mapping.tables.letter.columns;
        let mut sql =
            Sql::read("consents.letter").push("SELECT ").names([columns.id.as_str(), &columns.version]);
        sql = sql.push(" FROM ").table(&self.table(Role::Letter)).push(" WHERE ");
        sql = match (&customer.tenant, columns.tenant.as_str()) {
            (None, _) | (_, "") => sql.push("1 = 1"),
            (Some(tenant), name) => sql.name(name).push(" = ").value(value(tenant)),
        };
        if !self.config.columns.active_letter.is_empty() {
            sql = sql
                .push(" AND ")
                .name(&self.config.columns.active_letter)
                .push(" = ")
                .value(Value::Flag(true));
        }
        let rows = transaction.fetch(&sql).await?;
        let read = |row| {
            let (version, of) = rows.cell(row, 1);
            Ok((cell::integer(version, of)?, id(&rows, row, 0)?.ok_or(CellError::Missing)?))
        };
        let letters: Result<Vec<(Option<i64>, RowId)>, CellError> = (0..rows.len()).map(read).collect();
        let letters = letters.map_err(|error| unreadable("carta_consentimento", error))?;
        Ok(letters.into_iter().max().map(|(_, id)| id))
    }

    /// Writes an act. The same one again changes nothing: its row has the same id.
    pub(super) async fn write(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
        purpose: &RowId,
        act: &NewAct,
    ) -> Result<(), ActError> {
        // What is taken back is what was agreed to; what is agreed to is what is shown today.
        let letter = match (&act.letter, act.accepted) {
            (Some(letter), false) => Some(letter.clone()),
            _ => self.letter(transaction, customer).await?.or_else(|| act.letter.clone()),
        };
        let letter = letter.ok_or(ActError::NoLetter)?;
        let columns = &self.mapping.tables.consent.columns;
        let own = &self.config.columns;
        let moment = Value::Moment(act.at);
        let (accepted, revoked) =
            if act.accepted { (moment.clone(), Value::Null) } else { (Value::Null, moment) };
        let row_id = Value::Uuid(act.row_id(customer, purpose));
        let row = [
            (columns.id.as_str(), row_id.clone()),
            (&columns.customer, value(&customer.id)),
            (&columns.letter, value(&letter)),
            (&columns.purpose, value(purpose)),
            (&columns.state, Value::Int(if act.accepted { 1 } else { 3 })),
            (&columns.channel, Value::text(self.config.channel.clone())),
            (&columns.accepted, accepted),
            (&columns.revoked, revoked),
            (&own.operator, Value::text(self.config.operator.clone())),
            (&own.updated_at, Value::Moment(act.now)),
        ];
        let table = self.table(Role::Consent);
        transaction
            .execute(&Sql::insert_unless("consents.write", &table, (&columns.id, row_id), row))
            .await?;
        Ok(())
    }
}

/// What a shopper said.
pub(super) struct NewAct {
    pub(super) accepted: bool,
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    /// Of the act before.
    pub(super) letter: Option<RowId>,
}

impl NewAct {
    /// The same for the same act, for ever (a UUID of version 8, RFC 9562: made in a way of our own).
    fn row_id(&self, customer: &Customer, purpose: &RowId) -> u128 {
        let mut bytes = customer.id.bytes();
        bytes.extend(purpose.bytes());
        bytes.push(u8::from(self.accepted));
        bytes.extend(self.at.0.to_be_bytes());
        let halves = [fnv(&bytes, 0xcbf2_9ce4_8422_2325), fnv(&bytes, 0x9ae1_6a3b_2f90_404f)];
        let hash = u128::from(halves[0]) << 64 | u128::from(halves[1]);
        hash & !(0xF << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn newest(acts: &[(ConsentRow, RowId)], channel: &str) -> Option<(Said, RowId)> {
    // An agreement without a date proves nothing.
    let undated = |row: &ConsentRow| row.state == 1 && row.accepted.max(row.revoked).is_none();
    let acts: Vec<_> = acts.iter().filter(|(row, _)| !undated(row)).collect();
    let rows: Vec<ConsentRow> = acts.iter().map(|(row, _)| row.clone()).collect();
    let (_, any) = acts.first()?;
    let newest = people::newest_acts(&rows).into_iter().next();
    Some(match newest {
        Some(act) => {
            let at = act.at;
            let is_it = |(row, _): &&&(ConsentRow, RowId)| row.accepted.max(row.revoked) == at;
            let letter = acts.iter().find(is_it).map_or(any, |(_, letter)| letter);
            let in_shop = act.channel.trim() == channel.trim();
            (Said { state: act.state, at, in_shop }, letter.clone())
        }
        // The newest says something that we do not know: it is no agreement, and nothing is known to be newer.
        None => (Said { state: ConsentState::Expired, at: None, in_shop: false }, any.clone()),
    })
}

fn act(rows: &Rows, row: usize) -> Result<(ConsentRow, RowId), CellError> {
    let moment = |column| {
        let (cell, of) = rows.cell(row, column);
        cell::timestamp(cell, of)
    };
    let (state, of) = rows.cell(row, 1);
    let consent = ConsentRow {
        purpose: CompactString::const_new("p"),
        state: cell::integer(state, of)?.ok_or(CellError::Missing)?,
        channel: cell::text(rows.cell(row, 2).0)?.unwrap_or_default(),
        accepted: moment(3)?,
        revoked: moment(4)?,
        letter: CompactString::default(),
        version: 0,
        text_hash: CompactString::default(),
    };
    Ok((consent, id(rows, row, 0)?.ok_or(CellError::Missing)?))
}

fn id(rows: &Rows, row: usize, column: usize) -> Result<Option<RowId>, CellError> {
    let (cell, of) = rows.cell(row, column);
    cell::row_id(cell, of)
}

fn id_or_none(rows: &Rows, row: usize, column: usize) -> Option<RowId> {
    id(rows, row, column).ok().flatten()
}

const fn unreadable(table: &'static str, error: CellError) -> ActError {
    ActError::Cell { table, error }
}

fn value(id: &RowId) -> Value {
    match id {
        RowId::Uuid(id) => Value::Uuid(*id),
        RowId::Int(id) => Value::Int(*id),
        RowId::Text(text) => Value::text(text.to_string()),
    }
}

/// A tenant as the configuration names it.
fn named(tenant: &str) -> Value {
    match (uuid::Uuid::parse_str(tenant), tenant.parse()) {
        (Ok(id), _) => Value::Uuid(id.as_u128()),
        (_, Ok(number)) => Value::Int(number),
        _ => Value::text(tenant.to_owned()),
    }
}

/// As people write a CPF or CNPJ.
fn punctuated(document: &str) -> String {
    let marks: &[(usize, char)] = match document.len() {
        11 => &[(3, '.'), (6, '.'), (9, '-')],
        _ => &[(2, '.'), (5, '.'), (8, '/'), (12, '-')],
    };
    let mut text = String::with_capacity(document.len() + marks.len());
    for (at, character) in document.chars().enumerate() {
        text.extend(marks.iter().filter(|(place, _)| *place == at).map(|(_, mark)| *mark));
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: i64, accepted: Option<i64>, revoked: Option<i64>, channel: &str) -> (ConsentRow, RowId) {
        let consent = ConsentRow {
            purpose: "p".into(),
            state,
            channel: channel.into(),
            accepted: accepted.map(Timestamp),
            revoked: revoked.map(Timestamp),
            letter: "".into(),
            version: 0,
            text_hash: "".into(),
        };
        let letter = RowId::Int(accepted.or(revoked).unwrap_or_default());
        (consent, letter)
    }

    #[test]
    fn the_newest_act_is_the_mappings() {
        assert!(newest(&[], "ECOMMERCE").is_none());
        assert!(newest(&[row(1, None, None, "PDV")], "ECOMMERCE").is_none());
        let acts =
            [row(1, Some(5), None, "PDV"), row(3, None, Some(9), "ECOMMERCE"), row(1, Some(7), None, "PDV")];
        let (said, letter) = newest(&acts, "ECOMMERCE").unwrap();
        assert_eq!(said, Said { state: ConsentState::Revoked, at: Some(Timestamp(9)), in_shop: true });
        assert_eq!(letter, RowId::Int(9));
        let (said, _) =
            newest(&[row(1, Some(5), None, "PDV"), row(8, Some(6), None, "PDV")], "ECOMMERCE").unwrap();
        assert_eq!((said.state, said.at), (ConsentState::Expired, None), "what nobody knows is no agreement");
    }

    #[test]
    fn the_same_act_has_the_same_row() {
        let customer = Customer { id: RowId::Int(7), code: "77".into(), tenant: None, erased: false };
        let act =
            |accepted, at, now| NewAct { accepted, at: Timestamp(at), now: Timestamp(now), letter: None };
        let id = |act: NewAct| act.row_id(&customer, &RowId::Int(2));
        assert_eq!(id(act(true, 5, 1)), id(act(true, 5, 2)));
        assert_ne!(id(act(true, 5, 1)), id(act(true, 6, 1)));
        assert_ne!(id(act(true, 5, 1)), id(act(false, 5, 1)));
        let uuid = uuid::Uuid::from_u128(id(act(true, 5, 1)));
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, uuid::Variant::RFC4122));
    }

    #[test]
    fn documents_are_looked_for_as_they_may_be_written() {
        assert_eq!(punctuated("52998224725"), "529.982.247-25");
        assert_eq!(punctuated("11222333000181"), "11.222.333/0001-81");
        assert_eq!(named("7"), Value::Int(7));
        assert!(matches!(named("6f1de2a0-0000-4000-8000-000000000001"), Value::Uuid(_)));
    }
}
