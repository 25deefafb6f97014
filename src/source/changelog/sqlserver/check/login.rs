//! What the login of the service may do: enough, and not too much.

use crate::live::sqlserver::{Fetched, Param, SqlError, Statement};
use crate::source::finding::{Finding, few};

use super::super::names::quoted;
use super::super::session::integer_of;
use super::super::statements::{COLUMN_RIGHTS, RIGHTS, ROLES};
use super::super::table::CaptureTable;
use super::ask::{Asker, Needs};

/// What matters elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Roles {
    /// It sees the shop's stored code.
    pub(super) sees_definitions: bool,
}

pub(super) async fn roles(asker: &mut Asker<'_>) -> Result<Roles, SqlError> {
    let Some(answer) = asker.ask(Statement::new(ROLES), "the login's roles", Needs::Nothing).await? else {
        return Ok(Roles::default());
    };
    let has = |name: &str| answer.rows.row(0).and_then(|row| integer_of(row, name)) == Some(1);
    asker.found(too_many(&has));
    Ok(Roles { sees_definitions: has("ve_definicoes") })
}

/// A service that can do everything can break everything, and so can whoever gets hold of its password.
fn too_many(has: &impl Fn(&str) -> bool) -> Finding {
    let remedy = "take it away; `mare install` grants all that the service needs";
    let named = [
        ("sysadmin", "is a sysadmin: it may do everything on the server"),
        ("db_owner", "is db_owner: it may change and drop everything in Live"),
        ("controla", "has CONTROL of the database: it may change and drop everything in Live"),
        ("altera", "may ALTER the database"),
        ("escreve", "may write into every table of Live"),
    ];
    match named.into_iter().find(|(right, _)| has(right)) {
        Some((_, what)) => Finding::warning("login", format!("it {what}"), remedy),
        None => Finding::ok("login", "it has no right over the database as a whole"),
    }
}

/// Every column that is read.
pub(super) async fn columns(asker: &mut Asker<'_>, tables: &[CaptureTable]) -> Result<(), SqlError> {
    let mut refused = Vec::new();
    for table in tables {
        for column in table.columns() {
            let ask = Statement::new(COLUMN_RIGHTS)
                .bind(Param::text(table.source_name()))
                .bind(Param::text(column.name.clone()));
            let Some(answer) = asker.ask(ask, "rights to columns", Needs::Nothing).await? else {
                return Ok(());
            };
            if !is_one(&answer) {
                refused.push(format!("{}.{}.{}", table.schema, table.table, column.name));
            }
        }
    }
    if !refused.is_empty() {
        let message = format!("no SELECT on {}", few(&refused));
        asker.found(Finding::error("grants", message, "mare install grants what the mapping reads"));
    } else if !tables.is_empty() {
        asker.found(Finding::ok("grants", "every mapped column may be read"));
    }
    Ok(())
}

/// Those of these objects (quoted two-part names) on which the right is missing; none when it cannot be told.
pub(super) async fn lacking(
    asker: &mut Asker<'_>,
    objects: impl Iterator<Item = String>,
    right: &'static str,
) -> Result<Option<Vec<String>>, SqlError> {
    let mut lacking = Vec::new();
    for object in objects {
        let ask = Statement::new(RIGHTS).bind(Param::text(object.clone())).bind(Param::text(right));
        let Some(answer) = asker.ask(ask, "rights to tables", Needs::Nothing).await? else { return Ok(None) };
        if !is_one(&answer) {
            lacking.push(object);
        }
    }
    Ok(Some(lacking))
}

fn is_one(answer: &Fetched) -> bool {
    answer.rows.row(0).and_then(|row| row.integer(0)) == Some(1)
}

/// `GRANT … ON … TO [login]`
pub(super) fn grant(right: &str, object: &str, login: &str) -> String {
    format!("GRANT {right} ON {object} TO {}", quoted(login))
}
