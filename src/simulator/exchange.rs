//! One request from its header to its answer, checked in VTEX's order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};

use super::api::{self, Call};
use super::counters::NO_ANSWER;
use super::fault::{Aim, Ending, Outage, Strike};
use super::in_flight::InFlightGuard;
use super::record::{Answer, Exchange, Recorder};
use super::reply::{Body, Reply};
use super::route::{self, Area, Target, Unroutable};
use super::world::World;
use super::{access, admin};

/// Largest body of a VTEX call; the batch look-up with a few thousand RefIds stays far below.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest file of a bulk job: some millions of rows.
const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection closed on purpose")]
pub(super) struct Hangup;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) world: Arc<World>,
    pub(super) recorder: Option<Recorder>,
}

pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Hangup> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with(admin::PREFIX) {
        return Ok(admin::answer(&shared.world, &parts, body).await);
    }
    let is_file = parts.uri.path().starts_with(api::STORAGE_PREFIX);
    let limit = if is_file { FILE_BYTES_MAX } else { BODY_BYTES_MAX };
    let Ok(body) = Limited::new(body, limit).collect().await else {
        return Ok(Reply::empty(413).into_response());
    };
    let body = body.to_bytes();
    shared.world.work_on_bulk_jobs();
    if is_file {
        // Not VTEX, so in no record of exchanges with VTEX.
        return Ok(api::answer_storage(&shared.world, &parts, body).into_response());
    }
    let reply = exchange(&shared.world, &parts, &body).await;
    if let Some(recorder) = &shared.recorder {
        recorder.record(recorded(&shared.world, parts, body, reply.as_ref())).await;
    }
    reply.map(Reply::into_response).ok_or(Hangup)
}

/// `None`: no answer, the connection is closed.
async fn exchange(world: &World, parts: &Parts, body: &Bytes) -> Option<Reply> {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let target = match route::find(&world.options.account, method, path) {
        Ok(target) => target,
        Err(unroutable) => {
            world.counters.violation("unknown route", &format!("{method} {path}"));
            return Some(Reply::empty(if unroutable == Unroutable::Method { 405 } else { 404 }));
        }
    };
    let counted = CountedAnswer { world, target: &target };
    let reply = match admit(world, &target, parts) {
        Err(refusal) => refusal,
        Ok(grant_headers) => {
            let reply = process(world, &target, parts, body).await;
            reply.map(|reply| reply.with_rate(grant_headers))
        }
    };
    counted.finish(reply)
}

/// Counts the request when it ends; a client that went away in the middle counts as one without an answer.
struct CountedAnswer<'a> {
    world: &'a World,
    target: &'a Target<'a>,
}

impl CountedAnswer<'_> {
    fn finish(self, reply: Option<Reply>) -> Option<Reply> {
        self.count(reply.as_ref().map_or(NO_ANSWER, |reply| reply.status));
        std::mem::forget(self);
        reply
    }

    fn count(&self, status: u16) {
        self.world.counters.answered(self.target.route, status);
    }
}

impl Drop for CountedAnswer<'_> {
    fn drop(&mut self) {
        self.count(NO_ANSWER);
    }
}

/// Everything that VTEX decides before it processes a request. The refusal `None` is a closed connection.
fn admit(
    world: &World,
    target: &Target<'_>,
    parts: &Parts,
) -> Result<Option<super::bucket::Grant>, Option<Reply>> {
    match world.outage() {
        Outage::Off => {}
        Outage::Unavailable => return Err(Some(Reply::unavailable(None))),
        Outage::Reset => return Err(None),
    }
    let refuse =
        |reply: Reply| Err(Some(reply.with_rate(shown_rate(target, world.limiter.look(target.route)))));
    if let Some(missing) = access::missing_header(&parts.headers) {
        world.counters.violation(missing, &format!("{} {}", parts.method, parts.uri.path()));
        return refuse(Reply::error(400, missing));
    }
    if let Some(refusal) = world.access.refusal(target.route, &parts.headers) {
        return refuse(refusal);
    }
    let grant = world.limiter.take(target.route);
    if let Some(limited) = grant.filter(|grant| !grant.granted) {
        world.counters.limited(target.route);
        let seconds = u32::try_from(limited.retry_after_seconds).unwrap_or(u32::MAX);
        // Only Pricing promises Retry-After; elsewhere VTEX's documents name no header.
        let retry_after = (target.route.area() == Area::Pricing).then_some((seconds, false));
        return Err(Some(Reply::too_many_requests(retry_after).with_rate(shown_rate(target, grant))));
    }
    Ok(shown_rate(target, grant))
}

