//! The classifier of a product as a chain of categories.

use compact_str::CompactString;

use crate::core::entity::{Entity, Key};
use crate::core::value::Value;
use crate::core::value::catalog::{Category, Specification};
use crate::mapping::cell::RowId;

use super::config::{CatalogConfig, CategoryKey, LEVELS};
use super::rows::{ClassifierRow, Table};
use super::{Notes, Refusal, limits, text};

/// Where a product belongs.
pub(super) struct Classified {
    /// Parents first.
    pub(super) wants: Vec<(Key, Value)>,
    /// Id of the deepest one's key.
    pub(super) category: CompactString,
    /// Levels that are no categories.
    pub(super) deeper: Vec<Specification>,
}

/// # Errors
/// When the product has no classifier, or one whose parents make no whole chain.
pub(super) fn classify(
    config: &CatalogConfig,
    table: &Table<ClassifierRow>,
    leaf: Option<&RowId>,
    notes: &mut Notes,
) -> Result<Classified, Refusal> {
    let chain = chain(table, leaf.ok_or(Refusal::NoCategory)?)?;
    let mut wants: Vec<(Key, Value)> = Vec::new();
    let mut deeper = Vec::new();
    let mut parent: Option<CompactString> = None;
    for (level, row) in chain.into_iter().enumerate() {
        let code = text::line(&row.code);
        let name = text::line(&row.name);
        if code.is_empty() || name.is_empty() {
            return Err(Refusal::UnnamedCategory(code));
        }
        if level >= config.category_levels {
            deeper.push(Specification {
                name: config.deeper_label(level),
                group: text::line(&config.specification_group),
                values: vec![name],
            });
            continue;
        }
        let id = match (config.category_key, &parent) {
            (CategoryKey::Code, _) if table.is_shared(&row.code) => {
                return Err(Refusal::SharedCode { what: "classificadores", code });
            }
            (CategoryKey::Path, Some(parent)) => CompactString::from(format!("{parent}/{code}")),
            _ => CompactString::from(code),
        };
        let key = Key { entity: Entity::Category, id: id.clone() };
        let name = notes.fit(&key, "name", &name, limits::CATEGORY_NAME);
        wants.push((key, Value::Category(Box::new(Category { name, parent: parent.replace(id) }))));
    }
    Ok(Classified { wants, category: parent.ok_or(Refusal::NoCategory)?, deeper })
}

