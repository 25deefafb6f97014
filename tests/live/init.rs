//! `mare init`: from two addresses to a configuration that loads and checks.

use mare::simulator::Options;

use crate::support::replicator::Site;

#[tokio::test(flavor = "multi_thread")]
async fn init_proposes_stores_and_prices_and_check_accepts_the_result() {
    let site = Site::new(20, Options::default(), "").await;
    let state_dir = site.state_dir();
    let folder = state_dir.parent().unwrap();
    let (url, port) = (site.vtex.base_url(), site.postgres.port().to_string());
    let connection = [
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--database",
        "live",
        "--vtex-url",
        &url,
        "--account",
        "simulator",
    ];
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
