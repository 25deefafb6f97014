//! Feed v3: the queue in which VTEX tells of orders (`/api/orders/feed`), and its configuration.

use std::time::{Duration, Instant};

use compact_str::CompactString;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::purchase::purchase;
use crate::core::call::{Failure, Lane, RateHint};
use crate::core::order::purchase::Purchase;
use crate::core::time::Timestamp;
use crate::vtex::client::Client;
use crate::vtex::json::parse_date;
use crate::vtex::request::{Refused, Request, push_escaped, push_segment};

const CONFIG_PATH: &str = "/api/orders/feed/config";
const FEED_PATH: &str = "/api/orders/feed";
const ORDERS_PATH: &str = "/api/oms/pvt/orders";

/// The most that VTEX gives at once.
pub const EVENTS_MAX: usize = 10;

/// What is asked for. VTEX does not check the spelling.
pub const STATUSES: [&str; 9] = [
    "ready-for-handling",
    "handling",
    "request-cancel",
    "cancellation-requested",
    "waiting-for-seller-decision",
    "canceled",
    "replaced",
    "invoiced",
    "order-creation-error",
];
/// How long what was read is hidden: longer than ten orders take. What a lost answer held comes again after this time, and
/// what takes longer comes twice, which changes nothing.
const VISIBILITY_SECONDS: u64 = 30;
/// How long VTEX keeps events: as long as it can (14 days), so that a machine may be off over the holidays.
const RETENTION_SECONDS: u64 = 1_209_600;

/// One message of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// With it the message is committed. Bound to one reading.
    pub handle: String,
    /// None: a message that is none, and is committed so that it blocks no other.
    pub order: Option<CompactString>,
    /// When the order came to the status that the message tells of.
    pub changed_at: Option<Timestamp>,
    /// The status that it came to.
    pub state: Option<CompactString>,
}

/// How the feed of our key is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedState {
    /// As we want it. Messages that wait, and the age of the oldest.
    Ours {
        waiting: Option<u64>,
        oldest: Option<Duration>,
    },
    /// Somebody has set it up for something else.
    Different,
    Missing,
}

/// What a question to VTEX came to, with what its headers say about the budget.
pub struct Told<T> {
    pub result: Result<T, Failure>,
    pub rate: RateHint,
    pub elapsed: Duration,
}

impl Client {
    /// Looks at the configuration of the feed.
    pub async fn feed_state(&self) -> Told<FeedState> {
        let request = Request::get(Lane::Orders, CONFIG_PATH.to_owned());
        self.told(&request, |result| match result {
            Ok(body) => json(&body, "configuration of the feed").map(|config| state(&config)),
            Err(Failure::Status { code: 404, .. }) => Ok(FeedState::Missing),
            Err(failure) => Err(failure),
        })
        .await
    }

    /// Sets the feed up. What the old one still held stays in it.
    pub async fn set_feed(&self) -> Told<()> {
        let body = json!({
            "filter": { "type": "FromWorkflow", "status": STATUSES },
            "queue": {
                "visibilityTimeoutInSeconds": VISIBILITY_SECONDS,
                "MessageRetentionPeriodInSeconds": RETENTION_SECONDS,
            },
        });
        let request = post(CONFIG_PATH, &body);
        self.told(&request, |result| result.map(drop)).await
    }

