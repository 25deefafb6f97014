use proptest::prelude::*;
use serde_json::json;

use super::super::catalog::CatalogRules;
use super::super::{Held, Links, Next, PriceRules, Rules, Situation};
use super::*;
use crate::core::call::catalog::Document;
use crate::core::entity::{Entity, Key};
use crate::core::plan::OrderRules;
use crate::core::time::Timestamp;
use crate::core::value::person::{Act, Address, Consent, ConsentState, Customer, Identity};

const EMAIL: &str = "ana@example.com";
const CL: &str = "0b2f";

/// Master Data as the documents describe it.
#[derive(Debug, Clone, Default)]
struct Vtex {
    customers: BTreeMap<CompactString, Document>,
    addresses: BTreeMap<CompactString, Document>,
    acts: BTreeMap<CompactString, Document>,
    /// Search shows nothing yet.
    lags: bool,
    job: Option<JobState>,
    jobs: usize,
}

impl Vtex {
    fn with_customer(fields: serde_json::Value) -> Self {
        let mut vtex = Self::default();
        vtex.customers.insert(CL.into(), fields.as_object().unwrap().clone());
        vtex
    }

    fn by_email(&self, email: &str) -> Option<CompactString> {
        let mut all = self.customers.iter();
        all.find(|(_, fields)| fields.get("email") == Some(&email.into())).map(|(id, _)| id.clone())
    }

    fn answer(&mut self, call: &PeopleCall) -> Answer {
        match call {
            PeopleCall::FindCustomer { email } => {
                let found = self.by_email(email).filter(|_| !self.lags);
                return Answer::People(PeopleAnswer::Found(found));
            }
            PeopleCall::ReadCustomer { id } => {
                let email =
                    self.customers[id].get("email").and_then(|email| email.as_str()).map(CompactString::new);
                return Answer::People(PeopleAnswer::Email(email));
            }
            PeopleCall::SaveCustomer { id: Some(id), body } => {
                merge(self.customers.get_mut(id).expect("a known id is one that is there"), body);
            }
            PeopleCall::SaveCustomer { id: None, body } => {
                let known = self.by_email(body["email"].as_str().unwrap());
                let id = known.clone().unwrap_or_else(|| CL.into());
                let fields = self.customers.entry(id.clone()).or_default();
                let before = fields.clone();
                merge(fields, body);
                if known.is_none() || before != *fields {
                    return Answer::People(PeopleAnswer::Saved(id));
                }
            }
            PeopleCall::SaveAddress { id, body } => drop(self.addresses.insert(id.clone(), body.clone())),
            PeopleCall::DeleteAddress { id } => drop(self.addresses.remove(id)),
            PeopleCall::SaveAct { id, body } => drop(self.acts.insert(id.clone(), body.clone())),
            PeopleCall::Forget { email } => {
                self.jobs += 1;
                if let Some(id) = self.by_email(email) {
                    self.customers.remove(&id);
                }
                return Answer::People(PeopleAnswer::Job("job".into()));
            }
            PeopleCall::ReadShoppers(_) | PeopleCall::ReadShopper { .. } => panic!("no key plans it"),
            PeopleCall::ReadForget { .. } => {
                let state = self.job.unwrap_or(JobState::InProgress);
                return Answer::People(PeopleAnswer::JobState(state));
            }
        }
        Answer::Done
    }
}

fn merge(fields: &mut Document, body: &Document) {
    for (name, value) in body {
        match value.is_null() {
            true => drop(fields.remove(name)),
            false => drop(fields.insert(name.clone(), value.clone())),
        }
    }
}

/// One key, with what the dispatcher keeps of it.
#[derive(Default)]
struct Job {
    own: Option<RemoteId>,
    confirmed: Option<Value>,
    doubt: bool,
}

impl Job {
    fn knowing(id: &str) -> Self {
        Self { own: Some(RemoteId::Document(id.into())), ..Self::default() }
    }

    fn confirmed(mut self, value: Value) -> Self {
        self.confirmed = Some(value);
        self
    }

