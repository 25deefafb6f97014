//! Tables and invented rows.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::{MARK, Ownership, ShopError, ownership};

const SCHEMA: &str = include_str!("../../sql/live/postgres/schema.sql");
const GENERATE: &str = include_str!("../../sql/live/postgres/generate.sql");
/// Begins a line of `generate.sql` that names the statements below it.
const STEP: &str = "-- step: ";

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
/// The same profile and seed give the same rows.
///
/// # Errors
/// [`ShopError::Exists`] when there is a schema `live`; [`ShopError::Sql`] when a statement fails. Nothing is left
/// behind then.
pub async fn create(client: &Client, profile: Profile, seed: u64) -> Result<Summary, ShopError> {
    create_reporting(client, profile, seed, |_| {}).await
}

/// [`create`], telling of each step when it is done.
///
/// # Errors
/// As [`create`].
pub async fn create_reporting(
    client: &Client,
    profile: Profile,
    seed: u64,
    mut report: impl FnMut(Step<'_>),
) -> Result<Summary, ShopError> {
    if ownership(client).await? != Ownership::Missing {
        return Err(ShopError::Exists);
    }
    let started = Instant::now();
    client.batch_execute("BEGIN").await?;
    match fill(client, profile, seed, &mut report).await {
        Ok(()) => client.batch_execute("COMMIT").await?,
        Err(error) => {
            // The first error is the one to tell; a connection that is gone has rolled back by itself.
            let _ = client.batch_execute("ROLLBACK").await;
            return Err(error.into());
        }
    }
    Ok(Summary { sizes: profile.sizes(), took: started.elapsed() })
}

/// Drops schema `live`, if [`create`] made it. Does nothing when there is none.
///
/// # Errors
/// [`ShopError::NotOurs`] when somebody else made it; [`ShopError::Sql`] when dropping fails.
pub async fn drop_shop(client: &Client) -> Result<(), ShopError> {
    match ownership(client).await? {
        Ownership::Missing => Ok(()),
        Ownership::Foreign => Err(ShopError::NotOurs),
        Ownership::Ours => Ok(client.batch_execute("DROP SCHEMA live CASCADE").await?),
    }
}

async fn fill(
    client: &Client,
    profile: Profile,
    seed: u64,
    report: &mut impl FnMut(Step<'_>),
) -> Result<(), tokio_postgres::Error> {
    let preparation = [SCHEMA, &size_table(profile.sizes(), seed)].concat();
    let mark = format!("COMMENT ON SCHEMA live IS '{MARK}: invented data, profile {profile:?}, seed {seed}'");
    let generated = GENERATE.split(STEP).skip(1).map(|step| step.split_once('\n').unwrap_or((step, "")));
    for (name, sql) in [("tables", &*preparation)].into_iter().chain(generated).chain([("mark", &*mark)]) {
        let started = Instant::now();
        client.batch_execute(sql).await?;
        report(Step { name, took: started.elapsed() });
    }
    Ok(())
}

/// The temporary table that `generate.sql` reads its sizes from.
fn size_table(sizes: Sizes, seed: u64) -> String {
    let Sizes { stores, products, skus, sku_prices, customers } = sizes;
    // Postgres has no unsigned bigint; the bits of the seed are what counts.
    let seed = seed.cast_signed();
    format!(
        "CREATE TEMP TABLE profile ON COMMIT DROP AS SELECT '{seed}'::bigint AS seed, {stores} AS stores, \
         {products} AS products, {skus} AS skus, {sku_prices} AS sku_prices, {customers} AS customers"
    )
}
