//! A captured table as it stands in SQL Server, and what capturing it takes.

use std::collections::BTreeMap;

use crate::mapping::config::{CapturedTable, Role};
use crate::source::changelog::form::Form;

use super::names::{joined, qualified, quoted, unusable};

/// A column as `sys.columns` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFacts {
    pub name: String,
    /// Name of the system type, lower case; for an alias type the one that it stands for.
    pub data_type: String,
    /// Bytes; -1 for `max`.
    pub max_length: i16,
    pub precision: u8,
    pub scale: u8,
    pub nullable: bool,
    pub computed: bool,
    /// Of texts.
    pub collation: Option<String>,
}

/// A table as it stands in Live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    pub schema: String,
    pub table: String,
    pub columns: Vec<ColumnFacts>,
    /// Columns of the primary key in their order, or of a unique index without null columns; empty without either.
    pub key: Vec<String>,
}

/// A row of the answer to [`COLUMNS`](super::statements::COLUMNS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRow {
    pub column: ColumnFacts,
    /// A unique index (0: the primary key) and the column's place in it.
    pub place: Option<(i32, i32)>,
}

impl TableFacts {
    /// Puts the rows of an answer together; `None` when there are none.
    ///
    /// The key is the primary key, or else the first unique index whose columns are never null.
    pub fn gather(schema: &str, table: &str, rows: Vec<ColumnRow>) -> Option<Self> {
        let mut columns: Vec<ColumnFacts> = Vec::new();
        let mut indexes: BTreeMap<i32, BTreeMap<i32, String>> = BTreeMap::new();
        for ColumnRow { column, place } in rows {
            if let Some((index, place)) = place {
                indexes.entry(index).or_default().insert(place, column.name.clone());
            }
            // A column comes once for each of its places, one after the other.
            if columns.last().is_none_or(|last| last.name != column.name) {
                columns.push(column);
            }
        }
        let never_null =
            |name: &String| columns.iter().any(|column| column.name == *name && !column.nullable);
        let key = indexes.into_values().find(|index| index.values().all(never_null)).unwrap_or_default();
        let key = key.into_values().collect();
        (!columns.is_empty()).then(|| Self {
            schema: schema.to_owned(),
            table: table.to_owned(),
            columns,
            key,
        })
    }

    fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The mapped columns that the table does not have.
    pub fn missing<'a>(&self, wanted: &'a CapturedTable) -> Vec<&'a str> {
        wanted.columns.iter().map(String::as_str).filter(|name| self.column(name).is_none()).collect()
    }

    /// The table's own `rowversion` column, if it has one (there is at most one).
    pub fn row_version(&self) -> Option<&str> {
        self.columns.iter().find(|column| column.is_row_version()).map(|column| column.name.as_str())
    }
}

impl ColumnFacts {
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Whether its values are whole numbers, which every order has in the same place.
    pub fn is_integer(&self) -> bool {
        matches!(self.data_type.as_str(), "tinyint" | "smallint" | "int" | "bigint")
    }

    fn is_row_version(&self) -> bool {
        matches!(self.data_type.as_str(), "timestamp" | "rowversion")
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.data_type.as_str(), "char" | "varchar" | "nchar" | "nvarchar")
    }

    /// The type as it is written in a declaration or a cast.
    pub(super) fn declared(&self) -> String {
        let name = self.data_type.as_str();
        match name {
            "decimal" | "numeric" => format!("{name}({}, {})", self.precision, self.scale),
            "datetime2" | "datetimeoffset" | "time" => format!("{name}({})", self.scale),
            "float" => format!("float({})", self.precision),
            "char" | "varchar" | "binary" | "varbinary" | "nchar" | "nvarchar" => match self.max_length {
                -1 => format!("{name}(max)"),
                bytes if name.starts_with('n') => format!("{name}({})", bytes / 2),
                bytes => format!("{name}({bytes})"),
            },
            "timestamp" | "rowversion" => "binary(8)".to_owned(),
            _ => name.to_owned(),
        }
    }

    /// The type in the change table. Numbers and dates keep their own; a text gets all the room that fits into a row,
    /// so that a release of the ERP that widens its column does not make the shop's statements fail here. A longer
    /// declaration costs no byte.
    pub(super) fn stored(&self) -> String {
        let room = match (self.data_type.as_str(), self.max_length) {
            ("char" | "varchar", 0..) => "varchar(8000)",
            ("nchar" | "nvarchar", 0..) => "nvarchar(4000)",
            _ => return self.declared(),
        };
        room.to_owned()
    }

    /// The collation clause of the stored column: without it a text would be turned into the database's code page.
    pub(super) fn collate(&self) -> String {
        match &self.collation {
            Some(name) if self.is_text() => format!(" COLLATE {name}"),
            _ => String::new(),
        }
    }

    /// What is compared: a text by its bytes, because `=` of most collations takes `a` for `A` and ignores blanks at
    /// the end, and VTEX does neither.
    pub(super) fn compared(&self, alias: &str) -> String {
        let column = format!("{alias}.{}", self.quoted());
        if !self.is_text() {
            return column;
        }
        let bytes = if self.max_length < 0 { "max" } else { "8000" };
        format!("CONVERT(varbinary({bytes}), {column})")
    }

    /// What is read: money as a decimal, since the driver hands it out as a floating-point number.
    pub(super) fn read(&self, alias: &str) -> String {
        let name = self.quoted();
        let dot = if alias.is_empty() { "" } else { "." };
        match self.data_type.as_str() {
            "money" | "smallmoney" => format!("CAST({alias}{dot}{name} AS decimal(19, 4)) AS {name}"),
            "timestamp" | "rowversion" => format!("CONVERT(bigint, {alias}{dot}{name}) AS {name}"),
            _ => format!("{alias}{dot}{name}"),
        }
    }

    /// Why a trigger cannot capture it, if so.
    fn obstacle(&self) -> Option<&'static str> {
        match self.data_type.as_str() {
            "text" | "ntext" | "image" => Some("triggers cannot read it (SQL Server, error 311)"),
            "bit" | "tinyint" | "smallint" | "int" | "bigint" | "decimal" | "numeric" | "money"
            | "smallmoney" | "real" | "float" | "date" | "time" | "datetime" | "smalldatetime"
            | "datetime2" | "datetimeoffset" | "char" | "varchar" | "nchar" | "nvarchar" | "binary"
            | "varbinary" | "uniqueidentifier" | "timestamp" | "rowversion" => None,
            _ => Some("it cannot be compared or is not understood"),
        }
    }
}

