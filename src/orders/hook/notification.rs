//! What VTEX sends to the hook (VTEX guide "Feed v3", section on the hook).

use compact_str::CompactString;
use serde_json::Value as Json;

use crate::core::time::Timestamp;
use crate::vtex::parse_date;

/// Longer ids of orders VTEX does not make.
const ORDER_ID_MAX: usize = 64;
/// The longest documented status has 37 letters.
const STATE_MAX: usize = 64;

/// A body that was sent to the hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notification {
    /// Whether somebody answers, before VTEX takes a configuration.
    Ping,
    Order {
        id: CompactString,
        changed_at: Option<Timestamp>,
        state: Option<CompactString>,
    },
    Unreadable,
}

/// Names of fields are taken in any case, as VTEX's documents spell them in more than one.
pub(super) fn read(body: &[u8]) -> Notification {
    let Ok(Json::Object(fields)) = serde_json::from_slice::<Json>(body) else {
        return Notification::Unreadable;
    };
    let field = |name: &str| {
        let (_, value) = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        value.as_str().map(str::trim)
    };
    if field("hookConfig") == Some("ping") {
        return Notification::Ping;
    }
    match field("OrderId").filter(|id| is_order_id(id)) {
        Some(id) => Notification::Order {
            id: CompactString::new(id),
            changed_at: field("CurrentChange").and_then(parse_date),
            state: field("State").filter(|state| state.len() <= STATE_MAX).map(CompactString::new),
        },
        None => Notification::Unreadable,
    }
}

/// Letters, digits and `-`, `_`, `.`: what is anything else would be read from VTEX as something else.
fn is_order_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=ORDER_ID_MAX).contains(&text.len()) && text.chars().all(fits) && text.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_notification_names_an_order_and_a_ping_none() {
        let told = br#"{"Domain":"Fulfillment","OrderId":"1234567890123-01","State":"ready-for-handling",
            "LastState":"window-to-cancel","LastChange":"2026-01-31T10:00:00.2550122Z",
            "CurrentChange":"2026-01-31T10:00:48.0965893Z","Origin":{"Account":"loja","Key":"vtexappkey-loja-X"}}"#;
        let Notification::Order { id, changed_at, state } = read(told) else { panic!("an order") };
        assert_eq!((id.as_str(), changed_at.is_some()), ("1234567890123-01", true));
        assert_eq!(state.as_deref(), Some("ready-for-handling"));
        assert_eq!(read(br#"{"hookConfig":"ping"}"#), Notification::Ping);
        let lower = Notification::Order { id: "MNG-7".into(), changed_at: None, state: None };
        assert_eq!(read(br#"{"orderId":" MNG-7 ","currentChange":"yesterday"}"#), lower);
    }

    #[test]
    fn what_is_no_order_is_none() {
        let long = format!(r#"{{"OrderId":"{}"}}"#, "9".repeat(65));
        for body in [
            "",
            "[]",
            "7",
            "{}",
            "<html>",
            r#"{"OrderId":7}"#,
            r#"{"OrderId":""}"#,
            r#"{"OrderId":"../x"}"#,
            r#"{"OrderId":".."}"#,
            r#"{"OrderId":"1 2"}"#,
            r#"{"hookConfig":"pong"}"#,
            &long,
        ] {
            assert_eq!(read(body.as_bytes()), Notification::Unreadable, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much_for_it(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }

    #[test]
    fn any_bytes_are_a_notification_or_unreadable() {
        crate::mutation::each("notification", &crate::mutation::JSON, |body| drop(read(body)));
    }
}
