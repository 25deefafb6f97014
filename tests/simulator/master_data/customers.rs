//! Documents of v1: customers and their addresses.

use mare::simulator::{CustomField, Duplicates, FieldKind, MasterDataOptions, SavedAnswer, UnknownFields};
use serde_json::{Value, json};

use super::{ADDRESSES, CUSTOMERS, Desk, by_id};

#[tokio::test]
async fn a_customer_is_created_once_changed_and_left_alone_when_nothing_changes() {
    let desk = Desk::start().await;
    let answer = desk.post(CUSTOMERS, json!({"email": "ana@loja.com.br", "firstName": "Ana"})).await;
    assert_eq!(answer.status, 201);
    let id = answer.body["DocumentId"].as_str().unwrap();
    assert_eq!(answer.body["Id"], format!("CL-{id}"));
    let href = format!("http://simulator.vtexcommercestable.com.br/api/dataentities/CL/documents/{id}");
    assert_eq!(answer.body["Href"], href);
    let shown = desk.get(&format!("{}?_fields=_all", by_id(id))).await.body;
    assert_eq!((&shown["email"], &shown["accountName"]), (&json!("ana@loja.com.br"), &json!("simulator")));
    assert_eq!((&shown["lastName"], &shown["updatedIn"]), (&Value::Null, &Value::Null));
    let opt_in = json!({"isNewsletterOptIn": true});
    assert_eq!(desk.patch(&by_id(id), opt_in.clone()).await.status, 204);
    let changed = desk.world().document("CL", id).unwrap();
    assert_eq!((&changed["firstName"], &changed["isNewsletterOptIn"]), (&json!("Ana"), &json!(true)));
    assert_eq!(desk.patch(&by_id(id), opt_in).await.status, 304);
    let null = json!({"lastName": null});
    assert_eq!(desk.patch(&by_id(id), null).await.status, 304, "null is what was there");
    assert_eq!(desk.world().document("CL", id).unwrap()["updatedIn"], changed["updatedIn"]);
    let counters = desk.world().counters();
    assert_eq!((counters.document_writes, counters.document_writes_unchanged), (4, 2));
}

#[tokio::test]
async fn patch_without_an_id_finds_the_customer_by_e_mail() {
    let desk = Desk::start().await;
    let save = |name: &str| desk.patch(CUSTOMERS, json!({"email": "ana@loja.com.br", "firstName": name}));
    let created = save("Ana").await;
    assert_eq!(created.status, 201);
    assert_eq!(save("Ana").await.status, 304);
    let changed = save("Aná").await;
    assert_eq!((changed.status, &changed.body["DocumentId"]), (200, &created.body["DocumentId"]));
    assert_eq!(desk.world().document_count("CL"), 1);
    let id = created.body["DocumentId"].as_str().unwrap();
    let renamed = json!({"id": id, "email": "ana.souza@loja.com.br"});
    assert_eq!(desk.patch(CUSTOMERS, renamed).await.status, 200, "the id comes before the e-mail");
    assert_eq!(save("Ana").await.status, 201, "the old e-mail is free");
    assert_eq!(desk.world().document_count("CL"), 2);
}

#[tokio::test]
async fn an_e_mail_belongs_to_one_customer() {
    let desk = Desk::start().await;
    desk.customer("ana@loja.com.br").await;
    let bia = desk.customer("bia@loja.com.br").await;
    let again = json!({"email": "ana@loja.com.br"});
    assert_eq!(desk.post(CUSTOMERS, again.clone()).await.status, 400);
    assert_eq!(desk.patch(&by_id(&bia), again.clone()).await.status, 400);
    assert_eq!(desk.put(&by_id(&bia), again.clone()).await.status, 400);
    assert_eq!(desk.world().duplicates("CL", "email"), 0);
    assert_eq!(desk.delete(&by_id(&bia)).await.status, 204);
    assert_eq!(desk.post(CUSTOMERS, json!({"email": "bia@loja.com.br"})).await.status, 201);

    let lenient = MasterDataOptions { duplicates: Duplicates::PostAccepted, ..MasterDataOptions::default() };
    let desk = Desk::with(lenient).await;
    desk.customer("ana@loja.com.br").await;
    desk.customer("Ana@loja.com.br").await;
    desk.customer("ana@loja.com.br").await;
    assert_eq!(desk.world().duplicates("CL", "email"), 2, "one is enough");
    assert_eq!(desk.world().customers_by_email("ANA@loja.com.br").len(), 3);
    assert_eq!(desk.world().duplicates("CL", "document"), 0, "empty is no value");
}

