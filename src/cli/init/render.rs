//! The configuration as text.

use std::fmt::Write as _;

mod orders;

use super::{Connection, Orders};
use crate::config::Engine;
use crate::mapping::proposal::{AccountFacts, LiveFacts, Proposal, TableUse};

/// `mare.toml`. What is undecided stands there as a comment, with what there is to choose from.
pub(super) fn render(
    connection: &Connection,
    live: &LiveFacts,
    account: &AccountFacts,
    proposal: &Proposal,
    orders: Option<&Orders>,
) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut text, connection);
    let _ = stores(&mut text, live, account, proposal, orders.is_some());
    let _ = prices(&mut text, live, account, proposal);
    if let Some(found) = orders {
        let _ = orders::render(&mut text, found, live, account);
    }
    text
}

fn head(text: &mut String, connection: &Connection) -> std::fmt::Result {
    let Connection { account, engine, host, port, instance, database, user, vtex_url, orders: _ } =
        connection;
    writeln!(
        text,
        "# Secrets come from the environment: MARE_VTEX_APP_KEY, MARE_VTEX_APP_TOKEN, MARE_DB_PASSWORD."
    )?;
    writeln!(text, "# Next: mare install --dry-run, mare install, mare check, mare run.\n")?;
    writeln!(text, "[vtex]\naccount = {}", quoted(account))?;
    if let Some(url) = vtex_url {
        for family in ["catalog", "logistics"] {
            writeln!(text, "{family}_url = {}", quoted(url))?;
        }
        writeln!(text, "pricing_url = {}", quoted(&format!("{url}/{account}")))?;
    }
    writeln!(text, "\n[[source]]")?;
    if *engine == Engine::SqlServer {
        writeln!(text, "engine = \"sqlserver\"")?;
    }
    writeln!(text, "host = {}", quoted(host))?;
    if let Some(port) = port {
        writeln!(text, "port = {port}")?;
    }
    if let Some(instance) = instance {
        writeln!(text, "instance = {}", quoted(instance))?;
    }
    writeln!(text, "database = {}", quoted(database))?;
    writeln!(text, "user = {}    # made by `mare install`", quoted(user))
}

