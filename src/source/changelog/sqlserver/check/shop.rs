//! What the shop's own programs and rows have to do with capture.

use std::collections::BTreeSet;

use crate::live::sqlserver::{SqlError, Statement};
use crate::mapping::cell::text;
use crate::mapping::config::{CapturedTable, MappingConfig, Role};
use crate::source::finding::{Finding, few};
use crate::source::tenants;

use super::super::output::{in_cache, in_modules, modules};
use super::super::statements::codes as ask_codes;
use super::super::table::CaptureTable;
use super::ask::{Asker, Needs};

/// Statements with OUTPUT but without INTO, which fail on a table with a trigger.
pub(super) async fn output(
    asker: &mut Asker<'_>,
    tables: &[CaptureTable],
    sees_definitions: bool,
) -> Result<(), SqlError> {
    let (mut stored, mut sent) = (Vec::new(), Vec::new());
    if !sees_definitions {
        let reason = "the login does not see the shop's stored code".to_owned();
        asker.untold("stored code with OUTPUT", Needs::Definitions, reason);
    }
    for table in tables {
        let name = format!("{}.{}", table.schema, table.table);
        let ask = in_modules(&table.table);
        if let Some(found) = asker.ask(ask, "stored code with OUTPUT", Needs::Definitions).await? {
            let found = modules(&found);
            stored.extend((!found.is_empty()).then(|| format!("{} ({name})", few(&found))));
        }
        let ask = in_cache(&table.table);
        if let Some(found) =
            asker.ask(ask, "statements with OUTPUT that ran lately", Needs::ServerState).await?
        {
            let found = found.rows.len();
            sent.extend((found > 0).then(|| format!("{found} on {name}")));
        }
    }
    asker.found_all(risk(&stored, &sent));
    if sees_definitions && stored.is_empty() && !tables.is_empty() {
        asker.found(Finding::ok("output", "no stored code names a captured table and OUTPUT"));
    }
    Ok(())
}

/// The texts of statements are not shown: they can quote data.
fn risk(stored: &[String], sent: &[String]) -> Option<Finding> {
    let mut found = Vec::new();
    if !stored.is_empty() {
        found.push(format!("stored code with the word OUTPUT and a captured table: {}", stored.join(", ")));
    }
    if !sent.is_empty() {
        found.push(format!("statements like that in the server's plan cache: {}", sent.join(", ")));
    }
    (!found.is_empty()).then(|| {
        Finding::warning(
            "output",
            format!(
                "{}. INSERT, UPDATE or DELETE with OUTPUT but without INTO fails with error 334 on a table that has any trigger \
                 (OUTPUT as a parameter of a procedure is no matter)",
                found.join("; ")
            ),
            "look at them; where one does it, add INTO, or use capture = \"tracking\"",
        )
    })
}

/// The codes that the mapping names must exist.
pub(super) async fn codes(asker: &mut Asker<'_>, mapping: &MappingConfig) -> Result<(), SqlError> {
    let stores: Vec<_> = mapping.stores.iter().map(|rule| rule.loja.as_str()).collect();
    let code = &mapping.tables.store.columns.code;
    unknown(asker, mapping, Role::Store, code, "store", &stores).await?;
    let tables: Vec<_> = mapping.prices.iter().map(|rule| rule.tabela.as_str()).collect();
    let code = &mapping.tables.price_table.columns.code;
    unknown(asker, mapping, Role::PriceTable, code, "price table", &tables).await?;
    let Some((table, column)) = tenants::told_by(mapping) else { return Ok(()) };
    if let Some(found) = texts(asker, &table, column).await? {
        asker.found(tenants::judge(&found, &table, mapping));
    }
    Ok(())
}

/// The different values of a column; none when the server does not tell.
async fn texts(
    asker: &mut Asker<'_>,
    table: &CapturedTable,
    column: &str,
) -> Result<Option<BTreeSet<String>>, SqlError> {
    let ask = Statement::new(ask_codes(&table.schema, &table.table, column));
    let answer = asker.ask(ask, "codes of the mapping", Needs::Nothing).await?;
    let code = |row: crate::live::sqlserver::Row<'_>| text(row.cell(0)).ok().flatten().map(String::from);
    Ok(answer.map(|answer| answer.rows.rows().filter_map(code).collect()))
}

async fn unknown(
    asker: &mut Asker<'_>,
    mapping: &MappingConfig,
    role: Role,
    column: &str,
    what: &str,
    named: &[&str],
) -> Result<(), SqlError> {
    let Some(table) = mapping.captured().into_iter().find(|table| table.role == role) else { return Ok(()) };
    let Some(known) = texts(asker, &table, column).await? else { return Ok(()) };
    asker.found(missing(&known, what, named));
    Ok(())
}

fn missing(known: &BTreeSet<String>, what: &str, named: &[&str]) -> Finding {
    let missing: Vec<String> =
        named.iter().filter(|code| !known.contains(**code)).map(|code| (*code).to_owned()).collect();
    if missing.is_empty() {
        return Finding::ok("mapping", format!("every {what} that it names exists"));
    }
    let some: Vec<&str> = known.iter().take(10).map(String::as_str).collect();
    Finding::error(
        "mapping",
        format!("Live has no {what} {}", few(&missing)),
        format!("correct [mapping]; Live has {}", some.join(", ")),
    )
}
