//! Master Data and the erasure of persons in the simulator. Every exchange is held against VTEX's files where these are
//! at hand.

mod customers;
mod disturbed;
mod entities;
mod erasure;
mod search;

use std::sync::OnceLock;

use mare::simulator::{MasterDataOptions, Options, World};
use serde_json::{Map, Value, json};

use crate::openapi::OpenApi;
use crate::{Answer, Scene, read};

const CUSTOMERS: &str = "/api/dataentities/CL/documents";
const ADDRESSES: &str = "/api/dataentities/AD/documents";

/// A simulator with a client that sends as VTEX's files want it.
struct Desk(Scene);

/// A request before it is sent.
struct Sent<'a> {
    method: &'a str,
    path: &'a str,
    body: Option<Value>,
    range: Option<&'a str>,
}

impl Desk {
    async fn start() -> Self {
        Self::with(MasterDataOptions::default()).await
    }

    async fn with(master_data: MasterDataOptions) -> Self {
        Self::with_all(Options { master_data, ..Options::default() }).await
    }

    async fn with_all(options: Options) -> Self {
        Self(Scene::with(options).await)
    }

    fn world(&self) -> &World {
        self.0.handle.world()
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// Searches an entity; the query without its `?`.
    async fn search(&self, entity: &str, query: &str, range: &str) -> Answer {
        let path = format!("/api/dataentities/{entity}/search?{query}");
        self.checked(Sent { method: "GET", path: &path, body: None, range: Some(range) }).await
    }

    /// The ids that a search finds.
    async fn found(&self, entity: &str, query: &str) -> Vec<String> {
        let answer = self.search(entity, &format!("{query}&_fields=id&_schema=any"), "resources=0-100").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let documents = answer.body.as_array().unwrap().iter();
        documents.map(|document| document["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Creates a customer; gives the id.
    async fn customer(&self, email: &str) -> String {
        let body =
            json!({"email": email, "firstName": "Ana", "lastName": "Souza", "isNewsletterOptIn": false});
        let answer = self.post(CUSTOMERS, body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["DocumentId"].as_str().unwrap().to_owned()
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.checked(Sent { method, path, body, range: None }).await
    }

    async fn checked(&self, sent: Sent<'_>) -> Answer {
        let mut request = self.0.request(sent.method, sent.path, sent.body.clone());
        if let Some(range) = sent.range {
            request = request.header("rest-range", range);
        }
        let answer = read(request.send().await.unwrap()).await;
        static FILES: OnceLock<Option<OpenApi>> = OnceLock::new();
        if let Some(files) = FILES.get_or_init(OpenApi::from_environment) {
            let exchange = exchange(&sent, &answer);
            let findings = files.findings(&exchange);
            assert!(findings.is_empty(), "{findings:#?}\n{exchange:#}");
        }
        answer
    }
}

fn by_id(id: &str) -> String {
    format!("{CUSTOMERS}/{id}")
}

fn exchange(sent: &Sent<'_>, answer: &Answer) -> Value {
    let url = reqwest::Url::parse(&format!("http://vtex{}", sent.path)).unwrap();
    let query: Map<String, Value> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    let mut headers = json!({"accept": "application/json", "content-type": "application/json"});
    if let Some(range) = sent.range {
        headers["rest-range"] = range.into();
    }
    json!({
        "method": sent.method,
        "path": url.path(),
        "query": query,
        "headers": headers,
        "body": sent.body,
        "status": answer.status,
        "response_headers": {"content-type": answer.header("content-type")},
        "response_body": answer.body,
    })
}

#[tokio::test]
async fn the_check_against_the_files_finds_what_is_wrong() {
    let Some(files) = OpenApi::from_environment() else { return };
    let desk = Desk::start().await;
    let sent = |path, range| Sent { method: "GET", path, body: None, range };
    let post = Sent {
        method: "POST",
        path: CUSTOMERS,
        body: Some(json!({"email": "ana@loja.com.br"})),
        range: None,
    };
    let created = exchange(&post, &desk.post(CUSTOMERS, post.body.clone().unwrap()).await);
    let path = "/api/dataentities/CL/search?email=ana@loja.com.br&_fields=email";
    let found = desk.search("CL", "email=ana@loja.com.br&_fields=email", "resources=0-1").await;
    let found = exchange(&sent(path, Some("resources=0-1")), &found);
    let broken = |right: &Value, change: fn(&mut Value)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        files.findings(&wrong).len()
    };
    assert_eq!((broken(&created, |_| {}), broken(&found, |_| {})), (0, 0));
    assert_eq!(broken(&created, |created| created["body"]["isNewsleterOptIn"] = true.into()), 1);
    assert_eq!(broken(&created, |created| created["body"]["isNewsletterOptIn"] = "true".into()), 1);
    assert_eq!(broken(&created, |created| created["status"] = 204.into()), 1);
    assert_eq!(broken(&created, |created| created["response_body"]["invented"] = 1.into()), 1);
    assert_eq!(
        broken(&created, |created| drop(created["headers"].as_object_mut().unwrap().remove("accept"))),
        1
    );
    assert_eq!(broken(&created, |created| created["path"] = "/api/dataentities/CL/document".into()), 1);
    assert_eq!(
        broken(&found, |found| drop(found["headers"].as_object_mut().unwrap().remove("rest-range"))),
        1
    );
    assert_eq!(broken(&found, |found| found["query"]["_page"] = "1".into()), 1);
    assert_eq!(broken(&found, |found| found["response_body"] = json!({})), 1);
    let job = desk.post("/api/user-rights/forget/jobs", json!({"email": "ana@loja.com.br"})).await;
    let body = Some(json!({"email": "ana@loja.com.br"}));
    let job =
        exchange(&Sent { method: "POST", path: "/api/user-rights/forget/jobs", body, range: None }, &job);
    assert_eq!(broken(&job, |job| job["body"] = json!({"mail": "a"})), 2, "one is missing, one is too many");
    assert_eq!(broken(&job, |job| job["response_body"] = json!({})), 1);
}
