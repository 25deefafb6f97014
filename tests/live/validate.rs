//! `mare validate`: it passes where everything is right, and says what is wrong where it is not.

use std::process::Output;
use std::time::Duration;

use mare::simulator::{Limits, Options, OrderOptions};
use serde_json::Value;

use crate::support::postgres;
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const ORDERS: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\norder_read = { per_second = 200, burst = 200 }\n\
    order_write = { per_second = 200, burst = 200 }\n\
    [orders]\npoll_seconds = 1\nlimit = { per_second = 500, burst = 500 }\n\
    [[orders.pickup_points]]\nid = \"1_retira-2\"\nloja = \"002\"\n\
    [[orders.payments]]\ngroup = \"creditCard\"\nforma = \"CREDITO\"\n\
    [[orders.trade_policies]]\nsales_channel = \"1\"\n\
    [[orders.trade_policies]]\nsales_channel = \"2\"\nkind = \"seller\"\n";

/// A shop that sells; `more` stands at the end of its configuration.
async fn open(more: &str) -> Site {
    let orders = OrderOptions::without_window();
    let options = Options { auto_skus: true, limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, &format!("{ORDERS}{more}")).await;
    site.use_entities("\"stock\", \"order\"");
    site.run(&["install"]);
    site.start();
    site.converged(MINUTE).await;
    site.until("the feed", MINUTE, async |site| {
        site.get("/status").await.unwrap()["orders"]["feed"] == "listening"
    })
    .await;
    site
}

fn validate(site: &Site, arguments: &[&str]) -> Output {
    let url = site.vtex.base_url();
    let played = ["validate", "--act", "--user", "postgres", "--simulator", &url];
    let mut command = site.command(&[&played, arguments].concat());
    command.env("MARE_VALIDATE_PASSWORD", postgres::PASSWORD).output().unwrap()
}

/// Ended with `code`; what it printed.
#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}\n{error}");
    text
}

