//! What goes back.

use bytes::Bytes;
use serde_json::Value;

/// A status, a body and headers of its own.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(super) const fn empty(status: u16) -> Self {
        Self { status, body: Bytes::new(), content_type: "", headers: Vec::new() }
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self { body: Bytes::from(value.to_string()), content_type: "application/json", ..Self::empty(status) }
    }

    pub(super) fn text(status: u16, text: impl Into<String>, content_type: &'static str) -> Self {
        Self { body: Bytes::from(text.into()), content_type, ..Self::empty(status) }
    }

    /// The plain complaint of a write that is not well-formed.
    pub(super) fn bad(message: &str) -> Self {
        Self::json(
            400,
            &serde_json::json!({ "error": { "code": "1", "message": message, "exception": null } }),
        )
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}
