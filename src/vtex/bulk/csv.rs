//! The files of jobs: comma, double quotes, UTF-8, a header row (RFC 4180, and the guides of both APIs).

use std::fmt::Write as _;

use compact_str::CompactString;

use crate::core::call::Failure;
use crate::core::call::bulk::{BulkKind, BulkRow, FailedRow};
use crate::core::entity::SkuId;

const PRICE_HEADER: &str = "SKU ID,Cost Price,Base Price,List Price,Child Account\n";
const STOCK_HEADER: &str = "item_id,account_name,container_id,quantity,unlimited,lead_time\n";

/// The file with these rows. An empty child account is the account itself.
pub(super) fn file(rows: &[BulkRow], account: &str) -> String {
    let header = match rows.first() {
        Some(BulkRow::Stock { .. }) => STOCK_HEADER,
        _ => PRICE_HEADER,
    };
    let mut file = String::with_capacity(header.len() + 48 * rows.len());
    file.push_str(header);
    for row in rows {
        // Writing to a String cannot fail.
        let _ = match row {
            BulkRow::Price { sku, cost, base, list: Some(list) } => {
                writeln!(file, "{sku},{cost},{base},{list},")
            }
            BulkRow::Price { sku, cost, base, list: None } => writeln!(file, "{sku},{cost},{base},,"),
            BulkRow::Stock { sku, warehouse, quantity, lead_time_hours } => {
                let _ = write!(file, "{sku},");
                push_field(&mut file, account);
                file.push(',');
                push_field(&mut file, warehouse);
                writeln!(file, ",{quantity},false,PT{lead_time_hours}H")
            }
        };
    }
    file
}

fn push_field(file: &mut String, field: &str) {
    if field.contains(['"', ',', '\n', '\r']) {
        file.push('"');
        file.push_str(&field.replace('"', "\"\""));
        file.push('"');
    } else {
        file.push_str(field);
    }
}

/// The rows that a report on errors names.
pub(super) fn failed(kind: BulkKind, bytes: &[u8]) -> Result<Vec<FailedRow>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = record(&mut rest).ok_or_else(|| malformed("it is empty"))?;
    let column = |names: [&str; 2]| {
        let found = header.iter().position(|field| names.iter().any(|name| field.eq_ignore_ascii_case(name)));
        found.ok_or_else(|| malformed("a column is missing"))
    };
    let sku_at = column(["SKU ID", "item_id"])?;
    let code_at = column(["Error Code", "error_code"])?;
    let message_at = column(["Error Message", "error_message"])?;
    let warehouse_at = match kind {
        BulkKind::Inventory => Some(column(["container_id", "container_id"])?),
        BulkKind::BasePrices => None,
    };
    let mut rows = Vec::new();
    while let Some(fields) = record(&mut rest) {
        if fields.iter().all(String::is_empty) {
            continue;
        }
        let field = |at: usize| fields.get(at).map(String::as_str).ok_or_else(|| malformed("a row is short"));
        let sku = field(sku_at)?.trim().parse().map_err(|_| malformed("a SKU is not a number"))?;
        let warehouse = warehouse_at.map(|at| field(at).map(CompactString::new)).transpose()?;
        let (code, message) = (field(code_at)?.trim().into(), field(message_at)?.to_owned());
        rows.push(FailedRow { sku: SkuId(sku), warehouse, code, message });
    }
    Ok(rows)
}

fn malformed(why: &str) -> Failure {
    Failure::Malformed(format!("the report of a job: {why}"))
}

/// The fields of the next record; `None` at the end. A quote that is never closed takes the rest.
fn record(rest: &mut &str) -> Option<Vec<String>> {
    if rest.is_empty() {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = rest.char_indices().peekable();
    let mut end = rest.len();
    while let Some((at, c)) = chars.next() {
        let field = fields.last_mut()?;
        match c {
            '"' if quoted && chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            c if quoted => field.push(c),
            ',' => fields.push(String::new()),
            '\r' => {}
            '\n' => {
                end = at + 1;
                break;
            }
            c => field.push(c),
        }
    }
    *rest = &rest[end..];
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::money::Money;

    #[test]
    fn a_price_file_is_as_the_guide_shows_it() {
        let row =
            |sku, list| BulkRow::Price { sku: SkuId(sku), cost: Money(4_550), base: Money(5_999), list };
        let file = file(&[row(1, Some(Money(6_500))), row(2, None)], "loja");
        assert_eq!(
            file,
            "SKU ID,Cost Price,Base Price,List Price,Child Account\n1,45.50,59.99,65.00,\n2,45.50,59.99,,\n"
        );
    }

    #[test]
    fn a_stock_file_names_every_column_and_quotes_what_must_be() {
        let row = |warehouse: &str| BulkRow::Stock {
            sku: SkuId(7),
            warehouse: warehouse.into(),
            quantity: 3,
            lead_time_hours: 24,
        };
        let file = file(&[row("1_1"), row("a,\"b\"")], "loja");
        assert_eq!(
            file,
            "item_id,account_name,container_id,quantity,unlimited,lead_time\n\
             7,loja,1_1,3,false,PT24H\n7,loja,\"a,\"\"b\"\"\",3,false,PT24H\n"
        );
    }

    #[test]
    fn reports_of_both_apis_are_read() {
        let report = "line_number,item_id,container_id,error_code,error_message\r\n\
                      1523,7,1_1,INVALID_QUANTITY,\"quantity cannot be negative: -50, \"\"no\"\"\"\r\n";
        let rows = failed(BulkKind::Inventory, report.as_bytes()).unwrap();
        let expected = FailedRow {
            sku: SkuId(7),
            warehouse: Some("1_1".into()),
            code: "INVALID_QUANTITY".into(),
            message: "quantity cannot be negative: -50, \"no\"".to_owned(),
        };
        assert_eq!(rows, [expected]);
        let report = "\u{feff}SKU ID,Cost Price,Base Price,List Price,Child Account,Error Code,Error Message\n\
                      8,1,2,,,,SKU not found\n\n";
        let rows = failed(BulkKind::BasePrices, report.as_bytes()).unwrap();
        let expected = FailedRow {
            sku: SkuId(8),
            warehouse: None,
            code: "".into(),
            message: "SKU not found".to_owned(),
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn what_is_no_report_is_no_list_of_rows() {
        for bytes in [&b""[..], b"<html>", b"item_id,error_code\n1,A\n", b"\xff\xfe"] {
            assert!(failed(BulkKind::Inventory, bytes).is_err());
        }
        let not_a_number = b"item_id,container_id,error_code,error_message\nX,1_1,A,b\n";
        assert!(failed(BulkKind::Inventory, not_a_number).is_err());
    }
}