#[tokio::test]
async fn the_pages_of_vtex_disagree_on_the_answer_and_each_can_be_had() {
    let body = json!({"email": "ana@loja.com.br"});
    let options = |saved_answer| MasterDataOptions { saved_answer, ..MasterDataOptions::default() };
    let desk = Desk::with(options(SavedAnswer::LowerCase)).await;
    let answer = desk.post(CUSTOMERS, body.clone()).await;
    assert_eq!(answer.status, 201);
    assert!(answer.body["documentId"].is_string() && answer.body["id"].is_string());
    let desk = Desk::with(options(SavedAnswer::OwnPage)).await;
    let answer = desk.post(CUSTOMERS, body).await;
    assert_eq!((answer.status, answer.body.as_object().unwrap().len()), (200, 2));
    let id = answer.body["Id"].as_str().unwrap().strip_prefix("CL-").unwrap();
    assert_eq!(desk.patch(&by_id(id), json!({"firstName": "Ana"})).await.status, 200);
    let options = MasterDataOptions { not_modified_by_id: false, ..MasterDataOptions::default() };
    let desk = Desk::with(options).await;
    let id = desk.customer("ana@loja.com.br").await;
    assert_eq!(desk.patch(&by_id(&id), json!({"firstName": "Ana"})).await.status, 204);
    assert_eq!(desk.world().counters().document_writes_unchanged, 1);
}

#[tokio::test]
async fn fields_are_checked_by_name_type_and_length() {
    let custom =
        CustomField { entity: "CL".to_owned(), name: "codigoErp".to_owned(), kind: FieldKind::Integer };
    let options = MasterDataOptions { custom_fields: vec![custom], ..MasterDataOptions::default() };
    let desk = Desk::with(options.clone()).await;
    let right = json!({
        "email": "ana+loja@loja.com.br", "birthDate": "1992-11-17", "isCorporate": false, "document": "12345678909",
        "documentType": "cpf", "phone": "+5511999990000", "priceTables": "gold,silver", "codigoErp": 17,
    });
    assert_eq!(desk.post(CUSTOMERS, right).await.status, 201);
    for (field, value) in [
        ("email", json!("ana")),
        ("email", json!("ana @loja.com.br")),
        ("birthDate", json!("17/11/1992")),
        ("isNewsletterOptIn", json!("true")),
        ("firstName", json!("a".repeat(301))),
        ("priceTables", json!("a".repeat(51))),
        ("document", json!(12_345_678_909_u64)),
        ("codigoErp", json!("17")),
        ("isNewsleterOptIn", json!(true)),
    ] {
        // Unlike the generic pages, our own check would find the misspelt name and the wrong type: sent past it.
        let answer =
            desk.0.send("POST", CUSTOMERS, Some(json!({"email": "bia@loja.com.br", field: value}))).await;
        assert_eq!(answer.status, 400, "{field}");
        assert!(answer.body["Message"].as_str().unwrap().contains(field));
    }
    assert_eq!(desk.world().document_count("CL"), 1);
    let ignoring = MasterDataOptions { unknown_fields: UnknownFields::Ignored, ..options };
    let desk = Desk::with(ignoring).await;
    let answer = desk.0.send("POST", CUSTOMERS, Some(json!({"email": "bia@loja.com.br", "lgpd": 1}))).await;
    assert_eq!(answer.status, 201);
    assert!(desk.world().customers_by_email("bia@loja.com.br")[0]["lgpd"].is_null());
}

#[tokio::test]
async fn put_replaces_the_whole_document_or_creates_it_with_this_id() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let whole = json!({"email": "ana@loja.com.br", "lastName": "Lima"});
    assert_eq!(desk.put(&by_id(&id), whole.clone()).await.status, 204);
    let shown = desk.world().document("CL", &id).unwrap();
    assert_eq!((&shown["firstName"], &shown["lastName"]), (&Value::Null, &json!("Lima")));
    assert_eq!(desk.put(&by_id(&id), whole).await.status, 304);
    assert_eq!(desk.put(&by_id("live-17"), json!({"email": "bia@loja.com.br"})).await.status, 204);
    assert_eq!(
        desk.get(&format!("{}?_fields=email", by_id("live-17"))).await.body,
        json!({"email": "bia@loja.com.br"})
    );
}

