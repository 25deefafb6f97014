//! Entities of one's own: schemas, indices, conditional writes.

use mare::simulator::MasterDataOptions;
use serde_json::{Value, json};

use super::{CUSTOMERS, Desk};

const CONSENTS: &str = "/api/dataentities/consentimento/documents";
const SCHEMA: &str = "/api/dataentities/consentimento/schemas/v1";
const INDICES: &str = "/api/dataentities/consentimento/indices";

fn schema() -> Value {
    json!({
        "title": "Consentimento por cliente e finalidade",
        "properties": {
            "cliente": {"type": "string", "maxLength": 36},
            "finalidade": {"type": "string", "enum": ["CADASTRO", "MARKETING_EMAIL"]},
            "situacao": {"type": "string"},
            "versao": {"type": "integer"},
        },
        "required": ["cliente", "finalidade"],
        "v-indexed": ["cliente", "versao"],
    })
}

/// A desk with the entity `consentimento`, unique by customer and purpose.
async fn desk(options: MasterDataOptions) -> Desk {
    let desk = Desk::with(options).await;
    let put = desk.put(SCHEMA, schema()).await;
    assert_eq!(put.status, 200);
    assert!(put.body["Message"].as_str().unwrap().starts_with("JSON Schema persisted successfully"));
    let index = json!({"name": "chave", "multiple": false, "fields": "cliente,finalidade"});
    let put = desk.put(INDICES, index).await;
    assert_eq!((put.status, put.body), (200, Value::Null));
    desk
}

fn consent(customer: &str, version: u32) -> Value {
    json!({"cliente": customer, "finalidade": "MARKETING_EMAIL", "situacao": "aceito", "versao": version})
}

#[tokio::test]
async fn a_schema_and_an_index_are_kept_and_removed() {
    let desk = desk(MasterDataOptions::default()).await;
    assert_eq!(desk.get(SCHEMA).await.body, schema());
    assert_eq!(desk.get("/api/dataentities/consentimento/schemas").await.body[0]["name"], "v1");
    let index = desk.get(&format!("{INDICES}/chave")).await.body;
    assert_eq!((&index["fields"], &index["multiple"]), (&json!("cliente,finalidade"), &json!(false)));
    assert_eq!(desk.get(INDICES).await.body, json!([index]));
    assert_eq!(
        desk.put(SCHEMA, json!({"properties": {"a": {"type": "string"}}, "v-indexed": ["b"]})).await.status,
        400
    );
    for number in 2..=60 {
        let path = format!("/api/dataentities/consentimento/schemas/v{number}");
        assert_eq!(desk.put(&path, schema()).await.status, 200);
    }
    assert_eq!(desk.put("/api/dataentities/consentimento/schemas/v61", schema()).await.status, 400);
    assert_eq!(desk.put(SCHEMA, schema()).await.status, 200, "one that is there can be changed");
    assert_eq!(desk.delete(SCHEMA).await.status, 204);
    assert_eq!(desk.get(SCHEMA).await.status, 404);
    assert_eq!(desk.delete(&format!("{INDICES}/chave")).await.status, 204);
    assert_eq!(desk.get(&format!("{INDICES}/chave")).await.status, 404);
}

#[tokio::test]
async fn entities_of_v1_take_neither_schemas_nor_indices() {
    let desk = Desk::start().await;
    assert_eq!(desk.put("/api/dataentities/CL/schemas/v1", schema()).await.status, 400);
    let index = json!({"name": "nome", "multiple": false, "fields": "firstName"});
    assert_eq!(desk.put("/api/dataentities/AD/indices", index).await.status, 400);
}

#[tokio::test]
async fn a_document_is_held_against_the_schema_that_is_named() {
    let desk = desk(MasterDataOptions::default()).await;
    let named = format!("{CONSENTS}?_schema=v1");
    let wrong = json!({"finalidade": "VENDA", "versao": "1"});
    let answer = desk.post(&named, wrong.clone()).await;
    assert_eq!((answer.status, answer.body.as_array().unwrap().len()), (400, 3));
    assert!(answer.body.as_array().unwrap().iter().all(|error| error["Message"].is_string()));
    assert_eq!(desk.post(CONSENTS, wrong).await.status, 201, "without a schema anything goes");
    assert_eq!(desk.post(&format!("{CONSENTS}?_schema=v9"), consent("a", 1)).await.status, 400);
    let created = desk.post(&named, consent("a", 1)).await;
    assert_eq!(created.status, 201);
    let id = created.body["DocumentId"].as_str().unwrap();
    assert_eq!(created.body["Id"], format!("consentimento-{id}"));
    let changed = json!({"situacao": "revogado"});
    let path = format!("{CONSENTS}/{id}?_schema=v1");
    assert_eq!(desk.patch(&path, changed).await.status, 204, "what is required is there already");
}

