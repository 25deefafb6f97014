//! What the answers of the probes mean for the operator: pure.

use super::check::{Expected, Finding, PricingConfig, Probes, Severity};
use crate::core::call::Failure;

/// Names listed in a message at most: a network of stores has hundreds of warehouses.
const NAMES_SHOWN: usize = 20;

/// An area of the API, what reading it is good for, and what a 403 is about.
struct Area {
    subject: &'static str,
    reads: &'static str,
    /// License Manager resource.
    resource: &'static str,
    /// How serious it is when it cannot be read.
    severity: Severity,
}

const BALANCE: Area = Area {
    subject: "stock",
    reads: "balances",
    resource: "Logistics inventory full access",
    severity: Severity::Error,
};
const LOOKUP: Area =
    Area { subject: "catalog", reads: "SKU ids by reference", resource: "SKUs", severity: Severity::Error };
const PRICING: Area = Area {
    subject: "price",
    reads: "the pricing configuration",
    resource: "Read prices",
    severity: Severity::Error,
};
// The rest is only read to compare it with the configuration.
const WAREHOUSES: Area = Area {
    subject: "warehouses",
    reads: "the list of warehouses",
    resource: "Logistics viewer",
    severity: Severity::Warning,
};
const TRADE_POLICIES: Area = Area {
    subject: "trade policies",
    reads: "the list of trade policies",
    resource: "View Product",
    severity: Severity::Warning,
};
const PRICE_TABLES: Area = Area {
    subject: "price tables",
    reads: "the list of price tables",
    resource: "Read prices",
    severity: Severity::Warning,
};

/// Everything to be said, the credentials first.
pub(super) fn of(probes: &Probes, expected: &Expected) -> Vec<Finding> {
    let areas = [
        (&BALANCE, probes.balance.as_ref().err()),
        (&LOOKUP, probes.lookup.as_ref().err()),
        (&PRICING, probes.pricing.as_ref().err()),
        (&WAREHOUSES, probes.warehouses.as_ref().err()),
        (&TRADE_POLICIES, probes.trade_policies.as_ref().err()),
        (&PRICE_TABLES, probes.price_tables.as_ref().err()),
    ];
    let mut findings: Vec<_> = credentials(areas.map(|(_, failure)| failure)).into_iter().collect();
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return findings;
    }
    findings.extend(areas.into_iter().map(|(area, failure)| match failure {
        Some(failure) => trouble(area, failure),
        None => ok(area.subject, format!("{} can be read", area.reads)),
    }));
    if let Ok(config) = &probes.pricing {
        findings.extend(restrictions(config));
    }
    findings.extend(warehouses(probes, expected));
    findings.extend(trade_policies(probes, expected));
    findings
}

/// Whether the account takes key and token at all; nothing when it never answered.
fn credentials(failures: [Option<&Failure>; 6]) -> Option<Finding> {
    let status = |failure: &Option<&Failure>| match failure {
        Some(Failure::Status { code, .. }) => Some(*code),
        Some(_) => None,
        None => Some(200),
    };
    let codes: Vec<_> = failures.iter().filter_map(status).collect();
    if !codes.is_empty() && codes.iter().all(|code| *code == 401) {
        return Some(Finding {
            subject: "credentials",
            severity: Severity::Error,
            message: "VTEX does not accept key and token (status 401)".to_owned(),
            remedy: Some(
                "check the account name, and that key and token belong together and are active".to_owned(),
            ),
        });
    }
    let accepted = codes.iter().any(|code| *code == 403 || (200..300).contains(code));
    accepted.then(|| ok("credentials", "VTEX accepts key and token".to_owned()))
}

fn trouble(area: &Area, failure: &Failure) -> Finding {
    let Area { subject, reads, resource, severity } = *area;
    let (message, remedy) = match failure {
        Failure::Status { code: 401, .. } => (
            format!("{reads}: key and token are not accepted here (status 401)"),
            "check the base URL of this API and the account in it".to_owned(),
        ),
        Failure::Status { code: 403, .. } => (
            format!("{reads}: the key has no permission (status 403)"),
            format!("add the License Manager resource '{resource}' to the role of the key"),
        ),
        Failure::Status { code, body } => (
            format!("{reads}: status {code} {body}").trim_end().to_owned(),
            "try again later; check the base URL of this API if it stays".to_owned(),
        ),
        Failure::Timeout => (
            format!("{reads}: no answer in time"),
            "check network and firewall; raise vtex.request_timeout_ms if VTEX is merely slow".to_owned(),
        ),
        Failure::Connect(text) => (
            format!("{reads}: no connection ({text})"),
            "check DNS, firewall, proxy and the base URL of this API".to_owned(),
        ),
        Failure::Reset(text) => (
            format!("{reads}: the connection broke ({text})"),
            "try again; check the proxy and the firewall if it stays".to_owned(),
        ),
        Failure::Malformed(text) => (
            format!("{reads}: not an answer of VTEX ({text})"),
            "check the base URL of this API, and whether a proxy answers in VTEX's place".to_owned(),
        ),
    };
    Finding { subject, severity, message, remedy: Some(remedy) }
}