/// A table and how it is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureTable {
    pub role: Role,
    pub schema: String,
    pub table: String,
    /// Name of its change table, in our schema.
    pub change_table: String,
    /// Name of its trigger, in the table's schema.
    pub trigger: String,
    pub form: Form,
    /// In the order of the key.
    pub key: Vec<ColumnFacts>,
    /// The mapped columns that are not part of the key, in the mapping's order.
    pub mapped: Vec<ColumnFacts>,
    /// See [`Role::captures_own_writes`].
    pub captures_own_writes: bool,
}

impl CaptureTable {
    /// `[schema].[table]`
    pub fn source_name(&self) -> String {
        qualified(&self.schema, &self.table)
    }

    /// Key and mapped columns: what the service may read of the table.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnFacts> {
        self.key.iter().chain(&self.mapped)
    }

    /// The columns of a change row, after those of bookkeeping.
    pub fn captured(&self) -> impl Iterator<Item = &ColumnFacts> {
        let mapped: &[ColumnFacts] = if self.form == Form::Row { &self.mapped } else { &[] };
        self.key.iter().chain(mapped)
    }
}

/// Columns that a change row has besides the shop's. The prefix keeps them apart: tables of Live have an `origem` and
/// a `versao` of their own.
pub const BOOKKEEPING: [&str; 4] = ["mare_versao", "mare_op", "mare_origem", "mare_capturado_em"];

/// How each table is to be captured.
///
/// # Errors
/// Everything that stands against it, each with what to do.
pub fn plan(
    captured: &[CapturedTable],
    found: &[TableFacts],
    schema: &str,
    form: Form,
) -> Result<Vec<CaptureTable>, Vec<String>> {
    let mut obstacles = Vec::new();
    let mut planned: Vec<CaptureTable> = Vec::new();
    for wanted in captured {
        let name = format!("{}.{}", wanted.schema, wanted.table);
        let Some(facts) =
            found.iter().find(|facts| facts.schema == wanted.schema && facts.table == wanted.table)
        else {
            obstacles.push(format!("table {name} does not exist: correct [mapping.tables], or the database"));
            continue;
        };
        let before = obstacles.len();
        let mapped = mapped_columns(wanted, facts, &name, &mut obstacles);
        let key = key_columns(facts, &name, &mut obstacles);
        for column in key.iter().chain(&mapped) {
            if let Some(reason) = column.obstacle() {
                obstacles.push(format!("column {} of {name} is {}: {reason}", column.name, column.data_type));
            }
            if BOOKKEEPING.iter().any(|ours| ours.eq_ignore_ascii_case(&column.name)) {
                obstacles.push(format!("column {} of {name} has a name that is ours", column.name));
            }
        }
        let names = [wanted.schema.as_str(), &wanted.table].into_iter();
        for name in names.chain(key.iter().chain(&mapped).map(|column| column.name.as_str())) {
            if let Some(reason) = unusable(name) {
                obstacles.push(format!("the name {name:?} {reason}"));
            }
        }
        if obstacles.len() > before {
            continue;
        }
        // Two tables of one name in two schemas would share a change table.
        let twin = |other: &CapturedTable| {
            other.role != wanted.role && other.table.to_lowercase() == wanted.table.to_lowercase()
        };
        let own = if captured.iter().any(twin) { name } else { wanted.table.clone() };
        planned.push(CaptureTable {
            role: wanted.role,
            schema: wanted.schema.clone(),
            table: wanted.table.clone(),
            change_table: joined("alt", &own),
            trigger: joined(schema, &wanted.table),
            form: form.of(wanted.role),
            key,
            mapped,
            captures_own_writes: wanted.role.captures_own_writes(),
        });
    }
    if obstacles.is_empty() { Ok(planned) } else { Err(obstacles) }
}

fn mapped_columns(
    wanted: &CapturedTable,
    facts: &TableFacts,
    name: &str,
    obstacles: &mut Vec<String>,
) -> Vec<ColumnFacts> {
    let mut columns = Vec::new();
    for column in &wanted.columns {
        match facts.column(column) {
            Some(_) if facts.key.contains(column) => {}
            Some(found) => columns.push(found.clone()),
            None => {
                let other = facts.columns.iter().find(|other| other.name.eq_ignore_ascii_case(column));
                let hint = other.map_or_else(String::new, |other| format!(" (it has {})", other.name));
                obstacles
                    .push(format!("table {name} has no column {column}{hint}: correct [mapping.tables]"));
            }
        }
    }
    columns
}

fn key_columns(facts: &TableFacts, name: &str, obstacles: &mut Vec<String>) -> Vec<ColumnFacts> {
    let key: Vec<_> = facts.key.iter().filter_map(|column| facts.column(column)).cloned().collect();
    if key.is_empty() || key.iter().any(|column| column.nullable) {
        obstacles.push(format!(
            "table {name} has no primary key and no unique index over columns that are never null: a changed row could \
             not be told from another; add a primary key"
        ));
    }
    key
}
