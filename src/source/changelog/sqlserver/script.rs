//! The scripts that a DBA reads and runs: for change tables with triggers, for change tracking, and for polling
//! `rowversion` columns. The templates lie in `sql/capture/sqlserver/`.
//!
//! A script is a text with `GO` between its batches ([`batches`](super::names::batches) cuts it); every one may be run again.

use std::collections::BTreeSet;

use crate::mapping::config::CapturedTable;

use super::names::{OPTIONAL, fill, joined, literal, qualified, quoted, unusable};
use super::table::{CaptureTable, ColumnFacts};
use super::trigger;

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../../../sql/capture/sqlserver/", $name))
    };
}

/// How long change tracking keeps keys: as long as maré may be away without having to compare everything.
const RETENTION_DAYS: &str = "7";

/// Names of what is installed.
#[derive(Debug, Clone)]
pub struct Names {
    /// Our schema.
    pub schema: String,
    /// Its owner: the owner of the captured tables' schema (or of the tables, where that is another).
    pub owner: String,
    /// Login and user of the service. `DOMAIN\account` is a Windows login.
    pub login: String,
    /// Database of Live.
    pub database: String,
    /// Several rows may have the same `rowversion`. Never so in SQL Server, where each row gets its own; Babelfish gives
    /// all rows of a transaction the same.
    pub versions_repeat: bool,
}

impl Names {
    /// Names that cannot be used, each with its reason.
    pub fn obstacles(&self) -> Vec<String> {
        [
            ("schema", &self.schema),
            ("owner", &self.owner),
            ("login", &self.login),
            ("database", &self.database),
        ]
        .into_iter()
        .filter_map(|(what, name)| {
            unusable(name).map(|reason| format!("the {what}'s name {name:?} {reason}"))
        })
        .collect()
    }

    /// `[schema].[controle]`
    pub fn control(&self) -> String {
        qualified(&self.schema, "controle")
    }

    fn change_table(&self, table: &CaptureTable) -> String {
        qualified(&self.schema, &table.change_table)
    }
}

/// Triggers and change tables of ours: those that are wanted, or those that
/// [`OBJECTS`](super::statements::OBJECTS) found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    /// Schema and name.
    pub triggers: BTreeSet<(String, String)>,
    /// Name within our schema.
    pub change_tables: BTreeSet<String>,
}

impl Objects {
    /// What [`install`] makes for these tables.
    pub fn wanted(tables: &[CaptureTable]) -> Self {
        Self {
            triggers: tables.iter().map(|table| (table.schema.clone(), table.trigger.clone())).collect(),
            change_tables: tables.iter().map(|table| table.change_table.clone()).collect(),
        }
    }

    /// What is here and not in `others`.
    fn without(&self, others: &Self) -> Self {
        Self {
            triggers: self.triggers.difference(&others.triggers).cloned().collect(),
            change_tables: self.change_tables.difference(&others.change_tables).cloned().collect(),
        }
    }

    fn drop_triggers(&self) -> String {
        self.triggers.iter().map(|(schema, trigger)| drop_trigger(schema, trigger)).collect()
    }

    fn drop_tables(&self, names: &Names) -> String {
        self.change_tables.iter().map(|table| drop_table(&qualified(&names.schema, table))).collect()
    }
}

/// Installs change tables and triggers. `found`: what is there already; what an earlier mapping captured and this one
/// does not goes, or it would be filled and never read. `password` is shown as `***` when it is `None`.
pub fn install(names: &Names, tables: &[CaptureTable], found: &Objects, password: Option<&str>) -> String {
    let superfluous = found.without(&Objects::wanted(tables));
    let superfluous = [superfluous.drop_triggers(), superfluous.drop_tables(names)].concat();
    let superfluous = if superfluous.is_empty() { "-- (nothing)\n" } else { &superfluous };
    let create_schema =
        format!("CREATE SCHEMA {} AUTHORIZATION {}", quoted(&names.schema), quoted(&names.owner));
    fill(
        template!("install.sql"),
        &[
            ("schema_name", &quoted(&names.schema)),
            ("schema_literal", &literal(&names.schema)),
            ("create_schema", &literal(&create_schema)),
            ("control", &names.control()),
            ("control_literal", &literal(&names.control())),
            ("superfluous", superfluous),
            ("login", &login(names, password)),
            ("tables", &each(tables, |table| change_table(names, table))),
            ("grants", &change_table_grants(names, tables)),
            ("triggers", &each(tables, |table| create_trigger(names, table))),
        ],
    )
}