    /// Runs to the end; gives the calls and the end.
    fn run(&mut self, vtex: &mut Vtex, wanted: &Value) -> (Vec<PeopleCall>, Next) {
        let entity = if matches!(wanted, Value::Consent(_)) { Entity::Consent } else { Entity::Customer };
        let key = Key { entity, id: "77".into() };
        let certain = self.confirmed.as_ref().filter(|_| !self.doubt);
        let mut held = certain.map_or(Held::Unknown, Held::confirmed);
        let mut calls = Vec::new();
        loop {
            let links = Links { own: self.own.clone(), parents: Vec::new() };
            let next = super::super::next(&Situation {
                key: &key,
                links: &links,
                wanted,
                committed_at: Timestamp(0),
                now: Timestamp(0),
                attempts: 0,
                confirmed: self.confirmed.as_ref(),
                read_first: self.doubt,
                held: &held,
                rules: Rules {
                    price: &PriceRules::default(),
                    catalog: &CatalogRules::default(),
                    orders: &OrderRules::default(),
                },
            });
            let Next::Call(call) = next else { return (calls, next) };
            assert!(calls.len() < 30, "a job ends: {calls:?}");
            let Call::People(people) = &call else { panic!("{call:?}") };
            let answer = vtex.answer(people);
            self.own = answer.id().or_else(|| self.own.clone());
            held = held.after(&call, &answer);
            calls.push(people.clone());
        }
    }

    /// Lines of the calls of a job that is done.
    fn lines(&mut self, vtex: &mut Vtex, wanted: &Value) -> Vec<String> {
        let (calls, next) = self.run(vtex, wanted);
        assert_eq!(next, Next::Done, "{calls:?}");
        calls.iter().map(|call| call.line().replace("/api/dataentities/", "")).collect()
    }
}

fn address(id: &str, street: &str) -> Address {
    Address {
        id: id.into(),
        kind: "residential".into(),
        receiver: "Ana Souza".into(),
        street: street.into(),
        number: "10".into(),
        complement: None,
        neighborhood: None,
        city: "Campinas".into(),
        state: "SP".into(),
        postal_code: "13010000".into(),
        country: "BRA".into(),
        reference: None,
    }
}

fn customer(phone: Option<&str>, addresses: &[Address]) -> Customer {
    Customer {
        email: EMAIL.into(),
        identity: Identity::Person {
            first_name: "Ana".into(),
            last_name: "Souza".into(),
            cpf: Some("52998224725".into()),
            birth_date: None,
            gender: None,
        },
        phone: phone.map(CompactString::new),
        cell_phone: None,
        code: "77".into(),
        addresses: addresses.to_vec(),
        fields: Vec::new(),
    }
}

fn value(customer: Customer) -> Value {
    Value::Customer(Box::new(customer))
}

fn act(purpose: &str, state: ConsentState) -> Act {
    Act {
        purpose: purpose.into(),
        state,
        at: Some(Timestamp(1_700_000_000_000_000)),
        channel: "PDV".into(),
        letter: "LGPD".into(),
        version: 2,
        text_hash: "ab".into(),
    }
}

fn consent(newsletter: Option<bool>, acts: &[Act]) -> Value {
    let acts = acts.to_vec();
    Value::Consent(Box::new(Consent { email: EMAIL.into(), customer: "77".into(), newsletter, acts }))
}

#[test]
fn a_new_customer_is_looked_for_made_and_gets_the_addresses() {
    let mut vtex = Vtex::default();
    let mut job = Job::default();
    let lines = job.lines(&mut vtex, &value(customer(Some("+551932000000"), &[address("a1", "Rua A")])));
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents", "PUT AD/documents/a1"]);
    assert_eq!(job.own, Some(RemoteId::Document(CL.into())));
    let expected = json!({
        "email": EMAIL, "firstName": "Ana", "lastName": "Souza", "document": "52998224725", "documentType": "cpf",
        "isCorporate": false, "phone": "+551932000000", "homePhone": "+551932000000",
    });
    assert_eq!(serde_json::Value::from(vtex.customers[CL].clone()), expected);
    assert_eq!(vtex.addresses["a1"]["userId"], CL);
    assert_eq!(vtex.addresses["a1"]["addressName"], "a1");
}

