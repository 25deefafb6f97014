//! What a trigger's definition says about itself.

use mare::mapping::config::Role;
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::trigger::{Definition, OWN_WRITES_MARK, create, judge};

use super::facts::table;

#[test]
fn an_altered_trigger_is_told_from_an_outdated_one() {
    let stock = table(Role::Stock, Form::Row);
    let installed = create(&stock, "mare");
    assert_eq!(judge(&installed, &stock, "mare"), Definition::Current);
    // Tools change line ends, and blanks at ends of lines and of the batch.
    let travelled = format!("\r\n{}\r\n\r\n", installed.trim_end().replace('\n', "  \r\n"));
    assert_eq!(judge(&travelled, &stock, "mare"), Definition::Current);
    // Somebody mapped less or more since: as installed, but not what would be installed now.
    assert_eq!(judge(&installed, &table(Role::Stock, Form::Key), "mare"), Definition::Outdated);
    assert_eq!(judge(&travelled, &table(Role::Stock, Form::Key), "mare"), Definition::Outdated);
    // Any hand in it shows, also one that takes the fingerprint away.
    for (old, new) in
        [("'D'", "'U'"), ("RETURN;", ""), ("-- mare:fingerprint ", "-- "), ("IS NULL", "IS NOT NULL")]
    {
        let altered = installed.replacen(old, new, 1);
        assert_ne!(altered, installed, "{old}");
        assert_eq!(judge(&altered, &stock, "mare"), Definition::Altered, "{old}");
    }
    assert_eq!(judge("", &stock, "mare"), Definition::Altered);
}

#[test]
fn our_own_writes_are_captured_only_where_they_must_come_back() {
    let leaves = format!("IF SUBSTRING(CONTEXT_INFO(), 1, 16) = {OWN_WRITES_MARK} RETURN;");
    assert!(create(&table(Role::Price, Form::Row), "mare").contains(&leaves));
    let stock = create(&table(Role::Stock, Form::Row), "mare");
    assert!(!stock.contains(&leaves) && stock.contains(OWN_WRITES_MARK));
    let digits = OWN_WRITES_MARK.strip_prefix("0x").unwrap();
    let bytes: Vec<u8> =
        (0..16).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert_eq!(bytes, b"mare:own-writes!");
    assert_eq!(digits.len(), 32);
}

#[test]
fn only_mapped_columns_decide_whether_a_row_changed() {
    let stock = create(&table(Role::Stock, Form::Row), "mare");
    assert!(stock.contains("SELECT i.[quantidade], i.[quantidade_reservada]\n                  EXCEPT"));
    assert!(!stock.contains("quantidade_transito") && !stock.contains("data_atualizacao"));
    // The key form asks the same question and stores less.
    let keys = create(&table(Role::Stock, Form::Key), "mare");
    assert!(keys.contains("SELECT i.[quantidade], i.[quantidade_reservada]\n                  EXCEPT"));
    assert!(keys.contains("([mare_op], [mare_origem], [id_loja], [id_deposito], [id_sku])"));
}

#[test]
fn texts_are_compared_by_their_bytes() {
    let store = create(&table(Role::Store, Form::Row), "mare");
    assert!(store.contains("CONVERT(varbinary(8000), i.[codigo])"), "{store}");
}

/// What the shop's statements must never meet in a trigger of ours.
#[test]
fn a_trigger_does_nothing_that_could_hurt_the_shop() {
    for role in [Role::Store, Role::Price, Role::Stock] {
        for form in [Form::Row, Form::Key] {
            let text = create(&table(role, form), "mare");
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            assert!(code.contains("BEGIN    SET NOCOUNT ON;    SET ROWCOUNT 0;"), "{code}");
            for word in [
                "EXEC",
                "TRY",
                "PRINT",
                "RAISERROR",
                "THROW",
                "WAITFOR",
                "OUTPUT",
                "CURSOR",
                "MERGE",
                "ROLLBACK",
            ] {
                assert!(!code.to_uppercase().contains(word), "{word} in {code}");
            }
            // A SELECT of its own would be a result set: each belongs to an INSERT or an EXISTS.
            let selects = code.matches("SELECT").count();
            let inside = code.matches("EXISTS (SELECT").count()
                + code.matches("INSERT INTO").count()
                + code.matches("EXCEPT").count();
            assert_eq!(selects, inside, "{code}");
        }
    }
}

#[test]
fn every_table_of_every_entity_can_be_captured() {
    let entities = r#"{"entities": ["stock", "price", "product", "customer", "consent", "order"], "catalog": {"kits": true}}"#;
    let mapping: mare::mapping::config::MappingConfig = serde_json::from_str(entities).unwrap();
    let captured = mapping.captured();
    assert_eq!(captured.len(), 26);
    let found: Vec<_> = captured.iter().map(|table| crate::facts::described(&table.table)).collect();
    let tables =
        mare::source::changelog::sqlserver::table::plan(&captured, &found, "mare", Form::Key).unwrap();
    for (table, wanted) in tables.iter().zip(&captured) {
        let has = |column: &String| table.columns().any(|other| other.name == *column);
        assert!(wanted.columns.iter().all(has), "{}", table.table);
    }
}
