//! Change tracking, and `rowversion` columns.

use crate::core::versions::CompareSchedule;
use crate::live::sqlserver::{Fetched, SqlError, Statement};
use crate::source::finding::{Finding, few};

use super::super::names::quoted;
use super::super::session::{integer_of, text_of};
use super::super::statements::{PROBE_TRACKING, TRACKING_VERSION, VERSION_BOUND, tracking_minimum};
use super::super::table::{CaptureTable, TableFacts};
use super::Check;
use super::ask::{Asker, Needs, reason};
use super::login::lacking;

/// Keys that are kept for less than this are gone after a long weekend, and everything is compared.
const RETENTION_MINUTES_MIN: i64 = 3 * 24 * 60;

pub(super) async fn tracking(
    asker: &mut Asker<'_>,
    check: &Check<'_>,
    tables: &[CaptureTable],
) -> Result<(), SqlError> {
    match number(asker, TRACKING_VERSION, "versao").await? {
        Ok(Some(_)) => {}
        Ok(None) => {
            asker.found(Finding::error("tracking", "is off in the database", "mare install"));
            return Ok(());
        }
        Err(reason) => {
            let message = format!("the server cannot say what has changed: {reason}");
            let remedy = "use another way of capture: triggers, or rowversion";
            asker.found(Finding::error("tracking", message, remedy));
            return Ok(());
        }
    }
    let ask = Statement::new(PROBE_TRACKING);
    if let Some(answer) = asker.ask(ask, "how long changed keys are kept", Needs::Nothing).await? {
        asker.found_all(retention(&answer, &check.wanted.database));
    }
    let names = tables.iter().map(CaptureTable::source_name);
    let Some(hidden) = lacking(asker, names, "VIEW CHANGE TRACKING").await? else { return Ok(()) };
    if !hidden.is_empty() {
        let message = format!("no VIEW CHANGE TRACKING on {}", few(&hidden));
        asker.found(Finding::error("grants", message, "mare install"));
    }
    let (mut off, mut on) = (Vec::new(), 0);
    for table in tables.iter().filter(|table| !hidden.contains(&table.source_name())) {
        let ask = Statement::new(tracking_minimum(table));
        let about = "which tables are tracked";
        let Some(answer) = asker.ask(ask, about, Needs::Nothing).await? else { return Ok(()) };
        match answer.rows.row(0).and_then(|row| row.integer(0)) {
            Some(_) => on += 1,
            None => off.push(table.source_name()),
        }
    }
    if !off.is_empty() {
        asker.found(Finding::error("tracking", format!("is off for {}", few(&off)), "mare install"));
    } else if on > 0 {
        asker.found(Finding::ok("tracking", format!("is on for {on} tables")));
    }
    Ok(())
}

fn retention(answer: &Fetched, database: &str) -> Option<Finding> {
    let row = answer.rows.row(0)?;
    let amount = integer_of(row, "retencao")?;
    let (unit, minutes) = match integer_of(row, "unidade")? {
        1 => ("minutes", 1),
        2 => ("hours", 60),
        _ => ("days", 24 * 60),
    };
    let message = format!("changed keys are kept for {amount} {unit}");
    Some(if amount * minutes < RETENTION_MINUTES_MIN {
        Finding::warning(
            "retention",
            format!("{message}: if maré is away for longer, everything is compared"),
            format!("ALTER DATABASE {} SET CHANGE_TRACKING (CHANGE_RETENTION = 7 DAYS)", quoted(database)),
        )
    } else {
        Finding::ok("retention", message)
    })
}

pub(super) async fn row_versions(
    asker: &mut Asker<'_>,
    check: &Check<'_>,
    facts: &[TableFacts],
) -> Result<(), SqlError> {
    if let Err(reason) = number(asker, VERSION_BOUND, "limite").await? {
        let message = format!("the server cannot say which changes are settled: {reason}");
        let remedy = "use another way of capture: triggers, or tracking";
        asker.found(Finding::error("rowversion", message, remedy));
    }
    asker.found_all(columns(facts));
    asker.found_all(check.compare.map(deletes));
    Ok(())
}

fn columns(facts: &[TableFacts]) -> Vec<Finding> {
    let without: Vec<_> = facts.iter().filter(|facts| facts.row_version().is_none()).collect();
    let found = facts.len() - without.len();
    if found == 0 {
        let message = "no captured table has a column of type rowversion: nothing would be captured";
        let remedy = "use another way of capture: triggers, or tracking";
        return vec![Finding::error("rowversion", message, remedy)];
    }
    let lacks = |facts: &TableFacts| {
        let name = format!("{}.{}", facts.schema, facts.table);
        Finding::warning(
            "rowversion",
            format!(
                "{name} has no column of that type: its changes are found only when everything is compared"
            ),
            format!(
                "ALTER TABLE {name} ADD [versao_linha] rowversion, if the ERP may have it; or capture by triggers or tracking"
            ),
        )
    };
    let ok = Finding::ok("rowversion", format!("{found} tables have a column of that type"));
    without.into_iter().map(lacks).chain([ok]).collect()
}

fn deletes(compare: &CompareSchedule) -> Finding {
    let when = match compare {
        CompareSchedule::EveryHours(hours) => format!("every {hours} hours"),
        CompareSchedule::DailyAt { hour, .. } => format!("every day at {hour}:00 of Live's time"),
    };
    Finding::ok(
        "deletes",
        format!(
            "rows that are deleted leave no trace, and are found only when everything is compared: {when}"
        ),
    )
}

/// A number, or why the server does not say it.
async fn number(
    asker: &Asker<'_>,
    statement: &'static str,
    column: &str,
) -> Result<Result<Option<i64>, String>, SqlError> {
    match asker.connection.fetch(Statement::new(statement)).await {
        Ok(answer) => Ok(match answer.rows.row(0) {
            None => Err("it gave no answer".to_owned()),
            Some(row) => match text_of(row, "motivo") {
                Some(reason) => Err(reason.to_owned()),
                None => Ok(integer_of(row, column)),
            },
        }),
        Err(error) => reason(error).map(Err),
    }
}
