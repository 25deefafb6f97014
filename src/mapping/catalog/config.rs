//! `[mapping.catalog]`: how products of Live become products and SKUs of VTEX.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::{limits, measure, template, text};

/// What one product of VTEX is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// A product of Live with all its colours and sizes.
    #[default]
    Product,
    /// One colour of it, with its sizes: the reference is then `<produto>-<cor>`.
    Colour,
}

/// What names a category of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CategoryKey {
    /// `classificador.codigo`: no two classifiers share one.
    #[default]
    Code,
    /// All codes from the uppermost level down, with `/`: where each level counts from 1.
    Path,
}

/// How `ordem_exibicao` becomes VTEX's score, where the higher comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// 10,000 less the order: the first in Live is the first in the shop.
    #[default]
    Inverted,
    /// The order itself.
    Same,
    /// Not sent.
    Off,
}

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageSource {
    /// Live's table of images.
    #[default]
    Live,
    /// Addresses made from a template.
    Template,
    /// None are sent.
    Off,
}

/// `[mapping.catalog.images]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageRules {
    pub from: ImageSource,
    /// With `from = "template"`: `https://…/{produto}_{cor}_{ordem}.jpg`. Names: `produto`, `referencia`,
    /// `sku` (VTEX's reference), `codigo_sku`, `cor`, `tamanho` (codes), `ean`, `ordem` and `ordem:02`.
    pub url: String,
    /// How many the template makes: `ordem` goes from 1 to this.
    pub count: u16,
    /// Looks at each image before VTEX is told to fetch it: one that is not there, is no image or is larger than 4 MB
    /// is not sent, and tried again later. This machine must reach the images. Default: false.
    pub check: bool,
}

impl Default for ImageRules {
    fn default() -> Self {
        Self { from: ImageSource::default(), url: String::new(), count: 1, check: false }
    }
}

impl ImageRules {
    pub(super) const NAMES: [&str; 9] =
        ["produto", "referencia", "sku", "codigo_sku", "cor", "tamanho", "ean", "ordem", "ordem:02"];
}

/// The brand of products that have none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultBrand {
    pub code: String,
    /// Live's own name is taken when it has a brand with this code.
    pub name: String,
}

/// The package of SKUs whose size or weight Live does not know. Every missing measure is taken from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultPackage {
    /// Centimetres.
    pub height: u32,
    pub width: u32,
    pub length: u32,
    pub grams: u32,
}

/// `[mapping.catalog]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogConfig {
    /// `product` (default) or `colour`.
    pub grouping: Grouping,
    /// How many levels of the classifier are categories, 1 to 5. VTEX advises three. Deeper ones become
    /// specifications of the product.
    pub category_levels: usize,
    /// `code` (default) or `path`.
    pub category_key: CategoryKey,
    /// Names of those specifications, the uppermost first. One that is left out: `Classificação <level>`.
    pub deeper_labels: Vec<String>,
    /// What VTEX calls the colour of a SKU. `""`: not sent.
    pub colour_label: String,
    /// What VTEX calls the size of a SKU. `""`: not sent.
    pub size_label: String,
    /// The group in which VTEX shows specifications.
    pub specification_group: String,
    /// Which of `produto_especificacao` are sent, by `nome`; left out: all.
    pub specifications: Option<Vec<String>>,
    /// Left out: a product without brand is refused.
    pub default_brand: Option<DefaultBrand>,
    /// Left out: a SKU without size or weight is refused.
    pub default_package: Option<DefaultPackage>,
    /// Trade policies that offer our products. Empty: VTEX's own rule holds.
    pub trade_policies: Vec<u32>,
    pub images: ImageRules,
    /// Names: `nome` (of the product in VTEX), `descricao`, `referencia`, `produto`, `sku`, `cor`, `tamanho`
    /// and `complemento`. What a SKU does not have leaves nothing.
    pub sku_name: String,
    /// `inverted` (default), `same` or `off`.
    pub score: Score,
    /// Whether kits are sent. VTEX never turns a kit back into a plain SKU.
    pub kits: bool,
    /// Units of Live that we do not know, and VTEX's name for them: `LT = "un"`.
    pub units: BTreeMap<String, String>,
    /// `produto_codigo_barras.tipo` of a GTIN.
    pub gtin_kind: i64,
    /// `produto.tipo_produto` of a kit.
    pub kit_kind: i64,
}

