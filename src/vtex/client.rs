//! Sending a call and reading its answer.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::body::{self, Body};
use super::credentials::{Credentials, CredentialsError, Keyring};
use super::images::{Images, Reach};
use super::request::Request;
use super::settings::{Endpoints, SettingsError, VtexSettings};
use super::{bulk, catalog, failure, logistics, orders, people, pricing, rate};
use crate::core::call::catalog::{CatalogAnswer, CatalogCall};
use crate::core::call::{Answer, Call, Failure, Lane, Outcome, RateHint};

const KEY: HeaderName = HeaderName::from_static("x-vtex-api-appkey");
const TOKEN: HeaderName = HeaderName::from_static("x-vtex-api-apptoken");

/// Idle connections are closed before the servers and the middle boxes on the way forget them in silence.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// An order has some 3 KiB for each of its lines.
const ORDER_LIMIT: usize = 16 << 20;

/// A dead HTTP/2 connection carries every request of its host, so it must be noticed soon.
const HTTP2_PING_EVERY: Duration = Duration::from_secs(15);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(5);

/// The client of one VTEX account. Share it in an `Arc`: it holds the connection pool.
pub struct Client {
    http: reqwest::Client,
    endpoints: Endpoints,
    body_limit: usize,
    /// The entity of Master Data v2 that holds acts of consent.
    pub(super) consent_entity: String,
    keyring: RwLock<Arc<Keyring>>,
    /// Its settings say which addresses may be sent to.
    settings: VtexSettings,
    /// Looks at images before they are sent, where that is wanted.
    images: Option<Images>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("the HTTP client cannot be built: {0}")]
    Http(String),
}

/// What came back: enough to tell success from failure without HTTP types.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) html: bool,
    pub(super) body: Body,
    pub(super) rate: RateHint,
}

impl Client {
    /// Builds the pool without connecting.
    ///
    /// # Errors
    /// Settings or credentials that no request could be made with.
    pub fn new(settings: &VtexSettings, credentials: Credentials) -> Result<Self, ClientError> {
        settings.validate()?;
        let endpoints = settings.endpoints()?;
        let keyring = RwLock::new(Arc::new(Keyring::new(credentials)?));
        let json = HeaderValue::from_static("application/json");
        // VTEX declares both as required for every operation, GET and DELETE included.
        let headers = HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.connect_timeout())
            .timeout(settings.request_timeout())
            .pool_max_idle_per_host(settings.pool_size)
            .pool_idle_timeout(POOL_IDLE)
            .http2_keep_alive_interval(HTTP2_PING_EVERY)
            .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT)
            // A redirect would take the credentials elsewhere and make a write a GET.
            .redirect(reqwest::redirect::Policy::none())
            // Every request must be known to the limiter: repeating is not decided in here.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| ClientError::Http(failure::chain(&error)))?;
        let consent_entity = settings.consent_entity.clone();
        let (body_limit, settings) = (settings.body_limit, settings.clone());
        Ok(Self { http, endpoints, body_limit, consent_entity, keyring, settings, images: None })
    }

    /// From now on an image is looked at before it is sent; one that VTEX could not fetch is not sent.
    ///
    /// # Errors
    /// When the system lets no client be made.
    pub fn checking_images(mut self) -> Result<Self, ClientError> {
        // What VTEX reaches is the internet; a simulator on this machine reaches what we reach.
        let reach = if self.endpoints.are_here() { Reach::Everything } else { Reach::Internet };
        let images = Images::new(reach).map_err(|error| ClientError::Http(failure::chain(&error)))?;
        self.images = Some(images);
        Ok(self)
    }

    /// Replaces the credentials; requests under way keep theirs.
    ///
    /// # Errors
    /// Credentials that no header could carry: the old ones stay.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), CredentialsError> {
        let keyring = Arc::new(Keyring::new(credentials)?);
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = keyring;
        Ok(())
    }

    /// Makes one call: one request, or two when the first token was refused and there is another.
    ///
    /// Cancelling (dropping) it leaves the outcome of a write open. A call that must not be sent as it is
    /// ends as `Status { code: 400 }` with a body that begins with "not sent".
    pub async fn execute(&self, call: &Call) -> Outcome {
        let started = Instant::now();
        let keyring = self.keyring();
        let mut rate = RateHint::default();
        if let Call::Bulk(call) = call
            && call.is_elsewhere()
        {
            let (result, rate) = bulk::transfer(self, call).await;
            let result = result.map_err(|failure| failure::clean(failure, &keyring));
            return Outcome { result, rate, elapsed: started.elapsed() };
        }
        if let Some(reason) = self.objection(call).await {
            let result = Ok(Answer::Catalog(CatalogAnswer::Unfit(reason)));
            return Outcome { result, rate, elapsed: started.elapsed() };
        }
        let result = match Request::of(call, &self.consent_entity) {
            Err(refused) => Err(Failure::Status { code: 400, body: format!("not sent: {refused}") }),
            Ok(request) => self.send(&keyring, &request).await.and_then(|reply| {
                rate = reply.rate;
                answer(call, &reply)
            }),
        };
        let result = result.map_err(|failure| failure::clean(without_person(failure, call), &keyring));
        Outcome { result, rate, elapsed: started.elapsed() }
    }

    /// Why an image is not sent.
    async fn objection(&self, call: &Call) -> Option<String> {
        let (
            Call::Catalog(CatalogCall::AddImage { image, .. } | CatalogCall::PutImage { image, .. }),
            Some(images),
        ) = (call, &self.images)
        else {
            return None;
        };
        images.objection(&image.url).await
    }

    /// Sends a request that is no [`Call`] and wants JSON back: what `check` asks.
    pub(super) async fn ask(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        let keyring = self.keyring();
        let reply = self.send(&keyring, request).await;
        reply.and_then(success).map_err(|failure| failure::clean(failure, &keyring))
    }

    /// The connections, without any credentials.
    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn account(&self) -> &str {
        &self.settings.account
    }

    /// Whether an address that an answer named may be used.
    pub(super) fn may_send_to(&self, url: &reqwest::Url) -> bool {
        self.settings.may_send_to(url)
    }

    /// As [`Client::ask`], with what the headers say about the budget.
    pub(super) async fn ask_with_rate(&self, request: &Request) -> (Result<Vec<u8>, Failure>, RateHint) {
        let keyring = self.keyring();
        match self.send(&keyring, request).await {
            Ok(reply) => {
                let rate = reply.rate;
                (success(reply).map_err(|failure| failure::clean(failure, &keyring)), rate)
            }
            Err(failure) => (Err(failure::clean(failure, &keyring)), RateHint::default()),
        }
    }

    fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn send(&self, keyring: &Keyring, request: &Request) -> Result<Reply, Failure> {
        let (number, token) = keyring.first();
        let reply = self.send_with(keyring, token, request).await?;
        let Some((other, token)) = keyring.other(number).filter(|_| reply.status == 401) else {
            return Ok(reply);
        };
        let reply = self.send_with(keyring, token, request).await?;
        if reply.status != 401 {
            keyring.prefer(other);
        }
        Ok(reply)
    }

    async fn send_with(
        &self,
        keyring: &Keyring,
        token: &HeaderValue,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let url = format!("{}{}", self.endpoints.of(request.lane), request.path);
        let mut builder =
            self.http.request(request.method.clone(), url).header(KEY, &keyring.key).header(TOKEN, token);
        if let Some(range) = &request.range {
            builder = builder.header("rest-range", range.as_ref());
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let response = builder.send().await.map_err(|error| failure::of_sending(&error))?;
        let status = response.status().as_u16();
        let rate = rate::hint(response.headers(), SystemTime::now());
        let declared_html = is_html(response.headers());
        let limit =
            if request.lane == Lane::Orders { self.body_limit.max(ORDER_LIMIT) } else { self.body_limit };
        let body = body::read(response, limit).await;
        let html = declared_html || body.bytes.trim_ascii_start().starts_with(b"<");
        Ok(Reply { status, html, body, rate })
    }
}

