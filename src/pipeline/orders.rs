//! The entry of orders, when `[orders]` is configured: a connection that writes into Live, and ways into the source.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::SourceHandle;
use super::wall_clock;
use crate::config::{Config, Hook};
use crate::messages::Outbox;
use crate::orders::{Inbound, Parts, Tables};
use crate::store::Store;
use crate::vtex::Client;

/// The listener of the hook, if there is one.
///
/// # Errors
/// When its address is taken.
pub(super) async fn listen(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(hook) = config.orders.as_ref().and_then(|orders| orders.hook.as_ref()) else { return Ok(None) };
    let listener = TcpListener::bind(hook.listen).await;
    listener.map(Some).with_context(|| format!("cannot listen on {} (orders.hook.listen)", hook.listen))
}

/// Puts it together; nothing is asked of anybody yet.
///
/// # Errors
/// When the source that orders go to is not there.
pub(super) fn inbound(
    config: &Config,
    sources: &[SourceHandle],
    client: &Arc<Client>,
    store: &Store,
    messages: Option<&Arc<Outbox>>,
) -> anyhow::Result<Option<Arc<Inbound>>> {
    let Some(orders) = &config.orders else { return Ok(None) };
    let name = orders.inbound.source.as_deref();
    let is_it = |source: &str| name.is_none_or(|name| name == source);
    let source =
        config.sources.iter().find(|source| is_it(&source.name)).context("no source for [orders]")?;
    let handle = sources.iter().find(|handle| is_it(&handle.name)).context("no source for [orders]")?;
    let tables = Tables {
        writer: super::shop::writer(source),
        mapping: Arc::clone(&config.mapping),
        config: Arc::clone(&orders.inbound),
        names: Arc::clone(&orders.written),
    };
    Ok(Some(Arc::new(Inbound::new(Parts {
        client: Arc::clone(client),
        store: store.clone(),
        tables,
        find_skus: handle.find_skus(),
        way_back: handle.way_back(),
        messages: messages.cloned(),
        hook: orders.hook.as_ref().map(Hook::settings).transpose()?,
        now: wall_clock,
    }))))
}
