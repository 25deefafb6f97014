//! Change tables and triggers in the server for tests, with what the drain asks of them.

use crate::live::{self, Shape};
use crate::tds::{
    Changed, ColumnDef, Engine, Failure, Kind, Locks, Outcome, Reply, Row, Session, Stop, Tx, Value,
};

/// Where the columns of bookkeeping stand in a stored row; those of the table follow.
const OP: usize = 1;
const FIRST: usize = 3;

/// The engine notes this to switch capture off.
pub(crate) const SWITCHED_OFF: &str = "switched off";
/// How often it was switched.
pub(crate) const SWITCHES: &str = "switches";
/// A trigger that is disabled, by its table.
pub(crate) const DISABLED: &str = "disabled";

pub(crate) fn change_table(table: &str) -> String {
    format!("alt_{table}")
}

/// Makes the change tables with their triggers.
pub(crate) fn install(engine: &mut Engine) {
    for shape in live::shapes() {
        let mut columns = vec![
            ColumnDef::new("mare_versao", Kind::RowVersion),
            ColumnDef::new("mare_op", Kind::Char(1)),
            ColumnDef::new("mare_capturado_em", Kind::DateTime2(3)),
        ];
        columns.extend(shape.columns());
        engine.create(&change_table(shape.name), columns);
        engine.trigger(shape.name, move |engine, tx, changed| capture(engine, tx, shape, changed));
    }
    engine.on("mare:check.installed", |_, _, _| Ok(Reply::scalar("tabelas", Kind::Int, Value::Int(1))));
    engine.on("mare:check.rights", |_, _, _| Ok(Reply::scalar("permitido", Kind::Int, Value::Int(1))));
    engine.on("mare:check.switch", |engine, _, _| {
        let note = |name: &str, default| engine.notes.get(name).cloned().unwrap_or(default);
        let off = engine.notes.contains_key(SWITCHED_OFF);
        let columns = vec![
            ColumnDef::new("captura_ligada", Kind::Int),
            ColumnDef::new("trocas", Kind::Int),
            ColumnDef::new("instalacao", Kind::NVarChar(36)),
        ];
        let row = vec![
            Value::Int(i64::from(!off)),
            note(SWITCHES, Value::Int(0)),
            note("installation", Value::text("I1")),
        ];
        Ok(Reply::rows(columns, vec![row]))
    });
    engine.on("mare:check.open_now", |engine, session, _| {
        let columns = vec![ColumnDef::nullable("transacao", Kind::BigInt)];
        let open = engine
            .open_transactions()
            .into_iter()
            .filter(|tx| *tx != session.tx)
            .map(|tx| vec![Value::Int(tx.0 as i64)]);
        Ok(Reply::rows(columns, open.collect()))
    });
    engine.on("mare:check.triggers", |engine, _, params| Ok(triggers(engine, params[1].as_text())));
    engine.on("mare:check.waiting", |engine, session, _| Ok(waiting(engine, session)));
    install_drain(engine);
}

/// What the trigger of `sql/capture/sqlserver/trigger.sql` does.
fn capture(engine: &mut Engine, tx: Tx, shape: &Shape, changed: &Changed) -> Outcome<()> {
    if engine.notes.contains_key(SWITCHED_OFF) || engine.notes.contains_key(&disabled(shape.name)) {
        return Ok(());
    }
    let keys = shape.key.len();
    let versioned = |row: &Row| live::without_version(row.clone());
    let is_in = |rows: &[Row], key: &[Value]| rows.iter().any(|row| row[..keys] == *key);
    let gone =
        changed.deleted.iter().filter(|row| !is_in(&changed.inserted, &row[..keys])).map(|row| ('D', row));
    let unchanged = |row: &Row| changed.deleted.iter().any(|before| versioned(before) == versioned(row));
    let here = changed.inserted.iter().filter(|row| !unchanged(row)).map(|row| ('U', row));
    let rows = gone.chain(here).map(|(op, row)| {
        let at = Value::datetime2("2026-05-10T12:00:00", 3);
        [vec![Value::Null, Value::text(op), at], versioned(row)].concat()
    });
    let rows = rows.collect();
    engine.insert(tx, &change_table(shape.name), rows).map(drop)
}

pub(crate) fn disabled(table: &str) -> String {
    format!("{DISABLED} {table}")
}

fn triggers(engine: &Engine, table: &str) -> Reply {
    let columns = vec![
        ColumnDef::new("gatilho", Kind::NVarChar(128)),
        ColumnDef::new("desligado", Kind::Int),
        ColumnDef::nullable("definicao", Kind::NVarChar(200)),
    ];
    let off = i64::from(engine.notes.contains_key(&disabled(table)));
    Reply::rows(columns, vec![vec![Value::text(format!("mare_{table}")), Value::Int(off), Value::Null]])
}

