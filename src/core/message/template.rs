//! Bodies of messages: JSON with `{{names}}` in its texts.
//!
//! What is filled in is escaped, so that no value can change the body's shape.

use super::{Message, Personal};

/// The names that hold no personal data.
pub const NAMES: [&str; 15] = [
    "order",
    "sequence",
    "live_order",
    "live_orders",
    "status",
    "status_at",
    "passed",
    "kind",
    "store",
    "courier",
    "tracking_number",
    "tracking_url",
    "invoice_number",
    "invoice_url",
    "webhook",
];

/// What is known of a person, only while a message is being sent. Not printable.
#[derive(Clone, Default)]
pub struct Contact {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

impl Contact {
    fn get(&self, what: Personal) -> Option<&str> {
        let value = match what {
            Personal::FirstName => &self.first_name,
            Personal::LastName => &self.last_name,
            Personal::Phone => &self.phone,
            Personal::Email => &self.email,
        };
        value.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }
}

/// A body that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{{{{{0}}}}} is no name: there are {names}, and those of personal_data", names = NAMES.join(", "))]
    Unknown(String),
    #[error("{{{{{name}}}}} is personal data: name it in personal_data = [\"{name}\"] if it may go out", name = .0.name())]
    NotAllowed(Personal),
    #[error(
        "with its names filled in it is no JSON ({0}): names stand inside of texts, like \"pedido {{{{order}}}}\""
    )]
    NoJson(String),
}

/// A body that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(&'static str),
    Personal(Personal),
}

impl Template {
    /// Looks a body through.
    ///
    /// # Errors
    /// When it names what there is not, or what may not go out, or when it is no JSON.
    pub fn parse(text: &str, allowed: &[Personal]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, (name, after))) =
            rest.split_once("{{").and_then(|(before, inner)| Some((before, inner.split_once("}}")?)))
        {
            parts.push(Part::Text(before.to_owned()));
            parts.push(part(name.trim(), allowed)?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self { parts };
        // A quote and a backslash show whether each name stands where it is escaped.
        let sample = template.write(|_| Some("\"\\".to_owned()));
        let sample = sample.unwrap_or_default();
        match serde_json::from_str::<serde::de::IgnoredAny>(&sample) {
            Ok(_) => Ok(template),
            Err(error) => {
                Err(TemplateError::NoJson(format!("{:?} at column {}", error.classify(), error.column())))
            }
        }
    }

    /// The body that is used without a template: everything there is, and the personal data that may go out.
    pub fn complete(allowed: &[Personal]) -> Self {
        let names = NAMES.iter().copied().chain(allowed.iter().map(|personal| personal.name()));
        let fields: Vec<String> = names.map(|name| format!("\"{name}\":\"{{{{{name}}}}}\"")).collect();
        let text = format!("{{{}}}", fields.join(","));
        Self::parse(&text, allowed).expect("our own names inside of texts are a template")
    }

    /// The personal data that it names.
    pub fn personal(&self) -> impl Iterator<Item = Personal> {
        self.parts.iter().filter_map(|part| match part {
            Part::Personal(personal) => Some(*personal),
            Part::Text(_) | Part::Name(_) => None,
        })
    }

    /// The body of a message. What is not known stays empty, except of a person.
    ///
    /// # Errors
    /// The personal data that nobody knows: without it the message would reach nobody.
    pub fn fill(&self, message: &Message, contact: &Contact) -> Result<String, Personal> {
        self.write_or(|part| match part {
            Part::Text(_) => Ok(String::new()),
            Part::Name(name) => Ok(value(message, name)),
            Part::Personal(what) => contact.get(*what).map(str::to_owned).ok_or(*what),
        })
    }

    fn write(&self, value: impl Fn(&Part) -> Option<String>) -> Option<String> {
        self.write_or(|part| value(part).ok_or(())).ok()
    }

    fn write_or<E>(&self, value: impl Fn(&Part) -> Result<String, E>) -> Result<String, E> {
        let mut body = String::with_capacity(256);
        for part in &self.parts {
            match part {
                Part::Text(text) => body.push_str(text),
                part => push_escaped(&mut body, &value(part)?),
            }
        }
        Ok(body)
    }
}

fn part(name: &str, allowed: &[Personal]) -> Result<Part, TemplateError> {
    if let Some(known) = NAMES.into_iter().find(|known| *known == name) {
        return Ok(Part::Name(known));
    }
    match Personal::ALL.into_iter().find(|personal| personal.name() == name) {
        Some(personal) if allowed.contains(&personal) => Ok(Part::Personal(personal)),
        Some(personal) => Err(TemplateError::NotAllowed(personal)),
        None => Err(TemplateError::Unknown(name.to_owned())),
    }
}

