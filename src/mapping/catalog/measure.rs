//! Weights, sizes and units.

use compact_str::CompactString;

use crate::core::money::Decimal4;
use crate::core::value::catalog::Package;

use super::config::{CatalogConfig, DefaultPackage};
use super::limits;
use super::rows::Size;
use super::text;

/// The units that VTEX takes (Catalog API, `MeasurementUnit`).
pub(super) const UNITS: [&str; 21] = [
    "un", "kg", "g", "mg", "m", "m²", "m³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "oz", "lb", "ft", "ft²",
    "ft³", "in", "in²", "in³",
];

/// VTEX's unit for one of Live's. What is sold whole is counted in pieces, whatever Live calls them (box, pair,
/// litre); `None`: it is sold in fractions of a unit that VTEX does not have.
pub(super) fn unit(config: &CatalogConfig, name: Option<&str>, fractional: bool) -> Option<CompactString> {
    let name = text::line(name.unwrap_or_default()).to_uppercase();
    let configured = config.units.iter().find(|(ours, _)| text::line(ours).to_uppercase() == name);
    if let Some((_, theirs)) = configured {
        return Some(CompactString::from(theirs.as_str()));
    }
    let known = match name.as_str() {
        "KG" | "KGS" | "QUILO" => "kg",
        "G" | "GR" | "GRS" => "g",
        "MG" => "mg",
        "M" | "MT" | "MTS" | "METRO" => "m",
        "M2" | "M²" | "MT2" => "m²",
        "M3" | "M³" | "MT3" => "m³",
        "CM" => "cm",
        "CM2" | "CM²" => "cm²",
        "CM3" | "CM³" => "cm³",
        "MM" => "mm",
        "MM2" | "MM²" => "mm²",
        "MM3" | "MM³" => "mm³",
        "OZ" => "oz",
        "LB" => "lb",
        "UN" | "UND" | "UNI" | "UNID" | "UNIDADE" | "PC" | "PÇ" | "PCA" | "PÇA" | "PECA" | "PEÇA" => "un",
        _ if !fractional => "un",
        _ => return None,
    };
    Some(CompactString::const_new(known))
}

/// Kilograms as grams, rounded up. `None` for nothing, less than nothing, and more than VTEX takes.
pub(super) fn grams(kilograms: Decimal4) -> Option<u32> {
    // One unit of the decimal is a tenth of a gram.
    let grams = kilograms.0.div_euclid(10) + i64::from(kilograms.0.rem_euclid(10) > 0);
    u32::try_from(grams).ok().filter(|grams| (1..=limits::INT).contains(grams))
}

/// The package of a SKU: measure by measure its own, its product's, the configured one. The second value
/// tells whether that one was needed. `None`: a measure is nowhere.
pub(super) fn package(own: Size, product: Size, default: Option<DefaultPackage>) -> Option<(Package, bool)> {
    let mut stood_in = false;
    let mut measure = |own: Option<Decimal4>, product: Option<Decimal4>, default: Option<u32>| {
        let known = [own, product].into_iter().flatten().find(|measure| measure.0 > 0);
        known.or_else(|| {
            stood_in = true;
            default.map(|whole| Decimal4(i64::from(whole) * 10_000))
        })
    };
    let height = measure(own.height, product.height, default.map(|package| package.height))?;
    let width = measure(own.width, product.width, default.map(|package| package.width))?;
    let length = measure(own.length, product.length, default.map(|package| package.length))?;
    let known = [own.weight, product.weight].into_iter().flatten().find_map(grams);
    let grams = match known {
        Some(grams) => grams,
        None => {
            stood_in = true;
            default?.grams
        }
    };
    Some((Package { height, width, length, grams }, stood_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilograms_become_grams_rounded_up() {
        let table = [
            (1_0000, Some(1000)),
            (3500, Some(350)),
            (3501, Some(351)),
            (1, Some(1)),
            (10, Some(1)),
            (11, Some(2)),
            (0, None),
            (-1, None),
            (21_474_836_470, Some(2_147_483_647)),
            (21_474_836_471, None),
            (i64::MAX, None),
            (i64::MIN, None),
        ];
        for (kilograms, expected) in table {
            assert_eq!(grams(Decimal4(kilograms)), expected, "{kilograms}");
        }
    }

    #[test]
    fn units_are_translated() {
        let mut config = CatalogConfig::default();
        config.units.insert("lt".to_owned(), "un".to_owned());
        config.units.insert("KG".to_owned(), "g".to_owned());
        let table = [
            (Some("UN"), false, Some("un")),
            (Some(" pç "), true, Some("un")),
            (Some("M"), true, Some("m")),
            (Some("M2"), true, Some("m²")),
            (Some("GR"), true, Some("g")),
            (Some("CX"), false, Some("un")),
            (Some("CX"), true, None),
            (None, false, Some("un")),
            (None, true, None),
            (Some("LT"), true, Some("un")),
            (Some("Kg"), true, Some("g")),
        ];
        for (name, fractional, expected) in table {
            let found = unit(&config, name, fractional);
            assert_eq!(found.as_deref(), expected, "{name:?} {fractional}");
            assert!(found.is_none_or(|unit| UNITS.contains(&unit.as_str())));
        }
    }

    #[test]
    fn a_package_is_put_together_measure_by_measure() {
        let size = |height: i64, weight: i64| Size {
            height: Some(Decimal4(height)),
            width: Some(Decimal4(2_0000)),
            length: Some(Decimal4(3_0000)),
            weight: Some(Decimal4(weight)),
        };
        let default = DefaultPackage { height: 7, width: 7, length: 7, grams: 70 };
        let found = |own, product, default| {
            package(own, product, default).map(|(package, by)| (package.height.0, package.grams, by))
        };
        assert_eq!(found(size(1_0000, 5000), size(9_0000, 1), None), Some((1_0000, 500, false)));
        assert_eq!(found(size(0, 5000), size(9_0000, 1), None), Some((9_0000, 500, false)));
        assert_eq!(found(size(0, 0), Size::default(), Some(default)), Some((7_0000, 70, true)));
        assert_eq!(found(size(0, 5000), Size::default(), None), None);
        assert_eq!(found(size(1_0000, -1), Size::default(), None), None);
        assert_eq!(found(Size::default(), Size::default(), Some(default)), Some((7_0000, 70, true)));
    }
}
