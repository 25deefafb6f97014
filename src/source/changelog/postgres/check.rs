//! Whether capture by triggers is as it should be.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use crate::core::time::Timestamp;
use crate::mapping::config::MappingConfig;
use crate::source::finding::Finding;
use crate::source::postgres::check::{clock, codes, grants_on, version};

use super::super::dialect::{Health, Identity};
use super::connection::holder;
use super::install::{Existing, Names, fits, function_body, obstacles};
use super::layout::{SCHEMA, TableLayout};

/// Waiting rows are counted up to here, for each table.
const COUNTED_MAX: i64 = 100_000;
/// Rows that nobody fetches for longer than this are worth a warning.
const WAITING_SECONDS_MAX: f64 = 300.0;

const TRIGGERS: [&str; 4] = ["mare_insert", "mare_update", "mare_delete", "mare_truncate"];

/// What the drain looks at from time to time.
pub(super) async fn health(
    client: &Client,
    layouts: &[TableLayout],
    identity: Identity,
) -> Result<Health, Error> {
    let (waiting, oldest) = backlog(client, layouts).await?;
    let rows = client
        .query(
            // A prepared transaction has no virtual id of its own any more, but still one that nobody else has.
            "SELECT DISTINCT virtualtransaction FROM pg_locks \
             WHERE locktype IN ('virtualxid', 'transactionid') AND pid IS DISTINCT FROM pg_backend_pid()",
            &[],
        )
        .await?;
    let open = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let faults = trigger_faults(client, layouts).await?;
    Ok(Health { identity, waiting, oldest, faults, open, missing: missing(client, layouts).await? })
}

/// How many rows wait, and since when.
async fn backlog(client: &Client, layouts: &[TableLayout]) -> Result<(u64, Option<Timestamp>), Error> {
    let parts: Vec<String> = layouts
        .iter()
        .map(|layout| {
            let table = layout.sql();
            format!(
                "SELECT (SELECT count(*) FROM (SELECT FROM {table} LIMIT {COUNTED_MAX}) AS counted) AS rows, \
                 (SELECT mare_at FROM {table} ORDER BY mare_number LIMIT 1) AS oldest"
            )
        })
        .collect();
    let sql = format!(
        "SELECT coalesce(sum(rows), 0)::bigint, (extract(epoch FROM min(oldest)) * 1000000)::bigint FROM ({}) AS change_tables",
        parts.join(" UNION ALL ")
    );
    let row = client.query_one(&sql, &[]).await?;
    Ok((row.try_get::<_, i64>(0)?.unsigned_abs(), row.try_get::<_, Option<i64>>(1)?.map(Timestamp)))
}

/// Triggers that are not there or do not fire.
async fn trigger_faults(client: &Client, layouts: &[TableLayout]) -> Result<Vec<String>, Error> {
    let rows = client
        .query(
            "SELECT n.nspname || '.' || c.relname, t.tgname::text, t.tgenabled IN ('O', 'A') FROM pg_trigger t \
             JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace o ON o.oid = p.pronamespace \
             WHERE o.nspname = $1 AND NOT t.tgisinternal",
            &[&SCHEMA],
        )
        .await?;
    let mut fires: BTreeMap<(String, String), bool> = BTreeMap::new();
    for row in &rows {
        fires.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
    }
    let mut faults = Vec::new();
    for layout in layouts {
        for trigger in TRIGGERS {
            let table = layout.live_name();
            match fires.get(&(table.clone(), trigger.to_owned())) {
                Some(true) => {}
                Some(false) => faults.push(format!(
                    "trigger {trigger} of {table} is disabled: ALTER TABLE {} ENABLE TRIGGER {trigger}",
                    layout.live_sql()
                )),
                None => faults.push(format!("trigger {trigger} of {table} is missing: run `mare install`")),
            }
        }
    }
    Ok(faults)
}

/// Mapped columns that Live does not have (any more).
async fn missing(client: &Client, layouts: &[TableLayout]) -> Result<Vec<Vec<String>>, Error> {
    let (schemas, tables): (Vec<&str>, Vec<&str>) = layouts
        .iter()
        .map(|layout| (layout.captured.schema.as_str(), layout.captured.table.as_str()))
        .unzip();
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text, a.attname::text \
             FROM unnest($1::text[], $2::text[]) AS captured(schema, name) \
             JOIN pg_namespace n ON n.nspname = captured.schema \
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = captured.name \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped",
            &[&schemas, &tables],
        )
        .await?;
    let there: BTreeSet<(String, String, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, Error>>()?;
    let is_there = |layout: &TableLayout, column: &String| {
        let captured = &layout.captured;
        there.contains(&(captured.schema.clone(), captured.table.clone(), column.clone()))
    };
    Ok(layouts
        .iter()
        .map(|layout| {
            layout.captured.columns.iter().filter(|column| !is_there(layout, column)).cloned().collect()
        })
        .collect())
}

