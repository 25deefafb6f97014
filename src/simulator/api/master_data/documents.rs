//! Documents by id, and saving them.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::{Route, query_value};
use super::super::super::world::{Condition, Duplicates, Fields, NotSaved, Save, Saved, SavedAnswer, Way};
use super::super::Call;
use super::{bad, check_readable, check_schema_named, entity, href, no_document, shown};

/// End of the aliases that orders show instead of a shopper's e-mail.
const MASKED: &str = "@ct.vtex.com.br";

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::Document => get(call),
        Route::DocumentPost => save(call, Way::Create, None),
        Route::DocumentUpsert => save(call, Way::Merge, None),
        Route::DocumentPut => save(call, Way::Replace, Some(&call.target.second)),
        Route::DocumentPatch => save(call, Way::Merge, Some(&call.target.second)),
        Route::DocumentDelete => delete(call),
        _ => Err(Reply::empty(404)),
    }
}

/// Strongly consistent: shows the last write, whatever search shows.
fn get(call: Call<'_>) -> Result<Reply, Reply> {
    let wanted = query_value(call.query, "_fields");
    check_readable(call, wanted.as_deref())?;
    check_schema_named(call, wanted.as_deref())?;
    let found = call.world.master_data.entity(entity(call), |entity| {
        let fields = entity.current(&call.target.second)?.clone();
        Some((entity.spelling(&call.target.second)?.to_owned(), fields))
    });
    let (id, fields) = found.flatten().ok_or_else(no_document)?;
    Ok(Reply::json(&shown(call, &id, &fields, wanted.as_deref())))
}

fn save(call: Call<'_>, way: Way, id: Option<&str>) -> Result<Reply, Reply> {
    let fields: Fields = serde_json::from_slice(call.body).map_err(|_| bad("Body is not a JSON object"))?;
    let condition = query_value(call.query, "_where").map(|text| Condition::parse(&text)).transpose();
    let condition = condition.map_err(|message| bad(&message))?;
    let schema = query_value(call.query, "_schema");
    let save = Save { way, id, fields, condition: condition.as_ref(), schema: schema.as_deref() };
    let (saved_id, saved) =
        call.world.master_data.save(entity(call), save).map_err(|error| refused(call, error))?;
    call.world.counters.documents.count(saved != Saved::Unchanged);
    note_masked(call);
    Ok(match id {
        Some(_) => saved_by_id(call, way, &saved_id, saved),
        None => saved_at(call, way, &saved_id, saved),
    })
}

/// An alias that VTEX gives a shopper for one order is nobody's address: whoever saves it makes a second customer.
fn note_masked(call: Call<'_>) {
    let sent: Fields = serde_json::from_slice(call.body).unwrap_or_default();
    let email = sent.get("email").and_then(Value::as_str).unwrap_or_default();
    if entity(call) == "CL" && email.to_lowercase().ends_with(MASKED) {
        call.world.counters.violation("masked e-mail saved as a customer's", call.target.route.name());
    }
}

/// The answer where the path names no id.
fn saved_at(call: Call<'_>, way: Way, id: &str, saved: Saved) -> Reply {
    let options = &call.world.options.master_data;
    let v1 = call.world.master_data.entity(entity(call), |entity| entity.structure.is_some());
    let own_page = options.saved_answer == SavedAnswer::OwnPage && v1 == Some(true) && way == Way::Create;
    let status = match saved {
        Saved::Unchanged => return Reply::empty(304),
        Saved::Created if own_page => 200,
        Saved::Created if options.accepts_posts && way == Way::Create && v1 != Some(true) => 202,
        Saved::Created => 201,
        Saved::Changed => 200,
    };
    Reply::json_with(status, &identified(call, id, own_page))
}

fn saved_by_id(call: Call<'_>, way: Way, id: &str, saved: Saved) -> Reply {
    let options = &call.world.options.master_data;
    let v1 = call.world.master_data.entity(entity(call), |entity| entity.structure.is_some());
    if saved == Saved::Unchanged && options.not_modified_by_id {
        return Reply::empty(304);
    }
    if options.saved_answer == SavedAnswer::OwnPage && v1 == Some(true) && way == Way::Merge {
        return Reply::json(&identified(call, id, true));
    }
    Reply::empty(204)
}

fn identified(call: Call<'_>, id: &str, own_page: bool) -> Value {
    let full = format!("{}-{id}", entity(call));
    let href = href(call.world, entity(call), id);
    match call.world.options.master_data.saved_answer {
        _ if own_page => json!({"Id": full, "Href": href}),
        SavedAnswer::LowerCase => json!({"id": full, "href": href, "documentId": id}),
        SavedAnswer::Generic | SavedAnswer::OwnPage => {
            json!({"Id": full, "Href": href, "DocumentId": id})
        }
    }
}

fn delete(call: Call<'_>) -> Result<Reply, Reply> {
    let deleted = call.world.master_data.delete(entity(call), &call.target.second);
    if deleted { Ok(Reply::empty(204)) } else { Err(no_document()) }
}

fn refused(call: Call<'_>, error: NotSaved) -> Reply {
    let options = &call.world.options.master_data;
    match error {
        NotSaved::Invalid(message) => bad(&message),
        // One entry per error, each with its `Message`.
        NotSaved::Schema(errors) => Reply::json_with(400, &errors),
        NotSaved::Duplicate(index) => {
            let status = match options.duplicates {
                Duplicates::Refused(status) => status,
                Duplicates::PostAccepted => 400,
            };
            Reply::message(status, &format!("There is another document with this {index}"))
        }
        NotSaved::Condition if options.condition_failed_status == 304 => Reply::empty(304),
        NotSaved::Condition => {
            Reply::message(options.condition_failed_status, "The document does not meet _where")
        }
        NotSaved::NotFound => no_document(),
    }
}
