//! What staff does, played on the reference schema: plain changes of the shop's own, captured like all others.
//!
//! The codes are those of the reference schema, whatever the configuration says of them: a wrong mapping has to show.

use anyhow::{Context, bail};
use compact_str::CompactString;

use super::live::{decimal, id_value, integer, row_id};
use crate::core::money::Decimal4;
use crate::core::order::Step;
use crate::live::writer::{Rows, Sql, Transaction, Value, Writer};
use crate::mapping::cell::RowId;
use crate::mapping::orders::StatusCodes;
use crate::pipeline::wall_clock;
use crate::validate::Act;

/// Who changed a status, in Live's own history.
const USER: &str = "mare validate";
/// The series of invented documents: no till of a real shop uses it.
const SERIES: i64 = 990;
const NFE: i64 = 55;
const NFCE: i64 = 65;

/// Plays staff.
pub(super) struct Player {
    /// Its transactions carry no mark of maré's.
    pub(super) writer: Writer,
}

/// A pedido as it stands.
struct Pedido {
    id: RowId,
    store: RowId,
    status: i64,
    products: Decimal4,
    shipping: Decimal4,
    total: Decimal4,
}

struct Line {
    sku: RowId,
    deposit: Option<RowId>,
    quantity: Decimal4,
    price: Decimal4,
    total: Decimal4,
}

impl Player {
    /// Does it to the pedidos `numbers` (`numero_externo`).
    pub(super) async fn perform(&self, act: Act, numbers: &[CompactString]) -> anyhow::Result<()> {
        if numbers.is_empty() {
            bail!("the order is not in Live: there is nothing to work on");
        }
        for number in numbers {
            let mut live = self.writer.begin().await?;
            let pedido = find(&mut live, number).await?;
            match act {
                Act::Status(step) => step_to(&mut live, &pedido, step, &[]).await?,
                Act::CloseAtTill => {
                    document(&mut live, &pedido, NFCE, "A").await?;
                    move_stock(&mut live, &pedido, -1, -1).await?;
                    step_to(&mut live, &pedido, Step::ClosedAtTill, &[]).await?;
                }
                Act::Issue => {
                    document(&mut live, &pedido, NFE, "P").await?;
                    move_stock(&mut live, &pedido, -1, -1).await?;
                    live.commit().await?;
                    // The tax office answers later.
                    live = self.writer.begin().await?;
                    authorise(&mut live, &pedido).await?;
                }
                Act::Dispatch => dispatch(&mut live, &pedido, number).await?,
                Act::TakeBack(step) => {
                    take_back(&mut live, &pedido).await?;
                    move_stock(&mut live, &pedido, 1, 0).await?;
                    step_to(&mut live, &pedido, step, &[]).await?;
                }
                Act::Cancel => {
                    move_stock(&mut live, &pedido, 0, -1).await?;
                    let reason = [("motivo_cancelamento", Value::text("Validação"))];
                    step_to(&mut live, &pedido, Step::Cancelled, &reason).await?;
                }
            }
            live.commit().await?;
        }
        Ok(())
    }
}

async fn find(live: &mut Transaction, number: &CompactString) -> anyhow::Result<Pedido> {
    let columns = ["id", "id_loja", "status", "valor_produtos", "valor_frete", "valor_total"];
    let sql = Sql::read("validate.act.pedido").push("SELECT ").names(columns).push(" FROM ");
    let sql =
        sql.table("live.pedido_venda").push(" WHERE ").name("origem").push(" = ").value(Value::text("VTEX"));
    let sql = sql.push(" AND ").name("numero_externo").push(" = ").value(Value::text(number.to_string()));
    let rows = live.fetch(&sql).await?;
    if rows.len() != 1 {
        bail!("Live has no pedido {number} any more");
    }
    Ok(Pedido {
        id: known(row_id(&rows, 0, 0))?,
        store: known(row_id(&rows, 0, 1))?,
        status: known(integer(&rows, 0, 2))?.context("a pedido without a status")?,
        products: known(decimal(&rows, 0, 3))?,
        shipping: known(decimal(&rows, 0, 4))?,
        total: known(decimal(&rows, 0, 5))?,
    })
}

