//! The order hook: VTEX tells of a change at once, where it can reach us. An acceleration of the feed, nothing more.
//!
//! A notification only puts the order's id where the feed's messages go; VTEX is not asked in it, so it is answered in
//! moments. Whatever the hook loses (a full inbox, a restart, a broken tunnel) the feed tells too: both are set up with
//! the same filter and are independent of each other. The listener is its own, never that of the admin endpoints: it is
//! made to be reached from outside, by a reverse proxy or tunnel that adds TLS.
//!
//! | file | holds |
//! |---|---|
//! | `notification` | what the bytes say |
//! | `listener` | connections, their limits, answers |
//! | `setup` | the configuration at VTEX |

use std::net::SocketAddr;

use secrecy::SecretString;

use crate::vtex::HookTarget;

mod listener;
mod notification;
mod setup;

pub(super) use listener::Handled;

/// How the hook is reached, and how VTEX proves that it is VTEX.
#[derive(Debug, Clone)]
pub struct HookSettings {
    /// Where we listen.
    pub listen: SocketAddr,
    /// Where VTEX sends notifications.
    pub url: String,
    /// The header that holds the secret, in lower case.
    pub header: String,
    pub secret: SecretString,
}

impl HookSettings {
    /// What VTEX has to be told.
    pub fn target(&self) -> HookTarget<'_> {
        HookTarget { url: &self.url, header: &self.header, secret: &self.secret }
    }
}
