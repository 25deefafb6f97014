//! Our triggers, those of others, and the settings that decide what triggers see.

use crate::live::sqlserver::{Fetched, SqlError, Statement};
use crate::source::finding::{Finding, few};

use super::super::catalog::{TriggerFacts, trigger_facts};
use super::super::connection::SCHEMA;
use super::super::health::trigger_fault;
use super::super::names::quoted;
use super::super::session::{integer_of, text_of};
use super::super::statements::{SERVER_SETTINGS, TRIGGER_ORDER};
use super::super::table::CaptureTable;
use super::super::trigger::{Definition, judge};
use super::ask::{Asker, Needs, reason};
use super::login::{grant, lacking};

pub(super) async fn look(
    asker: &mut Asker<'_>,
    tables: &[CaptureTable],
    login: &str,
) -> Result<(), SqlError> {
    let names = tables.iter().map(CaptureTable::source_name);
    let Some(hidden) = lacking(asker, names, "VIEW DEFINITION").await? else { return Ok(()) };
    if let Some(first) = hidden.first() {
        let message = format!(
            "whether those of {} are there and as installed cannot be told: the login may not see them",
            few(&hidden)
        );
        let remedy = format!("mare install, or {}", grant("VIEW DEFINITION", first, login));
        asker.found(Finding::warning("triggers", message, remedy));
    }
    let (mut seen, mut others) = (0, Vec::new());
    let mut findings = Vec::new();
    for table in tables.iter().filter(|table| !hidden.contains(&table.source_name())) {
        match trigger_facts(asker.connection, None, table).await {
            Ok(triggers) => {
                seen += 1;
                findings.extend(ours(&triggers, table));
                let foreign =
                    triggers.into_iter().filter(|found| found.name != table.trigger && !found.disabled);
                others.extend(foreign.map(|found| (table.clone(), found)));
            }
            Err(error) => {
                let reason = reason(error)?;
                asker.untold("the triggers", Needs::Nothing, reason);
            }
        }
    }
    if findings.is_empty() && seen > 0 {
        findings
            .push(Finding::ok("triggers", format!("{seen} fire, and are those of this version and mapping")));
    }
    asker.found_all(findings);
    let ask = Statement::new(TRIGGER_ORDER);
    let order = asker.ask(ask, "the order of triggers", Needs::Nothing).await?;
    asker.found_all(foreign(&others, order.as_ref()));
    let ask = Statement::new(SERVER_SETTINGS);
    if let Some(answer) = asker.ask(ask, "settings for triggers", Needs::Nothing).await? {
        asker.found_all(nested(&answer));
    }
    Ok(())
}

/// What is wrong with our trigger on a table.
fn ours(triggers: &[TriggerFacts], table: &CaptureTable) -> Vec<Finding> {
    if let Some(fault) = trigger_fault(triggers, table) {
        return vec![Finding::error("triggers", fault, "as it says; everything is compared then")];
    }
    let Some(found) = triggers.iter().find(|found| found.name == table.trigger) else { return Vec::new() };
    let name = format!("{} of {}", quoted(&table.trigger), table.source_name());
    let mut findings = Vec::new();
    match found.definition.as_deref().map(|text| judge(text, table, SCHEMA)) {
        None => findings.push(Finding::warning(
            "triggers",
            format!("whether {name} is as installed cannot be told: its text is not shown, or encrypted"),
            "mare install puts ours in its place",
        )),
        Some(Definition::Outdated) => findings.push(Finding::error(
            "triggers",
            format!("{name} was made for another mapping, or by another version"),
            "mare install",
        )),
        Some(Definition::Current | Definition::Altered) => {}
    }
    let off = [("QUOTED_IDENTIFIER", found.quoted_identifier), ("ANSI_NULLS", found.ansi_nulls)];
    for (setting, _) in off.into_iter().filter(|(_, on)| *on == Some(false)) {
        findings.push(Finding::error(
            "triggers",
            format!("{name} was made with {setting} OFF, which holds in it for ever: the shop's statements can fail in it"),
            "mare install (with sqlcmd: option -I)",
        ));
    }
    findings
}

/// Triggers of others are no fault, but who looks for one should know them.
fn foreign(others: &[(CaptureTable, TriggerFacts)], order: Option<&Fetched>) -> Vec<Finding> {
    let name = |(table, found): &(CaptureTable, TriggerFacts)| {
        format!("{} on {}.{}", found.name, table.schema, table.table)
    };
    let mut findings = Vec::new();
    let instead: Vec<String> = others.iter().filter(|(_, found)| found.instead_of).map(name).collect();
    if !instead.is_empty() {
        findings.push(Finding::warning(
            "other triggers",
            format!("{} run INSTEAD OF what the shop asks for: ours sees what they write themselves", few(&instead)),
            "try a change of each kind and see with `mare explain` that it arrives; what does not is found by `mare reconcile`",
        ));
    }
    let after: Vec<String> = others.iter().filter(|(_, found)| !found.instead_of).map(name).collect();
    if !after.is_empty() {
        let order = order.map_or_else(String::new, |order| placed(others, order));
        findings.push(Finding::ok("other triggers", format!("{}{order}", few(&after))));
    }
    findings
}

/// Which of them somebody has put first or last.
fn placed(others: &[(CaptureTable, TriggerFacts)], order: &Fetched) -> String {
    let place = |row| {
        let (schema, table) = (text_of(row, "esquema")?, text_of(row, "tabela")?);
        let trigger = text_of(row, "gatilho")?;
        let known = others
            .iter()
            .any(|(of, found)| of.schema == schema && of.table == table && found.name == trigger);
        let place = if integer_of(row, "primeiro") == Some(1) { "first" } else { "last" };
        known.then(|| format!("{trigger} is {place} on {}", text_of(row, "evento").unwrap_or("?")))
    };
    let placed: Vec<String> = order.rows.rows().filter_map(place).collect();
    if placed.is_empty() {
        placed.concat()
    } else {
        format!("; {} (ours does not mind its place)", few(&placed))
    }
}

fn nested(answer: &Fetched) -> Option<Finding> {
    let value = |name| {
        let row = answer.rows.rows().find(|row| text_of(*row, "nome") == Some(name))?;
        integer_of(row, "valor")
    };
    match value("nested triggers")? {
        0 => Some(Finding::warning(
            "nested triggers",
            "are off: what another trigger writes into a captured table fires no trigger, and is not captured",
            "EXEC sp_configure 'nested triggers', 1; RECONFIGURE; unless no trigger of the ERP writes into captured tables; what was \
             missed is found by `mare reconcile`",
        )),
        _ => {
            let results = match value("disallow results from triggers") {
                Some(1) => "; results from triggers are disallowed, and ours return none",
                _ => "",
            };
            Some(Finding::ok("nested triggers", format!("are on{results}")))
        }
    }
}
