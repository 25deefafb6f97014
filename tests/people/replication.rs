//! VTEX ends up with what Live says, whatever happens on the way.

use mare::core::entity::Entity;
use mare::simulator::{Fault, FaultKind, MasterDataOptions, Options, Permission, SavedAnswer};
use mare::vtex::ConsentEntity;
use serde_json::{Value, json};

use crate::openapi::OpenApi;
use crate::shop::{Shop, address, key, person, said};

fn only(shop: &Shop, entity: &str) -> Value {
    let documents = shop.world().documents(entity);
    assert_eq!(documents.len(), 1, "{documents:#?}");
    documents[0].clone()
}

/// Whether all that `expected` names is there.
fn has(found: &Value, expected: &Value) -> bool {
    expected.as_object().unwrap().iter().all(|(name, value)| found[name] == *value)
}

#[tokio::test]
async fn a_customer_with_addresses_and_consents_arrives_and_follows() {
    let mut shop = Shop::open().await;
    let mut rows = person("77", "Ana Souza");
    rows.addresses = vec![address("A1", "Rua A"), address("a2", "Rua B")];
    rows.consents.push(said("MARKETING_EMAIL", 1, 2));
    shop.change(&rows);
    shop.settle().await;
    let customer = only(&shop, "CL");
    let expected = json!({"email": "cliente77@example.com", "firstName": "Ana", "lastName": "Souza",
        "document": "52998224725", "documentType": "cpf", "isCorporate": false, "phone": "+5519999990000",
        "isNewsletterOptIn": true});
    assert!(has(&customer, &expected), "{customer:#}");
    let addresses = shop.world().addresses_of(customer["id"].as_str().unwrap());
    assert_eq!(addresses.len(), 2, "{addresses:#?}");
    assert!(addresses.iter().all(|address| address["id"] == address["addressName"]));
    assert_eq!(shop.world().document_count("LC"), 2);

    rows.addresses = vec![address("a2", "Rua C"), address("a3", "Rua D")];
    rows.customer.cell_phone = None;
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    shop.settle().await;
    let customer = only(&shop, "CL");
    assert!(has(&customer, &json!({"phone": null, "isNewsletterOptIn": false})), "{customer:#}");
    let addresses = shop.world().addresses_of(customer["id"].as_str().unwrap());
    let mut streets: Vec<_> = addresses.iter().map(|address| address["street"].as_str().unwrap()).collect();
    streets.sort_unstable();
    assert_eq!(streets, ["Rua C", "Rua D"]);
    let act = shop.world().document("LC", "77--marketing-5femail").unwrap();
    assert!(has(&act, &json!({"state": "revoked", "customer": "77", "version": 2})), "{act:#}");
    assert!(shop.world().mentions("cliente77").iter().all(|place| place.starts_with("CL/")));
}

#[tokio::test]
async fn a_late_older_acceptance_does_not_sign_up_again() {
    let mut shop = Shop::open().await;
    let mut rows = person("77", "Ana Souza");
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    shop.settle().await;
    rows.consents.push(said("MARKETING_EMAIL", 1, 5));
    shop.change(&rows);
    shop.settle().await;
    assert_ne!(only(&shop, "CL")["isNewsletterOptIn"], true);
    let act = shop.world().document("LC", "77--marketing-5femail").unwrap();
    assert_eq!(act["state"], "revoked");
}

/// Whether VTEX holds somebody for signed up, by the e-mail address.
fn signed_up(shop: &Shop, email: &str) -> Option<bool> {
    let customer = shop.world().customers_by_email(email).into_iter().next()?;
    Some(customer["isNewsletterOptIn"] == true)
}

async fn with_newsletter() -> (Shop, mare::mapping::people::PersonRows) {
    let mut shop = Shop::open().await;
    let mut rows = person("77", "Ana Souza");
    rows.consents.push(said("MARKETING_EMAIL", 1, 2));
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(true));
    (shop, rows)
}