#[tokio::test]
async fn a_unique_index_is_the_key_of_an_upsert_and_of_nothing_twice() {
    let desk = desk(MasterDataOptions::default()).await;
    let upsert = |body: Value| desk.patch(CONSENTS, body);
    let first = upsert(consent("a", 1)).await;
    assert_eq!(first.status, 201);
    assert_eq!(upsert(consent("a", 1)).await.status, 304);
    let second = upsert(consent("a", 2)).await;
    assert_eq!((second.status, &second.body["DocumentId"]), (200, &first.body["DocumentId"]));
    let other = upsert(consent("b", 1)).await;
    assert_eq!(other.status, 201);
    assert_eq!(desk.post(CONSENTS, consent("a", 3)).await.status, 400);
    let other = format!("{CONSENTS}/{}", other.body["DocumentId"].as_str().unwrap());
    assert_eq!(desk.patch(&other, json!({"cliente": "a"})).await.status, 400);
    assert_eq!(upsert(json!({"cliente": "a", "situacao": "x"})).await.status, 201, "half a key is none");
    assert_eq!(desk.world().document_count("consentimento"), 3);
    let late = json!({"name": "cliente", "multiple": false, "fields": "cliente"});
    assert_eq!(desk.put(INDICES, late).await.status, 400, "there are two of one customer");
}

#[tokio::test]
async fn a_write_may_depend_on_what_is_there() {
    let desk = desk(MasterDataOptions::default()).await;
    let id = desk.patch(CONSENTS, consent("a", 5)).await.body["DocumentId"].as_str().unwrap().to_owned();
    let write = |version: u32, status: &'static str| {
        let path = format!("{CONSENTS}/{id}?_schema=v1&_where=versao<{version}");
        let body =
            json!({"cliente": "a", "finalidade": "MARKETING_EMAIL", "situacao": status, "versao": version});
        let desk = &desk;
        async move { desk.put(&path, body).await.status }
    };
    assert_eq!(write(7, "revogado").await, 204);
    assert_eq!(write(6, "aceito").await, 304, "the older one does not come back");
    let shown = desk.world().document("consentimento", &id).unwrap();
    assert_eq!((&shown["situacao"], &shown["versao"]), (&json!("revogado"), &json!(7)));
    let broken = format!("{CONSENTS}/{id}?_where=versao");
    assert_eq!(desk.patch(&broken, json!({"versao": 9})).await.status, 400);
    let strict = MasterDataOptions { condition_failed_status: 412, ..MasterDataOptions::default() };
    let desk = super::Desk::with(strict).await;
    let id = desk.post(CONSENTS, consent("a", 5)).await.body["DocumentId"].as_str().unwrap().to_owned();
    let path = format!("{CONSENTS}/{id}?_where=versao<5");
    // A status that no page has: sent past the check against them.
    assert_eq!(desk.0.send("PATCH", &path, Some(json!({"versao": 4}))).await.status, 412);
}

#[tokio::test]
async fn search_of_an_own_entity_filters_by_indexed_fields_only() {
    let desk = desk(MasterDataOptions::default()).await;
    for version in 1..=3 {
        desk.patch(
            CONSENTS,
            json!({"cliente": format!("c{version}"), "finalidade": "CADASTRO", "versao": version}),
        )
        .await;
    }
    let count = |query: &'static str| {
        let desk = &desk;
        async move {
            let answer = desk.search("consentimento", query, "resources=0-10").await;
            answer.body.as_array().map(Vec::len).ok_or(answer.status)
        }
    };
    assert_eq!(count("_schema=v1&_fields=_all&_where=versao between 2 AND 9").await, Ok(2));
    assert_eq!(count("cliente=c1").await, Ok(1), "a field of an index needs no schema");
    assert_eq!(count("versao=1").await, Err(400));
    assert_eq!(count("_schema=v1&situacao=aceito").await, Err(400));
    assert_eq!(count("_fields=cliente").await, Err(400), "_fields needs _schema");
    let unknown = desk.search("nothing", "_fields=_all", "resources=0-10").await;
    assert_eq!((unknown.status, unknown.body), (200, json!([])));
    let scroll = desk.get("/api/dataentities/consentimento/scroll?_schema=v1&_size=2&_fields=cliente").await;
    assert_eq!(scroll.body.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_post_may_be_accepted_for_later() {
    let options = MasterDataOptions { accepts_posts: true, ..MasterDataOptions::default() };
    let desk = desk(options).await;
    assert_eq!(desk.post(CONSENTS, consent("a", 1)).await.status, 202);
    assert_eq!(desk.post(CUSTOMERS, json!({"email": "ana@loja.com.br"})).await.status, 201, "v2 only");
}

#[tokio::test]
async fn an_index_finds_numbers_in_any_spelling_and_what_search_still_shows() {
    let desk = Desk::start().await;
    let id = desk.post(CONSENTS, consent("a", 5)).await.body["DocumentId"].as_str().unwrap().to_owned();
    desk.world().freeze_search();
    assert_eq!(desk.patch(&format!("{CONSENTS}/{id}"), json!({"cliente": "b"})).await.status, 204);
    for field in ["versao", "cliente"] {
        let index = json!({"name": field, "multiple": true, "fields": field});
        assert_eq!(desk.put(INDICES, index).await.status, 200);
    }
    assert_eq!(desk.found("consentimento", "versao=5.0").await, [id.as_str()]);
    assert_eq!(desk.found("consentimento", "cliente=A").await, [id.as_str()]);
    desk.world().set_search_lag(std::time::Duration::ZERO);
    assert!(desk.found("consentimento", "cliente=a").await.is_empty());
}
