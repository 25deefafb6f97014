//! The planner: from what Live wants and what VTEX holds to the next request, and to nothing when they
//! agree. Retries, restarts and lost answers are all the same question to it.

use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::call::orders::OrderAnswer;
use super::call::{Answer, Call, RemotePrice, RemoteStock};
use super::entity::{Key, RemoteId, SkuId};
use super::money::Money;
use super::time::Timestamp;
use super::value::{FixedPrice, Price, Stock, Value};

pub mod catalog;
pub mod orders;
pub mod people;

use catalog::{CatalogHeld, CatalogRules};
use orders::{OrderHeld, OrderRules};
use people::PeopleHeld;

/// What to do in VTEX when Live has no base price any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMissingPrice {
    /// VTEX keeps the price it has. A price that is missing by mistake does not take a SKU off sale.
    #[default]
    Keep,
    /// The SKU's whole price is deleted, fixed prices of others included: it is no longer for sale.
    /// Only when Live has no fixed price for it either.
    Delete,
}

/// Whose the prices in VTEX are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceRules {
    /// Every fixed price in VTEX comes from Live: one that Live does not have is deleted with the next
    /// `PUT`, and a `PUT` needs no reading before it when Live has base, list and cost. Default: no.
    pub owns_fixed_prices: bool,
    /// Trade policies and price tables whose fixed prices are ours whoever wrote them: all that the mapping
    /// can produce. One that is not listed is known as ours only by what VTEX confirmed, so a price that was
    /// sent and taken back around a crash may stay behind.
    pub trade_policies: Vec<CompactString>,
    pub on_missing_price: OnMissingPrice,
    /// A base price that changes by more than so many percent of what VTEX has is set aside until somebody confirms it
    /// (`mare parked retry`): a misplaced decimal point sells a shop empty. None, the default: every price goes out.
    pub jump_percent: Option<u32>,
}

impl PriceRules {
    /// Whether fixed prices that are in VTEX may be ours, whoever wrote them.
    pub(super) fn may_own_fixed(&self) -> bool {
        self.owns_fixed_prices || !self.trade_policies.is_empty()
    }

    /// Whether a price is too far from the one that VTEX confirmed.
    pub(super) fn is_jump(&self, wanted: &Value, confirmed: Option<&Value>) -> bool {
        let (Value::Price(wanted), Some(Value::Price(held)), Some(percent)) =
            (wanted, confirmed, self.jump_percent)
        else {
            return false;
        };
        let (Some(wanted), Some(held)) = (wanted.base, held.base) else { return false };
        let change = i128::from(wanted.0.abs_diff(held.0));
        change * 100 > i128::from(percent) * i128::from(held.0)
    }
}

/// What VTEX holds for a key, as far as this job knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Unknown,
    /// `None`: VTEX has no balance.
    Stock(Option<RemoteStock>),
    /// What VTEX confirmed of ours; what others wrote is not known.
    OurPrice(Price),
    /// All of it, read in this job; `None`: VTEX has no price.
    WholePrice(Option<RemotePrice>),
    Catalog(CatalogHeld),
    People(PeopleHeld),
    Order(Box<OrderHeld>),
}

impl Held {
    /// What `confirmed` says, when it can be relied upon.
    pub fn confirmed(value: &Value) -> Self {
        match value {
            Value::Stock(stock) => Self::Stock(Some(balance(stock.told()))),
            Value::Price(price) => Self::OurPrice(price.as_ref().clone()),
            Value::Brand(_) | Value::Category(_) | Value::Product(_) | Value::Sku(_) => {
                Self::Catalog(CatalogHeld::confirmed(value))
            }
            Value::Customer(_) | Value::Consent(_) | Value::Erased | Value::Released(_) => {
                Self::People(PeopleHeld::confirmed(value))
            }
            // VTEX moves orders by itself: what it shows is always read.
            Value::Order(_) => Self::Unknown,
        }
    }

