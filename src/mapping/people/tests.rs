//! The rules for customers and consents, each by name. Rows are those of the reference schema.

use compact_str::CompactString;
use proptest::prelude::*;

use super::*;
use crate::core::time::Timestamp;
use crate::core::value::person::{Act, Customer, Identity};

const ACCEPTED: i64 = 1;
const REFUSED: i64 = 2;
const REVOKED: i64 = 3;
const EXPIRED: i64 = 4;

fn row() -> CustomerRow {
    CustomerRow {
        code: "77".into(),
        kind: 1,
        document: Some("529.982.247-25".to_owned()),
        registration: None,
        name: "Ana  Maria Souza ".to_owned(),
        trade_name: None,
        birth_date: Some("1990-05-17".to_owned()),
        sex: Some(2),
        email: Some(" Ana@Example.com".to_owned()),
        cell_phone: Some("(19) 99999-0000".to_owned()),
        phone: None,
        active: true,
        erased: false,
        price_group: None,
    }
}

fn address(id: &str) -> AddressRow {
    AddressRow {
        id: id.into(),
        kind: 2,
        receiver: None,
        street: "Rua A".to_owned(),
        number: Some("10".to_owned()),
        complement: Some(" ".to_owned()),
        neighborhood: None,
        city: "Campinas".to_owned(),
        state: "sp".to_owned(),
        postal_code: "13010-000".to_owned(),
        country: "BRA".to_owned(),
        reference: None,
        active: true,
    }
}

fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp(second * 1_000_000))
}

fn said(purpose: &str, state: i64, accepted: Option<Timestamp>, revoked: Option<Timestamp>) -> ConsentRow {
    ConsentRow {
        purpose: purpose.into(),
        state,
        channel: "PDV".into(),
        accepted,
        revoked,
        letter: "LGPD".into(),
        version: 2,
        text_hash: "ab".into(),
    }
}

fn registered() -> ConsentRow {
    said("CADASTRO", ACCEPTED, at(1), None)
}

fn rows(customer: CustomerRow) -> PersonRows {
    PersonRows { customer, addresses: Vec::new(), consents: vec![registered()] }
}

fn map(rows: &PersonRows) -> MappedPerson {
    person(rows, Told::default(), &CustomersConfig::default(), &ConsentConfig::default())
}

fn customer(mapped: &MappedPerson) -> Customer {
    let Ok(Value::Customer(customer)) = &mapped.customer else { panic!("{:?}", mapped.customer) };
    customer.as_ref().clone()
}

fn consent(mapped: &MappedPerson) -> Consent {
    let Ok(Value::Consent(consent)) = &mapped.consent else { panic!("{:?}", mapped.consent) };
    consent.as_ref().clone()
}

/// A change of one thing, and what then becomes of the customer.
type Case = (fn(&mut PersonRows), Result<(), PeopleReason>);

#[test]
fn whoever_must_not_be_sent_is_not_and_the_reason_is_named() {
    let cases: [Case; 14] = [
        (|_| {}, Ok(())),
        (|rows| rows.customer.email = None, Err(PeopleReason::NoEmail)),
        (|rows| rows.customer.email = Some(" ".to_owned()), Err(PeopleReason::NoEmail)),
        (|rows| rows.customer.email = Some("ana@example".to_owned()), Err(PeopleReason::InvalidEmail)),
        (|rows| rows.customer.email = Some("7f-1@ct.vtex.com.br".to_owned()), Err(PeopleReason::MaskedEmail)),
        (|rows| rows.customer.kind = 3, Err(PeopleReason::Informal)),
        (|rows| rows.customer.kind = 9, Err(PeopleReason::UnknownKind)),
        (|rows| rows.customer.active = false, Err(PeopleReason::Inactive)),
        (|rows| rows.customer.name = " \t".to_owned(), Err(PeopleReason::NoName)),
        (|rows| rows.consents.clear(), Err(PeopleReason::NotConsented)),
        (|rows| rows.consents[0].state = REFUSED, Err(PeopleReason::NotConsented)),
        (|rows| rows.consents[0].state = EXPIRED, Err(PeopleReason::NotConsented)),
        (|rows| rows.consents[0].purpose = "PERFIL".into(), Err(PeopleReason::NotConsented)),
        (|rows| rows.consents[0].accepted = None, Err(PeopleReason::NotConsented)),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut rows = rows(row());
        change(&mut rows);
        assert_eq!(map(&rows).customer.map(drop), expected, "case {number}");
    }
}

