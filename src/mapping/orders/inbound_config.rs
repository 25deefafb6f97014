//! `[orders]`: how orders of VTEX enter Live, and what VTEX's names are there.

use std::collections::HashSet;

use compact_str::CompactString;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::core::limiter::RouteLimit;
use crate::core::time::Timestamp;
use crate::mapping::config::MappingConfig;
use crate::mapping::proposal::orders::is_point;

/// How an order is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// Into the tables of Live.
    #[default]
    Tables,
    /// Into `mare.pedido_entrada`, from where a job of the site takes it.
    Staging,
}

/// Whether the goods of an order are reserved when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserve {
    /// In `estoque_saldo.quantidade_reservada`, in the same transaction.
    #[default]
    EstoqueSaldo,
    /// Live does it by itself, or not at all.
    None,
}

/// `[[orders.stores]]`: the store that a warehouse belongs to. Without one, that of `[[mapping.stores]]`, if only one
/// feeds the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarehouseRule {
    pub warehouse: CompactString,
    /// `loja.codigo`.
    pub loja: CompactString,
    /// `deposito.codigo`; none: the store's default one.
    pub deposito: Option<CompactString>,
}

/// `[[orders.pickup_points]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickupRule {
    /// The id that the Admin shows, like `VTEX-RJ`, or the `pickupPointId` of orders, which has the seller before it:
    /// `1_VTEX-RJ`.
    pub id: CompactString,
    /// `loja.codigo`.
    pub loja: CompactString,
}

/// `[[orders.payments]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentRule {
    /// VTEX's group: `creditCard`, `debitCard`, `instantPayment`, `bankInvoice`, `giftCard` …
    pub group: CompactString,
    /// VTEX's number of the means of payment (`paymentSystem`); none: all of the group.
    pub system: Option<CompactString>,
    /// `pedido_venda_pagamento.forma`: `CREDITO`, `PIX` …
    pub forma: CompactString,
}

/// `[[orders.carriers]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierRule {
    /// `courierId`.
    pub courier: CompactString,
    /// `transportadora.codigo`.
    pub transportadora: CompactString,
}

/// `kind` of a trade policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyKind {
    /// Pick-up or delivery, as the shopper chose.
    #[default]
    Shop,
    /// Entered by a sales person, who also takes the money (pedido vendedor).
    Seller,
}

/// `[[orders.trade_policies]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// `salesChannel`.
    pub sales_channel: CompactString,
    /// `pedido_venda.canal_venda`.
    pub canal_venda: Option<CompactString>,
    /// `pedido_venda.modalidade`.
    pub modalidade: Option<CompactString>,
    /// `tabela_preco.codigo`.
    pub tabela: Option<CompactString>,
    #[serde(default)]
    pub kind: PolicyKind,
}

/// `[orders]`, without the names of tables.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InboundConfig {
    /// Which `[[source]]` they are written into. Default: the only one.
    pub source: Option<String>,
    /// `tables` or `staging`. Default: `tables`.
    pub write: WriteMode,
    /// `estoque_saldo` or `none`. Default: `estoque_saldo`.
    pub reserve: Reserve,
    /// Seconds until the next look at an empty feed, 1 to 3,600; after messages it is a second. Default: 5.
    pub poll_seconds: u64,
    /// Requests to VTEX, feed and orders together. Default: 20 a second, 40 at once (VTEX allows 100 a second for reading
    /// orders).
    pub limit: RouteLimit,
    /// Orders that are read at the same time, 1 to 32. Default: 4.
    pub concurrency: usize,
    /// Orders placed before are left alone: a day like `2026-11-25`, or a moment. Default: none.
    pub since: Option<String>,
    /// When the feed had been set up anew: how many days back orders are looked for, 1 to 30. Default: 4.
    pub reconcile_days: u16,
    /// Zone of the shop. Default: `America/Sao_Paulo`.
    pub timezone: String,
    /// Masked e-mail addresses are looked up in Master Data. Default: true.
    pub real_email: bool,
    /// `usuario` of the rows that maré writes. Default: `mare`.
    pub user: CompactString,
    /// `forma` of payments that no rule names, which are then written with a warning. Default: none, the order is set
    /// aside.
    pub default_payment: Option<CompactString>,
    /// Days that the history of an order is kept, 1 to 3,650. Default: 60.
    pub history_days: u16,
    pub stores: Vec<WarehouseRule>,
    pub pickup_points: Vec<PickupRule>,
    pub payments: Vec<PaymentRule>,
    /// None: orders have no carrier in Live.
    pub carriers: Vec<CarrierRule>,
    /// None: orders have neither channel nor price table.
    pub trade_policies: Vec<PolicyRule>,
}

impl Default for InboundConfig {
    fn default() -> Self {
        Self {
            source: None,
            write: WriteMode::default(),
            reserve: Reserve::default(),
            poll_seconds: 5,
            limit: RouteLimit { per_second: 20.0, burst: 40 },
            concurrency: 4,
            since: None,
            reconcile_days: 4,
            timezone: "America/Sao_Paulo".to_owned(),
            real_email: true,
            user: CompactString::const_new("mare"),
            default_payment: None,
            history_days: 60,
            stores: Vec::new(),
            pickup_points: Vec::new(),
            payments: Vec::new(),
            carriers: Vec::new(),
            trade_policies: Vec::new(),
        }
    }
}