/// Looks at everything for `mare check`; what cannot be asked is a finding, too.
pub async fn check(
    client: &Client,
    names: &Names,
    layouts: &[TableLayout],
    mapping: &MappingConfig,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let captured: Vec<_> = layouts.iter().map(|layout| layout.captured.clone()).collect();
    let parts = [
        version(client, &mut findings).await,
        clock(client, &mut findings).await,
        installation(client, names, layouts, &mut findings).await,
        grants_on(client, &captured, &mut findings).await,
        codes(client, mapping, &mut findings).await,
    ];
    for error in parts.into_iter().filter_map(Result::err) {
        let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
        findings.push(Finding::error(
            "live",
            message,
            "grant what is missing with `mare install`, then check again",
        ));
    }
    findings
}

async fn installation(
    client: &Client,
    names: &Names,
    layouts: &[TableLayout],
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let exists = Existing::look(client, names, layouts).await?;
    let obstacles = obstacles(layouts, &exists);
    if obstacles.is_empty() {
        findings.push(Finding::ok("tables", format!("{} are as mapped and have a key", layouts.len())));
    }
    findings.extend(obstacles.into_iter().map(|text| Finding::error("tables", text, "as it says")));
    let installed: bool =
        client.query_one("SELECT to_regclass('mare.control') IS NOT NULL", &[]).await?.try_get(0)?;
    if !installed {
        findings.push(Finding::error("capture", "nothing is installed", "mare install"));
        return Ok(());
    }
    definitions(client, layouts, &exists, findings).await?;
    let faults = trigger_faults(client, layouts).await?;
    if faults.is_empty() {
        findings.push(Finding::ok("triggers", format!("{} fire", layouts.len() * TRIGGERS.len())));
    }
    findings.extend(
        faults
            .into_iter()
            .map(|text| Finding::error("triggers", text, "as it says; everything is compared then")),
    );
    let capturing: bool = client
        .query_one("SELECT coalesce((SELECT capture FROM mare.control), true)", &[])
        .await?
        .try_get(0)?;
    findings.push(if capturing {
        Finding::ok("switch", "capture is on")
    } else {
        Finding::error("switch", "capture is switched off", "UPDATE mare.control SET capture = true")
    });
    waiting(client, layouts, &exists, findings).await
}

/// Change tables and functions must be those of this version and mapping.
async fn definitions(
    client: &Client,
    layouts: &[TableLayout],
    exists: &Existing,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let rows = client
        .query(
            "SELECT p.proname::text, p.prosrc, p.prosecdef FROM pg_proc p \
             JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1",
            &[&SCHEMA],
        )
        .await?;
    let mut functions: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for row in &rows {
        functions.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    let mut differing = Vec::new();
    for (layout, facts) in layouts.iter().zip(&exists.tables) {
        let same = functions
            .get(&layout.name)
            .is_some_and(|(body, definer)| *definer && *body == function_body(layout));
        if !same {
            differing.push(format!("function {SCHEMA}.{}", layout.name));
        }
        if facts.as_ref().is_some_and(|facts| !fits(layout, facts)) {
            differing.push(format!("change table {SCHEMA}.{}", layout.name));
        }
    }
    findings.push(if differing.is_empty() {
        Finding::ok("definitions", "are those of this version and mapping")
    } else {
        Finding::error(
            "definitions",
            format!("altered, or of another version or mapping: {}", differing.join(", ")),
            "mare install",
        )
    });
    Ok(())
}

async fn waiting(
    client: &Client,
    layouts: &[TableLayout],
    exists: &Existing,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let there = |facts: &Option<_>| {
        facts.as_ref().is_some_and(|facts: &super::install::TableFacts| !facts.change_columns.is_empty())
    };
    if !exists.tables.iter().all(there) {
        return Ok(());
    }
    let (rows, oldest) = backlog(client, layouts).await?;
    let now: i64 = client
        .query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", &[])
        .await?
        .try_get(0)?;
    let seconds = oldest.map_or(0.0, |oldest| oldest.until(Timestamp(now)).as_secs_f64());
    let holder = holder(client).await?;
    let read_by = holder.map_or_else(|| "nobody reads them".to_owned(), |holder| format!("read by {holder}"));
    let message = format!("{rows} rows wait, the oldest for {seconds:.0} s; {read_by}");
    findings.push(if seconds > WAITING_SECONDS_MAX {
        Finding::warning("change tables", message, "start mare run")
    } else {
        Finding::ok("change tables", message)
    });
    Ok(())
}
