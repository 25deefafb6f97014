//! Orders on their way into SQL Server: every statement as kept, its mark, and what a failure leaves.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use compact_str::CompactString;
use mare::live::writer::{Mark, Target, Writer};
use mare::mapping::config::MappingConfig;
use mare::mapping::orders::inbound_config::InboundConfig;
use mare::mapping::orders::written::Written;
use mare::orders::{FindSkus, Inbound, Parts, Tables, WayBack};
use mare::simulator::{self, EmailMask, Limits, OrderOptions, OrderStatus, Simulator};
use mare::store::{Op, Options as StoreOptions, Store};
use mare::vtex::{Client, Credentials, VtexSettings};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::*;

const PEDIDOS: &str = "pedido_venda";
const STAGED: &str = "pedido_entrada";
const STORE: u128 = 0x10_7A;
const CARRIER: u128 = 0xCA_44;
/// 2026-01-31T12:00:00Z.
const NOON: i64 = 1_769_860_800_000_000;

/// The columns of an INSERT and what they are given.
fn row_of(sql: &str, params: &[Value]) -> BTreeMap<String, Value> {
    // Before it is the mark, where there is one.
    let (_, insert) = sql.split_once("INSERT INTO ").unwrap();
    let (_, rest) = insert.split_once(" (").unwrap();
    let (columns, values) = rest.split_once(") VALUES (").unwrap();
    let names = columns.split(", ").map(|name| name.trim_matches(['[', ']']).to_owned());
    let value = |text: &str| {
        let number = text.split_once("@P").map(|(_, rest)| rest.split([' ', ')']).next().unwrap());
        number.map_or(Value::Null, |number| params[number.parse::<usize>().unwrap() - 1].clone())
    };
    // `CAST(@P1 AS decimal(19,4))` has no space after its comma.
    names.zip(values.strip_suffix(')').unwrap().split(", ").map(value)).collect()
}

fn pedido_columns() -> Vec<ColumnDef> {
    vec![
        ColumnDef::new("id", Kind::Guid),
        ColumnDef::new("numero", Kind::BigInt),
        ColumnDef::new("numero_externo", Kind::NVarChar(60)),
        ColumnDef::new("status", Kind::SmallInt),
        ColumnDef::new("ind_solicitacao_cancelamento", Kind::Bit),
    ]
}

