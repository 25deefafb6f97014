//! `POST /images`: links of images for products and SKUs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Refusal};
use crate::mapping::catalog::links::Link;

/// What is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    links: Vec<Link>,
    /// Only tell what would not be found.
    dry_run: bool,
}

/// Keeps the links, and has the products that they belong to looked at again. What was imported before for the same SKU
/// or product goes.
pub(super) async fn import(
    State(admin): State<Arc<Admin>>,
    Json(import): Json<Import>,
) -> Result<Json<Value>, Refusal> {
    // A link that one database knows need not be known to the others.
    let mut unknown: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken = 0;
    for source in &admin.sources {
        let (known, missing) = source
            .import_links(import.links.clone(), import.dry_run)
            .await
            .map_err(|error| Refusal(StatusCode::CONFLICT, format!("{error:#}")))?;
        taken += known;
        for line in missing {
            *unknown.entry(line).or_default() += 1;
        }
    }
    let nowhere = unknown.into_iter().filter(|(_, times)| *times == admin.sources.len());
    let nowhere: Vec<usize> = nowhere.map(|(line, _)| line).collect();
    Ok(Json(json!({ "taken": taken, "unknown_lines": nowhere })))
}
