//! Customers and consents: from Live's rows to Master Data.

use std::time::Duration;

use mare::core::entity::{Entity, Key};
use mare::mapping::Mapper;
use mare::simulator::{Fault, FaultKind, Limits, Options};
use mare::store::{self, Store};
use serde_json::Value;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning.routes]\npeople_read = { per_second = 2000, burst = 2000 }\n\
    people_write = { per_second = 2000, burst = 2000 }\n";

/// Customers who may be known: with an address, not informal, and with the basic consent.
const KNOWN: &str = "SELECT c.email FROM live.cliente c WHERE c.tipo_pessoa IN (1, 2) AND c.email IS NOT NULL
      AND EXISTS (SELECT FROM live.cliente_consentimento k WHERE k.id_cliente = c.id AND k.id_finalidade = 1 AND k.situacao = 1)";

async fn open() -> Site {
    open_with("").await
}

async fn open_with(mapping: &str) -> Site {
    let mut site = prepared(mapping).await;
    site.start();
    site
}

/// With further sections of the mapping; not yet running.
async fn prepared(mapping: &str) -> Site {
    let mut options = Options { limits: Limits::unlimited(), ..Options::default() };
    options.master_data.custom_fields.push("CL.codigoErp".parse().unwrap());
    options.master_data.erasure_takes = Duration::from_millis(200);
    let mut site = Site::new(200, options, FAST).await;
    site.use_entities("\"customer\", \"consent\"");
    site.set_config(&format!("{}\n{mapping}", site.config()));
    site.run(&["install"]);
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
    assert!(all_known(&site).await.len() > 20);
    let agreed = texts(&site, &agreed()).await;
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

/// The state of a customer's key, as `mare explain` tells it.
async fn explained(site: &Site, code: &str) -> String {
    let answer = site.get(&format!("/explain/customer/{code}")).await;
    answer.map(|answer| answer.to_string()).unwrap_or_default()
}

/// Those of them who want the newsletter.
fn agreed() -> String {
    let newsletter = "k.id_cliente = c.id AND k.id_finalidade = 2 AND k.situacao = 1";
    format!("{KNOWN} AND EXISTS (SELECT FROM live.cliente_consentimento k WHERE {newsletter})")
}

/// Waits until VTEX has everybody, and what they said of the newsletter.
async fn all_known(site: &Site) -> Vec<String> {
    let (known, agreed) = (texts(site, KNOWN).await, texts(site, &agreed()).await);
    let settled =
        |site: &Site| known.iter().all(|email| opted_in(site, email) == Some(agreed.contains(email)));
    site.until("every customer", MINUTE, async |site| settled(site)).await;
    known
}

async fn code_of(site: &Site, email: &str) -> String {
    texts(site, &format!("SELECT codigo FROM live.cliente WHERE email = '{email}'")).await.remove(0)
}

/// In one transaction, as the foreign keys want it.
async fn delete(site: &Site, code: &str) {
    let of = format!("id_cliente = (SELECT id FROM live.cliente WHERE codigo = '{code}')");
    let script = format!(
        "BEGIN; DELETE FROM live.cliente_consentimento WHERE {of}; DELETE FROM live.cliente_endereco WHERE {of};
         UPDATE live.pedido_venda SET id_cliente = NULL WHERE {of}; DELETE FROM live.cliente WHERE codigo = '{code}'; COMMIT"
    );
    site.live.batch_execute(&script).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_deleted_in_live_stays_in_vtex_and_leaves_nothing_with_us() {
    let mut site = open().await;
    let known = all_known(&site).await;
    let (first, second) = (code_of(&site, &known[0]).await, code_of(&site, &known[1]).await);
    let before = customer(&site, &known[0]);
    delete(&site, &first).await;
    let released = "nothing more: Live has the customer no more";
    site.until("it is let go", MINUTE, async |site| explained(site, &first).await.contains(released)).await;
    assert_eq!(customer(&site, &known[0]), before, "VTEX keeps what it had, the newsletter too");

    // Nobody can know of this one but by comparing.
    assert_eq!(site.stop(), 0);
    site.live.batch_execute("SELECT pg_drop_replication_slot('mare')").await.unwrap();
    delete(&site, &second).await;
    site.start();
    site.until("it is found", MINUTE, async |site| explained(site, &second).await.contains(released)).await;
    assert_eq!(site.stop(), 0);
    let store = Store::open(&site.state_dir(), store::Options::default()).unwrap();
    for code in [&first, &second] {
        let key = |entity| Key { entity, id: code.as_str().into() };
        let confirmed = store.confirmed(&key(Entity::Customer)).unwrap().map(|confirmed| confirmed.value);
        assert_eq!(confirmed, Some(mare::core::value::Value::Released(None)));
        for entity in [Entity::Customer, Entity::Consent] {
            assert_eq!(store.id(&key(entity)).unwrap(), None);
            assert_eq!(store.dirty(&key(entity)).unwrap(), None);
        }
    }
    let kept = store.rows_after(&Mapper::customers_prefix(), None, usize::MAX).unwrap();
    assert_eq!(kept.len(), known.len() - 2, "of the others it is known who they are");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_configuration_says_so_a_deleted_customer_is_erased_and_fields_of_the_site_are_sent() {
    let mut site = open_with(
        "[mapping.customers]\non_delete = \"erase\"\ncode_field = \"codigoErp\"\n\
         price_tables = { \"2\" = [\"revenda\"] }\n",
    )
    .await;
    let known = all_known(&site).await;
    let (email, code) = (&known[0], code_of(&site, &known[0]).await);
    assert_eq!(customer(&site, email).unwrap()["codigoErp"], code.as_str());
    let classify = |class| format!("UPDATE live.cliente SET classificacao = {class} WHERE codigo = '{code}'");
    for (class, expected) in [(2, Value::from("revenda")), (1, Value::Null)] {
        site.live.batch_execute(&classify(class)).await.unwrap();
        let tables = |site: &Site| customer(site, email).unwrap()["priceTables"].clone();
        site.until("its price tables", MINUTE, async |site| tables(site) == expected).await;
    }

    // Somebody whose address is gone in Live takes a consent back.
    let agreed = known.iter().find(|other| *other != email && opted_in(&site, other) == Some(true)).unwrap();
    let anonymous = code_of(&site, agreed).await;
    assert!(!explained(&site, &anonymous).await.contains("customer skipped"));
    let revoke = format!(
        "BEGIN; UPDATE live.cliente_consentimento SET situacao = 3, data_revogacao = now() WHERE id_finalidade = 2
           AND id_cliente = (SELECT id FROM live.cliente WHERE email = '{agreed}');
         UPDATE live.cliente SET email = NULL WHERE email = '{agreed}'; COMMIT"
    );
    site.live.batch_execute(&revoke).await.unwrap();
    site.until("the revocation", MINUTE, async |site| opted_in(site, agreed) == Some(false)).await;
    let why = "customer skipped: no email";
    site.until("it is told why", MINUTE, async |site| explained(site, &anonymous).await.contains(why)).await;

    delete(&site, &code).await;
    site.until("the erasure", 2 * MINUTE, async |site| site.vtex.world().mentions(email).is_empty()).await;
    assert_eq!(site.stop(), 0);
}

/// What names somebody: of everybody in Live.
async fn secrets(site: &Site) -> Vec<String> {
    let of = |column: &str| {
        format!(
            "SELECT DISTINCT {column} FROM live.cliente WHERE {column} IS NOT NULL AND length({column}) > 6"
        )
    };
    let mut secrets = Vec::new();
    for column in ["email", "cpf_cnpj", "nome", "nome_fantasia", "celular", "split_part(email, '@', 1)"] {
        secrets.extend(texts(site, &of(column)).await);
    }
    secrets.push("Avenida Atl".to_owned());
    assert!(secrets.len() > 200, "{}", secrets.len());
    secrets
}

fn assert_names_nobody(place: &str, text: &str, secrets: &[String]) {
    assert!(!text.is_empty(), "{place} says something");
    let found: Vec<_> = secrets.iter().filter(|secret| text.contains(*secret)).collect();
    assert!(found.is_empty(), "{place} names {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_where_operators_look_and_an_erased_customer_is_gone_from_the_ledger() {
    let mut site = prepared("").await;
    let secrets = secrets(&site).await;
    // Everything that says something: VTEX fails in many ways, and the log tells all.
    let faults =
        [FaultKind::ErrorBefore, FaultKind::Malformed, FaultKind::Html, FaultKind::Reset, FaultKind::Hang];
    let faults = faults.map(|kind| Fault { probability: 0.2, count: Some(8), ..Fault::new(kind) });
    site.vtex.world().set_faults(faults.to_vec());
    site.start_with(&[("RUST_LOG", "debug")]);
    let known = all_known(&site).await;
    let (refused, erased) = (code_of(&site, &known[2]).await, code_of(&site, &known[3]).await);
    let erase = format!(
        "UPDATE live.cliente SET data_anonimizacao = now(), nome = 'Anonimizado', email = NULL, cpf_cnpj = NULL,
         celular = NULL, nome_fantasia = NULL WHERE codigo = '{erased}'"
    );
    site.live.batch_execute(&erase).await.unwrap();
    // VTEX has each address once, and says in its answer whose it is.
    let script = format!("UPDATE live.cliente SET email = '{}' WHERE codigo = '{refused}'", known[4]);
    site.live.batch_execute(&script).await.unwrap();
    // Rows that cannot be sent as they are.
    let script = format!(
        "UPDATE live.cliente SET celular = '12', cpf_cnpj = '123', data_nascimento = '0001-01-01' WHERE codigo = '{}';
         UPDATE live.cliente SET email = 'ninguem@' WHERE codigo = '{}'",
        code_of(&site, &known[5]).await,
        code_of(&site, &known[6]).await
    );
    site.live.batch_execute(&script).await.unwrap();
    site.until("VTEX refuses an address", 2 * MINUTE, async |site| {
        site.run(&["parked", "list"]).contains(&format!("customer {refused}"))
    })
    .await;

    for (place, text) in [
        ("metrics", site.text("/metrics").await),
        ("status", site.text("/status").await),
        ("mare status", site.run(&["status"])),
        ("mare parked", site.run(&["parked", "list"])),
        ("explain", explained(&site, &refused).await),
        ("mare explain", site.run(&["explain", "customer", &refused])),
        ("explain a consent", site.run(&["explain", "consent", &erased])),
        ("mare check", String::from_utf8(site.command(&["check"]).output().unwrap().stdout).unwrap()),
    ] {
        assert_names_nobody(place, &text, &secrets);
    }
    assert!(site.run(&["explain", "customer", &refused]).contains("***"), "VTEX's answer named somebody");

    // VTEX's job is asked for no more often than it wants to be.
    site.until("the erasure is done", 2 * MINUTE, async |site| {
        let told = explained(site, &erased).await;
        told.contains("nothing that could be known of the customer") && told.contains("at rest")
    })
    .await;
    assert_eq!(site.stop(), 0);
    assert_names_nobody("the log", &site.log(), &secrets);

    // The ledger knows whom it has to tell of, and of one who was erased nothing else.
    let store = Store::open(&site.state_dir(), store::Options::default()).unwrap();
    let mut all = String::new();
    for entity in [Entity::Customer, Entity::Consent] {
        let mut take = |key: Key, value: String| all += &format!("{key} {value}\n");
        store
            .each_confirmed(entity, &mut |key, confirmed| {
                take(key, serde_json::to_string(&confirmed).unwrap())
            })
            .unwrap();
        store.each_dirty(&mut |key, dirty| take(key, serde_json::to_string(&dirty).unwrap())).unwrap();
    }
    for (_, value) in store.rows_after(b"", None, usize::MAX).unwrap() {
        all += &String::from_utf8_lossy(&value);
    }
    assert!(all.contains(&known[1]), "of the others it is known what they were told");
    let left: Vec<_> = all.lines().filter(|line| line.contains(&known[3])).collect();
    assert!(left.is_empty(), "of the erased one nothing is: {left:#?}");
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