/// As the inside of a JSON text.
fn push_escaped(body: &mut String, text: &str) {
    let quoted = serde_json::Value::from(text).to_string();
    body.push_str(&quoted[1..quoted.len() - 1]);
}

fn value(message: &Message, name: &str) -> String {
    let facts = &message.facts;
    let text = |text: &Option<compact_str::CompactString>| text.as_deref().unwrap_or_default().to_owned();
    match name {
        "order" => message.order.to_string(),
        "sequence" => text(&facts.sequence),
        "live_order" => text(&message.pedido.clone().or_else(|| facts.numbers.first().cloned())),
        "live_orders" => facts.numbers.join(", "),
        "status" => message.status.to_string(),
        "status_at" => message.at.map(|at| at.to_string()).unwrap_or_default(),
        "passed" => message.passed.to_string(),
        "kind" => text(&facts.kind),
        "store" => text(&facts.store),
        "courier" => text(&facts.courier),
        "tracking_number" => text(&facts.tracking_number),
        "tracking_url" => text(&facts.tracking_url),
        "invoice_number" => text(&facts.invoice_number),
        "invoice_url" => text(&facts.invoice_url),
        "webhook" => message.webhook.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::tests::message;
    use super::*;

    fn filled(text: &str, allowed: &[Personal], contact: &Contact) -> Result<Value, Personal> {
        let template = Template::parse(text, allowed).unwrap();
        let body = template.fill(&message("1-01", Some("7"), "despachado"), contact)?;
        Ok(serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn names_are_filled_in_and_what_is_not_known_stays_empty() {
        let body = r#"{"texto": "Pedido {{order}} ({{ live_order }}): {{status}} {{tracking_url}}", "n": 1}"#;
        let expected = json!({ "texto": "Pedido 1-01 (7): despachado ", "n": 1 });
        assert_eq!(filled(body, &[], &Contact::default()), Ok(expected));
    }

    #[test]
    fn personal_data_goes_out_only_where_the_configuration_says_so() {
        let body = r#"{"to": "{{phone}}"}"#;
        assert_eq!(Template::parse(body, &[]), Err(TemplateError::NotAllowed(Personal::Phone)));
        let contact = Contact { phone: Some("+5511 \"x\"".to_owned()), ..Contact::default() };
        assert_eq!(filled(body, &[Personal::Phone], &contact), Ok(json!({ "to": "+5511 \"x\"" })));
        assert_eq!(filled(body, &[Personal::Phone], &Contact::default()), Err(Personal::Phone));
        let blank = Contact { phone: Some(" ".to_owned()), ..Contact::default() };
        assert_eq!(filled(body, &[Personal::Phone], &blank), Err(Personal::Phone));
        assert_eq!(Template::complete(&[]).personal().count(), 0);
        assert_eq!(Template::complete(&[Personal::Email]).personal().collect::<Vec<_>>(), [Personal::Email]);
    }

    #[test]
    fn what_would_be_no_body_is_refused_at_once() {
        let refused = |text: &str| Template::parse(text, &[]).unwrap_err().to_string();
        assert!(refused(r#"{"a": "{{nome}}"}"#).contains("{{nome}} is no name: there are order,"));
        assert!(refused(r#"{"a": {{order}}}"#).contains("no JSON"));
        assert!(refused("pedido {{order}}").contains("no JSON"));
        assert!(refused("").contains("no JSON"));
        assert!(refused(r#"{"a": "{{phone}}"}"#).contains("personal_data = [\"phone\"]"));
    }

    proptest! {
        #[test]
        fn no_value_changes_the_shape_of_a_body(order in any::<String>(), phone in "\\PC{1,20}[a-z]") {
            let template = Template::parse(r#"{"a": "{{order}}", "b": ["{{phone}}"]}"#, &[Personal::Phone]).unwrap();
            let contact = Contact { phone: Some(phone.clone()), ..Contact::default() };
            let body = template.fill(&message(&order, None, "x"), &contact).unwrap();
            let read: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(read, json!({ "a": order, "b": [phone.trim()] }));
        }

        #[test]
        fn any_text_is_a_template_or_is_refused(text in any::<String>()) {
            let _ = Template::parse(&text, &Personal::ALL);
        }
    }
}