#[test]
fn the_basic_consent_is_needed_unless_the_configuration_says_otherwise() {
    let mut rows = rows(row());
    rows.consents.clear();
    let lax = CustomersConfig { require_basic_consent: false, ..CustomersConfig::default() };
    assert!(person(&rows, Told::default(), &lax, &ConsentConfig::default()).customer.is_ok());
    rows.consents = vec![said("REGISTRO", ACCEPTED, at(1), None)];
    let other = CustomersConfig { basic_purpose: "REGISTRO".into(), ..CustomersConfig::default() };
    assert!(person(&rows, Told::default(), &other, &ConsentConfig::default()).customer.is_ok());
}

#[test]
fn whoever_is_anonymised_is_erased_whatever_else_is_true() {
    let cases: [fn(&mut PersonRows); 4] = [
        |_| {},
        |rows| rows.customer.email = None,
        |rows| rows.customer.kind = 3,
        |rows| {
            rows.customer.active = false;
            rows.consents.clear();
        },
    ];
    for change in cases {
        let mut rows = rows(CustomerRow { erased: true, ..row() });
        change(&mut rows);
        let mapped = map(&rows);
        assert_eq!((mapped.customer, mapped.consent), (Ok(Value::Erased), Ok(Value::Erased)));
    }
}

#[test]
fn a_person_is_sent_with_what_is_valid() {
    let mapped = map(&rows(row()));
    let found = customer(&mapped);
    assert_eq!(found.email, "ana@example.com");
    assert_eq!(found.cell_phone.as_deref(), Some("+5519999990000"));
    let expected = Identity::Person {
        first_name: "Ana".to_owned(),
        last_name: "Maria Souza".to_owned(),
        cpf: Some("52998224725".into()),
        birth_date: Some("1990-05-17".into()),
        gender: None,
    };
    assert!(found.identity == expected && mapped.left_out.is_empty());
}

#[test]
fn what_is_no_valid_value_is_left_out_and_counted_and_the_customer_is_sent() {
    let mut rows = rows(CustomerRow {
        document: Some("529.982.247-24".to_owned()),
        birth_date: Some("1800-01-01".to_owned()),
        cell_phone: Some("9999-0000".to_owned()),
        phone: Some("3200-0000".to_owned()),
        ..row()
    });
    rows.addresses = vec![
        AddressRow { postal_code: "1301".to_owned(), ..address("a1") },
        AddressRow { state: "XX".to_owned(), ..address("a2") },
        AddressRow { street: String::new(), ..address("a3") },
        AddressRow { country: "PRT".to_owned(), ..address("a4") },
        AddressRow { active: false, ..address("a5") },
    ];
    let mapped = map(&rows);
    let found = customer(&mapped);
    assert!(found.addresses.is_empty() && found.phone.is_none() && found.cell_phone.is_none());
    assert!(matches!(found.identity, Identity::Person { cpf: None, birth_date: None, .. }));
    let mut reasons = mapped.left_out;
    reasons.sort();
    use PeopleReason::{ForeignAddress, InvalidAddress, InvalidBirthDate, InvalidDocument, InvalidPhone};
    assert_eq!(
        reasons,
        [
            InvalidDocument,
            InvalidPhone,
            InvalidPhone,
            InvalidBirthDate,
            InvalidAddress,
            InvalidAddress,
            InvalidAddress,
            ForeignAddress,
        ]
    );
}

#[test]
fn a_name_of_one_word_has_no_last_name() {
    for (name, first, last) in [("Ana", "Ana", ""), (" Ana\nSouza ", "Ana", "Souza"), ("A B C", "A", "B C")] {
        let found = customer(&map(&rows(CustomerRow { name: name.to_owned(), ..row() })));
        let Identity::Person { first_name, last_name, .. } = found.identity else { panic!("a person") };
        assert_eq!((first_name.as_str(), last_name.as_str()), (first, last), "{name:?}");
    }
}

