//! Answers of both APIs, in VTEX's own examples.

use super::*;
use crate::core::time::Timestamp;

fn state(body: &str) -> BatchStatus {
    status(body.as_bytes()).unwrap()
}

#[test]
fn an_opened_job_says_where_the_file_goes() {
    let body = br#"{"batchId":"550e8400-e29b-41d4-a716-446655440000","status":"AWAITING_UPLOAD","upload":
        {"method":"PUT","url":"https://bucket.example/1.csv?X-Amz-Signature=secret",
         "headers":{"Content-Type":"text/csv"},"expiresAt":"2026-01-12T20:10:00Z"}}"#;
    let BulkAnswer::Opened { batch, upload } = opened(body).unwrap() else { panic!("not opened") };
    assert_eq!(batch, "550e8400-e29b-41d4-a716-446655440000");
    assert_eq!(upload.headers, [("Content-Type".to_owned(), "text/csv".to_owned())]);
    assert_eq!(upload.expires_at, Timestamp(1_768_248_600_000_000));
    assert!(!format!("{upload:?}").contains("secret"), "the address holds the right to use it");
    assert!(opened(br#"{"batchId":"","upload":{"url":"x","expiresAt":"2026-01-12T20:10:00Z"}}"#).is_err());
    assert!(opened(br#"{"batchId":"1","upload":{"url":"x","expiresAt":"soon"}}"#).is_err());
}

#[test]
fn the_states_of_both_apis_are_understood() {
    use BatchState::{AwaitingUpload, Completed, Expired, Failed, Running};
    let table = [
        ("AWAITING_UPLOAD", AwaitingUpload),
        ("RECEIVED", Running),
        ("VALIDATING", Running),
        ("QUEUED", Running),
        ("PROCESSING", Running),
        ("DOCUMENTING", Running),
        ("COMPLETED", Completed),
        ("COMPLETED_WITH_ERRORS", Completed),
        ("FAILED", Failed),
        ("EXPIRED", Expired),
    ];
    for (name, expected) in table {
        assert_eq!(state(&format!(r#"{{"status":"{name}"}}"#)).state, expected, "{name}");
    }
    assert!(status(br#"{"status":"NEW"}"#).is_err());
}

#[test]
fn what_completed_with_errors_says_nothing_about_is_not_taken_for_none() {
    assert_eq!(state(r#"{"status":"COMPLETED"}"#).errors, Some(0));
    assert_eq!(state(r#"{"status":"COMPLETED_WITH_ERRORS"}"#).errors, None);
    assert_eq!(state(r#"{"status":"COMPLETED_WITH_ERRORS","errorCount":12}"#).errors, Some(12));
    let inventory = state(
        r#"{"status":"COMPLETED","rowCount":100,"processedCount":90,"errorCount":0,
            "summary":{"insertCount":0,"updateCount":80,"noopCount":10,"conflictCount":0,
            "skippedDueApiUpdateCount":10,"perItemRoutedCount":0,"dlqEventsCount":0}}"#,
    );
    assert_eq!((inventory.rows, inventory.progress, inventory.skipped), (Some(100), 90, 10));
}

#[test]
fn the_report_is_found_under_both_names() {
    assert_eq!(report(br#"{"url":"https://a"}"#), Ok(SignedUrl("https://a".to_owned())));
    let inventory = br#"{"batchId":"1","downloadUrl":"https://b","errorCount":3}"#;
    assert_eq!(report(inventory), Ok(SignedUrl("https://b".to_owned())));
    assert!(report(b"{}").is_err());
}

#[test]
fn a_batch_id_is_one_segment_of_the_path() {
    let call = BulkCall::Status { kind: BulkKind::Inventory, batch: "../x".into() };
    assert_eq!(request(&call).unwrap().1, "/availability/v1/inventory/batch/..%2Fx/status");
    let call = BulkCall::Report { kind: BulkKind::BasePrices, batch: "1".into() };
    assert_eq!(request(&call).unwrap().1, "/api/price-importer/pvt/batches/1/errors");
}