    /// What is taken for granted when VTEX is asked for all else that `value` says, as it shows it in no way: the values of
    /// specifications by their names, and where an image came from.
    pub fn to_prove(value: &Value) -> Self {
        match value {
            Value::Product(_) | Value::Sku(_) => Self::Catalog(CatalogHeld::to_prove(value)),
            _ => Self::Unknown,
        }
    }

    /// What VTEX holds after it accepted `call` with `answer`.
    pub fn after(self, call: &Call, answer: &Answer) -> Self {
        match (call, answer) {
            (_, Answer::Stock(remote)) => Self::Stock(*remote),
            (_, Answer::Price(remote)) => Self::WholePrice(remote.clone()),
            (Call::SetStock { quantity, .. }, _) => Self::Stock(Some(balance(*quantity))),
            (Call::PutPrice { price, .. }, _) => Self::WholePrice(Some(remote(price))),
            (Call::DeletePrice { .. }, _) => Self::WholePrice(None),
            (Call::PatchFixed { fixed, .. }, _) => self.with_fixed(|held| upsert(held, fixed)),
            (Call::DeleteFixed { trade_policy, .. }, _) => {
                self.with_fixed(|held| held.retain(|fixed| fixed.trade_policy != *trade_policy))
            }
            (Call::Catalog(call), answer) => match self {
                Self::Catalog(held) => Self::Catalog(held.after(call, answer)),
                _ => Self::Catalog(CatalogHeld::default().after(call, answer)),
            },
            (Call::People(call), answer) => match self {
                Self::People(held) => Self::People(held.after(call, answer)),
                _ => Self::People(PeopleHeld::default().after(call, answer)),
            },
            (Call::Order(call), answer) => match (self, answer) {
                (Self::Order(held), answer) => Self::Order(Box::new(held.after(call, answer))),
                (_, Answer::Order(OrderAnswer::Order(remote))) => {
                    Self::Order(Box::new(OrderHeld::read(remote.as_ref().clone())))
                }
                (held, _) => held,
            },
            // A job belongs to no single key.
            (
                Call::ReadStock { .. }
                | Call::ReadBalances { .. }
                | Call::ReadPrice { .. }
                | Call::FindSkus { .. }
                | Call::Bulk(_),
                _,
            ) => self,
        }
    }

    fn with_fixed(mut self, change: impl FnOnce(&mut Vec<FixedPrice>)) -> Self {
        match &mut self {
            Self::OurPrice(price) => change(&mut price.fixed),
            Self::WholePrice(remote) => change(&mut remote.get_or_insert_default().fixed),
            Self::Unknown | Self::Stock(_) | Self::Catalog(_) | Self::People(_) | Self::Order(_) => {}
        }
        self
    }
}

/// What VTEX calls the thing that a key is about, and those that it hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Of stock and prices: their SKU. None: it is not known, and may not exist.
    pub own: Option<RemoteId>,
    /// One for each of [`Value::parents`].
    pub parents: Vec<u32>,
}

impl Links {
    /// The SKU of stock and prices, which is known before they are planned.
    fn sku(&self) -> SkuId {
        SkuId(self.own.as_ref().and_then(RemoteId::number).unwrap_or_default())
    }
}

/// Whose is what in VTEX.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub price: &'a PriceRules,
    pub catalog: &'a CatalogRules,
    pub orders: &'a OrderRules,
}

/// Everything that a plan follows from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub key: &'a Key,
    pub links: &'a Links,
    pub wanted: &'a Value,
    /// When the wanted value was committed in Live.
    pub committed_at: Timestamp,
    /// What VTEX confirmed last, even if it may hold something else by now: says what was ours.
    pub confirmed: Option<&'a Value>,
    /// What it is now.
    pub now: Timestamp,
    /// Attempts in a row that failed.
    pub attempts: u32,
    /// A request may have been applied without our knowing: read before writing.
    pub read_first: bool,
    pub held: &'a Held,
    pub rules: Rules<'a>,
}

/// What comes next for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Call(Call),
    /// VTEX holds what is wanted.
    Done,
    /// VTEX holds `held`, and no more of what is wanted can be brought now. The rest is tried again.
    Partly {
        held: Box<Value>,
        why: String,
    },
    /// VTEX is at work: to be looked at again after this time. No failure.
    Later(Duration),
    /// VTEX cannot do it. What the operator can do: the key is set aside with this.
    GiveUp(&'static str),
}

