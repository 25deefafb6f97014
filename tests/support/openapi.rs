//! Holds a recorded exchange against VTEX's OpenAPI files: is the request one they describe, and is the answer?
//!
//! The files are VTEX's and not part of this repository; the environment variable `VTEX_OPENAPI_DIR` names their
//! folder. Stricter than the files in one point: an object may hold only the properties that are described, since
//! "conforms" would mean little otherwise. More lenient where the files are known to be wrong: see the tables below.

#[path = "openapi_catalog.rs"]
mod catalog;
#[path = "openapi_master_data.rs"]
mod master_data;
#[path = "openapi_orders.rs"]
mod orders;

use std::path::{Path, PathBuf};
use std::{env, fs};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

const FILES: [&str; 8] = [
    "VTEX - Logistics API.json",
    "VTEX - Pricing API.json",
    "VTEX - Catalog API.json",
    "VTEX - MasterData API - v10.2.json",
    "VTEX - Master Data API - v2.json",
    "VTEX - User Rights API.json",
    "VTEX - Bulk Pricing API.json",
    "VTEX - Orders API.json",
];
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
/// References nest at most this deep in these files; deeper is a cycle.
const REFERENCE_DEPTH_MAX: usize = 32;

/// Statuses that the files leave out almost everywhere, and that no API can be without.
const UNDOCUMENTED_STATUSES: [u64; 5] = [401, 403, 404, 409, 429];

/// Statuses of one operation that its own text or its sibling documents.
const EXCUSED_STATUSES: [(&str, u64, &str); 1] = [(
    "PATCH /api/logistics/pvt/inventory/skus/{skuId}/warehouses/{warehouseId}/quantity",
    423,
    "the same lock as that of PUT",
)];

/// Values of answers where the file's type is wrong: a number of any kind or null is right there.
const EXCUSED_NUMBERS: [(&str, &str, &str); 6] = [
    ("GET /pricing/prices/{itemId}", "/listPrice", "typed int32; PUT takes decimals and may leave it out"),
    ("GET /pricing/prices/{itemId}", "/costPrice", "typed int32; PUT takes decimals and may leave it out"),
    ("GET /pricing/prices/{itemId}", "/basePrice", "typed int32; PUT takes decimals"),
    ("GET /pricing/prices/{itemId}", "/markup", "typed int32, but computed from two decimals"),
    (
        "GET /pricing/prices/{itemId}/computed",
        "/*/listPrice",
        "typed int32, example 199 beside a decimal selling price",
    ),
    ("GET /pricing/prices/{itemId}/computed/{priceTableId}", "/listPrice", "as in the list"),
];

/// Answers with content where the file documents none, and its prose does.
const EXCUSED_CONTENT: [(&str, &str); 1] =
    [("PUT /api/logistics/pvt/inventory/skus/{skuId}/warehouses/{warehouseId}", "the prose says: body true")];

/// The operations of the files.
pub(crate) struct OpenApi {
    operations: Vec<Operation>,
}

struct Operation {
    /// Upper-case method and path as in the file.
    name: String,
    method: String,
    segments: Vec<String>,
    /// The server's URL has a path, so the real path has one segment before the file's.
    account_in_path: bool,
    parameters: Vec<Parameter>,
    body: Option<Validator>,
    responses: Vec<Response>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    integer: bool,
}

struct Response {
    status: String,
    /// Media type without parameters, and its schema.
    content: Option<(String, Validator)>,
}

impl OpenApi {
    /// Loads the folder named by `VTEX_OPENAPI_DIR`. Without it the reason is printed and the check is to be skipped.
    pub(crate) fn from_environment() -> Option<Self> {
        let Some(folder) = env::var_os("VTEX_OPENAPI_DIR") else {
            println!("skipped: VTEX_OPENAPI_DIR does not name the folder with VTEX's OpenAPI files");
            return None;
        };
        Some(Self::load(&PathBuf::from(folder)))
    }

    /// Loads the files of one folder; panics with the reason when they are not there or not OpenAPI.
    pub(crate) fn load(folder: &Path) -> Self {
        let mut operations = Vec::new();
        for file in FILES {
            let path = folder.join(file);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let document: Value = serde_json::from_str(&text).expect("an OpenAPI file is JSON");
            for (path, item) in document["paths"].as_object().expect("an OpenAPI file has paths") {
                for method in METHODS.into_iter().filter(|method| item[*method].is_object()) {
                    operations.push(Operation::read(&document, path, item, method));
                }
            }
        }
        Self { operations }
    }

