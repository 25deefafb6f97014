//! The tasks of one source: what reads changes, what loads, and what keeps a slot moving.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use compact_str::CompactString;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{CaptureMode, Config, Live, Source};
use crate::core::entity::{Entity, Key};
use crate::core::position::Position;
use crate::core::time::Timestamp;
use crate::inbound::consents;
use crate::live::sqlserver::SqlServerSettings;
use crate::live::{Connect, PostgresSettings};
use crate::mapping::catalog::links::Link;
use crate::mapping::cell::RowId;
use crate::mapping::config::CapturedTable;
use crate::mapping::{KeptLink, Mapper, Refresh};
use crate::orders::{FindSkus, WayBack};
use crate::source::changelog::capture as changelog;
use crate::source::changelog::dialect::Connector;
use crate::source::changelog::drain::DrainSettings;
use crate::source::changelog::postgres::connection::PostgresConnector;
use crate::source::changelog::sqlserver::connection::SqlServerConnector;
use crate::source::changelog::sqlserver::session::Login;
use crate::source::changelog::sqlserver::versions::SqlServerVersions;
use crate::source::changelog::versions::capture::VersionCapture;
use crate::source::changelog::versions::dialect::Mode;
use crate::source::changelog::versions::reader::VersionSettings;
use crate::source::context::Context;
use crate::source::postgres::capture as slot;
use crate::source::postgres::pulse::Pulse;
use crate::source::reconcile::load::{Backlog, Loader};
use crate::source::reconcile::postgres::{Beside, PostgresEngine};
use crate::source::reconcile::reader::Engine;
use crate::source::reconcile::sqlserver::SqlServerEngine;
use crate::source::reconcile::{Ask, due_entry};
use crate::source::status::SourceStatus;
use crate::source::window::{Due, Handover};
use crate::store::{Durability, Op, Store};

use super::wall_clock;

/// One source as the admin endpoints see it.
pub struct SourceHandle {
    pub name: Arc<str>,
    pub status: SourceStatus,
    pub asks: mpsc::Sender<Ask>,
    repair: Arc<Notify>,
    store: Store,
}

impl SourceHandle {
    /// Finds the rows of SKU references; what it gives says `None` while the source does not stream.
    pub(super) fn find_skus(&self) -> FindSkus {
        let asks = self.asks.clone();
        Arc::new(move |references| {
            let asks = asks.clone();
            Box::pin(async move {
                let (reply, answer) = tokio::sync::oneshot::channel();
                let look = Box::new(move |mapper: &Mapper| {
                    let row = |reference: &CompactString| match mapper
                        .find(Some(Entity::Stock), reference)?
                        .pop()?
                    {
                        Refresh::Sku(id) => Some((reference.clone(), id)),
                        _ => None,
                    };
                    let _ = reply.send(references.iter().filter_map(row).collect());
                });
                asks.try_send(Ask::Look(look)).ok()?;
                tokio::time::timeout(Duration::from_secs(10), answer).await.ok()?.ok()
            })
        })
    }

    /// What has the pedidos of an order looked at.
    pub(super) fn way_back(&self) -> WayBack {
        let op = |order: &str, at: Timestamp| {
            let due = Due::now(Position(at.0.unsigned_abs()), Refresh::Order(Key::order(order).id));
            Op::PutRefresh { key: due.encode(), value: Vec::new() }
        };
        WayBack { op, wake: Arc::clone(&self.repair) }
    }

