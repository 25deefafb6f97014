//! Whether `[orders]` names what the account's orders name. Nothing here keeps `mare run` from working: an order that lacks an
//! entry is set aside until it is there.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::config::Config;
use crate::core::call::Failure;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::purchase::Purchase;
use crate::mapping::orders::inbound::{Rules, entry};
use crate::mapping::proposal::orders::is_point;
use crate::pipeline::wall_clock;
use crate::source::finding::{Finding, few};
use crate::vtex::Client;

/// How many of the newest orders are looked at, and how far back.
const ORDERS: usize = 50;
const DAYS: u16 = 30;
const ROLES: &str = "License Manager: give the key the roles for orders (OMS) and logistics";

/// Looks at the account's pick-up points and its newest orders.
pub(super) async fn check(config: &Config, client: &Client) -> Vec<Finding> {
    let Some(orders) = &config.orders else { return Vec::new() };
    let rules = Rules {
        orders: &orders.inbound,
        mapping: &config.mapping,
        // The service looks it up; here nothing depends on it.
        reference: &|sku| Some(CompactString::new(sku)),
    };
    let newest = client.newest_purchases(wall_clock(), DAYS, ORDERS).await;
    vec![
        newest_orders(newest.map(|purchases| hindered(&purchases, rules))),
        pickup_points(unnamed_points(rules, client).await),
    ]
}

/// What the newest orders would be set aside for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hindered {
    looked_at: usize,
    hindered: usize,
    /// By reason, how many orders.
    reasons: BTreeMap<Obstacle, usize>,
}

fn hindered(purchases: &[Purchase], rules: Rules<'_>) -> Hindered {
    let mut found = Hindered { looked_at: purchases.len(), ..Hindered::default() };
    for purchase in purchases {
        let obstacles = match &purchase.content {
            Ok(content) => entry(purchase, content, None, rules).err().unwrap_or_default(),
            Err(obstacles) => obstacles.clone(),
        };
        found.hindered += usize::from(!obstacles.is_empty());
        for obstacle in obstacles {
            *found.reasons.entry(obstacle).or_default() += 1;
        }
    }
    found
}

fn newest_orders(found: Result<Hindered, Failure>) -> Finding {
    let subject = "vtex newest orders";
    let found = match found {
        Ok(found) => found,
        Err(failure) => return unknown(subject, &failure),
    };
    let Hindered { looked_at, hindered, reasons } = found;
    if looked_at == 0 {
        return Finding::ok(subject, format!("none within {DAYS} days: nothing to compare with"));
    }
    if hindered == 0 {
        return Finding::ok(subject, format!("{looked_at} could be written into Live as [orders] is"));
    }
    let reasons: Vec<String> =
        reasons.into_iter().map(|(obstacle, orders)| format!("{obstacle} ({orders})")).collect();
    let message =
        format!("{hindered} of {looked_at} would be set aside until somebody helps: {}", reasons.join("; "));
    Finding::warning(subject, message, "correct [orders]; `mare init --orders` proposes entries")
}

/// Pick-up points of the account that `[orders]` does not name.
async fn unnamed_points(rules: Rules<'_>, client: &Client) -> Result<Vec<String>, Failure> {
    let points = client.pickup_points().await?.into_iter().filter(|point| point.is_active);
    let rules = &rules.orders.pickup_points;
    // A rule may have the seller before the id, as orders have it.
    let named = |id: &str| rules.iter().any(|rule| rule.id == id || is_point(id, &rule.id));
    Ok(points.filter(|point| !named(&point.id)).map(|point| point.id).collect())
}

fn pickup_points(unnamed: Result<Vec<String>, Failure>) -> Finding {
    let subject = "vtex pick-up points";
    match unnamed {
        Ok(unnamed) if unnamed.is_empty() => Finding::ok(subject, "each active one belongs to a store"),
        Ok(unnamed) => Finding::warning(
            subject,
            format!("these belong to no store, and orders that name one are set aside: {}", few(&unnamed)),
            "[[orders.pickup_points]] id = \"…\", loja = \"…\"",
        ),
        Err(failure) => unknown(subject, &failure),
    }
}

fn unknown(subject: &str, failure: &Failure) -> Finding {
    match failure {
        Failure::Status { code: code @ (401 | 403), .. } => {
            Finding::warning(subject, format!("the key may not see them: VTEX answered {code}"), ROLES)
        }
        failure => Finding::warning(
            subject,
            format!("they cannot be looked at: {failure:?}"),
            "try again when VTEX works",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::finding::Severity;

    #[test]
    fn what_hinders_the_newest_orders_is_told_with_how_many_it_concerns() {
        let looked = |hindered, reasons: &[(Obstacle, usize)]| {
            newest_orders(Ok(Hindered { looked_at: 3, hindered, reasons: reasons.iter().cloned().collect() }))
        };
        assert_eq!(looked(0, &[]).severity, Severity::Ok);
        let found = looked(2, &[(Obstacle::Carrier("sedex".into()), 2), (Obstacle::NoName, 1)]);
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.message.starts_with("2 of 3 would be set aside"), "{}", found.message);
        assert!(found.message.contains("courier \"sedex\"") && found.message.contains("no name (1)"));
        let refused = newest_orders(Err(Failure::Status { code: 403, body: String::new() }));
        assert!(refused.severity == Severity::Warning && refused.remedy.unwrap().contains("OMS"));
    }
}
