//! What Live and the account have, read once.

use anyhow::Context as _;

use super::Connection;
use crate::config::Engine;
use crate::live::sqlserver::{self, SqlServerSettings, Statement};
use crate::live::{PostgresSettings, connect};
use crate::mapping::proposal::{AccountFacts, LiveFacts, Named, PriceTableFacts, StoreFacts};
use crate::vtex::check::{Account, Expected};
use crate::vtex::{Client, Credentials, VtexSettings};
use secrecy::SecretString;

/// Stores that are open and in e-commerce: code, CNPJ, name, tenant.
const STORES: &str = "SELECT codigo, cnpj, COALESCE(nome_fantasia, razao_social), CAST(id_dominio AS varchar(60)) \
                      FROM live.loja WHERE situacao = 1 AND ind_integra_ecommerce ORDER BY codigo";
const STORES_TSQL: &str = "/*mare:init_lojas*/ SELECT codigo, CONVERT(nvarchar(14), cnpj) AS cnpj, \
                           COALESCE(nome_fantasia, razao_social) AS nome, CONVERT(nvarchar(60), id_dominio) AS dominio \
                           FROM live.loja WHERE situacao = 1 AND ind_integra_ecommerce = 1 ORDER BY codigo";
/// Price tables in use: code, name, kind.
const PRICE_TABLES: &str = "SELECT codigo, descricao, CAST(tipo AS integer) FROM live.tabela_preco WHERE situacao = 1 ORDER BY codigo";
const PRICE_TABLES_TSQL: &str = "/*mare:init_tabelas*/ SELECT codigo, descricao, CONVERT(int, tipo) AS tipo \
                                 FROM live.tabela_preco WHERE situacao = 1 ORDER BY codigo";
/// `tabela_preco.tipo` of a table of costs.
const COST: i64 = 3;

const OTHER_NAMES: &str = "cannot read stores and price tables: if the tables of this Live have other names than those \
                           of the reference schema (live.loja, live.tabela_preco), write mare.toml by hand, with \
                           [mapping.tables] for the names";

/// Who reads Live before there is a login of our own.
pub(super) struct Reader {
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
}

pub(super) async fn live(connection: &Connection, reader: Reader) -> anyhow::Result<LiveFacts> {
    let rows = match connection.engine {
        Engine::Postgres => postgres(connection, reader).await,
        Engine::SqlServer => sql_server(connection, reader).await,
    };
    let (stores, tables) = rows?;
    let mut tenants: Vec<String> = stores.iter().map(|(_, tenant)| tenant.clone()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    Ok(LiveFacts {
        stores: stores.into_iter().map(|(store, _)| store).collect(),
        price_tables: tables,
        tenants,
    })
}

type Rows = (Vec<(StoreFacts, String)>, Vec<PriceTableFacts>);

async fn postgres(connection: &Connection, reader: Reader) -> anyhow::Result<Rows> {
    let mut settings = PostgresSettings::new(&*connection.host, &*connection.database, reader.user);
    settings.password = reader.password;
    settings.port = connection.port.unwrap_or(settings.port);
    let client = connect(&settings).await?;
    let text = |row: &tokio_postgres::Row, at: usize| {
        row.try_get::<_, Option<String>>(at).map(Option::unwrap_or_default)
    };
    let mut stores = Vec::new();
    for row in client.query(STORES, &[]).await.context(OTHER_NAMES)? {
        let store = StoreFacts { code: text(&row, 0)?, cnpj: text(&row, 1)?, name: text(&row, 2)? };
        stores.push((store, text(&row, 3)?));
    }
    let mut tables = Vec::new();
    for row in client.query(PRICE_TABLES, &[]).await.context(OTHER_NAMES)? {
        let is_cost = i64::from(row.try_get::<_, i32>(2)?) == COST;
        tables.push(PriceTableFacts { code: text(&row, 0)?, name: text(&row, 1)?, is_cost });
    }
    Ok((stores, tables))
}

async fn sql_server(connection: &Connection, reader: Reader) -> anyhow::Result<Rows> {
    let mut settings = SqlServerSettings::new(&*connection.host, &*connection.database, reader.user);
    settings.password = reader.password;
    settings.port = connection.port;
    settings.instance.clone_from(&connection.instance);
    let session = sqlserver::Connection::open(settings).await?;
    let stores = session.fetch(Statement::new(STORES_TSQL)).await.context(OTHER_NAMES)?;
    let tables = session.fetch(Statement::new(PRICE_TABLES_TSQL)).await.context(OTHER_NAMES)?;
    let text = |row: &sqlserver::Row<'_>, at: usize| row.text(at).unwrap_or_default().to_owned();
    let stores = stores.rows.rows().map(|row| {
        let store = StoreFacts { code: text(&row, 0), cnpj: text(&row, 1), name: text(&row, 2) };
        (store, text(&row, 3))
    });
    let tables = tables.rows.rows().map(|row| PriceTableFacts {
        code: text(&row, 0),
        name: text(&row, 1),
        is_cost: row.integer(2) == Some(COST),
    });
    Ok((stores.collect(), tables.collect()))
}

/// What the account has. None: there are no credentials in the environment.
pub(super) async fn account(connection: &Connection) -> anyhow::Result<Option<AccountFacts>> {
    let secret =
        |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from);
    let (Some(key), Some(token)) = (secret("MARE_VTEX_APP_KEY"), secret("MARE_VTEX_APP_TOKEN")) else {
        return Ok(None);
    };
    let mut settings = VtexSettings::new(&connection.account);
    for url in [&mut settings.catalog_url, &mut settings.logistics_url] {
        url.clone_from(&connection.vtex_url);
    }
    settings.pricing_url = connection.vtex_url.as_ref().map(|url| format!("{url}/{}", connection.account));
    let client = Client::new(&settings, Credentials::new(key, token))?;
    let Account { warehouses, trade_policies, .. } = client.check(&Expected::default()).await;
    let named = |id: String, name: Option<String>| Named { id, name: name.unwrap_or_default() };
    Ok(Some(AccountFacts {
        warehouses: warehouses
            .into_iter()
            .filter(|warehouse| warehouse.is_active)
            .map(|warehouse| named(warehouse.id, warehouse.name))
            .collect(),
        trade_policies: trade_policies
            .into_iter()
            .filter(|policy| policy.is_active)
            .map(|policy| named(policy.id.to_string(), policy.name))
            .collect(),
    }))
}
