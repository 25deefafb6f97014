//! One stage after the other: somebody does something in Live, or it is played; then all sides are looked at until they
//! show what is expected, or nobody waits any longer.

use std::time::{Duration, Instant};

use compact_str::CompactString;

use super::show;
use super::site::Site;
use super::vtex;
use crate::validate::{
    Check, JourneyRecord, Kind, LiveSeen, Protocol, Seen, Stage, StageRecord, Trigger, Verdict, text,
};

/// Between two looks at what a person does.
const PEOPLE: Duration = Duration::from_secs(1);
/// Between two looks at all sides.
const SETTLING: Duration = Duration::from_millis(100);
/// How often somebody is reminded of what is waited for.
const REMINDER: Duration = Duration::from_secs(60);

/// The order that a journey is about.
#[derive(Default)]
struct Subject {
    order: String,
    /// `numero_externo` of its pedidos.
    pedidos: Vec<CompactString>,
    /// Units reserved before it was placed, where nobody else reserves.
    reserved_before: Option<i64>,
}

/// Walks through all journeys; the protocol has at any time what is known so far.
pub(super) async fn walk(site: &Site, protocol: &mut Protocol) {
    for record in &mut protocol.journeys {
        show(&text::title(record));
        walk_one(site, record).await;
        *record = record.clone().judged();
        show(&text::ending(record));
    }
}

async fn walk_one(site: &Site, record: &mut JourneyRecord) {
    let journey = site.journey(record.journey);
    let mut subject = Subject::default();
    for (index, stage) in journey.stages.iter().enumerate() {
        announce(site, stage);
        let blank = StageRecord::not_run(index + 1, stage.title.clone(), stage.actor);
        let (ended, seen) = run(site, journey.kind, stage, blank, &mut subject).await;
        name(site, record, &subject, &seen).await;
        show(&text::stage(&ended));
        let failed = ended.verdict != Verdict::Pass;
        record.stages[index] = ended;
        if failed {
            break;
        }
    }
    let left = record.stages.iter().filter(|stage| stage.verdict == Verdict::NotRun);
    left.for_each(|stage| show(&text::stage(stage)));
}

/// Tells the person whose turn it is.
fn announce(site: &Site, stage: &Stage) {
    let by_itself = match stage.trigger {
        Trigger::Placed => site.simulator.is_some() || site.order.is_some(),
        Trigger::Entered => site.simulator.is_some(),
        _ => site.player.is_some(),
    };
    if let Some(hint) = stage.hint.as_ref().filter(|_| !by_itself) {
        show(&format!("    → {}: {hint}\n", stage.actor.name()));
    }
}

/// Both numbers of the order, once they are known.
async fn name(site: &Site, record: &mut JourneyRecord, subject: &Subject, seen: &Seen) {
    if subject.order.is_empty() {
        return;
    }
    record.order = Some(subject.order.clone());
    if let Ok(live) = &seen.live
        && !live.pedidos.is_empty()
    {
        record.pedidos = live.pedidos.iter().map(|pedido| pedido.number.to_string()).collect();
    }
    if record.sequence.is_none() {
        record.sequence = site.daemon.sequence(&subject.order).await;
    }
}

async fn run(
    site: &Site,
    kind: Kind,
    stage: &Stage,
    record: StageRecord,
    subject: &mut Subject,
) -> (StageRecord, Seen) {
    let mut begun = Instant::now();
    let mut seen = Seen::nothing();
    let done = match cause(site, kind, stage, subject).await {
        Ok(since) => {
            begun = since;
            Ok(())
        }
        Err(why) => Err(why),
    };
    let checks = if subject.order.is_empty() {
        Vec::new()
    } else {
        settle(site, stage, subject, done.is_err(), &mut seen).await
    };
    let pass = done.is_ok() && !checks.is_empty() && checks.iter().all(|check| check.pass);
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let record = StageRecord {
        verdict: if pass { Verdict::Pass } else { Verdict::Fail },
        at: Some(site.clock()),
        took_ms: Some(took),
        note: done.err(),
        checks,
        ..record
    };
    (record, seen)
}

/// Has it done, or waits until it is; since when it is there.
async fn cause(site: &Site, kind: Kind, stage: &Stage, subject: &mut Subject) -> Result<Instant, String> {
    if stage.trigger == Trigger::Placed {
        return place(site, kind, stage, subject).await;
    }
    let played = match (&site.player, stage.act) {
        (Some(player), Some(act)) => {
            player
                .perform(act, &subject.pedidos)
                .await
                .map_err(|error| format!("it could not be played: {error:#}"))?;
            true
        }
        _ => stage.trigger == Trigger::Entered && site.simulator.is_some(),
    };
    await_live(site, stage, played, subject).await
}