#[test]
fn a_customer_of_the_shop_keeps_what_live_does_not_know() {
    let mut vtex =
        Vtex::with_customer(json!({"email": EMAIL, "nickName": "Aninha", "phone": "+5511999990000"}));
    let lines = Job::default().lines(&mut vtex, &value(customer(None, &[])));
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents/0b2f"]);
    assert_eq!(vtex.customers[CL]["nickName"], "Aninha");
    assert_eq!(vtex.customers[CL]["phone"], "+5511999990000");
}

#[test]
fn what_live_takes_back_is_taken_from_vtex_too() {
    let before = value(customer(Some("+551932000000"), &[]));
    let mut vtex = Vtex::default();
    Job::default().lines(&mut vtex, &before);
    let lines = Job::knowing(CL).confirmed(before).lines(&mut vtex, &value(customer(None, &[])));
    assert_eq!(lines, ["PATCH CL/documents/0b2f"]);
    assert_eq!(vtex.customers[CL].get("homePhone"), None);
}

#[test]
fn only_the_addresses_that_changed_are_sent_and_only_ours_deleted() {
    let before =
        value(customer(None, &[address("a1", "Rua A"), address("a2", "Rua B"), address("a3", "Rua C")]));
    let mut vtex = Vtex::default();
    Job::default().lines(&mut vtex, &before);
    vtex.addresses.insert("shop".into(), Document::new());
    let wanted =
        value(customer(None, &[address("a1", "Rua A"), address("a3", "Rua D"), address("a4", "Rua E")]));
    let lines = Job::knowing(CL).confirmed(before).lines(&mut vtex, &wanted);
    assert_eq!(lines, ["DELETE AD/documents/a2", "PUT AD/documents/a3", "PUT AD/documents/a4"]);
    assert_eq!(vtex.addresses.keys().collect::<Vec<_>>(), ["a1", "a3", "a4", "shop"]);
}

#[test]
fn addresses_follow_a_customer_whose_document_is_another_one_now() {
    let before = value(customer(None, &[address("a1", "Rua A")]));
    let mut vtex = Vtex::default();
    // The id that we knew was answered with 404: it is forgotten.
    let wanted = value(customer(Some("+551932000000"), &[address("a1", "Rua A")]));
    let lines = Job::default().confirmed(before).lines(&mut vtex, &wanted);
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents", "PUT AD/documents/a1"]);
}

#[test]
fn not_modified_tells_no_id_so_search_is_waited_for() {
    let wanted = value(customer(None, &[address("a1", "Rua A")]));
    let mut vtex = Vtex::default();
    Job::default().lines(&mut vtex, &value(customer(None, &[])));
    vtex.lags = true;
    let mut job = Job::default();
    let (calls, next) = job.run(&mut vtex, &wanted);
    assert!(matches!(next, Next::Later(_)), "{calls:?}");
    vtex.lags = false;
    assert_eq!(job.lines(&mut vtex, &wanted).last().unwrap(), "PUT AD/documents/a1");
    let lines = Job::default().lines(&mut Vtex { lags: true, ..vtex }, &value(customer(None, &[])));
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents"], "without addresses the id is not needed");
}

#[test]
fn an_address_that_search_never_finds_is_not_looked_for_for_ever() {
    let email = CompactString::new("ana+loja@example.com");
    let with = |phone| value(Customer { email: email.clone(), ..customer(phone, &[address("a1", "Rua A")]) });
    let mut vtex = Vtex { lags: true, ..Vtex::default() };
    assert_eq!(Job::default().lines(&mut vtex, &with(None)).len(), 3, "a new one is no trouble");
    let (_, next) = Job::default().run(&mut vtex, &with(None));
    assert!(matches!(next, Next::GiveUp(hint) if hint.contains("828170")), "{next:?}");
    let lines = Job::default().lines(&mut vtex, &with(Some("+551932000000")));
    assert_eq!(lines.last().unwrap(), "PUT AD/documents/a1", "a change tells the id");
}

