//! Whether the database holds the rows of several companies, and which of them is meant.

use std::collections::BTreeSet;

use crate::mapping::config::{CapturedTable, MappingConfig, Role};

use super::finding::{Finding, few};

/// The smallest table that tells, and its column.
pub(super) fn told_by(mapping: &MappingConfig) -> Option<(CapturedTable, &str)> {
    let tables = &mapping.tables;
    let columns = [
        (Role::Store, &tables.store.columns.tenant),
        (Role::PriceTable, &tables.price_table.columns.tenant),
        (Role::Letter, &tables.letter.columns.tenant),
        (Role::Product, &tables.product.columns.tenant),
    ];
    let captured = mapping.captured();
    columns.into_iter().filter(|(_, column)| !column.is_empty()).find_map(|(role, column)| {
        let table = captured.iter().find(|table| table.role == role)?;
        Some((table.clone(), column.as_str()))
    })
}

/// What the tenants of that table's rows mean.
pub(super) fn judge(found: &BTreeSet<String>, table: &CapturedTable, mapping: &MappingConfig) -> Finding {
    let table = format!("{}.{}", table.schema, table.table);
    let all: Vec<String> = found.iter().cloned().collect();
    match &mapping.tenant {
        Some(tenant) if found.iter().any(|found| found.eq_ignore_ascii_case(tenant)) => {
            Finding::ok("tenant", format!("only rows of {tenant} are mapped"))
        }
        Some(tenant) => Finding::error(
            "tenant",
            format!("{table} has no row of tenant {tenant}"),
            format!("correct mapping.tenant; there are {}", few(&all)),
        ),
        None if all.len() > 1 => Finding::warning(
            "tenant",
            format!(
                "{table} has rows of {} tenants, and all are mapped: where two have the same code, one is not sent",
                all.len()
            ),
            format!("set mapping.tenant to one of {}", few(&all)),
        ),
        None => Finding::ok("tenant", "there is one, or none"),
    }
}