#[tokio::test]
async fn a_revocation_reaches_vtex_though_the_address_is_gone_or_useless() {
    for address in [None, Some("?"), Some("7f-1@ct.vtex.com.br")] {
        for knows_the_id in [true, false] {
            let (mut shop, mut rows) = with_newsletter().await;
            if !knows_the_id {
                shop.ids.clear();
            }
            rows.customer.email = address.map(str::to_owned);
            rows.consents.push(said("MARKETING_EMAIL", 3, 9));
            shop.change(&rows);
            shop.settle().await;
            assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(false), "{address:?} {knows_the_id}");
            let act = shop.world().document("LC", "77--marketing-5femail").unwrap();
            assert_eq!(act["state"], "revoked");
            assert_eq!(shop.world().document_count("CL"), 1);
        }
    }
}

#[tokio::test]
async fn a_revocation_reaches_the_account_of_the_new_address_and_that_of_the_old_one() {
    let (mut shop, mut rows) = with_newsletter().await;
    let account = json!({"email": "ana@novo.example", "isNewsletterOptIn": true});
    shop.world().shop_registers(account).unwrap();
    rows.customer.email = Some("ana@novo.example".to_owned());
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(false));
    assert_eq!(signed_up(&shop, "ana@novo.example"), Some(false));
    // VTEX has each address once: what it refuses is set aside, and says so.
    assert!(shop.amended[&key(Entity::Customer, "77")].parked.is_some());
}

#[tokio::test]
async fn a_revocation_follows_a_customer_whose_address_changes() {
    let (mut shop, mut rows) = with_newsletter().await;
    rows.customer.email = Some("ana@novo.example".to_owned());
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "ana@novo.example"), Some(true));
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "ana@novo.example"), Some(false));
    assert_eq!(shop.world().document_count("CL"), 1);
}

#[tokio::test]
async fn consents_whose_rows_are_deleted_are_taken_back_and_never_rise_again() {
    let (mut shop, mut rows) = with_newsletter().await;
    let agreed = rows.consents.pop().unwrap();
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(false));
    let act = shop.world().document("LC", "77--marketing-5femail").unwrap();
    assert!(has(&act, &json!({"state": "deleted", "version": 2})) && act.get("saidAt").is_none(), "{act:#}");
    // The row is restored from somewhere: then somebody can show it again.
    rows.consents.push(agreed);
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(true));
    // The row of a revocation is deleted, and the agreement before it stays.
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    rows.consents.pop();
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(false));
    rows.consents.push(said("MARKETING_EMAIL", 1, 10));
    shop.change(&rows);
    shop.settle().await;
    assert_eq!(signed_up(&shop, "cliente77@example.com"), Some(true), "a newer agreement counts");
}

#[tokio::test]
async fn a_customer_of_the_shop_is_recognised_whatever_the_page_of_the_answer() {
    for saved_answer in [SavedAnswer::Generic, SavedAnswer::LowerCase, SavedAnswer::OwnPage] {
        let mut shop = Shop::with(MasterDataOptions { saved_answer, ..MasterDataOptions::default() }).await;
        let registered = json!({"email": "cliente77@example.com", "nickName": "Aninha"});
        let id = shop.world().shop_registers(registered).unwrap();
        for code in ["77", "78"] {
            let mut rows = person(code, "Ana Souza");
            rows.addresses = vec![address(&format!("a{code}"), "Rua A")];
            shop.change(&rows);
        }
        shop.settle().await;
        assert_eq!(shop.world().document_count("CL"), 2, "{saved_answer:?}");
        let known = shop.world().document("CL", &id).unwrap();
        assert!(has(&known, &json!({"nickName": "Aninha", "firstName": "Ana"})), "{known:#}");
        assert_eq!((shop.world().document_count("AD"), shop.world().orphan_addresses()), (2, 0));
    }
}

#[tokio::test]
async fn a_search_that_is_late_makes_no_second_customer() {
    let mut shop = Shop::open().await;
    shop.world().freeze_search();
    let mut rows = person("77", "Ana Souza");
    rows.consents.push(said("MARKETING_EMAIL", 1, 2));
    rows.addresses = vec![address("a1", "Rua A")];
    shop.change(&rows);
    shop.settle().await;
    shop.ids.clear();
    shop.confirmed.clear();
    // "Not modified" does not tell the id: search is waited for.
    shop.change(&rows);
    for _ in 0..50 {
        assert!(shop.turn().await, "it waits");
    }
    shop.world().set_search_lag(std::time::Duration::ZERO);
    shop.settle().await;
    assert_eq!((shop.world().document_count("CL"), shop.world().document_count("AD")), (1, 1));
    assert_eq!(only(&shop, "CL")["isNewsletterOptIn"], true);
    assert_eq!(shop.world().orphan_addresses(), 0);
}

