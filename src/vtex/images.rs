//! A look at an image before VTEX is told to fetch it: what VTEX could not fetch costs no request of its budget, and the
//! reason is known.
//!
//! It is seen as VTEX would see it: from the internet, so private addresses do not count, and without a `User-Agent`
//! (known issue 1069222). Nothing of ours goes along, the credentials least of all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, Response, StatusCode, Url};

use super::failure;

/// The largest image that VTEX advises, in bytes.
const SIZE_MAX: u64 = 4 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
const REDIRECTS_MAX: usize = 3;

/// Looks at images.
pub(super) struct Images {
    http: reqwest::Client,
    reach: Reach,
    timeout: Duration,
}

/// Which addresses VTEX reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those of the internet.
    Internet,
    /// All: it is a simulator on this machine.
    Everything,
}

impl Images {
    pub(super) fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        Self::with(reach, TIMEOUT)
    }

    fn with(reach: Reach, timeout: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .redirect(Policy::custom(move |attempt| follow(attempt, reach)))
            .retry(reqwest::retry::never())
            // What is compressed does not tell its size.
            .no_gzip()
            .no_proxy()
            .dns_resolver(Resolver(reach))
            .build()?;
        Ok(Self { http, reach, timeout })
    }

    /// Why VTEX could not fetch the image, for people; none: nothing speaks against it.
    pub(super) async fn objection(&self, url: &str) -> Option<String> {
        self.look(url).await.err()
    }

    async fn look(&self, text: &str) -> Result<(), String> {
        let url = Url::parse(text).map_err(|error| format!("no address: {error}"))?;
        check_address(&url, self.reach)?;
        let mut response = self.ask(Method::HEAD, &url).await?;
        if matches!(response.status(), StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) {
            // Its body is not read.
            response = self.ask(Method::GET, &url).await?;
        }
        if !response.status().is_success() {
            return Err(format!("the server answers {}", response.status()));
        }
        check_headers(response.headers())
    }

    async fn ask(&self, method: Method, url: &Url) -> Result<Response, String> {
        let sent = self.http.request(method, url.clone()).send().await;
        sent.map_err(|error| match error.is_timeout() {
            true => format!("no answer within {:?}", self.timeout),
            false => failure::chain(&error),
        })
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind =
        text(CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or_default().trim().to_lowercase());
    // Storage often says of every file that it is bytes; VTEX goes by the extension.
    let is_image = |kind: &str| kind.starts_with("image/") || kind.ends_with("/octet-stream");
    if let Some(kind) = kind.filter(|kind| !kind.is_empty() && !is_image(kind)) {
        return Err(format!("the server says that it is no image but {kind}"));
    }
    match text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
        Some(0) => Err("it is empty".to_owned()),
        Some(length) if length > SIZE_MAX => Err(format!("it has {length} bytes; VTEX takes {SIZE_MAX}")),
        _ => Ok(()),
    }
}

/// Hosts that are named are judged when they are resolved.
fn check_address(url: &Url, reach: Reach) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its address begins with neither https:// nor http://".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) if !reach.includes(address) => Err(Private.to_string()),
        _ => Ok(()),
    }
}

fn follow(attempt: Attempt<'_>, reach: Reach) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(format!("more than {REDIRECTS_MAX} redirects"));
    }
    match check_address(attempt.url(), reach) {
        Ok(()) => attempt.follow(),
        Err(reason) => attempt.error(reason),
    }
}

#[derive(Debug)]
struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its host has a private address, which VTEX cannot reach")
    }
}

impl std::error::Error for Private {}

/// The system's resolver, without the addresses that are out of reach.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reachable: Vec<_> = found.filter(|address| reach.includes(address.ip())).collect();
            if reachable.is_empty() {
                return Err(Private.into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}

impl Reach {
    fn includes(self, address: IpAddr) -> bool {
        self == Self::Everything
            || match address {
                IpAddr::V4(address) => is_public(address),
                IpAddr::V6(address) => match address.to_ipv4_mapped() {
                    Some(mapped) => is_public(mapped),
                    None => is_public_v6(address),
                },
            }
    }
}

/// Whether the internet routes it (IANA's registry of special-purpose addresses).
fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let reserved = first == 0 || first >= 240;
    let benchmark = first == 198 && matches!(second, 18 | 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || shared
        || reserved
        || benchmark)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    let unique_local = first & 0xfe00 == 0xfc00;
    let link_local = first & 0xffc0 == 0xfe80;
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || unique_local
        || link_local)
}

#[cfg(test)]
mod tests;