/// A Live that has one store with one deposit, and every SKU.
async fn live() -> Server {
    let server = server(Options::default()).await;
    server.with(|engine| {
        engine.create(PEDIDOS, pedido_columns());
        engine.unique(PEDIDOS, &["numero_externo"]);
        engine.on("mare:orders.find", |engine, session, params| {
            let rows = engine.read(session.tx, PEDIDOS, Locks::Wait)?;
            let found = rows.into_iter().filter(|row| params[1..].contains(&row[2])).collect();
            Ok(Reply::rows(pedido_columns(), found))
        });
        engine.on("mare:orders.insert", |engine, session, params| {
            let row = row_of(&session.sql, params);
            let number = engine.read(session.tx, PEDIDOS, Locks::Versions)?.len() as i64 + 1;
            let new = vec![
                row["id"].clone(),
                Value::Int(number),
                row["numero_externo"].clone(),
                row["status"].clone(),
                Value::Bit(false),
            ];
            engine.insert(session.tx, PEDIDOS, vec![new])?;
            Ok(Reply::affected(1))
        });
        // SET status, motivo, dates … WHERE id AND status: the last two parameters.
        engine.on("mare:orders.cancel", |engine, session, params| {
            let (id, before, status) =
                (&params[params.len() - 2], &params[params.len() - 1], params[0].clone());
            let is_it = |row: &tds::Row| row[0] == *id && row[3] == *before;
            let done =
                engine.update(session.tx, PEDIDOS, Locks::Wait, is_it, |row| row[3] = status.clone())?;
            Ok(Reply::affected(done as u64))
        });
        engine.on("mare:orders.flag", |engine, session, params| {
            let id = params.last().unwrap().clone();
            let done = engine.update(
                session.tx,
                PEDIDOS,
                Locks::Wait,
                |row| row[0] == id,
                |row| row[4] = Value::Bit(true),
            )?;
            Ok(Reply::affected(done as u64))
        });
        let id = |name: &'static str, id: u128| {
            move || Ok(Reply::rows(vec![ColumnDef::new(name, Kind::Guid)], vec![vec![Value::Guid(id)]]))
        };
        engine.on("mare:orders.stores", |_, _, params| {
            let columns = vec![
                ColumnDef::new("id", Kind::Guid),
                ColumnDef::new("codigo", Kind::NVarChar(20)),
                ColumnDef::new("id_dominio", Kind::Guid),
            ];
            let row = |code: &Value| vec![Value::Guid(STORE), code.clone(), Value::Guid(1)];
            Ok(Reply::rows(columns, params.iter().map(row).collect()))
        });
        engine.on("mare:orders.deposits", |_, _, _| {
            let columns = vec![
                ColumnDef::new("id", Kind::Guid),
                ColumnDef::new("codigo", Kind::NVarChar(20)),
                ColumnDef::new("ind_principal", Kind::Bit),
            ];
            Ok(Reply::rows(columns, vec![vec![Value::Guid(0xDE), Value::text("1"), Value::Bit(true)]]))
        });
        engine.on("mare:orders.codes", |_, _, params| {
            let columns =
                vec![ColumnDef::new("codigo", Kind::NVarChar(20)), ColumnDef::new("id", Kind::Guid)];
            Ok(Reply::rows(columns, vec![vec![params[0].clone(), Value::Guid(CARRIER)]]))
        });
        for tag in ["mare:orders.customer.document", "mare:orders.customer.email"] {
            engine.on(tag, |_, _, _| {
                let columns = vec![
                    ColumnDef::new("id", Kind::Guid),
                    ColumnDef::nullable("cpf_cnpj", Kind::NVarChar(14)),
                ];
                Ok(Reply::rows(columns, Vec::new()))
            });
        }
        engine.on("mare:orders.address.find", |_, _, _| {
            Ok(Reply::rows(vec![ColumnDef::nullable("numero", Kind::NVarChar(10))], Vec::new()))
        });
        let purpose = id("id", 0x02);
        engine.on("mare:orders.consent.purpose", move |_, _, _| purpose());
        let letter = id("id", 0x1E);
        engine.on("mare:orders.consent.letter", move |_, _, _| letter());
        engine.on("mare:orders.consent.acts", |_, _, _| {
            let columns = vec![
                ColumnDef::new("situacao", Kind::SmallInt),
                ColumnDef::nullable("data_aceite", Kind::DateTime2(3)),
                ColumnDef::nullable("data_revogacao", Kind::DateTime2(3)),
            ];
            Ok(Reply::rows(columns, Vec::new()))
        });
        let store = id("id_loja", STORE);
        engine.on("mare:orders.store", move |_, _, _| store());
        engine.on("mare:orders.items", |_, _, _| {
            let columns = vec![
                ColumnDef::new("id_sku", Kind::Guid),
                ColumnDef::new("quantidade", Kind::Decimal { precision: 15, scale: 4 }),
                ColumnDef::nullable("id_deposito", Kind::Guid),
            ];
            Ok(Reply::rows(columns, vec![vec![Value::Guid(0x51), Value::Decimal(20_000), Value::Guid(0xDE)]]))
        });
        for tag in [
            "mare:orders.item.insert",
            "mare:orders.payment.insert",
            "mare:orders.status.insert",
            "mare:orders.customer.insert",
            "mare:orders.address.insert",
            "mare:orders.consent.insert",
            "mare:orders.reserve.insert",
            "mare:orders.release",
        ] {
            engine.on(tag, |_, _, _| Ok(Reply::affected(1)));
        }
        // There is no balance yet.
        engine.on("mare:orders.reserve", |_, _, _| Ok(Reply::affected(0)));
        let staged = || {
            vec![
                ColumnDef::new("numero_externo", Kind::NVarChar(60)),
                ColumnDef::new("situacao", Kind::SmallInt),
                ColumnDef::nullable("numero", Kind::NVarChar(20)),
            ]
        };
        engine.create(STAGED, staged());
        engine.unique(STAGED, &["numero_externo"]);
        engine.on("mare:orders.staged", move |engine, session, params| {
            let rows = engine.read(session.tx, STAGED, Locks::Wait)?;
            Ok(Reply::rows(staged(), rows.into_iter().filter(|row| params.contains(&row[0])).collect()))
        });
        engine.on("mare:orders.stage", |engine, session, params| {
            engine.insert(session.tx, STAGED, vec![vec![params[0].clone(), Value::Int(0), Value::Null]])?;
            Ok(Reply::affected(1))
        });
        // SET situacao, data … WHERE numero_externo AND situacao.
        engine.on("mare:orders.stage.state", |engine, session, params| {
            let (id, before, state) =
                (&params[params.len() - 2], &params[params.len() - 1], params[0].clone());
            let is_it = |row: &tds::Row| row[0] == *id && row[1] == *before;
            let done = engine.update(session.tx, STAGED, Locks::Wait, is_it, |row| row[1] = state.clone())?;
            Ok(Reply::affected(done as u64))
        });
    });
    server
}