    /// The next messages, ten at most. `None`: the feed has no configuration (any more).
    pub async fn read_feed(&self) -> Told<Option<Vec<Event>>> {
        let request = Request::get(Lane::Orders, format!("{FEED_PATH}?maxlot={EVENTS_MAX}"));
        self.told(&request, |result| match result {
            Ok(body) => events(&body).map(Some),
            Err(Failure::Status { code: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        })
        .await
    }

    /// Says that these messages are dealt with.
    pub async fn commit_feed(&self, handles: &[String]) -> Told<()> {
        let request = post(FEED_PATH, &json!({ "handles": handles }));
        self.told(&request, |result| result.map(drop)).await
    }

    /// An order as it is now. `None`: VTEX does not know it, or not any more.
    pub async fn read_purchase(&self, order: &str) -> Told<Option<Purchase>> {
        let path = match order_path(order) {
            Ok(path) => path,
            Err(refused) => return not_sent(&refused),
        };
        self.told(&Request::get(Lane::Orders, path), |result| match result {
            Ok(body) => purchase(&body).map(Some),
            Err(Failure::Status { code: 404, .. }) => Ok(None),
            Err(Failure::Status { code, .. }) => Err(Failure::Status { code, body: String::new() }),
            Err(failure) => Err(failure),
        })
        .await
    }

    /// The e-mail address that a shopper has in Master Data; `None` also where that may not be read.
    pub async fn email_of(&self, profile: &str) -> Told<Option<String>> {
        let mut path = "/api/dataentities/CL/search?_fields=email&_where=userId".to_owned();
        push_escaped(&mut path, "=");
        push_escaped(&mut path, profile);
        let request = Request { range: Some("resources=0-2".into()), ..Request::get(Lane::People, path) };
        self.told(&request, |result| match result {
            Ok(body) => json(&body, "customer by profile").map(|found| {
                let documents = found.as_array().map_or(&[][..], Vec::as_slice);
                // Two documents with one profile are no answer.
                let [document] = documents else { return None };
                document["email"].as_str().map(str::to_owned)
            }),
            Err(Failure::Status { code: 400 | 401 | 403 | 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        })
        .await
    }

    pub(super) async fn told<T>(
        &self,
        request: &Request,
        read: impl FnOnce(Result<Vec<u8>, Failure>) -> Result<T, Failure>,
    ) -> Told<T> {
        let started = Instant::now();
        let (result, rate) = self.ask_with_rate(request).await;
        Told { result: read(result), rate, elapsed: started.elapsed() }
    }
}

fn not_sent<T>(refused: &Refused) -> Told<T> {
    let result = Err(Failure::Status { code: 400, body: format!("not sent: {refused}") });
    Told { result, rate: RateHint::default(), elapsed: Duration::ZERO }
}

pub(super) fn post(path: &str, body: &Json) -> Request {
    let mut request = Request::get(Lane::Orders, path.to_owned());
    request.method = Method::POST;
    request.body = Some(body.to_string());
    request
}

pub(super) fn order_path(order: &str) -> Result<String, Refused> {
    let mut path = ORDERS_PATH.to_owned();
    push_segment(&mut path, order)?;
    Ok(path)
}

pub(super) fn json(body: &[u8], what: &str) -> Result<Json, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::Malformed(format!("{what}: {:?} at column {}", error.classify(), error.column()))
    })
}

/// Ours is what [`Client::set_feed`] has made.
fn state(config: &Json) -> FeedState {
    if !has_statuses(&config["filter"]) {
        return FeedState::Different;
    }
    let seconds = config["approximateAgeOfOldestMessageInSeconds"].as_f64().filter(|age| *age >= 0.0);
    FeedState::Ours {
        waiting: config["quantity"].as_u64(),
        oldest: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    }
}

/// Whether a filter lets through what we ask for; a longer list is as good.
pub(super) fn has_statuses(filter: &Json) -> bool {
    let statuses = filter["status"].as_array().map_or(&[][..], Vec::as_slice);
    // No list: every status.
    let has = |wanted: &&str| statuses.is_empty() || statuses.iter().any(|status| status == *wanted);
    let is_workflow = filter["type"].as_str().is_none_or(|kind| kind.eq_ignore_ascii_case("FromWorkflow"));
    is_workflow && STATUSES.iter().all(has)
}

/// A message that is not understood is kept with its handle alone.
fn events(body: &[u8]) -> Result<Vec<Event>, Failure> {
    let events = json(body, "feed")?;
    let events = events.as_array().ok_or_else(|| Failure::Malformed("feed: no list".to_owned()))?;
    let field = |event: &Json, name: &str| {
        let fields = event.as_object()?;
        let (_, value) = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let event = |event: &Json| {
        Some(Event {
            handle: field(event, "handle")?,
            order: field(event, "orderId").map(CompactString::from),
            changed_at: field(event, "currentChange").and_then(|text| parse_date(&text)),
            state: field(event, "state").map(CompactString::from),
        })
    };
    Ok(events.iter().filter_map(event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_ours_when_it_has_every_status() {
        let ours = json!({
            "filter": { "type": "FromWorkflow", "status": STATUSES },
            "quantity": 127, "approximateAgeOfOldestMessageInSeconds": 78.5,
        });
        let state_of = |config: &Json| state(config);
        let expected = FeedState::Ours { waiting: Some(127), oldest: Some(Duration::from_millis(78_500)) };
        assert_eq!(state_of(&ours), expected);
        let all = json!({ "filter": { "type": "FromWorkflow" } });
        assert_eq!(state_of(&all), FeedState::Ours { waiting: None, oldest: None });
        for other in [
            json!({ "filter": { "type": "FromOrders", "expression": "value > 1" } }),
            json!({ "filter": { "type": "FromWorkflow", "status": ["ready-for-handling"] } }),
        ] {
            assert_eq!(state_of(&other), FeedState::Different, "{other}");
        }
    }

    #[test]
    fn a_message_that_is_none_is_kept_for_its_handle() {
        let body = br#"[{"handle":"h1","orderId":"1-01","currentChange":"2026-01-31T10:00:00Z"},
            {"handle":"h2","orderId":null,"currentChange":"yesterday"}, {"orderId":"2-01"}, 7,
            {"Handle":"h3","OrderId":"3-01"}]"#;
        let events = events(body).unwrap();
        let short: Vec<_> = events
            .iter()
            .map(|event| (event.handle.as_str(), event.order.as_deref(), event.changed_at.is_some()))
            .collect();
        assert_eq!(short, [("h1", Some("1-01"), true), ("h2", None, false), ("h3", Some("3-01"), false)]);
        assert!(super::events(b"{}").is_err() && super::events(b"<html>").is_err());
    }

    #[test]
    fn any_bytes_are_messages_or_an_error() {
        crate::mutation::each("feed", &crate::mutation::JSON, |body| drop(events(body)));
    }
}
