//! The admin endpoints: metrics, health, status and control.
//!
//! | path | what |
//! |---|---|
//! | `GET /metrics` | Prometheus text |
//! | `GET /healthz` | 200 while the process works at all |
//! | `GET /readyz` | 200 when every source streams and every lane may send, else 503 with the reasons |
//! | `GET /status` | everything as JSON |
//! | `GET`, `PATCH /tuning` | rates, concurrency, weights; `?save=true` keeps a change over a restart |
//! | `POST /parked`, `/parked/retry`, `/parked/drop` | keys set aside |
//! | `GET /explain/{entity}/{key}` | all about one key |
//! | `GET /orders`, `/orders/{id}`, `/orders/{id}/history`, `POST /orders/retry`, `/orders/drop` | orders of VTEX, those set aside first |
//! | `GET /messages`, `POST /messages/retry`, `/messages/drop` | messages to customers that are set aside |
//! | `POST /reconcile` | `{"entity": "stock", "key": "…"}`, both optional |
//! | `POST /proof` | `{"entity": "stock", "key": "…", "report_only": true}`, all optional |
//!
//! They listen on loopback unless told otherwise, and then want the token (`Authorization: Bearer …`).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::secret::matches_in_constant_time;
use crate::inbound::consents;
use crate::messages::Outbox;
use crate::orders::Inbound;
use crate::pipeline::{Control, SourceHandle};
use crate::proof;
use crate::store::Store;

mod checklist;
mod control;
mod export;
mod health;
mod images;
mod listener;
mod messages;
mod orders;
mod proofs;

/// No request of ours is larger.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The dispatcher answers within milliseconds; a longer wait means that something is wrong.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the endpoints can see and do.
pub struct Admin {
    pub sources: Vec<SourceHandle>,
    pub control: mpsc::Sender<Control>,
    pub store: Store,
    /// The entry of orders, if there is one.
    pub orders: Option<Arc<Inbound>>,
    /// Messages to customers, if there is anybody to send them to.
    pub messages: Option<Arc<Outbox>>,
    /// Where stock of ours goes.
    pub warehouses: Vec<String>,
    pub token: Option<SecretString>,
    pub metrics: PrometheusHandle,
    pub started: std::time::Instant,
    /// Messages about a configuration that could not be reloaded.
    pub reload: Arc<std::sync::Mutex<Option<String>>>,
    /// How far the shop's opt-ins are on their way into Live; none: that is switched off.
    pub consents: Option<consents::Status>,
    /// Asks VTEX whether it holds what it confirmed.
    pub proof: proof::Handle,
}

/// An answer that is no success, as JSON: `{"error": "…"}`.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(serde_json::json!({ "error": self.1 }))).into_response()
    }
}

impl Admin {
    /// Serves until `stop`.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let admin = Arc::new(self);
        let open =
            Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz));
        let guarded = Router::new()
            .route("/metrics", get(export::metrics))
            .route("/status", get(health::status))
            .route("/tuning", get(control::tuning).patch(control::set_tuning))
            .route("/parked", post(control::parked))
            .route("/parked/retry", post(control::retry))
            .route("/parked/drop", post(control::drop_key))
            .route("/explain/{entity}/{*key}", get(control::explain))
            .route("/reconcile", post(control::reconcile))
            .route("/proof", post(proofs::begin))
            .route("/images", post(images::import))
            .route("/messages", get(messages::list))
            .route("/messages/retry", post(messages::retry))
            .route("/messages/drop", post(messages::drop_parked))
            .route("/orders", get(orders::list))
            .route("/orders/{order}", get(orders::show))
            .route("/orders/{order}/history", get(orders::history))
            .route("/orders/retry", post(orders::retry))
            .route("/orders/drop", post(orders::drop_held))
            .layer(middleware::from_fn_with_state(Arc::clone(&admin), authorize));
        let router = open.merge(guarded).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(admin);
        listener::serve(listener, router, stop).await;
    }

    /// Asks the dispatcher.
    async fn ask<T>(&self, control: impl FnOnce(oneshot::Sender<T>) -> Control) -> Result<T, Refusal> {
        ask_within(&self.control, ANSWER_WITHIN, control).await
    }
}

async fn ask_within<T>(
    dispatcher: &mpsc::Sender<Control>,
    patience: Duration,
    control: impl FnOnce(oneshot::Sender<T>) -> Control,
) -> Result<T, Refusal> {
    let silent =
        || Refusal(StatusCode::SERVICE_UNAVAILABLE, "no answer from the dispatcher: see the log".to_owned());
    let (reply, answer) = oneshot::channel();
    dispatcher.send(control(reply)).await.map_err(|_| silent())?;
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(silent()),
    }
}

async fn authorize(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    if let Some(token) = &admin.token {
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        if !given.is_some_and(|given| matches_in_constant_time(token, given)) {
            return Refusal(
                StatusCode::UNAUTHORIZED,
                "give the admin token: Authorization: Bearer …".to_owned(),
            )
            .into_response();
        }
    }
    next.run(request).await
}
