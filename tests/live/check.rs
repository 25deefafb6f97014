//! `mare check` finds what would keep `mare run` from working, and says what to do about it.

use std::process::Command;
use std::time::Duration;

use mare::simulator::{Credential, Limits, Options, Permission};
use serde_json::Value;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);

/// What has to be found: `error` (exit code 1) or `warning` (0), and words of the message and of its remedy.
struct Finding {
    severity: &'static str,
    subject: &'static str,
    message: &'static str,
    remedy: &'static str,
}

const fn error(subject: &'static str, message: &'static str, remedy: &'static str) -> Finding {
    Finding { severity: "error", subject, message, remedy }
}

const fn warning(subject: &'static str, message: &'static str, remedy: &'static str) -> Finding {
    Finding { severity: "warning", subject, message, remedy }
}

/// Runs `mare check` and holds it against what is expected; nothing else may be wrong with exit code 0.
fn finds(site: &Site, what: &str, change: impl FnOnce(&mut Command), expected: &[Finding]) {
    let mut command = site.command(&["check", "--json"]);
    change(&mut command);
    let output = command.output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{what}: no findings: {}", String::from_utf8_lossy(&output.stderr)));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    for finding in all.iter().filter(|finding| finding["severity"] != "ok") {
        assert!(!text(finding, "remedy").is_empty(), "{what}: no remedy: {finding}");
    }
    for expected in expected {
        let found = all.iter().any(|finding| {
            finding["severity"] == expected.severity
                && finding["subject"] == expected.subject
                && text(finding, "message").contains(expected.message)
                && text(finding, "remedy").contains(expected.remedy)
        });
        assert!(found, "{what}: {} is not among {all:#?}", expected.message);
    }
    let works = expected.iter().all(|finding| finding.severity != "error");
    assert_eq!(output.status.code(), Some(i32::from(!works)), "{what}: {all:#?}");
}

fn as_it_is(_: &mut Command) {}

/// What it is called, statements, what is found, and the statements that undo it before `mare install`.
type Change = (&'static str, &'static [&'static str], &'static [Finding], &'static [&'static str]);

/// Changes of Live.
const CHANGES: &[Change] = &[
    (
        "the slot does not exist, and none is free",
        &[
            "SELECT pg_drop_replication_slot('mare')",
            "SELECT pg_create_physical_replication_slot('other' || n) FROM generate_series(1, 20) n",
        ],
        &[
            error("slot", "\"mare\" does not exist", "mare install"),
            error("slots", "none is free", "max_replication_slots"),
        ],
        &["SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"],
    ),
    (
        "a second company in the same tables",
        &[
            "INSERT INTO live.loja (id, id_dominio, codigo, cnpj, razao_social, data_cadastro, data_atualizacao) VALUES \
           ('00000000-0000-0000-0000-0000000000fe', '00000000-0000-0000-0000-0000000000ff', '001', '99000000000100', 'Outra', now(), now())",
        ],
        &[warning("tenant", "live.loja has rows of 2 tenants", "set mapping.tenant to one of ")],
        &["DELETE FROM live.loja WHERE id = '00000000-0000-0000-0000-0000000000fe'"],
    ),
    (
        "our slot is there, but no other is free",
        &["SELECT pg_create_physical_replication_slot('other' || n) FROM generate_series(1, 19) n"],
        &[warning("slots", "none is free", "max_replication_slots")],
        &[
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'other%'",
        ],
    ),
    (
        "the slot's name is taken",
        &["SELECT pg_drop_replication_slot('mare')", "SELECT pg_create_physical_replication_slot('mare')"],
        &[error("slot", "somebody else's", "another slot")],
        &["SELECT pg_drop_replication_slot('mare')"],
    ),
    (
        "no publication",
        &["DROP PUBLICATION mare"],
        &[error("publication", "\"mare\" does not exist", "mare install")],
        &[],
    ),
    (
        "a table is not published",
        &["ALTER PUBLICATION mare DROP TABLE live.loja"],
        &[error("publication", "lacks live.loja.id", "mare install")],
        &[],
    ),
    (
        "deletes are not published",
        &["ALTER PUBLICATION mare SET (publish = 'insert, update')"],
        &[error("publication", "does not publish DELETE, TRUNCATE", "ALTER PUBLICATION \"mare\" SET")],
        &["ALTER PUBLICATION mare SET (publish = 'insert, update, delete, truncate')"],
    ),
    (
        "rows are left out",
        &[
            "ALTER PUBLICATION mare DROP TABLE live.loja",
            "ALTER PUBLICATION mare ADD TABLE live.loja WHERE (id IS NOT NULL)",
        ],
        &[error("publication", "leaves out rows of live.loja", "mare install")],
        &[],
    ),
    (
        "a column may not be read",
        &["REVOKE SELECT (valor) ON live.preco FROM mare"],
        &[error("grants", "no SELECT on live.preco.valor", "mare install")],
        &[],
    ),
    (
        "the schema may not be used",
        &["REVOKE USAGE ON SCHEMA live FROM mare"],
        &[error("live", "permission denied", "mare install")],
        &[],
    ),
    (
        "the login may not replicate",
        &["ALTER ROLE mare NOREPLICATION"],
        &[error("login", "may not replicate", "mare install")],
        &[],
    ),
    (
        "no replica identity",
        &["ALTER TABLE live.estoque_saldo REPLICA IDENTITY NOTHING"],
        &[error(
            "tables",
            "live.estoque_saldo has no primary key and no replica identity",
            "add a primary key",
        )],
        &["ALTER TABLE live.estoque_saldo REPLICA IDENTITY DEFAULT"],
    ),
    (
        "a mapped column is missing",
        &["ALTER TABLE live.preco RENAME valor TO valor_venda"],
        &[error("tables", "live.preco has no column valor", "correct [mapping.tables]")],
        &["ALTER TABLE live.preco RENAME valor_venda TO valor"],
    ),
    (
        "a mapped table is missing",
        &["ALTER TABLE live.loja RENAME TO filial"],
        &[error("tables", "table live.loja does not exist", "correct [mapping.tables]")],
        &["ALTER TABLE live.filial RENAME TO loja"],
    ),
];

