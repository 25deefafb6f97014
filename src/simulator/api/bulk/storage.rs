//! The storage that holds the files of jobs. It is not VTEX: it takes no credentials, only addresses that it signed.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;

use super::super::super::reply::Reply;
use super::super::super::route::query_value;
use super::super::super::world::{Refused, World};
use super::super::Call;

pub(in super::super::super) const PREFIX: &str = "/_storage/";

pub(super) fn address(call: Call<'_>, file: &str, signature: &str) -> String {
    format!("http://{}{PREFIX}{file}?X-Signature={signature}", super::host(call))
}

pub(in super::super::super) fn answer(world: &World, parts: &Parts, body: Bytes) -> Reply {
    let path = parts.uri.path();
    // Whoever runs the storage could read them.
    if ["x-vtex-api-appkey", "x-vtex-api-apptoken"].iter().any(|name| parts.headers.contains_key(*name)) {
        world.counters.violation("credentials sent to the storage", path);
    }
    let file = path.strip_prefix(PREFIX).unwrap_or_default();
    let signature = query_value(parts.uri.query().unwrap_or_default(), "X-Signature").unwrap_or_default();
    let result = match (parts.method.as_str(), file.strip_suffix(".csv")) {
        ("PUT", Some(id)) if is_csv(&parts.headers) => {
            world.bulk.upload(world, id, &signature, body, world.now()).map(|()| Reply::empty(200))
        }
        ("PUT", Some(_)) => Err(Refused::Signature), // the content type is signed, too
        ("GET", Some(report)) => {
            let id = report.strip_suffix("-errors").unwrap_or_default();
            world.bulk.report(id, &signature).map(Reply::csv)
        }
        _ => Err(Refused::Unknown),
    };
    result.unwrap_or_else(|refused| {
        Reply::empty(match refused {
            Refused::Unknown => 404,
            Refused::Signature => 403,
            Refused::Size | Refused::State => 400,
            Refused::Unavailable => 503,
        })
    })
}

fn is_csv(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value == "text/csv")
}
