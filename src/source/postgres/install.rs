//! What is installed in Live, as SQL that a DBA can read, and its removal.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::mapping::config::CapturedTable;

/// Names of what is installed.
#[derive(Debug, Clone)]
pub struct Names {
    pub role: String,
    pub slot: String,
    pub publication: String,
    pub database: String,
}

/// A table as it stands in Live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    pub schema: String,
    pub table: String,
    /// `pg_class.relreplident`: d(efault), i(ndex), f(ull), n(othing).
    pub replica_identity: char,
    /// Columns of the replica identity; empty for a table without one.
    pub identity: Vec<String>,
    pub columns: BTreeSet<String>,
}

/// Why nothing can be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(transparent)]
    Sql(#[from] tokio_postgres::Error),
    #[error("{}", .0.join("\n"))]
    NotReady(Vec<String>),
}

pub(in crate::source) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Asks Live about the mapped tables. A table that does not exist is not in the answer.
///
/// # Errors
/// When Live cannot be asked.
pub async fn look_at_tables(
    client: &Client,
    captured: &[CapturedTable],
) -> Result<Vec<TableFacts>, tokio_postgres::Error> {
    let mut found = Vec::new();
    for table in captured {
        let row = client
            .query_opt(
                "SELECT c.relreplident::text, \
                        array(SELECT a.attname::text FROM pg_index i \
                              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) \
                              WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END), \
                        array(SELECT a.attname::text FROM pg_attribute a \
                              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
                &[&table.schema.as_str(), &table.table.as_str()],
            )
            .await?;
        let Some(row) = row else { continue };
        let identity: String = row.try_get(0)?;
        found.push(TableFacts {
            schema: table.schema.to_string(),
            table: table.table.to_string(),
            replica_identity: identity.chars().next().unwrap_or('d'),
            identity: row.try_get(1)?,
            columns: row.try_get::<_, Vec<String>>(2)?.into_iter().collect(),
        });
    }
    Ok(found)
}

/// What stands against publishing a table, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {remedy}")]
pub struct Obstacle {
    pub message: String,
    pub remedy: String,
}

/// What stands against publishing these tables. A published table without replica identity would make the
/// shop's own UPDATE and DELETE fail (Postgres manual, "Publication").
pub fn obstacles(captured: &[CapturedTable], found: &[TableFacts]) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    let mut say = |message, remedy: &str| obstacles.push(Obstacle { message, remedy: remedy.to_owned() });
    for table in captured {
        let name = format!("{}.{}", table.schema, table.table);
        let Some(facts) =
            found.iter().find(|facts| facts.schema == table.schema && facts.table == table.table)
        else {
            say(format!("table {name} does not exist"), "correct [mapping.tables], or the database");
            continue;
        };
        let missing: Vec<_> = table
            .columns
            .iter()
            .filter(|column| !facts.columns.contains(column.as_str()))
            .map(|c| c.as_str())
            .collect();
        if !missing.is_empty() {
            say(format!("table {name} has no column {}", missing.join(", ")), "correct [mapping.tables]");
        }
        if facts.replica_identity == 'n' || (facts.replica_identity != 'f' && facts.identity.is_empty()) {
            say(
                format!(
                    "table {name} has no primary key and no replica identity: published, the shop's own updates \
                     would fail"
                ),
                &format!("add a primary key, or ALTER TABLE {name} REPLICA IDENTITY USING INDEX …"),
            );
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
    captured: &[CapturedTable],
    found: &[TableFacts],
    server_version: u32,
    password: Option<&str>,
    exists: &Existing,
) -> Result<String, InstallError> {
    let obstacles = obstacles(captured, found);
    if !obstacles.is_empty() {
        return Err(InstallError::NotReady(obstacles.iter().map(ToString::to_string).collect()));
    }
    // What identifies a row is published, and may be read, whether it is mapped or not.
    let identified: Vec<CapturedTable> = captured
        .iter()
        .map(|table| {
            let facts = found.iter().find(|facts| facts.schema == table.schema && facts.table == table.table);
            let mut table = table.clone();
            for column in facts.into_iter().flat_map(|facts| &facts.identity) {
                if !table.columns.contains(column) {
                    table.columns.push(column.clone());
                }
            }
            table
        })
        .collect();
    let grants = grants(&names.role, &names.database, &identified);
    let mut published = Vec::new();
    for table in &identified {
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.table));
        let facts = found.iter().find(|facts| facts.schema == table.schema && facts.table == table.table);
        let list: Vec<_> = table.columns.iter().map(|column| quoted(column)).collect();
        let list = list.join(", ");
        // A column list came with 15, and must cover the replica identity: with FULL that is every column,
        // those added later too, or the shop's updates fail.
        let whole = server_version < 150_000 || facts.is_some_and(|facts| facts.replica_identity == 'f');
        published.push(if whole { name } else { format!("{name} ({list})") });
    }
    let publication = quoted(&names.publication);
    let tables = published.join(",\n  ");
    let publication_sql = if exists.publication {
        format!("ALTER PUBLICATION {publication} SET TABLE\n  {tables};")
    } else {
        format!(
            "CREATE PUBLICATION {publication} FOR TABLE\n  {tables}\n  \
             WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);"
        )
    };
    let slot_sql = if exists.slot {
        format!("-- (slot {} exists)", names.slot)
    } else {
        // A failover slot (17 and later) is kept by a standby that takes over.
        let failover = if server_version >= 170_000 { ", failover => true" } else { "" };
        format!("SELECT pg_create_logical_replication_slot({}, 'pgoutput'{failover});", literal(&names.slot))
    };
    Ok(include_str!("../../../sql/capture/postgres/install.sql")
        .replace("{role}", &login(&names.role, exists.role, "LOGIN REPLICATION", password))
        .replace("{grants}", &grants.join("\n"))
        .replace("{publication}", &publication_sql)
        .replace("{slot}", &slot_sql))
}

