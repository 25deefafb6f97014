//! The task that looks through the shop.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ConsentsConfig;
use super::live::{ActError, Customer, Found, NewAct, Tables};
use super::progress::{Pages, Progress, Recent, WAITING_MAX};
use super::status::{Outcome, Status};
use crate::core::backoff::Backoff;
use crate::core::call::people::{DateField, PeopleAnswer, PeopleCall, Shopper};
use crate::core::call::{Answer, Call, Failure};
use crate::core::dispatch::Newsletter;
use crate::core::entity::{Entity, Key};
use crate::core::shop_consent::{Decision, Known, Said, Seen, decide};
use crate::core::time::Timestamp;
use crate::core::value::person::Consent;
use crate::live::writer::{Transaction, Writer};
use crate::mapping::cell::RowId;
use crate::mapping::config::MappingConfig;
use crate::store::{Store, StoreError};

/// Pauses after a look that did not come to its end.
const RETRY: Backoff = Backoff { base: Duration::from_secs(2), max: Duration::from_secs(300) };

/// How long the ledger may take to learn something.
const LEARN_TIME: Duration = Duration::from_secs(2);

/// VTEX and the ledger, as far as they are needed here. Everything passes the gates of the people lane.
pub trait Vtex: Send + Sync + 'static {
    /// Sends a call that only reads. None: the service ends.
    fn read(&self, call: Call) -> impl Future<Output = Option<Result<Answer, Failure>>> + Send;

    /// What is known of the customer's newsletter flag in VTEX.
    fn newsletter(&self, key: Key) -> impl Future<Output = Option<Newsletter>> + Send;

    /// VTEX was read, and holds this. False: a request is under way, and it may be over.
    fn learn(&self, key: Key, consent: Consent) -> impl Future<Output = Option<bool>> + Send;
}

/// Has a customer of a source read again, from that moment on.
pub type Refresh = Arc<dyn Fn(RowId, Timestamp) -> Result<(), StoreError> + Send + Sync>;

/// One database of Live.
pub struct Shop {
    pub name: Arc<str>,
    pub writer: Writer,
    pub refresh: Refresh,
}

/// Looks through the shop for as long as the service runs.
pub struct Poller<V> {
    pub config: ConsentsConfig,
    pub mapping: Arc<MappingConfig>,
    pub shops: Vec<Shop>,
    pub store: Store,
    pub vtex: V,
    pub status: Status,
    pub now: fn() -> Timestamp,
}

/// Why a look did not come to its end; the next one begins where it stood.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error("the service ends")]
    Ending,
    #[error("VTEX: {0}")]
    Vtex(String),
    #[error(transparent)]
    Live(#[from] ActError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{WAITING_MAX} customers wait: see `mare status`, and the log for what Live refuses")]
    TooManyWait,
}

/// What is known of a customer before anything is decided.
struct Situation {
    customer: Customer,
    purpose: RowId,
    last: Option<(Said, RowId)>,
}

