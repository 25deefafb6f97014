//! The listener and its connections: HTTP/1.1 with keep-alive and HTTP/2 without TLS on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::send_notifications;
use super::exchange::{self, Shared};
use super::options::Options;
use super::record::Recorder;
use super::world::World;

/// Requests in flight may finish for this long when the simulator stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// Pause after a failed accept (too many open files), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A running simulator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Handle {
    /// Where it listens, with the port that was chosen.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    connections: TaskTracker,
    recording: Option<JoinHandle<io::Result<()>>>,
}

impl Simulator {
    /// Binds and serves on the current tokio runtime.
    ///
    /// # Errors
    /// An address that cannot be bound, a record file that cannot be created, more warehouses than there can be.
    pub async fn start(options: Options) -> io::Result<Handle> {
        Self::start_seeded(options, |_| Ok(())).await
    }

    /// Binds, lets `seed` fill the world and only then serves: no client ever meets a half-seeded catalog.
    ///
    /// # Errors
    /// As [`Simulator::start`], and whatever `seed` fails with.
    pub async fn start_seeded<E: From<io::Error>>(
        options: Options,
        seed: impl FnOnce(&World) -> Result<(), E>,
    ) -> Result<Handle, E> {
        let listener = TcpListener::bind(options.listen).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {}: {error}", options.listen))
        })?;
        let addr = listener.local_addr()?;
        let (recorder, thread) = match &options.record {
            Some(path) => {
                let created = Recorder::create(path).map_err(|error| {
                    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
                })?;
                (Some(created.0), Some(created.1))
            }
            None => (None, None),
        };
        let world = Arc::new(World::new(options).map_err(io::Error::other)?);
        seed(&world)?;
        let stop = CancellationToken::new();
        let connections = TaskTracker::new();
        let shared = Arc::new(Shared { world, recorder });
        connections.spawn(send_notifications(Arc::clone(&shared.world), stop.clone()));
        connections.spawn(accept(listener, Arc::clone(&shared), stop.clone(), connections.clone()));
        Ok(Handle { addr, shared, stop, connections, recording: thread })
    }
}

impl Handle {
    /// `http://address:port`: the base URL of Logistics and Catalog.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// `http://address:port/{account}`: the base URL of Pricing, shaped as at api.vtex.com.
    #[must_use]
    pub fn pricing_url(&self) -> String {
        format!("http://{}/{}", self.addr, self.shared.world.options.account)
    }

    /// The simulated account, to seed, disturb and inspect.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.shared.world
    }

    /// Stops accepting, lets requests in flight finish for a second, closes what is left and flushes the record.
    ///
    /// # Errors
    /// The record could not be written.
    pub async fn shutdown(mut self) -> io::Result<()> {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
        if let Some(recorder) = &self.shared.recorder {
            recorder.finish().await;
        }
        match self.recording.take() {
            Some(thread) => tokio::task::spawn_blocking(move || {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("the recorder panicked")))
            })
            .await
            .map_err(io::Error::other)?,
            None => Ok(()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&shared), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "simulator cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) {
    // Small answers must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    // Idle connections stay: closing one is a fault, and faults come on demand only.
    builder.http1().pipeline_flush(true).header_read_timeout(None);
    let service = service_fn(move |request| exchange::answer(Arc::clone(&shared), request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // Errors here are clients that went away and connections that a fault closed.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, connection).await;
}
