//! `[orders]`: what VTEX's orders name, and what that is in Live.

use std::fmt::{self, Write as _};

use super::{comment, quoted};
use crate::cli::init::Orders;
use crate::mapping::orders::StatusCodes;
use crate::mapping::proposal::{AccountFacts, LiveFacts, Named};

/// One of the lists: `[[orders.NAME]]` with VTEX's `key` and Live's `answer`.
struct List<'a> {
    name: &'a str,
    key: &'a str,
    answer: &'a str,
    found: &'a [Named],
    proposed: &'a [Option<String>],
    /// What there is to choose from in Live.
    choice: Vec<Named>,
    /// What becomes of an order that names one without an entry.
    without: &'a str,
}

pub(super) fn render(
    text: &mut String,
    orders: &Orders,
    live: &LiveFacts,
    account: &AccountFacts,
) -> fmt::Result {
    let Orders { pedidos, account: seen, proposal, since } = orders;
    writeln!(text, "\n[orders]")?;
    writeln!(text, "since = {}    # what was ordered before stays with whoever took it", quoted(since))?;
    let stores = live.stores.iter().map(|store| Named { id: store.code.clone(), name: store.name.clone() });
    let forms = pedidos.forms.iter().map(|form| Named { id: form.clone(), name: String::new() });
    let lists = [
        List {
            name: "pickup_points",
            key: "id",
            answer: "loja",
            found: &seen.pickup_points,
            proposed: &proposal.pickup_points,
            choice: stores.collect(),
            without: "An order that is picked up at a point without an entry is set aside.",
        },
        List {
            name: "payments",
            key: "group",
            answer: "forma",
            found: &seen.payments,
            proposed: &proposal.payments,
            choice: forms.collect(),
            without: "An order that is paid in a way without an entry is set aside, unless default_payment names a form.",
        },
        List {
            name: "carriers",
            key: "courier",
            answer: "transportadora",
            found: &seen.couriers,
            proposed: &proposal.carriers,
            choice: pedidos.carriers.clone(),
            without: "With no entry at all orders have no carrier in Live; with some, each that is used needs one.",
        },
    ];
    for one in lists {
        list(text, &one)?;
    }
    policies(text, orders, account)?;
    statuses(text, &pedidos.statuses)
}

fn list(text: &mut String, list: &List<'_>) -> fmt::Result {
    let List { name, key, answer, found, proposed, choice, without } = list;
    if found.is_empty() {
        return Ok(());
    }
    if proposed.iter().any(Option::is_none) {
        writeln!(text, "\n# {without} Live has:")?;
        for one in choice {
            writeln!(text, "#   {:<20} {}", comment(&one.id), comment(&one.name))?;
        }
    }
    for (one, proposed) in found.iter().zip(*proposed) {
        let mark = if proposed.is_some() { "" } else { "# " };
        let remark =
            if one.name.is_empty() { String::new() } else { format!("    # {}", comment(&one.name)) };
        writeln!(text, "\n{mark}[[orders.{name}]]{remark}")?;
        writeln!(text, "{mark}{key} = {}", quoted(&one.id))?;
        writeln!(text, "{mark}{answer} = {}", quoted(proposed.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}

/// None is decided: with one of them, every trade policy that sells needs one.
fn policies(text: &mut String, orders: &Orders, account: &AccountFacts) -> fmt::Result {
    let name =
        |id: &str| account.trade_policies.iter().find(|policy| policy.id == id).map(|policy| &policy.name);
    let mut ids: Vec<&str> = orders.account.trade_policies.iter().map(String::as_str).collect();
    ids.extend(account.trade_policies.iter().map(|policy| policy.id.as_str()));
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(*id));
    if ids.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n# Where orders carry a sales channel or a price table in Live, each trade policy needs an entry;"
    )?;
    writeln!(text, "# kind = \"seller\": a sales person enters it and takes the money (pedido vendedor).")?;
    for id in ids {
        writeln!(text, "# [[orders.trade_policies]]    # {}", comment(name(id).map_or("", String::as_str)))?;
        writeln!(text, "# sales_channel = {}", quoted(id))?;
        let channel = orders.proposal.channel.as_deref().unwrap_or_default();
        writeln!(text, "# canal_venda = {}", quoted(channel))?;
    }
    Ok(())
}

/// Codes of Live that mean nothing to us.
fn statuses(text: &mut String, seen: &[i64]) -> fmt::Result {
    let known = StatusCodes::default();
    let unknown: Vec<String> =
        seen.iter().filter(|code| known.step(**code).is_none()).map(ToString::to_string).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n# Pedidos of this Live have status codes that mean nothing here: {}.",
        unknown.join(", ")
    )?;
    writeln!(text, "# [mapping.orders.status]    # given at all, it is the whole list")?;
    for (code, step) in known.iter() {
        writeln!(text, "# {code} = \"{step}\"")?;
    }
    for code in unknown {
        writeln!(text, "# {code} = \"\"")?;
    }
    Ok(())
}
