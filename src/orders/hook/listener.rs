//! The listener: whoever knows the secret may name an order; nobody may keep it busy.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::ExposeSecret as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::HookSettings;
use super::notification::{Notification, read};
use crate::core::constant_time;
use crate::listener;
use crate::orders::Inbound;
use crate::orders::inbox::{Heard, Offered};
use crate::telemetry::metrics;

/// VTEX's notifications have some 400 bytes.
const BODY_BYTES_MAX: usize = 16 << 10;
/// A ping has 21. More is not read from whoever does not name the secret.
const PING_BYTES_MAX: usize = 64;
/// VTEX gives up after five seconds; whoever is slower than this gets no answer that counts.
const READ_WITHIN: Duration = Duration::from_secs(3);
/// A connection, from its first byte to its last: one request.
const CONNECTION_WITHIN: Duration = Duration::from_secs(5);
/// At once; further ones wait in the backlog of the socket.
const CONNECTIONS_MAX: usize = 128;
/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::orders) enum Handled {
    Taken,
    /// The order waits already.
    Known,
    /// The inbox is full; VTEX sends it again, and the feed has it anyway.
    Full,
    Ping,
    Unauthorized,
    TooLarge,
    TooSlow,
    Unreadable,
}

impl Handled {
    const fn status(self) -> StatusCode {
        match self {
            Self::Taken | Self::Known | Self::Ping => StatusCode::OK,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable => StatusCode::BAD_REQUEST,
        }
    }

    /// The label of the metric.
    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Known => "known",
            Self::Full => "full",
            Self::Ping => "ping",
            Self::Unauthorized => "unauthorized",
            Self::TooLarge => "too-large",
            Self::TooSlow => "too-slow",
            Self::Unreadable => "unreadable",
        }
    }

    /// It came from VTEX, whatever it said.
    pub(in crate::orders) const fn is_notification(self) -> bool {
        matches!(self, Self::Taken | Self::Known | Self::Full)
    }
}

impl Inbound {
    /// Takes notifications until `stop`.
    pub async fn serve_hook(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        if let Some(settings) = &self.parts.hook {
            info!(listen = %settings.listen, "the hook of orders listens");
        }
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        listener::serve_each(&listener, "the hook of orders", &room, &stop, |stream| {
            let (inbound, stop) = (Arc::clone(&self), stop.clone());
            async move {
                let within = tokio::time::timeout(CONNECTION_WITHIN, inbound.connection(stream));
                tokio::select! {
                    _ = within => {}
                    () = stop.cancelled() => {}
                }
            }
        })
        .await;
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request| {
            let inbound = Arc::clone(&self);
            async move {
                let handled = inbound.handle(request).await;
                let mut response = Response::new(Empty::<Bytes>::new());
                *response.status_mut() = handled.status();
                Ok::<_, Infallible>(response)
            }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_WITHIN)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            debug!(%error, "a connection to the hook ended early");
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> Handled {
        let handled = match &self.parts.hook {
            Some(settings) => self.answer(settings, request).await,
            None => Handled::Unauthorized,
        };
        metrics::hook_notification(handled.name());
        self.status.hook_notified(handled, (self.parts.now)());
        handled
    }

    async fn answer(&self, settings: &HookSettings, request: Request<Incoming>) -> Handled {
        let is_vtex = knows_the_secret(settings, &request);
        // Whether VTEX sends the header with its ping is not documented. Nothing follows from a ping, so it needs none.
        let limit = if is_vtex { BODY_BYTES_MAX } else { PING_BYTES_MAX };
        let announced = request.body().size_hint().lower();
        let refused = if is_vtex { Handled::TooLarge } else { Handled::Unauthorized };
        if request.method() != Method::POST || (!is_vtex && !request.headers().contains_key(CONTENT_LENGTH)) {
            return if is_vtex { Handled::Unreadable } else { Handled::Unauthorized };
        }
        if announced > limit as u64 {
            return refused;
        }
        let body = Limited::new(request.into_body(), limit).collect();
        let body = match tokio::time::timeout(READ_WITHIN, body).await {
            Err(_) => return Handled::TooSlow,
            Ok(Err(error)) if error.is::<LengthLimitError>() => return refused,
            Ok(Err(_)) => return Handled::Unreadable,
            Ok(Ok(body)) => body.to_bytes(),
        };
        match read(&body) {
            Notification::Ping => Handled::Ping,
            _ if !is_vtex => Handled::Unauthorized,
            Notification::Unreadable => Handled::Unreadable,
            Notification::Order { id, changed_at, state } => {
                match self.inbox.offer(id, Heard::of(changed_at, state)) {
                    Offered::New => Handled::Taken,
                    Offered::Known => Handled::Known,
                    Offered::Full => Handled::Full,
                }
            }
        }
    }
}

fn knows_the_secret(settings: &HookSettings, request: &Request<Incoming>) -> bool {
    let given = request.headers().get(settings.header.as_str());
    let secret = settings.secret.expose_secret().as_bytes();
    given.is_some_and(|given| constant_time::equal(secret, given.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vtex_is_told_to_come_again_only_where_that_helps() {
        let table = [
            (Handled::Taken, 200, true),
            (Handled::Known, 200, true),
            (Handled::Ping, 200, false),
            (Handled::Full, 503, true),
            (Handled::TooSlow, 408, false),
            (Handled::Unauthorized, 401, false),
            (Handled::TooLarge, 413, false),
            (Handled::Unreadable, 400, false),
        ];
        for (handled, status, notification) in table {
            assert_eq!(
                (handled.status().as_u16(), handled.is_notification()),
                (status, notification),
                "{handled:?}"
            );
        }
    }
}