/// From the uppermost level down.
fn chain<'a>(table: &'a Table<ClassifierRow>, leaf: &RowId) -> Result<Vec<&'a ClassifierRow>, Refusal> {
    let mut chain = Vec::with_capacity(LEVELS);
    let mut next = Some(leaf);
    while let Some(id) = next {
        // A cycle has no end, and no more levels than that are allowed anyway.
        if chain.len() == LEVELS {
            return Err(Refusal::EndlessCategory);
        }
        let row = table.get(id).ok_or_else(|| Refusal::UnknownCategory(id.to_string()))?;
        chain.push(row);
        next = row.parent.as_ref();
    }
    chain.reverse();
    for (expected, row) in (1_i64..).zip(&chain) {
        if let Some(level) = row.level.filter(|level| *level != expected) {
            return Err(Refusal::CategoryGap { code: text::line(&row.code), level, expected });
        }
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::counts::Reason;

    fn table(rows: &[(i64, Option<i64>, i64, &str)]) -> Table<ClassifierRow> {
        let mut table = Table::default();
        for (id, parent, level, code) in rows {
            let row = ClassifierRow {
                code: CompactString::from(*code),
                name: format!("Nome {code}"),
                parent: parent.map(RowId::Int),
                level: (*level > 0).then_some(*level),
            };
            table.put(&RowId::Int(*id), Some(row));
        }
        table
    }

    fn five() -> Table<ClassifierRow> {
        table(&[
            (1, None, 1, "A"),
            (2, Some(1), 2, "B"),
            (3, Some(2), 3, "C"),
            (4, Some(3), 4, "D"),
            (5, Some(4), 5, "E"),
        ])
    }

    fn found(config: &CatalogConfig, table: &Table<ClassifierRow>, leaf: i64) -> Result<Classified, Refusal> {
        classify(config, table, Some(&RowId::Int(leaf)), &mut Notes::default())
    }

    fn ids(classified: &Classified) -> Vec<&str> {
        classified.wants.iter().map(|(key, _)| key.id.as_str()).collect()
    }

    #[test]
    fn levels_become_categories_and_then_specifications() {
        for levels in 1..=5 {
            let config = CatalogConfig { category_levels: levels, ..CatalogConfig::default() };
            let classified = found(&config, &five(), 5).unwrap();
            assert_eq!(ids(&classified), ["A", "B", "C", "D", "E"][..levels]);
            assert_eq!(classified.category, ["A", "B", "C", "D", "E"][levels - 1]);
            let deeper: Vec<_> = classified.deeper.iter().map(|deeper| deeper.values[0].as_str()).collect();
            assert_eq!(deeper, ["Nome A", "Nome B", "Nome C", "Nome D", "Nome E"][levels..]);
            let mut before: Option<CompactString> = None;
            for (key, value) in &classified.wants {
                let Value::Category(category) = value else { panic!("{value:?}") };
                assert_eq!(category.parent, before.replace(key.id.clone()));
            }
        }
        assert_eq!(ids(&found(&CatalogConfig::default(), &five(), 2).unwrap()), ["A", "B"]);
    }

    #[test]
    fn a_tree_with_a_hole_or_a_ring_is_refused() {
        let config = CatalogConfig::default();
        let ring = table(&[(1, Some(3), 0, "A"), (2, Some(1), 0, "B"), (3, Some(2), 0, "C")]);
        assert!(matches!(found(&config, &ring, 3), Err(Refusal::EndlessCategory)));
        let own_parent = table(&[(1, Some(1), 0, "A")]);
        assert!(matches!(found(&config, &own_parent, 1), Err(Refusal::EndlessCategory)));
        let orphan = table(&[(2, Some(1), 2, "B")]);
        assert!(matches!(found(&config, &orphan, 2), Err(Refusal::UnknownCategory(_))));
        let hole = table(&[(1, None, 1, "A"), (3, Some(1), 3, "C")]);
        assert!(matches!(found(&config, &hole, 3), Err(Refusal::CategoryGap { level: 3, expected: 2, .. })));
        let no_root = table(&[(2, None, 2, "B")]);
        assert!(matches!(
            found(&config, &no_root, 2),
            Err(Refusal::CategoryGap { level: 2, expected: 1, .. })
        ));
        assert!(matches!(found(&config, &five(), 9), Err(Refusal::UnknownCategory(_))));
        let mut six = five();
        let row = ClassifierRow {
            code: "F".into(),
            name: "F".to_owned(),
            parent: Some(RowId::Int(5)),
            level: None,
        };
        six.put(&RowId::Int(6), Some(row));
        assert!(matches!(found(&config, &six, 6), Err(Refusal::EndlessCategory)));
        let none = classify(&config, &five(), None, &mut Notes::default());
        assert!(matches!(none, Err(Refusal::NoCategory)));
        let unnamed = table(&[(1, None, 1, " ")]);
        assert!(matches!(found(&config, &unnamed, 1), Err(Refusal::UnnamedCategory(_))));
    }

    #[test]
    fn codes_that_count_from_one_need_their_path() {
        let shared =
            table(&[(1, None, 1, "1"), (2, Some(1), 2, "2"), (3, None, 1, "3"), (4, Some(3), 2, "2")]);
        let config = CatalogConfig::default();
        assert!(matches!(found(&config, &shared, 2), Err(Refusal::SharedCode { .. })));
        let config = CatalogConfig { category_key: CategoryKey::Path, ..config };
        assert_eq!(ids(&found(&config, &shared, 2).unwrap()), ["1", "1/2"]);
        assert_eq!(ids(&found(&config, &shared, 4).unwrap()), ["3", "3/2"]);
    }

    #[test]
    fn a_long_name_is_cut_and_told() {
        let mut table = five();
        let long = ClassifierRow { code: "A".into(), name: "nome ".repeat(60), parent: None, level: Some(1) };
        table.put(&RowId::Int(1), Some(long));
        let mut notes = Notes::default();
        classify(&CatalogConfig::default(), &table, Some(&RowId::Int(1)), &mut notes).unwrap();
        assert_eq!(notes.0.iter().map(|note| note.reason).collect::<Vec<_>>(), [Reason::TextCut]);
    }
}