#[tokio::test]
async fn a_customer_deleted_in_vtex_is_made_again_with_the_addresses() {
    let options = MasterDataOptions { patch_creates: false, ..MasterDataOptions::default() };
    let mut shop = Shop::with(options).await;
    let mut rows = person("77", "Ana Souza");
    rows.addresses = vec![address("a1", "Rua A")];
    shop.change(&rows);
    shop.settle().await;
    let id = only(&shop, "CL")["id"].as_str().unwrap().to_owned();
    let delete = mare::core::call::Call::People(mare::core::call::people::PeopleCall::DeleteAddress {
        id: "a1".into(),
    });
    assert!(shop.client.execute(&delete).await.result.is_ok());
    remove_customer(&shop, &id).await;
    rows.customer.name = "Ana Lima".to_owned();
    shop.change(&rows);
    shop.settle().await;
    let made = only(&shop, "CL");
    assert!(made["id"] != id && made["lastName"] == "Lima", "{made:#}");
    assert_eq!((shop.world().document_count("AD"), shop.world().orphan_addresses()), (1, 0));
}

async fn remove_customer(shop: &Shop, id: &str) {
    let credential = mare::simulator::Credential::default();
    let answer = reqwest::Client::new()
        .delete(format!("{}/api/dataentities/CL/documents/{id}", shop.vtex.base_url()))
        .header("x-vtex-api-appkey", credential.key)
        .header("x-vtex-api-apptoken", credential.token)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .send();
    assert_eq!(answer.await.unwrap().status(), 204);
}

/// What is left of a run under these faults.
async fn disturbed(kind: FaultKind, seed: u64) {
    let fault = Fault { probability: 0.3, applied: seed.is_multiple_of(2), ..Fault::new(kind) };
    // After ten answers that nobody understands a key is set aside.
    let count = if matches!(kind, FaultKind::Html | FaultKind::Malformed) { 9 } else { 60 };
    let faults = vec![Fault { count: Some(count), ..fault }];
    let mut shop = Shop::with_all(Options { seed, ..Options::default() }).await;
    shop.world().set_faults(faults);
    let all: Vec<_> = (0..4).map(|n| n.to_string()).collect();
    let mut rows: Vec<_> = all.iter().map(|code| person(code, "Ana Souza")).collect();
    for (n, rows) in rows.iter_mut().enumerate() {
        rows.addresses = vec![address(&format!("a{n}"), "Rua A"), address(&format!("b{n}"), "Rua B")];
        rows.consents.push(said("MARKETING_EMAIL", 1, 2));
        shop.change(rows);
    }
    for _ in 0..10 {
        shop.turn().await;
    }
    for (n, rows) in rows.iter_mut().enumerate() {
        rows.addresses.truncate(1);
        if n % 2 == 0 {
            rows.consents.push(said("MARKETING_EMAIL", 3, 9));
        }
        shop.change(rows);
    }
    shop.settle().await;
    let at = format!("{kind:?} {seed}: {:?}", shop.amended);
    assert!(shop.amended.is_empty(), "{at}");
    let world = shop.world();
    assert_eq!((world.document_count("CL"), world.duplicates("CL", "email")), (4, 0), "{at}");
    assert_eq!(world.orphan_addresses(), 0, "{at}");
    for (n, code) in all.iter().enumerate() {
        let customer = &world.customers_by_email(&format!("cliente{code}@example.com"))[0];
        // Of somebody who never agreed nothing need be there.
        assert_eq!(customer["isNewsletterOptIn"] == true, n % 2 == 1, "{at}: {customer:#}");
        assert!(world.document("AD", &format!("a{n}")).is_some(), "{at}");
        assert!(world.document("AD", &format!("b{n}")).is_none(), "{at}: Live has it no more");
        let act = world.document("LC", &format!("{code}--marketing-5femail")).unwrap();
        assert_eq!(act["state"], if n % 2 == 0 { "revoked" } else { "accepted" }, "{at}");
    }
}

