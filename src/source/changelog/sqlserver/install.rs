//! What `mare install` finds in the database, what stands against it, and the script.

use std::collections::{BTreeMap, BTreeSet};

use crate::live::sqlserver::{Connection, Param, SqlError, Statement};
use crate::mapping::config::CapturedTable;
use crate::source::changelog::form::Form;
use crate::source::changelog::versions::dialect::Mode;
use crate::source::finding::few;

use super::catalog::{facts_of, table_facts};
use super::connection::SCHEMA;
use super::names::{qualified, quoted};
use super::output::output_in_modules;
use super::script::{self, Names, Objects};
use super::server::server_facts;
use super::session::{integer_of, text_of};
use super::statements::{INSTALLED, LOGIN, OBJECTS, OWNERS};
use super::table::{CaptureTable, ColumnFacts, TableFacts, plan};

/// How changes are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Change tables that triggers fill.
    Triggers(Form),
    /// Change tracking, or row versions.
    Versions(Mode),
}

/// What is to be captured, how, and for which login.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Login and user of the service.
    pub login: String,
    /// Database of Live.
    pub database: String,
    pub captured: Vec<CapturedTable>,
    pub way: Way,
}

/// What stands in the database.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Those captured tables that are there.
    pub tables: Vec<TableFacts>,
    /// Owner of each of them; only asked for triggers, like all that follows up to `installed`.
    pub owners: Vec<(CapturedTable, String)>,
    /// Owner of our schema, if there is one.
    pub schema_owner: Option<String>,
    /// Change tables as they stand.
    pub change_tables: Vec<TableFacts>,
    pub objects: Objects,
    /// Stored code that may stop working, by the captured table.
    pub output: Vec<(CapturedTable, Vec<String>)>,
    /// Change tables are installed.
    pub installed: bool,
    pub login_exists: bool,
    pub versions_repeat: bool,
    /// Why the server does not do.
    pub too_old: Option<String>,
}

/// Why nothing is installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// Each with what to do.
    #[error("{}", .0.join("\n"))]
    NotReady(Vec<String>),
    /// A maré that reads, and what to do.
    #[error("{0}")]
    Read(String),
}

/// What can be installed.
#[derive(Debug)]
pub struct Installation {
    pub tables: Vec<CaptureTable>,
    /// There is no such login yet.
    pub login_is_new: bool,
    /// What whoever installs should know before.
    pub notes: Vec<String>,
    names: Names,
    objects: Objects,
    way: Way,
}

impl Installation {
    /// The script; a password that is not given is shown as `***`.
    pub fn script(&self, password: Option<&str>) -> String {
        match self.way {
            Way::Triggers(_) => script::install(&self.names, &self.tables, &self.objects, password),
            Way::Versions(Mode::Tracking) => script::tracking_install(&self.names, &self.tables, password),
            Way::Versions(Mode::RowVersions) => {
                script::rowversion_install(&self.names, &self.tables, password)
            }
        }
    }
}

/// Looks at everything that matters for an installation.
///
/// # Errors
/// When the server cannot be asked.
pub async fn look(connection: &Connection, wanted: &Wanted) -> Result<Found, SqlError> {
    let server = server_facts(connection).await?;
    let mut found = Found {
        tables: table_facts(connection, None, &wanted.captured).await?,
        installed: is_installed(connection).await?,
        login_exists: login_exists(connection, &wanted.login).await?,
        versions_repeat: server.is_babelfish,
        too_old: server.too_old(),
        ..Found::default()
    };
    if matches!(wanted.way, Way::Versions(_)) {
        return Ok(found);
    }
    found.objects = objects(connection).await?;
    for name in &found.objects.change_tables {
        found.change_tables.extend(facts_of(connection, None, SCHEMA, name).await?);
    }
    for table in &wanted.captured {
        let (owner, schema_owner) = owners(connection, table).await?;
        found.schema_owner = schema_owner.or(found.schema_owner);
        found.owners.extend(owner.map(|owner| (table.clone(), owner)));
        // A server that cannot say it is no hindrance.
        if let Ok(output) = output_in_modules(connection, &table.table).await
            && !output.is_empty()
        {
            found.output.push((table.clone(), output));
        }
    }
    Ok(found)
}