/// The script that removes what was installed; what does not exist is left out.
pub fn uninstall_script(names: &Names, captured: &[CapturedTable], exists: &Existing) -> String {
    let role = quoted(&names.role);
    let slot = if exists.slot {
        format!("SELECT pg_drop_replication_slot({});", literal(&names.slot))
    } else {
        format!("-- (slot {} does not exist)", names.slot)
    };
    let publication = format!("DROP PUBLICATION IF EXISTS {};", quoted(&names.publication));
    let there = captured
        .iter()
        .filter(|table| exists.tables.contains(&format!("{}.{}", table.schema, table.table)))
        .cloned();
    let mut grants = Vec::new();
    let drop_role = if exists.role {
        grants = revokes(&names.role, &names.database, &there.collect::<Vec<_>>());
        format!("DROP ROLE {role};")
    } else {
        format!("-- (role {role} does not exist)")
    };
    include_str!("../../../sql/capture/postgres/uninstall.sql")
        .replace("{slot}", &slot)
        .replace("{publication}", &publication)
        .replace("{grants}", &grants.join("\n"))
        .replace("{role}", &drop_role)
}

/// The login, made if it does not exist. `password` is shown as `***` when it is `None`.
pub(in crate::source) fn login(role: &str, exists: bool, attributes: &str, password: Option<&str>) -> String {
    let role = quoted(role);
    if exists {
        return format!("-- (role {role} exists)\nALTER ROLE {role} {attributes};");
    }
    let secret = password.map_or_else(|| "'***'".to_owned(), literal);
    format!("CREATE ROLE {role} {attributes} PASSWORD {secret};")
}

/// The right to connect, and to read these columns.
pub(in crate::source) fn grants(role: &str, database: &str, tables: &[CapturedTable]) -> Vec<String> {
    let role = quoted(role);
    let mut grants = vec![format!("GRANT CONNECT ON DATABASE {} TO {role};", quoted(database))];
    let schemas: BTreeSet<_> = tables.iter().map(|table| table.schema.as_str()).collect();
    grants
        .extend(schemas.iter().map(|schema| format!("GRANT USAGE ON SCHEMA {} TO {role};", quoted(schema))));
    grants.extend(tables.iter().map(|table| {
        let list: Vec<_> = table.columns.iter().map(|column| quoted(column)).collect();
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.table));
        format!("GRANT SELECT ({}) ON {name} TO {role};", list.join(", "))
    }));
    grants
}

