//! One request to a webhook.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use secrecy::ExposeSecret as _;

use super::{Outbox, ReadContact, Webhook};
use crate::core::message::Message;
use crate::core::message::signature::{HEADER, IDEMPOTENCY_HEADER, sign};
use crate::core::message::template::Contact;
use crate::core::message::verdict::{Outcome, retry_after};

/// HTTP could not be prepared.
#[derive(Debug, thiserror::Error)]
#[error("HTTP for messages to customers cannot be prepared: {0}")]
pub struct PostError(#[from] reqwest::Error);

/// Follows nobody anywhere: what is signed for one receiver is not sent to another.
pub(super) fn client(timeout: Duration) -> Result<reqwest::Client, PostError> {
    Ok(reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("mare/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

impl Outbox {
    /// Sends a message. What the receiver answers besides the status is not read.
    pub(super) async fn post(&self, webhook: &Webhook, message: &Message, read: &ReadContact) -> Outcome {
        let body = match self.body(webhook, message, read).await {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        let now = (self.parts.now)();
        let seconds = u64::try_from(now.0 / 1_000_000).unwrap_or_default();
        let signature = sign(webhook.secret.expose_secret().as_bytes(), seconds, body.as_bytes());
        let mut request = self
            .http
            .post(&webhook.url)
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_HEADER, message.idempotency_key())
            .header(HEADER, signature);
        for (name, value) in &webhook.headers {
            request = request.header(name, value.expose_secret());
        }
        match request.body(body).send().await {
            Ok(response) => Outcome::Answered {
                status: response.status().as_u16(),
                retry_after: response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|text| retry_after(text, now)),
            },
            Err(error) => Outcome::Unanswered(unanswered(&error)),
        }
    }

    async fn body(
        &self,
        webhook: &Webhook,
        message: &Message,
        read: &ReadContact,
    ) -> Result<String, Outcome> {
        let template = webhook.template(&message.status);
        let contact = if template.personal().next().is_none() {
            Contact::default()
        } else {
            match read(message.order.clone()).await {
                Ok(Some(contact)) => contact,
                Ok(None) => return Err(Outcome::Unfit("VTEX shows nobody who placed the order".to_owned())),
                Err(why) => return Err(Outcome::NotReady(why)),
            }
        };
        template.fill(message, &contact).map_err(|missing| {
            Outcome::Unfit(format!("the order has no {}, which the template names", missing.name()))
        })
    }
}

/// Without the address, which may hold a key of the receiver's.
fn unanswered(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let cause = std::iter::successors(error.source(), |&error| error.source()).last();
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    cause.map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"))
}
