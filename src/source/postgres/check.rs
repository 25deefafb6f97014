//! Whether Live is ready for capture: every finding with what to do.

use std::collections::BTreeSet;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::mapping::config::{CapturedTable, MappingConfig, Role};
use crate::source::finding::{Finding, Severity, few};
use crate::source::tenants;

use super::install::{Names, look_at_tables, obstacles};
use super::slot;

/// WAL that a shop of middling size writes in a day; enough for a long weekend without maré.
const KEEP_SIZE_ADVISED: &str = "20GB";
/// When less than this part of the limit is left, the slot is close to being lost.
const SAFE_PART_LEAST: i64 = 4;

/// Looks at everything; what cannot be asked is a finding, too.
pub async fn check(client: &Client, names: &Names, mapping: &MappingConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let captured = mapping.captured();
    let parts = [
        version(client, &mut findings).await,
        settings(client, &mut findings).await,
        clock(client, &mut findings).await,
        the_slot(client, names, &mut findings).await,
        publication(client, names, &captured, &mut findings).await,
        tables(client, &captured, &mut findings).await,
        codes(client, mapping, &mut findings).await,
    ];
    findings.extend(parts.into_iter().filter_map(Result::err).filter_map(|error| failed(&error)));
    findings
}

/// What Live would not answer; nothing where a missing table or column has been reported as such.
fn failed(error: &Error) -> Option<Finding> {
    let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    let remedy = match error.code() {
        Some(&(SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN)) => return None,
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "grant what is missing: mare install",
        _ => "see the log of Postgres, then check again",
    };
    Some(Finding::error("live", message, remedy))
}

async fn setting(client: &Client, name: &str) -> Result<String, Error> {
    client.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)
}

pub(in crate::source) async fn version(client: &Client, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let version = slot::server_version(client).await?;
    findings.push(if version >= 140_000 {
        Finding::ok("version", format!("Postgres {}", version / 10_000))
    } else {
        Finding::error("version", format!("Postgres {}", version / 10_000), "14 is the oldest that works")
    });
    Ok(())
}

async fn settings(client: &Client, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let level = setting(client, "wal_level").await?;
    findings.push(if level == "logical" {
        Finding::ok("wal_level", "logical")
    } else {
        Finding::error("wal_level", level, "ALTER SYSTEM SET wal_level = 'logical'; then restart Postgres")
    });
    let keep = setting(client, "max_slot_wal_keep_size").await?;
    findings.push(if keep == "-1" {
        Finding::warning(
            "max_slot_wal_keep_size",
            "no limit: while maré is switched off Live keeps all WAL, until the disk is full",
            format!(
                "ALTER SYSTEM SET max_slot_wal_keep_size = '{KEEP_SIZE_ADVISED}'; SELECT pg_reload_conf()"
            ),
        )
    } else {
        Finding::ok("max_slot_wal_keep_size", keep)
    });
    let row = client
        .query_one(
            "SELECT (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)",
            &[],
        )
        .await?;
    findings.push(if row.try_get(0)? {
        Finding::ok("login", "may replicate")
    } else {
        Finding::error("login", "may not replicate", "mare install, or ALTER ROLE … REPLICATION")
    });
    Ok(())
}

/// Validities of prices and latencies compare Live's clock with ours.
pub(in crate::source) async fn clock(client: &Client, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let row = client.query_one("SELECT extract(epoch FROM clock_timestamp())::float8", &[]).await?;
    let theirs: f64 = row.try_get(0)?;
    let ours = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |now| now.as_secs_f64());
    if (theirs - ours).abs() > 5.0 {
        findings.push(Finding::warning(
            "clock",
            format!("Live's clock differs by {:.0} s", theirs - ours),
            "let both follow NTP",
        ));
    }
    Ok(())
}