/// Takes back what [`grants`] gave; the tables must exist.
pub(in crate::source) fn revokes(role: &str, database: &str, tables: &[CapturedTable]) -> Vec<String> {
    let role = quoted(role);
    let mut revokes: Vec<String> = tables
        .iter()
        .map(|table| format!("REVOKE ALL ON {}.{} FROM {role};", quoted(&table.schema), quoted(&table.table)))
        .collect();
    let schemas: BTreeSet<_> = tables.iter().map(|table| table.schema.as_str()).collect();
    revokes
        .extend(schemas.iter().map(|schema| format!("REVOKE ALL ON SCHEMA {} FROM {role};", quoted(schema))));
    revokes.push(format!("REVOKE ALL ON DATABASE {} FROM {role};", quoted(database)));
    revokes
}

/// Takes back every right that the role has in this database, those of an earlier configuration too: a role that has any
/// cannot be dropped.
///
/// # Errors
/// When Live cannot be asked.
pub async fn other_rights(client: &Client, role: &str) -> Result<String, tokio_postgres::Error> {
    let rows = client
        .query(
            "WITH r AS (SELECT oid, rolname FROM pg_roles WHERE rolname = $1) \
             SELECT format('REVOKE ALL ON %I.%I FROM %I;', n.nspname, c.relname, r.rolname) \
             FROM r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'S') AND n.nspname <> 'mare' \
               AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = r.oid) \
                 OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND a.grantee = r.oid)) \
             UNION ALL \
             SELECT format('REVOKE ALL ON SCHEMA %I FROM %I;', n.nspname, r.rolname) FROM r, pg_namespace n \
             WHERE n.nspname <> 'mare' AND EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = r.oid)",
            &[&role],
        )
        .await?;
    let lines = rows.iter().map(|row| row.try_get::<_, String>(0).map(|line| line + "\n"));
    lines.collect()
}

/// What is already there.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    pub role: bool,
    pub publication: bool,
    pub slot: bool,
    /// `schema.table` of every mapped table that exists.
    pub tables: BTreeSet<String>,
}

impl Existing {
    /// Asks Live.
    ///
    /// # Errors
    /// When Live cannot be asked.
    pub async fn look(
        client: &Client,
        names: &Names,
        found: &[TableFacts],
    ) -> Result<Self, tokio_postgres::Error> {
        let row = client
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), \
                        EXISTS (SELECT FROM pg_publication WHERE pubname = $2), \
                        EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $3)",
                &[&names.role, &names.publication, &names.slot],
            )
            .await?;
        Ok(Self {
            role: row.try_get(0)?,
            publication: row.try_get(1)?,
            slot: row.try_get(2)?,
            tables: found.iter().map(|facts| format!("{}.{}", facts.schema, facts.table)).collect(),
        })
    }
}

/// Runs a script statement by statement: creating a slot may not share a transaction with writes, and each
/// lock is held for its own statement only.
///
/// # Errors
/// With the statement that failed; what ran before stays, and running again continues.
pub async fn run_script(client: &Client, script: &str) -> anyhow::Result<()> {
    for statement in statements(script) {
        let code: String = statement
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n");
        if code.trim().is_empty() {
            continue;
        }
        client.batch_execute(&statement).await.map_err(|error| {
            let shown = if code.contains("PASSWORD") { "CREATE ROLE …" } else { code.trim() };
            let detail = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
            anyhow::anyhow!("{detail}\n  in: {shown}")
        })?;
    }
    Ok(())
}

/// A script in single statements. One ends with a semicolon at the end of a line, unless that line is part of a
/// function's body.
fn statements(script: &str) -> Vec<String> {
    const BODY: &str = "$mare$";
    let mut statements = Vec::new();
    let mut open = String::new();
    for part in script.split_inclusive(";\n") {
        open.push_str(part);
        if open.matches(BODY).count().is_multiple_of(2) {
            statements.push(std::mem::take(&mut open));
        }
    }
    statements.push(open);
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_one_statement() {
        let script =
            "-- first\nSELECT 1;\nCREATE FUNCTION f() AS $mare$\nBEGIN\n  a;\n  b;\nEND $mare$;\nSELECT 2;\n";
        let found = statements(script);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[1].starts_with("CREATE FUNCTION") && found[1].ends_with("$mare$;\n"));
        assert_eq!(found[2], "SELECT 2;\n");
    }
}