/// Removes what [`install`] made: everything that was found.
pub fn uninstall(names: &Names, found: &Objects) -> String {
    fill(
        template!("uninstall.sql"),
        &[
            ("triggers", &found.drop_triggers()),
            ("tables", &[found.drop_tables(names), drop_table(&names.control())].concat()),
            ("login", &quoted(&names.login)),
            ("login_literal", &literal(&names.login)),
            ("schema", &quoted(&names.schema)),
            ("schema_literal", &literal(&names.schema)),
        ],
    )
}

/// Switches capture off (or on again) without maré.
pub fn switch(names: &Names, on: bool) -> String {
    let text = if on { template!("switch_on.sql") } else { template!("switch_off.sql") };
    fill(text, &[("control", &names.control())])
}

/// Enables change tracking.
pub fn tracking_install(names: &Names, tables: &[CaptureTable], password: Option<&str>) -> String {
    let enable = |table: &CaptureTable| {
        let name = table.source_name();
        format!(
            "IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID({}))\n    \
             ALTER TABLE {name} ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF);\nGO\n",
            literal(&name)
        )
    };
    let user = quoted(&names.login);
    let view =
        each(tables, |table| format!("GRANT VIEW CHANGE TRACKING ON {} TO {user};\n", table.source_name()));
    fill(
        template!("tracking_install.sql"),
        &[
            ("retention_days", RETENTION_DAYS),
            ("tables", &each(tables, enable)),
            ("login", &login(names, password)),
            ("grants", &format!("{}{view}GO\n", read_grants(names, tables))),
        ],
    )
}

/// Disables change tracking, as far as these tables are there.
pub fn tracking_uninstall(names: &Names, tables: &[CapturedTable]) -> String {
    let disable = |table: &CapturedTable| {
        let name = qualified(&table.schema, &table.table);
        format!(
            "IF EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID({}))\n    \
             ALTER TABLE {name} DISABLE CHANGE_TRACKING;\nGO\n",
            literal(&name)
        )
    };
    fill(
        template!("tracking_uninstall.sql"),
        &[
            ("tables", &tables.iter().map(disable).collect::<String>()),
            ("login", &quoted(&names.login)),
            ("login_literal", &literal(&names.login)),
        ],
    )
}

/// A login that may read; nothing else is installed.
pub fn rowversion_install(names: &Names, tables: &[CaptureTable], password: Option<&str>) -> String {
    let login = login(names, password);
    let grants = format!("{}GO\n", read_grants(names, tables));
    fill(template!("rowversion_install.sql"), &[("login", &login), ("grants", &grants)])
}

/// Removes that login.
pub fn rowversion_uninstall(names: &Names) -> String {
    let values = [("login", &*quoted(&names.login)), ("login_literal", &*literal(&names.login))];
    fill(template!("rowversion_uninstall.sql"), &values)
}

fn each(tables: &[CaptureTable], write: impl Fn(&CaptureTable) -> String) -> String {
    tables.iter().map(write).collect()
}

fn login(names: &Names, password: Option<&str>) -> String {
    let name = quoted(&names.login);
    let create = if names.login.contains('\\') {
        format!("CREATE LOGIN {name} FROM WINDOWS;")
    } else {
        let secret = literal(password.unwrap_or("***"));
        let database = quoted(&names.database);
        format!("CREATE LOGIN {name} WITH PASSWORD = {secret}, DEFAULT_DATABASE = {database};")
    };
    fill(
        template!("login.sql"),
        &[
            ("login", &name),
            ("login_literal", &literal(&names.login)),
            ("create_login", &create),
            ("schema", &quoted(&names.schema)),
        ],
    )
}