#[test]
fn a_gender_is_sent_only_where_the_configuration_says_what_it_is() {
    let config = CustomersConfig { male: Some(1), female: Some(2), ..CustomersConfig::default() };
    for (sex, expected) in [(Some(1), Some("male")), (Some(2), Some("female")), (Some(3), None), (None, None)]
    {
        let rows = rows(CustomerRow { sex, ..row() });
        for (config, expected) in [(&config, expected), (&CustomersConfig::default(), None)] {
            let found = customer(&person(&rows, Told::default(), config, &ConsentConfig::default()));
            let Identity::Person { gender, .. } = found.identity else { panic!("a person") };
            assert_eq!(gender.as_deref(), expected, "{sex:?}");
        }
    }
}

#[test]
fn a_company_has_a_cnpj_of_either_kind_and_two_names() {
    for (written, expected) in [
        ("11.222.333/0001-81", Some("11222333000181")),
        ("12.abc.345/01de-35", Some("12ABC34501DE35")),
        ("529.982.247-25", None),
    ] {
        let mapped = map(&rows(CustomerRow {
            kind: 2,
            document: Some(written.to_owned()),
            registration: Some(" 244.001 ".to_owned()),
            name: "Loja Mar Ltda".to_owned(),
            trade_name: Some("Loja  Mar".to_owned()),
            ..row()
        }));
        let expected = Identity::Company {
            name: "Loja Mar Ltda".to_owned(),
            trade_name: Some("Loja Mar".to_owned()),
            cnpj: expected.map(CompactString::new),
            state_registration: Some("244.001".into()),
        };
        assert!(customer(&mapped).identity == expected, "{written}");
    }
}

#[test]
fn addresses_are_those_of_live_in_the_form_of_vtex() {
    let mut rows = rows(row());
    rows.addresses = vec![
        AddressRow { kind: 3, receiver: Some("Loja".to_owned()), ..address("B2") },
        AddressRow { number: None, ..address("A1") },
    ];
    let addresses = customer(&map(&rows)).addresses;
    let shown: Vec<_> = addresses
        .iter()
        .map(|a| (a.id.as_str(), a.kind.as_str(), a.receiver.as_str(), a.number.as_str()))
        .collect();
    assert_eq!(shown, [("a1", "residential", "Ana Maria Souza", ""), ("b2", "commercial", "Loja", "10")]);
    assert_eq!((addresses[0].state.as_str(), addresses[0].postal_code.as_str()), ("SP", "13010000"));
    assert_eq!(addresses[0].complement, None);
}

#[test]
fn the_newest_act_counts_by_its_date_and_what_takes_back_wins_ties() {
    let accepted = |seconds| said("P", ACCEPTED, at(seconds), None);
    let revoked = |seconds| said("P", REVOKED, at(1), at(seconds));
    let refused = |seconds| said("P", REFUSED, None, at(seconds));
    let expired = |seconds| said("P", EXPIRED, at(1), at(seconds));
    let undated = |state| said("P", state, None, None);
    let unknown = |seconds| said("P", 9, at(seconds), None);
    use ConsentState::{Accepted, Expired, Refused, Revoked};
    let cases: [(&[ConsentRow], Option<ConsentState>, Option<Timestamp>); 17] = [
        (&[], None, None),
        (&[accepted(5)], Some(Accepted), at(5)),
        (&[accepted(5), revoked(9)], Some(Revoked), at(9)),
        (&[revoked(9), accepted(5)], Some(Revoked), at(9)),
        (&[revoked(9), accepted(12)], Some(Accepted), at(12)),
        (&[revoked(9), accepted(9)], Some(Revoked), at(9)),
        (&[refused(9), accepted(9)], Some(Refused), at(9)),
        (&[expired(9), accepted(9)], Some(Expired), at(9)),
        (&[expired(9), revoked(9)], Some(Revoked), at(9)),
        // The row says accepted, its dates that it was taken back.
        (&[said("P", ACCEPTED, at(5), at(7))], Some(Revoked), at(7)),
        (&[said("P", ACCEPTED, at(7), at(7))], Some(Revoked), at(7)),
        (&[said("P", ACCEPTED, None, at(7))], Some(Revoked), at(7)),
        (&[said("P", ACCEPTED, at(9), at(7))], Some(Accepted), at(9)),
        // Without a date an agreement is none, and a refusal cannot be shown to be older.
        (&[undated(ACCEPTED)], None, None),
        (&[undated(REVOKED), accepted(99)], Some(Revoked), None),
        (&[unknown(9), accepted(5)], None, None),
        (&[unknown(5), accepted(9)], Some(Accepted), at(9)),
    ];
    for (number, (consents, state, moment)) in cases.into_iter().enumerate() {
        let acts = consent::newest(consents, &mut Vec::new());
        let found = acts.first();
        assert_eq!(found.map(|act| act.state), state, "case {number}");
        assert_eq!(found.and_then(|act| act.at), moment, "case {number}");
    }
}