async fn lines(live: &mut Transaction, pedido: &Pedido) -> anyhow::Result<Vec<Line>> {
    let columns = ["id_sku", "id_deposito", "quantidade", "preco_unitario", "valor_total"];
    let sql = Sql::read("validate.act.items").push("SELECT ").names(columns).push(" FROM ");
    let sql = sql.table("live.pedido_venda_item").push(" WHERE ").name("id_pedido").push(" = ");
    let rows = live.fetch(&sql.value(id_value(&pedido.id)).push(" ORDER BY ").name("sequencia")).await?;
    let line = |rows: &Rows, row| {
        Ok(Line {
            sku: row_id(rows, row, 0)?,
            deposit: row_id(rows, row, 1).ok(),
            quantity: decimal(rows, row, 2)?,
            price: decimal(rows, row, 3)?,
            total: decimal(rows, row, 4)?,
        })
    };
    known((0..rows.len()).map(|row| line(&rows, row)).collect())
}

/// The new status, with a line in Live's own history.
async fn step_to(
    live: &mut Transaction,
    pedido: &Pedido,
    step: Step,
    more: &[(&str, Value)],
) -> anyhow::Result<()> {
    let code = StatusCodes::default().code(step).with_context(|| format!("no code for {step}"))?;
    let now = Value::Moment(wall_clock());
    let set = [("status", Value::Int(code)), ("data_status", now.clone()), ("data_atualizacao", now.clone())];
    let set = set.iter().chain(more);
    changed(live, &update("live.pedido_venda", set).name("id").push(" = ").value(id_value(&pedido.id)))
        .await?;
    let row = [
        ("id_pedido", id_value(&pedido.id)),
        ("status_anterior", Value::Int(pedido.status)),
        ("status", Value::Int(code)),
        ("usuario", Value::text(USER)),
        ("data_status", now),
    ];
    changed(live, &Sql::insert("validate.act.history", "live.pedido_venda_status", row)).await
}

/// An invented fiscal document of all that was ordered.
async fn document(
    live: &mut Transaction,
    pedido: &Pedido,
    model: i64,
    state: &'static str,
) -> anyhow::Result<()> {
    let number = next_number(live, pedido, model).await?;
    let id = new_id();
    let now = Value::Moment(wall_clock());
    let row = [
        ("id", id.clone()),
        ("id_loja", id_value(&pedido.store)),
        ("id_pedido", id_value(&pedido.id)),
        ("modelo", Value::Int(model)),
        ("operacao", Value::Int(1)),
        ("numero", Value::Int(number)),
        ("serie", Value::Int(SERIES)),
        ("chave_acesso", Value::text(access_key(model, number))),
        ("situacao", Value::text(state)),
        ("valor_produtos", amount(pedido.products)),
        ("valor_frete", amount(pedido.shipping)),
        ("valor_total", amount(pedido.total)),
        ("data_emissao", now.clone()),
        ("data_atualizacao", now),
    ];
    changed(live, &Sql::insert("validate.act.document", "live.nota_fiscal", row)).await?;
    for line in lines(live, pedido).await? {
        let row = [
            ("id", new_id()),
            ("id_nota", id.clone()),
            ("id_sku", id_value(&line.sku)),
            ("quantidade", amount(line.quantity)),
            ("preco_unitario", amount(line.price)),
            ("valor_total", amount(line.total)),
        ];
        changed(live, &Sql::insert("validate.act.document.item", "live.nota_fiscal_item", row)).await?;
    }
    Ok(())
}

async fn next_number(live: &mut Transaction, pedido: &Pedido, model: i64) -> anyhow::Result<i64> {
    let sql = Sql::read("validate.act.number").push("SELECT max(").name("numero").push(") FROM ");
    let sql = sql.table("live.nota_fiscal").push(" WHERE ").name("id_loja").push(" = ");
    let sql =
        sql.value(id_value(&pedido.store)).push(" AND ").name("modelo").push(" = ").value(Value::Int(model));
    let rows = live.fetch(&sql.push(" AND ").name("serie").push(" = ").value(Value::Int(SERIES))).await?;
    Ok(known(integer(&rows, 0, 0))?.unwrap_or(0) + 1)
}

