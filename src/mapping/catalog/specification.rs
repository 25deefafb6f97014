//! Specifications of a product: rows of Live, and the levels of the classifier that are no categories.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::entity::Key;
use crate::core::value::catalog::Specification;
use crate::mapping::counts::Reason;

use super::config::CatalogConfig;
use super::rows::SpecificationRow;
use super::{Notes, limits, text};

/// Rows of one name, however it is capitalised, are one specification with several values. A name that a level
/// or the SKUs' own specifications have already is left out: VTEX knows a specification by its name.
pub(super) fn specifications(
    config: &CatalogConfig,
    key: &Key,
    rows: &[SpecificationRow],
    deeper: Vec<Specification>,
    notes: &mut Notes,
) -> Vec<Specification> {
    let labels = [&config.colour_label, &config.size_label].into_iter().map(|label| folded(label));
    let taken: BTreeSet<_> = labels.chain(deeper.iter().map(|level| folded(&level.name))).collect();
    let listed: Option<BTreeMap<_, _>> =
        config.specifications.as_ref().map(|names| names.iter().map(|name| (folded(name), name)).collect());
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_unstable();
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for row in rows {
        let id = folded(&row.name);
        if id.is_empty() || text::line(&row.value).is_empty() {
            continue;
        }
        let spelled = match &listed {
            None => &row.name,
            Some(listed) => match listed.get(&id) {
                Some(name) => name,
                None => {
                    notes.add(key, Reason::SpecificationNotListed, text::line(&row.name));
                    continue;
                }
            },
        };
        if taken.contains(&id) {
            notes.add(key, Reason::SpecificationConflict, text::line(&row.name));
            continue;
        }
        let name = notes.fit(key, "specification", spelled, limits::SPECIFICATION_NAME);
        let value = notes.fit(key, &name, &row.value, usize::MAX);
        // By its name as it is sent: two long ones may have become one.
        found.entry(folded(&name)).or_insert_with(|| (name, BTreeSet::new())).1.insert(value);
    }
    let group = text::line(&config.specification_group);
    let rows = found.into_values().map(|(name, values)| Specification {
        name,
        group: group.clone(),
        values: values.into_iter().collect(),
    });
    let mut all: Vec<_> = deeper.into_iter().chain(rows).collect();
    all.sort_unstable();
    all
}

fn folded(name: &str) -> String {
    text::line(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entity::Entity;

    fn found(config: &CatalogConfig, rows: &[(&str, &str)]) -> (Vec<(String, Vec<String>)>, Vec<Reason>) {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, value)| SpecificationRow { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        let level = Specification {
            name: "Linha".to_owned(),
            group: "g".to_owned(),
            values: vec!["Verão".to_owned()],
        };
        let key = Key { entity: Entity::Product, id: "p".into() };
        let mut notes = Notes::default();
        let found = specifications(config, &key, &rows, vec![level], &mut notes);
        (
            found.into_iter().map(|found| (found.name, found.values)).collect(),
            notes.0.into_iter().map(|note| note.reason).collect(),
        )
    }

    fn entry(name: &str, values: &[&str]) -> (String, Vec<String>) {
        (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn rows_of_one_name_are_one_specification() {
        // Which spelling is sent does not hang on which row came first.
        for names in [["Gola", "GOLA"], ["GOLA", "Gola"]] {
            let found = found(&CatalogConfig::default(), &names.map(|name| (name, "V")));
            assert_eq!(found.0[0], entry("GOLA", &["V"]));
        }
        let rows = [
            ("Material", "Couro"),
            ("MATERIAL", "Algodão"),
            (" Material ", "Couro"),
            ("Gola", " "),
            ("", "x"),
        ];
        let found = found(&CatalogConfig::default(), &rows);
        assert_eq!(found.0.len(), 2);
        assert_eq!(found.0[0], entry("Linha", &["Verão"]));
        assert_eq!(found.0[1].1, ["Algodão", "Couro"]);
    }

    #[test]
    fn only_listed_names_are_sent_and_as_they_are_listed() {
        let config =
            CatalogConfig { specifications: Some(vec!["Material".to_owned()]), ..CatalogConfig::default() };
        let found = found(&config, &[("MATERIAL", "Couro"), ("Gola", "V")]);
        assert_eq!(found.0, [entry("Linha", &["Verão"]), entry("Material", &["Couro"])]);
        assert_eq!(found.1, [Reason::SpecificationNotListed]);
    }

    #[test]
    fn a_name_is_used_once() {
        let found = found(&CatalogConfig::default(), &[("COR", "Azul"), ("linha", "Inverno")]);
        assert_eq!(found.0, [entry("Linha", &["Verão"])]);
        assert_eq!(found.1, [Reason::SpecificationConflict, Reason::SpecificationConflict]);
    }
}
