//! What the server says goes in, findings come out: each alone, with nothing else wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use mare::core::time::Timestamp;
use mare::core::versions::CompareSchedule;
use mare::mapping::config::MappingConfig;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::check::Check;
use mare::source::changelog::sqlserver::install::Way;
use mare::source::changelog::versions::dialect::Mode;
use mare::source::finding::Finding;
use mare::source::finding::Severity::{self, Error, Warning};

use crate::cases::{ANYWHERE, Case, WITH_ROW_VERSIONS, WITH_TRACKING, WITH_TRIGGERS, other_trigger};
use crate::live::{self, Live};
use crate::tds::{Fault, Options, Server};

const TRIGGERS: Way = Way::Triggers(Form::Row);
const TRACKING: Way = Way::Versions(Mode::Tracking);
const POLLING: Way = Way::Versions(Mode::RowVersions);

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

async fn check(server: &Server, way: Way, mapping: &MappingConfig) -> Vec<Finding> {
    let compare = CompareSchedule::DailyAt { hour: 3, zone: jiff::tz::TimeZone::UTC };
    let check = Check {
        settings: &live::settings(server),
        wanted: &live::wanted(way),
        mapping,
        compare: Some(&compare),
        now,
    };
    check.run().await
}

/// What is found, without the warning that the server of these tests does not encrypt.
async fn found(live: Live, way: Way) -> Vec<Finding> {
    let server = live::start(live, Options::default()).await;
    let mut findings = check(&server, way, &live::mapping()).await;
    findings.retain(|finding| finding.subject != "encryption");
    findings
}

fn faults(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity > Severity::Ok).collect()
}

fn has(findings: &[Finding], severity: Severity, subject: &str, message: &str, remedy: &str) -> bool {
    findings.iter().any(|finding| {
        finding.severity == severity
            && finding.subject == subject
            && finding.message.contains(message)
            && finding.remedy.as_deref().unwrap_or_default().contains(remedy)
    })
}

#[tokio::test]
async fn nothing_is_wrong_where_nothing_is_wrong() {
    for way in [TRIGGERS, TRACKING, POLLING] {
        let findings = found(Live::installed(), way).await;
        assert!(faults(&findings).is_empty(), "{way:?}: {:#?}", faults(&findings));
        for subject in ["live", "version", "clock", "timezone", "login", "tables", "grants", "mapping"] {
            assert!(has(&findings, Severity::Ok, subject, "", ""), "{subject} is not among {findings:#?}");
        }
        let more = match way {
            Way::Triggers(_) => ["triggers", "switch", "change tables", "waiting", "output"].as_slice(),
            Way::Versions(Mode::Tracking) => &["tracking", "retention"],
            Way::Versions(Mode::RowVersions) => &["rowversion", "deletes"],
        };
        for subject in more {
            assert!(has(&findings, Severity::Ok, subject, "", ""), "{subject} is not among {findings:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_server_login_or_tables_is_found() {
    for way in [TRIGGERS, TRACKING, POLLING] {
        finds(way, ANYWHERE).await;
    }
}

/// Each is found, and nothing else besides; those of one table are told by its other findings too.
async fn finds(way: Way, cases: &[Case]) {
    for (index, (change, severity, subject, message, remedy)) in cases.iter().enumerate() {
        let mut live = Live::installed();
        change(&mut live);
        let findings = found(live, way).await;
        let what = format!("{way:?}, case {index}: {message}");
        assert!(has(&findings, *severity, subject, message, remedy), "{what} is not among {findings:#?}");
        for fault in faults(&findings) {
            assert!(fault.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{what}: {fault:?}");
            let same = fault.subject == *subject || (*subject == "login" && fault.subject == "output");
            // Without its roles nothing is known about what the login sees.
            assert!(same || fault.subject == "not told", "{what}: {fault:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_change_tables_and_triggers_is_found() {
    finds(TRIGGERS, WITH_TRIGGERS).await;
}

#[tokio::test]
async fn what_is_wrong_with_tracking_is_found() {
    finds(TRACKING, WITH_TRACKING).await;
}

#[tokio::test]
async fn what_is_wrong_with_row_versions_is_found() {
    finds(POLLING, WITH_ROW_VERSIONS).await;
    let findings = found(Live::installed(), POLLING).await;
    assert!(has(&findings, Severity::Ok, "deletes", "every day at 3:00 of Live's time", ""), "{findings:#?}");
}

#[tokio::test]
async fn triggers_of_others_are_named_with_their_places() {
    let mut live = Live::installed();
    live.triggers.get_mut("preco").unwrap().push(other_trigger("tr_preco", false));
    live.order.push(["live", "preco", "tr_preco", "UPDATE"]);
    live.order.push(["live", "cliente", "tr_cliente", "UPDATE"]);
    let findings = found(live, TRIGGERS).await;
    let text = "tr_preco on live.preco; tr_preco is first on UPDATE (ours does not mind";
    assert!(has(&findings, Severity::Ok, "other triggers", text, ""), "{findings:#?}");
}

#[tokio::test]
async fn statements_of_the_shop_are_not_shown() {
    let mut live = Live::installed();
    live.cached.push("saldo");
    let findings = found(live, TRIGGERS).await;
    assert!(!format!("{findings:?}").contains("secret"), "{findings:#?}");
}

#[tokio::test]
async fn a_server_that_says_little_ends_nothing() {
    let mut live = Live::installed();
    live.untold.extend([
        "mare:check.open_transactions",
        "mare:check.output_in_cache",
        "mare:lock.holder",
        "mare:check.trigger_order",
        "mare:check.settings",
        "mare:check.restores",
    ]);
    let findings = found(live, TRIGGERS).await;
    let faults = faults(&findings);
    assert!(faults.iter().all(|finding| finding.subject == "not told"), "{faults:#?}");
    assert_eq!(faults.len(), 2, "one for each right that is missing: {faults:#?}");
    assert!(
        has(&findings, Severity::Ok, "not told", "when the database was restored", "in msdb"),
        "{findings:#?}"
    );
    let state =
        "who reads the changes, statements with OUTPUT that ran lately, open transactions cannot be told";
    assert!(has(&findings, Warning, "not told", state, "VIEW SERVER STATE"), "{faults:#?}");
    assert!(has(&findings, Severity::Ok, "mapping", "", ""), "the last question was asked");
}

#[tokio::test]
async fn a_connection_that_is_lost_ends_the_check_and_says_so() {
    let server = live::start(Live::installed(), Options::default()).await;
    server.fault("mare:check.roles", Fault::CutAt(0));
    let findings = check(&server, TRIGGERS, &live::mapping()).await;
    assert!(has(&findings, Error, "live", "broke", "was not looked at"), "{findings:#?}");
}