#[test]
fn a_company_is_a_corporate_customer() {
    let identity = Identity::Company {
        name: "Loja Mar Ltda".into(),
        trade_name: Some("Loja Mar".into()),
        cnpj: Some("12ABC34501DE35".into()),
        state_registration: None,
    };
    let mut vtex = Vtex::default();
    Job::default().lines(&mut vtex, &value(Customer { identity, ..customer(None, &[]) }));
    let expected = json!({"email": EMAIL, "corporateName": "Loja Mar Ltda", "tradeName": "Loja Mar",
        "corporateDocument": "12ABC34501DE35", "isCorporate": true});
    assert_eq!(serde_json::Value::from(vtex.customers[CL].clone()), expected);
}

#[test]
fn what_takes_something_back_goes_before_everything_else() {
    use ConsentState::{Accepted, Expired, Refused, Revoked};
    let acts =
        [act("CADASTRO", Accepted), act("MARKETING_SMS", Revoked), act("PERFIL", Refused), act("Z", Expired)];
    let take_back = |newsletter| {
        Job::knowing(CL).lines(&mut Vtex::with_customer(json!({"email": EMAIL})), &consent(newsletter, &acts))
    };
    let (flag, sms, profile, basic, other) = (
        "PATCH CL/documents/0b2f",
        "PUT {consent}/documents/77--marketing-5fsms",
        "PUT {consent}/documents/77--perfil",
        "PUT {consent}/documents/77--cadastro",
        "PUT {consent}/documents/77--z",
    );
    assert_eq!(take_back(Some(false)), [flag, sms, profile, basic, other]);
    assert_eq!(take_back(Some(true)), [sms, profile, flag, basic, other]);
    assert_eq!(take_back(None), [sms, profile, basic, other]);
}

#[test]
fn only_what_was_not_told_is_told() {
    use ConsentState::{Accepted, Revoked};
    let before = consent(Some(true), &[act("CADASTRO", Accepted), act("MARKETING_EMAIL", Accepted)]);
    let wanted = consent(Some(false), &[act("CADASTRO", Accepted), act("MARKETING_EMAIL", Revoked)]);
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL, "isNewsletterOptIn": true}));
    let lines = Job::default().confirmed(before).lines(&mut vtex, &wanted);
    assert_eq!(
        lines,
        ["GET CL/search", "PATCH CL/documents/0b2f", "PUT {consent}/documents/77--marketing-5femail"]
    );
    assert_eq!(vtex.customers[CL]["isNewsletterOptIn"], false);
    let body = serde_json::Value::from(vtex.acts["77--marketing-5femail"].clone());
    let expected = json!({"customer": "77", "purpose": "MARKETING_EMAIL", "state": "revoked", "channel": "PDV",
        "letter": "LGPD", "version": 2, "textHash": "ab", "saidAt": "2023-11-14T22:13:20.000Z"});
    assert_eq!(body, expected);
    assert!(!body.to_string().contains('@'), "what proves a consent names nobody");
}

#[test]
fn a_revocation_reaches_vtex_although_search_is_late() {
    let before = consent(Some(true), &[]);
    let mut vtex =
        Vtex { lags: true, ..Vtex::with_customer(json!({"email": EMAIL, "isNewsletterOptIn": true})) };
    let lines = Job::default().confirmed(before).lines(&mut vtex, &consent(Some(false), &[]));
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents"]);
    assert_eq!(vtex.customers[CL]["isNewsletterOptIn"], false);
    vtex.customers.get_mut(CL).unwrap().insert("isNewsletterOptIn".into(), true.into());
    let mut doubtful = Job { doubt: true, ..Job::default() };
    doubtful.lines(&mut vtex, &consent(Some(false), &[]));
    assert_eq!(vtex.customers[CL]["isNewsletterOptIn"], false, "an agreement may have been applied unseen");
}

/// The document that we know, another one under the new address, and a stranger's.
fn two_accounts() -> Vtex {
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL, "isNewsletterOptIn": true}));
    for (id, email) in [("new", "ana@novo.example"), ("other", "bia@example.com")] {
        let fields = json!({"email": email, "isNewsletterOptIn": true});
        vtex.customers.insert(id.into(), fields.as_object().unwrap().clone());
    }
    vtex
}

