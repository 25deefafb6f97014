//! What the server answers to each statement.

use std::sync::Arc;

use mare::source::changelog::sqlserver::session::READER_LOCK;
use mare::source::changelog::sqlserver::table::{ColumnFacts, TableFacts};

use crate::live::Live;
use crate::tds::{ColumnDef, Engine, Failure, Kind, Reply, Row, Value};

const TEXT: Kind = Kind::NVarChar(2_048);

fn reply(columns: &[(&str, Kind)], rows: Vec<Row>) -> Reply {
    Reply::rows(columns.iter().map(|(name, kind)| ColumnDef::nullable(name, *kind)).collect(), rows)
}

fn number(value: impl Into<i64>) -> Value {
    Value::Int(value.into())
}

/// A moment so many seconds from now, in UTC.
fn moment(seconds: i64) -> Value {
    let now = jiff::Timestamp::now().as_second() + seconds;
    // Days from 0001-01-01 to 1970-01-01.
    let days = u32::try_from(now.div_euclid(86_400) + 719_162).unwrap();
    Value::DateTimeOffset { days, units: now.rem_euclid(86_400).unsigned_abs() * 1_000, minutes: 0 }
}

const MOMENT: Kind = Kind::DateTimeOffset(3);

pub(crate) fn serve(engine: &mut Engine, live: Live) {
    let live = Arc::new(live);
    let on = |engine: &mut Engine, tag: &'static str, answer: fn(&Live, &str, &[Value]) -> Reply| {
        let live = Arc::clone(&live);
        engine.on(tag, move |_, session, params| {
            if live.failing.contains(tag) {
                return Err(Failure::new(297, 16, "The user does not have permission.").into());
            }
            if live.untold.contains(tag) {
                let mut untold = reply(&[("motivo", TEXT)], vec![vec![Value::text("no permission for it")]]);
                // A server announces what it then refuses.
                let announced = answer(&live, &session.sql, params).results.into_iter().map(|mut result| {
                    result.rows.clear();
                    result
                });
                untold.results.splice(0..0, announced);
                return Ok(untold);
            }
            Ok(answer(&live, &session.sql, params))
        });
    };
    serve_server(engine, on);
    serve_tables(engine, on);
    serve_installation(engine, on);
    engine.on("mare:lock", |engine, session, params| {
        assert_eq!(params[0].as_text(), READER_LOCK);
        let taken = engine.app_lock(READER_LOCK, session.id);
        Ok(reply(&[("resultado", Kind::Int)], vec![vec![number(if taken { 0 } else { -1 })]]))
    });
}