/// What a reply means for the call that asked for it.
fn answer(call: &Call, reply: &Reply) -> Result<Answer, Failure> {
    // The page of a proxy is not VTEX saying that it has no price.
    if reply.status == 404 && !reply.html && matches!(call, Call::ReadPrice { .. }) {
        return Ok(Answer::Price(None));
    }
    match call {
        Call::Catalog(call) => {
            return catalog::answer(call, reply.status, reply.html, &|| success_body(reply));
        }
        Call::Order(call) => return orders::answer(call, reply.status, reply.html, &|| success_body(reply)),
        Call::People(call) => return people::answer(call, reply.status, reply.html, &|| success_body(reply)),
        Call::Bulk(call) => return bulk::answer(call, reply),
        _ => {}
    }
    let body = success_body(reply)?;
    match call {
        Call::ReadStock { warehouse, .. } => logistics::balance(body, warehouse).map(Answer::Stock),
        Call::ReadBalances { warehouses, .. } => logistics::balances(body, warehouses).map(Answer::Balances),
        Call::ReadPrice { sku } => pricing::prices(body, *sku).map(|price| Answer::Price(Some(price))),
        Call::FindSkus { refs } => catalog::skus(body, refs).map(Answer::Skus),
        Call::SetStock { .. }
        | Call::PutPrice { .. }
        | Call::PatchFixed { .. }
        | Call::DeleteFixed { .. }
        | Call::DeletePrice { .. }
        | Call::Catalog(_)
        | Call::People(_)
        | Call::Order(_)
        | Call::Bulk(_) => Ok(Answer::Done),
    }
}

/// What VTEX repeats of a person in its messages goes no further.
fn without_person(failure: Failure, call: &Call) -> Failure {
    match call {
        Call::People(call) => people::without_person(failure, call),
        _ => failure,
    }
}

fn success(reply: Reply) -> Result<Vec<u8>, Failure> {
    success_body(&reply)?;
    Ok(reply.body.bytes)
}

/// The body of a success: complete, and no web page. A page with status 200 is what captive portals and
/// firewalls answer with, so not even a write may take it for a confirmation.
pub(super) fn success_body(reply: &Reply) -> Result<&[u8], Failure> {
    let bytes = &reply.body.bytes;
    if !(200..300).contains(&reply.status) {
        let body = String::from_utf8_lossy(bytes).into_owned();
        return Err(Failure::Status { code: reply.status, body });
    }
    if let Some(failure) = &reply.body.broken {
        return Err(failure.clone());
    }
    if reply.html {
        let text = String::from_utf8_lossy(bytes);
        return Err(Failure::Malformed(format!("status {} with a web page: {text}", reply.status)));
    }
    Ok(bytes)
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html"))
}
