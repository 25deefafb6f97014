//! Tables and invented rows.

use std::time::{Duration, Instant};

use super::{Engine, Ownership, ShopError, ownership};

/// How large the invented shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// 2 stores, 1,200 SKUs, 2,400 stock rows: made in a second.
    Demo,
    /// 5 stores, 12,000 SKUs, 60,000 stock rows: a small chain.
    Pequeno,
    /// 60 stores, 90,000 SKUs, 5.4 million stock rows: a chain of a whole region.
    Medio,
}

/// Numbers of rows of a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub stores: u32,
    pub products: u32,
    /// A multiple of `products` and of 50, as the generator wants it.
    pub skus: u32,
    /// Prices of single SKUs in the two sales tables together; even.
    pub sku_prices: u32,
    pub customers: u32,
}

impl Profile {
    /// Numbers of rows.
    pub const fn sizes(self) -> Sizes {
        match self {
            Self::Demo => Sizes { stores: 2, products: 300, skus: 1_200, sku_prices: 120, customers: 200 },
            Self::Pequeno => {
                Sizes { stores: 5, products: 3_000, skus: 12_000, sku_prices: 6_000, customers: 20_000 }
            }
            Self::Medio => {
                Sizes { stores: 60, products: 15_000, skus: 90_000, sku_prices: 150_000, customers: 400_000 }
            }
        }
    }
}

impl Sizes {
    /// Rows of `estoque_saldo`: one per store and SKU.
    pub const fn stock_rows(self) -> u64 {
        self.stores as u64 * self.skus as u64
    }

    /// Rows of `preco`: each product in two sales tables, each SKU in the cost table, and the prices of
    /// single SKUs.
    pub const fn price_rows(self) -> u64 {
        2 * self.products as u64 + self.skus as u64 + self.sku_prices as u64
    }
}

/// One finished step of [`create_reporting`].
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub name: &'a str,
    pub took: Duration,
}

/// What was made.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    pub sizes: Sizes,
    pub took: Duration,
}

/// Makes schema `live` and fills it, in one transaction.
///
/// The same profile and seed give the same rows, in every engine.
///
/// # Errors
/// [`ShopError::Exists`] when there is a schema `live`; another one when a statement fails. Nothing is left behind then.
pub async fn create(engine: &impl Engine, profile: Profile, seed: u64) -> Result<Summary, ShopError> {
    create_reporting(engine, profile, seed, |_| {}).await
}

/// [`create`], telling of each step when it is done.
///
/// # Errors
/// As [`create`].
pub async fn create_reporting<E: Engine>(
    engine: &E,
    profile: Profile,
    seed: u64,
    mut report: impl FnMut(Step<'_>),
) -> Result<Summary, ShopError> {
    if ownership(engine).await? != Ownership::Missing {
        return Err(ShopError::Exists);
    }
    let started = Instant::now();
    in_transaction(engine, async {
        for script in E::creation(profile, seed) {
            let started = Instant::now();
            engine.script(&script.text).await?;
            report(Step { name: script.name, took: started.elapsed() });
        }
        Ok(())
    })
    .await?;
    Ok(Summary { sizes: profile.sizes(), took: started.elapsed() })
}

/// Drops schema `live`, if [`create`] made it. Does nothing when there is none.
///
/// # Errors
/// [`ShopError::NotOurs`] when somebody else made it; another one when dropping fails.
pub async fn drop_shop(engine: &impl Engine) -> Result<(), ShopError> {
    match ownership(engine).await? {
        Ownership::Missing => Ok(()),
        Ownership::Foreign => Err(ShopError::NotOurs),
        Ownership::Ours => {
            let removal = engine.removal().await?;
            in_transaction(engine, engine.script(&removal)).await
        }
    }
}

async fn in_transaction<E: Engine>(
    engine: &E,
    work: impl Future<Output = Result<(), ShopError>>,
) -> Result<(), ShopError> {
    engine.script(E::TRANSACTION.begin).await?;
    match work.await {
        Ok(()) => engine.script(E::TRANSACTION.commit).await,
        Err(error) => {
            // The first error is the one to tell; a connection that is gone has rolled back by itself.
            let _ = engine.script(E::TRANSACTION.rollback).await;
            Err(error)
        }
    }
}