    /// Has entities compared as a whole.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn reconcile(&self, entities: &[Entity]) -> anyhow::Result<()> {
        let why = Store::encode(&"asked for by an operator");
        let due = |entity: &Entity| Op::PutMeta { name: due_entry(&self.name, *entity), value: why.clone() };
        let ops: Vec<_> = entities.iter().map(due).collect();
        self.store.commit(&ops, Durability::Synced)?;
        self.repair.notify_one();
        Ok(())
    }

    /// Has one key read again, or with no entity all that a SKU reference names.
    ///
    /// # Errors
    /// When the key is unknown or the source cannot tell now.
    pub async fn reread(&self, entity: Option<Entity>, key: &str) -> anyhow::Result<()> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let wanted = key.to_owned();
        let look = Box::new(move |mapper: &Mapper| {
            let _ = reply.send(mapper.find(entity, &wanted));
        });
        self.asks
            .try_send(Ask::Look(look))
            .map_err(|_| anyhow::anyhow!("the source is busy or not streaming; try again"))?;
        let refreshes = tokio::time::timeout(Duration::from_secs(10), answer)
            .await
            .context("the source is not streaming")?
            .context("the source is not streaming")?
            .with_context(|| format!("Live has no {} {key}", entity.map_or("SKU", Entity::name)))?;
        let version = Position(wall_clock().0.unsigned_abs());
        let due = |refresh| Op::PutRefresh { key: Due::now(version, refresh).encode(), value: Vec::new() };
        let ops: Vec<_> = refreshes.into_iter().map(due).collect();
        self.store.commit(&ops, Durability::Synced)?;
        self.repair.notify_one();
        Ok(())
    }

    /// Keeps links of images and has their products looked at again. How many are known, and the lines of the others.
    ///
    /// # Errors
    /// When the source cannot tell now, or the ledger cannot be written.
    pub async fn import_links(&self, links: Vec<Link>, dry_run: bool) -> anyhow::Result<(usize, Vec<usize>)> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let look = Box::new(move |mapper: &Mapper| {
            let found = links.into_iter().map(|link| (link.line, mapper.link(link)));
            let _ = reply.send(found.collect::<Vec<_>>());
        });
        self.asks
            .try_send(Ask::Look(look))
            .map_err(|_| anyhow::anyhow!("the source is busy or not streaming; try again"))?;
        let found = tokio::time::timeout(Duration::from_secs(10), answer)
            .await
            .context("the source is not streaming")?
            .context("the source is not streaming")?;
        let unknown = found.iter().filter(|(_, link)| link.is_none()).map(|(line, _)| *line).collect();
        let mut by_product: BTreeMap<RowId, Vec<KeptLink>> = BTreeMap::new();
        let mut known = 0;
        for (product, link) in found.into_iter().filter_map(|(_, link)| link) {
            known += 1;
            by_product.entry(product).or_default().push(link);
        }
        if dry_run {
            return Ok((known, unknown));
        }
        let version = Position(wall_clock().0.unsigned_abs());
        let mut ops = Vec::new();
        for (product, new) in by_product {
            let key = Mapper::link_row(&product);
            let mut kept: Vec<KeptLink> =
                self.store.row(&key)?.and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default();
            kept.retain(|old| !new.iter().any(|link| link.sku == old.sku));
            kept.extend(new);
            let value = postcard::to_stdvec(&kept).expect("postcard writes any of our own types to memory");
            ops.push(Op::PutRow { key, value });
            let due = Due::now(version, Refresh::Catalog(product));
            ops.push(Op::PutRefresh { key: due.encode(), value: Vec::new() });
        }
        self.store.commit(&ops, Durability::Synced)?;
        self.repair.notify_one();
        Ok((known, unknown))
    }
}

impl SourceHandle {
    /// Has customers read again.
    pub(super) fn refresh_person(&self) -> consents::Refresh {
        let (store, repair) = (self.store.clone(), Arc::clone(&self.repair));
        Arc::new(move |customer, at| {
            let version = Position(wall_clock().0.unsigned_abs());
            let due = Due { at, version, refresh: Refresh::Person(customer) };
            store.commit(&[Op::PutRefresh { key: due.encode(), value: Vec::new() }], Durability::Synced)?;
            repair.notify_one();
            Ok(())
        })
    }
}

/// What the tasks of a source share.
pub(super) fn context(
    source: &Source,
    config: &Config,
    store: &Store,
    writer: &mpsc::Sender<Handover>,
) -> Context {
    Context {
        name: Arc::clone(&source.name),
        mapping: Arc::clone(&config.mapping),
        store: store.clone(),
        writer: writer.clone(),
        status: SourceStatus::default(),
        repair: Arc::default(),
        now: wall_clock,
    }
}

/// A mapping that is not the one of the last start may want something else of any key: everything is compared, and only what
/// really differs is sent.
///
/// # Errors
/// When the ledger cannot be read or written.
pub(super) fn notice_mapping(source: &Source, config: &Config, store: &Store) -> anyhow::Result<()> {
    let entry = format!("mapping/{}", source.name);
    let before: Option<String> = store.meta(&entry)?;
    if before.as_deref() == Some(config.mapping_hash.as_str()) {
        return Ok(());
    }
    let mut ops = vec![Op::PutMeta { name: entry, value: Store::encode(&config.mapping_hash) }];
    if before.is_some() {
        tracing::info!(source = %source.name, "[mapping] is not what it was: everything is compared, and what differs is sent");
        let why = Store::encode(&"the mapping changed");
        let entities = Entity::SWITCHED.into_iter().filter(|entity| config.mapping.has(*entity));
        ops.extend(
            entities.map(|entity| Op::PutMeta { name: due_entry(&source.name, entity), value: why.clone() }),
        );
    }
    store.commit(&ops, Durability::Synced)?;
    Ok(())
}

