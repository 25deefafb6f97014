//! What maré may do in Live beyond reading the mapped columns, as SQL for whoever installs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::sql::{Dialect, Sql, Value, quoted, quoted_table};
use super::{WriteError, Writer};
use crate::core::row::Cell;

/// What maré may do to one table. Names that are empty are columns that the site does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRights {
    /// `schema.table`
    pub table: String,
    /// Besides the mapped ones.
    pub reads: Vec<String>,
    pub inserts: Vec<String>,
    pub updates: Vec<String>,
}

impl TableRights {
    pub fn schema(&self) -> &str {
        self.table.split_once('.').map_or("public", |(schema, _)| schema)
    }

    pub fn name(&self) -> &str {
        self.table.split_once('.').map_or(&self.table, |(_, table)| table)
    }

    /// `SELECT (…), INSERT (…)`; SQL Server knows no INSERT of columns.
    fn list(&self, dialect: Dialect) -> String {
        let rights = [("SELECT", &self.reads), ("INSERT", &self.inserts), ("UPDATE", &self.updates)];
        let mut list = Vec::new();
        for (right, columns) in rights {
            let names: Vec<_> = columns
                .iter()
                .filter(|name| !name.is_empty())
                .map(|name| quoted(dialect, name))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            match (dialect, right) {
                _ if names.is_empty() => {}
                (Dialect::SqlServer, "INSERT") => list.push(right.to_owned()),
                _ => list.push(format!("{right} ({})", names.join(", "))),
            }
        }
        list.join(", ")
    }
}

/// The part of an installation that lets `user` write; empty when nothing is to be written.
pub fn grant_script(dialect: Dialect, user: &str, rights: &[TableRights]) -> String {
    if rights.is_empty() {
        return String::new();
    }
    let user = quoted(dialect, user);
    let mut script = "\n-- What maré may write into the shop's tables, since the configuration says so. Its transactions carry a mark, and what\n\
                      -- came from VTEX does not go back.\n"
        .to_owned();
    if dialect == Dialect::Postgres {
        let schemas: BTreeSet<_> = rights.iter().map(TableRights::schema).collect();
        for schema in schemas {
            let _infallible =
                writeln!(script, "GRANT USAGE ON SCHEMA {} TO {user};", quoted(dialect, schema));
        }
    }
    for table in rights {
        let name = quoted_table(dialect, &table.table);
        let _infallible = writeln!(script, "GRANT {} ON {name} TO {user};", table.list(dialect));
    }
    if dialect == Dialect::SqlServer {
        script.push_str("GO\n");
    }
    script
}

/// Takes back what [`grant_script`] gave at an earlier time: `user` writes no more into these tables.
pub fn revoke_script(dialect: Dialect, user: &str, tables: &[String]) -> String {
    let user = quoted(dialect, user);
    let revoke =
        |table: &String| format!("REVOKE INSERT, UPDATE ON {} FROM {user};\n", quoted_table(dialect, table));
    let mut script: String = tables.iter().map(revoke).collect();
    if !script.is_empty() {
        script.insert_str(0, "\n-- What maré may have been allowed to write before.\n");
        if dialect == Dialect::SqlServer {
            script.push_str("GO\n");
        }
    }
    script
}

/// The rights that the writer's login lacks, like `INSERT on live.pedido_venda`.
///
/// # Errors
/// When Live cannot be asked, or has no such table or column.
pub async fn missing_rights(writer: &Writer, rights: &[TableRights]) -> Result<Vec<String>, WriteError> {
    let mut missing = Vec::new();
    let mut transaction = writer.begin().await?;
    for table in rights {
        for (right, columns) in
            [("SELECT", &table.reads), ("INSERT", &table.inserts), ("UPDATE", &table.updates)]
        {
            for column in columns.iter().filter(|column| !column.is_empty()) {
                let asked = ask_right(writer.dialect(), table, right, column);
                let rows = transaction.fetch(&asked).await?;
                let (cell, _) = rows.cell(0, 0);
                if !matches!(cell, Cell::Text(b"1" | b"t") | Cell::Binary([1])) {
                    missing.push(format!("{right} ({column}) on {}", table.table));
                }
            }
        }
    }
    transaction.rollback().await;
    Ok(missing)
}

fn ask_right(dialect: Dialect, table: &TableRights, right: &'static str, column: &str) -> Sql {
    let name = Value::text(quoted_table(dialect, &table.table));
    let sql = Sql::read("check.may_write");
    match dialect {
        Dialect::Postgres => {
            let sql = sql.push("SELECT has_column_privilege(").value(name).push(", ");
            sql.value(Value::text(column.to_owned())).push(", ").value(Value::text(right)).push(")")
        }
        Dialect::SqlServer => {
            let sql = sql
                .push("SELECT HAS_PERMS_BY_NAME(")
                .value(name)
                .push(", N'OBJECT', ")
                .value(Value::text(right));
            // A right to insert is one to the table.
            if right == "INSERT" {
                return sql.push(")");
            }
            sql.push(", ").value(Value::text(column.to_owned())).push(", N'COLUMN')")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_granted() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rights = [
            TableRights {
                table: "live.cliente_consentimento".to_owned(),
                reads: names(&["id"]),
                inserts: names(&["id", "", "situacao"]),
                updates: Vec::new(),
            },
            TableRights {
                table: "live.cliente".to_owned(),
                reads: Vec::new(),
                inserts: Vec::new(),
                updates: names(&["email"]),
            },
        ];
        let script = grant_script(Dialect::Postgres, "mare", &rights);
        for line in [
            "GRANT USAGE ON SCHEMA \"live\" TO \"mare\";\n",
            "GRANT SELECT (\"id\"), INSERT (\"id\", \"situacao\") ON \"live\".\"cliente_consentimento\" TO \"mare\";\n",
            "GRANT UPDATE (\"email\") ON \"live\".\"cliente\" TO \"mare\";\n",
        ] {
            assert!(script.contains(line), "{script}");
        }
        let script = grant_script(Dialect::SqlServer, "mare", &rights);
        assert!(
            script.contains("GRANT SELECT ([id]), INSERT ON [live].[cliente_consentimento] TO [mare];\n"),
            "{script}"
        );
        assert_eq!(grant_script(Dialect::Postgres, "mare", &[]), "");
    }
}
