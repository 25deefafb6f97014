//! JSON schemas of Master Data v2, as far as a replicator's own entity uses them.

use serde_json::{Map, Value, json};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// Why a schema is not one; the message is the one of the 400.
pub(super) fn check_schema(schema: &Value) -> Result<(), String> {
    let properties = schema["properties"].as_object().ok_or("properties is required")?;
    for (name, property) in properties {
        if !property["type"].as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            return Err(format!("Property '{name}' has no type of {}", TYPES.join(", ")));
        }
    }
    let missing = indexed(schema).find(|name| !properties.contains_key(*name));
    missing.map_or(Ok(()), |name| Err(format!("v-indexed field '{name}' not found in properties")))
}

/// The fields that search may filter and sort by.
pub(super) fn indexed(schema: &Value) -> impl Iterator<Item = &str> {
    schema["v-indexed"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// What is wrong with a document, one `{Message, Path}` each. The values stay out: they are a person's.
pub(super) fn errors(schema: &Value, document: &Map<String, Value>) -> Vec<Value> {
    let mut errors = Vec::new();
    check_object(schema, document, "", &mut errors);
    errors
}

fn check_object(schema: &Value, object: &Map<String, Value>, path: &str, errors: &mut Vec<Value>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required.filter(|name| !object.contains_key(*name)) {
        push(errors, path, &format!("Required properties are missing from object: {name}."));
    }
    for (name, value) in object {
        match schema["properties"].get(name) {
            Some(property) => check(property, value, &at(name), errors),
            None if schema["additionalProperties"] == false => {
                push(errors, &at(name), "Property has not been defined and the schema allows no other.");
            }
            None => {}
        }
    }
}

fn check(schema: &Value, value: &Value, path: &str, errors: &mut Vec<Value>) {
    let kind = schema["type"].as_str().unwrap_or_default();
    let fits = match kind {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => true,
    };
    if !fits {
        return push(errors, path, &format!("Invalid type. Expected {kind}."));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        push(errors, path, "Value is not defined in enum.");
    }
    check_size(schema, value, path, errors);
    match value {
        Value::Object(fields) => check_object(schema, fields, path, errors),
        Value::Array(items) if schema["items"].is_object() => {
            items.iter().for_each(|item| check(&schema["items"], item, path, errors));
        }
        _ => {}
    }
}

fn check_size(schema: &Value, value: &Value, path: &str, errors: &mut Vec<Value>) {
    let length = value.as_str().map(|text| text.chars().count() as f64);
    let measured = [("minLength", "maxLength", length), ("minimum", "maximum", value.as_f64())];
    for (least, most, measure) in measured {
        let Some(measure) = measure else { continue };
        if schema[least].as_f64().is_some_and(|least| measure < least) {
            push(errors, path, &format!("Value is below {least}."));
        }
        if schema[most].as_f64().is_some_and(|most| measure > most) {
            push(errors, path, &format!("Value is above {most}."));
        }
    }
}

fn push(errors: &mut Vec<Value>, path: &str, message: &str) {
    errors.push(json!({"Message": message, "Path": path}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_held_against_its_schema() {
        let schema = json!({
            "properties": {
                "finalidade": {"type": "string", "maxLength": 5},
                "versao": {"type": "integer", "minimum": 1},
                "situacao": {"type": "string", "enum": ["aceito", "revogado"]},
                "loja": {"type": "object", "properties": {"codigo": {"type": "string"}}, "required": ["codigo"]},
                "canais": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["finalidade"],
            "additionalProperties": false,
            "v-indexed": ["finalidade"],
        });
        assert_eq!(check_schema(&schema), Ok(()));
        let wrong = |document: Value| errors(&schema, document.as_object().unwrap()).len();
        let right = json!({
            "finalidade": "a", "versao": 2, "situacao": "aceito", "loja": {"codigo": "1"}, "canais": ["x"],
        });
        assert_eq!(wrong(right), 0);
        assert_eq!(wrong(json!({})), 1);
        assert_eq!(wrong(json!({"finalidade": "abcdef"})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "versao": 0})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "versao": "1"})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "situacao": "x"})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "loja": {}})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "canais": [1]})), 1);
        assert_eq!(wrong(json!({"finalidade": "a", "outro": 1})), 1);
    }

    #[test]
    fn a_schema_names_its_types_and_indexes_only_what_it_has() {
        assert!(check_schema(&json!({})).is_err());
        assert!(check_schema(&json!({"properties": {"a": {"type": "text"}}})).is_err());
        assert!(check_schema(&json!({"properties": {"a": {"type": "string"}}, "v-indexed": ["b"]})).is_err());
    }
}
