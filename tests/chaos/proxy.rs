//! A connection that misbehaves on request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Pass,
    /// Every connection is reset, new ones too.
    Cut,
    /// Nothing arrives, and nobody is told.
    Swallow,
    /// A kilobyte at a time, with pauses.
    Slow,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    target: Arc<watch::Sender<SocketAddr>>,
    mode: Arc<watch::Sender<Mode>>,
}

impl Proxy {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(watch::channel(Mode::Pass).0);
        let modes = Arc::clone(&mode);
        let target = Arc::new(watch::channel(target).0);
        let targets = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *modes.borrow() == Mode::Cut {
                    reset(client);
                    continue;
                }
                let target = *targets.borrow();
                let Ok(server) = TcpStream::connect(target).await else { continue };
                tokio::spawn(carry(client, server, modes.subscribe()));
            }
        });
        Self { address, target, mode }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// New connections go there.
    pub(crate) fn point_to(&self, port: u16) {
        self.target.send_replace(([127, 0, 0, 1], port).into());
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// RST instead of FIN.
fn reset(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

async fn carry(client: TcpStream, server: TcpStream, mut modes: watch::Receiver<Mode>) {
    for stream in [&client, &server] {
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = copy(from_client, to_server, modes.clone());
    let back = copy(from_server, to_client, modes.clone());
    // What was swallowed is gone: such a connection never passes anything on again.
    let cut = async {
        let swallowed =
            modes.wait_for(|mode| matches!(mode, Mode::Cut | Mode::Swallow)).await.map(|mode| *mode);
        if swallowed.is_ok_and(|mode| mode == Mode::Swallow) {
            let _ = modes.wait_for(|mode| *mode != Mode::Swallow).await;
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        () = cut => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let slow = *modes.borrow() == Mode::Slow;
        let most = if slow { 1 << 10 } else { buffer.len() };
        let Ok(count) = from.read(&mut buffer[..most]).await else { return };
        if count == 0 {
            return;
        }
        let mode = *modes.borrow();
        match mode {
            Mode::Swallow => {}
            Mode::Cut => return,
            Mode::Pass | Mode::Slow => {
                if to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        }
        if slow {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