async fn the_slot(client: &Client, names: &Names, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let subject = "slot";
    let row = client
        .query_one(
            "SELECT current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int, \
                    current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication)::int, \
                    (SELECT setting::bigint << 20 FROM pg_settings WHERE name = 'max_slot_wal_keep_size')",
            &[],
        )
        .await?;
    let (slots, senders): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let limit: i64 = row.try_get(2)?;
    let facts = slot::facts(client, &names.slot).await?;
    let severity = if facts.is_none() { Severity::Error } else { Severity::Warning };
    if slots <= 0 {
        let remedy = "drop one that nobody needs, or raise max_replication_slots and restart Postgres, so that a \
                      slot can be made (again)";
        findings.push(Finding { severity, ..Finding::error("slots", "none is free", remedy) });
    }
    if senders <= 0 && facts.as_ref().is_none_or(|facts| facts.active_pid.is_none()) {
        let remedy = "raise max_wal_senders and restart Postgres";
        findings.push(Finding::error("wal senders", "none is free: nothing can be streamed", remedy));
    }
    findings.push(match facts {
        None => Finding::error(subject, format!("\"{}\" does not exist", names.slot), "mare install"),
        Some(facts) if facts.is_lost() => Finding::warning(
            subject,
            "Live has removed WAL that it needed",
            "mare run makes a new one and compares everything; raise max_slot_wal_keep_size",
        ),
        Some(facts) if facts.plugin != "pgoutput" || facts.database.as_deref() != Some(&names.database) => {
            Finding::error(
                subject,
                format!("\"{}\" is somebody else's", names.slot),
                "give [[source]] another slot",
            )
        }
        Some(facts) if facts.safe_wal_size.is_some_and(|bytes| bytes < limit / SAFE_PART_LEAST) => {
            let left = facts.safe_wal_size.unwrap_or_default().max(0) >> 20;
            Finding::warning(
                subject,
                format!("it will be lost soon: {left} of {} MiB of WAL are left", limit >> 20),
                "start mare run, or raise max_slot_wal_keep_size",
            )
        }
        Some(facts) => match facts.active_pid {
            Some(pid) => Finding::ok(subject, format!("being read by process {pid}")),
            None => Finding::ok(subject, "ready"),
        },
    });
    Ok(())
}

async fn publication(
    client: &Client,
    names: &Names,
    captured: &[CapturedTable],
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let error = |message: String| Finding::error("publication", message, "mare install");
    let row = client
        .query_opt(
            "SELECT pubinsert, pubupdate, pubdelete, pubtruncate, \
                    array(SELECT schemaname || '.' || tablename FROM pg_publication_tables t \
                          WHERE t.pubname = p.pubname AND to_jsonb(t) ->> 'rowfilter' IS NOT NULL) \
             FROM pg_publication p WHERE pubname = $1",
            &[&names.publication],
        )
        .await?;
    let Some(row) = row else {
        findings.push(error(format!("\"{}\" does not exist", names.publication)));
        return Ok(());
    };
    let mut silent = Vec::new();
    for (index, what) in ["INSERT", "UPDATE", "DELETE", "TRUNCATE"].into_iter().enumerate() {
        if !row.try_get::<_, bool>(index)? {
            silent.push(what.to_owned());
        }
    }
    if !silent.is_empty() {
        let remedy = format!(
            "ALTER PUBLICATION \"{}\" SET (publish = 'insert, update, delete, truncate'), then mare reconcile",
            names.publication
        );
        let message = format!("\"{}\" does not publish {}", names.publication, few(&silent));
        findings.push(Finding::error("publication", message, remedy));
    }
    let filtered: Vec<String> = row.try_get(4)?;
    if !filtered.is_empty() {
        let message = format!("\"{}\" leaves out rows of {}", names.publication, few(&filtered));
        let remedy = "mare install sets it without a filter; then mare reconcile";
        findings.push(Finding::error("publication", message, remedy));
    }
    let rows = client
        .query(
            "SELECT p.schemaname || '.' || p.tablename, a.attname::text \
             FROM pg_publication_tables p \
             JOIN pg_class c ON c.relname = p.tablename JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = p.schemaname \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE p.pubname = $1 AND coalesce((to_jsonb(p) -> 'attnames') ? a.attname::text, true)",
            &[&names.publication],
        )
        .await?;
    let published: BTreeSet<(String, String)> =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, Error>>()?;
    let missing: Vec<String> = captured
        .iter()
        .flat_map(|table| {
            table
                .columns
                .iter()
                .map(move |column| (format!("{}.{}", table.schema, table.table), column.clone()))
        })
        .filter(|pair| !published.contains(pair))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect();
    findings.push(if missing.is_empty() {
        Finding::ok("publication", "has every mapped column")
    } else {
        error(format!("\"{}\" lacks {}", names.publication, few(&missing)))
    });
    Ok(())
}

