//! Opt-ins that change in the shop come back into Live, and not back into the shop.

use std::time::Duration;

use mare::simulator::{Limits, MasterDataOptions, Options};
use serde_json::{Value, json};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const TUNING: &str = "[consents]\nfrom_shop = false\npoll_seconds = 1\noverlap_seconds = 60\n\
    [tuning.routes]\npeople_read = { per_second = 2000, burst = 2000 }\n\
    people_write = { per_second = 2000, burst = 2000 }\n";

/// E-mail addresses of customers whom VTEX knows, by what they said of e-mail marketing (1 accepted; 0: nothing).
async fn customers(site: &Site, state: i16) -> Vec<String> {
    let said = match state {
        0 => "NOT EXISTS (SELECT FROM live.cliente_consentimento k WHERE k.id_cliente = c.id AND k.id_finalidade = 2)".to_owned(),
        _ => format!("EXISTS (SELECT FROM live.cliente_consentimento k WHERE k.id_cliente = c.id AND k.id_finalidade = 2 AND k.situacao = {state})"),
    };
    let sql = format!(
        "SELECT email FROM live.cliente c WHERE tipo_pessoa = 1 AND email IS NOT NULL AND {said} ORDER BY codigo"
    );
    site.live.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn open(source: &str) -> Site {
    let mut options = Options { limits: Limits::unlimited(), ..Options::default() };
    options.master_data = MasterDataOptions { search_lag: Duration::from_millis(300), ..options.master_data };
    let mut site = Site::with_source(200, options, TUNING, source).await;
    site.use_entities("\"customer\", \"consent\"");
    site.set_config(&site.config().replace("from_shop = false", "from_shop = true"));
    // These said nothing about e-mail marketing.
    site.live
        .batch_execute(
            "DELETE FROM live.cliente_consentimento WHERE id_finalidade = 2 AND id_cliente IN \
             (SELECT id FROM live.cliente WHERE tipo_pessoa = 1 AND email IS NOT NULL ORDER BY codigo LIMIT 4)",
        )
        .await
        .unwrap();
    site.run(&["install"]);
    site.start();
    let agreed = customers(&site, 1).await;
    site.until("who agreed is signed up", MINUTE, async |site| {
        agreed.iter().all(|email| shown(site, email)["isNewsletterOptIn"] == true)
    })
    .await;
    site
}

fn shown(site: &Site, email: &str) -> Value {
    site.vtex.world().customers_by_email(email).into_iter().next().unwrap_or_default()
}

fn id(site: &Site, email: &str) -> String {
    shown(site, email)["id"].as_str().unwrap().to_owned()
}

/// `situacao`, and whether each of the two dates is there, of what came from the shop.
async fn from_shop(site: &Site, email: &str) -> Vec<(i16, bool, bool)> {
    let rows = site
        .live
        .query(
            "SELECT k.situacao, k.data_aceite IS NOT NULL, k.data_revogacao IS NOT NULL FROM live.cliente_consentimento k \
             JOIN live.cliente c ON c.id = k.id_cliente WHERE c.email = $1 AND k.canal = 'ECOMMERCE' AND k.operador = 'mare' \
             ORDER BY coalesce(k.data_aceite, k.data_revogacao)",
            &[&email],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

async fn outcome(site: &Site, name: &str) -> u64 {
    let status = site.get("/status").await.unwrap_or_default();
    status["consents"]["outcomes"][name].as_u64().unwrap_or(0)
}

fn act(site: &Site, code: &str) -> Value {
    site.vtex.world().document("LC", &format!("{code}--marketing-5femail")).unwrap_or_default()
}

async fn code(site: &Site, email: &str) -> String {
    site.live.query_one("SELECT codigo FROM live.cliente WHERE email = $1", &[&email]).await.unwrap().get(0)
}

/// What is said in the shop comes into Live once, and no request makes VTEX hear it again.
async fn there_and_not_back(source: &str) {
    let mut site = open(source).await;
    let (agreed, silent) = (customers(&site, 1).await, customers(&site, 0).await);
    let revoker = &agreed[0];
    site.vtex.world().shop_sets_newsletter(&id(&site, revoker), false).unwrap();
    site.until("the revocation is in Live", MINUTE, async |site| {
        from_shop(site, revoker).await == [(3, false, true)]
    })
    .await;
    // Of our own entity VTEX knows nothing; it gets the proof.
    let revoker_code = code(&site, revoker).await;
    site.until("the act is known", MINUTE, async |site| act(site, &revoker_code)["channel"] == "ECOMMERCE")
        .await;
    assert_eq!(act(&site, &revoker_code)["state"], "revoked");
    let shop = shown(&site, revoker);
    assert_eq!((&shop["isNewsletterOptIn"], &shop["updatedBy"]), (&json!(false), &json!("shop")), "{shop:#}");

    // Who never said anything signs up; and somebody whom only the document tells.
    let signer = &silent[0];
    site.until("the customer", MINUTE, async |site| shown(site, signer).is_object()).await;
    site.vtex.world().shop_sets_newsletter(&id(&site, signer), true).unwrap();
    let by_document = &silent[1];
    let document: String = site
        .live
        .query_one("SELECT cpf_cnpj FROM live.cliente WHERE email = $1", &[by_document])
        .await
        .unwrap()
        .get(0);
    let registered = json!({"email": "outra@example.com", "document": document, "isNewsletterOptIn": true});
    site.vtex.world().shop_registers(registered).unwrap();
    let stranger = json!({"email": "ninguem@example.com", "isNewsletterOptIn": true});
    site.vtex.world().shop_registers(stranger).unwrap();
    let alias = json!({"email": "7f0c-1@ct.vtex.com.br", "isNewsletterOptIn": true});
    site.vtex.world().shop_registers(alias).unwrap();
    for email in [signer, by_document] {
        site.until(email, MINUTE, async |site| from_shop(site, email).await == [(1, true, false)]).await;
    }
    site.until("strangers are counted", MINUTE, async |site| outcome(site, "unknown-customer").await >= 2)
        .await;
    let shop = shown(&site, signer);
    assert_eq!((&shop["isNewsletterOptIn"], &shop["updatedBy"]), (&json!(true), &json!("shop")), "{shop:#}");

    // A person changes the very row that we wrote: that is the newest, and must reach VTEX.
    let back = format!(
        "UPDATE live.cliente_consentimento SET situacao = 1, data_aceite = now() + interval '1 second', canal = 'PDV'
         WHERE operador = 'mare' AND situacao = 3 AND id_cliente = (SELECT id FROM live.cliente WHERE email = '{revoker}')"
    );
    site.live.batch_execute(&back).await.unwrap();
    site.until("the newer act", MINUTE, async |site| shown(site, revoker)["isNewsletterOptIn"] == true).await;

    // Killed at any moment, nothing is written twice.
    site.kill();
    site.vtex.world().shop_sets_newsletter(&id(&site, signer), false).unwrap();
    site.start();
    site.until("what was said meanwhile", MINUTE, async |site| {
        from_shop(site, signer).await == [(1, true, false), (3, false, true)]
    })
    .await;
    site.kill();
    site.start();
    site.until("another look", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["consents"]["polled_at"].is_string())
    })
    .await;
    assert_eq!(from_shop(&site, signer).await.len(), 2);
    assert_eq!(from_shop(&site, by_document).await.len(), 1);

    let metrics = site.text("/metrics").await;
    assert!(metrics.contains("mare_shop_poll_age_seconds"), "{metrics}");
    let log = site.log();
    for secret in ["@example.com", "ct.vtex.com.br", document.as_str()] {
        assert!(!log.contains(secret), "nobody is named in the log");
    }
    assert_eq!(site.stop(), 0, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_in_the_shop_comes_into_live_beside_a_slot() {
    there_and_not_back("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_in_the_shop_comes_into_live_beside_triggers() {
    there_and_not_back("capture = \"triggers\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_write_comes_and_goes_with_the_setting() {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, "[consents]\nfrom_shop = false\n").await;
    site.use_entities("\"customer\", \"consent\"");
    site.run(&["install"]);
    let may = async |site: &Site| -> (bool, bool) {
        let sql = "SELECT has_any_column_privilege('mare', 'live.cliente_consentimento', 'INSERT'), \
                   has_any_column_privilege('mare', 'live.cliente_consentimento', 'UPDATE')";
        let row = site.live.query_one(sql, &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!(may(&site).await, (false, false));
    site.set_config(&site.config().replace("from_shop = false", "from_shop = true"));
    let shown = site.run(&["install", "--dry-run"]);
    assert!(shown.contains("INSERT (") && shown.contains("ON \"live\".\"cliente_consentimento\""), "{shown}");
    let output = site.command(&["check"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("the login lacks INSERT"), "{text}");
    site.run(&["install"]);
    assert_eq!(may(&site).await, (true, false));
    let text = site.run(&["check"]);
    assert!(text.contains("may write what it has to"), "{text}");
    site.set_config(&site.config().replace("from_shop = true", "from_shop = false"));
    site.run(&["install"]);
    assert_eq!(may(&site).await, (false, false));
    site.set_config(&site.config().replace("from_shop = false", "from_shop = true"));
    site.run(&["install"]);
    // What an earlier configuration was given goes as well.
    site.live
        .batch_execute(
            "GRANT SELECT (codigo) ON live.pedido_venda TO mare; GRANT INSERT ON live.loja TO mare",
        )
        .await
        .ok();
    site.run(&["uninstall"]);
    let row = site.live.query_one("SELECT count(*) FROM pg_roles WHERE rolname = 'mare'", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}