impl<V: Vtex> Poller<V> {
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            // Nothing is lost when it stops in the middle.
            () = self.poll_for_ever() => {}
        }
    }

    async fn poll_for_ever(&self) {
        let (mut recent, mut failures) = (Recent::default(), 0_u32);
        loop {
            let pause = match self.look(&mut recent).await {
                Ok(()) => {
                    failures = 0;
                    Duration::from_secs(self.config.poll_seconds)
                }
                Err(PollError::Ending) => return,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let pause = RETRY.delay(failures, fastrand::f64());
                    warn!(%error, pause_seconds = pause.as_secs(), "the shop's opt-ins were not looked through");
                    self.status.failed(error.to_string());
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Everything that changed since the last look, and what waits.
    async fn look(&self, recent: &mut Recent) -> Result<(), PollError> {
        let mut progress = Progress::load(&self.store, self.config.since().unwrap_or_else(self.now))?;
        // The beginning holds, whatever happens to this look.
        progress.save(&self.store)?;
        for id in progress.waiting.clone() {
            let gone = match self.document(&id).await? {
                Some(shopper) => self.take(&shopper).await?,
                None => true,
            };
            if gone {
                progress.waiting.remove(&id);
                progress.save(&self.store)?;
            }
        }
        for date in [DateField::Updated, DateField::Created] {
            self.look_by(date, &mut progress, recent).await?;
        }
        let overlap = Duration::from_secs(self.config.overlap_seconds);
        let kept = progress.of(DateField::Updated).min(progress.of(DateField::Created));
        recent.forget_before(Timestamp(kept.0 - i64::try_from(overlap.as_micros()).unwrap_or(i64::MAX)));
        self.status.polled((self.now)(), progress.seen_up_to(), progress.waiting.len());
        Ok(())
    }

    async fn look_by(
        &self,
        date: DateField,
        progress: &mut Progress,
        recent: &mut Recent,
    ) -> Result<(), PollError> {
        let overlap = Duration::from_secs(self.config.overlap_seconds);
        let mut next = Some(Pages::new(date, progress.of(date), overlap, (self.now)()));
        while let Some(page) = next {
            let shoppers = self.page(page).await?;
            for shopper in shoppers.iter().filter(|shopper| shopper.newsletter.is_some()) {
                if recent.has(shopper) {
                    continue;
                }
                if !self.take(shopper).await? {
                    if progress.waiting.len() >= WAITING_MAX {
                        return Err(PollError::TooManyWait);
                    }
                    progress.waiting.insert(shopper.id.clone());
                }
                recent.add(shopper);
            }
            let of = |shopper: &Shopper| match date {
                DateField::Updated => shopper.changed_at,
                DateField::Created => shopper.created_at,
            };
            let last = shoppers.iter().map(of).max();
            if let Some(last) = last {
                progress.advance(date, last);
                progress.save(&self.store)?;
            }
            next = page.next(last, shoppers.len());
            if next.is_some_and(|next| next.cut_short && !page.cut_short) {
                warn!(
                    "more customers changed in one millisecond than VTEX's search reaches; some are not looked at"
                );
            }
        }
        Ok(())
    }

    async fn page(&self, page: Pages) -> Result<Vec<Shopper>, PollError> {
        match self.ask(PeopleCall::ReadShoppers(page.span)).await? {
            PeopleAnswer::Shoppers(shoppers) => Ok(shoppers),
            _ => Err(PollError::Vtex("an answer to another request".to_owned())),
        }
    }

    /// The document as it is at this moment, unlike what search shows.
    async fn document(&self, id: &CompactString) -> Result<Option<Shopper>, PollError> {
        match self.ask(PeopleCall::ReadShopper { id: id.clone() }).await? {
            PeopleAnswer::Shopper(shopper) => Ok(shopper),
            _ => Err(PollError::Vtex("an answer to another request".to_owned())),
        }
    }

    async fn ask(&self, call: PeopleCall) -> Result<PeopleAnswer, PollError> {
        match self.vtex.read(Call::People(call)).await.ok_or(PollError::Ending)? {
            Ok(Answer::People(answer)) => Ok(answer),
            Ok(_) => Err(PollError::Vtex("an answer to another request".to_owned())),
            Err(Failure::Status { code, .. }) => Err(PollError::Vtex(format!("status {code}"))),
            Err(Failure::Timeout) => Err(PollError::Vtex("no answer in time".to_owned())),
            Err(Failure::Connect(why) | Failure::Reset(why) | Failure::Malformed(why)) => {
                Err(PollError::Vtex(why))
            }
        }
    }

    /// Takes up what a shopper may have said. False: it has to wait.
    async fn take(&self, shopper: &Shopper) -> Result<bool, PollError> {
        let outcome = match self.settle(shopper).await {
            Ok(outcome) => outcome,
            Err(PollError::Live(error)) if !error.is_transient() => {
                // Not who it is: VTEX's id leads there, and is in the ledger.
                warn!(%error, "what a shopper said is not in Live yet; it is tried again with every look");
                Outcome::Waits
            }
            Err(error) => return Err(error),
        };
        self.status.count(outcome);
        Ok(outcome != Outcome::Waits)
    }

    async fn settle(&self, shopper: &Shopper) -> Result<Outcome, PollError> {
        let mut several = false;
        for shop in &self.shops {
            let mut transaction = shop.writer.begin().await.map_err(ActError::from)?;
            let found = self.tables().customer(&mut transaction, shopper).await?;
            match found {
                Found::One(customer) => {
                    return self.settle_customer(shop, transaction, customer, shopper).await;
                }
                Found::Several => several = true,
                Found::Nobody => {}
            }
            transaction.rollback().await;
        }
        Ok(if several { Outcome::Ambiguous } else { Outcome::Unknown })
    }

    fn tables(&self) -> Tables<'_> {
        Tables { mapping: &self.mapping, config: &self.config }
    }

    async fn settle_customer(
        &self,
        shop: &Shop,
        mut transaction: Transaction,
        customer: Customer,
        shopper: &Shopper,
    ) -> Result<Outcome, PollError> {
        if customer.erased {
            transaction.rollback().await;
            return Ok(Outcome::Erased);
        }
        let situation = self.situation(&mut transaction, customer).await?;
        transaction.rollback().await;
        let key = Key { entity: Entity::Consent, id: situation.customer.code.clone() };
        let known = match self.known(&key).await? {
            Newsletter::Known(known) => known,
            Newsletter::Unsure => return Ok(Outcome::Waits),
            Newsletter::Erased => return Ok(Outcome::Erased),
        };
        let first = decide(seen(shopper), known, situation.said());
        match first {
            Decision::Nothing => return Ok(Outcome::NoAct),
            Decision::Undecided => return Ok(Outcome::Undecided),
            Decision::Act { .. } | Decision::Learn { .. } => {}
        }
        // Search may show what is over already.
        let Some(shopper) = self.document(&shopper.id).await? else { return Ok(Outcome::NoAct) };
        if self.known(&key).await? != Newsletter::Known(known) {
            return Ok(Outcome::Waits);
        }
        self.carry_out(shop, situation, known, &key, &shopper).await
    }

    async fn situation(
        &self,
        transaction: &mut Transaction,
        customer: Customer,
    ) -> Result<Situation, PollError> {
        let tables = self.tables();
        let purpose = tables.purpose(transaction).await?;
        let last = tables.last_act(transaction, &customer, &purpose).await?;
        Ok(Situation { customer, purpose, last })
    }

    async fn known(&self, key: &Key) -> Result<Newsletter, PollError> {
        self.vtex.newsletter(key.clone()).await.ok_or(PollError::Ending)
    }

    /// Decides once more, by what VTEX and Live hold now, and does it.
    async fn carry_out(
        &self,
        shop: &Shop,
        situation: Situation,
        known: Known,
        key: &Key,
        shopper: &Shopper,
    ) -> Result<Outcome, PollError> {
        let seen = seen(shopper);
        let mut transaction = shop.writer.begin().await.map_err(ActError::from)?;
        let situation = self.situation(&mut transaction, situation.customer).await?;
        let decision = decide(seen, known, situation.said());
        let (outcome, newsletter) = match decision {
            Decision::Nothing | Decision::Undecided | Decision::Learn { .. } => {
                transaction.rollback().await;
                match decision {
                    Decision::Learn { newsletter } => (Outcome::Learned, newsletter),
                    Decision::Undecided => return Ok(Outcome::Undecided),
                    _ => return Ok(Outcome::NoAct),
                }
            }
            Decision::Act { accepted } => {
                let now = (self.now)();
                // VTEX's clock may be ahead, and what is said in the future would outdo what is said tomorrow.
                let act = NewAct {
                    accepted,
                    at: seen.at.min(now),
                    now,
                    letter: situation.last.map(|(_, letter)| letter),
                };
                self.tables().write(&mut transaction, &situation.customer, &situation.purpose, &act).await?;
                transaction.commit().await.map_err(ActError::from)?;
                info!(source = %shop.name, key = %key, accepted, "a shopper's opt-in is in Live");
                (Outcome::Written, accepted)
            }
        };
        let consent = Consent {
            email: shopper.email.clone().unwrap_or_default(),
            customer: key.id.clone(),
            newsletter: Some(newsletter),
            acts: Vec::new(),
        };
        // Kept first, so that a kill does not forget it; due a little later, so that the ledger has learned by then what VTEX
        // holds, and does not tell it.
        (shop.refresh)(situation.customer.id, (self.now)().plus(LEARN_TIME))?;
        let learned = self.vtex.learn(key.clone(), consent).await.ok_or(PollError::Ending)?;
        Ok(if learned { outcome } else { Outcome::Waits })
    }
}

impl Situation {
    fn said(&self) -> Option<Said> {
        self.last.as_ref().map(|(said, _)| *said)
    }
}

const fn seen(shopper: &Shopper) -> Seen {
    Seen { newsletter: shopper.newsletter, created_at: shopper.created_at, at: shopper.changed_at }
}