#[test]
fn a_revocation_reaches_the_document_of_before_and_that_of_the_new_address() {
    let moved = |newsletter| {
        let Value::Consent(consent) = consent(newsletter, &[]) else { panic!("a consent") };
        Value::Consent(Box::new(Consent { email: "ana@novo.example".into(), ..*consent }))
    };
    for (own, newsletter, doubt) in [
        (Some(CL), Some(true), false),
        (Some(CL), Some(true), true),
        (None, Some(true), false),
        (None, Some(true), true),
        // Told of the one, and not of the other.
        (Some(CL), Some(false), false),
    ] {
        let mut vtex = two_accounts();
        if newsletter == Some(false) {
            vtex.customers.get_mut(CL).unwrap().insert("isNewsletterOptIn".into(), false.into());
        }
        let mut job = own.map_or_else(Job::default, Job::knowing).confirmed(consent(newsletter, &[]));
        job.doubt = doubt;
        let lines = job.lines(&mut vtex, &moved(Some(false)));
        let flags: Vec<_> =
            ["0b2f", "new", "other"].map(|id| vtex.customers[id]["isNewsletterOptIn"] == true).into();
        assert_eq!(flags, [false, false, true], "{own:?} {doubt} {lines:?}");
        assert_eq!(job.own, Some(RemoteId::Document("new".into())), "{own:?}: from now on that one");
        let mut after = job.confirmed(moved(Some(false)));
        after.doubt = false;
        assert_eq!(after.lines(&mut vtex, &moved(Some(false))), [""; 0], "and it is at rest");
    }
    // Nobody has the new address.
    let mut vtex = two_accounts();
    vtex.customers.remove("new");
    Job::knowing(CL).confirmed(consent(Some(true), &[])).lines(&mut vtex, &moved(Some(false)));
    assert_eq!(vtex.customers[CL]["isNewsletterOptIn"], false);
    assert_eq!(vtex.customers.len(), 2, "nobody is made known by it");
}

#[test]
fn whoever_is_let_go_costs_no_request() {
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL}));
    for before in [None, Some(value(customer(None, &[address("a1", "Rua A")]))), Some(Value::Released(None))]
    {
        let mut job = Job { confirmed: before, ..Job::knowing(CL) };
        assert_eq!(job.lines(&mut vtex, &Value::Released(None)), [""; 0]);
    }
    // What was taken back and may not have arrived is told before.
    vtex.customers.get_mut(CL).unwrap().insert("isNewsletterOptIn".into(), true.into());
    let Value::Consent(revoked) = consent(Some(false), &[act("MARKETING_EMAIL", ConsentState::Revoked)])
    else {
        panic!("a consent")
    };
    let released = Value::Released(Some(revoked.clone()));
    let lines = Job::knowing(CL).confirmed(consent(Some(true), &[])).lines(&mut vtex, &released);
    assert_eq!(lines, ["PATCH CL/documents/0b2f", "PUT {consent}/documents/77--marketing-5femail"]);
    assert_eq!(vtex.customers[CL]["isNewsletterOptIn"], false);
    let told = Job::knowing(CL).confirmed(Value::Consent(revoked)).lines(&mut vtex, &released);
    assert_eq!(told, [""; 0], "what VTEX was told is not told again");
    let mut again = Job::default().confirmed(Value::Released(None));
    let lines = again.lines(&mut vtex, &value(customer(None, &[])));
    assert_eq!(lines, ["GET CL/search", "PATCH CL/documents/0b2f"], "made anew in Live");
}

#[test]
fn fields_of_the_site_are_sent_and_taken_back() {
    let with = |fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        value(Customer { fields, ..customer(None, &[]) })
    };
    let before = with(&[("codigoErp", "77"), ("priceTables", "revenda")]);
    let mut vtex = Vtex::default();
    Job::default().lines(&mut vtex, &before);
    assert_eq!(
        (&vtex.customers[CL]["codigoErp"], &vtex.customers[CL]["priceTables"]),
        (&json!("77"), &json!("revenda"))
    );
    Job::knowing(CL).confirmed(before).lines(&mut vtex, &with(&[("codigoErp", "77")]));
    assert_eq!(vtex.customers[CL].get("priceTables"), None);
    assert_eq!(vtex.customers[CL]["codigoErp"], "77");
}