#[track_caller]
fn protocol(site: &Site) -> Value {
    serde_json::from_str(&std::fs::read_to_string(site.state_dir().with_file_name("protocol.json")).unwrap())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_journeys_pass_and_the_protocol_names_orders_and_nobody() {
    let mut site = open("").await;
    let text = ended(&validate(&site, &["all", "--json", "protocol.json", "--html", "protocol.html"]), 0);
    for part in ["Retira Loja", "Entrega", "Pedido Vendedor", "3 of 3 journeys passed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let protocol = protocol(&site);
    let journeys = protocol["journeys"].as_array().unwrap();
    let counts: Vec<usize> =
        journeys.iter().map(|journey| journey["stages"].as_array().unwrap().len()).collect();
    assert_eq!((&*counts, protocol["verdict"].as_str()), (&[11, 13, 4][..], Some("pass")));
    let html = std::fs::read_to_string(site.state_dir().with_file_name("protocol.html")).unwrap();
    let rows =
        site.live.query("SELECT numero::text, numero_externo FROM live.pedido_venda", &[]).await.unwrap();
    assert_eq!(rows.len(), 3);
    for (number, order) in rows.iter().map(|row| (row.get::<_, String>(0), row.get::<_, String>(1))) {
        let named = journeys.iter().any(|journey| {
            journey["order"] == *order && journey["pedidos"][0] == *number && journey["sequence"].is_string()
        });
        assert!(named && html.contains(&order) && text.contains(&order), "{order} {number}: {protocol:#}");
    }
    let people = site
        .live
        .query("SELECT nome, email, cpf_cnpj FROM live.cliente WHERE origem_cadastro = 'ECOMMERCE'", &[])
        .await
        .unwrap();
    assert!(!people.is_empty());
    for person in
        people.iter().flat_map(|row| (0..3).filter_map(|column| row.get::<_, Option<String>>(column)))
    {
        assert!(!format!("{text}{html}{protocol}").contains(&person), "{person} is named");
    }
    // What was played is gone from what is reserved, and maré is left with the two tasks and the payment.
    let parked = site.run(&["parked", "list"]);
    assert_eq!(parked.matches("by-hand").count(), 3, "{parked}");
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_paused_a_wrong_code_and_a_missing_rule_fail_at_the_stage_that_shows_it() {
    // 40 is empacotado; this configuration takes it for a cancellation.
    let codes = "[mapping.orders.status]\n10 = \"recebido\"\n20 = \"em-atendimento\"\n30 = \"em-separacao\"\n\
        40 = \"cancelado\"\n45 = \"empacotado\"\n50 = \"etiquetado\"\n60 = \"disponivel-retirada\"\n65 = \"resgatado-pdv\"\n\
        70 = \"faturado\"\n75 = \"finalizado-pdv\"\n80 = \"despachado\"\n90 = \"entregue\"\n96 = \"cancelado-pdv\"\n\
        97 = \"nf-cancelada\"\n98 = \"rejeitado\"\n";
    let site = open(codes).await;
    let text = ended(&validate(&site, &["pickup", "--within", "4", "--json", "protocol.json"]), 1);
    let verdicts = |protocol: &Value| -> Vec<String> {
        let stages = protocol["journeys"][0]["stages"].as_array().unwrap();
        stages.iter().map(|stage| stage["verdict"].as_str().unwrap().to_owned()).collect()
    };
    let failed = protocol(&site);
    assert_eq!(verdicts(&failed)[4..7], ["pass", "fail", "not-run"], "{failed:#}");
    assert!(
        text.contains("FAIL") && text.contains("status empacotado") && text.contains("canceled"),
        "{text}"
    );

    // maré stops telling VTEX: the order comes to Live, and VTEX never hears of it.
    site.run(&["tuning", "--set", r#"{"paused": ["orders"]}"#]);
    let text = ended(&validate(&site, &["delivery", "--within", "3", "--json", "protocol.json"]), 1);
    assert_eq!(verdicts(&protocol(&site))[..4], ["pass", "pass", "fail", "not-run"], "{text}");
    assert!(text.contains("ready-for-handling") && text.contains("0 of 1 journeys passed"), "{text}");

    // With maré's own login payments and customers cannot be seen, and are not taken for right.
    let url = site.vtex.base_url();
    let looked = site
        .command(&["validate", "seller", "--simulator", &url, "--within", "1", "--timeout", "1"])
        .output();
    let text = ended(&looked.unwrap(), 1);
    assert!(text.contains("permission denied") && text.contains("--user"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_plays_nowhere_but_in_an_invented_live_and_not_with_our_own_login() {
    let site = open("").await;
    let error = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let url = site.vtex.base_url();
    let bare = error(site.command(&["validate", "--act", "--simulator", &url]).output().unwrap());
    assert!(bare.contains("name it with --user"), "{bare}");
    let own = error(site.command(&["validate", "--act", "--user", "mare"]).output().unwrap());
    assert!(own.contains("does not use maré's own login"), "{own}");
    site.live.batch_execute("COMMENT ON SCHEMA live IS 'the real one'").await.unwrap();
    let real = error(validate(&site, &["pickup"]));
    assert!(real.contains("mare shop create") && real.contains("let people do it"), "{real}");
    assert_eq!(
        site.live.query_one("SELECT count(*) FROM live.pedido_venda", &[]).await.unwrap().get::<_, i64>(0),
        0
    );
    let renamed = site.config() + "[mapping.tables.invoice]\ncolumns.key = \"\"\n";
    site.set_config(&renamed);
    let other = error(validate(&site, &["pickup"]));
    assert!(other.contains("[mapping.tables.invoice]"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_waited_for_and_told_what_to_do() {
    let site = open("").await;
    let mut command =
        site.command(&["validate", "seller", "--user", "postgres", "--timeout", "30", "--within", "20"]);
    command.env("MARE_VALIDATE_PASSWORD", postgres::PASSWORD).stdout(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // Somebody places an order in the sales people's channel, and cancels the pedido in Live.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let sku =
        site.all_stock().await.iter().find(|stock| stock["quantity"].as_i64() > Some(5)).unwrap()["ref"]
            .clone();
    let order = serde_json::json!({
        "items": [{ "ref": sku, "quantity": 1, "warehouse": "loja001", "price": 1_000 }],
        "oversell": true, "sales_channel": "2",
    });
    let id = site.vtex.world().place_order(order).unwrap();
    site.until("handling", MINUTE, async |site| {
        site.vtex.world().order(&id).is_some_and(|order| order.states().contains(&"handling"))
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    site.live
        .execute("UPDATE live.pedido_venda SET status = 95 WHERE numero_externo = $1", &[&id])
        .await
        .unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let text = ended(&output, 0);
    for part in
        ["place an order in the sales channel", "cancel the pedido in Live (cancelado, status 95)", &id]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
