//! Change tables and the kill switch.

use crate::core::time::Timestamp;
use crate::live::sqlserver::{Fetched, Param, SqlError, Statement};
use crate::source::finding::{Finding, few};

use super::super::catalog::facts_of;
use super::super::change::moment;
use super::super::connection::SCHEMA;
use super::super::install::{changed_types, one_owner, owners};
use super::super::names::qualified;
use super::super::session::{Holder, integer_of, text_of};
use super::super::statements::{INSTALLED, LOCK_HOLDER, switch, waiting};
use super::super::table::{BOOKKEEPING, CaptureTable, TableFacts};
use super::Check;
use super::ask::{Asker, Needs, reason};
use super::login::lacking;

/// Rows that nobody fetches for longer than this are worth a warning.
const WAITING_SECONDS_MAX: u64 = 300;

/// Whether change tables are installed at all.
pub(super) async fn look(
    asker: &mut Asker<'_>,
    check: &Check<'_>,
    tables: &[CaptureTable],
) -> Result<bool, SqlError> {
    let ask = Statement::new(INSTALLED).bind(Param::text(SCHEMA));
    let Some(answer) = asker.ask(ask, "what is installed", Needs::Nothing).await? else { return Ok(false) };
    if answer.rows.row(0).and_then(|row| row.integer(0)) != Some(1) {
        let message = format!("nothing is installed in schema {SCHEMA}, or the login may not see it");
        asker.found(Finding::error("capture", message, "mare install"));
        return Ok(false);
    }
    let ask = Statement::new(switch(SCHEMA));
    if let Some(answer) = asker.ask(ask, "the kill switch", Needs::Nothing).await? {
        asker.found(the_switch(&answer));
    }
    owner(asker, check).await?;
    if change_tables(asker, tables).await? {
        backlog(asker, (check.now)(), tables).await?;
    }
    Ok(true)
}

fn the_switch(answer: &Fetched) -> Finding {
    let Some(row) = answer.rows.row(0) else {
        return Finding::error("switch", format!("{SCHEMA}.controle is empty"), "mare install");
    };
    if integer_of(row, "captura_ligada") == Some(1) {
        return Finding::ok("switch", "capture is on");
    }
    let place = row.columns().iter().position(|column| column.name == "alterado_em");
    let when = place.and_then(|place| moment(row.cell(place)));
    let when = when.map_or_else(String::new, |when| format!(" on {when}"));
    let who = text_of(row, "alterado_por").unwrap_or("somebody");
    Finding::error(
        "switch",
        format!("capture was switched off by {who}{when}: changes are not seen"),
        format!(
            "UPDATE {} SET [captura_ligada] = 1, [trocas] = [trocas] + 1, [alterado_em] = SYSUTCDATETIME(), \
             [alterado_por] = SUSER_SNAME(); everything is compared then",
            qualified(SCHEMA, "controle")
        ),
    )
}

/// Triggers reach our schema only while both have the same owner. Names that the login may not see are not judged.
async fn owner(asker: &mut Asker<'_>, check: &Check<'_>) -> Result<(), SqlError> {
    let (mut of_tables, mut of_schema) = (Vec::new(), None);
    for table in &check.wanted.captured {
        match owners(asker.connection, table).await {
            Ok((owner, schema_owner)) => {
                of_tables.extend(owner.map(|owner| (table.clone(), owner)));
                of_schema = schema_owner.or(of_schema);
            }
            Err(error) => {
                let reason = reason(error)?;
                asker.untold("owners of the tables", Needs::Nothing, reason);
                return Ok(());
            }
        }
    }
    if let Err(against) = one_owner(&of_tables, of_schema.as_deref()) {
        asker.found(Finding::error("owners", against, "as it says"));
    }
    Ok(())
}

/// Whether all are there and may be read.
async fn change_tables(asker: &mut Asker<'_>, tables: &[CaptureTable]) -> Result<bool, SqlError> {
    let mut readable = true;
    let mut findings = Vec::new();
    for table in tables {
        match facts_of(asker.connection, None, SCHEMA, &table.change_table).await {
            Ok(facts) => {
                readable &= facts.is_some();
                findings.extend(change_table(table, facts));
            }
            Err(error) => {
                let reason = reason(error)?;
                asker.untold("the change tables", Needs::Nothing, reason);
                return Ok(false);
            }
        }
    }
    if findings.is_empty() && !tables.is_empty() {
        findings
            .push(Finding::ok("change tables", format!("{} are as the mapping wants them", tables.len())));
    }
    asker.found_all(findings);
    for right in ["SELECT", "DELETE"] {
        let names = tables.iter().map(|table| qualified(SCHEMA, &table.change_table));
        let Some(lacking) = lacking(asker, names, right).await? else { return Ok(false) };
        if !lacking.is_empty() && readable {
            let message = format!("no {right} on {}", few(&lacking));
            asker.found(Finding::error("grants", message, "mare install"));
            readable &= right != "SELECT";
        }
    }
    Ok(readable)
}

fn change_table(table: &CaptureTable, facts: Option<TableFacts>) -> Vec<Finding> {
    let name = qualified(SCHEMA, &table.change_table);
    let source = table.source_name();
    let Some(facts) = facts else {
        let message = format!("{name}, for {source}, does not exist, or the login may not see it");
        return vec![Finding::error("change tables", message, "mare install")];
    };
    let has = |name: &str| facts.columns.iter().any(|column| column.name == name);
    let captured = table.captured().map(|column| column.name.as_str());
    let lacking: Vec<String> =
        BOOKKEEPING.into_iter().chain(captured).filter(|name| !has(name)).map(str::to_owned).collect();
    let mut findings = Vec::new();
    if !lacking.is_empty() {
        let message = format!("{name} lacks {}: it was made for another mapping", few(&lacking));
        findings.push(Finding::error("change tables", message, "mare install adds them"));
    }
    let changed = changed_types(table, std::slice::from_ref(&facts));
    findings.extend(changed.into_iter().map(|text| Finding::error("change tables", text, "as it says")));
    findings
}

async fn backlog(asker: &mut Asker<'_>, now: Timestamp, tables: &[CaptureTable]) -> Result<(), SqlError> {
    if tables.is_empty() {
        return Ok(());
    }
    let ask = Statement::new(waiting(SCHEMA, tables));
    let Some(answer) = asker.ask(ask, "how much waits", Needs::Nothing).await? else { return Ok(()) };
    let holder = asker.ask(Statement::new(LOCK_HOLDER), "who reads the changes", Needs::ServerState).await?;
    let rows: i64 = answer.rows.rows().filter_map(|row| integer_of(row, "linhas")).sum();
    let oldest = answer.rows.columns().iter().position(|column| column.name == "mais_antiga");
    let oldest = oldest.and_then(|place| answer.rows.rows().filter_map(|row| moment(row.cell(place))).min());
    let seconds = oldest.map_or(0, |oldest| oldest.until(now).as_secs());
    let reader = match holder {
        None => String::new(),
        Some(answer) => Holder::of(&answer)
            .map_or_else(|| "; nobody reads them".to_owned(), |holder| format!("; read by {holder}")),
    };
    let message = format!("about {rows} rows wait, the oldest for {seconds} s{reader}");
    asker.found(if seconds > WAITING_SECONDS_MAX {
        Finding::warning("waiting", message, "start mare run, or look at its log")
    } else {
        Finding::ok("waiting", message)
    });
    Ok(())
}
