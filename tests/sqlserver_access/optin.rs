//! Opt-ins of the shop on their way into SQL Server: what is written, with which mark, and what a failure leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use compact_str::CompactString;
use mare::core::call::people::{DateField, PeopleAnswer, PeopleCall, SHOPPERS_PAGE, Shopper};
use mare::core::call::{Answer, Call, Failure as CallFailure};
use mare::core::dispatch::Newsletter;
use mare::core::entity::Key;
use mare::core::shop_consent::Known;
use mare::core::value::person::Consent;
use mare::inbound::consents::{ConsentsConfig, Poller, Shop, Status, Vtex};
use mare::live::writer::{Mark, Target, Writer};
use mare::mapping::config::MappingConfig;
use mare::store::{Options as StoreOptions, Store};
use tokio_util::sync::CancellationToken;

use super::*;

const CUSTOMER: u128 = 0x77;
const LETTER: u128 = 0x1e77e5;
const CPF: &str = "52998224725";
/// 2026-01-31T12:00:00Z, nine in the morning in São Paulo.
const NOON: i64 = 1_769_860_800_000_000;
const ACTS: &str = "cliente_consentimento";

/// VTEX and the ledger, as the poller sees them.
#[derive(Default)]
struct World {
    /// What search shows.
    shown: Vec<Shopper>,
    /// What the documents hold, where that is something else.
    held: BTreeMap<CompactString, Shopper>,
    known: BTreeMap<CompactString, Newsletter>,
    learned: Vec<(CompactString, Option<bool>)>,
    refreshed: usize,
    /// Learning is refused so often: a request is under way.
    busy: usize,
    fails: bool,
    pages: usize,
}

#[derive(Clone, Default)]
struct Double(Arc<Mutex<World>>);

