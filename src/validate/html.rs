//! The protocol as one page of its own: no scripts, nothing loaded from elsewhere, made to be printed and signed.

use super::protocol::{JourneyRecord, Protocol, StageRecord, Verdict};
use super::text::{numbers, seconds};

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#1a1a1a}\
h1{font-size:1.5em;margin-bottom:.2em}h2{font-size:1.15em;margin:1.6em 0 .2em}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25em .5em;border-bottom:1px solid #ddd}\
.facts td:first-child{width:8em;color:#555}tr.stage td{background:#f3f5f7;font-weight:600}tr.check td:first-child{padding-left:1.5em}\
.pass{color:#176b2c}.fail{color:#b00020}.not-run{color:#777}.sign{margin-top:3em}.sign td{border:0;padding-top:3em;width:50%}\
.sign span{display:block;border-top:1px solid #555}\
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}h2{break-after:avoid}}";

/// The page.
pub fn page(protocol: &Protocol) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Validation {} {}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Validation: {}</h1>\n<table class=\"facts\">\n",
        escaped(&protocol.account),
        escaped(&protocol.begun),
        verdict(protocol.verdict)
    );
    let facts = [
        ("maré", &protocol.version),
        ("VTEX", &protocol.account),
        ("Live", &protocol.live),
        ("played by", &protocol.played_by),
        ("begun", &protocol.begun),
        ("ended", &protocol.ended),
    ];
    for (name, value) in facts {
        html.push_str(&format!("<tr><td>{name}</td><td>{}</td></tr>\n", escaped(value)));
    }
    html.push_str("</table>\n");
    protocol.journeys.iter().for_each(|one| journey(&mut html, one));
    html.push_str(
        "<table class=\"sign\"><tr><td><span>for the retailer: name, date</span></td>\
         <td><span>for the integrator: name, date</span></td></tr></table>\n</body>\n</html>\n",
    );
    html
}

fn journey(html: &mut String, journey: &JourneyRecord) {
    html.push_str(&format!(
        "<h2>{} – {}</h2>\n<p>{}</p>\n<table>\n<thead><tr><th>step</th><th>expected</th><th>seen</th><th>time</th>\
         <th></th></tr></thead>\n<tbody>\n",
        escaped(journey.title),
        verdict(journey.verdict),
        escaped(&numbers(journey))
    ));
    journey.stages.iter().for_each(|one| stage(html, one));
    html.push_str("</tbody>\n</table>\n");
}

fn stage(html: &mut String, stage: &StageRecord) {
    let at = stage.at.as_deref().unwrap_or_default();
    let took = stage.took_ms.map(seconds).unwrap_or_default();
    html.push_str(&format!(
        "<tr class=\"stage\"><td colspan=\"3\">{}. {}: {}</td><td>{} {took}</td><td>{}</td></tr>\n",
        stage.number,
        stage.actor.name(),
        escaped(&stage.title),
        escaped(at),
        verdict(stage.verdict)
    ));
    if let Some(note) = &stage.note {
        html.push_str(&format!(
            "<tr class=\"check\"><td></td><td colspan=\"4\">{}</td></tr>\n",
            escaped(note)
        ));
    }
    for check in &stage.checks {
        let outcome = if check.pass { Verdict::Pass } else { Verdict::Fail };
        html.push_str(&format!(
            "<tr class=\"check\"><td>{}</td><td>{}</td><td colspan=\"2\">{}</td><td>{}</td></tr>\n",
            check.side.name(),
            escaped(&check.expected),
            escaped(&check.seen),
            verdict(outcome)
        ));
    }
}

fn verdict(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::NotRun => "not-run",
    };
    format!("<span class=\"{class}\">{}</span>", verdict.name())
}

/// What other systems wrote must not become markup.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
