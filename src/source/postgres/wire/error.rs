//! What can go wrong on a replication connection, sorted by what has to be done about it.

use std::io;

use crate::live::{ConnectError, ServerError};

/// Failure of a replication command or stream.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("slot '{slot}' is in use by process {}; another maré reads it, or the server has not \
             noticed yet that its last reader is gone", pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string()))]
    SlotInUse { slot: String, pid: Option<u32> },
    #[error(
        "slot '{slot}' does not exist; whatever it held back is lost, so everything has to be reconciled"
    )]
    SlotMissing { slot: String },
    #[error("the server misses what the stream needs: {0}; is the publication installed in this database?")]
    PublicationMissing(ServerError),
    #[error("slot '{slot}' has lost changes: {error}; it has to be dropped and everything reconciled")]
    SlotLost { slot: String, error: ServerError },
    #[error("slot '{slot}' exists already")]
    SlotExists { slot: String },
    #[error("the server has no replication slot left: {0}; raise max_replication_slots")]
    NoSlotLeft(ServerError),
    #[error("the server writes too little into its WAL: {0}; set wal_level = logical and restart it")]
    NotLogical(ServerError),
    #[error("the role may not replicate: {0}; grant it with ALTER ROLE … REPLICATION")]
    NotPermitted(ServerError),
    #[error("the server ended the connection: {0}")]
    ServerShutdown(ServerError),
    #[error("the server ended the stream")]
    Ended,
    #[error("the server refused: {0}")]
    Server(ServerError),
    #[error("the connection was closed by the server")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("a message of {length} bytes is longer than the limit of {limit}")]
    MessageTooLong { length: usize, limit: usize },
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),
}

impl WireError {
    /// Sorts an `ErrorResponse`. Messages may be translated, so only the SQLSTATE and the routine count.
    pub(super) fn from_server(error: ServerError, slot: &str) -> Self {
        let slot = || slot.to_owned();
        let routine = error.routine.clone().unwrap_or_default();
        match &*error.code {
            "55006" => Self::SlotInUse { slot: slot(), pid: last_number(&error.message) },
            "42704" if routine.starts_with("ReplicationSlot") => Self::SlotMissing { slot: slot() },
            "42704" => Self::PublicationMissing(error),
            "42710" => Self::SlotExists { slot: slot() },
            "53400" => Self::NoSlotLeft(error),
            "42501" => Self::NotPermitted(error),
            "55000" if is_wal_level(&error) => Self::NotLogical(error),
            "55000" if is_invalidated(&error) => Self::SlotLost { slot: slot(), error },
            // The file of a WAL segment that the slot needs is gone.
            "58P01" if routine.to_ascii_lowercase().contains("segment") => {
                Self::SlotLost { slot: slot(), error }
            }
            "57P01" | "57P02" | "57P03" => Self::ServerShutdown(error),
            _ => Self::Server(error),
        }
    }

    /// Changes were or will be skipped: waiting and trying again cannot help, reconciling does.
    pub const fn has_lost_changes(&self) -> bool {
        matches!(self, Self::SlotLost { .. } | Self::SlotMissing { .. })
    }
}

fn is_wal_level(error: &ServerError) -> bool {
    matches!(error.routine.as_deref(), Some("CheckLogicalDecodingRequirements" | "CheckSlotRequirements"))
}

/// Where the majors report an invalidated slot: 14 and 15 when streaming starts, 16 and 17 when the decoding
/// context is made (where a detail without a hint tells it apart from other refusals), 18 when the slot is
/// acquired.
fn is_invalidated(error: &ServerError) -> bool {
    match error.routine.as_deref() {
        Some("StartLogicalReplication" | "RaiseSlotInvalidationError" | "ReplicationSlotAcquire") => true,
        Some("CreateDecodingContext") => error.detail.is_some() && error.hint.is_none(),
        _ => false,
    }
}

/// The process id closes the message in the languages Postgres speaks.
fn last_number(message: &str) -> Option<u32> {
    message.rsplit(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, routine: &str, message: &str, detail: Option<&str>) -> ServerError {
        ServerError {
            code: code.into(),
            message: message.into(),
            detail: detail.map(Box::from),
            routine: Some(routine.into()),
            hint: None,
        }
    }

    #[test]
    fn the_process_holding_the_slot_is_found_in_any_language() {
        for message in [
            r#"replication slot "mare_1" is active for PID 4711"#,
            r#"slot de replicação "mare_1" está ativo para PID 4711"#,
        ] {
            let error = error("55006", "ReplicationSlotAcquire", message, None);
            let found = WireError::from_server(error, "mare_1");
            assert!(matches!(found, WireError::SlotInUse { pid: Some(4711), .. }), "{found}");
        }
    }

    #[test]
    fn an_invalidated_slot_is_told_apart_from_a_refused_one() {
        let detail = Some("This slot has been invalidated because it exceeded the maximum reserved size.");
        for routine in ["StartLogicalReplication", "CreateDecodingContext", "RaiseSlotInvalidationError"] {
            let found = WireError::from_server(error("55000", routine, "…", detail), "mare");
            assert!(found.has_lost_changes(), "{routine}");
        }
        let other_database = error("55000", "CreateDecodingContext", "not created in this database", None);
        assert!(!WireError::from_server(other_database, "mare").has_lost_changes());
        let wal_level = error("55000", "CheckLogicalDecodingRequirements", "…", None);
        assert!(matches!(WireError::from_server(wal_level, "mare"), WireError::NotLogical(_)));
    }
}