/// The journey's order: placed, named, or the next one that comes.
async fn place(site: &Site, kind: Kind, stage: &Stage, subject: &mut Subject) -> Result<Instant, String> {
    if let Some(simulator) = &site.simulator {
        subject.reserved_before = Some(site.reader.reserved().await?);
        let begun = Instant::now();
        let placed = simulator.place(kind, &site.config).await;
        subject.order = placed.map_err(|error| format!("no order could be placed: {error:#}"))?;
        return Ok(begun);
    }
    if let Some(order) = &site.order {
        subject.order.clone_from(order);
        return Ok(Instant::now());
    }
    let newest = site.reader.newest().await?;
    let mut waiting = Waiting::new(site.timeout);
    loop {
        if let Some(order) = site.reader.next(kind, newest).await? {
            subject.order = order;
            return Ok(Instant::now());
        }
        let hint = stage.hint.as_deref().unwrap_or_default();
        if !waiting.goes_on("no pedido of this kind has come to Live", PEOPLE).await {
            return Err(format!(
                "no new pedido of this kind came to Live within {} s: {hint}; an order that was placed and did not come is named with --order",
                site.timeout.as_secs()
            ));
        }
    }
}

async fn await_live(
    site: &Site,
    stage: &Stage,
    played: bool,
    subject: &mut Subject,
) -> Result<Instant, String> {
    let limit = if played { site.within } else { site.timeout };
    let begun = Instant::now();
    let mut waiting = Waiting::new(limit);
    loop {
        let live = site.reader.look(&subject.order, None).await;
        if let Ok(live) = &live {
            subject.pedidos = live.pedidos.iter().map(|pedido| pedido.external.clone()).collect();
            if stage.trigger.holds(live) {
                // A person takes time that nobody measures; maré's counts.
                let by_a_person = !played && stage.trigger != Trigger::Entered;
                return Ok(if by_a_person { Instant::now() } else { begun });
            }
        }
        if stage.trigger == Trigger::Entered {
            set_aside(site, subject).await?;
        }
        let pause = if site.player.is_some() { SETTLING } else { PEOPLE };
        if !waiting.goes_on(&standing(&live), pause).await {
            let hint = stage.hint.as_deref().unwrap_or("nothing was to be done");
            return Err(format!("not seen in Live within {} s: {hint}", limit.as_secs()));
        }
    }
}

/// An order that maré has set aside does not come by waiting.
async fn set_aside(site: &Site, subject: &Subject) -> Result<(), String> {
    let Ok(mare) = site.daemon.look(&subject.order, false).await else { return Ok(()) };
    if mare.held.is_empty() {
        return Ok(());
    }
    Err(format!("maré has set it aside: {}; correct it, then `mare orders retry`", mare.held.join("; ")))
}

/// What Live shows meanwhile.
fn standing(live: &Result<LiveSeen, String>) -> String {
    match live {
        Ok(live) if live.pedidos.is_empty() => "Live does not have it yet".to_owned(),
        Ok(live) => {
            let at = live.pedidos.iter().map(|pedido| match pedido.step {
                Some(step) => format!("{} {step}", pedido.number),
                None => format!("{} status {} (not in [mapping.orders.status])", pedido.number, pedido.code),
            });
            format!("Live shows {}", at.collect::<Vec<_>>().join(", "))
        }
        Err(why) => why.clone(),
    }
}

/// Looks until everything expected is seen, or until the time is over; `once`: what came before has failed already.
async fn settle(site: &Site, stage: &Stage, subject: &Subject, once: bool, seen: &mut Seen) -> Vec<Check> {
    let until = Instant::now() + site.within;
    loop {
        *seen = look(site, subject).await;
        let checks: Vec<Check> = stage.expect.iter().map(|expect| expect.judge(seen)).collect();
        if once || checks.iter().all(|check| check.pass) || Instant::now() >= until {
            return checks;
        }
        tokio::time::sleep(SETTLING).await;
    }
}

async fn look(site: &Site, subject: &Subject) -> Seen {
    let (live, vtex) = tokio::join!(
        site.reader.look(&subject.order, subject.reserved_before),
        vtex::look(&site.vtex, &subject.order)
    );
    let is_in_live = live.as_ref().is_ok_and(|live| !live.pedidos.is_empty());
    Seen { live, vtex, mare: site.daemon.look(&subject.order, is_in_live).await }
}

/// A wait that says now and then that it goes on.
struct Waiting {
    until: Instant,
    reminded: Instant,
}

impl Waiting {
    fn new(limit: Duration) -> Self {
        let now = Instant::now();
        Self { until: now + limit, reminded: now }
    }

    /// False: the time is over.
    async fn goes_on(&mut self, standing: &str, pause: Duration) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        if now.duration_since(self.reminded) >= REMINDER {
            self.reminded = now;
            let left = self.until.duration_since(now).as_secs().div_ceil(60);
            show(&format!("      … {standing}; {left} min left\n"));
        }
        tokio::time::sleep(pause).await;
        true
    }
}
