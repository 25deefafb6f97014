//! What stands where: from a captured table to its change table.

use crate::mapping::config::CapturedTable;
use crate::source::changelog::form::Form;
use crate::source::postgres::install::quoted;

/// Our schema in Live.
pub const SCHEMA: &str = "mare";

/// The number of our advisory lock in Live's database: "mare", and which of our locks it is.
pub const LOCK: (i32, i32) = (0x6D61_7265, 1);

/// Postgres cuts longer names off.
const NAME_BYTES_MAX: usize = 63;

/// A captured table with its change table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLayout {
    pub captured: CapturedTable,
    /// Name of change table and trigger function in [`SCHEMA`].
    pub name: String,
    /// Which of the mapped columns are written down.
    pub stored: Vec<String>,
}

impl TableLayout {
    pub fn new(captured: CapturedTable, form: Form) -> Self {
        let stored = match form.of(captured.role) {
            Form::Key => captured.key.clone(),
            Form::Row => captured.columns.clone(),
        };
        Self { name: format!("{}_{}", captured.schema, captured.table), stored, captured }
    }

    /// All tables, in the order in which they depend on each other.
    pub fn all(captured: Vec<CapturedTable>, form: Form) -> Vec<Self> {
        captured.into_iter().map(|table| Self::new(table, form)).collect()
    }

    /// The table of Live, for people.
    pub fn live_name(&self) -> String {
        format!("{}.{}", self.captured.schema, self.captured.table)
    }

    /// The table of Live, for SQL.
    pub fn live_sql(&self) -> String {
        format!("{}.{}", quoted(&self.captured.schema), quoted(&self.captured.table))
    }

    /// The change table (and the function), for SQL.
    pub fn sql(&self) -> String {
        format!("{SCHEMA}.{}", quoted(&self.name))
    }
}

/// Names that Postgres would cut off, or that two tables would share.
pub fn name_obstacles(layouts: &[TableLayout]) -> Vec<String> {
    let mut obstacles = Vec::new();
    for (index, layout) in layouts.iter().enumerate() {
        if layout.name.len() > NAME_BYTES_MAX {
            obstacles.push(format!(
                "the name of the change table {SCHEMA}.{} is too long for Postgres ({NAME_BYTES_MAX} bytes): capture {} \
                 through a view or by a slot",
                layout.name,
                layout.live_name()
            ));
        }
        if layouts[..index].iter().any(|other| other.name == layout.name) {
            obstacles.push(format!(
                "two captured tables would have the same change table {SCHEMA}.{}: correct [mapping.tables]",
                layout.name
            ));
        }
    }
    obstacles
}
