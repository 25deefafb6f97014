//! Tables and columns may be called anything.

use mare::mapping::config::CapturedTable;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::names::batches;
use mare::source::changelog::sqlserver::script::{self, Names, Objects};
use mare::source::changelog::sqlserver::table::{CaptureTable, ColumnRow, TableFacts, plan};
use proptest::prelude::*;

use super::facts::{captured, column, described, names, tables};
use super::lexer::skeleton;
use super::snapshots::every_statement;

/// The reference tables, with every name followed by a text of somebody's choice.
fn renamed(suffix: &str, form: Form) -> Vec<CaptureTable> {
    let rename = |name: &str| format!("{name}{suffix}");
    let mut wanted: Vec<CapturedTable> = captured();
    let mut found = Vec::new();
    for table in &mut wanted {
        let mut facts = described(&table.table);
        table.schema = rename(&table.schema);
        table.table = rename(&table.table);
        table.columns = table.columns.iter().map(|name| rename(name)).collect();
        facts.schema.clone_from(&table.schema);
        facts.table.clone_from(&table.table);
        facts.key = facts.key.iter().map(|name| rename(name)).collect();
        for column in &mut facts.columns {
            column.name = rename(&column.name);
        }
        found.push(facts);
    }
    plan(&wanted, &found, &rename("mare"), form).unwrap()
}

fn every_script(suffix: &str, form: Form) -> Vec<String> {
    let tables = renamed(suffix, form);
    let captured: Vec<_> = tables
        .iter()
        .map(|table| CapturedTable {
            role: table.role,
            schema: table.schema.clone(),
            table: table.table.clone(),
            columns: Vec::new(),
            key: Vec::new(),
        })
        .collect();
    let rename = |name: &str| format!("{name}{suffix}");
    let plain = names();
    let names = Names {
        schema: rename(&plain.schema),
        owner: rename(&plain.owner),
        login: rename(&plain.login),
        database: rename(&plain.database),
        versions_repeat: false,
    };
    assert_eq!(names.obstacles(), Vec::<String>::new());
    let wanted = Objects::wanted(&tables);
    let mut scripts = vec![
        script::install(&names, &tables[1..], &wanted, Some(suffix)),
        script::uninstall(&names, &wanted),
        script::switch(&names, true),
        script::switch(&names, false),
        script::tracking_install(&names, &tables, Some(suffix)),
        script::tracking_uninstall(&names, &captured),
        script::rowversion_install(&names, &tables, Some(suffix)),
        script::rowversion_uninstall(&names),
    ];
    scripts.extend(every_statement(&names.schema, &tables).into_iter().map(|(_, text)| text));
    scripts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever a name contains, the statements around it stay the same, and so do the batches.
    #[test]
    fn any_name_stays_within_its_quotes(suffix in "[^\\p{C}\\p{Zl}\\p{Zp}\\\\]{0,40}", key in any::<bool>()) {
        let form = if key { Form::Key } else { Form::Row };
        let plain = every_script("", form);
        for (odd, plain) in every_script(&suffix, form).iter().zip(&plain) {
            prop_assert_eq!(skeleton(odd), skeleton(plain));
            prop_assert_eq!(batches(odd).len(), batches(plain).len());
        }
    }
}

#[test]
fn names_that_look_like_code_stay_names() {
    for suffix in
        ["]", "'", "--", "/*", "*/", "{columns}", "{", "]; DROP TABLE x; --", "''']]", " GO ", "$(x)"]
    {
        for (odd, plain) in every_script(suffix, Form::Row).iter().zip(&every_script("", Form::Row)) {
            assert_eq!(skeleton(odd), skeleton(plain), "{suffix}");
        }
    }
}

