//! Which SKU of VTEX a reference of Live is, and which keys wait to know.
//!
//! References that are not known are looked up in batches, the only cheap way that the Catalog API
//! offers. Each has its own delay: a SKU that is created tomorrow is asked for again and again, rarely.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::entity::SkuId;
use super::ledger::Slot;
use super::time::Tick;

/// References that VTEX takes in one look-up. Its documents give no limit; a hundred fifty-byte
/// references make a body of some five kilobytes.
pub const LOOKUP_BATCH: usize = 100;

/// Delay before a reference that VTEX does not know is looked up again: about the time that somebody
/// takes to register the SKU…
const UNKNOWN_DELAY: Duration = Duration::from_secs(30);

/// … and the longest one: with 10,000 unknown references it costs 20 requests a minute.
const UNKNOWN_DELAY_MAX: Duration = Duration::from_secs(300);

/// The id map and the look-ups.
#[derive(Debug, Default)]
pub(crate) struct Skus {
    ids: HashMap<CompactString, SkuId>,
    missing: HashMap<CompactString, Missing>,
    due: BinaryHeap<Reverse<(Tick, u64, CompactString)>>,
    /// Look-ups that were scheduled, to tell the newest one of a reference from older ones.
    scheduled: u64,
    /// References in the next batch: halved when a look-up fails, so that one reference that VTEX chokes on
    /// does not hold up the others for good; doubled when one succeeds.
    batch: usize,
}

/// A reference that VTEX does not know yet, as far as we know.
#[derive(Debug)]
struct Missing {
    waiting: Vec<Slot>,
    /// Look-ups that did not find it.
    attempts: u32,
    /// Its valid place among the due ones; `None` while it is being looked up.
    scheduled: Option<u64>,
}

impl Skus {
    pub(crate) fn get(&self, sku_ref: &str) -> Option<SkuId> {
        self.ids.get(sku_ref).copied()
    }

    /// References that are waited for.
    pub(crate) fn missing(&self) -> usize {
        self.missing.len()
    }

    pub(crate) fn known(&self) -> usize {
        self.ids.len()
    }

    /// The SKU of a reference became known: the keys that waited for it.
    pub(crate) fn learn(&mut self, sku_ref: &str, id: SkuId) -> Vec<Slot> {
        self.ids.insert(CompactString::new(sku_ref), id);
        self.missing.remove(sku_ref).map_or_else(Vec::new, |missing| missing.waiting)
    }

    /// The reference is no longer known, or never was.
    pub(crate) fn forget(&mut self, sku_ref: &str) {
        self.ids.remove(sku_ref);
    }

    /// `slot` waits for a reference, which is looked up at once when nobody waited for it before.
    pub(crate) fn wait(&mut self, sku_ref: &str, slot: Slot, now: Tick) {
        if let Some(missing) = self.missing.get_mut(sku_ref) {
            if !missing.waiting.contains(&slot) {
                missing.waiting.push(slot);
            }
            return;
        }
        let missing = Missing { waiting: vec![slot], attempts: 0, scheduled: None };
        self.missing.insert(CompactString::new(sku_ref), missing);
        self.schedule(sku_ref, now);
    }

    /// `slot` does not wait any more. A reference that nobody waits for is not looked up.
    pub(crate) fn leave(&mut self, sku_ref: &str, slot: Slot) {
        let Some(missing) = self.missing.get_mut(sku_ref) else { return };
        missing.waiting.retain(|other| *other != slot);
        if missing.waiting.is_empty() {
            self.missing.remove(sku_ref);
        }
    }

    /// Looks a reference that is waited for up at once, before those that are only due: its SKU was created, or can be.
    pub(crate) fn wake(&mut self, sku_ref: &str) {
        if let Some(missing) = self.missing.get_mut(sku_ref)
            && missing.scheduled.is_some()
        {
            missing.attempts = 0;
            self.schedule(sku_ref, Tick::ZERO);
        }
    }

    /// When the next look-up is due.
    pub(crate) fn next_at(&mut self) -> Option<Tick> {
        while let Some(Reverse((at, scheduled, sku_ref))) = self.due.peek() {
            if self.missing.get(sku_ref).is_some_and(|missing| missing.scheduled == Some(*scheduled)) {
                return Some(*at);
            }
            self.due.pop();
        }
        None
    }

    /// The references to look up in one request now, each once. They count as asked for until
    /// [`Skus::not_found`], [`Skus::failed`] or [`Skus::learn`].
    pub(crate) fn take_due(&mut self, now: Tick, batch_max: usize) -> Vec<CompactString> {
        let limit = if self.batch == 0 { batch_max } else { self.batch.min(batch_max) };
        let mut refs = Vec::new();
        while refs.len() < limit && self.next_at().is_some_and(|at| at <= now) {
            let Some(Reverse((_, _, sku_ref))) = self.due.pop() else { break };
            if let Some(missing) = self.missing.get_mut(&sku_ref) {
                missing.scheduled = None;
                refs.push(sku_ref);
            }
        }
        refs
    }

    /// A look-up was answered, whatever it found.
    pub(crate) fn answered(&mut self) {
        self.batch = (self.batch * 2).min(LOOKUP_BATCH);
    }

