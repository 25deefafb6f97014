//! Orders: what VTEX has sold, as Live takes it.
//!
//! | file | holds |
//! |---|---|
//! | `inbound` | an order of VTEX as what is written into Live |
//! | `inbound_config` | `[orders]` |
//! | `written` | `[orders.tables]`: what is written there |

pub mod inbound;
pub mod inbound_config;
pub mod written;
