//! Talks to the running replicator through its admin endpoints.

use anyhow::{Context, bail};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::config::Config;

/// More than any answer of ours.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// One running replicator.
pub(super) struct AdminClient {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl AdminClient {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let mut address = config.admin.listen;
        if address.ip().is_unspecified() {
            address.set_ip([127, 0, 0, 1].into());
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(std::time::Duration::from_secs(30))
            .build()
            .context("cannot prepare an HTTP client")?;
        let token = config.admin.token.as_ref().map(|token| token.expose_secret().to_owned());
        Ok(Self { base: format!("http://{address}"), token, http })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(reqwest::Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(reqwest::Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(reqwest::Method::PATCH, path, Some(body)).await
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| {
            format!("no replicator answers at {}: is `mare run` running with this configuration?", self.base)
        })?;
        let status = response.status();
        let body = http_body_util::Limited::new(reqwest::Body::from(response), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("the answer of {} broke off: {error}", self.base))?
            .to_bytes();
        let answer = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        if !status.is_success() {
            let message =
                answer.get("error").and_then(Value::as_str).map_or(answer.to_string(), str::to_owned);
            bail!("{message} (HTTP {status})");
        }
        Ok(answer)
    }
}