struct Site {
    live: Server,
    vtex: simulator::Handle,
    inbound: Arc<Inbound>,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Site {
    async fn open(mark: Mark, more: serde_json::Value) -> Self {
        let orders = OrderOptions { email: EmailMask::Off, ..OrderOptions::without_window() };
        let options = simulator::Options {
            warehouses: vec!["loja001".to_owned()],
            auto_skus: true,
            limits: Limits::unlimited(),
            orders,
            ..simulator::Options::default()
        };
        let vtex = Simulator::start(options).await.unwrap();
        let live = live().await;
        let mut vtex_settings = VtexSettings::new("simulator");
        vtex_settings.allow_plain_http = true;
        vtex_settings.catalog_url = Some(vtex.base_url());
        vtex_settings.logistics_url = Some(vtex.base_url());
        let credentials = Credentials::new("vtexappkey-simulator", "simulator-token");
        let client = Arc::new(Client::new(&vtex_settings, credentials).unwrap());
        let mapping: MappingConfig = serde_json::from_value(json!({
            "entities": ["stock", "order"], "stores": [{ "loja": "001", "warehouse": "loja001" }],
        }))
        .unwrap();
        let mut config = json!({
            "default_payment": "OUTROS", "limit": { "per_second": 500.0, "burst": 500 },
            "carriers": [{ "courier": "mare", "transportadora": "EXP" }],
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        let config: InboundConfig = serde_json::from_value(config).unwrap();
        let login = settings(&live);
        let login = Arc::new(move || Ok(login.clone()));
        let folder = tempfile::tempdir().unwrap();
        let find_skus: FindSkus = Arc::new(|references: Vec<CompactString>| {
            let found: HashMap<_, _> = references.into_iter().zip((0x51..).map(RowId::Uuid)).collect();
            Box::pin(async move { Some(found) })
        });
        let op = |order: &str, _| Op::PutMeta { name: format!("test/{order}"), value: Vec::new() };
        let inbound = Arc::new(Inbound::new(Parts {
            client,
            store: Store::open(folder.path(), StoreOptions::default()).unwrap(),
            tables: Tables {
                writer: Writer::new(Target::SqlServer { login, mark }),
                mapping: Arc::new(mapping),
                config: Arc::new(config),
                names: Arc::new(Written::default()),
            },
            find_skus,
            way_back: WayBack { op, wake: Arc::new(Notify::new()) },
            now: || Timestamp(NOON),
            messages: None,
            hook: None,
        }));
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&inbound).run(stop.clone()));
        let site = Self { live, vtex, inbound, stop, _folder: folder };
        // What is placed before is in no feed.
        site.until("the feed", |site| site.inbound.facts().set_up == 1).await;
        site
    }

    fn place(&self) -> String {
        let order = json!({
            "items": [{ "ref": "SKU-1", "quantity": 2, "warehouse": "loja001", "price": 2_499 }],
            "shipping": 1_500, "oversell": true,
            "customer": {
                "email": "ana@comprador.example", "first_name": "Ana", "last_name": "Lima",
                "document": "52998224725", "newsletter": true,
            },
        });
        self.vtex.world().place_order(order).unwrap()
    }

    fn rows(&self, table: &str) -> Vec<tds::Row> {
        self.live.with(|engine| engine.autocommit(|engine, tx| engine.read(tx, table, Locks::Versions)))
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.inbound.retry(None).unwrap();
                // What was read before a failure is hidden for a while.
                self.vtex.world().advance(Duration::from_secs(1));
            }
        });
        let done = waited.await.is_ok();
        let held = self.inbound.list(false, 10).unwrap();
        assert!(done, "{what}: {held:#} {:?}", self.inbound.facts());
    }

    fn status(&self, order: &str) -> Option<Value> {
        let rows = self.rows(PEDIDOS);
        rows.into_iter().find(|row| row[2] == Value::text(order)).map(|row| row[3].clone())
    }

    /// Everything that happens to orders.
    async fn each_kind(&self) {
        let [kept, cancelled] = [self.place(), self.place()];
        self.until("both are in", |site| site.rows(PEDIDOS).len() == 2).await;
        self.vtex.world().force_order_status(&cancelled, OrderStatus::Canceled).unwrap();
        self.until("it is cancelled", |site| site.status(&cancelled) == Some(Value::Int(95))).await;
        self.vtex.world().force_order_status(&kept, OrderStatus::Handling).unwrap();
        self.vtex.world().shopper_cancels(&kept, "mudei de ideia").unwrap();
        let asked = |site: &Self| site.rows(PEDIDOS).iter().any(|row| row[4] == Value::Bit(true));
        self.until("staff is told", asked).await;
        assert_eq!(self.status(&kept), Some(Value::Int(10)));
    }

    /// The first text of each tag.
    fn texts(&self) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for statement in self.live.statements() {
            if statement.tag.starts_with("mare:orders.") {
                texts.entry(statement.tag).or_insert(statement.sql);
            }
        }
        texts
    }
}

