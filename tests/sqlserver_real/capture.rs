//! What capture needs to know of the reference Live, found out as the service does.

use mare::live::sqlserver::Param;
use mare::mapping::config::{MappingConfig, Role};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::names::qualified;
use mare::source::changelog::sqlserver::run::{Refused, run};
use mare::source::changelog::sqlserver::script::{self, Names, Objects};
use mare::source::changelog::sqlserver::statements as ask;
use mare::source::changelog::sqlserver::table::{CaptureTable, ColumnFacts, ColumnRow, TableFacts, plan};

use super::site::{PASSWORD, Rows, Site};

pub(crate) struct Capture {
    pub(crate) names: Names,
    pub(crate) tables: Vec<CaptureTable>,
}

impl Capture {
    /// The default mapping on the tables that are there.
    pub(crate) async fn plan(site: &Site, form: Form) -> Self {
        let mapping: MappingConfig = serde_json::from_str("{}").unwrap();
        let captured = mapping.captured();
        let mut found = Vec::new();
        for table in &captured {
            found.extend(describe(site, &table.schema, &table.table).await);
        }
        let names = Names {
            schema: "mare".to_owned(),
            owner: "dbo".to_owned(),
            login: site.database.clone(),
            database: site.database.clone(),
            versions_repeat: site.is_babelfish,
        };
        Self { names, tables: plan(&captured, &found, "mare", form).unwrap() }
    }

    /// Plans and installs.
    pub(crate) async fn installed(site: &Site) -> Self {
        let capture = Self::plan(site, Form::Row).await;
        capture.install(site).await;
        capture
    }

    pub(crate) async fn install(&self, site: &Site) -> Vec<Refused> {
        let found = self.found(site).await;
        let text = script::install(&self.names, &self.tables, &found, Some(PASSWORD));
        run(&site.connection, &text).await.unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    pub(crate) async fn uninstall(&self, site: &Site) {
        let text = script::uninstall(&self.names, &self.found(site).await);
        run(&site.connection, &text).await.unwrap_or_else(|error| panic!("{error}\n{text}"));
    }

    /// What is installed.
    pub(crate) async fn found(&self, site: &Site) -> Objects {
        let params = [Param::text(self.names.control()), Param::text(self.names.schema.clone())];
        let mut objects = Objects::default();
        for row in site.ask(ask::OBJECTS, params).await.unwrap() {
            let text = |column: usize| row[column].clone().unwrap();
            if text(0).trim() == "TR" {
                objects.triggers.insert((text(1), text(2)));
            } else {
                objects.change_tables.insert(text(2));
            }
        }
        objects
    }

    pub(crate) fn table(&self, role: Role) -> &CaptureTable {
        self.tables.iter().find(|table| table.role == role).unwrap()
    }

    pub(crate) fn change_table(&self, role: Role) -> String {
        qualified(&self.names.schema, &self.table(role).change_table)
    }

    /// Takes the change rows out: what happened, whose write it was, and the given columns.
    pub(crate) async fn take(&self, site: &Site, role: Role, columns: &str) -> Rows {
        let name = self.change_table(role);
        let text = format!(
            "SELECT [mare_op], [mare_origem], {columns} FROM {name} ORDER BY [mare_versao], [mare_op], {columns};"
        );
        let rows = site.rows(&text).await;
        site.change(&format!("DELETE FROM {name};")).await;
        rows
    }
}

async fn describe(site: &Site, schema: &str, table: &str) -> Option<TableFacts> {
    let params = [Param::text(schema.to_owned()), Param::text(table.to_owned())];
    let rows = site.ask(ask::COLUMNS, params).await.unwrap();
    let rows = rows.iter().map(|row| {
        let text = |column: usize| row[column].clone();
        let number = |column: usize| text(column).map(|text| text.parse::<i32>().unwrap());
        ColumnRow {
            column: ColumnFacts {
                name: text(0).unwrap(),
                data_type: text(1).unwrap(),
                max_length: number(2).unwrap().try_into().unwrap(),
                precision: number(3).unwrap().try_into().unwrap(),
                scale: number(4).unwrap().try_into().unwrap(),
                nullable: number(5) == Some(1),
                computed: number(6) == Some(1),
                collation: text(7),
            },
            place: number(8).zip(number(9)),
        }
    });
    TableFacts::gather(schema, table, rows.collect())
}
