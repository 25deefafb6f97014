//! Customers and consents: from Live's rows to Master Data.

use std::time::Duration;

use mare::simulator::{Fault, FaultKind, Limits, Options};
use serde_json::Value;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\npeople_read = { per_second = 2000, burst = 2000 }\n\
    people_write = { per_second = 2000, burst = 2000 }\n";

/// Customers who may be known: with an address, not informal, and with the basic consent.
const KNOWN: &str = "SELECT c.email FROM live.cliente c WHERE c.tipo_pessoa IN (1, 2) AND c.email IS NOT NULL
      AND EXISTS (SELECT FROM live.cliente_consentimento k WHERE k.id_cliente = c.id AND k.id_finalidade = 1 AND k.situacao = 1)";

async fn open() -> Site {
    let mut options = Options { limits: Limits::unlimited(), ..Options::default() };
    options.master_data.custom_fields.push("CL.codigoErp".parse().unwrap());
    options.master_data.erasure_takes = Duration::from_millis(200);
    let mut site = Site::new(200, options, FAST).await;
    site.use_entities("\"customer\", \"consent\"");
    site.run(&["install"]);
    site.start();
    site
}

async fn texts(site: &Site, sql: &str) -> Vec<String> {
    let rows = site.live.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn customer(site: &Site, email: &str) -> Option<Value> {
    site.vtex.world().customers_by_email(email).into_iter().next()
}

/// None: VTEX does not know the customer. Whoever never said anything else is not signed up.
fn opted_in(site: &Site, email: &str) -> Option<bool> {
    Some(customer(site, email)?.get("isNewsletterOptIn").and_then(Value::as_bool).unwrap_or(false))
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_come_with_what_they_consented_to_and_a_revocation_follows_at_once() {
    let mut site = open().await;
    let known = texts(&site, KNOWN).await;
    assert!(known.len() > 20);
    let all = |site: &Site| known.iter().all(|email| customer(site, email).is_some());
    site.until("every customer", MINUTE, async |site| all(site)).await;
    let agreed = format!(
        "{KNOWN} AND EXISTS (SELECT FROM live.cliente_consentimento k WHERE k.id_cliente = c.id AND k.id_finalidade = 2 AND k.situacao = 1)"
    );
    let agreed = texts(&site, &agreed).await;
    for email in &known {
        let expected = agreed.contains(email);
        site.until(email, MINUTE, async |site| opted_in(site, email) == Some(expected)).await;
    }
    let email = &agreed[0];
    let revoke = format!(
        "UPDATE live.cliente_consentimento SET situacao = 3, data_revogacao = now()
         WHERE id_finalidade = 2 AND id_cliente = (SELECT id FROM live.cliente WHERE email = '{email}')"
    );
    site.live.batch_execute(&revoke).await.unwrap();
    site.until("the revocation", MINUTE, async |site| opted_in(site, email) == Some(false)).await;

    let erased = &agreed[1];
    let erase = format!(
        "UPDATE live.cliente SET data_anonimizacao = now(), nome = 'Anonimizado', email = NULL, cpf_cnpj = NULL WHERE email = '{erased}'"
    );
    site.live.batch_execute(&erase).await.unwrap();
    site.until("the erasure", 2 * MINUTE, async |site| site.vtex.world().mentions(erased).is_empty()).await;
    assert_eq!(site.vtex.world().duplicates("CL", "email"), 0);
    let log = site.log();
    assert!(!log.contains("@example.com"), "nobody is named in the log");
    assert_eq!(site.stop(), 0, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_was_given_up_is_read_again_by_code() {
    let mut site = open().await;
    let known = texts(&site, KNOWN).await;
    let all = |site: &Site| known.iter().all(|email| customer(site, email).is_some());
    site.until("every customer", MINUTE, async |site| all(site)).await;
    site.until("everything", MINUTE, async |site| {
        site.get("/status").await.is_some_and(|status| status["vtex"]["keys"] == 0)
    })
    .await;
    let email = &known[0];
    let code =
        texts(&site, &format!("SELECT codigo FROM live.cliente WHERE email = '{email}'")).await.remove(0);
    let fault = Fault { route: "*/CL/*".to_owned(), ..Fault::new(FaultKind::EmptyBadRequest) };
    site.vtex.world().set_faults(vec![fault]);
    let rename = format!("UPDATE live.cliente SET nome = 'Jangada Azul' WHERE email = '{email}'");
    site.live.batch_execute(&rename).await.unwrap();
    let parked = |site: &Site| site.run(&["parked", "list"]).contains("customer");
    site.until("it is refused", MINUTE, async |site| parked(site)).await;
    site.run(&["parked", "drop", "customer", &code]);
    site.vtex.world().set_faults(Vec::new());
    let named = |site: &Site| customer(site, email).unwrap()["firstName"] == "Jangada";
    assert!(!named(&site), "dropped means not sent");
    site.run(&["reconcile", "customer", "--key", "nobody has this code"]);
    site.run(&["reconcile", "customer", "--key", &code]);
    site.until("the name", MINUTE, async |site| named(site)).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}
