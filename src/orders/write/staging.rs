//! Sites that forbid writing into their tables: the same content goes into a table of ours, from where a job of the site
//! takes it. One row for each pedido, its content as JSON; the job writes Live's number back.

use serde_json::{Value as Json, json};

use super::{Refusal, Tables, external_numbers, integer, needed, text};
use crate::core::order::inbound::{Part, Stage};
use crate::core::order::pedido::{Customer, Entry, Pedido, Place};
use crate::core::time::Timestamp;
use crate::core::value::order::OrderKind;
use crate::live::writer::{Sql, Transaction, Value};

/// `situacao` of an entry. The site's job sets the second.
const NEW: i64 = 0;
const TAKEN: i64 = 1;
/// The shopper wants to cancel it.
pub(super) const ASKED: i64 = 2;
pub(super) const CANCELLED: i64 = 9;

impl Tables {
    pub(super) async fn find_staged(
        &self,
        transaction: &mut Transaction,
        order: &str,
    ) -> Result<Vec<Part>, Refusal> {
        let table = &self.names.staging;
        let names = &table.columns;
        let sql = Sql::read("orders.staged")
            .push("SELECT ")
            .names([names.external.as_str(), &names.state, &names.number])
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.external)
            .push(" IN (")
            .values(external_numbers(order).map(|number| Value::text(number.into_string())))
            .push(")");
        let rows = transaction.fetch(&sql).await?;
        let part = |row| {
            let external = needed(text(&rows, row, 0)?)?;
            let state = integer(&rows, row, 1)?;
            Ok(Part {
                id: external.clone(),
                external,
                number: text(&rows, row, 2)?.unwrap_or_default(),
                status: state,
                stage: if state == CANCELLED { Stage::Cancelled } else { Stage::Open },
                cancellation_asked: state == ASKED,
            })
        };
        (0..rows.len()).map(part).collect()
    }

    pub(super) async fn stage(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let table = &self.names.staging;
        let names = &table.columns;
        for pedido in &entry.pedidos {
            let content = content(entry, pedido).to_string();
            let row = [
                (names.external.as_str(), Value::text(pedido.number.to_string())),
                (names.order.as_str(), Value::text(entry.order.to_string())),
                (names.state.as_str(), Value::Int(NEW)),
                (names.content.as_str(), Value::text(content)),
                (names.received_at.as_str(), Value::Moment(now)),
                (names.updated_at.as_str(), Value::Moment(now)),
            ];
            transaction.execute(&Sql::insert("orders.stage", &table.table, row)).await?;
        }
        Ok(())
    }

    /// False: it is not in the state any more in which it was read.
    pub(super) async fn stage_state(
        &self,
        transaction: &mut Transaction,
        part: &Part,
        state: i64,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let table = &self.names.staging;
        let names = &table.columns;
        debug_assert!(state != TAKEN, "that one is the site's");
        let sql = Sql::write("orders.stage.state")
            .push("UPDATE ")
            .table(&table.table)
            .push(" SET ")
            .name(&names.state)
            .push(" = ")
            .value(Value::Int(state))
            .push(", ")
            .name(&names.updated_at)
            .push(" = ")
            .value(Value::Moment(now))
            .push(" WHERE ")
            .name(&names.external)
            .push(" = ")
            .value(Value::text(part.external.to_string()))
            .push(" AND ")
            .name(&names.state)
            .push(" = ")
            .value(Value::Int(part.status));
        Ok(transaction.execute(&sql).await? > 0)
    }
}

/// The names are those of Live's columns; amounts and quantities are texts, so that nobody rounds them.
fn content(entry: &Entry, pedido: &Pedido) -> Json {
    let itens: Vec<Json> = pedido
        .lines
        .iter()
        .map(|line| {
            json!({
                "sku": line.reference, "id_externo": line.external, "quantidade": line.quantity.to_string(),
                "preco_unitario": line.unit_price.to_string(), "valor_desconto": line.discount.to_string(),
                "valor_frete": line.shipping.to_string(), "valor_total": line.total.to_string(),
                "ind_brinde": line.gift, "deposito": line.deposit,
            })
        })
        .collect();
    let pagamentos: Vec<Json> = pedido
        .payments
        .iter()
        .map(|payment| {
            json!({
                "forma": payment.form, "bandeira": payment.brand, "valor": payment.value.to_string(),
                "parcelas": payment.installments, "tid": payment.tid, "nsu": payment.nsu,
                "autorizacao": payment.authorization, "adquirente": payment.acquirer,
            })
        })
        .collect();
    let tipo = match pedido.kind {
        OrderKind::Pickup => "retira-loja",
        OrderKind::Delivery => "entrega",
        OrderKind::Seller => "pedido-vendedor",
    };
    json!({
        "numero_externo": pedido.number, "grupo_externo": pedido.group,
        "sequencia_externa": pedido.sequence, "tipo_pedido": tipo, "loja": pedido.store,
        "loja_retirada": pedido.pickup_store, "cpf_consumidor": pedido.document, "canal_venda": pedido.channel,
        "modalidade": pedido.modality, "tabela_preco": pedido.price_table,
        "valor_produtos": pedido.products.to_string(), "valor_desconto": pedido.discount.to_string(),
        "valor_frete": pedido.shipping.to_string(), "valor_acrescimo": pedido.surcharge.to_string(),
        "valor_total": pedido.total.to_string(), "transportadora": pedido.carrier,
        "servico_entrega": pedido.service, "data_prevista": pedido.expected,
        "janela_inicio": pedido.window.map(|(from, _)| from.to_string()),
        "janela_fim": pedido.window.map(|(_, to)| to.to_string()),
        "destino": pedido.destination.as_ref().map(place), "observacao": pedido.note,
        "ind_pagamento_manual": pedido.manual_payment, "data_pedido": pedido.placed_at.to_string(),
        "cliente": customer(&entry.customer), "aceite_newsletter": entry.consent.map(|at| at.to_string()),
        "itens": itens, "pagamentos": pagamentos,
    })
}

fn customer(customer: &Customer) -> Json {
    json!({
        "codigo": customer.code, "cpf_cnpj": customer.document, "nome": customer.name,
        "nome_fantasia": customer.trade_name, "rg_inscricao": customer.registration, "email": customer.email,
        "celular": customer.cell_phone, "telefone": customer.phone, "endereco": customer.address.as_ref().map(place),
    })
}

fn place(place: &Place) -> Json {
    json!({
        "destinatario": place.receiver, "logradouro": place.street, "numero": place.number,
        "complemento": place.complement, "bairro": place.neighborhood, "cidade": place.city, "uf": place.state,
        "cep": place.postal_code, "referencia": place.reference,
    })
}
