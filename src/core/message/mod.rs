//! Messages to customers: what happened to an order, told to whoever sends SMS, WhatsApp or e-mail.
//!
//! | file | holds |
//! |---|---|
//! | `progress` | which steps and statuses are news |
//! | `template` | the body, with names to be filled in |
//! | `signature` | how the receiver knows that it is ours |
//! | `verdict` | what an answer means |

use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use super::time::Timestamp;

pub mod progress;
pub mod signature;
pub mod template;
pub mod verdict;

/// A message that is not delivered yet. Holds no personal data: that is read when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The name of the webhook.
    pub webhook: CompactString,
    /// VTEX's order id.
    pub order: CompactString,
    /// Live's number of the pedido whose step it is; none: a status of VTEX.
    pub pedido: Option<CompactString>,
    /// A step of Live or a status of VTEX, by its name.
    pub status: CompactString,
    /// The order was further already when this was found out.
    pub passed: bool,
    /// When the order came there, as far as is known.
    pub at: Option<Timestamp>,
    pub created: Timestamp,
    pub facts: Facts,
    pub attempts: u32,
    pub not_before: Timestamp,
    /// What came of the last attempt.
    pub last: Option<String>,
    pub parked: Option<SetAside>,
}

/// What can be told besides the status, as it was when the message was made: every attempt says the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// VTEX's short number.
    pub sequence: Option<CompactString>,
    /// Live's own numbers.
    pub numbers: Vec<CompactString>,
    /// `pickup`, `delivery` or `seller`.
    pub kind: Option<CompactString>,
    pub store: Option<CompactString>,
    pub courier: Option<CompactString>,
    pub tracking_number: Option<CompactString>,
    pub tracking_url: Option<CompactString>,
    pub invoice_number: Option<CompactString>,
    pub invoice_url: Option<CompactString>,
}

/// Why a message is not tried any more until somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    pub at: Timestamp,
    pub reason: String,
}

impl Message {
    /// Equal for every attempt and unlike that of any other message: order, pedido, status and webhook. Fit for a header.
    pub fn idempotency_key(&self) -> String {
        let mut key = String::with_capacity(64);
        for (index, part) in
            [&*self.webhook, &*self.order, self.pedido.as_deref().unwrap_or(""), &*self.status]
                .into_iter()
                .enumerate()
        {
            if index > 0 {
                key.push(':');
            }
            push_plain(&mut key, part);
        }
        key
    }
}

/// Letters, digits, `-`, `_` and `.` as they are, anything else by its bytes.
fn push_plain(key: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            key.push(char::from(byte));
        } else {
            key.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// When messages are tried again, and when not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub backoff: Backoff,
    /// A message that is older is set aside: late news is worse than none.
    pub expires_after: Duration,
}

/// Data of a person that may go out, when the configuration says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    FirstName,
    LastName,
    Phone,
    Email,
}

impl Personal {
    pub const ALL: [Self; 4] = [Self::FirstName, Self::LastName, Self::Phone, Self::Email];

    /// The name in templates and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn message(order: &str, pedido: Option<&str>, status: &str) -> Message {
        Message {
            webhook: "sms".into(),
            order: order.into(),
            pedido: pedido.map(CompactString::from),
            status: status.into(),
            passed: false,
            at: None,
            created: Timestamp(0),
            facts: Facts::default(),
            attempts: 0,
            not_before: Timestamp(0),
            last: None,
            parked: None,
        }
    }

    #[test]
    fn a_key_names_what_is_told_and_fits_into_a_header() {
        let key = |order, pedido, status| message(order, pedido, status).idempotency_key();
        assert_eq!(key("1234-01", Some("4711"), "despachado"), "sms:1234-01:4711:despachado");
        assert_eq!(key("1234-01", None, "canceled"), "sms:1234-01::canceled");
        assert_eq!(key("a:b", Some("é\n"), "x"), "sms:a%3Ab:%C3%A9%0A:x");
    }

    proptest! {
        #[test]
        fn different_messages_have_different_keys(
            one in (".{0,6}", proptest::option::of(".{1,6}"), ".{0,6}"),
            other in (".{0,6}", proptest::option::of(".{1,6}"), ".{0,6}"),
        ) {
            let key = |of: &(String, Option<String>, String)| message(&of.0, of.1.as_deref(), &of.2).idempotency_key();
            prop_assert_eq!(one == other, key(&one) == key(&other));
            prop_assert!(key(&one).is_ascii() && !key(&one).contains(|c: char| c.is_ascii_control()));
        }
    }
}
