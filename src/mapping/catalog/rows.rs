//! What the catalog is made from: the rows of one product, and those that it refers to.

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::core::money::Decimal4;
use crate::core::time::Timestamp;
use crate::mapping::cell::RowId;

/// Everything that Live holds about one product. The order of the rows says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductInput {
    pub product: ProductRow,
    pub skus: Vec<SkuRow>,
    pub codes: Vec<CodeRow>,
    pub images: Vec<ImageRow>,
    pub specifications: Vec<SpecificationRow>,
    /// Of kits: what they are made of.
    pub parts: Vec<PartRow>,
}

/// A row of `produto`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProductRow {
    pub id: RowId,
    /// `codigo`: the product's reference in VTEX.
    pub code: CompactString,
    /// `referencia`: the maker's; only for templates.
    pub reference: Option<String>,
    /// `titulo_ecommerce`
    pub title: Option<String>,
    /// `descricao`
    pub description: Option<String>,
    /// `descricao_resumida`
    pub short_description: Option<String>,
    /// `descricao_ecommerce`: RTF, HTML or plain text.
    pub long_description: Option<String>,
    /// `palavras_chave`
    pub keywords: Option<String>,
    /// `meta_descricao`
    pub meta_description: Option<String>,
    pub brand: Option<RowId>,
    /// The deepest classifier that it has.
    pub classifier: Option<RowId>,
    pub ncm: Option<String>,
    /// `unidade_medida`
    pub unit: Option<String>,
    /// `ind_fracionado`
    pub fractional: bool,
    /// `tipo_produto`
    pub kind: i64,
    /// "Integra Ecommerce": whether it is sent at all.
    pub in_ecommerce: bool,
    /// "Produto Ativo no E-commerce?": whether the shop shows it.
    pub shown: bool,
    /// `situacao`
    pub active: bool,
    /// `ordem_exibicao`: lower comes first.
    pub order: Option<i64>,
    /// `data_lancamento`: midnight UTC of the day.
    pub release: Option<Timestamp>,
    pub size: Size,
}

/// A packed thing, as far as Live knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Size {
    /// Centimetres.
    pub height: Option<Decimal4>,
    pub width: Option<Decimal4>,
    pub length: Option<Decimal4>,
    /// `peso_bruto`, kilograms.
    pub weight: Option<Decimal4>,
}

/// A row of `produto_sku`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkuRow {
    pub id: RowId,
    pub code: CompactString,
    /// What it is called in VTEX, as `sku_reference` of the mapping gives it.
    pub reference: CompactString,
    pub colour: Option<RowId>,
    pub size: Option<RowId>,
    /// `complemento`
    pub complement: Option<String>,
    pub package: Size,
    /// `fator_embalagem`
    pub factor: Decimal4,
    /// `ind_ativo_ecommerce`
    pub in_ecommerce: bool,
    /// `situacao`
    pub active: bool,
}

/// A row of `produto_codigo_barras`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeRow {
    pub sku: RowId,
    pub code: CompactString,
    /// `tipo`
    pub kind: i64,
    pub main: bool,
    pub active: bool,
}

/// A row of `produto_imagem`, or an imported link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRow {
    /// None: of every colour.
    pub colour: Option<RowId>,
    /// None: of every SKU of that colour. Live's table has no such column; imported links do.
    pub sku: Option<RowId>,
    pub order: i64,
    pub url: String,
    pub label: Option<String>,
    pub main: bool,
}

/// A row of `produto_especificacao`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpecificationRow {
    pub name: String,
    pub value: String,
}

/// A row of `produto_kit_componente`: one part of a kit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartRow {
    /// The kit's own SKU.
    pub kit: RowId,
    /// Reference of the SKU that it holds. None: Live has no such SKU (yet), or another SKU has its reference.
    pub part: Option<CompactString>,
    pub quantity: Decimal4,
    /// `preco_unitario`
    pub unit_price: Option<Decimal4>,
}

/// A row of `marca`. Whether it is in use does not matter here: the product names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandRow {
    pub code: CompactString,
    pub name: String,
}

/// A row of `classificador`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifierRow {
    pub code: CompactString,
    pub name: String,
    /// None: the uppermost level.
    pub parent: Option<RowId>,
    /// `nivel`, from 1. None: the site has no such column.
    pub level: Option<i64>,
}

/// A row of `cor`, or of `tamanho`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariationRow {
    pub code: CompactString,
    pub name: String,
}

/// A row that has a code of Live.
pub trait Coded {
    fn code(&self) -> &str;
}

macro_rules! coded {
    ($($row:ty),*) => {
        $(impl Coded for $row {
            fn code(&self) -> &str {
                &self.code
            }
        })*
    };
}

coded!(BrandRow, ClassifierRow, VariationRow);

/// Rows by their id, which knows how often a code is used: one that two rows share names neither.
#[derive(Debug)]
pub struct Table<T> {
    rows: HashMap<RowId, T>,
    codes: HashMap<CompactString, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), codes: HashMap::new() }
    }
}

impl<T: Coded> Table<T> {
    /// Puts a row in, or out with `None`; what was there before.
    pub fn put(&mut self, id: &RowId, row: Option<T>) -> Option<T> {
        if let Some(row) = &row {
            *self.codes.entry(CompactString::new(row.code())).or_default() += 1;
        }
        let before = match row {
            Some(row) => self.rows.insert(id.clone(), row),
            None => self.rows.remove(id),
        };
        if let Some(before) = &before
            && let Some(uses) = self.codes.get_mut(before.code())
        {
            *uses -= 1;
            if *uses == 0 {
                self.codes.remove(before.code());
            }
        }
        before
    }

    pub fn get(&self, id: &RowId) -> Option<&T> {
        self.rows.get(id)
    }

    /// Whether more than one row has this code.
    pub fn is_shared(&self, code: &str) -> bool {
        self.codes.get(code).is_some_and(|uses| *uses > 1)
    }

    /// The row with this code, if it is one.
    pub fn by_code(&self, code: &str) -> Option<&T> {
        if self.codes.get(code) != Some(&1) {
            return None;
        }
        self.rows.values().find(|row| row.code() == code)
    }
}

/// What products refer to.
#[derive(Debug, Default)]
pub struct Lookups {
    pub brands: Table<BrandRow>,
    pub classifiers: Table<ClassifierRow>,
    pub colours: Table<VariationRow>,
    pub sizes: Table<VariationRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str) -> VariationRow {
        VariationRow { code: code.into(), name: "Azul".to_owned() }
    }

    #[test]
    fn a_code_is_shared_only_while_two_rows_have_it() {
        let mut table = Table::default();
        table.put(&RowId::Int(1), Some(row("A")));
        assert!(!table.is_shared("A") && table.by_code("A").is_some());
        table.put(&RowId::Int(1), Some(row("A")));
        assert!(!table.is_shared("A"));
        table.put(&RowId::Int(2), Some(row("A")));
        assert!(table.is_shared("A") && table.by_code("A").is_none());
        table.put(&RowId::Int(2), Some(row("B")));
        assert!(!table.is_shared("A") && !table.is_shared("B"));
        assert_eq!(table.put(&RowId::Int(1), None), Some(row("A")));
        assert!(table.get(&RowId::Int(1)).is_none() && table.by_code("A").is_none());
    }
}
