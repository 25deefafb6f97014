//! Erasure of a person, and what a record keeps of persons.

use std::time::Duration;

use mare::simulator::{ErasureOutcome, ErasureState, MasterDataOptions, Options, Permission};
use serde_json::{Value, json};

use super::{ADDRESSES, CUSTOMERS, Desk, by_id};

const JOBS: &str = "/api/user-rights/forget/jobs";
const HOUR: Duration = Duration::from_secs(3_600);

/// Starts a job; gives the path of its status.
async fn forget(desk: &Desk, email: &str) -> String {
    let answer = desk.post(JOBS, json!({"email": email})).await;
    assert_eq!(answer.status, 201);
    format!("{JOBS}/{}", answer.body["jobId"].as_str().unwrap())
}

async fn state(desk: &Desk, job: &str) -> Value {
    desk.get(job).await.body["status"].clone()
}

#[tokio::test]
async fn an_erasure_deletes_the_customer_with_the_addresses() {
    let desk = Desk::start().await;
    let (ana, bia) = (desk.customer("ana@loja.com.br").await, desk.customer("bia@loja.com.br").await);
    for customer in [&ana, &bia] {
        let address = json!({"userId": customer, "street": "Rua A", "receiverName": "Ana"});
        assert_eq!(desk.post(ADDRESSES, address).await.status, 201);
    }
    assert_eq!(desk.world().mentions("ANA@loja"), [format!("CL/{ana}/email")]);
    let job = forget(&desk, "Ana@loja.com.br").await;
    assert_eq!(state(&desk, &job).await, "Success");
    assert_eq!(desk.get(&by_id(&ana)).await.status, 404);
    assert_eq!((desk.world().document_count("CL"), desk.world().document_count("AD")), (1, 1));
    assert!(desk.world().mentions("ana@loja").is_empty() && desk.world().mentions(&ana).is_empty());
    let nobody = forget(&desk, "nobody@loja.com.br").await;
    assert_eq!(state(&desk, &nobody).await, "Success", "nothing to delete is done");
    let unknown = desk.get(&format!("{JOBS}/3f0f3cb4-2d5c-4f6e-9a55-111111111111")).await;
    assert_eq!((unknown.status, &unknown.body["message"]), (404, &json!("Job not found")));
    assert_eq!(desk.post(JOBS, json!({"email": "nobody"})).await.status, 400);
}

#[tokio::test]
async fn an_erasure_takes_its_time_and_search_takes_longer() {
    let options = MasterDataOptions { erasure_takes: HOUR, ..MasterDataOptions::default() };
    let desk = Desk::with(options).await;
    let ana = desk.customer("ana@loja.com.br").await;
    let first = forget(&desk, "ana@loja.com.br").await;
    assert_eq!(state(&desk, &first).await, "InProgress");
    let places = desk.world().mentions("ana@loja.com.br");
    assert!(places.len() == 2 && places[1].starts_with("erasure/"), "{places:?}");
    assert_eq!(desk.world().erasures()[0].1, ErasureState::InProgress);

    assert_eq!(desk.world().document_count("CL"), 1);
    desk.world().set_erasure(Duration::ZERO, ErasureOutcome::Success);
    desk.world().freeze_search();
    let job = forget(&desk, "ana@loja.com.br").await;
    assert_eq!(state(&desk, &job).await, "Success");
    assert_eq!(desk.get(&by_id(&ana)).await.status, 404);
    assert_eq!(desk.found("CL", "email=ana@loja.com.br").await, [ana.as_str()]);
    assert_eq!(desk.world().mentions("ana@loja.com.br")[0], format!("CL/{ana}/email (search)"));
    desk.world().set_search_lag(Duration::ZERO);
    assert!(desk.found("CL", "email=ana@loja.com.br").await.is_empty());
    let places = desk.world().mentions("ana@loja.com.br");
    assert!(places.len() == 1 && places[0].starts_with("erasure/"), "the first job is not done: {places:?}");
    desk.world().advance(HOUR);
    assert_eq!(state(&desk, &first).await, "Success");
    assert!(desk.world().mentions("ana@loja.com.br").is_empty());
}

