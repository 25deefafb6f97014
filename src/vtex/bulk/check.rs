//! What `mare check` can find out about bulk jobs without opening one: whether the key may ask for them.

use super::super::check::{Finding, Severity};
use super::super::client::Client;
use super::super::request::{self, Request};
use super::{import_path, inventory_path};
use crate::core::call::Failure;
use crate::core::call::bulk::BulkKind;

/// A job that nobody has.
const PROBED_BATCH: &str = "00000000-0000-0000-0000-000000000000";

impl Client {
    /// Asks for a job that does not exist. That VTEX has none is the good answer: it shows that the key may look. Whether
    /// the account has such jobs shows with the first one.
    pub async fn check_bulk(&self, kind: BulkKind) -> Finding {
        let path = match kind {
            BulkKind::BasePrices => import_path(PROBED_BATCH, ""),
            BulkKind::Inventory => inventory_path(PROBED_BATCH, "/status"),
        };
        let answer = match path {
            Ok(path) => self.ask(&Request::get(kind.lane(), path)).await.map(drop),
            Err(refused) => Err(Failure::Malformed(refused.to_string())),
        };
        finding(kind, answer)
    }
}

fn finding(kind: BulkKind, answer: Result<(), Failure>) -> Finding {
    let (subject, setting) = match kind {
        BulkKind::BasePrices => ("bulk prices", "price_rows_min"),
        BulkKind::Inventory => ("bulk inventory", "stock_rows_min"),
    };
    let resource = request::resource(kind.route());
    let why = match answer {
        Ok(()) | Err(Failure::Status { code: 400 | 404, .. }) => {
            let message =
                "the key may look at bulk jobs; whether the account has them shows with the first".to_owned();
            return Finding { subject, severity: Severity::Ok, message, remedy: None };
        }
        Err(Failure::Status { code: 403, .. }) => "the key has no permission (status 403)".to_owned(),
        Err(Failure::Status { code, .. }) => format!("status {code}"),
        Err(Failure::Timeout) => "no answer in time".to_owned(),
        Err(Failure::Connect(text) | Failure::Reset(text)) => format!("no connection ({text})"),
        Err(Failure::Malformed(text)) => format!("not an answer of VTEX ({text})"),
    };
    Finding {
        subject,
        severity: Severity::Warning,
        message: format!("bulk jobs cannot be used, so everything goes one by one: {why}"),
        remedy: Some(format!(
            "add the License Manager resource '{resource}' to the role of the key, or set tuning.bulk.{setting} = 0"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_nobody_has_is_the_good_answer() {
        let status = |code| Err(Failure::Status { code, body: String::new() });
        for kind in BulkKind::ALL {
            for good in [Ok(()), status(404), status(400)] {
                assert_eq!(finding(kind, good).severity, Severity::Ok);
            }
            for bad in [status(401), status(403), status(500), Err(Failure::Timeout)] {
                let finding = finding(kind, bad);
                assert_eq!(finding.severity, Severity::Warning, "single requests do the work: no error");
                assert!(
                    finding.remedy.is_some_and(|remedy| remedy.contains(request::resource(kind.route())))
                );
            }
        }
    }
}
