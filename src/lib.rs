//! maré keeps VTEX equal to TOTVS Live: committed row changes in; stock, prices, products, customers and consents out.
//!
//! # How a change travels
//!
//! 1. A till sells: a row of `estoque_saldo` commits. Postgres sends it through our slot;
//!    [`source::postgres::wire`] frames the bytes, [`source::postgres::pgoutput`] turns them into a
//!    [`core::row::RowChange`] that borrows from the buffer. Where there is no slot, [`source::changelog`] reads what
//!    triggers have written down, or what SQL Server itself has numbered.
//! 2. [`mapping::Mapper`] says what it means: *VTEX shall show 7 of this SKU in that warehouse*. What a stock row
//!    needs besides itself is reference data, kept from the same stream; Live is not asked.
//! 3. The value waits in the open [`source::window`], where a newer one of the same key replaces it.
//! 4. The writer ([`pipeline`]) takes the window and makes it durable in the [`store`], together with the position
//!    it came from. Only then is the position confirmed to Postgres. What customers are told of an order goes into the same
//!    commit ([`messages`]).
//! 5. [`core::dispatch::Dispatch`] learns of the key. It drops what VTEX has already, puts sold-out first, waits for
//!    the SKU (or whatever else it hangs on) to exist, for a token of the [`core::limiter`], for the lane's [`core::breaker`], and plans the call
//!    ([`core::plan`]) from what Live wants and what VTEX confirmed.
//! 6. [`vtex::Client`] sends it. [`core::failure`] knows what each outcome means. A confirmed value is stored, and
//!    the key is at rest. Where more prices or balances wait than single requests are good for, many of them go by
//!    one job ([`core::bulk`]).
//!
//! First load and repair ([`source::reconcile`]) read chunks beside the stream and enter at step 2, at a place in the
//! stream where they cannot overwrite anything newer.
//!
//! The other way, what a shopper says in the shop is written into Live by [`inbound`], in transactions that carry a mark
//! ([`live::writer`]): step 1 leaves out what came from VTEX already.
//!
//! Products, customers and orders are put together from several tables. Of them the stream only says which ones changed; they
//! are read whole, in the background, by the same reader, and enter at step 2 ([`mapping::catalog`], [`mapping::people`],
//! [`mapping::orders`]).
//!
//! # Where things are
//!
//! | module | holds | I/O |
//! |---|---|---|
//! | [`core`] | every decision | none: `now` and chance are arguments, effects are return values |
//! | [`telemetry`] | logs, metric names | |
//! | [`mapping`] | row → entity | none |
//! | [`store`] | the ledger on disk | files |
//! | [`live`] | connections to Live, and the [`live::writer`] | network |
//! | [`vtex`] | one file per API | network |
//! | [`source`] | slot, change tables, window, reconcile | network |
//! | [`inbound`] | what the shop knows first, on its way into Live | network |
//! | [`orders`] | orders of VTEX, on their way into Live | network |
//! | [`messages`] | what customers are told of their orders | network |
//! | [`pipeline`] | tasks, wiring, start and end | |
//! | [`admin`], [`cli`], [`config`] | what people touch | |
//! | [`validate`] | what an installation is accepted by | none |
//! | [`simulator`], [`shop`] | a VTEX and a shop to try things on | |
//!
//! Imports run downwards: `core`, `telemetry`, `listener` (which takes connections in) and `failpoint` (where tests end the process) on the ground; on them
//! `mapping`, `store`, `live` and `vtex`; then `messages`, `source`, `inbound` and `orders` (which fills `messages`), then
//! `pipeline`, then `admin`, `cli` and `main`. `simulator` shares no type with `vtex`, so that one
//! misreading of VTEX's documents cannot hide in both.
//!
//! # Words
//!
//! *Live*: the retailer's database. *Source*: where changes come from. *Position*: where in the source a change
//! stands. *Entity*: what VTEX is told about. *Key*: an entity's natural key. *Ledger*: the durable map from key to
//! wanted and confirmed state. A key is *dirty*, *in flight*, *parked* or *confirmed*. *Lane*: an API family of VTEX
//! with its own concurrency and breaker. *Urgency*: the order in which dirty keys go out. *Park*: set one key aside
//! while the rest goes on. *Reconcile*: compare Live with what VTEX confirmed, and mark what differs.

#![forbid(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod config;
pub mod core;
mod failpoint;
pub mod inbound;
mod listener;
pub mod live;
pub mod mapping;
pub mod messages;
#[cfg(test)]
mod mutation;
pub mod orders;
pub mod pipeline;
pub mod proof;
pub mod shop;
pub mod simulator;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod validate;
pub mod vtex;