#[tokio::test]
async fn an_alias_of_an_order_saved_as_a_customer_is_a_violation() {
    let desk = Desk::start().await;
    desk.customer("ana@loja.com.br").await;
    assert!(desk.world().counters().violations.is_empty());
    desk.customer("0f3a@ct.vtex.com.br").await;
    let counters = desk.world().counters();
    assert_eq!(counters.violations["masked e-mail saved as a customer's"], 1);
    assert!(!counters.violation_samples[0].contains("0f3a"), "whose it is stays out");
    assert!(!format!("{:?}", desk.world()).contains("ana@loja"));
}

#[tokio::test]
async fn an_unknown_id_is_created_by_patch_and_not_found_otherwise() {
    let desk = Desk::start().await;
    assert_eq!(desk.get(&by_id("nobody")).await.status, 404);
    assert_eq!(desk.delete(&by_id("nobody")).await.status, 404);
    assert_eq!(desk.patch(&by_id("nobody"), json!({"firstName": "Ana"})).await.status, 204);
    assert_eq!(desk.world().document_count("CL"), 1, "a customer with a first name and nothing else");
    let strict = MasterDataOptions { patch_creates: false, ..MasterDataOptions::default() };
    let desk = Desk::with(strict).await;
    assert_eq!(desk.patch(&by_id("nobody"), json!({"firstName": "Ana"})).await.status, 404);
}

#[tokio::test]
async fn an_id_in_another_case_is_the_same_document_and_twice_in_search() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    assert_eq!(desk.patch(&by_id(&id.to_uppercase()), json!({"lastName": "Lima"})).await.status, 204);
    assert_eq!(desk.world().document_count("CL"), 1);
    let mut both = [id.clone(), id.to_uppercase()];
    both.sort();
    let mut found = desk.found("CL", "email=ana@loja.com.br").await;
    found.sort();
    assert_eq!(found, both);
}

#[tokio::test]
async fn addresses_belong_to_a_customer_who_may_be_gone() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let address = json!({
        "userId": id, "addressName": "9d0c", "addressType": "residential", "receiverName": "Ana", "street": "Rua A",
        "number": "10", "neighborhood": "Centro", "city": "Joinville", "state": "SC", "postalCode": "89200000",
        "country": "BRA", "complement": null,
    });
    let answer = desk.post(ADDRESSES, address).await;
    assert_eq!(answer.status, 201);
    let path = format!("{ADDRESSES}/{}", answer.body["DocumentId"].as_str().unwrap());
    assert_eq!(desk.get(&format!("{path}?_fields=_all")).await.body["city"], "Joinville");
    assert_eq!(desk.patch(&path, json!({"number": "12"})).await.status, 204);
    assert_eq!(desk.found("AD", &format!("userId={id}")).await.len(), 1);
    assert_eq!((desk.world().addresses_of(&id).len(), desk.world().orphan_addresses()), (1, 0));
    assert_eq!(desk.delete(&by_id(&id)).await.status, 204);
    assert_eq!(desk.world().orphan_addresses(), 1, "VTEX deletes nothing along with a customer");
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.world().orphan_addresses(), 0);
}

#[tokio::test]
async fn the_account_stands_in_the_path_where_the_host_does_not_name_it() {
    let desk = Desk::start().await;
    let id = desk.customer("ana@loja.com.br").await;
    let path = |account: &str| format!("/{account}/dataentities/CL/documents/{id}");
    assert_eq!(desk.0.get(&path("simulator")).await.status, 200);
    assert_eq!(desk.0.get(&path("another")).await.status, 404);
}

#[tokio::test]
async fn the_structure_of_an_entity_names_its_fields() {
    let custom =
        CustomField { entity: "CL".to_owned(), name: "codigoErp".to_owned(), kind: FieldKind::Text(20) };
    let desk =
        Desk::with(MasterDataOptions { custom_fields: vec![custom], ..MasterDataOptions::default() }).await;
    let entities = desk.get("/api/dataentities").await.body;
    assert_eq!((&entities[0]["acronym"], &entities[1]["acronym"]), (&json!("AD"), &json!("CL")));
    let structure = desk.get("/api/dataentities/CL").await.body;
    let named =
        |name: &str| structure["fields"].as_array().unwrap().iter().any(|field| field["name"] == name);
    assert!(named("isNewsletterOptIn") && named("codigoErp") && !named("street"));
    assert_eq!(desk.get("/api/dataentities/XX").await.status, 404);
}
