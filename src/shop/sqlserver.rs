//! The shop in SQL Server; its texts are in [`super::tsql`].

use std::time::Duration;

use uuid::Uuid;

use crate::core::time::Timestamp;
use crate::live::sqlserver::{
    Connection, ErrorClass, Param, Row, SessionId, SqlError, SqlServerSettings, Statement, Zone,
};
use crate::source::changelog::sqlserver::names::{batches, qualified, quoted};

use super::engine::{Engine, Script, Transaction, steps};
use super::expected::{FixedPrice, Minimum, Price, Stock};
use super::{Kind, Layout, Profile, ShopError, Store, Table, tsql};

/// An error ends its whole transaction. Otherwise this is a till like any other: in a deadlock it does not give way.
const SESSION: &str = "/*mare:shop*/ SET XACT_ABORT ON;";
/// For the largest step of the largest profile on a slow disk.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(3_600);
/// How often an activity is done anew after a deadlock.
const ATTEMPTS: u32 = 5;

/// A login to SQL Server. When it breaks, the work on it ends with an error, as it does with Postgres.
#[derive(Debug)]
pub struct SqlServer {
    connection: Connection,
    session: SessionId,
    zone: Zone,
}

impl SqlServer {
    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the login.
    pub async fn connect(settings: SqlServerSettings) -> Result<Self, SqlError> {
        Self::connect_with(settings, "").await
    }

    /// [`SqlServer::connect`], with what this server's sessions have to be told besides.
    ///
    /// # Errors
    /// As [`SqlServer::connect`]; also when the server refuses `session`.
    pub async fn connect_with(mut settings: SqlServerSettings, session: &str) -> Result<Self, SqlError> {
        "mare shop".clone_into(&mut settings.application_name);
        let zone = settings.timezone.clone();
        let connection = Connection::lazy(settings, format!("{SESSION} {session}"));
        let session = connection.session().await?;
        Ok(Self { connection, session, zone })
    }

    fn statement(&self, sql: impl Into<std::borrow::Cow<'static, str>>) -> Statement {
        Statement::new(sql).only_in(self.session)
    }

    /// Reads a result as it comes.
    async fn read<T>(
        &self,
        statement: Statement,
        read: impl Fn(Row<'_>) -> Result<T, ShopError> + Send,
    ) -> Result<Vec<T>, ShopError> {
        let mut stream = self.connection.query(statement).await?;
        let mut all = Vec::new();
        while let Some(rows) = stream.next().await? {
            for row in rows.rows() {
                all.push(read(row)?);
            }
        }
        Ok(all)
    }

    /// Rows that a statement changed, or that its result says it did. A victim of a deadlock was rolled back whole, so it
    /// can be done again.
    async fn change(&self, statement: Statement, told: Told) -> Result<u64, ShopError> {
        let mut attempt = 1;
        loop {
            let done = match told {
                Told::Counted => {
                    self.connection.execute(statement.clone()).await.map(|done| done.rows_affected)
                }
                Told::Selected => self.connection.fetch(statement.clone()).await.map(|fetched| {
                    let rows = fetched.rows.row(0).and_then(|row| row.integer(0));
                    rows.map_or(0, i64::unsigned_abs)
                }),
            };
            match done {
                Err(error) if error.class() == ErrorClass::Deadlock && attempt < ATTEMPTS => attempt += 1,
                done => return Ok(done?),
            }
        }
    }
}

/// Where the number of changed rows is.
#[derive(Debug, Clone, Copy)]
enum Told {
    Counted,
    Selected,
}

impl Engine for SqlServer {
    type Prepared = ();

    const TRANSACTION: Transaction = Transaction {
        begin: "BEGIN TRANSACTION;",
        commit: "COMMIT TRANSACTION;",
        rollback: "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;",
    };

