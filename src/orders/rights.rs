//! What the entry of orders may do in Live, for whoever installs: nothing that is not named here.

use crate::live::writer::TableRights;
use crate::mapping::config::MappingConfig;
use crate::mapping::orders::inbound_config::{InboundConfig, Reserve, WriteMode};
use crate::mapping::orders::written::Written;

/// Columns that are read, inserted and updated, besides the captured ones.
pub fn rights(mapping: &MappingConfig, config: &InboundConfig, written: &Written) -> Vec<TableRights> {
    match config.write {
        WriteMode::Staging => vec![staging(written)],
        WriteMode::Tables => tables(mapping, config, written),
    }
}

fn tables(mapping: &MappingConfig, config: &InboundConfig, written: &Written) -> Vec<TableRights> {
    let tables = &mapping.tables;
    let mut rights = vec![
        read(&tables.store.table, &{
            let c = &tables.store.columns;
            [&c.id, &c.code, &c.tenant]
        }),
        read(&tables.deposit.table, &{
            let c = &tables.deposit.columns;
            [&c.id, &c.code, &c.store, &written.deposit.main]
        }),
        read(&tables.carrier.table, &[&tables.carrier.columns.id, &tables.carrier.columns.code]),
        read(&tables.price_table.table, &{
            let c = &tables.price_table.columns;
            [&c.id, &c.code, &c.tenant]
        }),
        read(&tables.letter.table, &{
            let c = &tables.letter.columns;
            [&c.id, &c.tenant, &written.letter.active]
        }),
        read(&tables.purpose.table, &[&tables.purpose.columns.id, &tables.purpose.columns.code]),
    ];
    rights.extend(people(mapping, written));
    rights.extend(orders(mapping, written));
    if config.reserve == Reserve::EstoqueSaldo && !tables.stock.columns.reserved.is_empty() {
        let c = &tables.stock.columns;
        let key: [&str; 3] = [&c.store, &c.deposit, &c.sku];
        let changed: [&str; 2] = [&c.reserved, &written.stock.updated_at];
        rights.push(table(
            &tables.stock.table,
            &[&key[..], &[&c.reserved]].concat(),
            &[&key[..], &[&c.quantity], &changed[..]].concat(),
            &changed,
        ));
    }
    rights
}

fn people(mapping: &MappingConfig, written: &Written) -> Vec<TableRights> {
    let (customer, address, consent) =
        (&mapping.tables.customer, &mapping.tables.address, &mapping.tables.consent);
    let (c, added) = (&customer.columns, &written.customer);
    let inserted: [&str; 16] = [
        &c.id,
        &c.tenant,
        &c.code,
        &c.kind,
        &c.document,
        &c.registration,
        &c.name,
        &c.trade_name,
        &c.email,
        &c.cell_phone,
        &c.phone,
        &c.status,
        &added.origin,
        &added.store,
        &added.created_at,
        &added.updated_at,
    ];
    let found: [&str; 5] = [&c.id, &c.tenant, &c.document, &c.email, &c.erased];
    let customers = table(&customer.table, &found, &inserted, &[]);
    let c = &address.columns;
    let inserted: [&str; 15] = [
        &c.id,
        &c.customer,
        &c.kind,
        &c.receiver,
        &c.street,
        &c.number,
        &c.complement,
        &c.neighborhood,
        &c.city,
        &c.state,
        &c.postal_code,
        &c.country,
        &c.reference,
        &c.status,
        &written.address.updated_at,
    ];
    let found: [&str; 4] = [&c.customer, &c.number, &c.postal_code, &c.street];
    let addresses = table(&address.table, &found, &inserted, &[]);
    let c = &consent.columns;
    let inserted: [&str; 9] = [
        &c.id,
        &c.customer,
        &c.letter,
        &c.purpose,
        &c.state,
        &c.channel,
        &c.accepted,
        &written.consent.store,
        &written.consent.updated_at,
    ];
    let found: [&str; 5] = [&c.customer, &c.purpose, &c.state, &c.accepted, &c.revoked];
    vec![customers, addresses, table(&consent.table, &found, &inserted, &[])]
}

fn orders(mapping: &MappingConfig, written: &Written) -> Vec<TableRights> {
    let (order, item) = (&mapping.tables.order, &mapping.tables.order_item);
    let (c, added) = (&order.columns, &written.order);
    let inserted: [&str; 39] = [
        &c.id,
        &c.tenant,
        &c.origin,
        &c.external,
        &c.kind,
        &c.status,
        &c.status_at,
        &c.carrier,
        &c.ordered,
        &added.group,
        &added.sequence,
        &added.store,
        &added.pickup_store,
        &added.customer,
        &added.document,
        &added.channel,
        &added.modality,
        &added.price_table,
        &added.products,
        &added.discount,
        &added.shipping,
        &added.surcharge,
        &added.total,
        &added.service,
        &added.expected,
        &added.window_from,
        &added.window_to,
        &added.receiver,
        &added.street,
        &added.street_number,
        &added.complement,
        &added.neighborhood,
        &added.city,
        &added.state,
        &added.postal_code,
        &added.reference,
        &added.manual_payment,
        &added.note,
        &added.created_at,
    ];
    let found: [&str; 7] =
        [&c.id, &c.number, &c.origin, &c.external, &c.status, &added.store, &added.cancellation_asked];
    let updated: [&str; 5] =
        [&c.status, &c.status_at, &c.reason, &added.cancellation_asked, &added.updated_at];
    let inserted = [&inserted[..], &[added.updated_at.as_str()]].concat();
    let orders = table(&order.table, &found, &inserted, &updated);
    let (c, added) = (&item.columns, &written.item);
    let inserted: [&str; 12] = [
        &c.id,
        &c.order,
        &c.sku,
        &c.external,
        &c.quantity,
        &added.sequence,
        &added.unit_price,
        &added.discount,
        &added.shipping,
        &added.total,
        &added.deposit,
        &added.gift,
    ];
    let found: [&str; 4] = [&c.order, &c.sku, &c.quantity, &added.deposit];
    let items = table(&item.table, &found, &inserted, &[]);
    let c = &written.payment.columns;
    let inserted: [&str; 11] = [
        &c.id,
        &c.order,
        &c.sequence,
        &c.form,
        &c.brand,
        &c.value,
        &c.installments,
        &c.tid,
        &c.nsu,
        &c.authorization,
        &c.acquirer,
    ];
    let payments = table(&written.payment.table, &[], &inserted, &[]);
    let c = &written.status.columns;
    let inserted: [&str; 6] = [&c.order, &c.before, &c.status, &c.user, &c.reason, &c.at];
    vec![orders, items, payments, table(&written.status.table, &[], &inserted, &[])]
}

fn staging(written: &Written) -> TableRights {
    let c = &written.staging.columns;
    let found: [&str; 3] = [&c.external, &c.state, &c.number];
    let inserted: [&str; 6] = [&c.external, &c.order, &c.state, &c.content, &c.received_at, &c.updated_at];
    table(&written.staging.table, &found, &inserted, &[&c.state, &c.updated_at])
}

fn read(name: &str, columns: &[&String]) -> TableRights {
    let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    table(name, &columns, &[], &[])
}

fn table(name: &str, reads: &[&str], inserts: &[&str], updates: &[&str]) -> TableRights {
    let names = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
    TableRights {
        table: name.to_owned(),
        reads: names(reads),
        inserts: names(inserts),
        updates: names(updates),
    }
}
