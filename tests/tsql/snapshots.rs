//! Every generated text, compared with the file that holds what it should be.

use std::path::Path;

use mare::mapping::config::Role;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::script::{self, Names, Objects};
use mare::source::changelog::sqlserver::statements as ask;
use mare::source::changelog::sqlserver::table::{CaptureTable, ColumnFacts};

use mare::shop::{Profile, tsql};

use super::facts::{captured, column, names, tables};

/// Compares, or writes the file when `MARE_UPDATE_SNAPSHOTS` is set.
fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/sqlserver").join(name);
    if std::env::var_os("MARE_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if kept == text {
        return;
    }
    let (old, new): (Vec<_>, Vec<_>) = (kept.lines().collect(), text.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let same_end =
        old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut diff: Vec<String> =
        old[same.saturating_sub(3)..same].iter().map(|line| format!("  {line}")).collect();
    diff.extend(old[same..old.len() - same_end].iter().map(|line| format!("- {line}")));
    diff.extend(new[same..new.len() - same_end].iter().map(|line| format!("+ {line}")));
    panic!(
        "{name} line {}: the generated text is not the kept one; if it should be, MARE_UPDATE_SNAPSHOTS=1\n{}",
        same + 1,
        diff.join("\n")
    );
}

/// Every statement by its tag, for the given tables.
pub(crate) fn every_statement(schema: &str, tables: &[CaptureTable]) -> Vec<(String, String)> {
    let stock = tables.iter().find(|table| table.role == Role::Stock).unwrap();
    let price = tables.iter().find(|table| table.role == Role::Price).unwrap();
    let [store, deposit, sku] = [0, 1, 2].map(|n| &stock.key[n]);
    let since = price.columns().nth(7).unwrap();
    let mut texts: Vec<String> = [
        ask::PROBE,
        ask::PROBE_FORK,
        ask::PROBE_HELD_BACK,
        ask::PROBE_TRACKING,
        ask::SESSION,
        ask::LOCK,
        ask::LOCK_HOLDER,
        ask::COLUMNS,
        ask::TRIGGERS,
        ask::TRIGGER_ORDER,
        ask::SERVER_SETTINGS,
        ask::OWNERS,
        ask::INSTALLED,
        ask::RIGHTS,
        ask::COLUMN_RIGHTS,
        ask::OBJECTS,
        ask::LOGIN,
        ask::ROLES,
        ask::OUTPUT_IN_MODULES,
        ask::OUTPUT_IN_CACHE,
        ask::OPEN_TRANSACTIONS,
        ask::OPEN_NOW,
        ask::RESTORES,
        ask::TRACKING_VERSION,
        ask::VERSION_BOUND,
        ask::CLOCK,
    ]
    .map(str::to_owned)
    .into();
    texts.extend([
        ask::mark_own_writes(),
        ask::switch(schema),
        ask::kill(77),
        ask::codes(&stock.schema, &stock.table, &stock.key[0].name),
        ask::waiting(schema, tables),
        ask::drain_bound(schema, tables),
        ask::drain_page(schema, stock, false),
        ask::drain_page(schema, stock, true),
        ask::drain_delete(schema, stock),
        ask::page(price, &price.key[0], true),
        ask::page(price, &price.key[0], false),
        ask::page_since(price, &price.key[0], since, true),
        ask::page_since(price, &price.key[0], since, false),
        ask::by_keys(price, &price.key[0], 3),
        ask::range_within(stock, [store, deposit], sku, true),
        ask::range_within(stock, [store, deposit], sku, false),
        ask::by_keys_within(stock, [store, deposit], sku, 2),
        ask::tracking_minimum(price),
        ask::tracking_changes(price),
        ask::tracking_changes(stock),
        ask::version_page(price, "versao_linha"),
    ]);
    let tag = |text: &String| text[2..text.find("*/").unwrap()].to_owned();
    texts.into_iter().map(|text| (tag(&text), text)).collect()
}

#[test]
fn the_scripts_are_as_kept() {
    let rows = tables(Form::Row);
    let wanted = Objects::wanted(&rows);
    compare("install.sql", &script::install(&names(), &rows, &Objects::default(), None));
    compare("install_keys.sql", &script::install(&names(), &tables(Form::Key), &wanted, None));
    compare("uninstall.sql", &script::uninstall(&names(), &wanted));
    compare("switch_off.sql", &script::switch(&names(), false));
    compare("switch_on.sql", &script::switch(&names(), true));
    compare("tracking_install.sql", &script::tracking_install(&names(), &rows, None));
    compare("tracking_uninstall.sql", &script::tracking_uninstall(&names(), &captured()));
    compare("rowversion_install.sql", &script::rowversion_install(&names(), &rows, None));
    compare("rowversion_uninstall.sql", &script::rowversion_uninstall(&names()));
}

