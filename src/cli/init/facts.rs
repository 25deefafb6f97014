//! What Live and the account have, read once.

use anyhow::Context as _;

use super::Connection;
use crate::config::Engine;
use crate::core::call::Failure;
use crate::live::sqlserver::{self, SqlServerSettings, Statement};
use crate::live::{PostgresSettings, connect};
use crate::mapping::proposal::orders::{PedidoFacts, PurchaseFacts};
use crate::mapping::proposal::{AccountFacts, LiveFacts, Named, PriceTableFacts, StoreFacts};
use crate::pipeline::wall_clock;
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

/// Of so many of the newest pedidos it is looked at what they name.
const CARRIERS: &str = "SELECT codigo, nome FROM live.transportadora ORDER BY codigo";
const CARRIERS_TSQL: &str =
    "/*mare:init_transportadoras*/ SELECT codigo, nome FROM live.transportadora ORDER BY codigo";
const CHANNELS: &str = "SELECT DISTINCT canal_venda FROM (SELECT canal_venda FROM live.pedido_venda \
                        ORDER BY data_pedido DESC LIMIT 2000) AS novos WHERE canal_venda IS NOT NULL ORDER BY 1";
const CHANNELS_TSQL: &str = "/*mare:init_canais*/ SELECT DISTINCT canal_venda FROM (SELECT TOP (2000) canal_venda \
                             FROM live.pedido_venda ORDER BY data_pedido DESC) AS novos WHERE canal_venda IS NOT NULL ORDER BY canal_venda";
const STATUSES: &str = "SELECT DISTINCT CAST(status AS varchar(20)) FROM (SELECT status FROM live.pedido_venda \
                        ORDER BY data_pedido DESC LIMIT 2000) AS novos ORDER BY 1";
const STATUSES_TSQL: &str = "/*mare:init_status*/ SELECT DISTINCT CONVERT(nvarchar(20), status) AS status \
                             FROM (SELECT TOP (2000) status FROM live.pedido_venda ORDER BY data_pedido DESC) AS novos ORDER BY status";
const FORMS: &str = "SELECT DISTINCT forma FROM live.pedido_venda_pagamento WHERE id_pedido IN \
                     (SELECT id FROM live.pedido_venda ORDER BY data_pedido DESC LIMIT 2000) ORDER BY 1";
const FORMS_TSQL: &str = "/*mare:init_formas*/ SELECT DISTINCT forma FROM live.pedido_venda_pagamento WHERE id_pedido IN \
                          (SELECT TOP (2000) id FROM live.pedido_venda ORDER BY data_pedido DESC) ORDER BY forma";

/// So many of the newest orders of VTEX are read, of so many days.
const PURCHASES: usize = 30;
const PURCHASE_DAYS: u16 = 30;

const NO_PEDIDOS: &str = "cannot read orders and carriers: if the tables of this Live have other names than those of the \
                          reference schema (live.pedido_venda, live.transportadora), leave --orders out and write [orders] by hand";
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

async fn open_postgres(connection: &Connection, reader: Reader) -> anyhow::Result<tokio_postgres::Client> {
    let mut settings = PostgresSettings::new(&*connection.host, &*connection.database, reader.user);
    settings.password = reader.password;
    settings.port = connection.port.unwrap_or(settings.port);
    Ok(connect(&settings).await?)
}

async fn open_sql_server(connection: &Connection, reader: Reader) -> anyhow::Result<sqlserver::Connection> {
    let mut settings = SqlServerSettings::new(&*connection.host, &*connection.database, reader.user);
    settings.password = reader.password;
    settings.port = connection.port;
    settings.instance.clone_from(&connection.instance);
    Ok(sqlserver::Connection::open(settings).await?)
}

/// What Live's newest pedidos name, and its carriers.
pub(super) async fn pedidos(connection: &Connection, reader: Reader) -> anyhow::Result<PedidoFacts> {
    let questions = match connection.engine {
        Engine::Postgres => [CARRIERS, FORMS, CHANNELS, STATUSES],
        Engine::SqlServer => [CARRIERS_TSQL, FORMS_TSQL, CHANNELS_TSQL, STATUSES_TSQL],
    };
    let mut answers = match connection.engine {
        Engine::Postgres => {
            let client = open_postgres(connection, reader).await?;
            let mut answers = Vec::new();
            for sql in questions {
                let rows = client.query(sql, &[]).await.context(NO_PEDIDOS)?;
                answers.push(rows.iter().map(texts_of).collect::<Result<Vec<_>, _>>()?);
            }
            answers
        }
        Engine::SqlServer => {
            let session = open_sql_server(connection, reader).await?;
            let mut answers = Vec::new();
            for sql in questions {
                let found = session.fetch(Statement::new(sql)).await.context(NO_PEDIDOS)?;
                let texts =
                    |row: sqlserver::Row<'_>| [0, 1].map(|at| row.text(at).unwrap_or_default().to_owned());
                answers.push(found.rows.rows().map(texts).collect());
            }
            answers
        }
    }
    .into_iter();
    let mut next = || answers.next().unwrap_or_default().into_iter();
    Ok(PedidoFacts {
        carriers: next().map(|[id, name]| Named { id, name }).collect(),
        forms: next().map(|[form, _]| form).collect(),
        channels: next().map(|[channel, _]| channel).collect(),
        statuses: next().filter_map(|[status, _]| status.parse().ok()).collect(),
    })
}

fn texts_of(row: &tokio_postgres::Row) -> Result<[String; 2], tokio_postgres::Error> {
    let text = |at: usize| match at < row.len() {
        true => row.try_get::<_, Option<String>>(at).map(Option::unwrap_or_default),
        false => Ok(String::new()),
    };
    Ok([text(0)?, text(1)?])
}

async fn postgres(connection: &Connection, reader: Reader) -> anyhow::Result<Rows> {
    let client = open_postgres(connection, reader).await?;
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
    let session = open_sql_server(connection, reader).await?;
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

/// What the account's pick-up points are, and its newest orders name. Nothing without credentials.
pub(super) async fn purchases(connection: &Connection) -> anyhow::Result<PurchaseFacts> {
    let Some(client) = client(connection)? else { return Ok(PurchaseFacts::of(Vec::new(), &[])) };
    let points = client.pickup_points().await.map_err(|failure| told("pick-up points", &failure))?;
    let points = points.into_iter().filter(|point| point.is_active);
    let points = points.map(|point| Named { id: point.id, name: point.name.unwrap_or_default() }).collect();
    let purchases = client
        .newest_purchases(wall_clock(), PURCHASE_DAYS, PURCHASES)
        .await
        .map_err(|failure| told("orders", &failure))?;
    eprintln!("VTEX: {} of the newest orders were looked at", purchases.len());
    Ok(PurchaseFacts::of(points, &purchases))
}

fn told(what: &str, failure: &Failure) -> anyhow::Error {
    let why = match failure {
        Failure::Status { code, .. } => format!("VTEX answered {code}"),
        other => format!("{other:?}"),
    };
    anyhow::anyhow!(
        "the {what} of the account cannot be read: {why}. Give the key the roles for orders (OMS) and logistics, or leave --orders out"
    )
}

/// What the account has. None: there are no credentials in the environment.
pub(super) async fn account(connection: &Connection) -> anyhow::Result<Option<AccountFacts>> {
    let Some(client) = client(connection)? else { return Ok(None) };
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

fn client(connection: &Connection) -> anyhow::Result<Option<Client>> {
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
    Ok(Some(Client::new(&settings, Credentials::new(key, token))?))
}
