//! Many changes of stock, made as fast as Postgres can.

use tokio_postgres::Client;

/// Updates rows of stock in an order that no index has, so many a transaction.
pub(super) async fn make(live: &Client, changes: i64, per_transaction: i64) {
    live.batch_execute(&format!(
        "CREATE TABLE public.pick AS SELECT id_loja, id_deposito, id_sku, \
         row_number() OVER (ORDER BY md5(id_sku::text || id_loja::text)) - 1 AS n FROM live.estoque_saldo; \
         CREATE UNIQUE INDEX ON public.pick (n); ANALYZE public.pick; \
         CREATE PROCEDURE public.backlog() LANGUAGE plpgsql AS $$ \
         DECLARE keys bigint := (SELECT count(*) FROM public.pick); at bigint := 0; BEGIN \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; \
         WHILE at < {changes} LOOP \
         UPDATE live.estoque_saldo e SET quantidade = quantidade + 1 FROM public.pick p \
         WHERE p.n >= at % keys AND p.n < at % keys + {per_transaction} AND e.id_loja = p.id_loja \
         AND e.id_deposito = p.id_deposito AND e.id_sku = p.id_sku; \
         at := at + {per_transaction}; COMMIT; END LOOP; END $$"
    ))
    .await
    .unwrap();
    live.batch_execute("CALL public.backlog()").await.unwrap();
}
