//! The hook: where VTEX sends notifications about orders (`/api/orders/hook/config`). One for each app key, and
//! independent of the feed.

use std::collections::BTreeMap;

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};

use super::feed::{STATUSES, Told, has_statuses, json, post};
use crate::core::call::{Failure, Lane};
use crate::core::constant_time;
use crate::vtex::client::Client;
use crate::vtex::request::Request;

const CONFIG_PATH: &str = "/api/orders/hook/config";

/// Where notifications go, and what they carry so that we know them.
#[derive(Debug, Clone, Copy)]
pub struct HookTarget<'a> {
    pub url: &'a str,
    /// Name of the header, in lower case.
    pub header: &'a str,
    /// Its value.
    pub secret: &'a SecretString,
}

/// How the hook of our key is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// As we want it.
    Ours,
    /// Somebody has set it up for something else, or the address or the secret are new.
    Different,
    Missing,
}

impl Client {
    /// Looks at the configuration of the hook.
    pub async fn hook_state(&self, target: HookTarget<'_>) -> Told<HookState> {
        let request = Request::get(Lane::Orders, CONFIG_PATH.to_owned());
        self.told(&request, |result| match result {
            Ok(body) => json(&body, "configuration of the hook").map(|config| state(&config, target)),
            Err(Failure::Status { code: 404, .. }) => Ok(HookState::Missing),
            Err(failure) => Err(failure),
        })
        .await
    }

    /// Sets the hook up. VTEX asks the address first whether anybody answers there, and refuses with 400 otherwise.
    pub async fn set_hook(&self, target: HookTarget<'_>) -> Told<()> {
        let headers = BTreeMap::from([(target.header, target.secret.expose_secret())]);
        let body = json!({
            "filter": { "type": "FromWorkflow", "status": STATUSES },
            "hook": { "url": target.url, "headers": headers },
        });
        // What VTEX says about it may repeat the secret.
        let without_text = |failure| match failure {
            Failure::Status { code, .. } => Failure::Status { code, body: String::new() },
            failure => failure,
        };
        self.told(&post(CONFIG_PATH, &body), |result| result.map(drop).map_err(without_text)).await
    }

    /// Where the hook of our key leads; none: there is no hook.
    pub async fn hook_address(&self) -> Told<Option<String>> {
        let request = Request::get(Lane::Orders, CONFIG_PATH.to_owned());
        self.told(&request, |result| match result {
            Ok(body) => json(&body, "configuration of the hook")
                .map(|config| config["hook"]["url"].as_str().map(str::to_owned)),
            Err(Failure::Status { code: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        })
        .await
    }

    /// Deletes the hook of our key.
    pub async fn delete_hook(&self) -> Told<()> {
        let mut request = Request::get(Lane::Orders, CONFIG_PATH.to_owned());
        request.method = Method::DELETE;
        self.told(&request, |result| match result {
            Ok(_) | Err(Failure::Status { code: 404, .. }) => Ok(()),
            Err(failure) => Err(failure),
        })
        .await
    }
}

fn state(config: &Json, target: HookTarget<'_>) -> HookState {
    let hook = &config["hook"];
    let Some(url) = hook["url"].as_str().filter(|url| !url.is_empty()) else { return HookState::Missing };
    let value = hook["headers"].as_object().and_then(|headers| {
        let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(target.header))?;
        value.as_str()
    });
    let secret = target.secret.expose_secret().as_bytes();
    let is_signed = value.is_some_and(|value| constant_time::equal(secret, value.as_bytes()));
    if url == target.url && is_signed && has_statuses(&config["filter"]) {
        HookState::Ours
    } else {
        HookState::Different
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_ours_with_address_secret_and_statuses() {
        let secret = SecretString::from("s3cret".to_owned());
        let target = HookTarget { url: "https://loja.example/hook", header: "x-mare-hook", secret: &secret };
        let ours = json!({
            "filter": { "type": "FromWorkflow", "status": STATUSES },
            "hook": { "url": target.url, "headers": { "X-Mare-Hook": "s3cret" } },
        });
        assert_eq!(state(&ours, target), HookState::Ours);
        let change = |pointer: &str, value: Json| {
            let mut other = ours.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            state(&other, target)
        };
        assert_eq!(change("/hook/url", json!("https://loja.example/other")), HookState::Different);
        assert_eq!(change("/hook/headers", json!({ "x-mare-hook": "old" })), HookState::Different);
        assert_eq!(change("/hook/headers", json!(null)), HookState::Different);
        assert_eq!(change("/filter/status", json!(["invoiced"])), HookState::Different);
        assert_eq!(change("/filter/type", json!("FromOrders")), HookState::Different);
        assert_eq!(change("/hook", json!({})), HookState::Missing);
        assert_eq!(state(&json!({}), target), HookState::Missing);
    }
}
