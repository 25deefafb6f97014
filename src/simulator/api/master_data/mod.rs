//! Master Data v1 and v2: one set of paths, two kinds of entities.

mod documents;
mod operator;
mod search;
mod settings;

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::super::access::Permission;
use super::super::reply::Reply;
use super::super::route::{Route, query_value};
use super::super::world::{Fields, Structure, World};
use super::Call;

pub(in crate::simulator) use operator::command as operate;

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    match call.target.route {
        Route::DocumentPost
        | Route::DocumentUpsert
        | Route::DocumentPut
        | Route::DocumentPatch
        | Route::DocumentDelete
        | Route::Document => documents::answer(call),
        Route::DocumentSearch | Route::DocumentScroll => search::answer(call),
        _ => settings::answer(call),
    }
}

/// The key under which VTEX serialises writes of a document; `None` for anything else.
pub(super) fn document_key(call: Call<'_>) -> Option<u64> {
    let id = match call.target.route {
        Route::DocumentPost | Route::DocumentUpsert => None,
        Route::DocumentPut | Route::DocumentPatch | Route::DocumentDelete => Some(&*call.target.second),
        _ => return None,
    };
    let fields: Fields = serde_json::from_slice(call.body).unwrap_or_default();
    let identity = call.world.master_data.identity(entity(call), id, &fields)?;
    let mut hasher = DefaultHasher::new();
    (entity(call), identity).hash(&mut hasher);
    Some(hasher.finish())
}

fn entity<'a>(call: Call<'a>) -> &'a str {
    &call.target.first
}

fn bad(message: &str) -> Reply {
    Reply::message(400, message)
}

fn no_document() -> Reply {
    Reply::message(404, "Document not found")
}

/// A document as an answer shows it. Without `_fields` only what says which document it is.
fn shown(call: Call<'_>, id: &str, fields: &Fields, wanted: Option<&str>) -> Value {
    let account = &call.world.options.account;
    let system = |name: &str| match name {
        "id" => Some(Value::from(id)),
        "accountId" => Some(Value::from(account_id(account))),
        "accountName" => Some(Value::from(account.as_str())),
        "dataEntityId" => Some(Value::from(entity(call))),
        _ => None,
    };
    let identity = ["id", "accountId", "accountName", "dataEntityId"];
    let identified = || identity.into_iter().filter_map(|name| Some((name.to_owned(), system(name)?)));
    let mut shown: Map<String, Value> = Map::new();
    match wanted.map(str::trim) {
        None | Some("") => shown.extend(identified()),
        Some("_all") => {
            let empty = |structure: &Structure| {
                structure.fields.iter().map(|(name, _)| (name.clone(), Value::Null)).collect::<Vec<_>>()
            };
            let structure =
                call.world.master_data.entity(entity(call), |entity| entity.structure.as_ref().map(empty));
            shown.extend(structure.flatten().unwrap_or_default());
            shown.extend(fields.clone());
            shown.extend(identified());
            shown.extend([("followers".to_owned(), json!([])), ("tags".to_owned(), json!([]))]);
        }
        Some(names) => {
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let value = system(name).or_else(|| fields.get(name).cloned()).unwrap_or_default();
                shown.insert(name.to_owned(), value);
            }
        }
    }
    shown.into()
}

/// Refuses to show or filter private fields to a key without the right to them.
fn check_private<'a>(
    call: Call<'_>,
    mut names: impl Iterator<Item = &'a str>,
    message: &str,
) -> Result<(), Reply> {
    if !call.world.access.lacks(Permission::AllDocuments) {
        return Ok(());
    }
    let private = &call.world.options.master_data.private_fields;
    let is_private = |name: &str| {
        private.iter().any(|(owner, field)| owner == entity(call) && (field == name || name == "_all"))
    };
    if names.any(is_private) { Err(Reply::message(403, message)) } else { Ok(()) }
}

fn check_readable(call: Call<'_>, wanted: Option<&str>) -> Result<(), Reply> {
    let names = wanted.into_iter().flat_map(|wanted| wanted.split(',')).map(str::trim);
    check_private(call, names, "Cannot read private fields")
}

/// v2 knows which fields a name stands for only by a schema; `_all` needs none.
fn check_schema_named(call: Call<'_>, wanted: Option<&str>) -> Result<(), Reply> {
    let v1 = call.world.master_data.entity(entity(call), |entity| entity.structure.is_some());
    let needed = wanted.is_some_and(|wanted| wanted.trim() != "_all");
    if v1 != Some(true) && needed && query_value(call.query, "_schema").is_none() {
        return Err(bad("_schema is required with _fields or _where"));
    }
    Ok(())
}

/// The id that a real account has once; here it follows from the name.
fn account_id(account: &str) -> String {
    let digits = account.bytes().fold(0x5f1f_e23b_9fd1_417d_a4aa_14df_38e7_746e_u128, |id, byte| {
        (id ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    uuid::Uuid::from_u128(digits).to_string()
}

fn href(world: &World, entity: &str, id: &str) -> String {
    let account = &world.options.account;
    format!("http://{account}.vtexcommercestable.com.br/api/dataentities/{entity}/documents/{id}")
}