fn change_table(names: &Names, table: &CaptureTable) -> String {
    let name = names.change_table(table);
    let declare =
        |column: &ColumnFacts| format!("{} {}{} NULL", column.quoted(), column.stored(), column.collate());
    let columns: Vec<_> = table.captured().map(declare).collect();
    // A column that is mapped later joins the table that is there, and the rows that wait in it.
    let additions = table.captured().map(|column| {
        format!(
            "IF COL_LENGTH({}, {}) IS NULL ALTER TABLE {name} ADD {};\n",
            literal(&name),
            literal(&column.name),
            declare(column)
        )
    });
    fill(
        template!("table.sql"),
        &[
            ("table", &table.source_name()),
            ("optional", OPTIONAL),
            ("change_table", &name),
            ("change_table_literal", &literal(&name)),
            ("default_name", &quoted(&joined("df", &table.change_table))),
            ("index_name", &quoted(&joined("cx", &table.change_table))),
            // Where versions repeat, the moment tells which row of a transaction came first.
            ("moment", if names.versions_repeat { "datetime2(7)" } else { "datetime2(3)" }),
            ("unique", if names.versions_repeat { "" } else { "UNIQUE " }),
            ("columns", &columns.join(",\n        ")),
            ("additions", &format!("{}GO\n", additions.collect::<String>())),
        ],
    )
}

fn create_trigger(names: &Names, table: &CaptureTable) -> String {
    let create = trigger::create(table, &names.schema);
    fill(
        template!("replace_trigger.sql"),
        &[("drop_trigger", &drop_trigger(&table.schema, &table.trigger)), ("create_trigger", &create)],
    )
}

fn drop_trigger(schema: &str, trigger: &str) -> String {
    let name = qualified(schema, trigger);
    fill(template!("drop_trigger.sql"), &[("trigger", &name), ("trigger_literal", &literal(&name))])
}

fn drop_table(name: &str) -> String {
    format!("IF OBJECT_ID({}, N'U') IS NOT NULL\n    DROP TABLE {name};\nGO\n", literal(name))
}

fn read_grants(names: &Names, tables: &[CaptureTable]) -> String {
    let user = quoted(&names.login);
    each(tables, |table| {
        let columns: Vec<_> = table.columns().map(ColumnFacts::quoted).collect();
        format!("GRANT SELECT ({}) ON {} TO {user};\n", columns.join(", "), table.source_name())
    })
}

fn change_table_grants(names: &Names, tables: &[CaptureTable]) -> String {
    let user = quoted(&names.login);
    let mut text = read_grants(names, tables);
    text.push_str(&each(tables, |table| {
        format!("GRANT SELECT, DELETE ON {} TO {user};\n", names.change_table(table))
    }));
    text.push_str(&format!("GRANT SELECT ON {} TO {user};\nGO\n{OPTIONAL}", names.control()));
    text.push_str(
        "-- So that `mare check` sees a trigger that is missing, disabled or altered. It shows the login the definitions of\n\
         -- these tables and of their triggers, and no data.\n",
    );
    text.push_str(&each(tables, |table| {
        format!("GRANT VIEW DEFINITION ON {} TO {user};\n", table.source_name())
    }));
    text.push_str(&format!(
        "-- Optional, in master: it lets `mare check` name the session that keeps a transaction open, and look for statements with\n\
         -- OUTPUT among those that ran lately. Without it everything works, and these two questions stay open. (From SQL Server\n\
         -- 2022 on VIEW SERVER PERFORMANCE STATE is enough; Azure SQL Database knows VIEW DATABASE STATE.)\n\
         --   GRANT VIEW SERVER STATE TO {user};\nGO\n"
    ));
    text
}
