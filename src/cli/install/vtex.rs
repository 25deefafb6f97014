//! What is made in VTEX: the entity of Master Data that holds what customers agreed to.

use crate::config::Config;
use crate::core::call::Failure;
use crate::vtex::Client;

pub(super) async fn install(config: &Config, dry_run: bool) -> anyhow::Result<()> {
    let client = Client::new(&config.vtex, config.credentials()?)?;
    if dry_run {
        println!(
            "-- In VTEX's Master Data: a schema for the documents of consent, and a unique index over customer and purpose.\n\
             -- They are made where they are missing; nothing else of the account is touched."
        );
        return Ok(());
    }
    let found = client.consent_entity().await.map_err(explain)?;
    if !found.schema {
        client.create_consent_schema().await.map_err(explain)?;
    }
    if !found.index {
        client.create_consent_index().await.map_err(explain)?;
    }
    println!("vtex: Master Data holds consents. Next: mare check");
    Ok(())
}

fn explain(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Status { code: 403, .. } => {
            anyhow::anyhow!(
                "VTEX refuses to make the entity of consents: the key lacks \"Master Data administrator\""
            )
        }
        Failure::Status { code, body } => {
            anyhow::anyhow!("VTEX does not make the entity of consents: {code} {body}")
        }
        other => anyhow::anyhow!("VTEX cannot be asked for the entity of consents: {other:?}"),
    }
}
