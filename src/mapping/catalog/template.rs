//! Texts with `{names}` in them.

/// The names in a template that are not `known`.
pub(super) fn unknown<'a>(template: &'a str, known: &[&str]) -> Vec<&'a str> {
    parts(template)
        .filter_map(|part| match part {
            Part::Name(name) if !known.contains(&name) => Some(name),
            _ => None,
        })
        .collect()
}

/// The template with its names filled in; `None` when `value` has none for one of them.
pub(super) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    parts(template)
        .map(|part| match part {
            Part::Text(text) => Some(text.to_owned()),
            Part::Name(name) => value(name),
        })
        .collect()
}

enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn parts(mut rest: &str) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let named = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        if let Some((name, after)) = named {
            rest = after;
            return Some(Part::Name(name));
        }
        // A brace that nothing closes is a brace.
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Part::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let value = |name: &str| (name == "cor").then(|| "Azul {x}".to_owned());
        assert_eq!(fill("a {cor} b", value).as_deref(), Some("a Azul {x} b"));
        assert_eq!(fill("{cor}{cor}", value).as_deref(), Some("Azul {x}Azul {x}"));
        assert_eq!(fill("a { b", value).as_deref(), Some("a { b"));
        assert_eq!(fill("a} b", value).as_deref(), Some("a} b"));
        assert_eq!(fill("", value).as_deref(), Some(""));
        assert_eq!(fill("{tamanho}", value), None);
        assert_eq!(unknown("{cor} {x} {", &["cor"]), ["x"]);
    }
}
