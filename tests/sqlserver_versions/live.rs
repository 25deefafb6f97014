//! A small Live in the server for tests, with what the reader of versions asks of it. What is asked for chunks of rows
//! stands in [`crate::pages`].

use std::collections::BTreeMap;

use crate::pages;
use crate::tds::{ColumnDef, Engine, Failure, Kind, Locks, Outcome, Reply, Row, Session, Tx, Value};

/// A table: name, columns of the key, the other columns. Each has a row version too.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [(&'static str, Kind)],
    others: &'static [(&'static str, Kind)],
}

const QUANTITY: Kind = Kind::Decimal { precision: 15, scale: 0 };

static SHAPES: [Shape; 21] = [
    Shape {
        name: "loja",
        key: &[("id", Kind::Int)],
        others: &[
            ("id_dominio", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("ind_integra_ecommerce", Kind::Bit),
            ("situacao", Kind::Int),
        ],
    },
    Shape {
        name: "deposito",
        key: &[("id", Kind::Int)],
        others: &[
            ("id_loja", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("ind_disponivel_ecommerce", Kind::Bit),
            ("situacao", Kind::Int),
        ],
    },
    Shape {
        name: "produto",
        key: &[("id", Kind::Int)],
        others: &[
            ("id_dominio", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("ind_integra_ecommerce", Kind::Bit),
            ("estoque_minimo_exibicao", QUANTITY),
            ("ind_fracionado", Kind::Bit),
            ("situacao", Kind::Int),
            ("descricao", Kind::NVarChar(150)),
            ("descricao_resumida", Kind::NVarChar(50)),
            ("descricao_ecommerce", Kind::NVarChar(400)),
            ("titulo_ecommerce", Kind::NVarChar(150)),
            ("palavras_chave", Kind::NVarChar(400)),
            ("meta_descricao", Kind::NVarChar(320)),
            ("id_marca", Kind::Int),
            ("id_classificador", Kind::Int),
            ("ncm", Kind::NVarChar(20)),
            ("unidade_medida", Kind::NVarChar(6)),
            ("tipo_produto", Kind::Int),
            ("ind_ativo_ecommerce", Kind::Bit),
            ("ordem_exibicao", Kind::Int),
            ("peso_bruto", MEASURE),
            ("altura_cm", MEASURE),
            ("largura_cm", MEASURE),
            ("comprimento_cm", MEASURE),
            ("data_lancamento", Kind::Date),
            ("referencia", Kind::NVarChar(40)),
        ],
    },
    Shape {
        name: SKU,
        key: &[("id", Kind::Int)],
        others: &[
            ("id_produto", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("fator_embalagem", QUANTITY),
            ("ind_ativo_ecommerce", Kind::Bit),
            ("situacao", Kind::Int),
            ("id_cor", Kind::Int),
            ("id_tamanho", Kind::Int),
            ("complemento", Kind::NVarChar(60)),
            ("peso_bruto", MEASURE),
            ("altura_cm", MEASURE),
            ("largura_cm", MEASURE),
            ("comprimento_cm", MEASURE),
        ],
    },
    Shape {
        name: STOCK,
        key: &[("id_loja", Kind::Int), ("id_deposito", Kind::Int), ("id_sku", Kind::Int)],
        others: &[("quantidade", QUANTITY), ("quantidade_reservada", QUANTITY)],
    },
    // No version is read of these: they are for the reader of chunks.
    Shape {
        name: BALANCE,
        key: &[("id_loja", Kind::Int), ("id_deposito", Kind::Int), ("id_sku", Kind::Guid)],
        others: &[("quantidade", QUANTITY)],
    },
    Shape {
        name: PRICE,
        key: &[("id", Kind::Guid)],
        others: &[
            ("id_produto", Kind::Int),
            ("valor", Kind::Decimal { precision: 15, scale: 4 }),
            ("data_vigencia_inicial", Kind::DateTime2(3)),
            ("data_cadastro", Kind::Date),
            ("observacao", Kind::NVarChar(40)),
        ],
    },
    Shape {
        name: GROUP,
        key: &[("codigo", Kind::NVarChar(20))],
        others: &[("descricao", Kind::NVarChar(40))],
    },
    // What products are put together from.
    Shape { name: "marca", key: ID, others: NAMED },
    Shape {
        name: "classificador",
        key: ID,
        others: &[
            ("id_dominio", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("id_pai", Kind::Int),
            ("descricao", Kind::NVarChar(60)),
            ("situacao", Kind::Int),
            ("nivel", Kind::Int),
        ],
    },
    Shape { name: "cor", key: ID, others: NAMED },
    Shape { name: "tamanho", key: ID, others: NAMED },
    Shape {
        name: "produto_codigo_barras",
        key: ID,
        others: &[
            ("id_sku", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("tipo", Kind::Int),
            ("ind_principal", Kind::Bit),
            ("situacao", Kind::Int),
        ],
    },
    Shape {
        name: "produto_imagem",
        key: ID,
        others: &[
            ("id_produto", Kind::Int),
            ("id_cor", Kind::Int),
            ("ordem", Kind::Int),
            ("url", Kind::NVarChar(500)),
            ("texto", Kind::NVarChar(120)),
            ("ind_principal", Kind::Bit),
        ],
    },
    Shape {
        name: "produto_especificacao",
        key: ID,
        others: &[("id_produto", Kind::Int), ("nome", Kind::NVarChar(60)), ("valor", Kind::NVarChar(400))],
    },
    Shape {
        name: "produto_kit_componente",
        key: ID,
        others: &[
            ("id_sku_kit", Kind::Int),
            ("id_sku", Kind::Int),
            ("quantidade", MEASURE),
            ("preco_unitario", MEASURE),
        ],
    },
    // And customers.
    Shape {
        name: "cliente",
        key: ID,
        others: &[
            ("id_dominio", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("tipo_pessoa", Kind::Int),
            ("cpf_cnpj", Kind::NVarChar(14)),
            ("rg_inscricao", Kind::NVarChar(20)),
            ("nome", Kind::NVarChar(150)),
            ("nome_fantasia", Kind::NVarChar(150)),
            ("data_nascimento", Kind::Date),
            ("sexo", Kind::Int),
            ("email", Kind::NVarChar(150)),
            ("celular", Kind::NVarChar(20)),
            ("telefone", Kind::NVarChar(20)),
            ("situacao", Kind::Int),
            ("data_anonimizacao", Kind::DateTime2(3)),
        ],
    },
    Shape {
        name: "cliente_endereco",
        key: ID,
        others: &[
            ("id_cliente", Kind::Int),
            ("tipo", Kind::Int),
            ("destinatario", Kind::NVarChar(100)),
            ("logradouro", Kind::NVarChar(100)),
            ("numero", Kind::NVarChar(20)),
            ("complemento", Kind::NVarChar(60)),
            ("bairro", Kind::NVarChar(60)),
            ("cidade", Kind::NVarChar(60)),
            ("uf", Kind::NVarChar(2)),
            ("cep", Kind::NVarChar(9)),
            ("pais", Kind::NVarChar(3)),
            ("referencia", Kind::NVarChar(100)),
            ("situacao", Kind::Int),
        ],
    },
    Shape {
        name: "carta_consentimento",
        key: ID,
        others: &[
            ("id_dominio", Kind::Int),
            ("codigo", Kind::NVarChar(20)),
            ("versao", Kind::Int),
            ("hash_texto", Kind::NVarChar(64)),
        ],
    },
    Shape { name: "finalidade_consentimento", key: ID, others: &[("codigo", Kind::NVarChar(20))] },
    Shape {
        name: "cliente_consentimento",
        key: ID,
        others: &[
            ("id_cliente", Kind::Int),
            ("id_carta", Kind::Int),
            ("id_finalidade", Kind::Int),
            ("situacao", Kind::Int),
            ("canal", Kind::NVarChar(20)),
            ("data_aceite", Kind::DateTime2(3)),
            ("data_revogacao", Kind::DateTime2(3)),
        ],
    },
];

const ID: &[(&str, Kind)] = &[("id", Kind::Int)];
const MEASURE: Kind = Kind::Decimal { precision: 15, scale: 4 };
const NAMED: &[(&str, Kind)] = &[
    ("id_dominio", Kind::Int),
    ("codigo", Kind::NVarChar(20)),
    ("descricao", Kind::NVarChar(60)),
    ("situacao", Kind::Int),
];

pub(crate) const STOCK: &str = "estoque_saldo";
pub(crate) const PRODUCT: &str = "produto";
pub(crate) const SKU: &str = "produto_sku";
/// As stock, with SKUs that are known by a `uniqueidentifier`.
pub(crate) const BALANCE: &str = "saldo";
pub(crate) const PRICE: &str = "preco";
/// Known by a text.
pub(crate) const GROUP: &str = "grupo";
pub(crate) const QUANTITY_COLUMN: usize = 3;

impl Shape {
    /// The table that a statement is about.
    pub(crate) fn of(session: &Session) -> &'static Self {
        let named = |shape: &&Self| session.sql.contains(&format!("[{}]", shape.name));
        SHAPES.iter().find(named).expect("the statement names a table")
    }

    pub(crate) fn named(table: &str) -> &'static Self {
        SHAPES.iter().find(|shape| shape.name == table).expect("a table of this Live")
    }

    pub(crate) fn columns(&self) -> Vec<ColumnDef> {
        self.key.iter().chain(self.others).map(|(name, kind)| ColumnDef::nullable(name, *kind)).collect()
    }
}

pub(crate) fn shapes() -> &'static [Shape] {
    &SHAPES
}

/// What a table holds besides its row version, which stands last.
pub(crate) fn without_version(mut row: Row) -> Row {
    row.pop();
    row
}

/// Makes the tables and answers what is asked of them.
pub(crate) fn install(engine: &mut Engine) {
    for shape in &SHAPES {
        let mut columns = shape.columns();
        columns.push(ColumnDef::new("versao_linha", Kind::RowVersion));
        engine.create(shape.name, columns);
    }
    engine.on("mare:probe", |engine, _, _| {
        let snapshots = engine.notes.get("snapshots").cloned().unwrap_or(Value::Int(0));
        let columns = vec![
            ColumnDef::new("servidor", Kind::NVarChar(128)),
            ColumnDef::new("banco", Kind::NVarChar(128)),
            ColumnDef::new("isolamento_snapshot", Kind::Int),
        ];
        Ok(Reply::rows(columns, vec![vec![Value::text("LOJA"), Value::text("live"), snapshots]]))
    });
    engine.on("mare:probe.fork", |engine, _, _| {
        let fork = engine.notes.get("fork").cloned().unwrap_or_else(|| Value::text("A"));
        let texts = ["banco", "ramo", "motivo"].map(|name| ColumnDef::nullable(name, Kind::NVarChar(2_048)));
        Ok(Reply::rows(texts.to_vec(), vec![vec![Value::text("B"), fork, Value::Null]]))
    });
    engine.on("mare:lock", |engine, session, params| {
        let taken = engine.app_lock(params[0].as_text(), session.id);
        Ok(Reply::scalar("resultado", Kind::Int, Value::Int(if taken { 0 } else { -1 })))
    });
    engine.on("mare:lock.holder", |_, _, _| {
        let texts = ["maquina", "programa"].map(|name| ColumnDef::nullable(name, Kind::NVarChar(128)));
        Ok(Reply::rows(texts.to_vec(), vec![vec![Value::text("CAIXA7"), Value::text("mare")]]))
    });
    engine.on("mare:check.columns", |engine, _, params| Ok(describe(engine, params[1].as_text())));
    pages::install(engine);
    install_tracking(engine);
    install_row_versions(engine);
}

fn install_tracking(engine: &mut Engine) {
    engine.on("mare:tracking.version", |engine, _, _| {
        Ok(number_or_reason("versao", engine.tracking_version() as i64))
    });
    engine.on("mare:tracking.minimum", |engine, session, _| {
        let minimum = engine.notes.get(&minimum_note(Shape::of(session).name)).cloned();
        let columns = vec![ColumnDef::nullable("minimo", Kind::BigInt)];
        Ok(Reply::rows(columns, vec![vec![minimum.unwrap_or(Value::Int(0))]]))
    });
    engine.on("mare:tracking.changes", |engine, session, params| {
        let shape = Shape::of(session);
        // In the first round that reaches this version.
        let fails = format!("fail {}", shape.name);
        if engine.notes.get(&fails).is_some_and(|version| version.as_int() <= params[1].as_int()) {
            engine.notes.remove(&fails);
            return Err(Failure::new(701, 17, "There is insufficient system memory.").into());
        }
        engine.notes.insert("read in a transaction".to_owned(), Value::Bit(session.in_transaction));
        let (after, upto) = (params[0].as_int() as u64, params[1].as_int() as u64);
        let reply = tracked(engine, session.tx, shape, after, upto)?;
        // Somebody commits the moment after the table was read.
        if shape.name == STOCK
            && let Some(Value::Int(quantity)) = engine.notes.remove("sale after reading")
        {
            engine.autocommit(|engine, tx| set_quantity(engine, tx, 1, quantity));
        }
        Ok(reply)
    });
}

/// The engine notes this to say from where on changes of a table are whole; null: it is not tracked.
pub(crate) fn minimum_note(table: &str) -> String {
    format!("minimum {table}")
}

/// What CHANGETABLE(CHANGES …) gives: one row per key, with its last version, as it stands.
fn tracked(engine: &Engine, tx: Tx, shape: &Shape, after: u64, upto: u64) -> Outcome<Reply> {
    let keys = shape.key.len();
    let mut last: BTreeMap<String, (u64, Row)> = BTreeMap::new();
    for change in engine.tracked(shape.name, after) {
        for row in change.before.iter().chain(&change.after) {
            let key = row[..keys].to_vec();
            last.insert(format!("{key:?}"), (change.version, key));
        }
    }
    let rows = engine.read(tx, shape.name, Locks::Versions)?;
    let mut columns = vec![ColumnDef::new("versao", Kind::BigInt), ColumnDef::new("op", Kind::VarChar(1))];
    columns.extend(shape.columns().into_iter().take(keys));
    columns.extend(shape.columns());
    let changed = last.into_values().filter(|(version, _)| *version <= upto).map(|(version, key)| {
        let row = rows.iter().find(|row| row[..keys] == key[..]).cloned().map(without_version);
        let op = if row.is_some() { "U" } else { "D" };
        let row = row.unwrap_or_else(|| vec![Value::Null; columns.len() - 2 - keys]);
        [vec![Value::Int(version as i64), Value::text(op)], key, row].concat()
    });
    let changed = changed.collect();
    Ok(Reply::rows(columns, changed))
}

fn install_row_versions(engine: &mut Engine) {
    engine.on("mare:version.bound", |engine, _, _| {
        Ok(number_or_reason("limite", engine.min_active_rowversion() as i64))
    });
    engine.on("mare:probe.held_back", |engine, _, _| {
        let columns = vec![ColumnDef::new("ultima", Kind::BigInt), ColumnDef::new("ativa", Kind::BigInt)];
        let row = [engine.last_rowversion(), engine.min_active_rowversion()];
        Ok(Reply::rows(columns, vec![row.map(|number| Value::Int(number as i64)).to_vec()]))
    });
    engine.on("mare:check.open_transactions", |_, _, _| {
        let columns = vec![
            ColumnDef::nullable("sessao", Kind::Int),
            ColumnDef::nullable("maquina", Kind::NVarChar(128)),
            ColumnDef::nullable("programa", Kind::NVarChar(128)),
            ColumnDef::nullable("segundos", Kind::Int),
        ];
        let row = vec![Value::Int(77), Value::text("RETAGUARDA"), Value::text("Fechamento"), Value::Int(900)];
        Ok(Reply::rows(columns, vec![row]))
    });
    engine.on("mare:version.page", |engine, session, params| {
        let shape = Shape::of(session);
        let [limit, after, below] = params else { panic!("{params:?}") };
        let (after, below) = (after.as_rowversion(), below.as_rowversion());
        let version = |row: &Row| row.last().unwrap().as_rowversion();
        let mut rows = engine.read(session.tx, shape.name, Locks::Versions)?;
        rows.retain(|row| version(row) > after && version(row) < below);
        rows.sort_by_key(version);
        rows.truncate(limit.as_int() as usize);
        let page = rows.into_iter().map(|row| {
            let version = Value::Int(version(&row) as i64);
            [vec![version], without_version(row)].concat()
        });
        let page = page.collect();
        let mut columns = vec![ColumnDef::new("versao", Kind::BigInt)];
        columns.extend(shape.columns());
        Ok(Reply::rows(columns, page))
    });
}

fn number_or_reason(name: &str, number: i64) -> Reply {
    let columns =
        vec![ColumnDef::nullable(name, Kind::BigInt), ColumnDef::nullable("motivo", Kind::NVarChar(2_048))];
    Reply::rows(columns, vec![vec![Value::Int(number), Value::Null]])
}

/// `sys.columns` of a table.
fn describe(engine: &Engine, table: &str) -> Reply {
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == table) else { return Reply::default() };
    let integers = ["tamanho", "precisao", "escala", "aceita_nulo", "calculada"];
    let mut columns =
        vec![ColumnDef::new("coluna", Kind::NVarChar(128)), ColumnDef::new("tipo", Kind::NVarChar(128))];
    columns.extend(integers.map(|name| ColumnDef::new(name, Kind::Int)));
    columns.push(ColumnDef::nullable("ordenacao", Kind::NVarChar(128)));
    columns.extend(["indice", "ordem"].map(|name| ColumnDef::nullable(name, Kind::Int)));
    let there = engine.columns(table).into_iter().filter(|column| !pages::is_gone(engine, &column.name));
    let rows = there.map(|column| {
        let (kind, bytes, precision, scale) = match column.kind {
            Kind::Int => ("int", 4, 10, 0),
            Kind::Bit => ("bit", 1, 1, 0),
            Kind::NVarChar(length) => ("nvarchar", i64::from(length) * 2, 0, 0),
            Kind::Decimal { precision, scale } => ("decimal", 9, precision.into(), scale.into()),
            Kind::Guid => ("uniqueidentifier", 16, 0, 0),
            Kind::DateTime2(scale) => ("datetime2", 7, 0, scale.into()),
            Kind::Date => ("date", 3, 0, 0),
            Kind::RowVersion => ("timestamp", 8, 0, 0),
            other => panic!("{other:?}"),
        };
        let place = shape.key.iter().position(|(name, _)| *name == column.name);
        let nullable = i64::from(place.is_none() && column.kind != Kind::RowVersion);
        let numbers = [bytes, precision, scale, nullable, 0].map(Value::Int);
        let index =
            place.map_or([Value::Null, Value::Null], |place| [Value::Int(0), Value::Int(place as i64 + 1)]);
        let mut row = vec![Value::text(column.name), Value::text(kind)];
        row.extend(numbers);
        row.push(Value::Null);
        row.extend(index);
        row
    });
    let rows = rows.collect();
    Reply::rows(columns, rows)
}

/// A store, a deposit, a product and the SKUs `S1`, `S2`, … with one piece each.
pub(crate) fn open_shop(engine: &mut Engine, skus: i64) {
    let (one, yes) = (|| Value::Int(1), || Value::Bit(true));
    let row = |mut row: Row| {
        row.push(Value::Null);
        vec![row]
    };
    let product = |mut row: Row| {
        row.resize(Shape::named(PRODUCT).columns().len() + 1, Value::Null);
        vec![row]
    };
    engine.autocommit(|engine, tx| {
        engine.insert(tx, "loja", row(vec![one(), one(), Value::text("001"), yes(), one()]))?;
        engine.insert(tx, "deposito", row(vec![one(), one(), Value::text("LOJA"), yes(), one()]))?;
        let first = vec![one(), one(), Value::text("P1"), yes(), Value::Decimal(0), Value::Bit(false), one()];
        engine.insert(tx, PRODUCT, product(first))?;
        (1..=skus).try_for_each(|sku| add_sku(engine, tx, sku))
    });
}

/// One more SKU of the product, with one piece.
pub(crate) fn add_sku(engine: &mut Engine, tx: Tx, sku: i64) -> Outcome<()> {
    let (one, code) = (|| Value::Int(1), Value::text(format!("S{sku}")));
    let columns = [one(), code, Value::Decimal(1), Value::Bit(true), one()];
    let mut row = [vec![Value::Int(sku)], columns.to_vec()].concat();
    row.resize(Shape::named(SKU).columns().len() + 1, Value::Null);
    engine.insert(tx, SKU, vec![row])?;
    let stock = vec![one(), one(), Value::Int(sku), Value::Decimal(1), Value::Decimal(0), Value::Null];
    engine.insert(tx, STOCK, vec![stock]).map(drop)
}

/// A row with these columns; the others are null.
pub(crate) fn put(engine: &mut Engine, tx: Tx, table: &str, columns: &[(&str, Value)]) -> Outcome<()> {
    let mut row = vec![Value::Null; engine.columns(table).len()];
    for (name, value) in columns {
        let place = engine.column(table, name);
        row[place] = value.clone();
    }
    engine.insert(tx, table, vec![row]).map(drop)
}

/// Sets one column of the row with this id.
pub(crate) fn set(
    engine: &mut Engine,
    tx: Tx,
    table: &str,
    id: i64,
    column: &str,
    value: Value,
) -> Outcome<usize> {
    let place = engine.column(table, column);
    let is_meant = |row: &Row| row[0] == Value::Int(id);
    engine.update(tx, table, Locks::Wait, is_meant, |row| row[place] = value.clone())
}

pub(crate) fn remove(engine: &mut Engine, tx: Tx, table: &str, id: i64) -> Outcome<usize> {
    engine.delete(tx, table, Locks::Wait, |row| row[0] == Value::Int(id))
}

fn is_sku(sku: i64) -> impl Fn(&Row) -> bool {
    move |row| row[2] == Value::Int(sku)
}

pub(crate) fn set_quantity(engine: &mut Engine, tx: Tx, sku: i64, quantity: i64) -> Outcome<usize> {
    engine.update(tx, STOCK, Locks::Wait, is_sku(sku), |row| {
        row[QUANTITY_COLUMN] = Value::Decimal(i128::from(quantity));
    })
}

pub(crate) fn delete_stock(engine: &mut Engine, tx: Tx, sku: i64) -> Outcome<usize> {
    engine.delete(tx, STOCK, Locks::Wait, is_sku(sku))
}

pub(crate) fn rename_sku(engine: &mut Engine, tx: Tx, sku: i64) -> Outcome<usize> {
    engine.update(tx, SKU, Locks::Wait, |row| row[0] == Value::Int(sku), |row| row[2] = Value::text("R"))
}

/// Takes the product off the web shop.
pub(crate) fn withdraw_product(engine: &mut Engine, tx: Tx) -> Outcome<usize> {
    engine.update(tx, PRODUCT, Locks::Wait, |_| true, |row| row[3] = Value::Bit(false))
}

/// Puts it back.
pub(crate) fn restore_product(engine: &mut Engine, tx: Tx) -> Outcome<usize> {
    engine.update(tx, PRODUCT, Locks::Wait, |_| true, |row| row[3] = Value::Bit(true))
}
