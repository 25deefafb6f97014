//! The reference Live as `sys.columns` would describe it, read out of its schema file.

use mare::mapping::config::{CapturedTable, MappingConfig, Role};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::script::Names;
use mare::source::changelog::sqlserver::table::{CaptureTable, ColumnFacts, TableFacts, plan};

const SCHEMA: &str = include_str!("../../sql/live/sqlserver/schema.sql");

pub(crate) fn names() -> Names {
    Names {
        schema: "mare".to_owned(),
        owner: "dbo".to_owned(),
        login: "mare".to_owned(),
        database: "live".to_owned(),
        versions_repeat: false,
    }
}

pub(crate) fn mapping() -> MappingConfig {
    serde_json::from_str("{}").unwrap()
}

pub(crate) fn captured() -> Vec<CapturedTable> {
    mapping().captured()
}

pub(crate) fn tables(form: Form) -> Vec<CaptureTable> {
    let found: Vec<_> = captured().iter().map(|table| described(&table.table)).collect();
    plan(&captured(), &found, "mare", form).unwrap()
}

pub(crate) fn table(role: Role, form: Form) -> CaptureTable {
    tables(form).into_iter().find(|table| table.role == role).unwrap()
}

/// One table of the reference Live.
pub(crate) fn described(table: &str) -> TableFacts {
    let text = SCHEMA.split_once(&format!("CREATE TABLE live.{table} (")).unwrap().1;
    let text = text.split_once("\n);").unwrap().0;
    let mut facts = TableFacts {
        schema: "live".to_owned(),
        table: table.to_owned(),
        columns: Vec::new(),
        key: Vec::new(),
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("CONSTRAINT") {
            if let Some((_, columns)) = line.split_once("PRIMARY KEY (") {
                facts.key = columns.trim_end_matches([')', ',']).split(", ").map(str::to_owned).collect();
            }
            continue;
        }
        let (name, rest) = line.split_once(' ').unwrap();
        if rest.contains("PRIMARY KEY") {
            facts.key = vec![name.to_owned()];
        }
        facts.columns.push(column(name, rest.trim(), !rest.contains("NOT NULL")));
    }
    facts
}

/// `decimal(15,4)  NOT NULL` and the like.
pub(crate) fn column(name: &str, declaration: &str, nullable: bool) -> ColumnFacts {
    let declared = declaration.split_whitespace().next().unwrap().trim_end_matches(',');
    let (data_type, arguments) = declared.split_once('(').unwrap_or((declared, ""));
    let mut numbers =
        arguments.trim_end_matches(')').split(',').map(|number| number.parse::<i16>().unwrap_or(-1));
    let (first, second) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let wide = if data_type.starts_with('n') && first > 0 { 2 } else { 1 };
    let is_number = matches!(data_type, "decimal" | "numeric" | "float");
    ColumnFacts {
        name: name.to_owned(),
        data_type: if data_type == "rowversion" { "timestamp" } else { data_type }.to_owned(),
        max_length: first * wide,
        precision: if is_number { u8::try_from(first).unwrap() } else { 0 },
        scale: u8::try_from(if is_number { second } else { first.clamp(0, 7) }).unwrap(),
        nullable,
        computed: false,
        collation: data_type.contains("char").then(|| "Latin1_General_CI_AI".to_owned()),
    }
}