fn restrictions(config: &PricingConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let blocked = config.blocked_routes.as_deref().unwrap_or_default();
    if config.block_account || !blocked.is_empty() {
        let what = if config.block_account { "this account".to_owned() } else { shown(blocked) };
        findings.push(Finding {
            subject: "price",
            severity: Severity::Error,
            message: format!("VTEX has blocked its Pricing API for {what}"),
            remedy: Some("ask VTEX support why, and to lift the block".to_owned()),
        });
    }
    let limits = config.price_variation.as_ref();
    let limits = limits.map(|it| (&it.upper_limit, &it.lower_limit)).filter(|it| *it != (&None, &None));
    if let Some((upper, lower)) = limits {
        let part = |name: &str, limit: &Option<serde_json::Number>| {
            limit.as_ref().map_or_else(String::new, |limit| format!(" {name} {limit}"))
        };
        findings.push(Finding {
            subject: "price",
            severity: Severity::Warning,
            message: format!(
                "the account limits price changes:{}{}",
                part("upper", upper),
                part("lower", lower)
            ),
            remedy: Some(
                "larger changes may be refused: widen the limits in VTEX if Live decides".to_owned(),
            ),
        });
    }
    let markups = config.minimum_markups.as_ref().filter(|markups| !markups.is_empty());
    if let Some(markups) = markups {
        let names: Vec<_> =
            markups.iter().map(|(policy, markup)| format!("{markup} % in trade policy {policy}")).collect();
        findings.push(Finding {
            subject: "price",
            severity: Severity::Warning,
            message: format!("the account has minimum markups: {}", shown(&names)),
            remedy: Some("a price too near to its cost may not be shown as it was sent".to_owned()),
        });
    }
    findings
}

fn warehouses(probes: &Probes, expected: &Expected) -> Vec<Finding> {
    let Ok(known) = &probes.warehouses else { return Vec::new() };
    let judge = |wanted: &String| {
        let same = known.iter().find(|it| it.id == *wanted);
        let alike = || known.iter().find(|it| it.id.eq_ignore_ascii_case(wanted));
        let (severity, message, remedy) = match same.or_else(alike) {
            None => {
                let ids: Vec<_> = known.iter().map(|it| it.id.clone()).collect();
                let remedy = format!("create it in VTEX or use one of its ids: {}", shown(&ids));
                (Severity::Error, format!("VTEX has no warehouse '{wanted}'"), remedy)
            }
            Some(it) if it.id != *wanted => (
                Severity::Warning,
                format!("warehouse '{wanted}' is '{}' in VTEX", it.id),
                "write it as VTEX does: only the inventory ignores the case".to_owned(),
            ),
            Some(it) if !it.is_active => (
                Severity::Warning,
                format!("warehouse '{wanted}' is not active in VTEX"),
                "activate it, or nothing of it is for sale".to_owned(),
            ),
            Some(_) => return ok("warehouses", format!("warehouse '{wanted}' exists")),
        };
        Finding { subject: "warehouses", severity, message, remedy: Some(remedy) }
    };
    expected.warehouses.iter().map(judge).collect()
}

fn trade_policies(probes: &Probes, expected: &Expected) -> Vec<Finding> {
    let (Ok(policies), Ok(tables)) = (&probes.trade_policies, &probes.price_tables) else {
        return Vec::new();
    };
    let judge = |wanted: &String| {
        let policy = policies.iter().find(|it| it.id.to_string() == *wanted);
        let (message, remedy) = match policy {
            Some(it) if !it.is_active => (
                format!("trade policy '{wanted}' is not active in VTEX"),
                "activate it, or its prices are never shown".to_owned(),
            ),
            None if !tables.contains(wanted) => (
                format!("VTEX has neither a trade policy nor a price table '{wanted}'"),
                format!("create it in VTEX or use one of its price tables: {}", shown(tables)),
            ),
            Some(_) | None => return ok("trade policies", format!("'{wanted}' exists")),
        };
        let severity = Severity::Warning;
        Finding { subject: "trade policies", severity, message, remedy: Some(remedy) }
    };
    expected.trade_policies.iter().map(judge).collect()
}

const fn ok(subject: &'static str, message: String) -> Finding {
    Finding { subject, severity: Severity::Ok, message, remedy: None }
}

fn shown(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let text = names[..names.len() - more].join(", ");
    match (names.is_empty(), more) {
        (true, _) => "(none)".to_owned(),
        (false, 0) => text,
        (false, more) => format!("{text} and {more} more"),
    }
}