fn waiting(engine: &mut Engine, session: &Session) -> Reply {
    let columns = vec![
        ColumnDef::new("tabela", Kind::NVarChar(200)),
        ColumnDef::nullable("linhas", Kind::BigInt),
        ColumnDef::nullable("mais_antiga", Kind::DateTimeOffset(3)),
    ];
    let rows = tables_of(session).into_iter().map(|table| {
        let there = engine.read(session.tx, &table, Locks::ReadPast).unwrap_or_default();
        vec![Value::text(table), Value::Int(there.len() as i64), Value::Null]
    });
    let rows = rows.collect();
    Reply::rows(columns, rows)
}

/// The change tables that a statement names, in its order.
fn tables_of(session: &Session) -> Vec<String> {
    let mut names: Vec<String> = session
        .sql
        .split("[mare].[")
        .skip(1)
        .filter_map(|rest| rest.split_once(']').map(|(name, _)| name.to_owned()))
        .collect();
    names.dedup();
    names
}

fn install_drain(engine: &mut Engine) {
    engine.on("mare:drain.bound", |engine, session, _| {
        let columns = vec![ColumnDef::new("tabela", Kind::Int), ColumnDef::nullable("limite", Kind::BigInt)];
        let mut rows = Vec::new();
        for (index, table) in tables_of(session).iter().enumerate() {
            let there = engine.read(session.tx, table, Locks::ReadPast)?;
            let highest = there.iter().map(|row| row[0].as_rowversion()).max();
            let highest = highest.map_or(Value::Null, |number| Value::Int(number as i64));
            rows.push(vec![Value::Int(index as i64), highest]);
        }
        Ok(Reply::rows(columns, rows))
    });
    engine.on("mare:drain.page", |engine, session, params| {
        let table = tables_of(session).remove(0);
        let [limit, after, bound] = params else { panic!("{params:?}") };
        let page =
            page(engine, session, &table, limit.as_int(), after.as_rowversion(), bound.as_rowversion())?;
        // Somebody commits the moment after a page of stock was read.
        if table == change_table(live::STOCK) && limit.as_int() > 0 {
            meanwhile(engine);
        }
        Ok(page)
    });
    engine.on("mare:drain.delete", |engine, session, params| {
        let table = tables_of(session).remove(0);
        let [numbers, count] = params else { panic!("{params:?}") };
        let Value::Binary(bytes) = numbers else { panic!("{numbers:?}") };
        assert_eq!(bytes.len() as i64, count.as_int() * 8);
        let numbers: Vec<u64> =
            bytes.chunks(8).map(|bytes| u64::from_be_bytes(bytes.try_into().unwrap())).collect();
        let deleted = engine
            .delete(session.tx, &table, Locks::Wait, |row| numbers.contains(&row[0].as_rowversion()))?;
        Ok(Reply::affected(deleted as u64))
    });
}

fn page(
    engine: &Engine,
    session: &Session,
    table: &str,
    limit: i64,
    after: u64,
    bound: u64,
) -> Outcome<Reply> {
    let stored = engine.columns(table);
    let mut columns = vec![
        ColumnDef::new("versao", Kind::BigInt),
        ColumnDef::new("mare_op", Kind::Char(1)),
        ColumnDef::new("mare_origem", Kind::TinyInt),
        ColumnDef::new("mare_capturado_em", Kind::DateTimeOffset(3)),
    ];
    columns.extend_from_slice(&stored[FIRST..]);
    let mut rows = engine.read(session.tx, table, Locks::ReadPast)?;
    rows.retain(|row| row[0].as_rowversion() > after && row[0].as_rowversion() <= bound);
    rows.sort_by_key(|row| row[0].as_rowversion());
    rows.truncate(limit as usize);
    let rows = rows.into_iter().map(|row| {
        let number = Value::Int(row[0].as_rowversion() as i64);
        let Value::DateTime2 { days, units } = row[OP + 1] else { panic!("{row:?}") };
        let at = Value::DateTimeOffset { days, units, minutes: 0 };
        [vec![number, row[OP].clone(), Value::Int(0), at], row[FIRST..].to_vec()].concat()
    });
    Ok(Reply::rows(columns, rows.collect()))
}

/// Lets the transaction go on that a test has noted: it commits, and after it SKU 1 gets another quantity.
fn meanwhile(engine: &mut Engine) {
    if let Some(Value::Int(tx)) = engine.notes.remove("commits after a page") {
        engine.commit(Tx(tx as u64));
    } else {
        return;
    }
    if let Some(Value::Int(quantity)) = engine.notes.remove("then SKU 1 gets") {
        engine.autocommit(|engine, tx| live::set_quantity(engine, tx, 1, quantity));
    }
}

/// What a server says that has no change tables, or does not show them.
pub(crate) fn uninstall(engine: &mut Engine) {
    engine.on("mare:check.installed", |_, _, _| Ok(Reply::scalar("tabelas", Kind::Int, Value::Int(0))));
}

/// A mapped column is dropped from the change table.
pub(crate) fn lose_column(engine: &mut Engine) {
    engine.on("mare:drain.page", |_, _, _| -> Outcome<Reply> {
        Err(Stop::from(Failure::new(207, 16, "Invalid column name 'quantidade'.")))
    });
}
