//! Which payment pays which part.

use compact_str::CompactString;

use super::fit::Fit;
use crate::core::money::Money;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::PedidoPayment;
use crate::core::order::purchase::{Content, Payment};
use crate::mapping::orders::inbound_config::InboundConfig;

/// `pedido_venda_pagamento`: `bandeira`, `tid`, `nsu` and `autorizacao`, `adquirente`.
const BRAND_MAX: usize = 30;
const TID_MAX: usize = 60;
const CODE_MAX: usize = 30;
const ACQUIRER_MAX: usize = 40;

/// The payments as Live knows them; together they are what the shopper pays.
pub(super) fn forms(
    content: &Content,
    config: &InboundConfig,
    fit: &mut Fit,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<PedidoPayment> {
    let with_interest = |payment: &Payment| payment.value;
    let without = |payment: &Payment| payment.reference_value.unwrap_or(payment.value);
    let sum = |amount: &dyn Fn(&Payment) -> Money| {
        content.payments.iter().map(|payment| amount(payment).0).try_fold(0_i64, i64::checked_add).map(Money)
    };
    // Interest on instalments is no part of the order's value, where the card's company takes it.
    let amount: &dyn Fn(&Payment) -> Money = match (sum(&with_interest), sum(&without)) {
        (Some(parts), _) if parts == content.value => &with_interest,
        (_, Some(parts)) if parts == content.value => &without,
        (Some(parts), _) => {
            obstacles.push(Obstacle::Sum { what: "the payments", parts, whole: content.value });
            &with_interest
        }
        (None, _) => {
            obstacles.push(Obstacle::Overflow);
            &with_interest
        }
    };
    let mut forms = Vec::new();
    for payment in content.payments.iter().filter(|payment| amount(payment).0 != 0) {
        forms.push(PedidoPayment {
            form: form(payment, config, fit, obstacles),
            brand: payment.system_name.as_deref().map(|name| fit.cut("bandeira", name, BRAND_MAX).into()),
            value: amount(payment),
            installments: payment.installments,
            tid: fit.whole("tid", payment.tid.as_ref(), TID_MAX),
            nsu: fit.whole("nsu", payment.nsu.as_ref(), CODE_MAX),
            authorization: fit.whole("autorizacao", payment.authorization.as_ref(), CODE_MAX),
            acquirer: payment
                .acquirer
                .as_deref()
                .map(|name| fit.cut("adquirente", name, ACQUIRER_MAX).into()),
        });
    }
    forms
}

fn form(
    payment: &Payment,
    config: &InboundConfig,
    fit: &mut Fit,
    obstacles: &mut Vec<Obstacle>,
) -> CompactString {
    let (group, system) =
        (payment.group.clone().unwrap_or_default(), payment.system.clone().unwrap_or_default());
    match (config.payment_form(&group, &system), &config.default_payment) {
        (Some(form), _) => form.clone(),
        (None, Some(form)) => {
            fit.warn("forma");
            form.clone()
        }
        (None, None) => {
            obstacles.push(Obstacle::Payment { group, system });
            CompactString::default()
        }
    }
}

/// The first payments pay the first parts; one that is more than a part needs goes on with the next.
pub(super) fn divide(forms: Vec<PedidoPayment>, parts: &[Money]) -> Vec<Vec<PedidoPayment>> {
    let mut paid: Vec<Vec<PedidoPayment>> = parts.iter().map(|_| Vec::new()).collect();
    let mut due: Vec<i64> = parts.iter().map(|part| part.0).collect();
    let mut part = 0;
    for form in forms {
        let mut left = form.value.0;
        while left > 0 && part < due.len() {
            let taken = left.min(due[part]);
            if taken > 0 {
                paid[part].push(PedidoPayment { value: Money(taken), ..form.clone() });
                left -= taken;
                due[part] -= taken;
            }
            if due[part] <= 0 {
                part += 1;
            }
        }
    }
    paid
}
