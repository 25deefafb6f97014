//! The captured tables, as they stand.

use crate::mapping::config::CapturedTable;
use crate::source::finding::Finding;

use super::super::connection::SCHEMA;
use super::super::install::{Wanted, form, readable};
use super::super::table::{CaptureTable, TableFacts, plan};

/// Those tables that can be captured, and what is wrong with the others.
pub(super) fn judge(wanted: &Wanted, facts: &[TableFacts]) -> (Vec<CaptureTable>, Vec<Finding>) {
    let is_there = |table: &CapturedTable| {
        facts.iter().any(|facts| facts.schema == table.schema && facts.table == table.table)
    };
    let mut findings = Vec::new();
    let mut usable = Vec::new();
    for table in readable(wanted, facts) {
        if !is_there(&table) {
            let message =
                format!("{}.{} does not exist, or the login may not see it", table.schema, table.table);
            let remedy =
                "mare install grants what the mapping reads; or correct [mapping.tables], or `database`";
            findings.push(Finding::error("tables", message, remedy));
            continue;
        }
        match plan(std::slice::from_ref(&table), facts, SCHEMA, form(wanted.way)) {
            Ok(_) => usable.push(table),
            Err(against) => {
                findings.extend(against.into_iter().map(|text| Finding::error("tables", text, "as it says")));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("tables", format!("{} are as mapped and have a key", usable.len())));
    }
    // Together, because tables of one name in two schemas have other change tables.
    let planned = plan(&usable, facts, SCHEMA, form(wanted.way)).unwrap_or_default();
    (planned, findings)
}