#[test]
fn the_newsletter_is_e_mail_marketing_and_nothing_else() {
    let marketing = |state, seconds| said("MARKETING_EMAIL", state, at(seconds), None);
    let cases: [(Vec<ConsentRow>, Option<bool>); 7] = [
        (vec![registered()], None),
        (vec![registered(), said("MARKETING_SMS", ACCEPTED, at(2), None)], None),
        (vec![registered(), marketing(ACCEPTED, 2)], Some(true)),
        (vec![registered(), marketing(REFUSED, 2)], Some(false)),
        (vec![registered(), marketing(EXPIRED, 2)], Some(false)),
        // Nobody is signed up who may not be known at all; signing off is for everybody.
        (vec![marketing(ACCEPTED, 2)], None),
        (vec![marketing(REVOKED, 2)], Some(false)),
    ];
    for (consents, expected) in cases {
        let found = consent(&map(&PersonRows { consents, ..rows(row()) }));
        assert_eq!(found.newsletter, expected);
        assert_eq!((found.email.as_str(), found.customer.as_str()), ("ana@example.com", "77"));
    }
    let config = ConsentConfig { email_marketing_purpose: "NEWS".into() };
    let consents = vec![registered(), said("NEWS", ACCEPTED, at(2), None)];
    let rows = PersonRows { consents, ..rows(row()) };
    assert_eq!(
        consent(&person(&rows, Told::default(), &CustomersConfig::default(), &config)).newsletter,
        Some(true)
    );
}

#[test]
fn the_consents_of_somebody_who_is_not_sent() {
    let cases: [Case; 5] = [
        (|rows| rows.customer.active = false, Ok(())),
        (|rows| rows.consents[0].state = REVOKED, Ok(())),
        (|rows| rows.consents.clear(), Err(PeopleReason::NothingSaid)),
        (|rows| rows.customer.kind = 3, Err(PeopleReason::Informal)),
        (|rows| rows.customer.email = None, Err(PeopleReason::NoEmail)),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut rows = rows(row());
        change(&mut rows);
        assert_eq!(map(&rows).consent.map(drop), expected, "case {number}");
    }
}

/// What VTEX was told, and what the rows say now.
fn told(email: &str, newsletter: Option<bool>, acts: Vec<ConsentRow>) -> Consent {
    let acts = consent::newest(&acts, &mut Vec::new());
    Consent { email: email.into(), customer: "77".into(), newsletter, acts }
}

#[test]
fn rows_that_go_bring_nothing_back_and_prove_nothing() {
    let accepted = |seconds| said("P", ACCEPTED, at(seconds), None);
    let revoked = |seconds| said("P", REVOKED, at(1), at(seconds));
    let undated = || said("P", REVOKED, None, None);
    use ConsentState::{Accepted, Deleted, Revoked};
    type Case = (Vec<ConsentRow>, Vec<ConsentRow>, Option<ConsentState>, Option<PeopleReason>);
    let cases: [Case; 9] = [
        (vec![], vec![], None, None),
        (vec![], vec![accepted(5)], Some(Accepted), None),
        (vec![accepted(5)], vec![accepted(5)], Some(Accepted), None),
        // The row of the agreement is gone.
        (vec![accepted(5)], vec![], Some(Deleted), Some(PeopleReason::DeletedAgreement)),
        // The row of the revocation is gone, and the agreement before it is still there, or is there again.
        (vec![revoked(9)], vec![accepted(5)], Some(Revoked), Some(PeopleReason::OutdatedAgreement)),
        (vec![revoked(9)], vec![accepted(9)], Some(Revoked), Some(PeopleReason::OutdatedAgreement)),
        (vec![revoked(9)], vec![accepted(10)], Some(Accepted), None),
        (vec![revoked(9)], vec![], Some(Revoked), None),
        // What has no date is no later than a row that says otherwise.
        (vec![undated()], vec![accepted(5)], Some(Accepted), None),
    ];
    for (number, (before, now, state, reason)) in cases.into_iter().enumerate() {
        let mut left_out = Vec::new();
        let before = consent::newest(&before, &mut Vec::new());
        let acts = consent::following(consent::newest(&now, &mut Vec::new()), &before, &mut left_out);
        assert_eq!(acts.first().map(|act| act.state), state, "case {number}");
        assert_eq!(left_out.first().copied(), reason, "case {number}");
        // What was made of it is told, and stands until Live says something newer.
        let again = consent::following(consent::newest(&now, &mut Vec::new()), &acts, &mut left_out);
        assert!(again == acts, "case {number}: the same again");
    }
}