#[test]
fn the_statements_are_as_kept() {
    let statements = every_statement("mare", &tables(Form::Row));
    let text: Vec<_> = statements.iter().map(|(_, text)| text.as_str()).collect();
    compare("statements.sql", &(text.join("\nGO\n") + "\nGO\n"));
    for (tag, text) in &statements {
        assert!(text.starts_with(&format!("/*{tag}*/\n")) && tag.starts_with("mare:"), "{text}");
    }
}

#[test]
fn the_shop_is_as_kept() {
    let texts = [
        &*tsql::size_table(Profile::Demo, u64::MAX),
        &*tsql::mark(Profile::Demo, u64::MAX),
        tsql::OWNERSHIP,
        &*tsql::movement(1),
        &*tsql::movement(3),
        tsql::INVENTORY_COUNT,
        tsql::PRICE_RELOAD,
        tsql::PROMOTION,
        tsql::ACTIVE_FLAG,
        tsql::MINIMUM_FLAG,
        tsql::INTEGRATED_FLAG,
        tsql::NEW_SKU,
        tsql::NEW_PRODUCT,
        tsql::STORES,
        tsql::SKUS,
        tsql::PRODUCTS,
        tsql::SALES_TABLES,
        tsql::FOREIGN_KEYS,
        tsql::TABLES,
    ];
    compare("shop.sql", &(texts.join("\nGO\n") + "\nGO\n"));
}

/// A table with a column of every type, a text key and names that need their quotes.
#[test]
fn a_table_with_everything_is_as_kept() {
    let odd = |name: &str, of: &str| column(name, of, name.starts_with("nulo"));
    let mut computed = odd("calculada", "bigint");
    computed.computed = true;
    let key: Vec<ColumnFacts> = vec![odd("código]", "nvarchar(20)"), odd("ordem", "smallint")];
    let types = [
        "bit",
        "tinyint",
        "int",
        "bigint",
        "decimal(38,10)",
        "money",
        "smallmoney",
        "real",
        "float(53)",
        "date",
        "time(3)",
        "datetime",
        "smalldatetime",
        "datetime2(7)",
        "datetimeoffset(3)",
        "char(8)",
        "varchar(max)",
        "nchar(2)",
        "nvarchar(max)",
        "binary(4)",
        "varbinary(max)",
        "uniqueidentifier",
        "rowversion",
    ];
    let mut mapped: Vec<_> = types.iter().map(|of| odd(&format!("nulo {of}"), of)).collect();
    mapped.push(computed);
    let table = CaptureTable {
        role: Role::Sku,
        schema: "dbo".to_owned(),
        table: "Produto's grade".to_owned(),
        change_table: "alt_Produto's grade".to_owned(),
        trigger: "mare_Produto's grade".to_owned(),
        form: Form::Row,
        key,
        mapped,
        captures_own_writes: false,
    };
    let repeating = Names { login: r"LOJA\svc-mare".to_owned(), versions_repeat: true, ..names() };
    let tables = [table];
    compare(
        "odd_install.sql",
        &script::install(&repeating, &tables, &Objects::default(), Some("it's ]secret")),
    );
    let statements = [
        ask::drain_bound("mare", &tables),
        ask::drain_page("mare", &tables[0], true),
        ask::page(&tables[0], &tables[0].key[0], false),
        ask::page(&tables[0], &tables[0].mapped[0], true),
        ask::by_keys_within(&tables[0], [&tables[0].key[0], &tables[0].mapped[15]], &tables[0].mapped[17], 1),
        ask::tracking_changes(&tables[0]),
        ask::version_page(&tables[0], "nulo rowversion"),
    ];
    compare("odd_statements.sql", &(statements.join("\nGO\n") + "\nGO\n"));
}

#[test]
fn a_list_of_keys_has_one_of_a_few_lengths() {
    assert_eq!([1, 2, 10, 11, 2_000].map(ask::keys_padded), [1, 10, 10, 100, 2_000].map(Some));
    assert_eq!(ask::keys_padded(2_001), None);
}
