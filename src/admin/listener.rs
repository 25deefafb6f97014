//! Connections to the admin endpoints: so many, so long, and none that keeps others waiting.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Refusal;
use crate::listener;

/// At once; further ones wait in the backlog of the socket.
const CONNECTIONS_MAX: usize = 64;
/// Whoever says nothing for so long, before a request or in the middle of its head, is let go.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// From the head of a request to its answer: none of ours takes as long.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Serves until `stop`; what is being answered then is answered.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    listener::serve_each(&listener, "the admin endpoints", &room, &stop, |stream| {
        connection(stream, router.clone(), stop.clone())
    })
    .await;
    // Every place is free again when the last connection has ended.
    let _ = room.acquire_many(CONNECTIONS_MAX as u32).await;
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let answer = router.call(request);
        async move {
            match tokio::time::timeout(ANSWER_WITHIN, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    let why = format!("no request and answer within {} s", ANSWER_WITHIN.as_secs());
                    Ok(Refusal(StatusCode::REQUEST_TIMEOUT, why).into_response())
                }
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection to the admin endpoints ended early");
    }
}
