//! The tables that stock is read from, with whole numbers as ids, to be readable.

use mare::core::row::{Column, Relation};
use mare::mapping::cell::oid;

/// `estoque_saldo`
pub(crate) const STOCK: u32 = 7;

pub(crate) fn relation(id: u32, table: &str, columns: &[(&str, u32)]) -> Relation {
    let columns = columns.iter().map(|(name, type_oid)| Column {
        name: (*name).into(),
        type_oid: *type_oid,
        key: false,
    });
    Relation { id, schema: "live".into(), table: table.into(), columns: columns.collect() }
}

/// `loja`, `deposito`, `produto`, `produto_sku` and `estoque_saldo`.
pub(crate) fn tables() -> [Relation; 5] {
    let (int, text, flag, number) = (oid::INT4, oid::TEXT, oid::BOOL, oid::NUMERIC);
    [
        relation(
            1,
            "loja",
            &[
                ("id", int),
                ("id_dominio", int),
                ("codigo", text),
                ("ind_integra_ecommerce", flag),
                ("situacao", int),
            ],
        ),
        relation(
            2,
            "deposito",
            &[
                ("id", int),
                ("id_loja", int),
                ("codigo", text),
                ("ind_disponivel_ecommerce", flag),
                ("situacao", int),
            ],
        ),
        relation(
            4,
            "produto",
            &[
                ("id", int),
                ("id_dominio", int),
                ("codigo", text),
                ("ind_integra_ecommerce", flag),
                ("estoque_minimo_exibicao", number),
                ("ind_fracionado", flag),
                ("situacao", int),
            ],
        ),
        relation(
            5,
            "produto_sku",
            &[
                ("id", int),
                ("id_produto", int),
                ("codigo", text),
                ("fator_embalagem", number),
                ("ind_ativo_ecommerce", flag),
                ("situacao", int),
            ],
        ),
        relation(
            STOCK,
            "estoque_saldo",
            &[
                ("id_loja", int),
                ("id_deposito", int),
                ("id_sku", int),
                ("quantidade", number),
                ("quantidade_reservada", number),
            ],
        ),
    ]
}
