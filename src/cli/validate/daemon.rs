//! What the running replicator says of an order.

use serde_json::Value;

use super::super::admin_client::AdminClient;
use super::super::explain::encode;
use crate::config::Config;
use crate::core::order::Step;
use crate::validate::{Known, MareSeen};

pub(super) struct Daemon(AdminClient);

impl Daemon {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        AdminClient::new(config).map(Self)
    }

    /// Whether it pays back by itself what is cancelled after VTEX had it. Fails when it does not run.
    pub(super) async fn refunds(&self) -> anyhow::Result<bool> {
        let tuning = self.0.get("/tuning").await?;
        Ok(tuning["orders"]["refund"] == true)
    }

    /// Steps, tasks, and what is in the way.
    pub(super) async fn look(&self, order: &str, is_in_live: bool) -> Known<MareSeen> {
        let answer = self.0.get(&format!("/explain/order/{}", encode(order))).await;
        let answer = answer.map_err(|error| format!("{error:#}"))?;
        let mut seen = explained(&answer);
        if !is_in_live {
            seen.held = self.held(order).await;
        }
        Ok(seen)
    }

    /// Why the order has not come to Live. Nothing when nobody can tell.
    async fn held(&self, order: &str) -> Vec<String> {
        let shown = self.0.get(&format!("/orders/{}", encode(order))).await.unwrap_or_default();
        let reasons = shown["held"]["reasons"].as_array().map_or(&[][..], Vec::as_slice);
        reasons.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// VTEX's short number of an order.
    pub(super) async fn sequence(&self, order: &str) -> Option<String> {
        let history = self.0.get(&format!("/orders/{}/history", encode(order))).await.ok()?;
        history["sequence"].as_str().map(str::to_owned)
    }
}

fn explained(answer: &Value) -> MareSeen {
    let active = &answer["active"];
    let confirmed = steps(&answer["confirmed"]["value"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let last = &active["last"];
    let answered = text(&last["request"]).zip(text(&last["answer"]));
    let answered = answered.map(|(request, answer)| format!("; {request}: {answer}")).unwrap_or_default();
    let parked = text(&active["parked"]["reason"]).zip(text(&active["parked"]["hint"]));
    MareSeen {
        wanted: if active.is_null() { confirmed.clone() } else { steps(&active["wanted"]["value"]) },
        rests: active.is_null() && !confirmed.is_empty(),
        confirmed,
        parked,
        held: Vec::new(),
        why: text(&active["why"]).map(|why| format!("{why}{answered}")),
    }
}

fn steps(value: &Value) -> Vec<Step> {
    let parts = value["order"]["parts"].as_array().map_or(&[][..], Vec::as_slice);
    parts.iter().filter_map(|part| part["step"].as_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wanted_confirmed_and_parked_is_told_apart() {
        let value = |step: &str| json!({ "order": { "parts": [{ "step": step }] } });
        let nothing = json!({ "active": null, "confirmed": null });
        assert_eq!(explained(&nothing), MareSeen::default(), "what is not known does not rest");
        let resting = explained(&json!({ "active": null, "confirmed": { "value": value("faturado") } }));
        assert_eq!((resting.rests, &*resting.wanted), (true, &[Step::Invoiced][..]));
        let parked = explained(&json!({
            "active": {
                "wanted": { "value": value("cancelado-pdv") }, "why": "set aside",
                "parked": { "reason": "by-hand", "hint": "decide" },
            },
            "confirmed": { "value": value("finalizado-pdv") },
        }));
        assert_eq!(
            (&*parked.wanted, &*parked.confirmed),
            (&[Step::SaleCancelled][..], &[Step::ClosedAtTill][..])
        );
        assert_eq!((parked.rests, parked.parked), (false, Some(("by-hand".to_owned(), "decide".to_owned()))));
    }
}