/// The next request that brings VTEX closer to what is wanted. Ends: once VTEX has accepted every
/// request of a plan, [`Held::after`] leads to [`Next::Done`].
pub fn next(situation: &Situation<'_>) -> Next {
    match situation.wanted {
        Value::Stock(stock) => next_stock(situation, *stock),
        Value::Price(price) => next_price(situation, price),
        Value::Brand(_) | Value::Category(_) | Value::Product(_) | Value::Sku(_) => catalog::next(situation),
        Value::Customer(_) | Value::Consent(_) | Value::Erased | Value::Released(_) => {
            people::next(situation)
        }
        Value::Order(wanted) => orders::next(situation, wanted),
    }
}

fn next_stock(situation: &Situation<'_>, wanted: Stock) -> Next {
    let sku = situation.links.sku();
    let warehouse = CompactString::new(situation.key.warehouse().unwrap_or_default());
    match situation.held {
        Held::Stock(Some(held)) if !held.unlimited && held.total == i64::from(wanted.told()) => Next::Done,
        Held::Stock(_) => Next::Call(set_stock(situation, warehouse, wanted)),
        _ if situation.read_first => Next::Call(Call::ReadStock { sku, warehouse }),
        _ => Next::Call(set_stock(situation, warehouse, wanted)),
    }
}

fn set_stock(situation: &Situation<'_>, warehouse: CompactString, wanted: Stock) -> Call {
    let (sku, balance_at) = (situation.links.sku(), situation.committed_at);
    Call::SetStock { sku, warehouse, quantity: wanted.told(), balance_at }
}

fn next_price(situation: &Situation<'_>, wanted: &Price) -> Next {
    let sku = situation.links.sku();
    match situation.held {
        Held::OurPrice(_) if is_withdrawn(situation, wanted) => Next::Call(Call::DeletePrice { sku }),
        Held::OurPrice(held) => next_price_from_ours(situation, wanted, held),
        Held::WholePrice(Some(remote)) if is_withdrawn(situation, wanted) && remote.base.is_some() => {
            Next::Call(Call::DeletePrice { sku })
        }
        Held::WholePrice(remote) => next_price_from_whole(situation, wanted, remote.as_ref()),
        Held::Unknown | Held::Stock(_) | Held::Catalog(_) | Held::People(_) | Held::Order(_)
            if !situation.read_first && may_put_blindly(situation, wanted) =>
        {
            Next::Call(Call::PutPrice { sku, price: wanted.clone() })
        }
        Held::Unknown | Held::Stock(_) | Held::Catalog(_) | Held::People(_) | Held::Order(_) => {
            Next::Call(Call::ReadPrice { sku })
        }
    }
}

/// Whether Live has taken back a base price that we had sent, and VTEX shall follow.
fn is_withdrawn(situation: &Situation<'_>, wanted: &Price) -> bool {
    let had_base = matches!(situation.confirmed, Some(Value::Price(price)) if price.base.is_some());
    let follows = situation.rules.price.on_missing_price == OnMissingPrice::Delete;
    follows && had_base && wanted.base.is_none() && wanted.fixed.is_empty()
}

/// Whether a `PUT` can destroy nothing: all that it replaces comes from Live.
fn may_put_blindly(situation: &Situation<'_>, wanted: &Price) -> bool {
    let complete = wanted.base.is_some() && wanted.list.is_some() && wanted.cost.is_some();
    situation.rules.price.owns_fixed_prices && complete
}