/// What it is called, a text of `mare.toml`, what replaces it, and what is found.
type Setting = (&'static str, &'static str, &'static str, &'static [Finding]);

const SETTINGS: &[Setting] = &[
    (
        "a column that is mapped since the installation",
        "[admin]",
        "[mapping.tables.stock]\ncolumns.quantity = \"quantidade_transito\"\n[admin]",
        &[
            error("publication", "lacks live.estoque_saldo.quantidade_transito", "mare install"),
            error("grants", "no SELECT on live.estoque_saldo.quantidade_transito", "mare install"),
        ],
    ),
    ("an unknown store", "\"002\"", "\"999\"", &[error("mapping", "no store 999", "Live has 001, 002")]),
    (
        "an unknown price table",
        "\"ATACADO\"",
        "\"NENHUMA\"",
        &[error("mapping", "no price table NENHUMA", "Live has ATACADO")],
    ),
    (
        "a tenant that has no rows",
        "[mapping]",
        "[mapping]\ntenant = \"00000000-0000-0000-0000-0000000000ff\"",
        &[error("tenant", "live.loja has no row of tenant 0000", "correct mapping.tenant; there are ")],
    ),
    (
        "no such database",
        "\"live\"",
        "\"nowhere\"",
        &[error("live", "'nowhere' does not exist", "correct [[source]]")],
    ),
    (
        "an unknown warehouse",
        "\"loja002\"",
        "\"loja999\"",
        &[error("vtex warehouses", "no warehouse 'loja999'", "use one of its ids: loja001, loja002")],
    ),
    (
        "an unknown trade policy",
        "trade_policy = \"2\"",
        "trade_policy = \"77\"",
        &[warning("vtex trade policies", "price table '77'", "create it in VTEX")],
    ),
    (
        "a folder that cannot be written",
        "\"state\"",
        "\"/proc/mare\"",
        &[error("state_dir", "/proc/mare", "correct state_dir")],
    ),
];