/// Compares, or writes the file when `MARE_UPDATE_SNAPSHOTS` is set.
fn compare(name: &str, texts: &BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/sqlserver").join(name);
    let lines: Vec<String> =
        texts.values().map(|sql| format!("{};\nGO\n", sql.trim_end_matches(';'))).collect();
    let text = lines.concat();
    if std::env::var_os("MARE_UPDATE_SNAPSHOTS").is_some() {
        return std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (kept, new) in kept.lines().zip(text.lines()) {
        assert_eq!(new, kept, "{name}: if it should be so, MARE_UPDATE_SNAPSHOTS=1");
    }
    assert_eq!(
        text.len(),
        kept.len(),
        "{name}: a statement more or less; if it should be so, MARE_UPDATE_SNAPSHOTS=1"
    );
}

#[tokio::test]
async fn every_statement_of_an_order_is_as_kept_and_marked() {
    let site = Site::open(Mark::Context, json!({})).await;
    site.each_kind().await;
    compare("orders.sql", &site.texts());
    let sessions = site.live.statements_of("mare:session");
    assert!(
        sessions.iter().all(|session| session.sql.contains("SET CONTEXT_INFO 0x6D617265")),
        "{sessions:?}"
    );
    // Whoever reads what was changed gets no personal data from a statement's text.
    for (tag, sql) in site.texts() {
        assert!(!["Ana", "529", "comprador"].iter().any(|value| sql.contains(value)), "{tag}: {sql}");
    }

    let tracked = Site::open(Mark::Tracking, json!({})).await;
    tracked.each_kind().await;
    for (tag, sql) in tracked.texts() {
        let writes = ["INSERT ", "UPDATE "].iter().any(|word| sql.contains(word));
        let marked = format!("/*{tag}*/ WITH CHANGE_TRACKING_CONTEXT (0x6D617265");
        assert_eq!(sql.starts_with(&marked), writes, "{sql}");
    }
}

#[tokio::test]
async fn every_statement_of_staging_is_as_kept() {
    let site = Site::open(Mark::Context, json!({ "write": "staging", "reserve": "none" })).await;
    let [kept, cancelled] = [site.place(), site.place()];
    site.until("both are there", |site| site.rows(STAGED).len() == 2).await;
    let state = |site: &Site, order: &str| {
        site.rows(STAGED).into_iter().find(|row| row[0] == Value::text(order)).map(|row| row[1].clone())
    };
    site.vtex.world().force_order_status(&cancelled, OrderStatus::Canceled).unwrap();
    site.until("cancelled", |site| state(site, &cancelled) == Some(Value::Int(9))).await;
    site.vtex.world().force_order_status(&kept, OrderStatus::Handling).unwrap();
    site.vtex.world().shopper_cancels(&kept, "mudei de ideia").unwrap();
    site.until("asked", |site| state(site, &kept) == Some(Value::Int(2))).await;
    compare("orders_staging.sql", &site.texts());
}

#[tokio::test]
async fn whatever_breaks_in_the_middle_an_order_is_in_live_once_and_whole() {
    let site = Site::open(Mark::Context, json!({})).await;
    let entered = |site: &Site, count: usize| site.rows(PEDIDOS).len() == count;
    let mut orders = 0;
    for tag in
        ["mare:orders.find", "mare:orders.insert", "mare:orders.item.insert", "mare:orders.status.insert"]
    {
        for fault in [Fault::Fail(Failure::deadlock()), Fault::Fail(Failure::lock_timeout()), Fault::CutAt(0)]
        {
            site.live.fault(tag, fault);
            site.place();
            orders += 1;
            site.until(tag, |site| entered(site, orders)).await;
        }
    }
    // Somebody else registers the customer at the same moment.
    site.live
        .fault("mare:orders.customer.insert", Fault::Fail(Failure::new(2627, 14, "Violation of UNIQUE KEY")));
    site.place();
    site.until("raced", |site| entered(site, orders + 1)).await;
    assert_eq!(site.inbound.list(false, 10).unwrap()["total"], 0, "none was set aside");
    let whole = site.rows(PEDIDOS);
    assert!(whole.iter().all(|row| row[3] == Value::Int(10)), "{whole:?}");
}
