//! The states of an order's workflow, and the automatic passages between them.

use serde::{Deserialize, Serialize};

/// A state of the workflow, spelled in JSON and in the feed as VTEX spells it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// Automatic, seen for milliseconds.
    OrderCreated,
    /// Automatic.
    OnOrderCompleted,
    /// Waits for the payment.
    PaymentPending,
    /// Automatic.
    ApprovePayment,
    /// Paid.
    PaymentApproved,
    /// Automatic.
    AuthorizeFulfillment,
    /// The shopper may still cancel without asking.
    WindowToCancel,
    /// The ERP may take it.
    ReadyForHandling,
    /// Automatic.
    StartHandling,
    /// The ERP has taken it.
    Handling,
    /// Of some flows, in the place of handling.
    WaitingForFulfillment,
    /// Of some flows, after handling.
    ReadyForInvoicing,
    /// Automatic.
    Invoice,
    /// Invoiced completely; final. Also what was delivered.
    Invoiced,
    /// The shopper asks to cancel (the marketplace's part of the order).
    RequestCancel,
    /// The same, until the seller answers.
    WaitingForSellerDecision,
    /// The same in the seller's part of the order.
    CancellationRequested,
    /// Automatic: the seller refused, the order goes on.
    CancellationRequestDenied,
    /// Automatic.
    Cancel,
    /// Cancelled; final.
    Canceled,
    /// The shopper edited the order, and another one took its place; final.
    Replaced,
    /// The order could not be made.
    OrderCreationError,
}

/// Which of its two parts an order of the own store is in: in the feed, the domain of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Marketplace,
    Fulfillment,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Marketplace => "Marketplace",
            Self::Fulfillment => "Fulfillment",
        }
    }
}

impl OrderStatus {
    /// VTEX's spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.texts().0
    }

    /// `statusDescription`, in the language of the account.
    pub(crate) fn description(self) -> &'static str {
        self.texts().1
    }

    /// True when no other state follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Invoiced | Self::Canceled | Self::Replaced | Self::OrderCreationError)
    }

    /// The ERP may write invoices and change the order.
    pub(crate) fn is_handled(self) -> bool {
        matches!(self, Self::Handling | Self::WaitingForFulfillment | Self::ReadyForInvoicing)
    }

    /// A cancellation waits for the seller's answer.
    pub(crate) fn awaits_decision(self) -> bool {
        matches!(self, Self::RequestCancel | Self::WaitingForSellerDecision | Self::CancellationRequested)
    }

    pub(crate) fn part(self) -> Part {
        match self {
            Self::AuthorizeFulfillment
            | Self::WindowToCancel
            | Self::ReadyForHandling
            | Self::StartHandling
            | Self::Handling
            | Self::WaitingForFulfillment
            | Self::ReadyForInvoicing
            | Self::Invoice
            | Self::Invoiced
            | Self::CancellationRequested
            | Self::CancellationRequestDenied => Part::Fulfillment,
            _ => Part::Marketplace,
        }
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::OrderCreated => ("order-created", "Pedido Criado"),
            Self::OnOrderCompleted => ("on-order-completed", "Pedido Completo"),
            Self::PaymentPending => ("payment-pending", "Pagamento Pendente"),
            Self::ApprovePayment => ("approve-payment", "Aprovar Pagamento"),
            Self::PaymentApproved => ("payment-approved", "Pagamento Aprovado"),
            Self::AuthorizeFulfillment => ("authorize-fulfillment", "Autorizar Fulfillment"),
            Self::WindowToCancel => ("window-to-cancel", "Carência para Cancelamento"),
            Self::ReadyForHandling => ("ready-for-handling", "Pronto para o Manuseio"),
            Self::StartHandling => ("start-handling", "Iniciar Manuseio"),
            Self::Handling => ("handling", "Preparando Entrega"),
            Self::WaitingForFulfillment => ("waiting-for-fulfillment", "Aguardando Fulfillment"),
            Self::ReadyForInvoicing => ("ready-for-invoicing", "Pronto para Faturar"),
            Self::Invoice => ("invoice", "Verificando Fatura"),
            Self::Invoiced => ("invoiced", "Faturado"),
            Self::RequestCancel => ("request-cancel", "Solicitar Cancelamento"),
            Self::WaitingForSellerDecision => ("waiting-for-seller-decision", "Aguardando Decisão do Seller"),
            Self::CancellationRequested => ("cancellation-requested", "Cancelamento Solicitado"),
            Self::CancellationRequestDenied => {
                ("cancellation-request-denied", "Solicitação de Cancelamento Negada")
            }
            Self::Cancel => ("cancel", "Cancelar"),
            Self::Canceled => ("canceled", "Cancelado"),
            Self::Replaced => ("replaced", "Substituído"),
            Self::OrderCreationError => ("order-creation-error", "Erro na Criação do Pedido"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_spelled_in_json_as_in_the_feed() {
        for status in [OrderStatus::OnOrderCompleted, OrderStatus::ReadyForHandling, OrderStatus::Canceled] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
