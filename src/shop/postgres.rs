//! The shop in Postgres.

use tokio_postgres::Client;
use uuid::Uuid;

use super::engine::{Engine, Script, Transaction, steps};
use super::expected::{FixedPrice, Minimum, Price, Stock};
use super::{Kind, Layout, MARK, Profile, ShopError, Statements, Store, Table};

const SCHEMA: &str = include_str!("../../sql/live/postgres/schema.sql");
const GENERATE: &str = include_str!("../../sql/live/postgres/generate.sql");
const STOCK: &str = include_str!("../../sql/live/postgres/expected_stock.sql");
const PRICES: &str = include_str!("../../sql/live/postgres/expected_prices.sql");
const FIXED_PRICES: &str = include_str!("../../sql/live/postgres/expected_fixed_prices.sql");

impl Engine for Client {
    type Prepared = Statements;

    const TRANSACTION: Transaction = Transaction { begin: "BEGIN", commit: "COMMIT", rollback: "ROLLBACK" };

    async fn mark(&self) -> Result<Option<String>, ShopError> {
        let text = "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = 'live'";
        Ok(self.query_opt(text, &[]).await?.map(|row| row.try_get(0)).transpose()?)
    }

    fn creation(profile: Profile, seed: u64) -> Vec<Script> {
        let tables = Script::new("tables", [SCHEMA, &size_table(profile, seed)].concat());
        let mark =
            format!("COMMENT ON SCHEMA live IS '{MARK}: invented data, profile {profile:?}, seed {seed}'");
        [tables].into_iter().chain(steps(GENERATE)).chain([Script::new("mark", mark)]).collect()
    }

    async fn script(&self, text: &str) -> Result<(), ShopError> {
        Ok(self.batch_execute(text).await?)
    }

    async fn removal(&self) -> Result<String, ShopError> {
        Ok("DROP SCHEMA live CASCADE".to_owned())
    }

    async fn layout(&self) -> Result<Layout, ShopError> {
        let stores = "SELECT l.id, d.id FROM live.loja AS l JOIN live.deposito AS d \
                      ON d.id_loja = l.id AND d.ind_padrao \
                      ORDER BY l.codigo";
        let tables = "SELECT t.id, count(p.id) FROM live.tabela_preco AS t JOIN live.preco AS p \
                      ON p.id_tabela_preco = t.id \
                      WHERE t.tipo = 1 GROUP BY t.id ORDER BY t.codigo";
        let stores = self.query(stores, &[]).await?;
        let tables = self.query(tables, &[]).await?;
        Ok(Layout {
            stores: stores.iter().map(|row| Store { id: row.get(0), deposit: row.get(1) }).collect(),
            skus: ids(self, "SELECT id FROM live.produto_sku ORDER BY codigo").await?,
            products: ids(self, "SELECT id FROM live.produto ORDER BY codigo").await?,
            tables: tables
                .iter()
                .map(|row| Table { id: row.get(0), rows: row.get::<_, i64>(1).unsigned_abs() })
                .collect(),
        })
    }

    async fn prepare(&self) -> Result<Statements, ShopError> {
        Statements::prepare(self).await
    }

    async fn run(&self, prepared: &Statements, layout: &Layout, kind: &Kind) -> Result<u64, ShopError> {
        prepared.run(self, layout, kind).await
    }

    async fn stock(&self, minimum: Minimum) -> Result<Vec<Stock>, ShopError> {
        let rows = self.query(STOCK, &[&minimum.word()]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(Stock {
                store: row.try_get(0)?,
                sku: row.try_get(1)?,
                quantity: row.try_get(2)?,
                may_be_absent: row.try_get(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn prices(&self, base_table: &str, cost_table: Option<&str>) -> Result<Vec<Price>, ShopError> {
        let rows = self.query(PRICES, &[&base_table, &cost_table]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(Price {
                sku: row.try_get(0)?,
                base: row.try_get(1)?,
                list: row.try_get(2)?,
                cost: row.try_get(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn fixed_prices(
        &self,
        base_table: &str,
        cost_table: Option<&str>,
    ) -> Result<Vec<FixedPrice>, ShopError> {
        let rows = self.query(FIXED_PRICES, &[&base_table, &cost_table]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(FixedPrice {
                sku: row.try_get(0)?,
                table: row.try_get(1)?,
                value: row.try_get(2)?,
                list: row.try_get(3)?,
                min_quantity: row.try_get(4)?,
                valid_from: row.try_get(5)?,
                valid_to: row.try_get(6)?,
            })
        };
        rows.iter().map(read).collect()
    }
}

async fn ids(client: &Client, sql: &str) -> Result<Vec<Uuid>, ShopError> {
    Ok(client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// The temporary table that `generate.sql` reads its sizes from.
fn size_table(profile: Profile, seed: u64) -> String {
    let sizes = profile.sizes();
    // Postgres has no unsigned bigint; the bits of the seed are what counts.
    let seed = seed.cast_signed();
    format!(
        "CREATE TEMP TABLE profile ON COMMIT DROP AS SELECT '{seed}'::bigint AS seed, {} AS stores, \
         {} AS products, {} AS skus, {} AS sku_prices, {} AS customers",
        sizes.stores, sizes.products, sizes.skus, sizes.sku_prices, sizes.customers
    )
}
