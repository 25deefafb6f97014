//! A SQL Server with the reference Live in it, as far as it is asked about.

use std::collections::{BTreeMap, BTreeSet};

use mare::live::sqlserver::{Connection, SqlServerSettings, SqlServerTls};
use mare::mapping::config::MappingConfig;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::install::{Wanted, Way};
use mare::source::changelog::sqlserver::names::batches;
use mare::source::changelog::sqlserver::script::Objects;
use mare::source::changelog::sqlserver::statements::SESSION;
use mare::source::changelog::sqlserver::table::{CaptureTable, ColumnFacts, TableFacts};
use mare::source::changelog::sqlserver::trigger;

use crate::answers;
use crate::facts::{captured, column, described, tables};
use crate::tds::{Options, Reply, Server};

#[derive(Debug, Clone)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) disabled: bool,
    pub(crate) instead_of: bool,
    pub(crate) quoted_identifier: bool,
    pub(crate) definition: Option<String>,
}

/// What the server says. Everything is well until a test changes it.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) version: &'static str,
    pub(crate) engine: i64,
    pub(crate) description: &'static str,
    pub(crate) compatibility: i64,
    pub(crate) allows_snapshot: bool,
    pub(crate) clock_ahead_seconds: i64,
    pub(crate) offset_seconds: i64,
    pub(crate) tables: Vec<TableFacts>,
    pub(crate) change_tables: Vec<TableFacts>,
    /// By the table.
    pub(crate) triggers: BTreeMap<String, Vec<Trigger>>,
    /// By the table; all others belong to `dbo`.
    pub(crate) owners: BTreeMap<String, &'static str>,
    pub(crate) schema_owner: Option<&'static str>,
    pub(crate) installed: bool,
    pub(crate) login_exists: bool,
    /// Whether capture is on, and who switched last.
    pub(crate) switch: Option<(bool, &'static str)>,
    /// Object and right (or column) that the login has not.
    pub(crate) denied: BTreeSet<(String, String)>,
    /// What it has over the whole server or database.
    pub(crate) roles: Vec<&'static str>,
    pub(crate) nested_triggers: i64,
    pub(crate) order: Vec<[&'static str; 4]>,
    /// Stored code, by a part of the name that it is looked for with.
    pub(crate) modules: Vec<(&'static str, &'static str)>,
    pub(crate) cached: Vec<&'static str>,
    pub(crate) open_transaction: bool,
    /// Rows, and for how many seconds the oldest waits.
    pub(crate) waiting: (i64, Option<i64>),
    pub(crate) restored: bool,
    pub(crate) tracking_version: Option<i64>,
    /// Amount and unit.
    pub(crate) retention: (i64, i64),
    pub(crate) untracked: BTreeSet<&'static str>,
    pub(crate) stores: Vec<&'static str>,
    pub(crate) tenants: Vec<&'static str>,
    pub(crate) price_tables: Vec<&'static str>,
    /// Statements that are answered with a reason instead, and statements that fail.
    pub(crate) untold: BTreeSet<&'static str>,
    pub(crate) failing: BTreeSet<&'static str>,
}

impl Live {
    /// Nothing of ours is there yet.
    pub(crate) fn bare() -> Self {
        Self {
            version: "15.0.4335.1",
            engine: 2,
            description: "Microsoft SQL Server 2019",
            compatibility: 150,
            allows_snapshot: true,
            clock_ahead_seconds: 0,
            offset_seconds: -3 * 3_600,
            tables: captured().iter().map(|table| described(&table.table)).collect(),
            change_tables: Vec::new(),
            triggers: BTreeMap::new(),
            owners: BTreeMap::new(),
            schema_owner: None,
            installed: false,
            login_exists: false,
            switch: None,
            denied: BTreeSet::new(),
            roles: vec!["ve_definicoes"],
            nested_triggers: 1,
            order: Vec::new(),
            modules: Vec::new(),
            cached: Vec::new(),
            open_transaction: false,
            waiting: (0, None),
            restored: false,
            tracking_version: Some(7),
            retention: (7, 3),
            untracked: BTreeSet::new(),
            stores: vec!["001", "002"],
            tenants: vec!["1"],
            price_tables: vec!["VAREJO", "ATACADO"],
            untold: BTreeSet::new(),
            failing: BTreeSet::new(),
        }
    }

    /// As `mare install` leaves it.
    pub(crate) fn installed() -> Self {
        let planned = tables(Form::Row);
        let trigger = |table: &CaptureTable| Trigger {
            name: table.trigger.clone(),
            disabled: false,
            instead_of: false,
            quoted_identifier: true,
            definition: Some(trigger::create(table, "mare")),
        };
        Self {
            change_tables: planned.iter().map(change_table).collect(),
            triggers: planned.iter().map(|table| (table.table.clone(), vec![trigger(table)])).collect(),
            schema_owner: Some("dbo"),
            installed: true,
            login_exists: true,
            switch: Some((true, "sa")),
            ..Self::bare()
        }
    }

    pub(crate) fn trigger(&mut self, table: &str) -> &mut Trigger {
        &mut self.triggers.get_mut(table).unwrap()[0]
    }

    pub(crate) fn deny(&mut self, object: &str, right: &str) {
        self.denied.insert((object.to_owned(), right.to_owned()));
    }

    pub(crate) fn table(&mut self, name: &str) -> &mut TableFacts {
        self.tables.iter_mut().find(|table| table.table == name).unwrap()
    }

    /// What of ours is there.
    pub(crate) fn objects(&self) -> Objects {
        let ours =
            |trigger: &&Trigger| trigger.definition.as_ref().is_some_and(|text| text.contains("mare:"));
        let triggers = self.triggers.values().flatten().filter(ours);
        Objects {
            triggers: triggers.map(|trigger| ("live".to_owned(), trigger.name.clone())).collect(),
            change_tables: self.change_tables.iter().map(|table| table.table.clone()).collect(),
        }
    }
}

/// As `sys.columns` shows it after the installation.
fn change_table(table: &CaptureTable) -> TableFacts {
    let stored = |of: &ColumnFacts| {
        let mut kept = of.clone();
        let room = match of.data_type.as_str() {
            "nvarchar" | "nchar" => Some("nvarchar(4000)"),
            "varchar" | "char" => Some("varchar(8000)"),
            _ => None,
        };
        if let Some(room) = room {
            kept = column(&of.name, room, true);
            kept.collation.clone_from(&of.collation);
        }
        kept
    };
    let bookkeeping = [
        ("mare_versao", "rowversion"),
        ("mare_op", "char(1)"),
        ("mare_origem", "tinyint"),
        ("mare_capturado_em", "datetime2(3)"),
    ];
    let bookkeeping = bookkeeping.into_iter().map(|(name, of)| column(name, of, false));
    TableFacts {
        schema: "mare".to_owned(),
        table: table.change_table.clone(),
        columns: bookkeeping.chain(table.captured().map(stored)).collect(),
        key: Vec::new(),
    }
}

pub(crate) fn wanted(way: Way) -> Wanted {
    Wanted { login: "mare".to_owned(), database: "live".to_owned(), captured: captured(), way }
}

pub(crate) fn mapping() -> MappingConfig {
    toml::from_str(
        "[[stores]]\nloja = \"001\"\nwarehouse = \"w\"\n[[prices]]\ntabela = \"VAREJO\"\nas = \"base\"",
    )
    .unwrap()
}

pub(crate) fn settings(server: &Server) -> SqlServerSettings {
    let mut settings = SqlServerSettings::new("localhost", "live", "mare");
    settings.port = Some(server.port());
    settings.password = Some("tide".into());
    settings.tls = SqlServerTls::Disable;
    settings
}

pub(crate) async fn start(live: Live, options: Options) -> Server {
    let server = Server::start(options).await;
    server.with(|engine| answers::serve(engine, live));
    server
}

/// As the user who installs.
pub(crate) fn connection(server: &Server) -> Connection {
    Connection::lazy(settings(server), SESSION)
}

/// Takes every batch of a script.
pub(crate) fn take(server: &Server, script: &str) {
    for batch in batches(script) {
        server.with(|engine| engine.on(&tag(batch), |_, _, _| Ok(Reply::default())));
    }
}

/// What the server knows a statement by.
pub(crate) fn tag(text: &str) -> String {
    let text = text.trim();
    let comment = text.strip_prefix("/*").and_then(|rest| rest.split_once("*/"));
    comment.map_or(text, |(tag, _)| tag.trim()).to_owned()
}
