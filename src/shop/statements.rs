//! The SQL behind each activity: one statement, hence one transaction, each.

use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::{Kind, Layout, Line, ShopError};

/// A till sells what lies on the shelf, whatever the books say; after some pieces below zero somebody
/// notices the delivery that was never booked. So quantities stay near zero however long a shop only sells.
const MOVEMENT: &str = "
    UPDATE live.estoque_saldo AS s
    SET quantidade = s.quantidade + CASE WHEN line.delta < 0 AND s.quantidade <= -5 THEN 40 ELSE line.delta END,
        data_ultimo_movimento = now(), data_atualizacao = now()
    FROM unnest($3::uuid[], $4::int4[]) AS line(sku, delta)
    WHERE s.id_loja = $1 AND s.id_deposito = $2 AND s.id_sku = line.sku";

const INVENTORY_COUNT: &str = "
    UPDATE live.estoque_saldo
    SET quantidade = greatest(0, quantidade + CASE get_byte(decode(md5(id_sku::text || $3::int4::text), 'hex'), 0) % 10
                                              WHEN 0 THEN -2 WHEN 1 THEN -1 WHEN 2 THEN 2 ELSE 0 END),
        data_ultimo_movimento = now(), data_atualizacao = now()
    WHERE id_loja = $1 AND id_deposito = $2";

const PRICE_RELOAD: &str = "
    UPDATE live.preco
    SET valor = round(valor * (100 + $2::int4) / 100, 2),
        preco_promocional = round(preco_promocional * (100 + $2::int4) / 100, 2), data_atualizacao = now()
    WHERE id_tabela_preco = $1";

const PROMOTION: &str = "
    UPDATE live.preco
    SET preco_promocional = CASE WHEN preco_promocional IS NULL THEN round(valor * 0.9, 2) END,
        motivo_desconto = CASE WHEN preco_promocional IS NULL THEN 'Oferta do dia' END, data_atualizacao = now()
    WHERE id_tabela_preco = $1 AND id_produto = $2 AND id_sku IS NULL";

const ACTIVE_FLAG: &str = "
    UPDATE live.produto_sku SET ind_ativo_ecommerce = NOT ind_ativo_ecommerce, data_atualizacao = now()
    WHERE id = $1";

const MINIMUM_FLAG: &str = "
    UPDATE live.produto
    SET estoque_minimo_exibicao = CASE WHEN estoque_minimo_exibicao = 0 THEN 3 ELSE 0 END, data_atualizacao = now()
    WHERE id = $1";

const INTEGRATED_FLAG: &str = "
    UPDATE live.produto SET ind_integra_ecommerce = NOT ind_integra_ecommerce, data_atualizacao = now()
    WHERE id = $1";

/// Returns how many rows it made: none when the same day is played a second time.
const NEW_SKU: &str = "
    WITH sku AS (
        INSERT INTO live.produto_sku (id, id_produto, codigo, data_cadastro, data_atualizacao)
        SELECT $2, p.id, p.codigo || '-' || lpad(next.cell::text, 2, '0'), now(), now()
        FROM live.produto AS p,
             LATERAL (SELECT count(*) + 1 AS cell FROM live.produto_sku WHERE id_produto = p.id) AS next
        WHERE p.id = $1
        ON CONFLICT DO NOTHING RETURNING id
    ), stock AS (
        INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, data_atualizacao)
        SELECT d.id_loja, d.id, sku.id, 10, now() FROM sku, live.deposito AS d WHERE d.ind_padrao
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM sku) + (SELECT count(*) FROM stock)";

