//! The language of `_where`: `(a=x OR b<>y) AND createdIn between 2001-01-01 AND 2016-01-01`.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::super::fault::glob;

/// What a document must meet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test(String, Test),
    /// Any text of the document contains it (`_keyword`).
    Keyword(String),
}

/// What one field must meet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Equals(String),
    Differs(String),
    Compares(&'static [Ordering], String),
    Between(String, String),
    Null,
    NotNull,
}

/// A condition is read by recursion, which must end before the stack does.
const PARENTHESES_MAX: usize = 100;

/// Two letters come first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, &[Ordering]); 4] = [
    (">=", &[Ordering::Greater, Ordering::Equal]),
    ("<=", &[Ordering::Less, Ordering::Equal]),
    (">", &[Ordering::Greater]),
    ("<", &[Ordering::Less]),
];

impl Condition {
    /// Reads a `_where`. The message is the one of the 400.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.matches('(').count() > PARENTHESES_MAX {
            return Err(format!("_where has more than {PARENTHESES_MAX} parentheses"));
        }
        let mut rest = Rest(text.trim());
        let condition = rest.any()?;
        if rest.0.is_empty() { Ok(condition) } else { Err(rest.unreadable()) }
    }

    /// A filter that stands in the query by the field's name.
    pub(crate) fn filter(field: &str, value: &str) -> Self {
        Self::Test(field.to_owned(), Test::Equals(value.to_owned()))
    }

    /// The fields it looks at.
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Test(field, _) => vec![field],
            Self::Keyword(_) => Vec::new(),
        }
    }

    /// True when it looks for a part of a text, which is what VTEX limits.
    pub(crate) fn has_wildcard(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_wildcard),
            Self::Test(_, Test::Equals(value) | Test::Differs(value)) => value.contains('*'),
            Self::Test(..) => false,
            Self::Keyword(_) => true,
        }
    }

    /// Fields that must have exactly this value, whatever else is asked.
    pub(super) fn required(&self) -> Vec<(&str, &str)> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::required).collect(),
            Self::Test(field, Test::Equals(value)) if !value.contains('*') => vec![(field, value)],
            _ => Vec::new(),
        }
    }

    /// Whether a document meets it; `value` gives a field, `texts` all texts of the document.
    pub(super) fn holds<'a>(
        &self,
        value: &dyn Fn(&str) -> Option<&'a Value>,
        texts: &dyn Fn() -> Vec<&'a str>,
    ) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(value, texts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(value, texts)),
            Self::Test(field, test) => test.holds(value(field).unwrap_or(&Value::Null)),
            Self::Keyword(word) => texts().iter().any(|text| text.to_lowercase().contains(word.as_str())),
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let ordered = |text: &str, wanted: &[Ordering]| {
            compare(value, text).is_some_and(|ordering| wanted.contains(&ordering))
        };
        match self {
            Self::Equals(text) => equals(value, text),
            Self::Differs(text) => !equals(value, text),
            Self::Compares(wanted, text) => ordered(text, wanted),
            // Both ends count, as in the search engine behind it.
            Self::Between(from, to) => {
                ordered(from, &[Ordering::Greater, Ordering::Equal])
                    && ordered(to, &[Ordering::Less, Ordering::Equal])
            }
            Self::Null => value.is_null(),
            Self::NotNull => !value.is_null(),
        }
    }
}

fn equals(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) if text.contains('*') => glob(&text.to_lowercase(), &own.to_lowercase()),
        Value::Null => text.is_empty(),
        _ => compare(value, text) == Some(Ordering::Equal),
    }
}

/// Numbers as numbers, dates as instants, other texts without regard to case. `None`: they do not compare.
pub(super) fn compare(value: &Value, text: &str) -> Option<Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&text.parse::<f64>().ok()?),
        Value::Bool(own) => Some(own.cmp(&text.parse::<bool>().ok()?)),
        Value::String(own) => Some(match (instant(own), instant(text)) {
            (Some(own), Some(other)) => own.cmp(&other),
            _ => own.to_lowercase().cmp(&text.to_lowercase()),
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let utc = |civil: DateTime| TimeZone::UTC.to_timestamp(civil).ok();
    // Cheap first: most texts are no dates.
    text.starts_with(|first: char| first.is_ascii_digit()).then_some(())?;
    let date = || text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0)));
    text.parse::<Timestamp>().ok().or_else(|| text.parse::<DateTime>().ok().and_then(utc)).or_else(date)
}