async fn is_installed(connection: &Connection) -> Result<bool, SqlError> {
    let answer = connection.fetch(Statement::new(INSTALLED).bind(Param::text(SCHEMA))).await?;
    Ok(answer.rows.row(0).and_then(|row| row.integer(0)) == Some(1))
}

async fn login_exists(connection: &Connection, login: &str) -> Result<bool, SqlError> {
    let answer = connection.fetch(Statement::new(LOGIN).bind(Param::text(login.to_owned()))).await?;
    Ok(answer.rows.row(0).and_then(|row| integer_of(row, "login")).is_some())
}

/// What of ours is there.
pub(super) async fn objects(connection: &Connection) -> Result<Objects, SqlError> {
    let ask =
        Statement::new(OBJECTS).bind(Param::text(qualified(SCHEMA, "controle"))).bind(Param::text(SCHEMA));
    let answer = connection.fetch(ask).await?;
    let mut objects = Objects::default();
    for row in answer.rows.rows() {
        let text = |name| text_of(row, name).unwrap_or_default().to_owned();
        if text("tipo").trim_end() == "TR" {
            objects.triggers.insert((text("esquema"), text("nome")));
        } else {
            objects.change_tables.insert(text("nome"));
        }
    }
    Ok(objects)
}

/// Owners of a table and of our schema; none of what is not there.
pub(super) async fn owners(
    connection: &Connection,
    table: &CapturedTable,
) -> Result<(Option<String>, Option<String>), SqlError> {
    let ask = Statement::new(OWNERS)
        .bind(Param::text(table.schema.clone()))
        .bind(Param::text(table.table.clone()))
        .bind(Param::text(SCHEMA));
    let answer = connection.fetch(ask).await?;
    let owner = |name| answer.rows.row(0).and_then(|row| text_of(row, name)).map(str::to_owned);
    Ok((owner("dono_da_tabela"), owner("dono_do_esquema")))
}

/// Plans an installation.
///
/// # Errors
/// [`InstallError::NotReady`] with everything that stands against it.
pub fn prepare(wanted: &Wanted, found: Found) -> Result<Installation, InstallError> {
    let mut obstacles: Vec<String> = found.too_old.iter().cloned().collect();
    let planned = plan(&readable(wanted, &found.tables), &found.tables, SCHEMA, form(wanted.way));
    let tables = planned.unwrap_or_else(|against| {
        obstacles.extend(against);
        Vec::new()
    });
    let mut names = Names {
        schema: SCHEMA.to_owned(),
        // Of our schema, which only triggers need.
        owner: "dbo".to_owned(),
        login: wanted.login.clone(),
        database: wanted.database.clone(),
        versions_repeat: found.versions_repeat,
    };
    match wanted.way {
        Way::Triggers(_) => {
            match one_owner(&found.owners, found.schema_owner.as_deref()) {
                Ok(Some(owner)) => names.owner = owner,
                // Then there are no tables either, which is said above.
                Ok(None) => {}
                Err(against) => obstacles.push(against),
            }
            obstacles.extend(tables.iter().flat_map(|table| changed_types(table, &found.change_tables)));
        }
        Way::Versions(_) if found.installed => obstacles.push(format!(
            "schema {SCHEMA} has change tables of an earlier installation, whose triggers fill them although nobody would read \
             them: set capture = \"triggers\", run `mare uninstall`, then set it back"
        )),
        Way::Versions(_) => {}
    }
    obstacles.extend(names.obstacles());
    if !obstacles.is_empty() {
        return Err(InstallError::NotReady(obstacles));
    }
    Ok(Installation {
        notes: notes(wanted, &found),
        tables,
        // A Windows login has none of its own.
        login_is_new: !found.login_exists && !wanted.login.contains('\\'),
        names,
        objects: found.objects,
        way: wanted.way,
    })
}

pub(super) const fn form(way: Way) -> Form {
    match way {
        Way::Triggers(form) => form,
        Way::Versions(_) => Form::Row,
    }
}