    /// What is wrong with an exchange `{method, path, query, headers, body, status, response_headers, response_body}`.
    /// Empty: both sides are as VTEX's files describe them.
    pub(crate) fn findings(&self, exchange: &Value) -> Vec<String> {
        let method = exchange["method"].as_str().unwrap_or_default();
        let path = exchange["path"].as_str().unwrap_or_default();
        let pages = self.find(method, path);
        if pages.is_empty() && orders::only_in_guides(method, path) {
            return Vec::new();
        }
        let named = |operation: &Operation, findings: Vec<String>| -> Vec<String> {
            findings.iter().map(|finding| format!("{}: {finding}", operation.name)).collect()
        };
        let requests = pages.iter().map(|(page, values)| named(page, page.check_request(exchange, values)));
        let Some(mut findings) = requests.min_by_key(Vec::len) else {
            return vec![format!("{method} {path} is no operation of the files")];
        };
        let responses = pages.iter().map(|(page, _)| named(page, page.check_response(exchange)));
        findings.extend(responses.min_by_key(Vec::len).unwrap_or_default());
        findings.extend(self.check_own_fields(exchange));
        findings
    }

    fn check_own_fields(&self, exchange: &Value) -> Vec<String> {
        let Some((entity, page)) = master_data::own_page(exchange) else { return Vec::new() };
        let page = self.operations.iter().find(|operation| operation.name == page);
        let validator =
            page.and_then(|page| page.body.as_ref()).expect("the files have the entity's own page");
        let errors = validator.iter_errors(&exchange["body"]);
        errors
            .filter(|error| !master_data::excuses_field(entity, error))
            .map(|error| {
                format!("a field of {entity} at {:?}: {}", error.instance_path().to_string(), error.masked())
            })
            .collect()
    }

    /// The operation with the most literal segments, and the values of its path parameters; several where they are
    /// pages of the same call.
    fn find<'a>(&self, method: &str, path: &'a str) -> Vec<(&Operation, Vec<(&str, &'a str)>)> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let fitting =
            self.operations.iter().filter(|operation| operation.method == method).filter_map(|operation| {
                let own = segments.get(usize::from(operation.account_in_path)..)?;
                Some((operation, operation.match_path(own)?))
            });
        let mut fitting: Vec<_> = fitting.collect();
        fitting.sort_by_key(|(_, values)| values.len());
        if !path.starts_with(master_data::EQUIVALENT_PAGES) {
            fitting.truncate(1);
        }
        fitting
    }
}

impl Operation {
    fn read(document: &Value, path: &str, item: &Value, method: &str) -> Self {
        let operation = &item[method];
        let both = [&item["parameters"], &operation["parameters"]];
        let parameters = both.into_iter().filter_map(Value::as_array).flatten();
        let content = |part: &Value| {
            let (media_type, content) = part["content"].as_object()?.iter().next()?;
            let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
            Some((media_type, validator(document, &content["schema"])))
        };
        let responses = operation["responses"].as_object().into_iter().flatten();
        Self {
            name: format!("{} {path}", method.to_uppercase()),
            method: method.to_uppercase(),
            segments: path.split('/').skip(1).map(str::to_owned).collect(),
            // Some operations repeat the path's beginning in their own server URL; only the document's counts.
            account_in_path: path.starts_with("/pricing/"),
            parameters: parameters.map(|parameter| Parameter::read(resolve(document, parameter))).collect(),
            body: content(resolve(document, &operation["requestBody"])).map(|(_, validator)| validator),
            responses: responses
                .map(|(status, response)| Response {
                    status: status.clone(),
                    content: content(resolve(document, response)),
                })
                .collect(),
        }
    }