fn stores(
    text: &mut String,
    live: &LiveFacts,
    account: &AccountFacts,
    proposal: &Proposal,
    with_orders: bool,
) -> std::fmt::Result {
    writeln!(text, "\n[mapping]\npreset = \"live\"")?;
    match &live.tenants[..] {
        [] | [_] => {}
        several => {
            writeln!(
                text,
                "# The database holds several tenants (id_dominio): name the one that sells here."
            )?;
            for tenant in several {
                writeln!(text, "# tenant = {}", quoted(tenant))?;
            }
        }
    }
    let entities = if with_orders { "\"stock\", \"price\", \"order\"" } else { "\"stock\", \"price\"" };
    writeln!(text, "entities = [{entities}]    # later also \"product\", \"customer\", \"consent\"")?;
    if proposal.warehouses.iter().any(Option::is_none) {
        writeln!(text, "\n# Stores without a warehouse are not sent. The account has these warehouses:")?;
        for warehouse in &account.warehouses {
            writeln!(text, "#   {:<20} {}", warehouse.id, comment(&warehouse.name))?;
        }
    }
    for (store, warehouse) in live.stores.iter().zip(&proposal.warehouses) {
        let mark = if warehouse.is_some() { "" } else { "# " };
        writeln!(
            text,
            "\n{mark}[[mapping.stores]]    # {} ({})",
            comment(&store.name),
            comment(&store.cnpj)
        )?;
        writeln!(text, "{mark}loja = {}", quoted(&store.code))?;
        writeln!(text, "{mark}warehouse = {}", quoted(warehouse.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}

fn prices(
    text: &mut String,
    live: &LiveFacts,
    account: &AccountFacts,
    proposal: &Proposal,
) -> std::fmt::Result {
    if live.price_tables.len() > proposal.tables.iter().flatten().count() {
        writeln!(
            text,
            "\n# A price table is the base, list or cost price (as), or goes to a trade policy (trade_policy):"
        )?;
        for policy in &account.trade_policies {
            writeln!(text, "#   {:<20} {}", policy.id, comment(&policy.name))?;
        }
    }
    for (table, usage) in live.price_tables.iter().zip(&proposal.tables) {
        let mark = if usage.is_some() { "" } else { "# " };
        writeln!(text, "\n{mark}[[mapping.prices]]    # {}", comment(&table.name))?;
        writeln!(text, "{mark}tabela = {}", quoted(&table.code))?;
        match usage {
            Some(TableUse::Base) => {
                writeln!(text, "as = \"base\"")?;
                if let Some(policy) = &proposal.promotion_trade_policy {
                    writeln!(text, "promotion_trade_policy = {}", quoted(policy))?;
                }
            }
            Some(TableUse::Cost) => writeln!(text, "as = \"cost\"")?,
            None => writeln!(text, "# trade_policy = \"\"")?,
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// What a database holds must not end a comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::mapping::proposal::{Named, PriceTableFacts, StoreFacts, propose};

    fn facts() -> (LiveFacts, AccountFacts) {
        let store =
            |code: &str, name: &str| StoreFacts { code: code.into(), cnpj: "99".into(), name: name.into() };
        let table =
            |code: &str, is_cost| PriceTableFacts { code: code.into(), name: "Tabela".into(), is_cost };
        let named = |id: &str, name: &str| Named { id: id.into(), name: name.into() };
        let live = LiveFacts {
            stores: vec![store("001", "Centro \"velho\"\nnovo"), store("002", "Norte")],
            price_tables: vec![table("VAREJO", false), table("ATACADO", false), table("CUSTO", true)],
            tenants: Vec::new(),
        };
        let account = AccountFacts {
            warehouses: vec![named("1", "Centro"), named("x", "Outro")],
            trade_policies: vec![named("1", "Loja"), named("2", "B2B")],
        };
        (live, account)
    }

    fn connection(engine: Engine) -> Connection {
        Connection {
            account: "minhaloja".into(),
            engine,
            host: "10.0.0.5".into(),
            port: None,
            instance: (engine == Engine::SqlServer).then(|| "LIVE".into()),
            database: "live".into(),
            user: "mare".into(),
            vtex_url: None,
            orders: false,
        }
    }

    #[test]
    fn what_is_written_can_be_loaded_and_says_what_was_decided() {
        let (live, account) = facts();
        for engine in [Engine::Postgres, Engine::SqlServer] {
            let text = render(&connection(engine), &live, &account, &propose(&live, &account), None);
            let config = Config::parse(&text, Path::new("mare.toml"))
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            let stores: Vec<_> = config
                .mapping
                .stores
                .iter()
                .map(|rule| (rule.loja.as_str(), rule.warehouse.as_str()))
                .collect();
            assert_eq!(stores, [("001", "1")], "a store without a warehouse is a comment:\n{text}");
            let prices: Vec<_> = config.mapping.prices.iter().map(|rule| rule.tabela.as_str()).collect();
            assert_eq!(prices, ["VAREJO", "CUSTO"]);
            assert_eq!(config.mapping.prices[0].promotion_trade_policy.as_deref(), Some("1"));
            assert!(text.contains("#   2                    B2B"), "{text}");
        }
    }

    #[test]
    fn where_nothing_could_be_told_loading_says_what_to_write() {
        let (mut live, account) = facts();
        live.stores.iter_mut().for_each(|store| store.code = "Z".into());
        live.price_tables.clear();
        let text = render(&connection(Engine::Postgres), &live, &account, &propose(&live, &account), None);
        let error = Config::parse(&text, Path::new("mare.toml")).unwrap_err().to_string();
        assert!(error.contains("[[mapping.stores]]") && error.contains("[[mapping.prices]]"), "{error}");
    }
}
