//! A first configuration: which store feeds which warehouse and which price table is what, as far as names tell.
//! Pure; whoever sets maré up confirms or corrects it.

use std::collections::BTreeSet;

pub mod orders;

/// What Live has, read once before there is a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveFacts {
    pub stores: Vec<StoreFacts>,
    pub price_tables: Vec<PriceTableFacts>,
    /// `id_dominio` of the stores, each once: with several, one has to be chosen.
    pub tenants: Vec<String>,
}

/// A store (`loja`) that is open and in e-commerce.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFacts {
    pub code: String,
    pub cnpj: String,
    pub name: String,
}

/// A price table (`tabela_preco`) in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTableFacts {
    pub code: String,
    pub name: String,
    /// `tipo` 3.
    pub is_cost: bool,
}

/// What VTEX calls something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub name: String,
}

/// What the account has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFacts {
    pub warehouses: Vec<Named>,
    pub trade_policies: Vec<Named>,
}

/// What names suggest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// By store: its warehouse, where one was found.
    pub warehouses: Vec<Option<String>>,
    /// By price table.
    pub tables: Vec<Option<TableUse>>,
    /// The trade policy that gets promotional prices.
    pub promotion_trade_policy: Option<String>,
}

/// What a price table is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableUse {
    Base,
    Cost,
}

/// Marks of a table that is made for the web shop, then of one that every customer pays.
const BASE_MARKS: [&[&str]; 2] =
    [&["ECOM", "SITE", "WEB", "VTEX", "ONLINE"], &["VAREJO", "PADRAO", "PRINCIPAL", "LOJA"]];

/// Proposes what can be told from codes, CNPJs and names. Nothing is proposed twice, and nothing that could be
/// meant for two.
pub fn propose(live: &LiveFacts, account: &AccountFacts) -> Proposal {
    Proposal {
        warehouses: warehouses(&live.stores, &account.warehouses),
        tables: tables(&live.price_tables),
        promotion_trade_policy: account.trade_policies.first().map(|policy| policy.id.clone()),
    }
}

fn warehouses(stores: &[StoreFacts], warehouses: &[Named]) -> Vec<Option<String>> {
    if let ([_], [only]) = (stores, warehouses) {
        return vec![Some(only.id.clone())];
    }
    let mut found: Vec<Option<String>> = vec![None; stores.len()];
    let mut taken = BTreeSet::new();
    for fits in [same_code, same_name, code_in_name] {
        for (store, found) in stores.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let free = |warehouse: &&Named| !taken.contains(&warehouse.id) && fits(store, warehouse);
            let mut candidates = warehouses.iter().filter(free);
            if let (Some(warehouse), None) = (candidates.next(), candidates.next()) {
                taken.insert(warehouse.id.clone());
                *found = Some(warehouse.id.clone());
            }
        }
    }
    found
}

/// The warehouse has the store's code or CNPJ as its id.
fn same_code(store: &StoreFacts, warehouse: &Named) -> bool {
    let id = plain(&warehouse.id);
    !id.is_empty() && (id == plain(&store.code) || id == plain(&store.cnpj))
}

fn same_name(store: &StoreFacts, warehouse: &Named) -> bool {
    let name = plain(&store.name);
    !name.is_empty() && (plain(&warehouse.name) == name || plain(&warehouse.id) == name)
}

/// The store's code or CNPJ is a word of the warehouse's name or id, like `Estoque 001`, or follows letters, like `LOJA001`.
fn code_in_name(store: &StoreFacts, warehouse: &Named) -> bool {
    let is_code = |word: &str| {
        let word = plain(word);
        !word.is_empty() && (word == plain(&store.code) || word == plain(&store.cnpj))
    };
    let ends_in_code = |word: &str| is_code(word) || is_code(word.trim_start_matches(char::is_alphabetic));
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(ends_in_code);
    words(&warehouse.name) || words(&warehouse.id)
}

