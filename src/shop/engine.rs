//! What the simulated shop asks of a database. Everything else is the same for all of them.

use std::borrow::Cow;

use super::expected::{FixedPrice, Minimum, Price, Stock};
use super::{Kind, Layout, Profile, ShopError};

/// A connection to a database that a shop can live in.
pub trait Engine: Sync {
    /// The statements of the activities, prepared where that makes a difference.
    type Prepared: Send + Sync;

    /// What begins, ends and undoes a transaction, for [`Engine::script`].
    const TRANSACTION: Transaction;

    /// What marks schema `live`: none when there is no such schema, an empty text when nothing marks it.
    fn mark(&self) -> impl Future<Output = Result<Option<String>, ShopError>> + Send;

    /// The scripts that make and fill schema `live`, and mark it last.
    fn creation(profile: Profile, seed: u64) -> Vec<Script>;

    /// Runs a script; stops at the first error.
    fn script(&self, text: &str) -> impl Future<Output = Result<(), ShopError>> + Send;

    /// The script that drops schema `live` with everything that is in it.
    fn removal(&self) -> impl Future<Output = Result<String, ShopError>> + Send;

    /// Reads the layout. Its lists may be empty.
    fn layout(&self) -> impl Future<Output = Result<Layout, ShopError>> + Send;

    fn prepare(&self) -> impl Future<Output = Result<Self::Prepared, ShopError>> + Send;

    /// Carries out one activity in a transaction of its own, and returns how many rows it changed.
    fn run(
        &self,
        prepared: &Self::Prepared,
        layout: &Layout,
        kind: &Kind,
    ) -> impl Future<Output = Result<u64, ShopError>> + Send;

    /// See [`super::expected::stock`].
    fn stock(&self, minimum: Minimum) -> impl Future<Output = Result<Vec<Stock>, ShopError>> + Send;

    /// See [`super::expected::prices`].
    fn prices(
        &self,
        base_table: &str,
        cost_table: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Price>, ShopError>> + Send;

    /// See [`super::expected::fixed_prices`].
    fn fixed_prices(
        &self,
        base_table: &str,
        cost_table: Option<&str>,
    ) -> impl Future<Output = Result<Vec<FixedPrice>, ShopError>> + Send;
}

/// A step of making a shop.
#[derive(Debug, Clone)]
pub struct Script {
    pub name: &'static str,
    pub text: Cow<'static, str>,
}

impl Script {
    pub(super) fn new(name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { name, text: text.into() }
    }
}

/// The words for a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Transaction {
    pub begin: &'static str,
    pub commit: &'static str,
    pub rollback: &'static str,
}

/// Begins a line of a generator that names the statements below it.
const STEP: &str = "-- step: ";

/// The steps of a generator.
pub(super) fn steps(generator: &'static str) -> impl Iterator<Item = Script> {
    generator.split(STEP).skip(1).map(|step| {
        let (name, text) = step.split_once('\n').unwrap_or((step, ""));
        Script::new(name, text)
    })
}
