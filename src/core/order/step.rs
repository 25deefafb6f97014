//! Where a pedido is in Live.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $text:literal,)*) => {
        /// The steps of a pedido, in the order in which they are taken. The codes that Live has for them are configuration
        /// (`[mapping.orders.status]`).
        ///
        /// The order of the variants is stored in the ledger: append only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Step {
            $($(#[$doc])* #[serde(rename = $text)] $step,)*
        }

        impl Step {
            pub const ALL: &'static [Self] = &[$(Self::$step,)*];

            /// The name in the configuration and for people.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $text,)*
                }
            }
        }
    };
}

steps! {
    /// Written into Live, its stock reserved.
    Received = "recebido",
    /// The store has accepted it.
    Accepted = "em-atendimento",
    Picking = "em-separacao",
    Packed = "empacotado",
    Labelled = "etiquetado",
    /// Waits in the store for the customer.
    ReadyForPickup = "disponivel-retirada",
    /// Loaded at the till.
    RecoveredAtTill = "resgatado-pdv",
    /// The invoice of a delivery is authorised.
    Invoiced = "faturado",
    /// The sale of a pick-up is closed at the till, its receipt authorised.
    ClosedAtTill = "finalizado-pdv",
    /// Handed to the carrier.
    Dispatched = "despachado",
    Delivered = "entregue",
    /// Cancelled before any fiscal document.
    Cancelled = "cancelado",
    /// The sale was cancelled at the till after it was closed.
    SaleCancelled = "cancelado-pdv",
    /// The invoice was cancelled.
    InvoiceCancelled = "nf-cancelada",
    /// The store refuses it; otherwise like a cancelled one.
    Rejected = "rejeitado",
}

impl Step {
    /// Nothing of it is to be delivered, and no fiscal document was issued.
    pub const fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled | Self::Rejected)
    }

    /// A fiscal document was issued and taken back.
    pub const fn is_taken_back(self) -> bool {
        matches!(self, Self::SaleCancelled | Self::InvoiceCancelled)
    }

    /// A fiscal document was issued, or is about to be, and holds.
    pub const fn is_invoiced(self) -> bool {
        matches!(self, Self::Invoiced | Self::ClosedAtTill | Self::Dispatched | Self::Delivered)
    }

    /// The customer has it: what is paid at the till is taken home.
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::ClosedAtTill | Self::Delivered)
    }

    /// Nothing is expected any more.
    pub const fn is_final(self) -> bool {
        self.is_cancelled() || self.is_taken_back() || self.is_delivered()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no step of a pedido: expected recebido, em-atendimento, em-separacao, empacotado, etiquetado, \
         disponivel-retirada, resgatado-pdv, faturado, finalizado-pdv, despachado, entregue, cancelado, cancelado-pdv, \
         nf-cancelada or rejeitado"
)]
pub struct UnknownStep(String);

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|step| step.name() == text).ok_or_else(|| UnknownStep(text.to_owned()))
    }
}