#[test]
fn whom_we_signed_up_is_signed_off_when_nothing_allows_it_any_more() {
    let marketing = |state, seconds| said("MARKETING_EMAIL", state, at(seconds), None);
    let agreed = || told("ana@example.com", Some(true), vec![registered(), marketing(ACCEPTED, 2)]);
    type Case = (fn(&mut PersonRows), Option<bool>);
    let cases: [Case; 9] = [
        (|_| {}, Some(true)),
        (|rows| rows.consents.truncate(1), Some(false)),
        (|rows| rows.consents.clear(), Some(false)),
        (|rows| rows.consents[0].state = REVOKED, Some(false)),
        (|rows| rows.consents[1].state = EXPIRED, Some(false)),
        (|rows| rows.customer.active = false, Some(false)),
        (|rows| rows.customer.email = None, Some(false)),
        (|rows| rows.customer.email = Some("?".to_owned()), Some(false)),
        (|rows| rows.customer.kind = 3, Some(false)),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut rows = rows(row());
        rows.consents.push(marketing(ACCEPTED, 2));
        change(&mut rows);
        let before = agreed();
        let before = Told { customer: None, consent: Some(&before) };
        let mapped = person(&rows, before, &CustomersConfig::default(), &ConsentConfig::default());
        let found = consent(&mapped);
        assert_eq!((found.newsletter, found.email.as_str()), (expected, "ana@example.com"), "case {number}");
    }
}

#[test]
fn what_is_taken_back_reaches_vtex_though_the_address_is_gone() {
    let mut rows = rows(row());
    let known = customer(&map(&rows));
    rows.customer.email = None;
    rows.consents.push(said("MARKETING_EMAIL", REVOKED, None, at(9)));
    let mapped = |told| person(&rows, told, &CustomersConfig::default(), &ConsentConfig::default());
    assert_eq!(mapped(Told::default()).consent, Err(PeopleReason::NoEmail), "VTEX knows nobody");
    let found = consent(&mapped(Told { customer: Some(&known), consent: None }));
    assert_eq!((found.email.as_str(), found.newsletter), ("ana@example.com", Some(false)));
    let before = told("old@example.com", Some(true), vec![]);
    let found = consent(&mapped(Told { customer: Some(&known), consent: Some(&before) }));
    assert_eq!((found.email.as_str(), found.newsletter), ("old@example.com", Some(false)));
}

#[test]
fn code_and_price_tables_are_sent_where_they_are_configured() {
    let config = CustomersConfig {
        code_field: Some("codigoErp".into()),
        price_tables: [("2".to_owned(), vec!["revenda".into(), "outlet".into()])].into(),
        ..CustomersConfig::default()
    };
    let (code, tables) = (("codigoErp", "77"), ("priceTables", "revenda,outlet"));
    for (group, expected) in [(None, vec![code]), (Some("1"), vec![code]), (Some(" 2 "), vec![code, tables])]
    {
        let rows = rows(CustomerRow { price_group: group.map(str::to_owned), ..row() });
        let found = customer(&person(&rows, Told::default(), &config, &ConsentConfig::default()));
        let fields: Vec<_> =
            found.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, expected, "{group:?}");
        assert_eq!(customer(&map(&rows)).fields, []);
    }
}

#[test]
fn an_act_says_who_heard_what_and_how() {
    let act = consent::newest(&[registered()], &mut Vec::new()).remove(0);
    let expected = Act {
        purpose: "CADASTRO".into(),
        state: ConsentState::Accepted,
        at: at(1),
        channel: "PDV".into(),
        letter: "LGPD".into(),
        version: 2,
        text_hash: "ab".into(),
    };
    assert!(act == expected);
}