    async fn mark(&self) -> Result<Option<String>, ShopError> {
        let read = |row: Row<'_>| Ok(row.text(1).unwrap_or_default().to_owned());
        Ok(self.read(self.statement(tsql::OWNERSHIP), read).await?.pop())
    }

    fn creation(profile: Profile, seed: u64) -> Vec<Script> {
        let tables = format!("{}\nGO\n{}", tsql::SCHEMA, tsql::size_table(profile, seed));
        let mark = format!("{}\nGO\nDROP TABLE #profile;", tsql::mark(profile, seed));
        let (tables, mark) = (Script::new("tables", tables), Script::new("mark", mark));
        [tables].into_iter().chain(steps(tsql::GENERATE)).chain([mark]).collect()
    }

    async fn script(&self, text: &str) -> Result<(), ShopError> {
        for batch in batches(text) {
            let batch =
                Statement::batch(batch.to_owned()).with_timeout(SCRIPT_PATIENCE).only_in(self.session);
            self.connection.execute(batch).await?;
        }
        Ok(())
    }

    async fn removal(&self) -> Result<String, ShopError> {
        let pair = |row: Row<'_>| Ok((text(row, 0)?, text(row, 1)?));
        let mut script = String::new();
        for (table, constraint) in self.read(self.statement(tsql::FOREIGN_KEYS), pair).await? {
            let (table, constraint) = (qualified("live", &table), quoted(&constraint));
            script.push_str(&format!("ALTER TABLE {table} DROP CONSTRAINT {constraint};\n"));
        }
        for table in self.read(self.statement(tsql::TABLES), |row| text(row, 0)).await? {
            script.push_str(&format!("DROP TABLE {};\n", qualified("live", &table)));
        }
        script.push_str("GO\nDROP SCHEMA live;\n");
        Ok(script)
    }

    async fn layout(&self) -> Result<Layout, ShopError> {
        let store = |row: Row<'_>| Ok(Store { id: id(row, 0)?, deposit: id(row, 1)? });
        let table = |row: Row<'_>| Ok(Table { id: id(row, 0)?, rows: integer(row, 1)?.unsigned_abs() });
        Ok(Layout {
            stores: self.read(self.statement(tsql::STORES), store).await?,
            skus: self.read(self.statement(tsql::SKUS), |row| id(row, 0)).await?,
            products: self.read(self.statement(tsql::PRODUCTS), |row| id(row, 0)).await?,
            tables: self.read(self.statement(tsql::SALES_TABLES), table).await?,
        })
    }

    async fn prepare(&self) -> Result<(), ShopError> {
        Ok(())
    }

    async fn run(&self, (): &(), layout: &Layout, kind: &Kind) -> Result<u64, ShopError> {
        let product = |index: &usize| uuid(layout.products[*index]);
        let (statement, told) = match kind {
            Kind::Movement { store, lines } => {
                let store = layout.stores[*store];
                let lines = lines
                    .iter()
                    .flat_map(|line| [uuid(layout.skus[line.sku]), Param::Int(line.delta.into())]);
                let head = [uuid(store.id), uuid(store.deposit)];
                let text = self.statement(tsql::movement(lines.clone().count() / 2));
                (text.bind_all(head.into_iter().chain(lines)), Told::Counted)
            }
            Kind::InventoryCount { store, count } => {
                let store = layout.stores[*store];
                let params = [uuid(store.id), uuid(store.deposit), Param::Int(i64::from(*count))];
                (self.statement(tsql::INVENTORY_COUNT).bind_all(params), Told::Counted)
            }
            Kind::PriceReload { table, percent } => {
                let params = [uuid(layout.tables[*table].id), Param::Int(i64::from(*percent))];
                (self.statement(tsql::PRICE_RELOAD).bind_all(params), Told::Counted)
            }
            Kind::Promotion { table, product: of } => {
                let params = [uuid(layout.tables[*table].id), product(of)];
                (self.statement(tsql::PROMOTION).bind_all(params), Told::Counted)
            }
            Kind::ActiveFlag { sku } => {
                (self.statement(tsql::ACTIVE_FLAG).bind(uuid(layout.skus[*sku])), Told::Counted)
            }
            Kind::MinimumFlag { product: of } => {
                (self.statement(tsql::MINIMUM_FLAG).bind(product(of)), Told::Counted)
            }
            Kind::IntegratedFlag { product: of } => {
                (self.statement(tsql::INTEGRATED_FLAG).bind(product(of)), Told::Counted)
            }
            Kind::NewSku { product: of, id } => {
                (self.statement(tsql::NEW_SKU).bind_all([product(of), uuid(*id)]), Told::Selected)
            }
            Kind::NewProduct { like, id, sku, code } => {
                let params = [product(like), uuid(*id), uuid(*sku), Param::Int(i64::from(*code))];
                (self.statement(tsql::NEW_PRODUCT).bind_all(params), Told::Selected)
            }
        };
        self.change(statement, told).await
    }

