//! The rows of a file: what they are about, what they change, and the report on those that fail.

use std::fmt::Write;

use hashbrown::HashSet;

use super::super::{Price, SkuId, StockWrite, World};
use super::{Counts, JobKind, RowFault, RowKey};

const PRICE_COLUMNS: &str = "SKU ID,Cost Price,Base Price,List Price,Child Account";
const STOCK_COLUMNS: &str = "item_id,account_name,container_id,quantity,unlimited,lead_time";

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) counts: Counts,
    pub(super) report: String,
}

/// Why a row fails: the code, and the message.
type Failure = (String, &'static str);

fn failure(code: &str, message: &'static str) -> Failure {
    (code.to_owned(), message)
}

/// The items that a file is about, and how many rows it has.
pub(super) fn keys(world: &World, kind: JobKind, file: &[u8]) -> (HashSet<RowKey>, u64) {
    let rows = rows(file);
    let keys = rows.iter().skip(1).filter_map(|fields| {
        let sku = fields.first()?.parse().ok()?;
        match kind {
            JobKind::Inventory => Some((sku, Some(world.warehouses.index(fields.get(2)?)?))),
            JobKind::BasePrices | JobKind::FixedPrices => Some((sku, None)),
        }
    });
    (keys.collect(), rows.len().saturating_sub(1) as u64)
}

pub(super) fn apply(
    world: &World,
    kind: JobKind,
    file: &[u8],
    faults: &[RowFault],
    skip: impl Fn(&RowKey) -> bool,
) -> Applied {
    let rows = rows(file);
    let mut applied = Applied::default();
    let columns = if kind == JobKind::Inventory { STOCK_COLUMNS } else { PRICE_COLUMNS };
    applied.report = match kind {
        JobKind::Inventory => "line_number,item_id,container_id,error_code,error_message\n".to_owned(),
        _ => format!("{columns},Error Code,Error Message\n"),
    };
    let header = rows.first().map(|fields| fields.join(",")).unwrap_or_default();
    for (number, fields) in (1_u64..).zip(&rows).skip(1) {
        let result = match kind {
            _ if header != columns => Err(failure("INVALID_FORMAT", "the header is not as documented")),
            JobKind::Inventory => stock(world, fields, faults, &skip),
            JobKind::BasePrices => price(world, fields, faults),
            JobKind::FixedPrices => Err(failure("NOT_SIMULATED", "fixed prices are not simulated")),
        };
        match result {
            Ok(Change::Inserted) => applied.counts.inserted += 1,
            Ok(Change::Updated) => applied.counts.updated += 1,
            Ok(Change::None) => applied.counts.unchanged += 1,
            Ok(Change::Skipped) => applied.counts.skipped += 1,
            Err((code, message)) => {
                applied.counts.errors += 1;
                let field = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
                // Writing to a String cannot fail.
                let _ = match kind {
                    JobKind::Inventory => {
                        writeln!(applied.report, "{number},{},{},{code},\"{message}\"", field(0), field(2))
                    }
                    _ => writeln!(applied.report, "{},{code},\"{message}\"", fields.join(",")),
                };
            }
        }
    }
    applied
}

enum Change {
    Inserted,
    Updated,
    None,
    Skipped,
}

fn sku(world: &World, text: &str, faults: &[RowFault]) -> Result<SkuId, Failure> {
    let sku = text.parse().ok().filter(|sku| world.skus.exists(*sku) && !text.starts_with('0'));
    let sku = sku.ok_or_else(|| failure("UNKNOWN", "SKU not found"))?;
    match faults.iter().find(|fault| fault.sku == sku) {
        Some(fault) => Err(failure(&fault.code, "it fails on purpose")),
        None => Ok(sku),
    }
}

fn price(world: &World, fields: &[String], faults: &[RowFault]) -> Result<Change, Failure> {
    let [id, cost, base, list, child] = fields else {
        return Err(failure("INVALID_FORMAT", "wrong number of columns"));
    };
    let amount = |text: &str| {
        text.parse::<f64>().map_err(|_| failure("INVALID_PRICE", "a price is missing or no number"))
    };
    let sku = sku(world, id, faults)?;
    let (cost, base) = (amount(cost)?, amount(base)?);
    let list = if list.is_empty() { None } else { Some(amount(list)?) };
    if !child.is_empty() {
        return Err(failure("INVALID_CHILD_ACCOUNT", "there is no such account"));
    }
    let keeps = list.is_none() && world.options.bulk.empty_list_price_stays;
    let existed = world.prices.with(sku, |price| price.is_some());
    let changed = world.prices.change(sku, |price: &mut Price| {
        (price.base, price.cost) = (Some(base), Some(cost));
        if !keeps {
            price.list = list;
        }
        Ok::<(), Failure>(())
    })?;
    world.counters.price.count(changed);
    Ok(change(existed, changed))
}

fn stock(
    world: &World,
    fields: &[String],
    faults: &[RowFault],
    skip: &impl Fn(&RowKey) -> bool,
) -> Result<Change, Failure> {
    let [id, account, container, quantity, unlimited, lead_time] = fields else {
        return Err(failure("INVALID_FORMAT", "wrong number of columns"));
    };
    if [id, account, container, quantity].iter().any(|field| field.is_empty()) {
        return Err(failure("MISSING_REQUIRED_FIELD", "a required field is empty"));
    }
    let quantity = quantity.parse::<i32>().ok().filter(|quantity| *quantity >= 0);
    let quantity =
        quantity.ok_or_else(|| failure("INVALID_QUANTITY", "quantity is no number, or negative"))?;
    let lead_time =
        hours(lead_time).ok_or_else(|| failure("INVALID_DATE_FORMAT", "lead_time is not valid"))?;
    let sku = sku(world, id, faults)?;
    let warehouse = world.warehouses.index(container).filter(|_| *account == world.options.account);
    let warehouse = warehouse.ok_or_else(|| failure("UNKNOWN", "account or warehouse not found"))?;
    if skip(&(sku, Some(warehouse))) {
        return Ok(Change::Skipped);
    }
    let before = world.stock.get(sku, warehouse);
    // A file carries no instant of its balances.
    let balance_at = before.as_ref().map_or(jiff::Timestamp::UNIX_EPOCH, |stock| stock.balance_at);
    let written = world.stock.write(
        sku,
        warehouse,
        &StockWrite {
            quantity: quantity.into(),
            unlimited: unlimited == "true",
            lead_time: Some(&lead_time),
            balance_at: Some(balance_at),
            late_acknowledged_stay: world.options.quirks.late_acknowledged_stay,
        },
    );
    world.counters.stock.count(written.changed);
    Ok(change(before.is_some(), written.changed))
}

const fn change(existed: bool, changed: bool) -> Change {
    match (existed, changed) {
        (false, _) => Change::Inserted,
        (true, true) => Change::Updated,
        (true, false) => Change::None,
    }
}

/// Whole hours of ISO 8601 (`PT24H`) as `dd.hh:mm:ss`; nothing is 0.
fn hours(text: &str) -> Option<String> {
    let hours: u32 = match text {
        "" => 0,
        text => text.strip_prefix("PT")?.strip_suffix('H')?.parse().ok()?,
    };
    let (days, hours) = (hours / 24, hours % 24);
    Some(if days > 0 { format!("{days:02}.{hours:02}:00:00") } else { format!("{hours:02}:00:00") })
}

/// The rows of a file, header included: comma and double quotes.
fn rows(file: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(file);
    text.lines().filter(|line| !line.is_empty()).map(fields).collect()
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match (c, fields.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => fields.push(String::new()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}