fn tables(tables: &[PriceTableFacts]) -> Vec<Option<TableUse>> {
    let sales: Vec<usize> = (0..tables.len()).filter(|at| !tables[*at].is_cost).collect();
    let marked = |marks: &[&str]| -> Option<usize> {
        let is_marked = |at: &&usize| {
            let table = &tables[**at];
            let text = format!("{} {}", plain(&table.code), plain(&table.name));
            marks.iter().any(|mark| text.contains(mark))
        };
        let mut found = sales.iter().filter(is_marked);
        match (found.next(), found.next()) {
            (Some(at), None) => Some(*at),
            _ => None,
        }
    };
    let only = || if let [at] = sales[..] { Some(at) } else { None };
    let base = BASE_MARKS.into_iter().find_map(marked).or_else(only);
    let mut costs = (0..tables.len()).filter(|at| tables[*at].is_cost);
    let cost = match (costs.next(), costs.next()) {
        (Some(at), None) => Some(at),
        _ => None,
    };
    (0..tables.len())
        .map(|at| match Some(at) {
            at if at == base => Some(TableUse::Base),
            at if at == cost => Some(TableUse::Cost),
            _ => None,
        })
        .collect()
}

/// Letters and digits, upper case, without accents; leading zeros of a number do not count.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' | 'Á' | 'À' | 'Â' | 'Ã' => 'A',
            'é' | 'ê' | 'É' | 'Ê' => 'E',
            'í' | 'Í' => 'I',
            'ó' | 'ô' | 'õ' | 'Ó' | 'Ô' | 'Õ' => 'O',
            'ú' | 'ü' | 'Ú' | 'Ü' => 'U',
            'ç' | 'Ç' => 'C',
            other => other.to_ascii_uppercase(),
        })
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let is_number = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { plain.trim_start_matches('0').to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(code: &str, cnpj: &str, name: &str) -> StoreFacts {
        StoreFacts { code: code.into(), cnpj: cnpj.into(), name: name.into() }
    }

    fn named(id: &str, name: &str) -> Named {
        Named { id: id.into(), name: name.into() }
    }

    #[test]
    fn stores_find_their_warehouses_by_code_cnpj_and_name() {
        let stores = [
            store("001", "11222333000181", "Loja Centro"),
            store("002", "11222333000262", "Loja São João"),
            store("010", "11222333000343", "Outlet"),
            store("011", "11222333000424", "Quiosque"),
        ];
        let account = [
            named("1", "Estoque A"),
            named("sao_joao", "loja sao joao"),
            named("LOJA010", "CD"),
            named("x", "Quiosque A"),
            named("y", "Quiosque B"),
        ];
        let found = warehouses(&stores, &account);
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, [Some("1"), Some("sao_joao"), Some("LOJA010"), None]);
    }

    #[test]
    fn one_store_and_one_warehouse_belong_together_and_two_that_fit_are_none() {
        let one = [store("A", "", "")];
        assert_eq!(warehouses(&one, &[named("1_1", "Padrão")]), [Some("1_1".to_owned())]);
        let two = [store("1", "", ""), store("2", "", "")];
        assert_eq!(warehouses(&two, &[named("a", "loja 1"), named("b", "loja 1")]), [None, None]);
        assert_eq!(warehouses(&two, &[]), [None, None]);
    }

    #[test]
    fn the_base_price_is_the_web_shop_s_table_or_the_retail_one_or_the_only_one() {
        let table = |code: &str, is_cost| PriceTableFacts { code: code.into(), name: String::new(), is_cost };
        use TableUse::{Base, Cost};
        let cases = [
            (vec![("VAREJO", false), ("SITE", false), ("CUSTO", true)], vec![None, Some(Base), Some(Cost)]),
            (vec![("ATACADO", false), ("VAREJO", false)], vec![None, Some(Base)]),
            (vec![("T1", false)], vec![Some(Base)]),
            (vec![("T1", false), ("T2", false)], vec![None, None]),
            (vec![("WEB1", false), ("WEB2", false), ("C1", true), ("C2", true)], vec![None; 4]),
        ];
        for (codes, expected) in cases {
            let facts: Vec<_> = codes.iter().map(|(code, is_cost)| table(code, *is_cost)).collect();
            assert_eq!(tables(&facts), expected, "{codes:?}");
        }
    }
}
