//! `mare init`: from two addresses to a configuration that loads and checks.

use mare::simulator::{Limits, Options, OrderOptions};

use super::orders::{order, place, texts};
use crate::support::replicator::Site;

/// Where Live and VTEX are.
fn connection(site: &Site) -> Vec<String> {
    let (url, port) = (site.vtex.base_url(), site.postgres.port().to_string());
    let live = ["--host", "127.0.0.1", "--port", &port, "--database", "live"];
    let vtex = ["--vtex-url", &url, "--account", "simulator"];
    live.iter().chain(&vtex).map(|argument| (*argument).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn init_proposes_stores_and_prices_and_check_accepts_the_result() {
    let site = Site::new(20, Options::default(), "").await;
    let state_dir = site.state_dir();
    let folder = state_dir.parent().unwrap();
    let connection = connection(&site);
    let connection: Vec<&str> = connection.iter().map(String::as_str).collect();
    let init = |more: &[&'static str]| [&["init", "--yes"], &connection[..], more].concat();
    let secrets = |command: &mut std::process::Command| {
        command.env("MARE_VTEX_APP_TOKEN", std::fs::read_to_string(folder.join("token")).unwrap());
    };

    // What is there stays.
    assert!(site.fails(&init(&[])).contains("is there already"));
    let mut command = site.command(&init(&["--config", "novo.toml"]));
    secrets(&mut command);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("VTEX: 2 warehouses, 2 trade policies") && said.contains("mare install"), "{said}");

    let text = std::fs::read_to_string(folder.join("novo.toml")).unwrap();
    let config = mare::config::Config::parse(&text, std::path::Path::new("novo.toml")).unwrap();
    let stores: Vec<_> =
        config.mapping.stores.iter().map(|rule| (rule.loja.as_str(), rule.warehouse.as_str())).collect();
    assert_eq!(stores, [("001", "loja001"), ("002", "loja002")]);
    let prices: Vec<_> = config.mapping.prices.iter().map(|rule| rule.tabela.as_str()).collect();
    assert_eq!(prices, ["CUSTO", "VAREJO"], "ATACADO is for somebody to decide:\n{text}");
    assert!(text.contains("# tabela = \"ATACADO\""), "{text}");

    let mut check = site.command(&["check", "--config", "novo.toml"]);
    secrets(&mut check);
    let output = check.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    // Without credentials the warehouses are unknown, and the file says what is missing.
    let printed = site.run(&init(&["--print"]));
    assert!(printed.contains("# [[mapping.stores]]"), "{printed}");
    let missing = site.fails(&["init", "--yes", "--print"]);
    assert!(missing.contains("--account"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn init_proposes_what_the_newest_orders_need_and_check_accepts_it() {
    let options = Options {
        limits: Limits::unlimited(),
        pickup_points: vec!["retira-002".to_owned()],
        orders: OrderOptions::without_window(),
        ..Options::default()
    };
    let site = Site::new(200, options, "").await;
    let known = texts(&site, "SELECT codigo FROM live.produto_sku ORDER BY codigo").await;
    site.vtex.world().seed_skus(known.iter().cloned().zip(1..)).unwrap();
    for number in [2, 3] {
        let mut wanted = order(number, &known);
        if wanted["pickup"].is_string() {
            wanted["pickup"] = "retira-002".into();
        }
        place(&site, wanted);
    }
    // Forms of payment are known from pedidos that Live has.
    let sold = "WITH pedido AS (
           INSERT INTO live.pedido_venda (id, id_dominio, origem, canal_venda, tipo_pedido, status, id_loja,
             valor_produtos, valor_total, data_pedido, data_status, data_cadastro, data_atualizacao)
           SELECT gen_random_uuid(), id_dominio, 'PDV', 'SITE', 2, 90, id, 10, 10, now(), now(), now(), now()
           FROM live.loja LIMIT 1 RETURNING id)
         INSERT INTO live.pedido_venda_pagamento (id, id_pedido, sequencia, forma, valor)
         SELECT gen_random_uuid(), id, n, forma, 5
         FROM pedido, unnest(ARRAY['CREDITO', 'PIX']) WITH ORDINALITY AS of (forma, n)";
    site.live.batch_execute(sold).await.unwrap();
    let folder = site.state_dir().parent().unwrap().to_owned();
    let connection = connection(&site);
    let mut init = vec!["init", "--yes", "--orders", "--config", "novo.toml"];
    init.extend(connection.iter().map(String::as_str));
    let run = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env("MARE_VTEX_APP_TOKEN", std::fs::read_to_string(folder.join("token")).unwrap());
        command.output().unwrap()
    };
    let output = run(&init);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("2 of the newest orders were looked at"), "{said}");
    let text = std::fs::read_to_string(folder.join("novo.toml")).unwrap();
    let config = mare::config::Config::parse(&text, std::path::Path::new("novo.toml")).unwrap();
    let orders = &config.orders.unwrap().inbound;
    assert_eq!(orders.pickup_store("1_retira-002"), Some("002"), "{text}");
    let form = |group| orders.payment_form(group, "").map(|form| form.as_str());
    let forms = ["creditCard", "instantPayment", "bankInvoice"].map(form);
    assert_eq!(forms, [Some("CREDITO"), Some("PIX"), None], "{text}");
    assert!(text.contains("# group = \"bankInvoice\""), "for somebody to decide: {text}");
    // Nothing but the rights is missing, which `mare install` gives.
    assert!(run(&["install", "--config", "novo.toml"]).status.success());
    let output = run(&["check", "--config", "novo.toml"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("2 could be written into Live"), "{said}");
    assert!(said.contains("each active one belongs to a store"), "{said}");
}
