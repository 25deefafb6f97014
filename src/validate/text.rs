//! The protocol for the terminal, line by line as it comes.

use super::protocol::{JourneyRecord, Protocol, StageRecord, Verdict};

/// The first lines.
pub fn head(protocol: &Protocol) -> String {
    format!(
        "Validation by maré {}\n  VTEX      {}\n  Live      {}\n  played by {}\n  begun     {}\n",
        protocol.version, protocol.account, protocol.live, protocol.played_by, protocol.begun
    )
}

/// Before the stages of a journey.
pub fn title(journey: &JourneyRecord) -> String {
    format!("\n{} ({})\n", journey.title, journey.journey.name())
}

/// A stage that has ended.
pub fn stage(stage: &StageRecord) -> String {
    let took = stage.took_ms.map(|ms| format!("  {}", seconds(ms))).unwrap_or_default();
    let at = stage.at.as_deref().map(|at| format!("  {at}")).unwrap_or_default();
    let mut text = format!(
        "{:>3} {}  {:<7} {}: {}{at}{took}\n",
        stage.number,
        mark(stage.verdict),
        stage.verdict.name(),
        stage.actor.name(),
        stage.title
    );
    if let Some(note) = &stage.note {
        text.push_str(&format!("        {note}\n"));
    }
    for check in &stage.checks {
        let mark = if check.pass { "✓" } else { "✗" };
        text.push_str(&format!("      {mark} {:<5} {}: {}\n", check.side.name(), check.expected, check.seen));
    }
    text
}

/// After the stages of a journey: both numbers of its order, and how it ended.
pub fn ending(journey: &JourneyRecord) -> String {
    format!("    {} {}: {}\n", journey.verdict.name(), journey.title, numbers(journey))
}

/// The last line.
pub fn end(protocol: &Protocol) -> String {
    let passed = protocol.journeys.iter().filter(|journey| journey.verdict == Verdict::Pass).count();
    format!(
        "\n{}: {passed} of {} journeys passed, {}\n",
        protocol.verdict.name(),
        protocol.journeys.len(),
        protocol.ended
    )
}

/// Both numbers of a journey's order.
pub(super) fn numbers(journey: &JourneyRecord) -> String {
    let Some(order) = &journey.order else { return "no order".to_owned() };
    let short = journey.sequence.as_ref().map(|number| format!(" ({number})")).unwrap_or_default();
    let live = if journey.pedidos.is_empty() {
        "not in Live".to_owned()
    } else {
        format!("pedido {}", journey.pedidos.join(", "))
    };
    format!("order {order}{short}, {live}")
}

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::NotRun => "–",
    }
}
