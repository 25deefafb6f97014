//! What the drain looks at from time to time.

use crate::live::sqlserver::{Fetched, Statement};
use crate::source::changelog::dialect::{DialectError, Health, Identity};

use super::catalog::{TriggerFacts, table_facts, trigger_facts};
use super::change::moment;
use super::connection::{SCHEMA, SqlServerDialect, missing};
use super::names::{qualified, quoted};
use super::session::{failed, integer_of, may_see_triggers, refused, system, text_of};
use super::statements::{OPEN_NOW, PROBE_FORK, PROBE_HELD_BACK, switch, waiting};
use super::table::CaptureTable;
use super::trigger::{Definition, judge};

impl SqlServerDialect {
    pub(super) async fn look(&self) -> Result<Health, DialectError> {
        let found = self.ask(Statement::new(waiting(SCHEMA, &self.planned))).await.map_err(failed)?;
        let rows = || found.rows.rows();
        let waiting = rows().filter_map(|row| integer_of(row, "linhas")).sum::<i64>();
        let oldest = found.rows.columns().iter().position(|column| column.name == "mais_antiga");
        let oldest = oldest.and_then(|place| rows().filter_map(|row| moment(row.cell(place))).min());
        Ok(Health {
            identity: self.identity().await?,
            waiting: u64::try_from(waiting).unwrap_or_default(),
            oldest,
            faults: self.faults().await?,
            open: self.open().await?,
            // Known since the session began; another one begins when that changes.
            missing: vec![Vec::new(); self.planned.len()],
        })
    }

    async fn identity(&self) -> Result<Identity, DialectError> {
        let fork = self.ask(Statement::new(PROBE_FORK)).await.map_err(failed)?;
        let last = self.ask(Statement::new(PROBE_HELD_BACK)).await.map_err(failed)?;
        let switch = self.ask(Statement::new(switch(SCHEMA))).await.map_err(failed)?;
        let row = switch.rows.row(0).ok_or_else(|| {
            DialectError::Blocked(format!("{SCHEMA}.controle is empty: run `mare install` again"))
        })?;
        let installation = text_of(row, "instalacao").ok_or_else(|| refused("no installation is named"))?;
        let switched = integer_of(row, "trocas").unwrap_or_default();
        Ok(Identity {
            system: system(&self.name, &fork),
            // Switched off and on again, changes are missing as after another installation.
            installation: format!("{installation}/{switched}"),
            number: last.rows.row(0).and_then(|row| integer_of(row, "ultima")),
            capturing: integer_of(row, "captura_ligada") == Some(1),
        })
    }

    /// What keeps changes from being captured.
    async fn faults(&self) -> Result<Vec<String>, DialectError> {
        let mut faults = Vec::new();
        let facts =
            table_facts(&self.connection, Some(self.session), &self.captured).await.map_err(failed)?;
        for (table, known) in self.captured.iter().zip(&self.missing) {
            let missing = missing(table, &facts);
            if missing != *known {
                return Err(refused(
                    "the columns of a captured table have changed; they are looked up again",
                ));
            }
        }
        for table in &self.planned {
            if !may_see_triggers(&self.connection, self.session, table).await? {
                // Then there is nothing to be said about them; `mare check` says so.
                continue;
            }
            let triggers =
                trigger_facts(&self.connection, Some(self.session), table).await.map_err(failed)?;
            faults.extend(trigger_fault(&triggers, table));
        }
        Ok(faults)
    }

    /// Open transactions of others, as far as the login may see them.
    async fn open(&self) -> Result<Vec<String>, DialectError> {
        let found: Fetched = self.ask(Statement::new(OPEN_NOW)).await.map_err(failed)?;
        let named = found.rows.rows().filter_map(|row| integer_of(row, "transacao"));
        Ok(named.map(|number| number.to_string()).collect())
    }
}

/// What is wrong with our trigger on a table.
pub(super) fn trigger_fault(triggers: &[TriggerFacts], table: &CaptureTable) -> Option<String> {
    let (trigger, source) = (quoted(&table.trigger), table.source_name());
    let Some(found) = triggers.iter().find(|found| found.name == table.trigger) else {
        return Some(format!("trigger {trigger} of {source} is missing: run `mare install`"));
    };
    if found.disabled {
        return Some(format!(
            "trigger {trigger} of {source} is disabled: ENABLE TRIGGER {} ON {source}",
            qualified(&table.schema, &table.trigger)
        ));
    }
    let definition = found.definition.as_deref()?;
    (judge(definition, table, SCHEMA) == Definition::Altered).then(|| {
        format!(
            "trigger {trigger} of {source} was altered by somebody: run `mare install`, which puts it right"
        )
    })
}