#[test]
fn debug_and_reasons_name_nobody() {
    let mut rows = rows(row());
    rows.addresses = vec![address("a1")];
    let mapped = map(&rows);
    let parts = (&rows, &rows.customer, &rows.addresses, &rows.consents);
    let shown = format!("{parts:?} {mapped:?}");
    for secret in ["Ana", "Souza", "@", "529", "Rua", "99999", "1990", "13010"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let mut names: Vec<_> = PeopleReason::ALL.into_iter().map(PeopleReason::name).collect();
    let outcomes = ["skipped/", "refused/", "adjusted/"];
    assert!(names.iter().all(|name| outcomes.iter().any(|outcome| name.starts_with(outcome))));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PeopleReason::ALL.len());
}

#[test]
fn sections_have_defaults_and_refuse_what_they_do_not_know() {
    #[derive(serde::Deserialize)]
    struct Sections {
        #[serde(default)]
        customers: CustomersConfig,
        #[serde(default)]
        consent: ConsentConfig,
    }
    let read = |text: &str| toml::from_str::<Sections>(text);
    let sections = read("").unwrap();
    assert!(sections.customers.require_basic_consent);
    assert_eq!(sections.customers.basic_purpose, "CADASTRO");
    assert_eq!(sections.consent.email_marketing_purpose, "MARKETING_EMAIL");
    assert_eq!(sections.customers.on_delete, OnDelete::Keep);
    for text in ["require_consent = true", "on_delete = 'forget'"] {
        assert!(read(&format!("[customers]\n{text}")).is_err(), "{text}");
    }
    let all = "[customers]\ncode_field = 'codigoErp'\non_delete = 'erase'\n\
               price_tables = { '2' = ['revenda', 'a', 'b', 'c', 'd'] }";
    let sections = read(all).unwrap();
    assert_eq!(sections.customers.validate(&sections.consent), Ok(()));
    for text in [
        "[customers]\nbasic_purpose = ''",
        "[consent]\nemail_marketing_purpose = ' '",
        "[consent]\nemail_marketing_purpose = 'CADASTRO'",
        "[customers]\nmale = 1\nfemale = 1",
        "[customers]\ncode_field = 'código'",
        "[customers]\ncode_field = 'Email'",
        "[customers]\nprice_tables = { '2' = [] }",
        "[customers]\nprice_tables = { '2' = ['a,b'] }",
        "[customers]\nprice_tables = { '2' = ['a', 'b', 'c', 'd', 'e', 'f'] }",
        "[customers]\nprice_tables = { '2' = ['a23456789012345678901234', 'b23456789012345678901234567'] }",
    ] {
        let sections = read(text).unwrap();
        assert!(sections.customers.validate(&sections.consent).is_err(), "{text}");
    }
}

fn any_act() -> impl Strategy<Value = ConsentRow> {
    let date = || prop::option::of((0..6_i64).prop_map(|second| Timestamp(second * 1_000_000)));
    (0..6_i64, date(), date(), 0..3_i32).prop_map(|(state, accepted, revoked, version)| ConsentRow {
        version,
        ..said("P", state, accepted, revoked)
    })
}

proptest! {
    /// Arrival does not count.
    #[test]
    fn the_order_of_the_rows_does_not_matter(
        acts in prop::collection::vec(any_act(), 0..6).prop_flat_map(|acts| (Just(acts.clone()), Just(acts).prop_shuffle())),
    ) {
        let (one, other) = acts;
        prop_assert!(consent::newest(&one, &mut Vec::new()) == consent::newest(&other, &mut Vec::new()));
    }

    /// Whatever else there is: an agreement counts only when it is later than all that takes something back.
    #[test]
    fn nothing_that_was_taken_back_rises_again(acts in prop::collection::vec(any_act(), 1..6)) {
        let found = consent::newest(&acts, &mut Vec::new());
        if let Some(act) = found.first().filter(|act| act.state == ConsentState::Accepted) {
            let at = act.at.expect("an agreement has a date");
            for row in acts.iter().filter(|row| row.state != 1) {
                prop_assert!(row.accepted.max(row.revoked).is_some_and(|said| said < at));
            }
            prop_assert!(acts.iter().any(|row| row.state == 1 && row.accepted == Some(at)));
            prop_assert!(acts.iter().all(|row| row.revoked.is_none_or(|revoked| revoked < at)));
        }
    }
}