/// Starts reading. `backlog`: keys that wait for VTEX and that a load would add to.
pub(super) fn start(
    source: &Source,
    context: Context,
    backlog: Arc<Backlog>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> SourceHandle {
    let (asks, asked) = mpsc::channel(8);
    let handle = SourceHandle {
        name: Arc::clone(&context.name),
        status: context.status.clone(),
        asks,
        repair: Arc::clone(&context.repair),
        store: context.store.clone(),
    };
    let mut starter = Starter { source, context, handle: &handle, backlog, stop, tasks };
    match &source.live {
        Live::Postgres(settings) => starter.postgres(settings, asked),
        Live::SqlServer(settings) => starter.sqlserver(settings, asked),
    }
    handle
}

struct Starter<'a> {
    source: &'a Source,
    context: Context,
    handle: &'a SourceHandle,
    backlog: Arc<Backlog>,
    stop: &'a CancellationToken,
    tasks: &'a mut JoinSet<()>,
}

impl Starter<'_> {
    fn postgres(&mut self, settings: &PostgresSettings, asks: mpsc::Receiver<Ask>) {
        let (source, settings) = (self.source.clone(), settings.clone());
        let connect: Connect =
            Arc::new(move || Ok(PostgresSettings { password: source.password()?, ..settings.clone() }));
        let beside = match self.source.capture {
            CaptureMode::Slot => Beside::Slot,
            _ => Beside::ChangeTables,
        };
        self.load(PostgresEngine { connect: Arc::clone(&connect), beside });
        if beside == Beside::ChangeTables {
            let layouts = self.source.layouts(&self.context.mapping);
            self.drain(PostgresConnector { connect, layouts }, asks);
            return;
        }
        let capture = slot::Capture {
            settings: slot::CaptureSettings {
                slot: self.source.slot.clone(),
                publication: self.source.publication.clone(),
                memory_bytes: self.source.memory_bytes,
            },
            connect: Arc::clone(&connect),
            context: self.context.clone(),
        };
        let pulse = Pulse {
            name: Arc::clone(&self.source.name),
            connect,
            slot: self.source.slot.clone(),
            publication: self.source.publication.clone(),
            mapping: Arc::clone(&self.context.mapping),
            status: self.context.status.clone(),
            interval: self.source.heartbeat,
            now: wall_clock,
        };
        self.tasks.spawn(capture.run(asks, self.stop.clone()));
        self.tasks.spawn(pulse.run(self.stop.clone()));
    }

    fn sqlserver(&mut self, settings: &SqlServerSettings, asks: mpsc::Receiver<Ask>) {
        let (source, settings) = (self.source.clone(), settings.clone());
        let login: Login =
            Arc::new(move || Ok(SqlServerSettings { password: source.password()?, ..settings.clone() }));
        self.load(SqlServerEngine { login: Arc::clone(&login) });
        let captured = self.context.mapping.captured();
        match self.source.capture {
            CaptureMode::Tracking => self.versions(login, captured, Mode::Tracking, asks),
            CaptureMode::Rowversion => self.versions(login, captured, Mode::RowVersions, asks),
            // The configuration knows no slot here.
            CaptureMode::Triggers | CaptureMode::Slot => {
                let form = self.source.form;
                self.drain(SqlServerConnector { login, captured, form }, asks);
            }
        }
    }

    fn load(&mut self, engine: impl Engine<Reader: Sync>) {
        let loader = Loader {
            context: self.context.clone(),
            engine,
            asks: self.handle.asks.clone(),
            backlog: Arc::clone(&self.backlog),
            chunk_rows: self.source.chunk_rows,
            share: self.source.load_share,
        };
        self.tasks.spawn(loader.run(self.stop.clone()));
    }

    fn drain(&mut self, connector: impl Connector, asks: mpsc::Receiver<Ask>) {
        let capture = changelog::Capture {
            settings: DrainSettings {
                poll: self.source.poll,
                health_interval: self.source.heartbeat,
                ..DrainSettings::default()
            },
            connector,
            context: self.context.clone(),
        };
        self.tasks.spawn(capture.run(asks, self.stop.clone()));
    }

    fn versions(
        &mut self,
        login: Login,
        captured: Vec<CapturedTable>,
        mode: Mode,
        asks: mpsc::Receiver<Ask>,
    ) {
        let capture = VersionCapture {
            settings: VersionSettings {
                poll: self.source.poll,
                health_interval: self.source.heartbeat,
                compare: self.source.compare.clone(),
                ..VersionSettings::default()
            },
            connector: SqlServerVersions { login, captured, mode },
            context: self.context.clone(),
        };
        self.tasks.spawn(capture.run(asks, self.stop.clone()));
    }
}