/// The tables with every column that is read: polling reads the row version too.
pub(super) fn readable(wanted: &Wanted, found: &[TableFacts]) -> Vec<CapturedTable> {
    let mut captured = wanted.captured.clone();
    if wanted.way == Way::Versions(Mode::RowVersions) {
        for table in &mut captured {
            let facts = found.iter().find(|facts| facts.schema == table.schema && facts.table == table.table);
            let version = facts.and_then(TableFacts::row_version).map(str::to_owned);
            table.columns.extend(version.filter(|name| !table.columns.contains(name)));
        }
    }
    captured
}

/// The owner that all tables have, and our schema is to have.
///
/// # Errors
/// When there is no such one, with what to do.
pub(super) fn one_owner(
    owners: &[(CapturedTable, String)],
    schema_owner: Option<&str>,
) -> Result<Option<String>, String> {
    let mut by_owner: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (table, owner) in owners {
        by_owner.entry(owner).or_default().push(qualified(&table.schema, &table.table));
    }
    // The one that most have is the one to keep.
    let Some((&most, _)) = by_owner.iter().max_by_key(|(_, tables)| tables.len()) else { return Ok(None) };
    let others: Vec<String> =
        by_owner.iter().filter(|(owner, _)| **owner != most).flat_map(|(_, tables)| tables.clone()).collect();
    if !others.is_empty() {
        let commands: Vec<String> = others
            .iter()
            .map(|table| format!("ALTER AUTHORIZATION ON OBJECT::{table} TO {}", quoted(most)))
            .collect();
        return Err(format!(
            "the captured tables have different owners ({}): triggers write into one schema of ours, which they reach without \
             any grant to the users of the ERP only while it and the table have the same owner. With the consent of whoever \
             looks after the ERP (what was granted on these tables must then be granted again): {}",
            by_owner.keys().copied().collect::<Vec<_>>().join(", "),
            commands.join("; ")
        ));
    }
    match schema_owner {
        Some(owner) if owner != most => Err(format!(
            "schema {SCHEMA} belongs to {owner}, the captured tables to {most}: statements of the shop would fail in our \
             triggers; ALTER AUTHORIZATION ON SCHEMA::{} TO {}, then install again",
            quoted(SCHEMA),
            quoted(most)
        )),
        _ => Ok(Some(most.to_owned())),
    }
}

/// Captured columns that have another type than when the change table was made: what the shop writes might not fit.
pub(super) fn changed_types(table: &CaptureTable, change_tables: &[TableFacts]) -> Vec<String> {
    let Some(stored) = change_tables.iter().find(|facts| facts.table == table.change_table) else {
        return Vec::new();
    };
    let name = qualified(SCHEMA, &table.change_table);
    let compare = |column: &ColumnFacts| {
        let kept = stored.columns.iter().find(|kept| kept.name == column.name)?;
        let (was, is) = (kept.declared() + &kept.collate(), column.stored() + &column.collate());
        (was != is).then(|| {
            format!(
                "column {} of {}.{} would be written down as {is}, and its change table has {was}: the shop's statements could \
                 fail there. When `mare run` has emptied it: ALTER TABLE {name} ALTER COLUMN {} {is} NULL, then install again",
                column.name,
                table.schema,
                table.table,
                column.quoted()
            )
        })
    };
    table.captured().filter_map(compare).collect()
}

fn notes(wanted: &Wanted, found: &Found) -> Vec<String> {
    let triggers: BTreeSet<&str> = found.objects.triggers.iter().map(|(_, name)| name.as_str()).collect();
    let is_new = |table: &CapturedTable| !triggers.contains(&*super::names::joined(SCHEMA, &table.table));
    let risk = |(table, objects): &(CapturedTable, Vec<String>)| {
        format!(
            "{} name {}.{} and the word OUTPUT: a statement there with OUTPUT but without INTO fails with error 334 as soon as \
             the table has a trigger. Look before you install",
            few(objects),
            table.schema,
            table.table
        )
    };
    let risks = found.output.iter().filter(|(table, _)| is_new(table)).map(risk);
    if wanted.way != Way::Versions(Mode::RowVersions) {
        return risks.collect();
    }
    let without = found.tables.iter().filter(|facts| facts.row_version().is_none());
    let without = without.map(|facts| {
        format!(
            "{}.{} has no column of type rowversion: its changes are found only when everything is compared",
            facts.schema, facts.table
        )
    });
    without.collect()
}
