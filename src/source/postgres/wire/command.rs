//! Replication commands as text, which changed between the majors.

use std::fmt::Write as _;

use super::super::pgoutput::PROTOCOL_VERSION;
use crate::core::position::Position;

pub(super) const IDENTIFY_SYSTEM: &str = "IDENTIFY_SYSTEM";

pub(super) fn timeline_history(timeline: u32) -> String {
    format!("TIMELINE_HISTORY {timeline}")
}

/// Where a server left `timeline`, by the history of a later one; `None`: that does not descend from it.
///
/// A line is the number of a timeline, where it was left, and why (Postgres manual, "Timelines").
pub(super) fn left_at(history: &str, timeline: u32) -> Option<Position> {
    history.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let number: u32 = words.next()?.parse().ok()?;
        if number == timeline { words.next()?.parse().ok() } else { None }
    })
}

/// Major version of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// From the parameter `server_version`: `15.18 (Debian 15.18-0+deb12u1)`, `18beta1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok().map(Self)
    }
}

/// What to stream, and from where.
#[derive(Debug, Clone)]
pub struct StartReplication<'a> {
    pub slot: &'a str,
    /// First position wanted. The server begins at the slot's confirmed position if that is later; zero means
    /// there.
    pub from: Position,
    pub publications: &'a [&'a str],
    /// Values in the binary form of their types where a type has one.
    pub binary: bool,
    /// Receive what `pg_logical_emit_message` writes, our heartbeats among it.
    pub messages: bool,
}

/// From 15 on options are written in brackets, from 17 on a slot can follow a failover.
pub(super) fn create_slot(name: &str, version: ServerVersion) -> String {
    let options = match version.0 {
        ..15 => "NOEXPORT_SNAPSHOT",
        15..17 => "(SNAPSHOT 'nothing')",
        17.. => "(SNAPSHOT 'nothing', FAILOVER true)",
    };
    format!("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput {options}", identifier(name))
}

/// Without the option `origin`, which 16 brought: what was replicated into Live from elsewhere, the database of a store
/// perhaps, is a change like any other, in every version alike.
pub(super) fn start_replication(start: &StartReplication<'_>) -> String {
    let publications: Vec<_> = start.publications.iter().map(|name| identifier(name)).collect();
    let mut sql = format!(
        "START_REPLICATION SLOT {} LOGICAL {} (proto_version '{PROTOCOL_VERSION}', publication_names {}",
        identifier(start.slot),
        start.from,
        literal(&publications.join(",")),
    );
    let options = [(start.binary, "binary 'true'"), (start.messages, "messages 'true'")];
    for (_, option) in options.iter().filter(|(wanted, _)| *wanted) {
        let _infallible = write!(sql, ", {option}");
    }
    sql.push(')');
    sql
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The grammar of replication commands knows no escape but the doubled quote.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_major_gets_the_syntax_it_understands() {
        let create = |major| create_slot("mare", ServerVersion(major));
        assert_eq!(create(14), r#"CREATE_REPLICATION_SLOT "mare" LOGICAL pgoutput NOEXPORT_SNAPSHOT"#);
        assert_eq!(create(15), r#"CREATE_REPLICATION_SLOT "mare" LOGICAL pgoutput (SNAPSHOT 'nothing')"#);
        assert!(create(17).ends_with("(SNAPSHOT 'nothing', FAILOVER true)"));
    }

    #[test]
    fn a_history_tells_where_each_timeline_was_left() {
        let history =
            "1\t0/3000158\tno recovery target specified\n\n# a remark\n2\t0/5000060\tbefore 2026-11-25\n";
        assert_eq!(left_at(history, 1), Some(Position(0x300_0158)));
        assert_eq!(left_at(history, 2), Some(Position(0x500_0060)));
        assert_eq!(left_at(history, 3), None);
        assert_eq!(left_at("1\tno LSN", 1), None);
    }

    #[test]
    fn names_are_quoted_on_both_levels() {
        let start = StartReplication {
            slot: "mare",
            from: Position(0x16_B374_D848),
            publications: &["plain", "it's \"odd\""],
            binary: true,
            messages: false,
        };
        assert_eq!(
            start_replication(&start),
            "START_REPLICATION SLOT \"mare\" LOGICAL 16/B374D848 (proto_version '1', publication_names \
             '\"plain\",\"it''s \"\"odd\"\"\"', binary 'true')"
        );
    }

    #[test]
    fn the_major_version_is_found_in_all_its_spellings() {
        for (text, major) in [("15.18 (Debian 15.18-0+deb12u1)", 15), ("18beta1", 18), ("17.10", 17)] {
            assert_eq!(ServerVersion::parse(text), Some(ServerVersion(major)), "{text}");
        }
        assert_eq!(ServerVersion::parse("devel"), None);
    }
}