async fn tables(
    client: &Client,
    captured: &[CapturedTable],
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let found = look_at_tables(client, captured).await?;
    let obstacles = obstacles(captured, &found);
    if obstacles.is_empty() {
        findings.push(Finding::ok(
            "tables",
            format!("{} are as mapped and have a replica identity", captured.len()),
        ));
    }
    findings.extend(
        obstacles.into_iter().map(|obstacle| Finding::error("tables", obstacle.message, obstacle.remedy)),
    );
    grants_on(client, captured, findings).await
}

/// What is read from Live must be allowed; a table that does not exist is told elsewhere.
pub(in crate::source) async fn grants_on(
    client: &Client,
    captured: &[CapturedTable],
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let found = look_at_tables(client, captured).await?;
    let mut refused = Vec::new();
    for table in captured.iter().filter(|table| found.iter().any(|facts| facts.table == table.table)) {
        let name = format!("\"{}\".\"{}\"", table.schema, table.table);
        for column in &table.columns {
            let may = client
                .query_one(
                    "SELECT has_schema_privilege($1, 'USAGE') AND coalesce((SELECT has_column_privilege($2, attnum, 'SELECT') \
                     FROM pg_attribute WHERE attrelid = $2::regclass AND attname = $3), true)",
                    &[&table.schema, &name, column],
                )
                .await?;
            if !may.try_get::<_, bool>(0)? {
                refused.push(format!("{}.{}.{column}", table.schema, table.table));
            }
        }
    }
    findings.push(if refused.is_empty() {
        Finding::ok("grants", "every mapped column may be read")
    } else {
        let remedy = "mare install grants what the mapping reads";
        Finding::error("grants", format!("no SELECT on {}", few(&refused)), remedy)
    });
    Ok(())
}

/// The codes that the mapping names must exist.
pub(in crate::source) async fn codes(
    client: &Client,
    mapping: &MappingConfig,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let stores = mapping.stores.iter().map(|rule| rule.loja.as_str());
    let store_code = &mapping.tables.store.columns.code;
    unknown(client, mapping, Role::Store, store_code, "store", stores, findings).await?;
    let tables = mapping.prices.iter().map(|rule| rule.tabela.as_str());
    let table_code = &mapping.tables.price_table.columns.code;
    unknown(client, mapping, Role::PriceTable, table_code, "price table", tables, findings).await?;
    let Some((table, column)) = tenants::told_by(mapping) else { return Ok(()) };
    let found = texts(client, &table, column).await?;
    findings.push(tenants::judge(&found, &table, mapping));
    Ok(())
}

/// The different values of a column.
async fn texts(client: &Client, table: &CapturedTable, column: &str) -> Result<BTreeSet<String>, Error> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (column, schema, table) = (quoted(column), quoted(&table.schema), quoted(&table.table));
    let sql = format!("SELECT DISTINCT {column}::text FROM {schema}.{table} WHERE {column} IS NOT NULL");
    client.query(&sql, &[]).await?.iter().map(|row| row.try_get(0)).collect()
}

async fn unknown(
    client: &Client,
    mapping: &MappingConfig,
    role: Role,
    column: &str,
    what: &str,
    named: impl Iterator<Item = &str>,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    // What is not captured need not be readable.
    let Some(table) = mapping.captured().into_iter().find(|table| table.role == role) else { return Ok(()) };
    let known = texts(client, &table, column).await?;
    let missing: Vec<String> = named.filter(|code| !known.contains(*code)).map(str::to_owned).collect();
    if missing.is_empty() {
        findings.push(Finding::ok("mapping", format!("every {what} that it names exists")));
    } else {
        let some: Vec<String> = known.into_iter().take(10).collect();
        findings.push(Finding::error(
            "mapping",
            format!("Live has no {what} {}", few(&missing)),
            format!("correct [mapping]; Live has {}", some.join(", ")),
        ));
    }
    Ok(())
}
