//! Sends the notifications of the hook.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::super::super::world::{HookConfig, World};

/// The shop must have answered by then.
const ANSWER_WITHIN: Duration = Duration::from_millis(5_000);
/// How often the sender looks whether an attempt is due; time may be moved forward meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Sends what is due until it is told to stop. Without a hook it sleeps.
pub(in crate::simulator) async fn send(world: Arc<World>, stop: CancellationToken) {
    loop {
        let (due, any) = {
            let mut desk = world.orders_if_any();
            match desk.as_mut() {
                Some(desk) => (desk.due_notifications(), desk.has_hooks()),
                None => (Vec::new(), false),
            }
        };
        for delivery in due {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let taken = post(&delivery.config, &delivery.body).await;
                world.orders().hook_answered(&delivery.key, delivery.number, taken);
            });
        }
        let wait = async {
            if any {
                let _ = tokio::time::timeout(LOOK, world.orders.notifications.notified()).await;
            } else {
                world.orders.notifications.notified().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = wait => {}
        }
    }
}

/// True when it was answered with 200 in time.
pub(super) async fn post(config: &HookConfig, body: &Value) -> bool {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let client = CLIENT.get_or_init(reqwest::Client::new);
    let request = client.post(&config.url).header("content-type", "application/json");
    let request = config.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let sent = request.timeout(ANSWER_WITHIN).body(body.to_string()).send().await;
    sent.is_ok_and(|answer| answer.status() == 200)
}