#[test]
fn nobody_is_made_known_to_vtex_by_a_refusal() {
    let mut vtex = Vtex::default();
    assert_eq!(Job::default().lines(&mut vtex, &consent(Some(false), &[])), ["GET CL/search"]);
    assert!(vtex.customers.is_empty());
}

#[test]
fn ids_of_acts_are_different_for_different_acts_and_lower_case() {
    let pairs = [("1", "A-B"), ("1", "A--B"), ("1-", "A"), ("1--A", "B"), ("a", "B"), ("A", "B"), ("é", "B")];
    let ids: BTreeSet<_> = pairs.iter().map(|(customer, purpose)| body::act_id(customer, purpose)).collect();
    assert_eq!(ids.len(), pairs.len());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    assert!(ids.iter().all(|id| id.bytes().all(plain)), "{ids:?}");
}

#[test]
fn erasing_begins_one_job_and_looks_again_until_it_is_done() {
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL}));
    let mut job = Job::knowing(CL).confirmed(value(customer(None, &[])));
    let (calls, next) = job.run(&mut vtex, &Value::Erased);
    assert_eq!(
        calls,
        [PeopleCall::ReadCustomer { id: CL.into() }, PeopleCall::Forget { email: EMAIL.into() }]
    );
    assert_eq!(next, Next::Later(std::time::Duration::from_secs(30)), "not asked in the same breath");
    for _ in 0..3 {
        let (calls, next) = job.run(&mut vtex, &Value::Erased);
        assert_eq!((calls.len(), &next), (1, &Next::Later(std::time::Duration::from_secs(30))));
    }
    vtex.job = Some(JobState::Success);
    assert_eq!(job.lines(&mut vtex, &Value::Erased), ["GET /api/user-rights/forget/jobs/job"]);
    assert_eq!(vtex.jobs, 1);
}

#[test]
fn the_address_that_vtex_has_is_the_one_to_erase() {
    let mut vtex = Vtex::with_customer(json!({"email": "new@example.com"}));
    let (calls, _) = Job::knowing(CL).confirmed(value(customer(None, &[]))).run(&mut vtex, &Value::Erased);
    assert_eq!(calls.last(), Some(&PeopleCall::Forget { email: "new@example.com".into() }));
    let mut vtex = Vtex::with_customer(json!({}));
    let (calls, _) = Job::knowing(CL).confirmed(value(customer(None, &[]))).run(&mut vtex, &Value::Erased);
    assert_eq!(calls.last(), Some(&PeopleCall::Forget { email: EMAIL.into() }));
}

#[test]
fn a_failed_erasure_is_for_the_operator() {
    let mut vtex = Vtex { job: Some(JobState::Failed), ..Vtex::default() };
    let mut job = Job { own: Some(RemoteId::Erasure("job".into())), ..Job::default() };
    let (_, next) = job.run(&mut vtex, &Value::Erased);
    assert!(matches!(next, Next::GiveUp(hint) if hint.contains("parked retry")), "{next:?}");
}

#[test]
fn whoever_vtex_was_never_told_of_is_erased_without_a_request() {
    assert_eq!(Job::default().lines(&mut Vtex::default(), &Value::Erased), [""; 0]);
    assert_eq!(Job::default().confirmed(Value::Erased).lines(&mut Vtex::default(), &Value::Erased), [""; 0]);
}

#[test]
fn a_document_that_we_know_of_is_erased_although_nothing_was_confirmed() {
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL}));
    let (calls, _) = Job::knowing(CL).run(&mut vtex, &Value::Erased);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(vtex.customers.is_empty());
    let told = consent(Some(true), &[]);
    let mut vtex = Vtex::with_customer(json!({"email": EMAIL}));
    Job::default().confirmed(told).run(&mut vtex, &Value::Erased);
    assert!(vtex.customers.is_empty(), "a consent may have made the customer known");
}

