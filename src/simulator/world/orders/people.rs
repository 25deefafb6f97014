//! Invented shoppers.

use super::order::{Address, Customer};

const FIRST_NAMES: [&str; 12] = [
    "Iara", "Bento", "Luana", "Caetano", "Marina", "Ícaro", "Jussara", "Otávio", "Nair", "Raoni", "Açucena",
    "Tomé",
];
const LAST_NAMES: [&str; 10] = [
    "Maré-Alta",
    "da Enseada",
    "Correnteza",
    "do Farol",
    "Ressaca",
    "Baía-Mansa",
    "da Restinga",
    "Arrecife",
    "Preamar",
    "D'Ávila",
];
/// Street, neighbourhood, city, state, postal code; none of them a real address.
const PLACES: [(&str, &str, &str, &str, &str); 5] = [
    ("Rua das Ondas", "Centro", "São Paulo", "SP", "01000-001"),
    ("Avenida do Farol", "Barra", "Salvador", "BA", "40000-002"),
    ("Travessa da Vazante", "Boa Vista", "Recife", "PE", "50000-003"),
    ("Rua da Enchente", "Praia", "Florianópolis", "SC", "88000-004"),
    ("Alameda Preamar", "Moinhos", "Porto Alegre", "RS", "90000-005"),
];

/// A shopper who is the same for the same number.
pub(super) fn customer(number: u64) -> Customer {
    let mut random = fastrand::Rng::with_seed(number ^ 0x6d61_7265);
    let first = FIRST_NAMES[random.usize(..FIRST_NAMES.len())];
    let last = LAST_NAMES[random.usize(..LAST_NAMES.len())];
    Customer {
        user_id: super::uuid(&mut random),
        email: format!("cliente.{number}@comprador.example"),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        document: cpf(random.u32(..1_000_000)),
        phone: format!("+55119{:08}", random.u32(..100_000_000)),
        company: None,
        newsletter: random.bool(),
    }
}

pub(super) fn address(number: u64, receiver: &str) -> Address {
    let mut random = fastrand::Rng::with_seed(number ^ 0x656e_6465);
    let (street, neighborhood, city, state, postal_code) = PLACES[random.usize(..PLACES.len())];
    Address {
        id: format!("{:013}", random.u64(..10_000_000_000_000)),
        receiver: receiver.to_owned(),
        postal_code: postal_code.to_owned(),
        street: street.to_owned(),
        number: random.u32(1..2_000).to_string(),
        complement: random.bool().then(|| format!("apto {}", random.u32(1..200))),
        neighborhood: neighborhood.to_owned(),
        city: city.to_owned(),
        state: state.to_owned(),
    }
}

/// Where a pickup point is: invented from its id.
pub(super) fn pickup_point(id: &str, receiver: &str) -> Address {
    Address { id: id.to_owned(), complement: None, ..address(number(id), receiver) }
}

/// A number that is always the same for a text.
pub(super) fn number(text: &str) -> u64 {
    text.bytes().fold(0, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()))
}

/// A CPF whose check digits are right. It begins with 000, so that it is hardly anybody's.
fn cpf(number: u32) -> String {
    let mut digits: Vec<u32> = format!("{number:09}").bytes().map(|byte| u32::from(byte - b'0')).collect();
    for _ in 0..2 {
        let weights = (2..).take(digits.len());
        let sum: u32 = digits.iter().rev().zip(weights).map(|(digit, weight)| digit * weight).sum();
        digits.push(match sum % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        });
    }
    digits.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_a_cpf_are_the_receitas() {
        // 111.444.777-35 is the example of every description of the check digits.
        assert_eq!(cpf(111_444_777), "11144477735");
        assert_eq!(cpf(1).len(), 11);
        assert_eq!(customer(7).document, customer(7).document);
        assert_ne!(customer(7).email, customer(8).email);
    }
}
