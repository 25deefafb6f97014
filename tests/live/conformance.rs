//! What we send, and what the simulator answers, is what VTEX's own files describe.

use std::path::Path;
use std::time::Duration;

use mare::simulator::{Fault, FaultKind, Limits, Options};
use serde_json::Value;

use crate::openapi::OpenApi;
use crate::support::replicator::Site;

#[tokio::test(flavor = "multi_thread")]
async fn every_exchange_is_as_vtex_documents_it() {
    let Some(openapi) = OpenApi::from_environment() else {
        println!("SKIPPED: VTEX_OPENAPI_DIR does not name a folder with VTEX's OpenAPI files");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let record = dir.path().join("exchanges.jsonl");
    let options = Options {
        auto_skus: true,
        limits: Limits::unlimited(),
        record: Some(record.clone()),
        ..Options::default()
    };
    let mut site = Site::new(200, options, "").await;
    site.start();
    site.converged(Duration::from_secs(60)).await;
    // An ambiguous answer leads to a read; changed prices to merges and patches.
    let fault = Fault { route: "logistics".to_owned(), count: Some(5), ..Fault::new(FaultKind::ErrorAfter) };
    site.vtex.world().set_faults(vec![fault]);
    site.live
        .batch_execute(
            "UPDATE live.estoque_saldo SET quantidade = quantidade + 1; \
             UPDATE live.preco SET valor = valor + 1 WHERE valor > 1; \
             UPDATE live.preco SET situacao = 0 WHERE id_tabela_preco = \
             (SELECT id FROM live.tabela_preco WHERE codigo = 'ATACADO')",
        )
        .await
        .unwrap();
    site.converged(Duration::from_secs(120)).await;
    assert_eq!(site.stop(), 0);
    let (checked, findings) = findings(&openapi, &record);
    assert!(checked > 500, "{checked} exchanges were recorded");
    assert!(findings.is_empty(), "{findings:#?}");
}

/// How many exchanges were recorded, and what is not in VTEX's files.
pub(crate) fn findings(openapi: &OpenApi, record: &Path) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(record).unwrap();
    let mut checked = 0;
    let mut findings = Vec::new();
    for line in text.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        // A failure that was made on purpose is not in the files.
        if exchange["status"] == 500 {
            continue;
        }
        checked += 1;
        findings.extend(openapi.findings(&exchange));
    }
    findings.sort();
    findings.dedup();
    (checked, findings)
}
