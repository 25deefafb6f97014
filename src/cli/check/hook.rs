//! Whether VTEX can reach the hook of orders. Nothing here keeps `mare run` from working: the feed needs no hook.

use std::io::ErrorKind;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::core::call::Failure;
use crate::orders::HookSettings;
use crate::source::finding::Finding;
use crate::vtex::{Client, HookState};

/// VTEX waits as long.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const SUBJECT: &str = "orders hook";

pub(super) async fn check(config: &Config, client: &Client) -> Vec<Finding> {
    let Some(hook) = config.orders.as_ref().and_then(|orders| orders.hook.as_ref()) else {
        return Vec::new();
    };
    match hook.settings() {
        Ok(settings) => vec![reached(&settings).await, set_up(&settings, client).await],
        Err(error) => vec![Finding::error(SUBJECT, error.to_string(), "set what it names")],
    }
}

/// Asks the public address as VTEX does, with somebody who answers behind it.
async fn reached(settings: &HookSettings) -> Finding {
    let stand_in = match TcpListener::bind(settings.listen).await {
        Ok(listener) => Some(tokio::spawn(async move {
            let all_is_well = Router::new().fallback(|| async { StatusCode::OK });
            axum::serve(listener, all_is_well).await
        })),
        // The replicator runs, most likely.
        Err(error) if error.kind() == ErrorKind::AddrInUse => None,
        Err(error) => {
            let message = format!("cannot listen on {}: {error}", settings.listen);
            return Finding::error(SUBJECT, message, "correct orders.hook.listen");
        }
    };
    let answer = ping(settings).await;
    if let Some(stand_in) = stand_in {
        stand_in.abort();
    }
    let why = match answer {
        Ok(StatusCode::OK) => {
            return Finding::ok(SUBJECT, format!("{} leads to {}", settings.url, settings.listen));
        }
        Ok(status) => format!("answers {status}"),
        Err(error) if error.is_timeout() => "does not answer within 5 seconds".to_owned(),
        Err(error) => {
            let error = error.without_url();
            let cause =
                std::iter::successors(std::error::Error::source(&error), |error| error.source()).last();
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    };
    let message = format!("{} is not reached from here: {why}", settings.url);
    let remedy = "let the reverse proxy or tunnel lead it to orders.hook.listen, with path, header and body (from outside it \
                  may be reached all the same); until then the feed does it alone";
    Finding::warning(SUBJECT, message, remedy)
}

async fn ping(settings: &HookSettings) -> Result<StatusCode, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
    let request = client
        .post(&settings.url)
        .header("content-type", "application/json")
        .header(&settings.header, settings.secret.expose_secret())
        .body(r#"{"hookConfig":"ping"}"#);
    Ok(request.send().await?.status())
}

async fn set_up(settings: &HookSettings, client: &Client) -> Finding {
    let subject = "vtex orders hook";
    match client.hook_state(settings.target()).await.result {
        Ok(HookState::Ours) => Finding::ok(subject, "VTEX sends notifications"),
        Ok(HookState::Missing) => Finding::ok(subject, "not set up yet: `mare run` does it"),
        Ok(HookState::Different) => Finding::warning(
            subject,
            "the hook of this key is set up otherwise, and `mare run` takes it over",
            "if another program uses it: give maré a key of its own",
        ),
        Err(Failure::Status { code: 401 | 403, .. }) => Finding::warning(
            subject,
            "the key may not see the hook",
            "License Manager: give the key \"Feed v3 and Hook Admin\"",
        ),
        Err(failure) => Finding::warning(
            subject,
            format!("it cannot be looked at: {failure:?}"),
            "try again when VTEX works",
        ),
    }
}
