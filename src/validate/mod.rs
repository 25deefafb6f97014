//! The journeys that an installation is accepted by before it goes live: pure.
//!
//! ```text
//!  journey ──▶ stage ──▶ somebody does it in Live ──▶ seen (Live, VTEX, maré) ──▶ expect: judged ──▶ protocol
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `journey` | the stages of *Retira Loja*, *Entrega* and *Pedido Vendedor*, as data |
//! | `seen` | what the three sides show of an order at one moment; no personal data |
//! | `expect` | what a stage expects, and the judgement of what was seen |
//! | `protocol` | what came of it, for the record |
//! | `text`, `html` | the protocol for people |
//!
//! What cannot be seen is never taken for right: an expectation that nobody could look at fails, and says why.

mod expect;
pub mod html;
mod journey;
mod protocol;
mod seen;
pub mod text;

pub use expect::{Check, Expect, Side, Task};
pub use journey::{Act, Actor, Journey, Kind, Rules, Stage, Trigger};
pub use protocol::{JourneyRecord, Protocol, StageRecord, Verdict};
pub use seen::{Document, Known, Lines, LiveSeen, MareSeen, Pedido, Seen};

#[cfg(test)]
mod tests;
