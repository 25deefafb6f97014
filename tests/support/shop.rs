//! A small reference Live, and what VTEX should show for it.

use std::collections::BTreeMap;

use tokio_postgres::Client;

const SCHEMA: &str = include_str!("../../sql/live/postgres/schema.sql");
const GENERATE: &str = include_str!("../../sql/live/postgres/generate.sql");
const EXPECTED_STOCK: &str = include_str!("../../sql/live/postgres/expected_stock.sql");

/// Fills database `live` with 2 stores and `skus` SKUs (a multiple of 200).
pub async fn create(client: &Client, skus: i64) {
    client.batch_execute(SCHEMA).await.unwrap();
    let products = skus / 4;
    client
        .batch_execute(&format!(
            "BEGIN; CREATE TEMP TABLE profile AS SELECT 1::bigint AS seed, 2 AS stores, {products} AS products, \
             {skus} AS skus, {} AS sku_prices, 50 AS customers;",
            skus / 20 * 2
        ))
        .await
        .unwrap();
    client.batch_execute(GENERATE).await.unwrap();
    // What `mare shop work` looks for before it changes anything.
    client.batch_execute("COMMENT ON SCHEMA live IS 'mare shop: test'; COMMIT").await.unwrap();
}

/// `warehouse/SKU` → quantity, computed from Live by SQL that shares nothing with the replicator.
pub async fn expected_stock(client: &Client) -> BTreeMap<String, i64> {
    let rows = client.query(EXPECTED_STOCK, &[&"hide"]).await.unwrap();
    rows.iter()
        .map(|row| {
            let (store, sku): (&str, &str) = (row.get(0), row.get(1));
            (format!("loja{store}/{sku}"), row.get(2))
        })
        .collect()
}

/// SKU → base price in centavos, for SKUs that have one.
pub async fn expected_base_prices(client: &Client) -> BTreeMap<String, i64> {
    let rows = client
        .query(
            "SELECT DISTINCT ON (s.codigo) s.codigo, round(r.valor * 100)::bigint \
             FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto \
             JOIN live.preco r ON r.id_produto = p.id AND (r.id_sku IS NULL OR r.id_sku = s.id) \
             JOIN live.tabela_preco t ON t.id = r.id_tabela_preco \
             WHERE t.codigo = 'VAREJO' AND t.situacao = 1 AND r.situacao = 1 AND r.valor > 0 \
               AND r.quantidade_minima = 1 AND r.data_vigencia_inicial <= now() AND r.data_vigencia_final > now() \
               AND (t.data_vigencia_inicial IS NULL OR t.data_vigencia_inicial <= now()) \
               AND (t.data_vigencia_final IS NULL OR t.data_vigencia_final > now()) \
               AND p.ind_integra_ecommerce \
             ORDER BY s.codigo, r.id_sku NULLS LAST",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
