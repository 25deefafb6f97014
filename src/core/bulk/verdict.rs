//! What a failed row means.

use super::super::call::bulk::BulkKind;
use super::super::failure::{Action, Verdict};
use super::super::record::ParkReason;

/// The codes of a batch inventory that stand for a wrong value (Logistics API, "Error Codes"): sent again unchanged it
/// would fail again.
const WRONG_VALUE: [&str; 4] =
    ["INVALID_QUANTITY", "MISSING_REQUIRED_FIELD", "INVALID_DATE_FORMAT", "INVALID_FORMAT"];
/// The codes behind which something of the row may have been applied.
const OPEN: [&str; 2] = ["UPDATE_FAILED", "UNKNOWN"];

/// The verdict about a row that the report names. One that is not parked is sent singly: the answer to that says what
/// VTEX really has against it. So do all rows of price imports, whose codes no document lists.
pub fn judge_row(kind: BulkKind, code: &str) -> Verdict {
    let documented = kind == BulkKind::Inventory;
    if documented && WRONG_VALUE.contains(&code) {
        return Verdict {
            action: Action::Park(ParkReason::Rejected),
            doubtful: false,
            code: "E352",
            hint: "VTEX refuses this row of a bulk job: read its message, correct the data or the mapping, then `mare parked retry`",
        };
    }
    Verdict {
        action: Action::Retry,
        doubtful: !documented || OPEN.contains(&code),
        code: "E353",
        hint: "VTEX could not apply this row of a bulk job; it is sent by itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_verdict() {
        use Action::{Park, Retry};
        let park = Park(ParkReason::Rejected);
        let table = [
            ("INVALID_QUANTITY", park, false),
            ("MISSING_REQUIRED_FIELD", park, false),
            ("INVALID_DATE_FORMAT", park, false),
            ("INVALID_FORMAT", park, false),
            ("UPDATE_FAILED", Retry, true),
            ("INSERT_CONFLICT", Retry, false),
            ("CONFLICT", Retry, false),
            ("UNKNOWN", Retry, true),
            ("", Retry, false),
            ("SOMETHING_NEW", Retry, false),
        ];
        for (code, action, doubtful) in table {
            let verdict = judge_row(BulkKind::Inventory, code);
            assert_eq!((verdict.action, verdict.doubtful), (action, doubtful), "{code}");
            let verdict = judge_row(BulkKind::BasePrices, code);
            assert_eq!((verdict.action, verdict.doubtful), (Retry, true), "{code}");
        }
    }
}