/// Returns how many rows it made: none when the same day is played a second time.
const NEW_PRODUCT: &str = "
    WITH product AS (
        INSERT INTO live.produto (id, id_dominio, codigo, descricao, id_marca, id_classificador, ncm, unidade_medida,
            ind_integra_ecommerce, ind_ativo_ecommerce, peso_bruto, altura_cm, largura_cm, comprimento_cm,
            data_cadastro, data_atualizacao)
        SELECT $2, id_dominio, $4::int4::text, 'Novidade ' || $4::int4::text, id_marca, id_classificador, ncm,
            'UN', true, true, peso_bruto, altura_cm, largura_cm, comprimento_cm, now(), now()
        FROM live.produto WHERE id = $1
        ON CONFLICT DO NOTHING RETURNING id, codigo
    ), sku AS (
        INSERT INTO live.produto_sku (id, id_produto, codigo, data_cadastro, data_atualizacao)
        SELECT $3, id, codigo || '-01', now(), now() FROM product RETURNING id
    ), price AS (
        INSERT INTO live.preco (id, id_tabela_preco, id_produto, valor, quantidade_minima, data_vigencia_inicial,
            data_cadastro, data_atualizacao)
        SELECT md5(product.id::text || t.id::text)::uuid, t.id, product.id, v.valor, 1, now(), now(), now()
        FROM product, live.preco AS v JOIN live.tabela_preco AS t ON t.id = v.id_tabela_preco
        WHERE v.id_produto = $1 AND v.id_sku IS NULL AND t.tipo = 1 RETURNING 1
    ), stock AS (
        INSERT INTO live.estoque_saldo (id_loja, id_deposito, id_sku, quantidade, data_atualizacao)
        SELECT d.id_loja, d.id, sku.id, 10, now() FROM sku, live.deposito AS d WHERE d.ind_padrao RETURNING 1
    )
    SELECT (SELECT count(*) FROM product) + (SELECT count(*) FROM sku)
         + (SELECT count(*) FROM price) + (SELECT count(*) FROM stock)";

/// The statements, prepared on one connection.
#[derive(Debug)]
pub struct Statements {
    movement: Statement,
    inventory_count: Statement,
    price_reload: Statement,
    promotion: Statement,
    active_flag: Statement,
    minimum_flag: Statement,
    integrated_flag: Statement,
    new_sku: Statement,
    new_product: Statement,
}

impl Statements {
    /// Prepares them.
    ///
    /// # Errors
    /// When Postgres refuses one.
    pub async fn prepare(client: &Client) -> Result<Self, ShopError> {
        Ok(Self {
            movement: client.prepare(MOVEMENT).await?,
            inventory_count: client.prepare(INVENTORY_COUNT).await?,
            price_reload: client.prepare(PRICE_RELOAD).await?,
            promotion: client.prepare(PROMOTION).await?,
            active_flag: client.prepare(ACTIVE_FLAG).await?,
            minimum_flag: client.prepare(MINIMUM_FLAG).await?,
            integrated_flag: client.prepare(INTEGRATED_FLAG).await?,
            new_sku: client.prepare(NEW_SKU).await?,
            new_product: client.prepare(NEW_PRODUCT).await?,
        })
    }

    /// Carries out one activity on the connection that these statements were prepared on, and returns how
    /// many rows it changed.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn run(&self, client: &Client, layout: &Layout, kind: &Kind) -> Result<u64, ShopError> {
        let changed = match kind {
            Kind::Movement { store, lines } => return self.movement(client, layout, *store, lines).await,
            Kind::InventoryCount { store, count } => {
                let store = layout.stores[*store];
                let count = count.cast_signed();
                client.execute(&self.inventory_count, &[&store.id, &store.deposit, &count]).await?
            }
            Kind::PriceReload { table, percent } => {
                client.execute(&self.price_reload, &[&layout.tables[*table].id, percent]).await?
            }
            Kind::Promotion { table, product } => {
                let (table, product) = (layout.tables[*table].id, layout.products[*product]);
                client.execute(&self.promotion, &[&table, &product]).await?
            }
            Kind::ActiveFlag { sku } => client.execute(&self.active_flag, &[&layout.skus[*sku]]).await?,
            Kind::MinimumFlag { product } => {
                client.execute(&self.minimum_flag, &[&layout.products[*product]]).await?
            }
            Kind::IntegratedFlag { product } => {
                client.execute(&self.integrated_flag, &[&layout.products[*product]]).await?
            }
            Kind::NewSku { product, id } => {
                let row = client.query_one(&self.new_sku, &[&layout.products[*product], id]).await?;
                row.try_get::<_, i64>(0)?.unsigned_abs()
            }
            Kind::NewProduct { like, id, sku, code } => {
                let code = code.cast_signed();
                let row =
                    client.query_one(&self.new_product, &[&layout.products[*like], id, sku, &code]).await?;
                row.try_get::<_, i64>(0)?.unsigned_abs()
            }
        };
        Ok(changed)
    }

    async fn movement(
        &self,
        client: &Client,
        layout: &Layout,
        store: usize,
        lines: &[Line],
    ) -> Result<u64, ShopError> {
        let store = layout.stores[store];
        let skus: Vec<Uuid> = lines.iter().map(|line| layout.skus[line.sku]).collect();
        let deltas: Vec<i32> = lines.iter().map(|line| line.delta).collect();
        Ok(client.execute(&self.movement, &[&store.id, &store.deposit, &skus, &deltas]).await?)
    }
}
