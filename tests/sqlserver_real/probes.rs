//! Probes and checks: each answers, or says why not.

use mare::live::sqlserver::{Param, SqlError, Statement};
use mare::source::changelog::sqlserver::statements as ask;

use super::site::{note, site, skip};

#[tokio::test]
async fn every_probe_answers_or_says_why_not() {
    let Some(site) = site("probes").await else { return };
    assert_eq!(site.rows(ask::PROBE).await[0][5].as_deref(), Some(&*site.database));
    for (name, text, param) in [
        ("recovery fork", ask::PROBE_FORK, None),
        ("MIN_ACTIVE_ROWVERSION", ask::PROBE_HELD_BACK, None),
        ("change tracking", ask::PROBE_TRACKING, None),
        ("trigger order", ask::TRIGGER_ORDER, None),
        ("server settings", ask::SERVER_SETTINGS, None),
        ("open transactions", ask::OPEN_TRANSACTIONS, None),
        ("what is open now", ask::OPEN_NOW, None),
        ("holder of the lock", ask::LOCK_HOLDER, None),
        ("restores", ask::RESTORES, None),
        ("bound of row versions", ask::VERSION_BOUND, None),
        ("version of change tracking", ask::TRACKING_VERSION, None),
        ("OUTPUT in stored code", ask::OUTPUT_IN_MODULES, Some("%saldo%")),
        ("OUTPUT in the plan cache", ask::OUTPUT_IN_CACHE, Some("%saldo%")),
    ] {
        match site.ask(text, param.map(Param::text)).await {
            Ok(rows) => note(&format!("{name}: {} rows, first {:?}", rows.len(), rows.first())),
            // Some servers do not let an error of theirs be caught.
            Err(SqlError::Server(error)) if site.is_babelfish => skip(name, &format!("says {error}")),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    site.end().await;
}

#[tokio::test]
async fn a_database_has_one_reader() {
    let Some(site) = site("lock").await else { return };
    let other = site.another();
    let lock = || Statement::new(ask::LOCK).bind(Param::text("mare:suite"));
    let result = |rows: mare::live::sqlserver::RowBuffer| rows.row(0).unwrap().integer(0).unwrap();
    assert!(result(site.connection.fetch(lock()).await.unwrap().rows) >= 0);
    assert!(result(other.fetch(lock()).await.unwrap().rows) < 0);
    drop(other);
    site.end().await;
}