#[tokio::test]
async fn vtex_equals_live_whatever_goes_wrong_on_the_way() {
    use FaultKind::{
        ErrorAfter, ErrorBefore, Hang, Html, Malformed, RequestTimeout, Reset, TooManyRequests, Unavailable,
    };
    let kinds =
        [ErrorAfter, ErrorBefore, Hang, Html, Malformed, RequestTimeout, Reset, TooManyRequests, Unavailable];
    for (seed, kind) in (0..).zip(kinds) {
        disturbed(kind, seed).await;
        disturbed(kind, seed + 1).await;
    }
}

#[tokio::test]
async fn what_vtex_says_of_a_person_is_not_repeated() {
    let mut shop = Shop::open().await;
    // VTEX takes e-mail addresses of CL for unique.
    shop.change(&person("77", "Ana Souza"));
    shop.settle().await;
    let mut other = person("78", "Beatriz Lima");
    shop.change(&other);
    shop.settle().await;
    other.customer.email = Some("cliente77@example.com".to_owned());
    shop.change(&other);
    shop.settle().await;
    let dirty = &shop.amended[&key(Entity::Customer, "78")];
    assert!(dirty.parked.is_some(), "{dirty:?}");
    let shown = format!("{:?} {:?}", dirty.last, dirty.parked);
    for secret in ["cliente77", "Beatriz", "Lima", "52998224725", "99999"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn the_entity_of_consents_is_made_once_and_recognised() {
    let shop = Shop::open().await;
    assert_eq!(shop.client.consent_entity().await, Ok(ConsentEntity { schema: false, index: false }));
    shop.client.create_consent_schema().await.unwrap();
    assert_eq!(shop.client.consent_entity().await, Ok(ConsentEntity { schema: true, index: false }));
    for _ in 0..2 {
        shop.client.create_consent_index().await.unwrap();
        shop.client.create_consent_schema().await.unwrap();
        assert_eq!(shop.client.consent_entity().await, Ok(ConsentEntity { schema: true, index: true }));
    }
    let mut shop = shop;
    shop.change(&person("77", "Ana Souza"));
    shop.settle().await;
    assert_eq!(only(&shop, "LC")["purpose"], "CADASTRO", "the documents fit the schema");
    shop.world().deny(vec![Permission::MasterDataAdministrator]);
    let refused = shop.client.consent_entity().await;
    assert!(matches!(refused, Err(mare::core::call::Failure::Status { code: 403, .. })), "{refused:?}");
}

#[tokio::test]
async fn every_exchange_is_as_vtex_documents_it() {
    let Some(openapi) = OpenApi::from_environment() else {
        println!("SKIPPED: VTEX_OPENAPI_DIR does not name a folder with VTEX's OpenAPI files");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("exchanges.jsonl");
    let mut shop = Shop::with_all(Options { record: Some(record.clone()), ..Options::default() }).await;
    shop.client.create_consent_schema().await.unwrap();
    shop.client.create_consent_index().await.unwrap();
    shop.client.consent_entity().await.unwrap();
    let mut rows = person("77", "Ana Souza");
    rows.addresses = vec![address("a1", "Rua A"), address("a2", "Rua B")];
    rows.consents.push(said("MARKETING_EMAIL", 1, 2));
    shop.change(&rows);
    let mut company = person("78", "Loja Mar Ltda");
    company.customer.kind = 2;
    company.customer.document = Some("12.ABC.345/01DE-35".to_owned());
    company.customer.trade_name = Some("Loja Mar".to_owned());
    company.customer.registration = Some("244.001".to_owned());
    shop.change(&company);
    shop.settle().await;
    rows.addresses.truncate(1);
    rows.addresses[0].street = "Rua C".to_owned();
    rows.customer.name = "Ana Lima".to_owned();
    rows.consents.push(said("MARKETING_EMAIL", 3, 9));
    shop.change(&rows);
    shop.settle().await;
    rows.customer.erased = true;
    shop.change(&rows);
    shop.settle().await;
    shop.vtex.shutdown().await.unwrap();
    let text = std::fs::read_to_string(&record).unwrap();
    let exchanges: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(exchanges.len() > 20, "{} exchanges were recorded", exchanges.len());
    let findings: Vec<_> = exchanges.iter().flat_map(|exchange| openapi.findings(exchange)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}