impl Double {
    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl Vtex for Double {
    async fn read(&self, call: Call) -> Option<Result<Answer, CallFailure>> {
        Some(self.with(|world| {
            if world.fails {
                return Err(CallFailure::Timeout);
            }
            let Call::People(call) = call else { panic!("only people are asked for") };
            Ok(Answer::People(match call {
                PeopleCall::ReadShoppers(span) => {
                    world.pages += 1;
                    let date = |shopper: &Shopper| match span.date {
                        DateField::Updated => {
                            (shopper.changed_at > shopper.created_at).then_some(shopper.changed_at)
                        }
                        DateField::Created => {
                            (shopper.changed_at == shopper.created_at).then_some(shopper.created_at)
                        }
                    };
                    let within =
                        |shopper: &&Shopper| date(shopper).is_some_and(|at| at >= span.from && at <= span.to);
                    let mut found: Vec<_> = world.shown.iter().filter(within).cloned().collect();
                    found.sort_by_key(|shopper| date(shopper));
                    PeopleAnswer::Shoppers(found.into_iter().skip(span.skip).take(SHOPPERS_PAGE).collect())
                }
                PeopleCall::ReadShopper { id } => {
                    let shown = || world.shown.iter().find(|shopper| shopper.id == id);
                    PeopleAnswer::Shopper(world.held.get(&id).or_else(shown).cloned())
                }
                other => panic!("{other:?}"),
            }))
        }))
    }

    async fn newsletter(&self, key: Key) -> Option<Newsletter> {
        Some(
            self.with(|world| {
                world.known.get(&key.id).copied().unwrap_or(Newsletter::Known(Known::default()))
            }),
        )
    }

    async fn learn(&self, key: Key, consent: Consent) -> Option<bool> {
        Some(self.with(|world| {
            if world.busy > 0 {
                world.busy -= 1;
                return false;
            }
            let known = Known { held: consent.newsletter, on_its_way: None };
            world.known.insert(key.id.clone(), Newsletter::Known(known));
            world.learned.push((key.id, consent.newsletter));
            true
        }))
    }
}

fn shopper(id: &str, newsletter: bool, seconds: i64) -> Shopper {
    Shopper {
        id: id.into(),
        email: Some("ana@example.com".into()),
        documents: vec!["529.982.247-25".into()],
        newsletter: Some(newsletter),
        created_at: Timestamp(NOON - 86_400_000_000),
        changed_at: Timestamp(NOON + seconds * 1_000_000),
    }
}

/// A Live with one customer, who has the CPF.
async fn shop() -> Server {
    let server = server(Options::default()).await;
    server.with(|engine| {
        let columns = vec![
            ColumnDef::new("id", Kind::Guid),
            ColumnDef::new("id_cliente", Kind::Guid),
            ColumnDef::new("id_carta", Kind::Guid),
            ColumnDef::new("id_finalidade", Kind::SmallInt),
            ColumnDef::new("situacao", Kind::SmallInt),
            ColumnDef::new("canal", Kind::NVarChar(20)),
            ColumnDef::nullable("data_aceite", Kind::DateTime2(3)),
            ColumnDef::nullable("data_revogacao", Kind::DateTime2(3)),
        ];
        engine.create(ACTS, columns);
        engine.unique(ACTS, &["id"]);
        let customer = |found: bool| {
            let columns = vec![
                ColumnDef::new("id", Kind::Guid),
                ColumnDef::new("codigo", Kind::NVarChar(20)),
                ColumnDef::new("id_dominio", Kind::Guid),
                ColumnDef::nullable("data_anonimizacao", Kind::DateTime2(3)),
            ];
            let row = vec![Value::Guid(CUSTOMER), Value::text("77"), Value::Guid(1), Value::Null];
            Ok(Reply::rows(columns, if found { vec![row] } else { Vec::new() }))
        };
        engine.on("mare:consents.by_document", move |_, _, params| {
            customer(params.contains(&Value::text(CPF)))
        });
        engine.on("mare:consents.by_email", move |_, _, _| customer(false));
        engine.on("mare:consents.purpose", |_, _, _| Ok(Reply::scalar("id", Kind::SmallInt, Value::Int(2))));
        engine.on("mare:consents.letter", |_, _, _| {
            let columns = vec![ColumnDef::new("id", Kind::Guid), ColumnDef::new("versao", Kind::Int)];
            Ok(Reply::rows(columns, vec![vec![Value::Guid(LETTER), Value::Int(1)]]))
        });
        engine.on("mare:consents.last", |engine, session, _| {
            let columns = engine.columns(ACTS)[2..].to_vec();
            let columns = [&columns[..1], &columns[2..]].concat();
            let rows = engine.read(session.tx, ACTS, Locks::Wait)?;
            let wanted = rows.iter().map(|row| [&row[2..3], &row[4..]].concat()).collect();
            Ok(Reply::rows(columns, wanted))
        });
        engine.on("mare:consents.write", |engine, session, params| {
            // id, id_cliente, id_carta, id_finalidade, situacao, canal, date, operador, data_atualizacao, id
            let accepted = params[4] == Value::Int(1);
            let date = Value::datetime2(params[6].as_text(), 3);
            let dates = if accepted { [date, Value::Null] } else { [Value::Null, date] };
            let row = [&params[..6], &dates[..]].concat();
            let there = engine.read(session.tx, ACTS, Locks::Wait)?.iter().any(|old| old[0] == row[0]);
            if there {
                return Ok(Reply::affected(0));
            }
            engine.insert(session.tx, ACTS, vec![row])?;
            Ok(Reply::affected(1))
        });
    });
    server
}

struct Running {
    server: Server,
    vtex: Double,
    status: Status,
    stop: CancellationToken,
    folder: TempDir,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Running {
    async fn start(vtex: Double) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let mut running =
            Self { server: shop().await, vtex, status: Status::default(), stop, folder, task: None };
        running.go();
        running
    }

