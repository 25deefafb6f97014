//! A VTEX simulator: logistics, pricing and the catalog look-ups, with VTEX's limits, its oddities and its
//! failures on demand.
//!
//! Written from VTEX's documents and not from our client: it shares no type with the rest, so that one
//! misreading cannot hide in both. It is what the demo, the tests and the benches talk to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod answer;
mod catalog;
mod faults;
mod limits;
mod logistics;
mod pricing;
mod record;
mod server;
mod world;

pub use faults::{Fault, Kind};
pub use world::{Counters, World};

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct Options {
    pub listen: SocketAddr,
    pub account: String,
    pub key: String,
    pub token: String,
    /// Warehouses that exist.
    pub warehouses: Vec<String>,
    /// Every reference asked for exists.
    pub auto_skus: bool,
    /// No limits at all.
    pub unlimited: bool,
    /// Requests per second to the inventory, with as many at once; `None`: VTEX publishes none.
    pub stock_rate: Option<f64>,
    pub latency_ms: u64,
    /// Every exchange, one JSON object a line.
    pub record: Option<PathBuf>,
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account: "demo".to_owned(),
            key: "vtexappkey-demo".to_owned(),
            token: "token".to_owned(),
            warehouses: Vec::new(),
            auto_skus: false,
            unlimited: false,
            stock_rate: None,
            latency_ms: 0,
            record: None,
            seed: 1,
        }
    }
}

/// A running simulator.
pub struct Simulator {
    pub address: SocketAddr,
    pub world: Arc<World>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Simulator {
    /// Starts serving.
    ///
    /// # Errors
    /// When the address is taken or the record cannot be written.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let recorder = options.record.as_deref().map(record::Recorder::start).transpose()?;
        let world = Arc::new(World::new(options));
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, Arc::clone(&world), recorder, stop.clone()));
        Ok(Self { address, world, stop, task })
    }

    /// The base URL of every API family but pricing.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends; the record is complete afterwards.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }
}

async fn serve(
    listener: TcpListener,
    world: Arc<World>,
    recorder: Option<record::Recorder>,
    stop: CancellationToken,
) {
    let sender = recorder.as_ref().map(record::Recorder::sender);
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let _ = stream.set_nodelay(true);
        let (world, sender, stop) = (Arc::clone(&world), sender.clone(), stop.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                server::handle(Arc::clone(&world), sender.clone(), request)
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                () = stop.cancelled() => {}
                // A connection that was cut on purpose ends in an error.
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            }
        });
    }
    drop(sender);
    if let Some(recorder) = recorder {
        let _ = tokio::task::spawn_blocking(move || recorder.finish()).await;
    }
}
