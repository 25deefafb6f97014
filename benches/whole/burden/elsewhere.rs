//! The same on a shop that stands elsewhere, in Postgres or SQL Server: with the triggers of ours that are installed
//! there, and with these disabled.
//!
//! A maré that runs there sees that triggers were disabled, and compares everything; it should be stopped for the time.
//! What is measured is then what the triggers cost; the change tables keep what was sold.

use std::time::Instant;

use futures_util::future::join_all;
use mare::live::sqlserver::{Connection, SqlServerSettings, Statement};
use mare::shop::{Engine, Layout, SqlServer};
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::super::{report, stage};
use super::{ROUNDS, Spread, TILLS, rate, sell};

pub(crate) async fn measure(url: &str) {
    if url.starts_with("sqlserver:") {
        let settings = SqlServerSettings::from_url(url).unwrap();
        let triggers = sql_server_triggers(&settings).await;
        let tills = join_all((0..TILLS).map(|_| SqlServer::connect(settings.clone()))).await;
        compare(&tills.into_iter().map(Result::unwrap).collect::<Vec<_>>(), &triggers).await;
    } else {
        let tills = join_all((0..TILLS).map(|_| postgres(url))).await;
        let triggers = postgres_triggers(&tills[0]).await;
        compare(&tills, &triggers).await;
    }
}

/// The statements that turn one trigger on and off.
struct Trigger {
    enable: String,
    disable: String,
}

async fn compare<E: Engine>(tills: &[E], triggers: &[Trigger]) {
    Layout::load(&tills[0]).await.unwrap();
    let rates = tokio::select! {
        rates = take_turns(tills, triggers) => Some(rates),
        _ = tokio::signal::ctrl_c() => None,
    };
    for trigger in triggers {
        tills[0].script(&trigger.enable).await.unwrap();
    }
    let Some((with, without)) = rates else { return };
    let (with, without) = (&with[1..], &without[1..]);
    let (enabled, disabled) = (Spread::of(with.iter().copied()), Spread::of(without.iter().copied()));
    let ratios = Spread::of_ratios(with, without);
    report(&json!({
        "bench": "burden", "triggers": triggers.len(), "tills": TILLS, "rounds": with.len(),
        "transactions_per_second": enabled.median, "least": enabled.least, "most": enabled.most,
        "disabled": disabled.median, "disabled_least": disabled.least, "disabled_most": disabled.most,
        "ratio": ratios.median, "ratio_least": ratios.least, "ratio_most": ratios.most,
    }));
}

/// Transactions per second of each round, with the triggers and without.
async fn take_turns<E: Engine>(tills: &[E], triggers: &[Trigger]) -> (Vec<f64>, Vec<f64>) {
    let began = Instant::now();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        stage(began, &format!("burden: round {} of {ROUNDS}", round + 1));
        for enabled in [round % 2 == 0, round % 2 == 1] {
            for trigger in triggers {
                tills[0].script(if enabled { &trigger.enable } else { &trigger.disable }).await.unwrap();
            }
            let rate = rate(sell(tills, round as u64).await);
            if enabled { with.push(rate) } else { without.push(rate) }
        }
    }
    (with, without)
}

async fn postgres(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn postgres_triggers(client: &Client) -> Vec<Trigger> {
    let found = client
        .query(
            "SELECT t.tgrelid::regclass::text, quote_ident(t.tgname) FROM pg_trigger t \
             JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace o ON o.oid = p.pronamespace \
             WHERE o.nspname = 'mare' AND t.tgrelid = to_regclass('live.estoque_saldo')",
            &[],
        )
        .await
        .unwrap();
    let trigger = |row: &tokio_postgres::Row| {
        let (table, name): (&str, &str) = (row.get(0), row.get(1));
        Trigger {
            enable: format!("ALTER TABLE {table} ENABLE TRIGGER {name}"),
            disable: format!("ALTER TABLE {table} DISABLE TRIGGER {name}"),
        }
    };
    found.iter().map(trigger).collect()
}

async fn sql_server_triggers(settings: &SqlServerSettings) -> Vec<Trigger> {
    let text = "SELECT QUOTENAME(OBJECT_SCHEMA_NAME(g.object_id)) + N'.' + QUOTENAME(g.name) + N' ON live.estoque_saldo;' \
                FROM sys.triggers AS g INNER JOIN sys.sql_modules AS m ON m.object_id = g.object_id \
                WHERE g.parent_id = OBJECT_ID(N'live.estoque_saldo') \
                AND CHARINDEX(N'mare:fingerprint', m.[definition]) > 0;";
    let found = Connection::lazy(settings.clone(), "").fetch(Statement::new(text)).await.unwrap();
    let trigger = |on: &str| Trigger {
        enable: format!("ENABLE TRIGGER {on}"),
        disable: format!("DISABLE TRIGGER {on}"),
    };
    found.rows.rows().filter_map(|row| row.text(0).map(trigger)).collect()
}
