//! Opt-ins that change in the shop, written into Live as `cliente_consentimento`.
//!
//! VTEX has no feed of them. So the customers that changed are asked for by their dates (`poll`); for each of them it is
//! decided whether the flag is an act of the shopper's ([`crate::core::shop_consent`]), and the act becomes a row ([`live`]).
//!
//! ```text
//!  search by date ─▶ customer in Live ─▶ decide ─▶ read the document itself ─▶ decide ─▶ row in Live ─▶ ledger learns,
//!   (may be late)    CPF/CNPJ, e-mail                (is what it is now)                               customer is read again
//! ```
//!
//! Nothing is lost and nothing is done twice by a kill at any point: the date up to which everything was seen moves last, and
//! what was done already is seen as done. What cannot be written or decided now waits in the ledger, by VTEX's id.

pub mod live;
mod poll;
mod progress;
mod status;

use serde::Deserialize;

use crate::core::entity::Entity;
use crate::core::time::Timestamp;
use crate::live::writer::TableRights;
use crate::mapping::config::{MappingConfig, Role};

pub use poll::{Poller, Refresh, Shop, Vtex};
pub use status::{Facts, Status};

/// `[consents]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentsConfig {
    /// Write what shoppers say in the shop into Live. Default: false. `mare install` grants what it takes.
    pub from_shop: bool,
    /// Seconds between two looks, 1 to 3,600. Default: 60.
    pub poll_seconds: u64,
    /// Each look goes back so far, in seconds, 60 to 86,400: VTEX's search shows changes late. Default: 600.
    pub overlap_seconds: u64,
    /// The day from which on the first look takes what was said, like `2026-01-31`. Default: the moment of the first start.
    pub since: Option<String>,
    /// `cliente_consentimento.canal` of these rows. Default: `ECOMMERCE`.
    pub channel: String,
    /// `operador` of these rows. Default: `mare`.
    pub operator: String,
    pub columns: WrittenColumns,
}

impl Default for ConsentsConfig {
    fn default() -> Self {
        Self {
            from_shop: false,
            poll_seconds: 60,
            overlap_seconds: 600,
            since: None,
            channel: "ECOMMERCE".to_owned(),
            operator: "mare".to_owned(),
            columns: WrittenColumns::default(),
        }
    }
}

/// `[consents.columns]`: columns that the mapping does not read. `""`: the site has no such column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenColumns {
    pub operator: String,
    pub updated_at: String,
    /// Of the letters: which of them is shown today. None: the one with the highest version.
    pub active_letter: String,
}

impl Default for WrittenColumns {
    fn default() -> Self {
        Self {
            operator: "operador".to_owned(),
            updated_at: "data_atualizacao".to_owned(),
            active_letter: "ind_ativa".to_owned(),
        }
    }
}

impl ConsentsConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self, mapping: &MappingConfig) -> Vec<String> {
        let mut findings = Vec::new();
        if self.from_shop && !mapping.has(Entity::Consent) {
            findings.push(
                "consents.from_shop goes with mapping.entities that name \"consent\": what is written into Live is what is read of it"
                    .to_owned(),
            );
        }
        let ranges = [
            ("poll_seconds", self.poll_seconds, 1, 3_600),
            ("overlap_seconds", self.overlap_seconds, 60, 86_400),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                findings.push(format!("consents.{field} = {value} is outside {least} to {most}"));
            }
        }
        if let Some(since) = &self.since
            && self.since().is_none()
        {
            findings.push(format!("consents.since = \"{since}\" is no day: write it like 2026-01-31"));
        }
        if self.channel.trim().is_empty() {
            findings
                .push("consents.channel is empty: give the code of the channel, like ECOMMERCE".to_owned());
        }
        findings
    }

    /// The beginning of that day in UTC.
    pub fn since(&self) -> Option<Timestamp> {
        let day: jiff::civil::Date = self.since.as_deref()?.parse().ok()?;
        let moment = jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
        Some(Timestamp(moment.as_microsecond()))
    }

    /// What the login has to be allowed; nothing unless it is switched on.
    pub fn rights(&self, mapping: &MappingConfig) -> Vec<TableRights> {
        if !self.from_shop {
            return Vec::new();
        }
        let of = |role| {
            let captured = mapping.captured_table(role);
            format!("{}.{}", captured.schema, captured.table)
        };
        let columns = &mapping.tables.consent.columns;
        let inserts = [
            &columns.id,
            &columns.customer,
            &columns.letter,
            &columns.purpose,
            &columns.state,
            &columns.channel,
            &columns.accepted,
            &columns.revoked,
            &self.columns.operator,
            &self.columns.updated_at,
        ];
        let mut rights = vec![TableRights {
            table: of(Role::Consent),
            reads: Vec::new(),
            inserts: inserts.into_iter().cloned().collect(),
            updates: Vec::new(),
        }];
        if !self.columns.active_letter.is_empty() {
            rights.push(TableRights {
                table: of(Role::Letter),
                reads: vec![self.columns.active_letter.clone()],
                inserts: Vec::new(),
                updates: Vec::new(),
            });
        }
        rights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_and_asks_for_no_right_until_it_is_switched_on() {
        let mapping: MappingConfig = toml::from_str("entities = ['customer', 'consent']").unwrap();
        let off: ConsentsConfig = toml::from_str("").unwrap();
        assert!(!off.from_shop && off.rights(&mapping).is_empty() && off.validate(&mapping).is_empty());
        let on: ConsentsConfig =
            toml::from_str("from_shop = true\nsince = '2026-01-31'\n[columns]\noperator = ''").unwrap();
        assert_eq!(on.validate(&mapping), [""; 0]);
        assert_eq!(on.since().unwrap().to_string(), "2026-01-31T00:00:00.000Z");
        let rights = on.rights(&mapping);
        assert_eq!(rights[0].table, "live.cliente_consentimento");
        assert!(rights[0].updates.is_empty() && rights[0].inserts.contains(&"data_revogacao".to_owned()));
        assert_eq!(
            (rights[1].table.as_str(), &rights[1].reads[..]),
            ("live.carta_consentimento", &["ind_ativa".to_owned()][..])
        );
    }

    #[test]
    fn what_would_not_work_is_said() {
        let mapping: MappingConfig = toml::from_str("entities = ['customer']").unwrap();
        let text = "from_shop = true\npoll_seconds = 0\noverlap_seconds = 10\nsince = 'ontem'\nchannel = ' '";
        let wrong: ConsentsConfig = toml::from_str(text).unwrap();
        let findings = wrong.validate(&mapping).join("\n");
        for part in ["poll_seconds = 0", "overlap_seconds = 10", "\"ontem\" is no day", "channel is empty"] {
            assert!(findings.contains(part), "{findings}");
        }
        let stock: MappingConfig = toml::from_str("entities = ['stock']").unwrap();
        assert!(wrong.validate(&stock).join("\n").contains("goes with mapping.entities"));
        assert!(toml::from_str::<ConsentsConfig>("from_shops = true").is_err());
    }
}