#[test]
fn debug_shows_nobody() {
    let value = value(customer(Some("+551932000000"), &[address("a1", "Rua Secreta")]));
    let held = Held::confirmed(&value);
    let call = PeopleCall::SaveCustomer { id: None, body: body::profile(&customer(None, &[])) };
    let answer = PeopleAnswer::Email(Some(EMAIL.into()));
    let find = PeopleCall::FindCustomer { email: EMAIL.into() };
    let shown = format!(
        "{value:?} {held:?} {call:?} {answer:?} {find:?} {:?}",
        Next::Call(Call::People(call.clone()))
    );
    for secret in ["Ana", "Souza", "@", "52998", "Secreta", "1932"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

fn any_customer() -> impl Strategy<Value = Customer> {
    let phone = prop::option::of(prop::sample::select(&["+551932000000", "+551933000000"][..]));
    let streets = prop::sample::select(&["Rua A", "Rua B"][..]);
    let addresses = prop::collection::btree_map(prop::sample::select(&["a1", "a2", "a3"][..]), streets, 0..4);
    (phone, addresses).prop_map(|(phone, addresses)| {
        let addresses: Vec<_> = addresses.iter().map(|(id, street)| address(id, street)).collect();
        customer(phone, &addresses)
    })
}

fn any_consent() -> impl Strategy<Value = Consent> {
    use ConsentState::{Accepted, Refused, Revoked};
    let state = prop::sample::select(&[Accepted, Refused, Revoked][..]);
    let acts = prop::collection::btree_map(prop::sample::select(&["A", "B", "C"][..]), state, 0..4);
    (prop::option::of(any::<bool>()), acts).prop_map(|(newsletter, acts)| Consent {
        email: EMAIL.into(),
        customer: "77".into(),
        newsletter,
        acts: acts.iter().map(|(purpose, state)| act(purpose, *state)).collect(),
    })
}

proptest! {
    /// Whatever was confirmed, lost or is in doubt: VTEX ends up with ours as wanted, and with what the shop wrote.
    #[test]
    fn a_finished_customer_is_as_live_has_it_and_the_rest_untouched(
        before in prop::option::of(any_customer()),
        wanted in any_customer(),
        known in any::<bool>(),
        doubt in any::<bool>(),
    ) {
        let mut vtex = Vtex::with_customer(json!({"email": EMAIL, "nickName": "Aninha"}));
        vtex.addresses.insert("shop".into(), Document::new());
        let mut job = if known { Job::knowing(CL) } else { Job::default() };
        if let Some(before) = &before {
            Job::knowing(CL).lines(&mut vtex, &value(before.clone()));
            job = job.confirmed(value(before.clone()));
            if doubt {
                vtex.addresses.retain(|id, _| id == "shop"); // somebody else, or a write that was not applied
            }
        }
        job.doubt = doubt;
        job.lines(&mut vtex, &value(wanted.clone()));
        let mut expected = body::profile(&wanted);
        expected.insert("nickName".to_owned(), "Aninha".into());
        prop_assert_eq!(&vtex.customers[CL], &expected);
        let mut addresses: BTreeMap<_, _> =
            wanted.addresses.iter().map(|address| (address.id.clone(), body::address(address, CL))).collect();
        addresses.insert("shop".into(), Document::new());
        prop_assert_eq!(&vtex.addresses, &addresses);
    }

    #[test]
    fn a_finished_consent_is_as_live_has_it(
        before in prop::option::of(any_consent()),
        wanted in any_consent(),
        known in any::<bool>(),
        doubt in any::<bool>(),
    ) {
        let mut vtex = Vtex::with_customer(json!({"email": EMAIL}));
        let mut job = if known { Job::knowing(CL) } else { Job::default() };
        if let Some(before) = before {
            let before = Value::Consent(Box::new(before));
            Job::knowing(CL).lines(&mut vtex, &before);
            job = job.confirmed(before);
        }
        job.doubt = doubt;
        let told = vtex.customers[CL].get("isNewsletterOptIn").cloned();
        job.lines(&mut vtex, &Value::Consent(Box::new(wanted.clone())));
        let flag = wanted.newsletter.map(serde_json::Value::from).or(told);
        prop_assert_eq!(vtex.customers[CL].get("isNewsletterOptIn"), flag.as_ref());
        for act in &wanted.acts {
            let (id, fields) = body::act("77", act);
            prop_assert_eq!(vtex.acts.get(&id), Some(&fields));
        }
    }
}