fn serve_server(
    engine: &mut Engine,
    on: impl Fn(&mut Engine, &'static str, fn(&Live, &str, &[Value]) -> Reply),
) {
    on(engine, "mare:probe", |live, _, _| {
        let columns = [
            ("produto_versao", TEXT),
            ("edicao", TEXT),
            ("tipo_motor", Kind::Int),
            ("descricao", TEXT),
            ("servidor", TEXT),
            ("banco", TEXT),
            ("compatibilidade", Kind::Int),
            ("leitura_por_versao", Kind::Int),
            ("isolamento_snapshot", Kind::Int),
            ("recuperacao", TEXT),
            ("usuario", TEXT),
            ("deslocamento", Kind::Int),
            ("hora_utc", MOMENT),
        ];
        let row = vec![
            Value::text(live.version),
            Value::text("Standard Edition (64-bit)"),
            number(live.engine),
            Value::text(live.description),
            Value::text("LOJA"),
            Value::text("live"),
            number(live.compatibility),
            number(0),
            number(live.allows_snapshot),
            Value::text("FULL"),
            Value::text("mare"),
            number(live.offset_seconds),
            moment(live.clock_ahead_seconds),
        ];
        reply(&columns, vec![row])
    });
    on(engine, "mare:check.roles", |live, _, _| {
        let names = ["sysadmin", "db_owner", "controla", "altera", "escreve", "ve_definicoes"];
        let row = names.map(|name| number(live.roles.contains(&name))).to_vec();
        reply(&names.map(|name| (name, Kind::Int)), vec![row])
    });
    on(engine, "mare:check.settings", |live, _, _| {
        let row = |name, value| vec![Value::text(name), number(value), Value::Null];
        let rows =
            vec![row("nested triggers", live.nested_triggers), row("disallow results from triggers", 0)];
        reply(&[("nome", TEXT), ("valor", Kind::BigInt), ("motivo", TEXT)], rows)
    });
    on(engine, "mare:check.restores", |live, _, _| {
        let when = Value::DateTime { days: 46_000, ticks: 0 };
        let rows = if live.restored { vec![vec![when, Value::Null]] } else { Vec::new() };
        reply(&[("restaurado_em", Kind::DateTime), ("motivo", TEXT)], rows)
    });
    on(engine, "mare:check.open_transactions", |live, _, _| {
        let columns = [
            ("sessao", Kind::Int),
            ("usuario", TEXT),
            ("maquina", TEXT),
            ("programa", TEXT),
            ("segundos", Kind::Int),
            ("motivo", TEXT),
        ];
        let row = vec![
            number(77),
            Value::text("erp"),
            Value::text("RETAGUARDA"),
            Value::text("Fechamento"),
            number(900),
            Value::Null,
        ];
        reply(&columns, if live.open_transaction { vec![row] } else { Vec::new() })
    });
    on(engine, "mare:check.output_in_modules", |live, _, params| {
        let found = live.modules.iter().filter(|(table, _)| params[0].as_text().contains(table));
        let rows = found.map(|(_, object)| vec![Value::text("dbo"), Value::text(*object)]);
        reply(&[("esquema", TEXT), ("objeto", TEXT)], rows.collect())
    });
    on(engine, "mare:check.output_in_cache", |live, _, params| {
        let found = live.cached.iter().filter(|table| params[0].as_text().contains(*table));
        let rows = found.map(|_| vec![Value::text("DELETE ... OUTPUT 'secret'"), Value::Null]);
        reply(&[("comando", TEXT), ("motivo", TEXT)], rows.collect())
    });
    on(engine, "mare:version.bound", |_, _, _| {
        reply(&[("limite", Kind::BigInt), ("motivo", TEXT)], vec![vec![number(9), Value::Null]])
    });
    on(engine, "mare:tracking.version", |live, _, _| {
        let version = live.tracking_version.map_or(Value::Null, number);
        reply(&[("versao", Kind::BigInt), ("motivo", TEXT)], vec![vec![version, Value::Null]])
    });
    on(engine, "mare:probe.tracking", |live, _, _| {
        let columns =
            [("ligado", Kind::Int), ("retencao", Kind::Int), ("unidade", Kind::Int), ("motivo", TEXT)];
        let (amount, unit) = live.retention;
        reply(&columns, vec![vec![number(1), number(amount), number(unit), Value::Null]])
    });
    on(engine, "mare:tracking.minimum", |live, sql, _| {
        let untracked = live.untracked.iter().any(|table| sql.contains(&format!("[{table}]")));
        let minimum = if untracked { Value::Null } else { number(1) };
        reply(&[("minimo", Kind::BigInt)], vec![vec![minimum]])
    });
}

fn serve_tables(
    engine: &mut Engine,
    on: impl Fn(&mut Engine, &'static str, fn(&Live, &str, &[Value]) -> Reply),
) {
    on(engine, "mare:check.columns", |live, _, params| {
        let all = live.tables.iter().chain(&live.change_tables);
        let is_it =
            |facts: &&TableFacts| facts.schema == params[0].as_text() && facts.table == params[1].as_text();
        describe(all.into_iter().find(is_it))
    });
    on(engine, "mare:check.rights", |live, _, params| right(live, params));
    on(engine, "mare:check.column_rights", |live, _, params| right(live, params));
    on(engine, "mare:check.owners", |live, _, params| {
        let owner = live.owners.get(params[1].as_text()).copied().unwrap_or("dbo");
        let schema_owner = live.schema_owner.map_or(Value::Null, Value::text);
        let row = vec![Value::text(owner), schema_owner];
        reply(&[("dono_da_tabela", TEXT), ("dono_do_esquema", TEXT)], vec![row])
    });
    on(engine, "mare:check.triggers", |live, _, params| {
        let columns = [
            ("gatilho", TEXT),
            ("desligado", Kind::Int),
            ("em_lugar_de", Kind::Int),
            ("identificador_entre_aspas", Kind::Int),
            ("nulos_ansi", Kind::Int),
            ("definicao", Kind::NVarCharMax),
        ];
        let found = live.triggers.get(params[1].as_text()).into_iter().flatten().map(|trigger| {
            vec![
                Value::text(trigger.name.clone()),
                number(trigger.disabled),
                number(trigger.instead_of),
                number(trigger.quoted_identifier),
                number(1),
                trigger.definition.clone().map_or(Value::Null, Value::Text),
            ]
        });
        reply(&columns, found.collect())
    });
    on(engine, "mare:check.trigger_order", |live, _, _| {
        let columns = [
            ("esquema", TEXT),
            ("tabela", TEXT),
            ("gatilho", TEXT),
            ("evento", TEXT),
            ("primeiro", Kind::Int),
            ("ultimo", Kind::Int),
            ("motivo", TEXT),
        ];
        let rows = live.order.iter().map(|texts| {
            let mut row: Row = texts.map(Value::text).to_vec();
            row.extend([number(1), number(0), Value::Null]);
            row
        });
        reply(&columns, rows.collect())
    });
    on(engine, "mare:check.codes", |live, sql, _| {
        let of = |name: &str| sql.contains(name);
        let codes = match (of("[id_dominio]"), of("[tabela_preco]")) {
            (true, _) => &live.tenants,
            (_, true) => &live.price_tables,
            _ => &live.stores,
        };
        reply(&[("codigo", TEXT)], codes.iter().map(|code| vec![Value::text(format!("{code}  "))]).collect())
    });
}

fn serve_installation(
    engine: &mut Engine,
    on: impl Fn(&mut Engine, &'static str, fn(&Live, &str, &[Value]) -> Reply),
) {
    on(engine, "mare:check.installed", |live, _, _| {
        reply(&[("tabelas", Kind::Int)], vec![vec![number(live.installed)]])
    });
    on(engine, "mare:check.login", |live, _, _| {
        let id = if live.login_exists { number(260) } else { Value::Null };
        reply(&[("login", Kind::Int), ("usuario", Kind::Int)], vec![vec![id.clone(), id]])
    });
    on(engine, "mare:check.objects", |live, _, params| {
        assert_eq!((params[0].as_text(), params[1].as_text()), ("[mare].[controle]", "mare"));
        let objects = live.objects();
        let row = |of: &str, schema: &str, name: &str| [of, schema, name].map(Value::text).to_vec();
        let triggers = objects.triggers.iter().map(|(schema, name)| row("TR", schema, name));
        let tables = objects.change_tables.iter().map(|name| row("U ", "mare", name));
        reply(
            &[("tipo", Kind::VarChar(2)), ("esquema", TEXT), ("nome", TEXT)],
            triggers.chain(tables).collect(),
        )
    });
    on(engine, "mare:check.switch", |live, _, _| {
        let columns = [
            ("captura_ligada", Kind::Int),
            ("trocas", Kind::Int),
            ("instalacao", TEXT),
            ("alterado_em", MOMENT),
            ("alterado_por", TEXT),
        ];
        let row = live
            .switch
            .map(|(on, who)| vec![number(on), number(1), Value::text("I"), moment(-60), Value::text(who)]);
        reply(&columns, row.into_iter().collect())
    });
    on(engine, "mare:check.waiting", |live, _, _| {
        let (rows, seconds) = live.waiting;
        let oldest = seconds.map_or(Value::Null, |seconds| moment(-seconds));
        let row = vec![Value::text("live.estoque_saldo"), number(rows), oldest];
        reply(&[("tabela", TEXT), ("linhas", Kind::BigInt), ("mais_antiga", MOMENT)], vec![row])
    });
    on(engine, "mare:lock.holder", |_, _, _| {
        let columns = [("sessao", Kind::Int), ("maquina", TEXT), ("programa", TEXT), ("motivo", TEXT)];
        reply(&columns, vec![vec![number(53), Value::text("CAIXA7"), Value::text("mare"), Value::Null]])
    });
}

fn right(live: &Live, params: &[Value]) -> Reply {
    let asked = (params[0].as_text().to_owned(), params[1].as_text().to_owned());
    reply(&[("permitido", Kind::Int)], vec![vec![number(!live.denied.contains(&asked))]])
}

/// `sys.columns` of a table.
fn describe(facts: Option<&TableFacts>) -> Reply {
    let mut columns = vec![("coluna", TEXT), ("tipo", TEXT)];
    let numbers = ["tamanho", "precisao", "escala", "aceita_nulo", "calculada"];
    columns.extend(numbers.map(|name| (name, Kind::Int)));
    columns.extend([("ordenacao", TEXT), ("indice", Kind::Int), ("ordem", Kind::Int)]);
    let row = |facts: &TableFacts, column: &ColumnFacts| {
        let place = facts.key.iter().position(|key| *key == column.name);
        let mut row = vec![Value::text(column.name.clone()), Value::text(column.data_type.clone())];
        row.extend([
            number(column.max_length),
            number(column.precision),
            number(column.scale),
            number(column.nullable),
            number(column.computed),
        ]);
        row.push(column.collation.clone().map_or(Value::Null, Value::Text));
        row.extend(place.map_or([Value::Null, Value::Null], |place| [number(0), number(place as i64 + 1)]));
        row
    };
    let rows = facts.map(|facts| facts.columns.iter().map(|column| row(facts, column)).collect());
    reply(&columns, rows.unwrap_or_default())
}
