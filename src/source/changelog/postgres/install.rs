//! What is installed in Live for capture by triggers, as SQL that a DBA can read, and its removal.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::live::writer::ORIGIN;
use crate::source::postgres::install::{InstallError, grants, login, quoted, revokes};

use super::layout::{SCHEMA, TableLayout, name_obstacles};

/// Names of what is installed.
#[derive(Debug, Clone)]
pub struct Names {
    pub role: String,
    pub database: String,
}

/// A table of Live and its change table as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Columns with their types, domains resolved and without limits (`numeric`, not `numeric(15,4)`).
    pub columns: Vec<(String, String)>,
    /// The columns of each unique index that holds for every row.
    pub unique: Vec<BTreeSet<String>>,
    /// Columns of the change table with their types; empty: there is none.
    pub change_columns: Vec<(String, String)>,
}

/// What is already there.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    pub role: bool,
    /// For each layout: the table, if Live has it.
    pub tables: Vec<Option<TableFacts>>,
    /// Our triggers, wherever they are: schema, table, trigger.
    pub triggers: Vec<(String, String, String)>,
}

/// Columns of a change table besides the mapped ones.
const OWN_COLUMNS: [&str; 4] = ["mare_number", "mare_op", "mare_origin", "mare_at"];

impl Existing {
    /// Asks Live.
    ///
    /// # Errors
    /// When Live cannot be asked.
    pub async fn look(
        client: &Client,
        names: &Names,
        layouts: &[TableLayout],
    ) -> Result<Self, tokio_postgres::Error> {
        let role = client
            .query_one("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", &[&names.role])
            .await?
            .try_get(0)?;
        let mut tables = Vec::new();
        for layout in layouts {
            let columns = columns(client, &layout.captured.schema, &layout.captured.table).await?;
            if columns.is_empty() {
                tables.push(None);
                continue;
            }
            let change_columns = columns_of_change_table(client, layout).await?;
            let unique = unique(client, layout).await?;
            tables.push(Some(TableFacts { columns, unique, change_columns }));
        }
        Ok(Self { role, tables, triggers: triggers(client).await? })
    }
}

async fn columns(
    client: &Client,
    schema: &str,
    table: &str,
) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    let rows = client
        .query(
            "SELECT a.attname::text, \
                    format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, -1) \
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_type t ON t.oid = a.atttypid \
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') \
               AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&schema, &table],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn columns_of_change_table(
    client: &Client,
    layout: &TableLayout,
) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    columns(client, SCHEMA, &layout.name).await
}

async fn unique(
    client: &Client,
    layout: &TableLayout,
) -> Result<Vec<BTreeSet<String>>, tokio_postgres::Error> {
    let rows = client
        .query(
            "SELECT array(SELECT a.attname::text FROM pg_attribute a \
                          WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey[0:i.indnkeyatts - 1])) \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid \
               AND i.indpred IS NULL AND i.indexprs IS NULL",
            &[&layout.captured.schema, &layout.captured.table],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get::<_, Vec<String>>(0)?.into_iter().collect())).collect()
}