    /// VTEX does not know the reference: asked again after 30 s, doubling to 5 min, with `random` in
    /// `0..1` spreading it over the upper half of the delay.
    pub(crate) fn not_found(&mut self, sku_ref: &str, now: Tick, random: f64) {
        let Some(missing) = self.missing.get_mut(sku_ref) else { return };
        let delay = UNKNOWN_DELAY.saturating_mul(1 << missing.attempts.min(8)).min(UNKNOWN_DELAY_MAX);
        missing.attempts = missing.attempts.saturating_add(1);
        self.schedule(sku_ref, now + delay.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0));
    }

    /// The look-up itself failed: asked again after `delay(attempts)`.
    pub(crate) fn failed(
        &mut self,
        refs: &[CompactString],
        now: Tick,
        mut delay: impl FnMut(u32) -> Duration,
    ) {
        for sku_ref in refs {
            let Some(missing) = self.missing.get_mut(sku_ref) else { continue };
            missing.attempts = missing.attempts.saturating_add(1);
            let at = now + delay(missing.attempts);
            self.schedule(sku_ref, at);
        }
        self.batch = (refs.len() / 2).max(1);
    }

    /// The look-up was refused before it was done: asked again when the limiter allows.
    pub(crate) fn refused(&mut self, refs: &[CompactString], now: Tick) {
        for sku_ref in refs {
            self.schedule(sku_ref, now);
        }
    }

    fn schedule(&mut self, sku_ref: &str, at: Tick) {
        let Some(missing) = self.missing.get_mut(sku_ref) else { return };
        self.scheduled += 1;
        missing.scheduled = Some(self.scheduled);
        self.due.push(Reverse((at, self.scheduled, CompactString::new(sku_ref))));
        // Only a wake-up or a leave makes leftovers, so this is rare.
        if self.due.len() > 2 * self.missing.len() + LOOKUP_BATCH {
            let missing = &self.missing;
            self.due.retain(|Reverse((_, scheduled, sku_ref))| {
                missing.get(sku_ref).is_some_and(|missing| missing.scheduled == Some(*scheduled))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_JITTER: f64 = 1.0;

    fn at(seconds: u64) -> Tick {
        Tick::from_millis(seconds * 1000)
    }

    #[test]
    fn a_reference_is_looked_up_at_once_then_after_half_a_minute_doubling_to_five() {
        let mut skus = Skus::default();
        skus.wait("A", 1, at(0));
        skus.wait("A", 2, at(0));
        let mut times = Vec::new();
        for _ in 0..6 {
            let next = skus.next_at().unwrap();
            times.push(next.0.as_secs());
            assert_eq!(skus.take_due(next, LOOKUP_BATCH), ["A"]);
            assert_eq!(skus.take_due(next, LOOKUP_BATCH), [""; 0], "asked once at a time");
            skus.answered();
            skus.not_found("A", next, NO_JITTER);
        }
        assert_eq!(times, [0, 30, 90, 210, 450, 750]);
        assert_eq!(skus.learn("A", SkuId(7)), [1, 2]);
        assert_eq!(skus.get("A"), Some(SkuId(7)));
        assert_eq!(skus.next_at(), None);
    }

    #[test]
    fn a_batch_holds_each_reference_once_and_never_more_than_allowed() {
        let mut skus = Skus::default();
        for slot in 0..500 {
            skus.wait(&format!("SKU-{}", slot % 250), slot, at(0));
        }
        skus.wake("SKU-7");
        let mut all: Vec<_> = std::iter::from_fn(|| Some(skus.take_due(at(0), LOOKUP_BATCH)))
            .take_while(|refs| !refs.is_empty())
            .inspect(|refs| assert!(refs.len() <= LOOKUP_BATCH))
            .flatten()
            .collect();
        assert_eq!(all.len(), 250);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 250);
    }

    #[test]
    fn one_reference_that_vtex_chokes_on_ends_up_alone() {
        let mut skus = Skus::default();
        for slot in 0..100 {
            skus.wait(&format!("SKU-{slot}"), slot, at(0));
        }
        let mut now = at(0);
        for _ in 0..2000 {
            let Some(next) = skus.next_at() else { break };
            now = now.max(next);
            let refs = skus.take_due(now, LOOKUP_BATCH);
            if refs.iter().any(|sku_ref| sku_ref == "SKU-13") {
                skus.failed(&refs, now, |attempts| Duration::from_secs(1 << attempts.min(8)));
            } else {
                refs.iter().for_each(|sku_ref| drop(skus.learn(sku_ref, SkuId(1))));
                skus.answered();
            }
        }
        assert_eq!((skus.known(), skus.missing()), (99, 1));
    }

    #[test]
    fn a_reference_that_nobody_waits_for_is_not_looked_up() {
        let mut skus = Skus::default();
        for _ in 0..10_000 {
            skus.wait("A", 1, at(0));
            skus.leave("A", 1);
        }
        assert_eq!(skus.next_at(), None);
        assert!(skus.due.len() <= LOOKUP_BATCH + 1);
    }

    #[test]
    fn what_is_woken_goes_before_what_is_only_due() {
        let mut skus = Skus::default();
        for slot in 0..1_000 {
            skus.wait(&format!("SKU-{slot}"), slot, at(1));
        }
        skus.wake("SKU-999");
        assert_eq!(skus.take_due(at(1), 1), ["SKU-999"]);
    }

    #[test]
    fn a_created_sku_is_looked_up_without_waiting() {
        let mut skus = Skus::default();
        skus.wait("A", 1, at(0));
        skus.take_due(at(0), LOOKUP_BATCH);
        skus.wake("A");
        assert_eq!(skus.next_at(), None, "the answer is on its way");
        skus.not_found("A", at(0), NO_JITTER);
        skus.wake("A");
        assert_eq!(skus.take_due(at(1), LOOKUP_BATCH), ["A"]);
    }
}