/// What is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn any(&mut self) -> Result<Condition, String> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let first = self.unit()?;
        let mut parts = vec![first];
        while self.word("AND") {
            parts.push(self.unit()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn unit(&mut self) -> Result<Condition, String> {
        if !self.sign("(") {
            return self.test();
        }
        let inner = self.any()?;
        if self.sign(")") { Ok(inner) } else { Err(self.unreadable()) }
    }

    fn test(&mut self) -> Result<Condition, String> {
        let is_name = |letter: char| letter.is_alphanumeric() || "_.-".contains(letter);
        let end = self.0.find(|letter| !is_name(letter)).unwrap_or(self.0.len());
        let (field, rest) = self.0.split_at(end);
        if field.is_empty() {
            return Err(self.unreadable());
        }
        self.0 = rest.trim_start();
        let test = self.operator()?;
        Ok(Condition::Test(field.to_owned(), test))
    }

    fn operator(&mut self) -> Result<Test, String> {
        if self.word("is") {
            let negated = self.word("not");
            return match (self.word("null"), negated) {
                (true, false) => Ok(Test::Null),
                (true, true) => Ok(Test::NotNull),
                (false, _) => Err(self.unreadable()),
            };
        }
        if self.word("between") {
            let from = self.value();
            if !self.word("AND") {
                return Err(self.unreadable());
            }
            return Ok(Test::Between(from, self.value()));
        }
        if self.sign("<>") {
            return Ok(Test::Differs(self.value()));
        }
        if self.sign("=") {
            return Ok(Test::Equals(self.value()));
        }
        let (_, wanted) =
            COMPARISONS.iter().find(|(sign, _)| self.sign(sign)).ok_or_else(|| self.unreadable())?;
        Ok(Test::Compares(wanted, self.value()))
    }

    /// A quoted text, or everything up to the next `)`, AND or OR.
    fn value(&mut self) -> String {
        let quote = self.0.chars().next().filter(|first| "'\"".contains(*first));
        if let Some(quote) = quote
            && let Some((inner, rest)) = self.0[1..].split_once(quote)
        {
            self.0 = rest.trim_start();
            return inner.to_owned();
        }
        let end = (0..self.0.len()).find(|at| self.ends_value(*at)).unwrap_or(self.0.len());
        let (value, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        value.trim().to_owned()
    }

    fn ends_value(&self, at: usize) -> bool {
        let Some(rest) = self.0.get(at..) else { return false };
        let joins = |word: &str| Rest(rest.trim_start()).word(word);
        rest.starts_with(')') || (rest.starts_with(' ') && (joins("AND") || joins("OR")))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let rest = self.0.strip_prefix(sign).map(str::trim_start);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A word of the language, in any case.
    fn word(&mut self, word: &str) -> bool {
        let fits = self.0.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
        if !fits || !self.0[word.len()..].chars().next().is_none_or(ends) {
            return false;
        }
        self.0 = self.0[word.len()..].trim_start();
        true
    }

    /// How much is left and not what: values are a person's.
    fn unreadable(&self) -> String {
        format!("_where cannot be read {} characters before its end", self.0.chars().count())
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_refused(
            text in "[a-c=<>()'\"* é]{0,20}( (and|OR|is|not|null|between) [a-c1é=()]{0,5}){0,4}",
        ) {
            if let Ok(condition) = Condition::parse(&text) {
                condition.holds(&|_| None, &Vec::new);
            }
        }
    }

    fn holds(condition: &str, document: &Value) -> bool {
        let fields = document.as_object().unwrap();
        Condition::parse(condition).unwrap().holds(&|name| fields.get(name), &Vec::new)
    }

    #[test]
    fn every_query_example_of_vtex_is_understood() {
        let jon =
            json!({"firstName": "Jon", "lastName": "Snow", "createdIn": "2010-05-01T10:00:00.1Z", "age": 20});
        for met in [
            "(firstName=Jon OR lastName=Smith) OR (createdIn between 2001-01-01 AND 2016-01-01)",
            "createdIn between 2001-01-01 AND 2016-01-01",
            "age between 18 AND 25",
            "firstName is not null",
            "email is null",
            "firstName<>maria",
            "age>5",
            "createdIn<2011-01-01",
            "firstName=*o*",
            "firstName=\"jon\" and (age>=20 AND age<=20)",
            "createdIn >= 2010-05-01T10:00:00.1Z",
        ] {
            assert!(holds(met, &jon), "{met}");
        }
        for unmet in [
            "firstName=Maria",
            "firstName=jo",
            "age<20",
            "age between 21 AND 25",
            "createdIn between 2010-05-02 AND 2016-01-01",
            "email is not null",
            "email=a@b.c",
        ] {
            assert!(!holds(unmet, &jon), "{unmet}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_value() {
        for broken in ["", "email", "=a", "email=a)", "(email=a", "a between 1", "a is nothing", "a=1 AND"] {
            let message = Condition::parse(broken).unwrap_err();
            assert!(message.starts_with("_where cannot be read"), "{broken}: {message}");
        }
    }

    #[test]
    fn parentheses_without_end_are_refused() {
        assert!(Condition::parse(&"(".repeat(1_000_000)).is_err());
        let nested = |depth: usize| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Condition::parse(&nested(PARENTHESES_MAX)).is_ok());
        assert!(Condition::parse(&nested(PARENTHESES_MAX + 1)).is_err());
    }

    #[test]
    fn what_is_required_is_what_every_match_has() {
        let required = |text: &str| {
            let parsed = Condition::parse(text).unwrap();
            parsed.required().into_iter().map(|(field, value)| format!("{field}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(required("email=a@b.c AND age>3"), ["email=a@b.c"]);
        assert!(required("email=a@b.c OR age>3").is_empty());
        assert!(required("email=*b.c").is_empty());
    }
}
