//! Search by range and scroll by token. Both are eventually consistent.

use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::super::super::reply::Reply;
use super::super::super::route::{Route, query_pairs, query_value};
use super::super::super::world::{Condition, Hit, Page, Query};
use super::super::Call;
use super::{bad, check_private, check_readable, check_schema_named, entity, shown};

/// Most documents of one search.
const RANGE_MAX: usize = 100;
/// Search reaches so far; beyond it there is scroll.
const DEPTH_MAX: usize = 10_000;
const SCROLL_PAGE_MAX: usize = 1_000;
const SCROLL_PAGE: usize = 100;

const CONTENT_RANGE: HeaderName = HeaderName::from_static("rest-content-range");
const CONTENT_TOTAL: HeaderName = HeaderName::from_static("rest-content-total");
const TOKEN: HeaderName = HeaderName::from_static("x-vtex-md-token");

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::DocumentSearch => search(call),
        Route::DocumentScroll => scroll(call),
        _ => Err(Reply::empty(404)),
    }
}

fn search(call: Call<'_>) -> Result<Reply, Reply> {
    let (from, to) = range(call)?;
    let fields = query_value(call.query, "_fields");
    let query = query(call, fields.as_deref(), 503)?;
    let hits = call.world.master_data.search(entity(call), &query).map_err(|message| bad(&message))?;
    let total = hits.len();
    let (from, to) = (from.min(total), to.min(total));
    let documents = documents(call, &hits[from..to], fields.as_deref());
    let range = format!("resources {from}-{to}/{total}");
    Ok(Reply::json(&documents).with_header(CONTENT_RANGE, header(&range)))
}

/// After the first call only the token counts.
fn scroll(call: Call<'_>) -> Result<Reply, Reply> {
    if let Some(token) = query_value(call.query, "_token") {
        let page = call.world.master_data.next_page(entity(call), &token);
        let unknown = || bad(&format!("Operation not found for this token: '{token}'"));
        return Ok(page_reply(call, &page.ok_or_else(unknown)?));
    }
    let size = match query_value(call.query, "_size").map(|text| text.parse::<usize>()) {
        None => SCROLL_PAGE,
        Some(Ok(size)) if (1..=SCROLL_PAGE_MAX).contains(&size) => size,
        Some(_) => return Err(bad("_size is from 1 to 1000")),
    };
    let fields = query_value(call.query, "_fields");
    let query = query(call, fields.as_deref(), 429)?;
    let fields = fields.map(std::borrow::Cow::into_owned);
    let page = call.world.master_data.scroll(entity(call), &query, size, fields);
    Ok(page_reply(call, &page.map_err(|message| bad(&message))?))
}

fn page_reply(call: Call<'_>, page: &Page) -> Reply {
    Reply::json(&documents(call, &page.hits, page.fields.as_deref()))
        .with_header(TOKEN, header(&page.token))
        .with_header(CONTENT_TOTAL, header(&page.total.to_string()))
}

fn documents(call: Call<'_>, hits: &[Hit], fields: Option<&str>) -> Vec<Value> {
    hits.iter().map(|hit| shown(call, &hit.id, &hit.fields, fields)).collect()
}

/// `resources=0-10` is the first ten.
fn range(call: Call<'_>) -> Result<(usize, usize), Reply> {
    let Some(range) = call.headers.get("rest-range") else {
        call.world.counters.violation("missing header REST-Range", call.target.route.name());
        return Err(bad("Header REST-Range is required"));
    };
    let numbers = range.to_str().ok().and_then(|text| text.trim().strip_prefix("resources="));
    let numbers = numbers.and_then(|text| text.split_once('-'));
    let read = |text: &str| text.trim().parse::<usize>().ok();
    let (from, to) = numbers
        .and_then(|(from, to)| Some((read(from)?, read(to)?)))
        .filter(|(from, to)| from <= to)
        .ok_or_else(|| bad("Header REST-Range is not resources={from}-{to}"))?;
    if to - from > RANGE_MAX {
        return Err(bad("A search gives at most 100 documents"));
    }
    if to > DEPTH_MAX {
        return Err(bad("A search reaches 10000 documents; scroll for more"));
    }
    Ok((from, to))
}

/// What is searched. Too many wildcards are blocked with `blocked`, which differs between search and scroll.
fn query(call: Call<'_>, fields: Option<&str>, blocked: u16) -> Result<Query, Reply> {
    check_readable(call, fields)?;
    check_schema_named(call, fields)?;
    let mut parts = Vec::new();
    for (name, value) in query_pairs(call.query) {
        match &*name {
            "_where" => parts.push(Condition::parse(&value).map_err(|message| bad(&message))?),
            "_keyword" => parts.push(Condition::Keyword(value.replace('*', "").to_lowercase())),
            // `an` names the account in some of VTEX's own calls.
            "an" => {}
            name if name.starts_with('_') => {}
            name => parts.push(Condition::filter(name, &value)),
        }
    }
    let condition = Condition::All(parts);
    check_private(call, condition.fields().into_iter(), "Cannot filter by private fields")?;
    if condition.has_wildcard() && !call.world.master_data.admits_wildcard() {
        return Err(Reply::message(blocked, "Wildcard queries temporarily blocked due to excessive usage"));
    }
    let sort = query_value(call.query, "_sort").map(|text| {
        let (field, direction) = text.trim().split_once(' ').unwrap_or((text.trim(), "ASC"));
        (field.to_owned(), direction.trim().eq_ignore_ascii_case("DESC"))
    });
    let schema = query_value(call.query, "_schema").map(std::borrow::Cow::into_owned);
    Ok(Query { condition, sort, schema })
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
