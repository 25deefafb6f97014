//! The driver's side of the simulated shop and of scripts: what is sent, in which session, and what an error leaves.

use mare::shop::{self, Engine, Kind as Act, Layout, Line, Profile, ShopError, SqlServer, Store, tsql};
use mare::source::changelog::sqlserver::names::batches;
use mare::source::changelog::sqlserver::run::run;
use uuid::Uuid;

use super::*;

/// A server that takes every batch of a shop's creation and knows no schema `live`.
async fn empty_server() -> (Server, SqlServer, Vec<String>) {
    let server = server(Options::default()).await;
    let mut sent = vec!["BEGIN TRANSACTION;".to_owned()];
    for script in SqlServer::creation(Profile::Demo, 7) {
        sent.extend(batches(&script.text).iter().map(|batch| batch.trim().to_owned()));
    }
    sent.push("COMMIT TRANSACTION;".to_owned());
    server.with(|engine| {
        for text in sent.iter().map(String::as_str).chain([SqlServer::TRANSACTION.rollback]) {
            engine.on(text, |_, _, _| Ok(Reply::default()));
        }
        engine.on(tsql::OWNERSHIP.trim(), |_, _, _| {
            let column = |name| ColumnDef::nullable(name, Kind::NVarChar(400));
            Ok(Reply::rows(vec![column("esquema"), column("marca")], vec![]))
        });
    });
    let engine = SqlServer::connect(settings(&server)).await.unwrap();
    (server, engine, sent)
}

/// What came after the question for the mark.
fn told(server: &Server) -> Vec<String> {
    let texts = server.statements().into_iter().map(|statement| statement.sql.trim().to_owned());
    texts.skip_while(|text| text != tsql::OWNERSHIP.trim()).skip(1).collect()
}

#[tokio::test]
async fn a_shop_is_made_in_one_transaction_batch_by_batch() {
    let (server, engine, sent) = empty_server().await;
    shop::create(&engine, Profile::Demo, 7).await.unwrap();
    assert_eq!(told(&server), sent);
    assert_eq!(server.logins(), 1);
    // CREATE FUNCTION must be alone in its batch.
    let functions = sent.iter().filter(|batch| batch.contains("CREATE FUNCTION"));
    assert!(
        functions.clone().count() == 4
            && functions.into_iter().all(|batch| batch.matches("CREATE ").count() == 1)
    );
}

#[tokio::test]
async fn a_batch_that_fails_is_told_and_the_rest_is_rolled_back() {
    let (server, engine, sent) = empty_server().await;
    server.with(|engine| {
        engine.on(&sent[5], |_, _, _| Err(Failure::new(1105, 17, "Could not allocate space.").into()));
    });
    let error = shop::create(&engine, Profile::Demo, 7).await.unwrap_err();
    assert!(
        matches!(&error, ShopError::SqlServer(SqlError::Server(error)) if error.number == 1105),
        "{error:?}"
    );
    let told = told(&server);
    assert_eq!(told[..6], sent[..6]);
    assert_eq!(told[6..], [SqlServer::TRANSACTION.rollback]);
}

#[tokio::test]
async fn a_victim_of_a_deadlock_sells_again() {
    let (server, engine, _) = empty_server().await;
    let text = tsql::movement(2);
    server.with(|engine| {
        engine.on(&text, |engine, _, params| {
            assert_eq!(params.len(), 6);
            if engine.notes.insert("seen".to_owned(), Value::Null).is_none() {
                return Err(Failure::deadlock().into());
            }
            Ok(Reply::affected(2))
        });
    });
    let id = Uuid::from_u128;
    let layout = Layout {
        stores: vec![Store { id: id(1), deposit: id(2) }],
        skus: vec![id(3), id(4)],
        products: vec![],
        tables: vec![],
    };
    let lines = vec![Line { sku: 0, delta: -1 }, Line { sku: 1, delta: 4 }];
    let changed = engine.run(&(), &layout, &Act::Movement { store: 0, lines }).await.unwrap();
    assert_eq!((changed, server.statements_of(&text).len()), (2, 2));
}

#[tokio::test]
async fn a_script_goes_on_only_without_what_is_optional() {
    let (server, connection) = plain_server().await;
    let optional = "/*mare:optional*/\n-- Rows stay rows.\nALTER TABLE t SET (LOCK_ESCALATION = DISABLE);";
    server.with(|engine| {
        for text in ["SELECT 1;", "SELECT 2;", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;"] {
            engine.on(text, |_, _, _| Ok(Reply::default()));
        }
        for text in ["mare:optional", "SELECT 3;"] {
            engine.on(text, |_, _, _| Err(Failure::new(33_557_097, 16, "not supported").into()));
        }
    });
    let refused = run(&connection, &format!("SELECT 1;\nGO\n{optional}\nGO\nSELECT 2;\n")).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].to_string().contains("Rows stay rows."), "{}", refused[0]);
    let error = run(&connection, "SELECT 1;\nGO\nSELECT 3;\nGO\nSELECT 2;\n").await.unwrap_err();
    assert_eq!((error.number, error.of), (2, 3));
    assert_eq!(server.statements_of("SELECT 2;").len(), 1, "nothing after the error");
}