async fn triggers(client: &Client) -> Result<Vec<(String, String, String)>, tokio_postgres::Error> {
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text, t.tgname::text FROM pg_trigger t \
             JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace o ON o.oid = p.pronamespace \
             WHERE o.nspname = $1 AND n.nspname <> $1 AND NOT t.tgisinternal ORDER BY 1, 2, 3",
            &[&SCHEMA],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// What stands against capturing these tables.
pub fn obstacles(layouts: &[TableLayout], exists: &Existing) -> Vec<String> {
    let mut obstacles = name_obstacles(layouts);
    for (layout, facts) in layouts.iter().zip(&exists.tables) {
        let name = layout.live_name();
        let Some(facts) = facts else {
            obstacles.push(format!("table {name} does not exist: correct [mapping.tables], or the database"));
            continue;
        };
        let has = |column: &String| facts.columns.iter().any(|(name, _)| name == column);
        let missing: Vec<_> =
            layout.captured.columns.iter().filter(|column| !has(column)).map(String::as_str).collect();
        if !missing.is_empty() {
            obstacles
                .push(format!("table {name} has no column {}: correct [mapping.tables]", missing.join(", ")));
        }
        let key: BTreeSet<String> = layout.captured.key.iter().cloned().collect();
        if !facts.unique.iter().any(|unique| unique.is_subset(&key)) {
            // Only then do two writers of one row wait for each other, which is what the order of changes rests on.
            obstacles.push(format!(
                "table {name} has no primary key or unique index over {}: make one, or correct [mapping.tables]",
                layout.captured.key.join(", ")
            ));
        }
    }
    obstacles
}

/// The script that installs capture. `password` is shown as `***` when it is `None`.
///
/// # Errors
/// When a table is not as mapped.
pub fn install_script(
    names: &Names,
    layouts: &[TableLayout],
    exists: &Existing,
    password: Option<&str>,
) -> Result<String, InstallError> {
    let obstacles = obstacles(layouts, exists);
    if !obstacles.is_empty() {
        return Err(InstallError::NotReady(obstacles));
    }
    let role = quoted(&names.role);
    let captured: Vec<_> = layouts.iter().map(|layout| layout.captured.clone()).collect();
    let mut rights = grants(&names.role, &names.database, &captured);
    rights.push(format!("GRANT USAGE ON SCHEMA {SCHEMA} TO {role};"));
    rights.push(format!("GRANT SELECT ON {SCHEMA}.control, {SCHEMA}.change_number TO {role};"));
    let mut tables: Vec<String> = layouts
        .iter()
        .zip(exists.tables.iter().flatten())
        .map(|(layout, facts)| table_sql(layout, facts, &role))
        .collect();
    let left_over = exists.triggers.iter().filter(|(schema, table, _)| {
        !layouts.iter().any(|layout| layout.captured.schema == *schema && layout.captured.table == *table)
    });
    let dropped: Vec<String> = left_over.map(drop_trigger).collect();
    if !dropped.is_empty() {
        tables.push(format!("\n-- No longer mapped.\n{}\n", dropped.join("\n")));
    }
    Ok(include_str!("../../../../sql/capture/postgres/triggers/install.sql")
        .replace("{role}", &login(&names.role, exists.role, "LOGIN", password))
        .replace("{grants}", &rights.join("\n"))
        .replace("{tables}", &tables.concat()))
}

/// The script that removes what was installed; what does not exist is left out.
pub fn uninstall_script(names: &Names, layouts: &[TableLayout], exists: &Existing) -> String {
    let triggers: Vec<String> = exists.triggers.iter().map(drop_trigger).collect();
    let there = layouts.iter().zip(&exists.tables).filter(|(_, facts)| facts.is_some());
    let tables: Vec<_> = there.map(|(layout, _)| layout.captured.clone()).collect();
    let (rights, role) = if exists.role {
        (revokes(&names.role, &names.database, &tables), format!("DROP ROLE {};", quoted(&names.role)))
    } else {
        (Vec::new(), format!("-- (role {} does not exist)", quoted(&names.role)))
    };
    include_str!("../../../../sql/capture/postgres/triggers/uninstall.sql")
        .replace("{triggers}", &triggers.join("\n"))
        .replace("{grants}", &rights.join("\n"))
        .replace("{role}", &role)
}

fn drop_trigger((schema, table, trigger): &(String, String, String)) -> String {
    format!("DROP TRIGGER IF EXISTS {} ON {}.{};", quoted(trigger), quoted(schema), quoted(table))
}

/// The stored columns with the types that they have in Live.
pub(super) fn wanted_columns(layout: &TableLayout, facts: &TableFacts) -> Vec<(String, String)> {
    let type_of = |name: &String| facts.columns.iter().find(|(column, _)| column == name);
    layout.stored.iter().filter_map(type_of).cloned().collect()
}

/// Whether the change table is as it would be made now.
pub(super) fn fits(layout: &TableLayout, facts: &TableFacts) -> bool {
    let own = |(name, _): &&(String, String)| !OWN_COLUMNS.contains(&name.as_str());
    let stored: Vec<_> = facts.change_columns.iter().filter(own).cloned().collect();
    stored == wanted_columns(layout, facts)
}

fn table_sql(layout: &TableLayout, facts: &TableFacts, role: &str) -> String {
    let columns: Vec<String> = wanted_columns(layout, facts)
        .iter()
        .map(|(name, of)| format!("{:<20}  {of}", quoted(name)))
        .collect();
    let drop = if facts.change_columns.is_empty() || fits(layout, facts) {
        "-- (kept if it is there)".to_owned()
    } else {
        // What waits in it is found by comparing, which follows every installation.
        format!("DROP TABLE {}; -- it was made for other columns", layout.sql())
    };
    include_str!("../../../../sql/capture/postgres/triggers/table.sql")
        .replace("{drop}", &drop)
        .replace("{columns}", &columns.join(",\n    "))
        .replace("{table}", &layout.live_sql())
        .replace("{change_table}", &layout.sql())
        .replace("{function}", &layout.sql())
        .replace("{role}", role)
        .replace("{body}", &function_body(layout))
}

/// The body of the trigger function; Live keeps it as it is (`pg_proc.prosrc`), so that it can be compared.
pub(super) fn function_body(layout: &TableLayout) -> String {
    let key = &layout.captured.key;
    let list = |names: &[String], of: &str| -> String {
        names.iter().map(|name| format!("{of}{}", quoted(name))).collect::<Vec<_>>().join(", ")
    };
    let first = key.first().map(|name| quoted(name)).unwrap_or_default();
    let either: Vec<String> = layout
        .stored
        .iter()
        .map(|name| {
            let name_sql = quoted(name);
            if key.contains(name) {
                format!("coalesce(n.{name_sql}, o.{name_sql})")
            } else {
                format!("n.{name_sql}")
            }
        })
        .collect();
    let same_key: Vec<String> = key.iter().map(|name| format!("o.{0} = n.{0}", quoted(name))).collect();
    let values: Vec<String> =
        layout.captured.columns.iter().filter(|name| !key.contains(name)).cloned().collect();
    let changed = if values.is_empty() {
        "false".to_owned()
    } else {
        format!("({}) IS DISTINCT FROM ({})", list(&values, "n."), list(&values, "o."))
    };
    include_str!("../../../../sql/capture/postgres/triggers/function.sql")
        .replace("{change_table}", &layout.sql())
        .replace("{columns}", &list(&layout.stored, ""))
        .replace("{either}", &either.join(", "))
        .replace("{same_key}", &same_key.join(" AND "))
        .replace("{changed}", &changed)
        .replace("{n_is_none}", &format!("n.{first} IS NULL"))
        .replace("{o_is_none}", &format!("o.{first} IS NULL"))
        .replace("{new}", &list(&layout.stored, "n."))
        .replace("{old_key}", &list(key, "o."))
        .replace("{key}", &list(key, ""))
        .replace("{own_writes}", &own_writes(layout))
}

/// What a trigger of the shop's changes in a transaction of ours is the shop's, so only the statement itself is left out.
fn own_writes(layout: &TableLayout) -> String {
    if layout.captured.role.captures_own_writes() {
        return "    -- What maré itself writes here is a change like any other.\n".to_owned();
    }
    format!(
        "    -- What maré itself writes here came from VTEX, and does not go back.\n    \
         IF writer = '{ORIGIN}' AND depth = 1 THEN\n        RETURN NULL;\n    END IF;\n"
    )
}