#[tokio::test]
async fn an_erasure_may_fail_spares_companies_and_may_not_be_offered() {
    let desk = Desk::start().await;
    desk.customer("ana@loja.com.br").await;
    let company = json!({"email": "compras@empresa.com.br", "isCorporate": true});
    assert_eq!(desk.post(CUSTOMERS, company).await.status, 201);
    let job = forget(&desk, "compras@empresa.com.br").await;
    assert_eq!(state(&desk, &job).await, "Failed", "for natural persons only");
    desk.world().set_erasure(Duration::ZERO, ErasureOutcome::Failed);
    let job = forget(&desk, "ana@loja.com.br").await;
    assert_eq!(state(&desk, &job).await, "Failed");
    assert_eq!(desk.world().document_count("CL"), 2);
    desk.world().deny(vec![Permission::EraseUsers]);
    assert_eq!(desk.post(JOBS, json!({"email": "ana@loja.com.br"})).await.status, 403);
    desk.world().deny(Vec::new());
    desk.world().set_erasure(Duration::ZERO, ErasureOutcome::NotOffered);
    assert_eq!(desk.post(JOBS, json!({"email": "ana@loja.com.br"})).await.status, 404);
}

#[tokio::test]
async fn an_own_entity_is_erased_only_when_it_says_whose_data_it_holds() {
    let desk = Desk::start().await;
    let path = "/api/dataentities/consentimento/documents";
    for email in ["ana@loja.com.br", "bia@loja.com.br"] {
        assert_eq!(desk.post(path, json!({"titular": email})).await.status, 201);
    }
    forget(&desk, "ana@loja.com.br").await;
    assert_eq!(desk.world().mentions("ana@loja.com.br").len(), 1, "nobody told VTEX whose it is");
    desk.world().declare_personal_data("consentimento", "titular");
    forget(&desk, "ana@loja.com.br").await;
    assert!(desk.world().mentions("ana@loja.com.br").is_empty());
    assert_eq!(desk.world().document_count("consentimento"), 1);
}

#[tokio::test]
async fn whoever_sends_an_erased_person_again_is_noticed() {
    let desk = Desk::start().await;
    let body = json!({"email": "ana@loja.com.br", "document": "12345678909"});
    let created = desk.post(CUSTOMERS, body.clone()).await.body;
    let id = created["DocumentId"].as_str().unwrap();
    forget(&desk, "ana@loja.com.br").await;
    desk.customer("bia@loja.com.br").await;
    assert!(desk.world().brought_back_after_erasure().is_empty());
    // By the e-mail, by the document with another e-mail, by the old id in an address.
    let again = desk.patch(CUSTOMERS, body).await.body["DocumentId"].as_str().unwrap().to_owned();
    let document = json!({"email": "outra@loja.com.br", "document": "12345678909"});
    let other = desk.post(CUSTOMERS, document).await.body["DocumentId"].as_str().unwrap().to_owned();
    let address =
        desk.post(ADDRESSES, json!({"userId": id})).await.body["DocumentId"].as_str().unwrap().to_owned();
    let expected = [format!("CL/{again}"), format!("CL/{other}"), format!("AD/{address}")];
    assert_eq!(desk.world().brought_back_after_erasure(), expected);
}

#[tokio::test]
async fn a_record_holds_persons_unless_it_is_told_not_to() {
    for kept in [true, false] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let record = Some(file.path().to_owned());
        let desk = Desk::with_all(Options { record, record_personal_data: kept, ..Options::default() }).await;
        let id = desk.customer("ana@loja.com.br").await;
        desk.get(&format!("{}?_fields=email", by_id(&id))).await;
        desk.found("CL", "email=ana@loja.com.br").await;
        forget(&desk, "ana@loja.com.br").await;
        desk.0.send("PUT", crate::PRICE, Some(json!({"basePrice": 5, "costPrice": 5}))).await;
        desk.0.handle.shutdown().await.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text.matches("ana@loja.com.br").count(), if kept { 4 } else { 0 }, "{text}");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[4]["body"]["basePrice"]), (5, &json!(5)), "other calls stay whole");
        let hidden = if kept { &json!("id") } else { &json!("***") };
        assert_eq!((&lines[2]["status"], &lines[2]["query"]["_fields"]), (&json!(200), hidden));
    }
}