/// Only Pricing shows its limiter in headers.
fn shown_rate(target: &Target<'_>, grant: Option<super::bucket::Grant>) -> Option<super::bucket::Grant> {
    grant.filter(|_| target.route.area() == Area::Pricing)
}

/// Faults, locks, latency and at last the call itself.
async fn process(world: &World, target: &Target<'_>, parts: &Parts, body: &Bytes) -> Option<Reply> {
    let query = parts.uri.query().unwrap_or("");
    let call = Call { world, target, query, headers: &parts.headers, body };
    let (locked_out, _guard) = lock(call);
    let aim = Aim {
        route: target.route,
        path: parts.uri.path(),
        sku: &target.first,
        warehouse: &target.second,
        account: &world.options.account,
    };
    let struck = world.faults.draw(&aim);
    let latency = world.draw_latency();
    sleep(latency / 2).await;
    let reply = match (struck, locked_out) {
        (Some(strike), _) => suffer(call, strike).await?,
        (None, Some(refusal)) => refusal,
        (None, None) => api::answer(call).await,
    };
    sleep(latency / 2).await;
    Some(reply)
}

/// Enters the key of a write. Gives VTEX's refusal when another write of the key holds the lock.
fn lock(call: Call<'_>) -> (Option<Reply>, Option<InFlightGuard<'_>>) {
    let Some(key) = api::write_key(call) else { return (None, None) };
    let (count, guard) = call.world.in_flight.enter(key);
    // A row of a job that VTEX is at work on counts like a request under way.
    let count = count + u32::from(call.world.is_in_bulk_job(key));
    call.world.counters.in_flight(count);
    let refusal = if guard.shares() { api::locked_out(call, key) } else { None };
    (refusal, Some(guard))
}

async fn suffer(call: Call<'_>, strike: Strike) -> Option<Reply> {
    if matches!(strike.ending, Ending::Genuine) {
        sleep(strike.delay).await;
        return Some(api::answer(call).await);
    }
    if strike.apply {
        // The answer is lost on purpose; the effect stays.
        api::answer(call).await;
    }
    sleep(strike.delay).await;
    match strike.ending {
        Ending::Answer(reply) => Some(reply),
        Ending::Genuine | Ending::Hangup => None,
    }
}

async fn sleep(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn recorded(world: &World, parts: Parts, body: Bytes, reply: Option<&Reply>) -> Exchange {
    let path = parts.uri.path();
    let account = &world.options.account;
    let without_account = path.strip_prefix('/').and_then(|path| path.strip_prefix(account.as_str()));
    let path = match without_account {
        Some(path) if path.starts_with("/dataentities/") => format!("/api{path}"),
        // The account belongs to the server's URL.
        Some(path) if path.starts_with("/availability/") => path.to_owned(),
        // As at api.vtex.com, whose base URL has the account in its path.
        None if path.starts_with("/pricing/") => format!("/{account}{path}"),
        _ => path.to_owned(),
    };
    let exchange = Exchange {
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body,
        answer: reply.map(|reply| Answer {
            status: reply.status,
            headers: reply.headers().collect(),
            body: reply.body.clone(),
        }),
    };
    if world.options.record_personal_data { exchange } else { exchange.without_personal_data() }
}
