//! Signals and the service manager. What needs Unix or Linux stands behind `cfg`.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::Control;
use crate::config::Config;
use crate::core::dispatch::Tuning;
use crate::vtex::Client;

/// Waits for SIGTERM or Ctrl-C; meanwhile reloads on SIGHUP and feeds systemd's watchdog.
pub(super) async fn until_stopped(
    mut signals: Signals,
    config: &Config,
    client: &Arc<Client>,
    control: &mpsc::Sender<Control>,
    problem: &Mutex<Option<String>>,
) {
    let mut watchdog = tokio::time::interval(watchdog_interval());
    let mut tuning = config.tuning.clone();
    loop {
        tokio::select! {
            signal = signals.next() => {
                if signal == Signal::Stop {
                    return;
                }
                let result = reload(config, &mut tuning, client, control).await;
                if let Err(error) = &result {
                    error!(error = %format!("{error:#}"), "nothing was reloaded");
                }
                if let Ok(mut problem) = problem.lock() {
                    *problem = result.err().map(|error| format!("{error:#}"));
                }
            }
            // The dispatcher must answer: a watchdog that is fed by a live timer alone proves nothing.
            _ = watchdog.tick() => {
                let (reply, answer) = tokio::sync::oneshot::channel();
                if control.send(Control::Stats(reply)).await.is_ok() && answer.await.is_ok() {
                    alive();
                }
            }
        }
    }
}

/// Secrets and tuning take effect at once; everything else needs a restart, and says so. Tuning that stands in
/// the file as it did last time leaves alone what was changed in between.
async fn reload(
    config: &Config,
    tuning: &mut Tuning,
    client: &Client,
    control: &mpsc::Sender<Control>,
) -> anyhow::Result<()> {
    let new = Config::load(&config.path)?;
    client.set_credentials(new.credentials()?)?;
    control.send(Control::CredentialsChanged).await?;
    if new.tuning != *tuning {
        let (reply, done) = tokio::sync::oneshot::channel();
        control.send(Control::SetTuning(Box::new(super::complete(new.tuning.clone(), &new)), reply)).await?;
        done.await?.map_err(anyhow::Error::msg)?;
        *tuning = new.tuning.clone();
    }
    if *new.mapping != *config.mapping || new.admin.listen != config.admin.listen {
        warn!("mapping or admin settings have changed: they take effect with the next start");
    }
    info!("configuration and secrets reloaded");
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Stop,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix can ask for it"))]
    Reload,
}

/// Signals that have arrived since [`Signals::listen`], none of them lost.
#[cfg(unix)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            Some(()) = self.hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Stop
    }
}

#[cfg(target_os = "linux")]
fn watchdog_interval() -> std::time::Duration {
    // Half of what systemd allows, as its manual asks (sd_watchdog_enabled(3)).
    sd_notify::watchdog_enabled().map_or(std::time::Duration::from_secs(10), |limit| limit / 2)
}

#[cfg(target_os = "linux")]
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!(%error, "systemd could not be told");
    }
}

#[cfg(target_os = "linux")]
pub(super) fn ready() {
    notify(sd_notify::NotifyState::Ready);
}

#[cfg(target_os = "linux")]
pub(super) fn stopping() {
    notify(sd_notify::NotifyState::Stopping);
}

#[cfg(target_os = "linux")]
fn alive() {
    notify(sd_notify::NotifyState::Watchdog);
}

#[cfg(not(target_os = "linux"))]
fn watchdog_interval() -> std::time::Duration {
    std::time::Duration::from_secs(10)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ready() {}

#[cfg(not(target_os = "linux"))]
pub(super) fn stopping() {}

#[cfg(not(target_os = "linux"))]
fn alive() {}