    fn match_path<'a>(&self, segments: &[&'a str]) -> Option<Vec<(&str, &'a str)>> {
        if segments.len() != self.segments.len() {
            return None;
        }
        let mut values = Vec::new();
        for (template, segment) in self.segments.iter().zip(segments) {
            match template.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !segment.is_empty() => values.push((name, *segment)),
                None if template == segment => {}
                _ => return None,
            }
        }
        Some(values)
    }

    fn check_request(&self, exchange: &Value, path_values: &[(&str, &str)]) -> Vec<String> {
        let mut findings = Vec::new();
        let header = |name: &str| {
            let headers = exchange["headers"].as_object();
            headers.is_some_and(|headers| headers.keys().any(|key| key.eq_ignore_ascii_case(name)))
        };
        for parameter in &self.parameters {
            let value = match parameter.place.as_str() {
                "path" => {
                    path_values.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| *value)
                }
                "query" => exchange["query"][&parameter.name].as_str(),
                _ => header(&parameter.name).then_some(""),
            };
            let Parameter { name, place, .. } = parameter;
            match value {
                None if parameter.required => {
                    findings.push(format!("request lacks the {place} parameter {name}"))
                }
                Some(value) if parameter.integer && value.parse::<i64>().is_err() => {
                    findings.push(format!("request's {place} parameter {name} is not an integer"));
                }
                _ => {}
            }
        }
        for name in exchange["query"].as_object().into_iter().flat_map(|query| query.keys()) {
            let known = self.parameters.iter().any(|known| known.place == "query" && known.name == *name);
            if !known && !master_data::excuses_parameter(&self.name, name) {
                findings.push(format!("request has the unknown query parameter {name}"));
            }
        }
        match (&self.body, &exchange["body"]) {
            (None, Value::Null) => {}
            (None, _) => findings.push("request has a body, the file none".to_owned()),
            (Some(_), Value::Null) => findings.push("request has no body".to_owned()),
            (Some(validator), body) => {
                let errors = validator.iter_errors(body);
                let errors = errors.filter(|error| !catalog::excuses_missing(&self.name, error));
                let errors = errors.filter(|error| !master_data::excuses_error(&self.name, exchange, error));
                findings.extend(errors.map(|error| {
                    format!("request body at {:?}: {}", error.instance_path().to_string(), error.masked())
                }));
            }
        }
        findings
    }

    fn check_response(&self, exchange: &Value) -> Vec<String> {
        // No answer at all is the network's doing.
        let Some(status) = exchange["status"].as_u64() else { return Vec::new() };
        let described = master_data::described_as(&self.name, status).to_string();
        let Some(response) = self.responses.iter().find(|response| response.status == described) else {
            let excused = status >= 500
                || UNDOCUMENTED_STATUSES.contains(&status)
                || master_data::excuses_status(&self.name, status)
                || orders::excuses_status(&self.name, status)
                || EXCUSED_STATUSES.iter().any(|(name, known, _)| *name == self.name && *known == status);
            return if excused { Vec::new() } else { vec![format!("status {status} is not documented")] };
        };
        let body = &exchange["response_body"];
        let Some((media_type, validator)) = &response.content else {
            let excused = body.is_null()
                || status >= 400
                || EXCUSED_CONTENT.iter().any(|(name, _)| *name == self.name)
                || orders::excuses_content(&self.name);
            return if excused {
                Vec::new()
            } else {
                vec![format!("answer {status} has a body, the file none")]
            };
        };
        if body.is_null() && orders::excuses_emptiness(&self.name) {
            return Vec::new();
        }
        let mut findings = Vec::new();
        let sent = exchange["response_headers"]["content-type"].as_str().unwrap_or_default();
        if sent.split(';').next() != Some(media_type) {
            findings.push(format!("answer {status} is {sent:?}, not {media_type}"));
        }
        for error in validator.iter_errors(body) {
            let pointer = error.instance_path().to_string();
            let excused = (error.instance().is_number() || error.instance().is_null())
                && EXCUSED_NUMBERS.iter().any(|(name, at, _)| *name == self.name && fits(at, &pointer));
            let excused = excused
                || catalog::excuses_value(&self.name, &pointer)
                || orders::excuses_error(&self.name, &pointer, &error)
                || master_data::excuses_error(&self.name, exchange, &error);
            if !excused {
                findings.push(format!("answer {status} at {pointer:?}: {error}"));
            }
        }
        findings
    }
}

impl Parameter {
    fn read(parameter: &Value) -> Self {
        Self {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            place: parameter["in"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
            integer: parameter["schema"]["type"] == "integer",
        }
    }
}

/// A JSON pointer against a pattern in which `*` is any one segment.
fn fits(pattern: &str, pointer: &str) -> bool {
    pattern.split('/').count() == pointer.split('/').count()
        && pattern
            .split('/')
            .zip(pointer.split('/'))
            .all(|(wanted, segment)| wanted == "*" || wanted == segment)
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.map_or(value, |pointer| document.pointer(pointer).expect("a reference points into the file"))
}

fn validator(document: &Value, schema: &Value) -> Validator {
    let schema = plain_schema(document, schema, REFERENCE_DEPTH_MAX);
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .build(&schema)
        .expect("an OpenAPI schema is a JSON schema")
}

/// OpenAPI 3.0 to JSON Schema: references followed, `nullable` as a type, objects closed, examples dropped.
fn plain_schema(document: &Value, schema: &Value, depth: usize) -> Value {
    assert!(depth > 0, "a schema refers to itself");
    let Some(fields) = resolve(document, schema).as_object() else { return json!({}) };
    let below = |value: &Value| plain_schema(document, value, depth - 1);
    let mut plain = serde_json::Map::new();
    for (name, value) in fields {
        let value = match name.as_str() {
            "properties" => value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), below(value)))
                .collect(),
            "items" => below(value),
            "additionalProperties" if value.is_object() => below(value),
            "anyOf" | "oneOf" | "allOf" => value.as_array().into_iter().flatten().map(below).collect(),
            "type" if fields.get("nullable") == Some(&Value::Bool(true)) => json!([value, "null"]),
            "enum" if fields.get("nullable") == Some(&Value::Bool(true)) => {
                value.as_array().into_iter().flatten().cloned().chain([Value::Null]).collect()
            }
            "type"
            | "enum"
            | "additionalProperties"
            | "minimum"
            | "maximum"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "pattern" => value.clone(),
            "required" if value.is_array() => value.clone(),
            _ => continue,
        };
        plain.insert(name.clone(), value);
    }
    // A property whose name is in braces, or says what it stands for, is any property.
    let placeholder = |name: &String| name.starts_with('{') || name == "additionalProperties";
    let properties = plain.get("properties").and_then(Value::as_object);
    let closed = properties.is_some_and(|properties| !properties.keys().any(placeholder));
    if closed {
        plain.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    Value::Object(plain)
}