/// Only what changed since the confirmed value; a change that replaces the whole needs the whole first.
fn next_price_from_ours(situation: &Situation<'_>, wanted: &Price, held: &Price) -> Next {
    let sku = situation.links.sku();
    let agrees = agrees(wanted, held.base, held.list, held.cost);
    let removes = held.fixed.iter().any(|fixed| is_missing(fixed, &wanted.fixed));
    let changed = changed(&wanted.fixed, &held.fixed);
    match (agrees && !removes, changed.is_empty()) {
        (true, true) => Next::Done,
        (true, false) => Next::Call(Call::PatchFixed { sku, fixed: changed }),
        (false, _) if may_put_blindly(situation, wanted) => {
            Next::Call(Call::PutPrice { sku, price: wanted.clone() })
        }
        (false, _) => Next::Call(Call::ReadPrice { sku }),
    }
}

fn next_price_from_whole(situation: &Situation<'_>, wanted: &Price, remote: Option<&RemotePrice>) -> Next {
    let sku = situation.links.sku();
    let none = RemotePrice::default();
    let remote = remote.unwrap_or(&none);
    let merged = merge(situation, wanted, remote);
    // Without any base price VTEX takes neither list nor cost: then only the fixed prices count.
    let agrees = merged.base.is_none() || agrees(wanted, remote.base, remote.list, remote.cost);
    let removed = remote.fixed.iter().find(|fixed| is_missing(fixed, &merged.fixed));
    let changed = changed(&merged.fixed, &remote.fixed);
    match (agrees, removed) {
        (true, None) if changed.is_empty() => Next::Done,
        (true, None) => Next::Call(Call::PatchFixed { sku, fixed: changed }),
        (true, Some(removed)) if merged.base.is_none() => {
            Next::Call(Call::DeleteFixed { sku, trade_policy: removed.trade_policy.clone() })
        }
        _ => Next::Call(Call::PutPrice { sku, price: merged }),
    }
}

/// What VTEX shall hold: ours as wanted, and of the rest what it has.
fn merge(situation: &Situation<'_>, wanted: &Price, remote: &RemotePrice) -> Price {
    let foreign = remote.fixed.iter().filter(|fixed| !is_ours(situation, wanted, &fixed.trade_policy));
    let mut fixed: Vec<_> = foreign.chain(&wanted.fixed).cloned().collect();
    fixed.sort_unstable();
    Price {
        base: wanted.base.or(remote.base),
        list: wanted.list.or(remote.list),
        cost: wanted.cost.or(remote.cost),
        fixed,
    }
}

fn is_ours(situation: &Situation<'_>, wanted: &Price, trade_policy: &str) -> bool {
    let among = |fixed: &[FixedPrice]| fixed.iter().any(|fixed| fixed.trade_policy == trade_policy);
    let was_ours = matches!(situation.confirmed, Some(Value::Price(price)) if among(&price.fixed));
    let rules = situation.rules.price;
    rules.owns_fixed_prices
        || was_ours
        || among(&wanted.fixed)
        || rules.trade_policies.iter().any(|ours| ours == trade_policy)
}

/// Whether VTEX has each of base, list and cost that Live has; one that Live lacks is VTEX's own affair.
fn agrees(wanted: &Price, base: Option<Money>, list: Option<Money>, cost: Option<Money>) -> bool {
    let same = |wanted: Option<_>, held| wanted.is_none() || wanted == held;
    same(wanted.base, base) && same(wanted.list, list) && same(wanted.cost, cost)
}

fn is_missing(fixed: &FixedPrice, among: &[FixedPrice]) -> bool {
    !among.iter().any(|other| other.identity() == fixed.identity())
}

fn changed(wanted: &[FixedPrice], held: &[FixedPrice]) -> Vec<FixedPrice> {
    wanted.iter().filter(|fixed| !held.contains(fixed)).cloned().collect()
}

fn upsert(held: &mut Vec<FixedPrice>, fixed: &[FixedPrice]) {
    held.retain(|old| is_missing(old, fixed));
    held.extend_from_slice(fixed);
    held.sort_unstable();
}

fn balance(quantity: u32) -> RemoteStock {
    RemoteStock { total: i64::from(quantity), reserved: 0, unlimited: false }
}

fn remote(price: &Price) -> RemotePrice {
    let Price { base, list, cost, fixed } = price.clone();
    RemotePrice { base, list, cost, fixed }
}

#[cfg(test)]
mod tests;
