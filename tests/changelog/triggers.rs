//! What the triggers write down, and what they never do to the shop.

use mare::source::changelog::form::Form;

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn what_really_changed_is_written_down_and_nothing_else() {
    let rig = Rig::new("written").await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = quantidade").await;
    rig.sql("UPDATE live.estoque_saldo SET obs = 'not mapped', quantidade = 5.0000").await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 7 WHERE id_sku > 99").await;
    assert_eq!(rig.changes().await, [""; 0], "nothing that is mapped has changed");
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 7 WHERE id_sku = 1").await;
    rig.sql("INSERT INTO live.estoque_saldo VALUES (1, 1, 10, 3)").await;
    rig.sql("INSERT INTO live.estoque_saldo VALUES (1, 1, 10, 4), (1, 1, 11, 5) ON CONFLICT (id_loja, id_deposito, id_sku) DO UPDATE SET quantidade = 4").await;
    rig.sql("DELETE FROM live.estoque_saldo WHERE id_sku = 11").await;
    let changes = rig.changes().await;
    assert_eq!(changes[..2], ["U 1=7", "U 10=3"]);
    let mut upserted = changes[2..4].to_vec();
    upserted.sort();
    assert_eq!(upserted, ["U 10=4", "U 11=5"]);
    assert_eq!(changes[4..], ["D 11"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_move_on_by_one_leave_each_key_as_it_is() {
    let mut rig = Rig::new("swap").await;
    rig.start_loaded().await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = id_sku * 10").await;
    rig.until_shown(9, 90).await;
    // Row by row this would collide; the shop has a constraint that is checked at the end.
    rig.sql(
        "ALTER TABLE live.estoque_saldo DROP CONSTRAINT estoque_saldo_pkey, \
         ADD PRIMARY KEY (id_loja, id_deposito, id_sku) DEFERRABLE; \
         INSERT INTO live.produto_sku VALUES (10, 1, 'S10')",
    )
    .await;
    rig.sql("UPDATE live.estoque_saldo SET id_sku = id_sku + 1").await;
    rig.until_shown(1, 0).await;
    for sku in 2..=10 {
        rig.until_shown(sku, (sku - 1) * 10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shops_statement_never_fails_because_of_us() {
    let mut rig = Rig::new("never").await;
    rig.start_loaded().await;
    rig.sql("ALTER TABLE live.estoque_saldo RENAME quantidade TO saldo").await;
    rig.sql("UPDATE live.estoque_saldo SET saldo = 7 WHERE id_sku = 1").await;
    rig.until("the entity is paused with a reason", async || {
        rig.status().paused.values().any(|reason| reason.contains("quantidade"))
    })
    .await;
    rig.sql("ALTER TABLE live.estoque_saldo RENAME saldo TO quantidade").await;
    // What could not be captured is found by comparing.
    rig.until_shown(1, 7).await;
    for damage in [
        "DROP TABLE mare.live_estoque_saldo",
        "DROP TABLE mare.control CASCADE",
        "DROP SEQUENCE mare.change_number CASCADE",
    ] {
        rig.sql(damage).await;
        for statement in [
            "INSERT INTO live.estoque_saldo VALUES (1, 1, 77, 1)",
            "UPDATE live.estoque_saldo SET quantidade = quantidade + 1",
            "DELETE FROM live.estoque_saldo WHERE id_sku = 77",
        ] {
            let done = rig.live.batch_execute(statement).await;
            assert!(done.is_ok(), "after {damage}: {statement}: {done:?}");
        }
    }
    let truncated = rig.live.batch_execute("BEGIN; TRUNCATE live.estoque_saldo; ROLLBACK").await;
    assert!(truncated.is_ok(), "{truncated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shops_users_need_no_rights_on_ours() {
    let rig = Rig::new("rights").await;
    rig.sql(
        "CREATE ROLE caixa LOGIN PASSWORD 'caixa'; GRANT USAGE ON SCHEMA live TO caixa; \
         GRANT SELECT, UPDATE ON live.estoque_saldo TO caixa",
    )
    .await;
    rig.sql("SET ROLE caixa; UPDATE live.estoque_saldo SET quantidade = 8 WHERE id_sku = 2; RESET ROLE")
        .await;
    assert_eq!(rig.changes().await, ["U 2=8"]);
    let peek = rig.live.batch_execute("SET ROLE caixa; SELECT * FROM mare.live_estoque_saldo").await;
    assert!(peek.is_err(), "and get none");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_mare_reserves_itself_is_captured() {
    let rig = Rig::new("echo").await;
    rig.sql("BEGIN; SET LOCAL mare.origin = 'mare'; UPDATE live.estoque_saldo SET quantidade = 1 WHERE id_sku = 1; COMMIT").await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 2 WHERE id_sku = 2").await;
    assert_eq!(rig.changes().await, ["U 1=1", "U 2=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_stops_capture_and_everything_is_compared_afterwards() {
    let mut rig = Rig::new("switch").await;
    rig.start_loaded().await;
    rig.sql("UPDATE mare.control SET capture = false").await;
    rig.until("it is said", async || rig.status().faults.iter().any(|fault| fault.contains("switched off")))
        .await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 9 WHERE id_sku = 4").await;
    assert_eq!(rig.changes().await, [""; 0]);
    // A transaction that saw the switch off ends only after it is on again.
    let late = rig.session().await;
    late.batch_execute("BEGIN; UPDATE live.estoque_saldo SET quantidade = 6 WHERE id_sku = 5").await.unwrap();
    rig.sql("UPDATE mare.control SET capture = true").await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    late.batch_execute("COMMIT").await.unwrap();
    rig.until_shown(4, 9).await;
    rig.until_shown(5, 6).await;
    rig.until("the fault is gone", async || rig.status().faults.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_trigger_is_said_and_repaired() {
    let mut rig = Rig::new("disabled").await;
    rig.start_loaded().await;
    rig.sql("ALTER TABLE live.estoque_saldo DISABLE TRIGGER mare_update").await;
    rig.until("it is said", async || rig.status().faults.iter().any(|fault| fault.contains("disabled")))
        .await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 9 WHERE id_sku = 4").await;
    rig.sql("ALTER TABLE live.estoque_saldo ENABLE TRIGGER mare_update").await;
    rig.until_shown(4, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truncate_is_seen_and_compared() {
    let mut rig = Rig::new("truncate").await;
    rig.start_loaded().await;
    rig.sql("BEGIN; TRUNCATE live.estoque_saldo; INSERT INTO live.estoque_saldo VALUES (1, 1, 1, 6); COMMIT")
        .await;
    rig.until_shown(1, 6).await;
    rig.until("the load is seen to have confirmed nothing that is gone", async || {
        rig.status().last_load.is_some_and(|load| load.why.contains("truncated"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_of_the_shop_that_changes_the_row_once_more_wins() {
    let mut rig = Rig::new("nested").await;
    rig.sql(
        "CREATE FUNCTION live.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.quantidade = 50 THEN UPDATE live.estoque_saldo SET quantidade = 51 WHERE id_sku = NEW.id_sku; END IF; \
         RETURN NULL; END $$; \
         CREATE TRIGGER again AFTER UPDATE ON live.estoque_saldo FOR EACH ROW EXECUTE FUNCTION live.again()",
    )
    .await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 50 WHERE id_sku = 1").await;
    let changes = rig.changes().await;
    assert_eq!(changes[0], "U 1=51");
    assert!(changes[1].starts_with("K 1"), "the statement around it left something older: {changes:?}");
    rig.start_loaded().await;
    rig.until_shown(1, 51).await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 50 WHERE id_sku = 2").await;
    rig.until_shown(2, 51).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_alone_the_row_is_read_again() {
    let mut rig = Rig::with_form("keys", Form::Key).await;
    rig.start_loaded().await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = 12 WHERE id_sku = 3").await;
    rig.until_shown(3, 12).await;
    rig.sql("DELETE FROM live.estoque_saldo WHERE id_sku = 3").await;
    rig.until_shown(3, 0).await;
    rig.sql("UPDATE live.estoque_saldo SET quantidade = quantidade").await;
}