/// 44 digits that nobody takes for a real key: no state, no date, no CNPJ. The last one checks the others, modulo 11.
fn access_key(model: i64, number: i64) -> String {
    let mut key = format!("{:020}{model:02}{SERIES:03}{number:09}1{number:08}", 0);
    let sum: u32 =
        key.bytes().rev().zip((2..=9).cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    key.push_str(&check.to_string());
    key
}

async fn authorise(live: &mut Transaction, pedido: &Pedido) -> anyhow::Result<()> {
    let set = [("situacao", Value::text("A")), ("data_atualizacao", Value::Moment(wall_clock()))];
    let sql = update("live.nota_fiscal", &set).name("id_pedido").push(" = ").value(id_value(&pedido.id));
    changed(live, &sql.push(" AND ").name("situacao").push(" = ").value(Value::text("P"))).await
}

async fn take_back(live: &mut Transaction, pedido: &Pedido) -> anyhow::Result<()> {
    let now = Value::Moment(wall_clock());
    let set = [("situacao", Value::text("C")), ("data_cancelamento", now.clone()), ("data_atualizacao", now)];
    let sql = update("live.nota_fiscal", &set).name("id_pedido").push(" = ").value(id_value(&pedido.id));
    changed(live, &sql.push(" AND ").name("situacao").push(" = ").value(Value::text("A"))).await
}

/// One parcel with an invented tracking code.
async fn dispatch(live: &mut Transaction, pedido: &Pedido, number: &str) -> anyhow::Result<()> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let row = [
        ("id", new_id()),
        ("id_pedido", id_value(&pedido.id)),
        ("numero", Value::Int(1)),
        ("data_despacho", Value::Moment(wall_clock())),
    ];
    changed(live, &Sql::insert("validate.act.parcel", "live.pedido_venda_volume", row)).await?;
    let tracking = [("codigo_rastreio", Value::text(format!("VALIDA{digits}")))];
    step_to(live, pedido, Step::Dispatched, &tracking).await
}

/// By so many times what was ordered.
async fn move_stock(
    live: &mut Transaction,
    pedido: &Pedido,
    on_hand: i64,
    reserved: i64,
) -> anyhow::Result<()> {
    for line in lines(live, pedido).await? {
        let Some(deposit) = line.deposit else { continue };
        let times = |times: i64| amount(Decimal4(line.quantity.0.saturating_mul(times)));
        let sql = Sql::write("validate.act.stock").push("UPDATE ").table("live.estoque_saldo").push(" SET ");
        let sql = sql
            .name("quantidade")
            .push(" = ")
            .name("quantidade")
            .push(" + ")
            .value(times(on_hand))
            .push(", ");
        let sql = sql.name("quantidade_reservada").push(" = ").name("quantidade_reservada").push(" + ");
        let sql = sql.value(times(reserved)).push(", ").name("data_atualizacao").push(" = ");
        let sql = sql.value(Value::Moment(wall_clock())).push(" WHERE ").name("id_loja").push(" = ");
        let sql = sql.value(id_value(&pedido.store)).push(" AND ").name("id_deposito").push(" = ");
        let sql = sql.value(id_value(&deposit)).push(" AND ").name("id_sku").push(" = ");
        changed(live, &sql.value(id_value(&line.sku))).await?;
    }
    Ok(())
}

/// `UPDATE table SET … WHERE `
fn update<'a>(table: &str, set: impl IntoIterator<Item = &'a (&'a str, Value)>) -> Sql {
    let mut sql = Sql::write("validate.act.update").push("UPDATE ").table(table).push(" SET ");
    for (number, (name, value)) in set.into_iter().enumerate() {
        sql = if number == 0 { sql } else { sql.push(", ") };
        sql = sql.name(name).push(" = ").value(value.clone());
    }
    sql.push(" WHERE ")
}

/// What changes nothing was not there to be changed.
async fn changed(live: &mut Transaction, sql: &Sql) -> anyhow::Result<()> {
    if live.execute(sql).await? == 0 {
        bail!("Live has changed meanwhile: what was to be changed is not there");
    }
    Ok(())
}

fn amount(amount: Decimal4) -> Value {
    Value::Decimal(amount.to_string())
}

fn new_id() -> Value {
    let bytes = fastrand::u128(..).to_be_bytes();
    Value::Uuid(uuid::Builder::from_random_bytes(bytes).into_uuid().as_u128())
}

fn known<T>(read: Result<T, String>) -> anyhow::Result<T> {
    read.map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_key_has_44_digits_of_which_the_last_checks_the_others() {
        let key = access_key(NFE, 7);
        assert_eq!((key.len(), &key[20..34]), (44, "55990000000007"));
        assert!(key.bytes().all(|digit| digit.is_ascii_digit()));
        assert_ne!(access_key(NFE, 8), key);
    }
}
