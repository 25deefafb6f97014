//! One thing that is wrong at a time, and what has to be said about it.

use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::trigger;
use mare::source::finding::Severity::{self, Error, Warning};

use crate::facts::{column, tables};
use crate::live::{Live, Trigger};

type Change = fn(&mut Live);
/// What is changed, how bad it is, subject, words of the message and of the remedy.
pub(crate) type Case = (Change, Severity, &'static str, &'static str, &'static str);

const STOCK: &str = "[live].[estoque_saldo]";

/// For every way of capture.
pub(crate) const ANYWHERE: &[Case] = &[
    (
        |live| live.version = "10.50.6000.34",
        Error,
        "version",
        "2012 (version 11) is the oldest",
        "update the server",
    ),
    (|live| live.engine = 5, Warning, "version", "of Azure", "on a copy"),
    (|live| live.compatibility = 90, Warning, "compatibility", "level 90", "COMPATIBILITY_LEVEL = 100"),
    (|live| live.clock_ahead_seconds = 90, Warning, "clock", "differs by ", "NTP"),
    (
        |live| live.offset_seconds = 0,
        Warning,
        "timezone",
        "UTC+00:00, timezone = \"America/Sao_Paulo\" is UTC-03:00",
        "set timezone of [[source]]",
    ),
    (|live| live.roles.push("sysadmin"), Warning, "login", "sysadmin", "take it away"),
    (|live| live.roles.push("db_owner"), Warning, "login", "db_owner", "take it away"),
    (|live| live.roles.push("escreve"), Warning, "login", "may write into every table", "take it away"),
    (
        |live| live.deny(STOCK, "quantidade"),
        Error,
        "grants",
        "no SELECT on live.estoque_saldo.quantidade",
        "mare install",
    ),
    (
        |live| live.table("estoque_saldo").columns.retain(|column| column.name != "quantidade"),
        Error,
        "tables",
        "live.estoque_saldo has no column quantidade: correct [mapping.tables]",
        "as it says",
    ),
    (|live| live.table("preco").key.clear(), Error, "tables", "live.preco has no primary key", "as it says"),
    (
        |live| live.tables.retain(|table| table.table != "preco"),
        Error,
        "tables",
        "live.preco does not exist, or the login may not see it",
        "mare install",
    ),
    (
        |live| live.open_transaction = true,
        Warning,
        "transactions",
        "session 77 (Fechamento of erp on RETAGUARDA)",
        "find out",
    ),
    (|live| live.stores = vec!["002"], Error, "mapping", "no store 001", "Live has 002"),
    (|live| live.tenants = vec!["1", "2"], Warning, "tenant", "rows of 2 tenants", "one of 1, 2"),
    (
        |live| live.price_tables = vec!["ATACADO"],
        Error,
        "mapping",
        "no price table VAREJO",
        "Live has ATACADO",
    ),
    (
        |live| _ = live.untold.insert("mare:check.open_transactions"),
        Warning,
        "not told",
        "open transactions cannot be told: no permission for it",
        "GRANT VIEW SERVER STATE TO [mare]",
    ),
    (
        |live| _ = live.untold.insert("mare:check.restores"),
        Severity::Ok,
        "not told",
        "when the database was restored cannot be told: no permission for it",
        "in msdb",
    ),
    // A server that lacks the view does not let its error be caught.
    (
        |live| _ = live.failing.insert("mare:check.restores"),
        Severity::Ok,
        "not told",
        "when the database was restored cannot be told: SQL Server: The user does not have permission",
        "in msdb",
    ),
    (
        |live| _ = live.failing.insert("mare:check.roles"),
        Warning,
        "not told",
        "the login's roles",
        "mare install",
    ),
];

pub(crate) const WITH_TRIGGERS: &[Case] = &[
    (|live| live.installed = false, Error, "capture", "nothing is installed", "mare install"),
    (
        |live| live.switch = Some((false, "LOJA\\ana")),
        Error,
        "switch",
        "capture was switched off by LOJA\\ana on ",
        "SET [captura_ligada] = 1",
    ),
    (|live| live.switch = None, Error, "switch", "controle is empty", "mare install"),
    (
        |live| live.triggers.get_mut("preco").unwrap().clear(),
        Error,
        "triggers",
        "trigger [mare_preco] of [live].[preco] is missing",
        "as it says",
    ),
    (
        |live| live.trigger("preco").disabled = true,
        Error,
        "triggers",
        "is disabled: ENABLE TRIGGER",
        "as it says",
    ),
    (
        |live| {
            let text = live.trigger("preco").definition.as_mut().unwrap();
            *text = text.replace("SET ROWCOUNT 0;", "RETURN;");
        },
        Error,
        "triggers",
        "was altered by somebody",
        "as it says",
    ),
    (
        |live| {
            let mut other = tables(Form::Row).into_iter().find(|table| table.table == "preco").unwrap();
            other.mapped.pop();
            live.trigger("preco").definition = Some(trigger::create(&other, "mare"));
        },
        Error,
        "triggers",
        "[mare_preco] of [live].[preco] was made for another mapping",
        "mare install",
    ),
    (
        |live| live.trigger("preco").quoted_identifier = false,
        Error,
        "triggers",
        "was made with QUOTED_IDENTIFIER OFF",
        "mare install",
    ),
    (
        |live| live.trigger("preco").definition = None,
        Warning,
        "triggers",
        "whether [mare_preco] of [live].[preco] is as installed cannot be told",
        "mare install",
    ),
    (
        |live| live.deny(STOCK, "VIEW DEFINITION"),
        Warning,
        "triggers",
        "[live].[estoque_saldo] are there and as installed cannot be told",
        "GRANT VIEW DEFINITION ON [live].[estoque_saldo] TO [mare]",
    ),
    (
        |live| live.triggers.get_mut("preco").unwrap().push(other_trigger("tr_preco", true)),
        Warning,
        "other triggers",
        "tr_preco on live.preco run INSTEAD OF",
        "mare reconcile",
    ),
    (
        |live| live.nested_triggers = 0,
        Warning,
        "nested triggers",
        "are off",
        "sp_configure 'nested triggers', 1",
    ),
    (
        |live| live.change_tables.retain(|table| table.table != "alt_preco"),
        Error,
        "change tables",
        "[mare].[alt_preco], for [live].[preco], does not exist",
        "mare install",
    ),
    (
        |live| {
            live.change_tables
                .iter_mut()
                .for_each(|table| table.columns.retain(|column| column.name != "valor"))
        },
        Error,
        "change tables",
        "[mare].[alt_preco] lacks valor",
        "mare install",
    ),
    (
        retype,
        Error,
        "change tables",
        "ALTER TABLE [mare].[alt_preco] ALTER COLUMN [valor] decimal(15, 4) NULL",
        "as it says",
    ),
    (
        |live| live.deny("[mare].[alt_preco]", "DELETE"),
        Error,
        "grants",
        "no DELETE on [mare].[alt_preco]",
        "mare install",
    ),
    (
        |live| live.deny("[mare].[alt_preco]", "SELECT"),
        Error,
        "grants",
        "no SELECT on [mare].[alt_preco]",
        "mare install",
    ),
    (
        |live| live.schema_owner = Some("ana"),
        Error,
        "owners",
        "ALTER AUTHORIZATION ON SCHEMA::[mare] TO [dbo]",
        "as it says",
    ),
    (
        |live| live.waiting = (12, Some(4_000)),
        Warning,
        "waiting",
        "about 12 rows wait, the oldest for 400",
        "start mare run",
    ),
    (
        |live| live.modules.push(("saldo", "baixa_estoque")),
        Warning,
        "output",
        "dbo.baixa_estoque (live.estoque_saldo). INSERT, UPDATE or DELETE with OUTPUT but without INTO fails with error 334",
        "add INTO",
    ),
    (|live| live.cached.push("saldo"), Warning, "output", "plan cache: 1 on live.estoque_saldo", "add INTO"),
    (
        |live| live.roles.clear(),
        Warning,
        "not told",
        "stored code with OUTPUT cannot be told",
        "GRANT VIEW DEFINITION TO [mare]",
    ),
    (
        |live| _ = live.untold.insert("mare:check.output_in_cache"),
        Warning,
        "not told",
        "statements with OUTPUT that ran lately cannot be told",
        "GRANT VIEW SERVER STATE",
    ),
    (
        |live| _ = live.failing.insert("mare:check.owners"),
        Warning,
        "not told",
        "owners of the tables",
        "mare install",
    ),
    (
        |live| _ = live.failing.insert("mare:check.triggers"),
        Warning,
        "not told",
        "the triggers",
        "mare install",
    ),
];

fn retype(live: &mut Live) {
    for table in live.change_tables.iter_mut().filter(|table| table.table == "alt_preco") {
        let valor = table.columns.iter_mut().find(|column| column.name == "valor").unwrap();
        *valor = column("valor", "decimal(9,2)", true);
    }
}

pub(crate) fn other_trigger(name: &str, instead_of: bool) -> Trigger {
    Trigger {
        name: name.to_owned(),
        disabled: false,
        instead_of,
        quoted_identifier: true,
        definition: Some("CREATE TRIGGER of the ERP".to_owned()),
    }
}

pub(crate) const WITH_TRACKING: &[Case] = &[
    (|live| live.tracking_version = None, Error, "tracking", "is off in the database", "mare install"),
    (
        |live| _ = live.untracked.insert("preco"),
        Error,
        "tracking",
        "is off for [live].[preco]",
        "mare install",
    ),
    (|live| live.retention = (2, 2), Warning, "retention", "kept for 2 hours", "CHANGE_RETENTION = 7 DAYS"),
    (
        |live| live.deny("[live].[preco]", "VIEW CHANGE TRACKING"),
        Error,
        "grants",
        "no VIEW CHANGE TRACKING on [live].[preco]",
        "mare install",
    ),
    (
        |live| live.allows_snapshot = false,
        Warning,
        "isolation",
        "ALLOW_SNAPSHOT_ISOLATION is off",
        "ALLOW_SNAPSHOT_ISOLATION ON",
    ),
    (
        |live| _ = live.untold.insert("mare:tracking.version"),
        Error,
        "tracking",
        "cannot say what has changed: no permission for it",
        "another way",
    ),
];

pub(crate) const WITH_ROW_VERSIONS: &[Case] = &[
    (
        |live| live.table("preco").columns.retain(|column| column.name != "versao_linha"),
        Warning,
        "rowversion",
        "live.preco has no column of that type",
        "ADD [versao_linha] rowversion",
    ),
    (
        |live| {
            for table in &mut live.tables {
                table.columns.retain(|column| column.name != "versao_linha");
            }
        },
        Error,
        "rowversion",
        "nothing would be captured",
        "another way",
    ),
    (
        |live| live.deny(STOCK, "versao_linha"),
        Error,
        "grants",
        "no SELECT on live.estoque_saldo.versao_linha",
        "mare install",
    ),
    (
        |live| _ = live.failing.insert("mare:version.bound"),
        Error,
        "rowversion",
        "cannot say which changes are settled",
        "another way",
    ),
];
