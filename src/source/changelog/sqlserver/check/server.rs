//! The server and the database as a whole.

use crate::core::time::Timestamp;
use crate::live::sqlserver::{SqlError, Statement, Zone};
use crate::mapping::cell::{oid, timestamp};
use crate::source::changelog::versions::dialect::Mode;
use crate::source::finding::Finding;

use super::super::install::Way;
use super::super::names::quoted;
use super::super::server::ServerFacts;
use super::super::session::{integer_of, text_of};
use super::super::statements::{OPEN_TRANSACTIONS, RESTORES};
use super::ask::{Asker, Needs};

/// Further apart than this, validities of prices and latencies are wrong.
const CLOCK_SECONDS_MAX: i64 = 5;
/// SQL Server 2008: the lowest that maré was tried with.
const COMPATIBILITY_MIN: i64 = 100;
/// `EngineEdition` from here on is Azure's, of which only the managed instance is a whole server.
const AZURE: i64 = 5;
const MANAGED_INSTANCE: i64 = 8;

pub(super) fn judge(facts: &ServerFacts, way: Way, zone: &Zone, now: Timestamp) -> Vec<Finding> {
    if facts.version.is_empty() {
        return Vec::new();
    }
    let findings = [version(facts), compatibility(facts), isolation(facts, way)];
    findings.into_iter().chain(clock(facts, now)).chain(time_zone(facts, zone)).collect()
}

fn version(facts: &ServerFacts) -> Finding {
    let what = format!("{}, version {}", facts.edition, facts.version);
    if let Some(too_old) = facts.too_old() {
        return Finding::error(
            "version",
            too_old,
            "update the server, or capture from a newer replica of it",
        );
    }
    if facts.is_babelfish {
        return Finding::warning(
            "version",
            format!("Babelfish ({what}): it lacks much of what keeps a shop undisturbed"),
            "use it for tests; point [[source]] at a SQL Server to work with",
        );
    }
    if facts.engine >= AZURE && facts.engine != MANAGED_INSTANCE {
        return Finding::warning(
            "version",
            format!("{what}, of Azure: maré was never tried with it"),
            "try everything on a copy first",
        );
    }
    Finding::ok("version", what)
}

fn compatibility(facts: &ServerFacts) -> Finding {
    let level = facts.compatibility;
    if level >= COMPATIBILITY_MIN {
        return Finding::ok("compatibility", format!("level {level}"));
    }
    Finding::warning(
        "compatibility",
        format!("level {level}: maré was never tried below {COMPATIBILITY_MIN}"),
        format!(
            "ask whoever looks after the ERP whether ALTER DATABASE {} SET COMPATIBILITY_LEVEL = {COMPATIBILITY_MIN} may be",
            quoted(&facts.database)
        ),
    )
}

fn isolation(facts: &ServerFacts, way: Way) -> Finding {
    let on = |on| if on { "on" } else { "off" };
    let text = format!(
        "READ_COMMITTED_SNAPSHOT is {}, ALLOW_SNAPSHOT_ISOLATION is {}, recovery model {}",
        on(facts.reads_committed_snapshot),
        on(facts.allows_snapshot),
        facts.recovery
    );
    if way == Way::Versions(Mode::Tracking) && !facts.allows_snapshot {
        return Finding::warning(
            "isolation",
            format!(
                "{text}: rounds wait for rows that the shop has locked, and read again what changes meanwhile"
            ),
            format!(
                "ask whoever looks after the ERP whether ALTER DATABASE {} SET ALLOW_SNAPSHOT_ISOLATION ON may be (it costs room in \
                 tempdb)",
                quoted(&facts.database)
            ),
        );
    }
    let waits = if facts.reads_committed_snapshot {
        ""
    } else {
        ": loads wait for rows that the shop has locked, 5 s at most, and the shop for rows that are being read"
    };
    Finding::ok("isolation", format!("{text}{waits}"))
}

fn clock(facts: &ServerFacts, now: Timestamp) -> Option<Finding> {
    let ahead = (facts.utc?.0 - now.0) / 1_000_000;
    Some(if ahead.abs() > CLOCK_SECONDS_MAX {
        Finding::warning("clock", format!("Live's clock differs by {ahead} s"), "let both follow NTP")
    } else {
        Finding::ok("clock", "Live's and ours agree")
    })
}

/// Columns of Live hold local time; `timezone` says which.
fn time_zone(facts: &ServerFacts, zone: &Zone) -> Option<Finding> {
    let (utc, seconds) = (facts.utc?, facts.offset_seconds?);
    let utc = jiff::Timestamp::from_microsecond(utc.0).ok()?;
    let configured = i64::from(zone.rules().to_offset(utc).seconds());
    // Two looks at the clock, and every zone is whole minutes away from UTC.
    let minutes = |seconds: i64| (seconds + 30).div_euclid(60);
    let name = zone.rules().iana_name().unwrap_or("?");
    Some(if minutes(seconds) == minutes(configured) {
        Finding::ok("timezone", format!("{name} is {} as on the server", offset(minutes(seconds))))
    } else {
        Finding::warning(
            "timezone",
            format!(
                "the server's clock shows UTC{}, timezone = \"{name}\" is UTC{} now: dates in Live's columns would be taken for \
                 others, and prices come into force at the wrong hour",
                offset(minutes(seconds)),
                offset(minutes(configured))
            ),
            "set timezone of [[source]] to the zone that Live's dates are in (or the server's clock right); where its programs \
             write another time than the server's, leave it as it is",
        )
    })
}

fn offset(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

pub(super) async fn restores(asker: &mut Asker<'_>) -> Result<(), SqlError> {
    let answer = asker.ask(Statement::new(RESTORES), "when the database was restored", Needs::Msdb).await?;
    let Some(row) = answer.as_ref().and_then(|answer| answer.rows.row(0)) else { return Ok(()) };
    let place = row.columns().iter().position(|column| column.name == "restaurado_em");
    let when = place.and_then(|place| timestamp(row.cell(place), oid::TIMESTAMPTZ).ok().flatten());
    asker.found_all(when.map(|when| {
        Finding::ok(
            "restore",
            format!("restored last on {when}; a maré that had read it before compares everything"),
        )
    }));
    Ok(())
}

pub(super) async fn open_transactions(asker: &mut Asker<'_>, way: Way) -> Result<(), SqlError> {
    let ask = Statement::new(OPEN_TRANSACTIONS);
    let Some(answer) = asker.ask(ask, "open transactions", Needs::ServerState).await? else { return Ok(()) };
    let Some(row) = answer.rows.row(0) else {
        asker.found(Finding::ok("transactions", "none has been open for more than a minute"));
        return Ok(());
    };
    let held = match way {
        Way::Versions(Mode::RowVersions) => "everything that changed since waits for it",
        _ => "what it changed waits for its end",
    };
    let text = |name| text_of(row, name).unwrap_or("?");
    let message = format!(
        "session {} ({} of {} on {}) has had one open for {} s: {held}",
        integer_of(row, "sessao").unwrap_or_default(),
        text("programa"),
        text("usuario"),
        text("maquina"),
        integer_of(row, "segundos").unwrap_or_default()
    );
    asker.found(Finding::warning("transactions", message, "find out what it waits for, or let it end"));
    Ok(())
}