    async fn stock(&self, minimum: Minimum) -> Result<Vec<Stock>, ShopError> {
        let read = |row: Row<'_>| {
            Ok(Stock {
                store: text(row, 0)?,
                sku: text(row, 1)?,
                quantity: integer(row, 2)?,
                may_be_absent: integer(row, 3)? == 1,
            })
        };
        self.read(self.statement(tsql::EXPECTED_STOCK).bind(Param::text(minimum.word())), read).await
    }

    async fn prices(&self, base_table: &str, cost_table: Option<&str>) -> Result<Vec<Price>, ShopError> {
        let read = |row: Row<'_>| {
            Ok(Price {
                sku: text(row, 0)?,
                base: integer(row, 1)?,
                list: integer(row, 2)?,
                cost: row.integer(3),
            })
        };
        let statement = self.statement(tsql::EXPECTED_PRICES).bind_all(price_tables(base_table, cost_table));
        self.read(statement.bind(self.now()), read).await
    }

    async fn fixed_prices(
        &self,
        base_table: &str,
        cost_table: Option<&str>,
    ) -> Result<Vec<FixedPrice>, ShopError> {
        let read = |row: Row<'_>| {
            Ok(FixedPrice {
                sku: text(row, 0)?,
                table: text(row, 1)?,
                value: integer(row, 2)?,
                list: integer(row, 3)?,
                min_quantity: integer(row, 4)?,
                valid_from: integer(row, 5)?,
                valid_to: row.integer(6),
            })
        };
        let ahead = self.zone.rules().to_offset(jiff::Timestamp::now()).seconds() / 60;
        let statement =
            self.statement(tsql::EXPECTED_FIXED_PRICES).bind_all(price_tables(base_table, cost_table));
        self.read(statement.bind(self.now()).bind(Param::Int(ahead.into())), read).await
    }
}

impl SqlServer {
    /// Now, in the local time in which Live keeps its dates.
    fn now(&self) -> Param {
        let now = Timestamp(jiff::Timestamp::now().as_microsecond());
        Param::local_time(now, &self.zone).expect("the clock is within the years 1 to 9999")
    }
}

fn price_tables(base: &str, cost: Option<&str>) -> [Param; 2] {
    [Param::text(base.to_owned()), Param::text(cost.unwrap_or_default().to_owned())]
}

fn uuid(id: Uuid) -> Param {
    Param::text(id.to_string())
}

fn text(row: Row<'_>, column: usize) -> Result<String, ShopError> {
    row.text(column).map(str::to_owned).ok_or(ShopError::Answer(column))
}

fn integer(row: Row<'_>, column: usize) -> Result<i64, ShopError> {
    row.integer(column).ok_or(ShopError::Answer(column))
}

fn id(row: Row<'_>, column: usize) -> Result<Uuid, ShopError> {
    row.text(column).and_then(|text| Uuid::try_parse(text).ok()).ok_or(ShopError::Answer(column))
}