fn site_options() -> Options {
    Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_obstacle_is_found_and_has_a_remedy() {
    let mut site = Site::new(200, site_options(), "").await;
    let no_limit = warning("max_slot_wal_keep_size", "no limit", "ALTER SYSTEM SET max_slot_wal_keep_size");
    finds(&site, "all is well", as_it_is, &[no_limit]);
    for (what, change, expected, undo) in CHANGES {
        run_each(&site, change).await;
        finds(&site, what, as_it_is, expected);
        run_each(&site, undo).await;
        site.run(&["install"]);
    }
    let config = site.config();
    for (what, from, to, expected) in SETTINGS {
        assert!(config.contains(from), "{what}: {config}");
        site.set_config(&config.replacen(from, to, 1));
        finds(&site, what, as_it_is, expected);
    }
    site.set_config(&config);
    credentials_and_rights(&site);
    little_wal_is_left(&site).await;
    the_server_is_set_up_otherwise(&mut site).await;
    finds(&site, "all is well again", as_it_is, &[]);
    let shown = site.run(&["check"]);
    assert!(shown.contains("✓ wal_level") && shown.contains("0 errors, "), "{shown}");
}

/// One by one: some may not share a transaction with others.
async fn run_each(site: &Site, statements: &[&str]) {
    for statement in statements {
        site.live.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}

fn credentials_and_rights(site: &Site) {
    let wrong = |command: &mut Command| _ = command.env("MARE_DB_PASSWORD", "not-the-one");
    finds(
        site,
        "a wrong password",
        wrong,
        &[error("live", "refused the login of user 'mare'", "correct [[source]]")],
    );
    let none = |command: &mut Command| _ = command.env_remove("MARE_DB_PASSWORD");
    finds(site, "no password", none, &[error("live", "MARE_DB_PASSWORD", "correct [[source]]")]);
    let none = |command: &mut Command| _ = command.env_remove("MARE_VTEX_APP_KEY");
    finds(site, "no app key", none, &[error("vtex", "MARE_VTEX_APP_KEY", "set what it names")]);

    let world = site.vtex.world();
    world.set_credentials(vec![Credential { key: "another".to_owned(), token: "another".to_owned() }]);
    let refused =
        error("vtex credentials", "does not accept key and token (status 401)", "check the account name");
    finds(site, "401", as_it_is, &[refused]);
    world.set_credentials(vec![Credential::default()]);
    let denied = [
        (Permission::ReadPrices, error("vtex price", "no permission (status 403)", "'Read prices'")),
        (
            Permission::ReadInventory,
            error("vtex stock", "no permission (status 403)", "'Logistics inventory full access'"),
        ),
        (Permission::Catalog, error("vtex catalog", "no permission (status 403)", "'SKUs'")),
    ];
    for (permission, expected) in denied {
        world.deny(vec![permission]);
        finds(site, "403", as_it_is, &[expected]);
    }
    // Without them everything goes one by one: no reason not to run.
    world.deny(vec![Permission::ReadPrices]);
    let bulk = warning(
        "vtex bulk prices",
        "one by one: the key has no permission (status 403)",
        "price_rows_min = 0",
    );
    let read = error("vtex price", "no permission (status 403)", "'Read prices'");
    finds(site, "403 of bulk jobs", as_it_is, &[read, bulk]);
    world.deny(Vec::new());
}

async fn little_wal_is_left(site: &Site) {
    let limit = "ALTER SYSTEM SET max_slot_wal_keep_size = '64MB'";
    run_each(site, &[limit, "SELECT pg_reload_conf()"]).await;
    site.until("the limit is in force", MINUTE, async |site| {
        let row = site.live.query_one("SHOW max_slot_wal_keep_size", &[]).await.unwrap();
        row.get::<_, &str>(0) == "64MB"
    })
    .await;
    // Each of these begins another segment of 16 MiB.
    let fill = "SELECT pg_logical_emit_message(false, 'noise', ''), pg_switch_wal()";
    let left = async || {
        let sql = "SELECT safe_wal_size FROM pg_replication_slots WHERE slot_name = 'mare'";
        site.live.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)
    };
    while left().await >= 16 << 20 {
        run_each(site, &[fill]).await;
    }
    let soon = warning("slot", "it will be lost soon", "start mare run");
    finds(site, "little WAL is left", as_it_is, &[soon]);
    while left().await > 0 {
        run_each(site, &[fill]).await;
    }
    run_each(site, &["CHECKPOINT"]).await;
    let lost = warning("slot", "has removed WAL that it needed", "compares everything");
    finds(site, "the slot is lost", as_it_is, &[lost]);
    run_each(site, &["ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()"]).await;
    run_each(site, &["SELECT pg_drop_replication_slot('mare')"]).await;
}

async fn the_server_is_set_up_otherwise(site: &mut Site) {
    site.postgres.set("wal_level", "replica");
    restart(site).await;
    let expected = [
        error("wal_level", "replica", "ALTER SYSTEM SET wal_level = 'logical'"),
        error("slot", "\"mare\" does not exist", "mare install"),
    ];
    finds(site, "WAL without rows", as_it_is, &expected);
    assert!(site.fails(&["install"]).contains("wal_level"), "install says so, too");

    site.postgres.set("wal_level", "logical");
    site.postgres.set("max_wal_senders", "0");
    restart(site).await;
    site.run(&["install"]);
    finds(
        site,
        "nothing can be streamed",
        as_it_is,
        &[error("wal senders", "none is free", "raise max_wal_senders")],
    );

    site.postgres.stop();
    finds(site, "Live is down", as_it_is, &[error("live", "cannot reach Postgres", "correct [[source]]")]);
    site.postgres.set("max_wal_senders", "20");
    restart(site).await;
}

async fn restart(site: &mut Site) {
    site.postgres.restart();
    site.live = site.postgres.database("live").connect().await;
}
