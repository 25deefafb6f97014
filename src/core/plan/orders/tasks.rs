//! What a person has to see to. Each names the way out.

pub(super) const CANCELED_UPSTREAM: &str = "VTEX has cancelled this order, and Live has a fiscal document for it: stop the delivery and take the document back in Live";

pub(super) const REPLACED_UPSTREAM: &str = "the customer has replaced this order in VTEX by another one, and Live has a fiscal document for it: stop the delivery and take the document back in Live";

pub(super) const STUCK_CANCEL: &str = "VTEX has been cancelling this order for too long (known issue 1400005): have VTEX finish it, then `mare parked retry`";

pub(super) const STUCK_HANDLING: &str = "VTEX shows this order as ready for handling and does not take it (known issue 1218606): start handling in the Admin, then `mare parked retry`";

pub(super) const UNKNOWN_STATUS: &str =
    "VTEX shows a status that maré does not know: look at the order in the Admin, then `mare parked retry`";

pub(super) const CANCEL_INVOICED: &str = "cancelled in Live, but VTEX has an invoice of it, and does not cancel such an order: make a return there, or undo the cancellation in Live";

pub(super) const SELLER_PAYMENT: &str = "cancelled in Live and in VTEX; its payment was taken by a sales person: cancel that by hand, then `mare parked drop`";

pub(super) const UNDECIDED: &str = "the customer has asked VTEX to cancel this order, and Live has invoiced it: decide in Live (decisao_cancelamento); nothing is sent before";

pub(super) const UNKNOWN_REQUEST: &str = "Live denies the cancellation that was asked for, and VTEX does not tell which request it is: deny it in the Admin, then `mare parked retry`";

pub(super) const NO_DOCUMENT: &str = "invoiced in Live, but without an authorised fiscal document with items: complete it in Live; it is sent by itself then";

pub(super) const SUM_DIFFERS: &str = "the fiscal documents of Live do not add up to the value of VTEX's order (shipping and discounts included): nothing was sent, as VTEX can take no invoice back. Correct Live, or set tuning.orders.partial_invoices";

pub(super) const SUM_TOO_LARGE: &str = "the fiscal documents of Live are worth more than VTEX's order: nothing was sent. An invoice that was replaced in Live has to be replaced in VTEX by hand";

pub(super) const ALREADY_INVOICED: &str = "VTEX has this order invoiced by another document, and can replace none: compare both, then `mare parked drop`";

pub(super) const UNKNOWN_ITEM: &str = "a fiscal document has a SKU that VTEX's order does not have, or no whole number of units: invoice it in the Admin, then `mare parked retry`";

pub(super) const SHORT: &str = "fewer units were sent than ordered, and VTEX's order could not be changed: it is invoiced in part. Take the missing items out of it in the Admin";

pub(super) const TAKEN_BACK: &str = "the fiscal document was cancelled in Live after VTEX had it: whether the customer is paid back is for somebody to decide (tuning.orders.refund does it always)";

pub(super) const TAKEN_BACK_EARLY: &str = "the fiscal document was cancelled in Live before VTEX had the whole order invoiced: invoice it anew or cancel the pedido in Live";