    fn go(&mut self) {
        let settings = settings(&self.server);
        let login = Arc::new(move || Ok(settings.clone()));
        let refreshed = self.vtex.clone();
        let shop = Shop {
            name: "live".into(),
            writer: Writer::new(Target::SqlServer { login, mark: Mark::Context }),
            refresh: Arc::new(move |_, _| {
                refreshed.with(|world| world.refreshed += 1);
                Ok(())
            }),
        };
        let mapping: MappingConfig = serde_json::from_str(r#"{"entities": ["consent"]}"#).unwrap();
        self.stop = CancellationToken::new();
        let poller = Poller {
            config: ConsentsConfig { from_shop: true, poll_seconds: 0, ..ConsentsConfig::default() },
            mapping: Arc::new(mapping),
            shops: vec![shop],
            store: Store::open(self.folder.path(), StoreOptions::default()).unwrap(),
            vtex: self.vtex.clone(),
            status: self.status.clone(),
            now: || Timestamp(NOON + 60_000_000),
        };
        self.task = Some(tokio::spawn(poller.run(self.stop.clone())));
    }

    /// As `kill -9`: between any two steps.
    async fn kill(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    fn acts(&self) -> Vec<tds::Row> {
        self.server.with(|engine| engine.autocommit(|engine, tx| engine.read(tx, ACTS, Locks::Versions)))
    }

    fn outcome(&self, name: &str) -> u64 {
        self.status.facts().outcomes.get(name).copied().unwrap_or(0)
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: {:?}", self.status.facts());
    }

    /// Until the shop was looked through once more, from begin to end.
    async fn until_looked(&self) {
        let pages = self.vtex.with(|world| world.pages);
        self.until("two looks", |running| running.vtex.with(|world| world.pages) > pages + 4).await;
    }
}

#[tokio::test]
async fn an_act_is_one_marked_row_in_local_time() {
    let vtex = Double::default();
    vtex.with(|world| world.shown.push(shopper("a", true, 5)));
    let running = Running::start(vtex).await;
    running.until("the act", |running| running.outcome("written") == 1).await;
    running.until_looked().await;
    let acts = running.acts();
    assert_eq!(acts.len(), 1, "{acts:?}");
    let morning = Value::datetime2("2026-01-31T09:00:05", 3);
    let [customer, letter] = [CUSTOMER, LETTER].map(Value::Guid);
    let expected =
        [customer, letter, Value::Int(2), Value::Int(1), Value::text("ECOMMERCE"), morning, Value::Null];
    assert_eq!(acts[0][1..], expected);
    assert_eq!(
        running.vtex.with(|world| (world.learned.clone(), world.refreshed)),
        (vec![("77".into(), Some(true))], 1)
    );
    let write = &running.server.statements_of("mare:consents.write")[0];
    assert_eq!(
        write.sql,
        "/*mare:consents.write*/ INSERT INTO [live].[cliente_consentimento] ([id], [id_cliente], [id_carta], \
         [id_finalidade], [situacao], [canal], [data_aceite], [data_revogacao], [operador], [data_atualizacao]) \
         SELECT @P1, @P2, @P3, @P4, @P5, @P6, CAST(@P7 AS datetime2(3)), NULL, @P8, CAST(@P9 AS datetime2(3)) \
         WHERE NOT EXISTS (SELECT 1 FROM [live].[cliente_consentimento] WHERE [id] = @P10)"
    );
    let session = &running.server.statements_of("mare:session")[0].sql;
    assert!(session.contains("SET CONTEXT_INFO 0x6D617265"), "{session}");

    // And taken back; with the letter that was agreed to.
    running.vtex.with(|world| world.shown = vec![shopper("a", false, 9)]);
    running.until("the revocation", |running| running.acts().len() == 2).await;
    let last = running.acts().into_iter().find(|row| row[4] == Value::Int(3)).unwrap();
    assert_eq!(last[6..], [Value::Null, Value::datetime2("2026-01-31T09:00:09", 3)]);
    running.until_looked().await;
    assert_eq!((running.acts().len(), running.outcome("written")), (2, 2));
}

#[tokio::test]
async fn what_search_shows_late_or_what_is_our_own_is_no_act() {
    let vtex = Double::default();
    vtex.with(|world| {
        // Search has an old yes; the document says no, as we told it.
        world.shown.push(shopper("a", true, 5));
        world.held.insert("a".into(), shopper("a", false, 6));
        world.known.insert("77".into(), Newsletter::Known(Known { held: Some(false), on_its_way: None }));
    });
    let running = Running::start(vtex).await;
    running.until("a look", |running| running.outcome("no-act") >= 1).await;
    // Our own yes is under way.
    running.vtex.with(|world| {
        world.held.clear();
        world.shown = vec![shopper("a", true, 7)];
        world
            .known
            .insert("77".into(), Newsletter::Known(Known { held: Some(false), on_its_way: Some(true) }));
    });
    running.until("another", |running| running.outcome("no-act") >= 2).await;
    // A request may have been applied or not: it is looked at again, and turns out to be ours.
    running.vtex.with(|world| {
        world.shown = vec![shopper("a", true, 8)];
        world.known.insert("77".into(), Newsletter::Unsure);
    });
    running.until("it waits", |running| running.status.facts().waiting == 1).await;
    running.vtex.with(|world| {
        world.known.insert("77".into(), Newsletter::Known(Known { held: Some(true), on_its_way: None }));
    });
    running.until("it waits no longer", |running| running.status.facts().waiting == 0).await;
    assert!(running.acts().is_empty() && running.vtex.with(|world| world.learned.is_empty()));
}

#[tokio::test]
async fn what_live_refuses_waits_and_stops_nobody_else() {
    let vtex = Double::default();
    let running = {
        let refuse = |server: &Server| {
            let denied = || Failure::new(229, 14, "The INSERT permission was denied.");
            server.fault("mare:consents.write", Fault::Fail(denied()));
        };
        let running = Running::start(vtex).await;
        refuse(&running.server);
        running
    };
    running.vtex.with(|world| {
        world.shown = vec![shopper("a", true, 5), Shopper { documents: Vec::new(), ..shopper("b", true, 6) }];
    });
    running.until("both were looked at", |running| running.outcome("unknown-customer") == 1).await;
    running.until("the right is there", |running| running.acts().len() == 1).await;
    assert!(running.outcome("waits") >= 1);
    running.until("nobody waits", |running| running.status.facts().waiting == 0).await;
}

#[tokio::test]
async fn an_outage_of_either_side_loses_nothing() {
    let vtex = Double::default();
    vtex.with(|world| world.fails = true);
    let running = Running::start(vtex).await;
    running.until("it is said", |running| running.status.facts().problem.is_some()).await;
    running.vtex.with(|world| {
        world.fails = false;
        world.shown.push(shopper("a", true, 5));
        world.busy = 1;
    });
    running.server.fault("mare:consents.write", Fault::CutAt(0));
    running.until("the act", |running| running.acts().len() == 1).await;
    running
        .until("the ledger has learned", |running| running.vtex.with(|world| world.learned.len() == 1))
        .await;
    running.until_looked().await;
    assert_eq!(running.acts().len(), 1);
}

#[tokio::test]
async fn killed_at_any_step_it_writes_each_act_once() {
    let vtex = Double::default();
    let mut running = Running::start(vtex).await;
    for n in 0..12 {
        running.vtex.with(|world| world.shown = vec![shopper("a", n % 2 == 0, 5 + n)]);
        // A little later each time.
        tokio::time::sleep(Duration::from_millis(n.unsigned_abs() / 2)).await;
        running.kill().await;
        running.go();
        running.until("the act", |running| running.acts().len() == n as usize + 1).await;
        let yes = Some(n % 2 == 0);
        let learned =
            |running: &Running| running.vtex.with(|world| world.learned.last().map(|(_, last)| *last));
        running.until("the ledger has learned", |running| learned(running) == Some(yes)).await;
    }
    running.until_looked().await;
    assert_eq!(running.acts().len(), 12);
}

#[tokio::test]
async fn many_pages_are_looked_through_to_the_end() {
    let vtex = Double::default();
    vtex.with(|world| {
        // The dates of the first two hundred and fifty are one.
        let strangers = (0..450).map(|n| Shopper {
            documents: Vec::new(),
            ..shopper(&format!("s{n}"), true, if n < 250 { 1 } else { n })
        });
        world.shown = strangers.chain([shopper("a", true, 900)]).collect();
    });
    let running = Running::start(vtex).await;
    running.until("the last one", |running| running.outcome("written") == 1).await;
    assert_eq!(running.outcome("unknown-customer"), 450, "each of them once");
}