impl InboundConfig {
    /// Everything that is wrong, each with what to write instead.
    pub fn validate(&self, sources: &[String]) -> Vec<String> {
        let mut findings = Vec::new();
        let ranges = [
            ("poll_seconds", self.poll_seconds, 1, 3_600),
            ("concurrency", self.concurrency as u64, 1, 32),
            ("reconcile_days", u64::from(self.reconcile_days), 1, 30),
            ("history_days", u64::from(self.history_days), 1, 3_650),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                findings.push(format!("[orders]: {field} = {value} is outside {least} to {most}"));
            }
        }
        findings.extend(self.limit.validate().err().map(|error| format!("[orders] limit: {error}")));
        match &self.source {
            Some(name) if !sources.contains(name) => {
                findings.push(format!("[orders]: source = \"{name}\" is no [[source]]"));
            }
            None if sources.len() > 1 => {
                findings.push(
                    "[orders]: there are several sources: name the one that orders go to, source = \"…\""
                        .to_owned(),
                );
            }
            _ => {}
        }
        if TimeZone::get(&self.timezone).is_err() {
            findings.push(format!(
                "[orders]: timezone = \"{}\" is not known, like America/Sao_Paulo",
                self.timezone
            ));
        }
        if self.since.is_some() && self.since().is_none() {
            findings.push("[orders]: since is neither a day like 2026-11-25 nor a moment like 2026-11-25T08:00:00-03:00".to_owned());
        }
        findings.extend(twice(
            "stores",
            self.stores.iter().map(|rule| rule.warehouse.to_lowercase().into_string()),
        ));
        findings.extend(twice("pickup_points", self.pickup_points.iter().map(|rule| rule.id.to_string())));
        findings.extend(twice("carriers", self.carriers.iter().map(|rule| rule.courier.to_string())));
        let policies = self.trade_policies.iter().map(|rule| rule.sales_channel.to_string());
        findings.extend(twice("trade_policies", policies));
        let payments = self.payments.iter().map(|rule| {
            let system = rule.system.as_deref().unwrap_or("*");
            format!("{} {system}", rule.group)
        });
        findings.extend(twice("payments", payments));
        findings
    }

    /// The zone of the shop; validated.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    /// From when on orders are entered.
    pub fn since(&self) -> Option<Timestamp> {
        let text = self.since.as_deref()?.trim();
        let moment = match text.parse::<jiff::Timestamp>() {
            Ok(moment) => moment,
            Err(_) => {
                let midnight = text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0);
                self.zone().to_timestamp(midnight).ok()?
            }
        };
        Some(Timestamp(moment.as_microsecond()))
    }

    /// Store and deposit of a warehouse. VTEX itself does not always tell ids apart by case.
    pub fn store_of<'a>(
        &'a self,
        mapping: &'a MappingConfig,
        warehouse: &str,
    ) -> Option<(&'a str, Option<&'a str>)> {
        let own = self.stores.iter().find(|rule| rule.warehouse.eq_ignore_ascii_case(warehouse));
        if let Some(rule) = own {
            return Some((&rule.loja, rule.deposito.as_deref()));
        }
        let mut feeding = mapping.stores.iter().filter(|rule| rule.warehouse.eq_ignore_ascii_case(warehouse));
        match (feeding.next(), feeding.next()) {
            (Some(rule), None) => Some((&rule.loja, rule.deposito.as_deref())),
            _ => None,
        }
    }

    /// The store of an order's pick-up point, which has the seller before its id (`1_loja-sul`); a rule may leave that out.
    pub fn pickup_store(&self, point: &str) -> Option<&str> {
        let exact = self.pickup_points.iter().find(|rule| rule.id == point);
        let rule = exact.or_else(|| self.pickup_points.iter().find(|rule| is_point(&rule.id, point)))?;
        Some(&rule.loja)
    }

    /// The rule of the system goes before that of the group.
    pub fn payment_form(&self, group: &str, system: &str) -> Option<&CompactString> {
        let of_group = || self.payments.iter().filter(|rule| rule.group.eq_ignore_ascii_case(group));
        let exact = of_group().find(|rule| rule.system.as_deref() == Some(system));
        exact.or_else(|| of_group().find(|rule| rule.system.is_none())).map(|rule| &rule.forma)
    }

    pub fn carrier(&self, courier: &str) -> Option<&CompactString> {
        self.carriers.iter().find(|rule| rule.courier == courier).map(|rule| &rule.transportadora)
    }

    pub fn policy(&self, sales_channel: &str) -> Option<&PolicyRule> {
        self.trade_policies.iter().find(|rule| rule.sales_channel == sales_channel)
    }
}

fn twice(section: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let repeated = names.filter(|name| !seen.insert(name.clone()));
    repeated
        .map(|name| format!("[[orders.{section}]]: {name} stands there twice: keep one of them"))
        .collect()
}
