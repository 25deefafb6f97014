//! `mare explain`

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::core::entity::Entity;

/// Tell all about one key: what Live wants, what VTEX confirmed, the last request and its answer, what
/// happens next and when.
///
///   mare explain stock loja001/100123-01     (warehouse/SKU reference)
///   mare explain price 100123-01             (SKU reference)
///   mare explain sku 100123-01               (the same; also whether it can be sold, condition by condition)
///   mare explain product 100123              (product reference)
///   mare explain order 1234567890123-01      (VTEX's order id)
///   mare explain customer 4711               (code of Live; consent, brand and category likewise)
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Explain {
    /// `stock`, `price`, `sku`, `product`, `brand`, `category`, `customer`, `consent` or `order`.
    entity: Entity,
    /// `<warehouse>/<SKU reference>` for stock, `<SKU reference>` for price and sku, else the code.
    key: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        let answer = client.get(&format!("/explain/{}/{}", self.entity, encode(&self.key))).await?;
        if self.json {
            println!("{answer:#}");
            return Ok(());
        }
        println!("{}", answer["key"].as_str().unwrap_or_default());
        for source in answer["live"].as_array().into_iter().flatten() {
            println!("\nLive ({})", source["source"].as_str().unwrap_or_default());
            for line in source["lines"].as_array().into_iter().flatten() {
                println!("  {}", line.as_str().unwrap_or_default());
            }
        }
        println!("\nVTEX");
        for line in answer["lines"].as_array().into_iter().flatten() {
            println!("  {}", line.as_str().unwrap_or_default());
        }
        if let Some(conditions) = answer["conditions"].as_array() {
            println!("\nCan it be sold?");
            for condition in conditions {
                let mark = if condition["holds"] == true { "✓" } else { "✗" };
                println!("  {mark} {}", condition["text"].as_str().unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// Percent-encodes a path segment (RFC 3986); `/` stays, it separates warehouse and SKU.
pub(super) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                (byte as char).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
