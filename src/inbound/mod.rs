//! What the shop knows first, on its way into Live: today, whether a shopper wants the newsletter ([`consents`]).

pub mod consents;
