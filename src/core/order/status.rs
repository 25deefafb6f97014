//! Where VTEX says that an order is.

use std::fmt;

use compact_str::CompactString;

macro_rules! statuses {
    ($($(#[$doc:meta])* $status:ident = $text:literal,)*) => {
        /// `status` of an order (VTEX Orders API, "Order flow and status").
        ///
        /// VTEX adds statuses without notice and its texts spell some in two ways: one that is not known is kept as it came,
        /// and counts as one that nothing may be done in.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum RemoteStatus {
            $($(#[$doc])* $status,)*
            /// Not documented.
            Other(CompactString),
        }

        impl RemoteStatus {
            /// Those that are documented.
            pub const KNOWN: &'static [Self] = &[$(Self::$status,)*];

            /// What VTEX calls it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$status => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for RemoteStatus {
            fn from(text: &str) -> Self {
                match text.trim() {
                    $($text => Self::$status,)*
                    other => Self::Other(CompactString::new(other)),
                }
            }
        }
    };
}

statuses! {
    /// No status at all (`null`): the order did not come through.
    Incomplete = "incomplete",
    OrderCreated = "order-created",
    OrderCompleted = "order-completed",
    OnOrderCompleted = "on-order-completed",
    OrderAccepted = "order-accepted",
    OnOrderCompletedFfm = "on-order-completed-ffm",
    PaymentPending = "payment-pending",
    ApprovePayment = "approve-payment",
    PaymentApproved = "payment-approved",
    PaymentDenied = "payment-denied",
    WaitingForOrderAuthorization = "waiting-for-order-authorization",
    WaitingForAuthorization = "waiting-for-authorization",
    WaitingFfmtAuthorization = "waiting-ffmt-authorization",
    WaitingForManualAuthorization = "waiting-for-manual-authorization",
    WaitingForMktAuthorization = "waiting-for-mkt-authorization",
    AuthorizeFulfillment = "authorize-fulfillment",
    WaitingForFulfillment = "waiting-for-fulfillment",
    WaitingSellerHandling = "waiting-seller-handling",
    WindowToChangePayment = "window-to-change-payment",
    WindowToChangeSeller = "window-to-change-seller",
    WindowToCancel = "window-to-cancel",
    ReadyForHandling = "ready-for-handling",
    /// Passed in moments.
    StartHandling = "start-handling",
    Handling = "handling",
    ReadyForInvoicing = "ready-for-invoicing",
    /// Passed in moments.
    Invoice = "invoice",
    Invoiced = "invoiced",
    RequestCancel = "request-cancel",
    CancellationRequested = "cancellation-requested",
    WaitingForSellerDecision = "waiting-for-seller-decision",
    CancellationRequestDenied = "cancellation-request-denied",
    CancellationRequestDeniedFfm = "cancellation-request-denied-ffm",
    InvoiceAfterCancellationDeny = "invoice-after-cancellation-deny",
    /// Passed in moments.
    Cancel = "cancel",
    Canceled = "canceled",
    Replaced = "replaced",
    OrderCreateError = "order-create-error",
    OrderCreationError = "order-creation-error",
}

/// What a status means for those who carry an order out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not ours yet: payment, authorisation, the window in which the customer may cancel.
    Early,
    /// Waits for `start-handling`.
    Ready,
    /// May be invoiced.
    Handling,
    /// VTEX is at work on it, for moments.
    Passing,
    /// Somebody wants it cancelled, and the seller decides.
    CancellationAsked,
    /// VTEX is cancelling it.
    Cancelling,
    Invoiced,
    Canceled,
    /// Another order took its place.
    Replaced,
    /// It did not come through.
    Broken,
    /// Not documented.
    Unknown,
}

impl RemoteStatus {
    pub const fn phase(&self) -> Phase {
        match self {
            Self::OrderCreated
            | Self::OrderCompleted
            | Self::OnOrderCompleted
            | Self::OrderAccepted
            | Self::OnOrderCompletedFfm
            | Self::PaymentPending
            | Self::ApprovePayment
            | Self::PaymentApproved
            | Self::PaymentDenied
            | Self::WaitingForOrderAuthorization
            | Self::WaitingForAuthorization
            | Self::WaitingFfmtAuthorization
            | Self::WaitingForManualAuthorization
            | Self::WaitingForMktAuthorization
            | Self::AuthorizeFulfillment
            | Self::WaitingForFulfillment
            | Self::WaitingSellerHandling
            | Self::WindowToChangePayment
            | Self::WindowToChangeSeller
            | Self::WindowToCancel => Phase::Early,
            Self::ReadyForHandling => Phase::Ready,
            Self::Handling | Self::ReadyForInvoicing | Self::InvoiceAfterCancellationDeny => Phase::Handling,
            Self::StartHandling
            | Self::Invoice
            | Self::Cancel
            | Self::CancellationRequestDenied
            | Self::CancellationRequestDeniedFfm => Phase::Passing,
            Self::CancellationRequested | Self::WaitingForSellerDecision => Phase::CancellationAsked,
            Self::RequestCancel => Phase::Cancelling,
            Self::Invoiced => Phase::Invoiced,
            Self::Canceled => Phase::Canceled,
            Self::Replaced => Phase::Replaced,
            Self::Incomplete | Self::OrderCreateError | Self::OrderCreationError => Phase::Broken,
            Self::Other(_) => Phase::Unknown,
        }
    }
}

impl fmt::Display for RemoteStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_is_written_and_an_unknown_one_is_kept() {
        for status in RemoteStatus::KNOWN {
            assert_eq!(RemoteStatus::from(status.as_str()), *status);
            assert_ne!(status.phase(), Phase::Unknown, "{status}");
        }
        let new = RemoteStatus::from("waiting-for-drone");
        assert_eq!((new.as_str(), new.phase()), ("waiting-for-drone", Phase::Unknown));
    }
}