#[test]
fn a_name_with_a_line_break_is_refused_and_said() {
    let mut wanted = captured();
    wanted[0].columns.push("a\nGO\nDROP TABLE x".to_owned());
    let mut facts: Vec<_> = captured().iter().map(|table| described(&table.table)).collect();
    let mut column = facts[0].columns[1].clone();
    column.name = "a\nGO\nDROP TABLE x".to_owned();
    facts[0].columns.push(column);
    let obstacles = plan(&wanted, &facts, "mare", Form::Row).unwrap_err();
    assert_eq!(obstacles, [r#"the name "a\nGO\nDROP TABLE x" contains a control character"#]);
    let names = Names { login: "a\nb".to_owned(), ..names() };
    assert_eq!(names.obstacles(), [r#"the login's name "a\nb" contains a control character"#]);
}

#[test]
fn what_stands_against_capture_is_said_all_at_once() {
    let mut facts: Vec<_> = captured().iter().map(|table| described(&table.table)).collect();
    facts.remove(0);
    facts[0].columns.retain(|column| column.name != "situacao");
    facts[1].key.clear();
    let minimum =
        facts[2].columns.iter_mut().find(|column| column.name == "estoque_minimo_exibicao").unwrap();
    minimum.data_type = "sql_variant".to_owned();
    let code = facts[2].columns.iter_mut().find(|column| column.name == "codigo").unwrap();
    code.data_type = "ntext".to_owned();
    let obstacles = plan(&captured(), &facts, "mare", Form::Row).unwrap_err();
    let said = obstacles.join("\n");
    for expected in [
        "table live.loja does not exist",
        "table live.deposito has no column situacao",
        "table live.tabela_preco has no primary key",
        "column estoque_minimo_exibicao of live.produto is sql_variant",
        "column codigo of live.produto is ntext: triggers cannot read it",
    ] {
        assert!(said.contains(expected), "{expected}\n---\n{said}");
    }
    assert_eq!(obstacles.len(), 5, "{said}");
}

#[test]
fn a_column_in_another_case_is_pointed_out() {
    let mut facts: Vec<_> = captured().iter().map(|table| described(&table.table)).collect();
    facts[0].columns.iter_mut().find(|column| column.name == "situacao").unwrap().name =
        "Situacao".to_owned();
    let obstacles = plan(&captured(), &facts, "mare", Form::Row).unwrap_err();
    assert_eq!(
        obstacles,
        ["table live.loja has no column situacao (it has Situacao): correct [mapping.tables]"]
    );
}

#[test]
fn tables_of_one_name_in_two_schemas_get_change_tables_of_their_own() {
    let mut wanted = captured();
    wanted[1].schema = "outro".to_owned();
    wanted[1].table = "LOJA".to_owned();
    let mut facts: Vec<_> = captured().iter().map(|table| described(&table.table)).collect();
    facts[1].schema = "outro".to_owned();
    facts[1].table = "LOJA".to_owned();
    let tables = plan(&wanted, &facts, "mare", Form::Row).unwrap();
    let names: Vec<_> = tables[..3].iter().map(|table| table.change_table.as_str()).collect();
    assert_eq!(names, ["alt_live.loja", "alt_outro.LOJA", "alt_tabela_preco"]);
}

#[test]
fn the_key_is_the_primary_key_or_else_a_unique_index_without_nulls() {
    let row = |name: &str, nullable, place| ColumnRow { column: column(name, "int", nullable), place };
    let gather = |rows| TableFacts::gather("dbo", "t", rows);
    let whole = gather(vec![
        row("a", false, Some((0, 2))),
        row("a", false, Some((3, 1))),
        row("b", false, Some((0, 1))),
        row("c", true, None),
    ]);
    let whole = whole.unwrap();
    assert_eq!(whole.key, ["b", "a"]);
    assert_eq!(whole.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let without_primary = gather(vec![
        row("a", true, Some((2, 1))),
        row("b", false, Some((5, 1))),
        row("c", false, Some((4, 1))),
    ]);
    assert_eq!(without_primary.unwrap().key, ["c"]);
    assert_eq!(gather(vec![row("a", true, Some((2, 1)))]).unwrap().key, [] as [String; 0]);
    assert_eq!(gather(vec![]), None);
}

#[test]
fn what_an_earlier_mapping_captured_goes_and_uninstall_removes_whatever_is_there() {
    let tables = tables(Form::Row);
    let mut found = Objects::wanted(&tables);
    found.triggers.insert(("live".to_owned(), "mare_cliente".to_owned()));
    found.change_tables.insert("alt_cliente".to_owned());
    let install = script::install(&names(), &tables, &found, None);
    let (drop_trigger, drop_table) =
        ("DROP TRIGGER [live].[mare_cliente];", "DROP TABLE [mare].[alt_cliente];");
    assert!(install.find(drop_trigger).unwrap() < install.find(drop_table).unwrap());
    assert_eq!(install.matches("DROP TABLE").count(), 1, "rows of tables that stay mapped stay");
    let uninstall = script::uninstall(&names(), &found);
    assert!(uninstall.rfind("DROP TRIGGER").unwrap() < uninstall.find("DROP TABLE").unwrap());
    assert!(uninstall.contains(drop_trigger) && uninstall.contains(drop_table));
    assert_eq!(
        uninstall.matches("DROP TRIGGER ").count(),
        1 + tables.len() + 1,
        "one more in the head's comment"
    );
}
