//! The customer of an order.

use compact_str::{CompactString, format_compact};

use super::fit::Fit;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::{Customer, PersonKind, Place};
use crate::core::order::purchase::{Buyer, Content, Purchase};
use crate::mapping::people::{self, EmailError};

/// `cliente`: `nome` and `nome_fantasia`, `rg_inscricao`, `email`, `codigo`.
const NAME_MAX: usize = 120;
const REGISTRATION_MAX: usize = 20;
const EMAIL_MAX: usize = 120;
const CODE_MAX: usize = 20;

/// Who buys. `email`: the address that Master Data has, where the order shows an alias of it.
pub(super) fn customer(
    purchase: &Purchase,
    content: &Content,
    email: Option<&str>,
    fit: &mut Fit,
    obstacles: &mut Vec<Obstacle>,
) -> Customer {
    let buyer = &content.buyer;
    let document = document(buyer, obstacles);
    let email = address(buyer, email, fit);
    if document.is_none() && email.is_none() && obstacles.iter().all(|other| !is_document(other)) {
        obstacles.push(Obstacle::Nobody);
    }
    let (cell_phone, phone) = phones(buyer, fit);
    let cut = |text: &Option<String>, column, limit, fit: &mut Fit| {
        text.as_deref().filter(|_| buyer.corporate).map(|text| fit.cut(column, text, limit))
    };
    Customer {
        kind: if buyer.corporate { PersonKind::Company } else { PersonKind::Person },
        code: code(purchase, document.as_ref()),
        name: name(buyer, fit, obstacles),
        trade_name: cut(&buyer.trade_name, "nome_fantasia", NAME_MAX, fit),
        registration: buyer
            .state_registration
            .as_ref()
            .filter(|_| buyer.corporate)
            .and_then(|text| fit.whole("rg_inscricao", Some(&text.into()), REGISTRATION_MAX))
            .map(CompactString::into_string),
        document,
        email,
        cell_phone,
        phone,
        address: place(content, fit),
    }
}

/// Whether the shop writes to an alias: then the real address is worth a question to Master Data.
pub fn is_masked(buyer: &Buyer) -> bool {
    people::email(buyer.email.as_deref()) == Err(EmailError::Masked)
}

fn is_document(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Document(_))
}

/// A company has a CNPJ, a person a CPF; somebody from abroad has neither, and is known by e-mail.
fn document(buyer: &Buyer, obstacles: &mut Vec<Obstacle>) -> Option<CompactString> {
    if buyer.corporate {
        let found = buyer.corporate_document.as_deref().and_then(people::cnpj);
        if found.is_none() {
            obstacles.push(Obstacle::Document("clientProfileData.corporateDocument"));
        }
        return found;
    }
    let given = buyer.document.as_deref()?;
    if let Some(found) = people::cpf(given).or_else(|| people::cnpj(given)) {
        return Some(found);
    }
    let is_foreign = buyer.document_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("cpf"));
    if !is_foreign {
        obstacles.push(Obstacle::Document("clientProfileData.document"));
    }
    None
}

/// Never an alias of VTEX, which dies with the order.
fn address(buyer: &Buyer, real: Option<&str>, fit: &mut Fit) -> Option<CompactString> {
    let own = people::email(buyer.email.as_deref());
    let found = own.or_else(|error| match error {
        EmailError::Masked => people::email(real),
        other => Err(other),
    });
    let fits = found.ok().filter(|address| address.len() <= EMAIL_MAX);
    if fits.is_none() {
        fit.warn("email");
    }
    fits
}

fn phones(buyer: &Buyer, fit: &mut Fit) -> (Option<CompactString>, Option<CompactString>) {
    /// `+55`, the area code, and nine digits.
    const CELL_PHONE: usize = 14;
    let Some(given) = buyer.phone.as_deref() else { return (None, None) };
    match people::phone(given) {
        Some(number) if number.starts_with("+55") && number.len() < CELL_PHONE => (None, Some(number)),
        Some(number) => (Some(number), None),
        None => {
            fit.warn("telefone");
            (None, None)
        }
    }
}

fn name(buyer: &Buyer, fit: &Fit, obstacles: &mut Vec<Obstacle>) -> String {
    let name = if buyer.corporate {
        buyer.corporate_name.clone().or_else(|| buyer.trade_name.clone())
    } else {
        let names = [&buyer.first_name, &buyer.last_name].into_iter().flatten();
        Some(names.flat_map(|name| name.split_whitespace()).collect::<Vec<_>>().join(" "))
    };
    let name = fit.name("the buyer's name", &name.unwrap_or_default(), NAME_MAX, obstacles);
    if name.is_empty() {
        obstacles.push(Obstacle::NoName);
    }
    name
}

/// A new customer is called by the document, which is unique; without one, by the order that brought him.
fn code(purchase: &Purchase, document: Option<&CompactString>) -> CompactString {
    let by_order = || {
        let number = purchase.sequence.as_ref().unwrap_or(&purchase.id);
        let code = format_compact!("V{number}");
        code.chars().take(CODE_MAX).collect()
    };
    document.cloned().unwrap_or_else(by_order)
}

/// The fiscal address, else where the goods go to. One that is not complete is none: the order has what it needs itself.
fn place(content: &Content, fit: &mut Fit) -> Option<Place> {
    let delivered = || {
        let delivers = content.lines.iter().any(|line| line.delivery.pickup_point.is_none());
        content.addresses.first().filter(|_| delivers)
    };
    let address = content.fiscal_address.as_ref().or_else(delivered)?;
    let mut incomplete = Vec::new();
    let place = fit.place(Some(address), "address", &mut incomplete);
    if incomplete.is_empty() {
        return place;
    }
    fit.warn("cliente_endereco");
    None
}