impl Default for CatalogConfig {
    fn default() -> Self {
        Self {
            grouping: Grouping::default(),
            category_levels: 3,
            category_key: CategoryKey::default(),
            deeper_labels: Vec::new(),
            colour_label: "Cor".to_owned(),
            size_label: "Tamanho".to_owned(),
            specification_group: "Especificações".to_owned(),
            specifications: None,
            default_brand: None,
            default_package: None,
            trade_policies: Vec::new(),
            images: ImageRules::default(),
            sku_name: "{descricao} {cor} {tamanho}".to_owned(),
            score: Score::default(),
            kits: false,
            units: BTreeMap::new(),
            gtin_kind: 1,
            kit_kind: 2,
        }
    }
}

pub(super) const SKU_NAMES: [&str; 8] =
    ["nome", "descricao", "referencia", "produto", "sku", "cor", "tamanho", "complemento"];

/// Levels of Live's classifier.
pub(super) const LEVELS: usize = 5;

impl CatalogConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if !(1..=LEVELS).contains(&self.category_levels) {
            findings.push(format!("category_levels = {}: write 1 to {LEVELS}", self.category_levels));
        }
        self.validate_labels(&mut findings);
        self.validate_templates(&mut findings);
        if let Some(brand) = &self.default_brand
            && (text::line(&brand.code).is_empty() || text::line(&brand.name).is_empty())
        {
            findings.push("default_brand: give both code and name".to_owned());
        }
        if let Some(package) = &self.default_package {
            let measures = [package.height, package.width, package.length, package.grams];
            if measures.contains(&0) || measures.iter().any(|measure| *measure > limits::INT) {
                findings.push(
                    "default_package: height, width and length in whole centimetres and grams, all above 0"
                        .to_owned(),
                );
            }
        }
        if self.trade_policies.contains(&0) {
            findings.push("trade_policies: VTEX counts them from 1".to_owned());
        }
        for (ours, theirs) in &self.units {
            if !measure::UNITS.contains(&theirs.as_str()) {
                findings
                    .push(format!("units: {ours} = \"{theirs}\": VTEX knows {}", measure::UNITS.join(", ")));
            }
        }
        findings
    }

    fn validate_labels(&self, findings: &mut Vec<String>) {
        if text::line(&self.specification_group).is_empty() {
            findings.push("specification_group is empty: VTEX shows specifications in a group".to_owned());
        }
        if self.specifications.iter().flatten().any(|name| text::line(name).is_empty()) {
            findings.push("specifications: a name is empty".to_owned());
        }
        let deeper: Vec<_> = (self.category_levels..LEVELS).map(|level| self.deeper_label(level)).collect();
        let labels = [&self.colour_label, &self.size_label].into_iter().filter(|label| !label.is_empty());
        let mut seen = HashSet::new();
        for label in labels.chain(&deeper) {
            let clean = text::line(label);
            if clean.is_empty() || text::length(&clean) > limits::SPECIFICATION_NAME {
                findings
                    .push(format!("label \"{label}\": write 1 to {} characters", limits::SPECIFICATION_NAME));
            }
            if !seen.insert(clean.to_lowercase()) {
                findings.push(format!(
                    "label \"{label}\" is used twice: VTEX tells specifications apart by name"
                ));
            }
        }
    }

    fn validate_templates(&self, findings: &mut Vec<String>) {
        for name in template::unknown(&self.sku_name, &SKU_NAMES) {
            findings.push(format!("sku_name: {{{name}}} is none of {}", SKU_NAMES.join(", ")));
        }
        if self.images.from != ImageSource::Template {
            return;
        }
        let url = &self.images.url;
        for name in template::unknown(url, &ImageRules::NAMES) {
            findings.push(format!("images.url: {{{name}}} is none of {}", ImageRules::NAMES.join(", ")));
        }
        if super::image::address(&template::fill(url, |_| Some("x".to_owned())).unwrap_or_default()).is_none()
        {
            findings.push(format!(
                "images.url = \"{url}\": write http:// or https://, a host, and an image's extension at the end"
            ));
        }
        if !(1..=50).contains(&self.images.count) {
            findings.push(format!("images.count = {}: write 1 to 50", self.images.count));
        }
        if self.images.count > 1 && !url.contains("{ordem") {
            findings.push("images.url has no {ordem}: all images would be the same".to_owned());
        }
    }

    /// The name of the specification for a level (from 0) that is no category.
    pub(super) fn deeper_label(&self, level: usize) -> String {
        let named = level.checked_sub(self.category_levels).and_then(|at| self.deeper_labels.get(at));
        named.map_or_else(|| format!("Classificação {}", level + 1), |label| text::line(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CatalogConfig {
        toml::from_str(text).expect("a configuration")
    }

    #[test]
    fn nothing_has_to_be_written() {
        let config = parse("");
        assert_eq!(config, CatalogConfig::default());
        assert_eq!(config.validate(), Vec::<String>::new());
    }

    #[test]
    fn everything_can_be_written() {
        let config = parse(
            r#"
            grouping = "colour"
            category_levels = 2
            category_key = "path"
            deeper_labels = ["Linha"]
            colour_label = "Cor do tecido"
            size_label = ""
            specification_group = "Ficha"
            specifications = ["Material"]
            default_brand = { code = "0", name = "Própria" }
            default_package = { height = 5, width = 20, length = 30, grams = 300 }
            trade_policies = [1, 2]
            sku_name = "{nome} {tamanho}"
            score = "off"
            kits = true
            units = { LT = "un" }
            images = { from = "template", url = "https://img.example/{produto}_{ordem:02}.jpg", count = 3, check = true }
            "#,
        );
        assert_eq!(config.validate(), Vec::<String>::new());
        assert_eq!(
            (config.deeper_label(2), config.deeper_label(3)),
            ("Linha".to_owned(), "Classificação 4".to_owned())
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_write() {
        let table = [
            ("category_levels = 0", "category_levels = 0: write 1 to 5"),
            ("category_levels = 6", "category_levels = 6"),
            ("colour_label = \" \"", "write 1 to 100"),
            ("size_label = \"cor\"", "is used twice"),
            ("category_levels = 4\ndeeper_labels = [\"COR\"]", "is used twice"),
            ("specification_group = \"\"", "specification_group is empty"),
            ("specifications = [\"\"]", "a name is empty"),
            ("default_brand = { code = \"\", name = \"x\" }", "give both code and name"),
            ("default_package = { height = 0, width = 1, length = 1, grams = 1 }", "all above 0"),
            ("trade_policies = [0]", "from 1"),
            ("units = { LT = \"l\" }", "VTEX knows un, kg"),
            ("sku_name = \"{cór}\"", "{cór} is none of"),
            ("images = { from = \"template\" }", "write http"),
            ("images = { from = \"template\", url = \"https://x/{y}.jpg\" }", "{y} is none of"),
            ("images = { from = \"template\", url = \"https://x/{sku}.txt\" }", "write http"),
            ("images = { from = \"template\", url = \"https://x/{sku}.jpg\", count = 0 }", "write 1 to 50"),
            ("images = { from = \"template\", url = \"https://x/{sku}.jpg\", count = 2 }", "no {ordem}"),
        ];
        for (text, expected) in table {
            let findings = parse(text).validate();
            assert!(findings.iter().any(|finding| finding.contains(expected)), "{text}: {findings:?}");
        }
        assert!(toml::from_str::<CatalogConfig>("groupings = 1").is_err());
    }
}
