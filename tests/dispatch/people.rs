//! People: ids that are kept and forgotten, and an erasure that VTEX takes its time for.

use mare::core::call::people::{JobState, PeopleAnswer, PeopleCall};
use mare::core::call::{Answer, Call, Failure};
use mare::core::dispatch::{Effect, KeyState, Request, Tuning};
use mare::core::entity::{Entity, Key, RemoteId};
use mare::core::limiter::RouteLimit;
use mare::core::record::ParkReason;
use mare::core::value::Value;
use mare::core::value::person::{Address, Consent, Customer, Identity};

use crate::desk::Desk;

fn key() -> Key {
    Key { entity: Entity::Customer, id: "77".into() }
}

fn customer(last_name: &str) -> Value {
    Value::Customer(Box::new(Customer {
        email: "ana@example.com".into(),
        identity: Identity::Person {
            first_name: "Ana".into(),
            last_name: last_name.into(),
            cpf: None,
            birth_date: None,
            gender: None,
        },
        phone: None,
        cell_phone: None,
        code: "77".into(),
        addresses: Vec::new(),
        fields: Vec::new(),
    }))
}

fn address(id: &str) -> Address {
    Address {
        id: id.into(),
        kind: "residential".into(),
        receiver: "Ana Souza".to_owned(),
        street: "Rua do Sol".to_owned(),
        number: "1".to_owned(),
        complement: None,
        neighborhood: None,
        city: "Recife".to_owned(),
        state: "PE".into(),
        postal_code: "50030230".into(),
        country: "BRA".into(),
        reference: None,
    }
}

fn call(request: &Request) -> &PeopleCall {
    let Call::People(call) = &request.call else { panic!("{request:?}") };
    call
}

fn job() -> Answer {
    Answer::People(PeopleAnswer::Job("job-1".into()))
}

fn state(state: JobState) -> Answer {
    Answer::People(PeopleAnswer::JobState(state))
}

fn erased(desk: &Desk) -> bool {
    desk.effects.contains(&Effect::Erase { key: key() })
}

/// A job to erase somebody whom VTEX knows has begun.
fn erasing() -> Desk {
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), Value::Erased);
    let request = desk.send_one();
    assert!(matches!(call(&request), PeopleCall::Forget { .. }));
    desk.answer(request.id, job());
    desk
}

#[test]
fn the_id_of_a_customer_is_kept_and_forgotten_when_vtex_does_not_know_it() {
    let mut desk = Desk::new();
    desk.want(&key(), customer("Souza"));
    let find = desk.send_one();
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(Some("0b2f".into()))));
    let learned = |id| Effect::Learned { key: key(), id };
    assert!(desk.effects.contains(&learned(Some(RemoteId::Document("0b2f".into())))));
    let save = desk.send_one();
    assert!(matches!(call(&save), PeopleCall::SaveCustomer { id: Some(_), .. }));
    desk.status(save.id, 404);
    assert!(desk.effects.contains(&learned(None)));
    let find = desk.send_one();
    assert!(matches!(call(&find), PeopleCall::FindCustomer { .. }));
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(None)));
    let make = desk.send_one();
    assert!(matches!(call(&make), PeopleCall::SaveCustomer { id: None, .. }));
    desk.answer(make.id, Answer::People(PeopleAnswer::Saved("1c3e".into())));
    assert!(desk.settled(&key()) && desk.effects.contains(&learned(Some(RemoteId::Document("1c3e".into())))));
}

#[test]
fn an_erasure_is_asked_for_once_and_looked_at_every_half_minute() {
    let mut desk = erasing();
    for _ in 0..40 {
        assert_eq!(desk.send(), [], "VTEX is not asked in a loop");
        desk.wait(29_000);
        assert_eq!(desk.send(), []);
        assert_eq!(desk.state(&key()), Some(KeyState::BackingOff));
        desk.wait(1_000);
        let request = desk.send_one();
        assert!(matches!(call(&request), PeopleCall::ReadForget { job } if job == "job-1"));
        desk.answer(request.id, state(JobState::InProgress));
    }
    assert!(!erased(&desk) && desk.amended(&key()).unwrap().not_before.is_some(), "a restart waits too");
    desk.wait(30_000);
    let request = desk.send_one();
    desk.answer(request.id, state(JobState::Success));
    assert!(erased(&desk) && desk.settled(&key()) && desk.dispatch.is_idle());
    assert_eq!(desk.confirmed[&key()].value, Value::Erased, "nothing else is left");
}

#[test]
fn a_lost_job_is_begun_anew() {
    let mut desk = erasing();
    desk.wait(30_000);
    let request = desk.send_one();
    desk.status(request.id, 404);
    let request = desk.send_one();
    assert!(matches!(call(&request), PeopleCall::Forget { email } if email == "ana@example.com"));
}

#[test]
fn a_failed_erasure_is_set_aside_and_a_retry_begins_anew() {
    let mut desk = erasing();
    desk.wait(30_000);
    let request = desk.send_one();
    desk.answer(request.id, state(JobState::Failed));
    assert_eq!(desk.amended(&key()).unwrap().parked.as_ref().unwrap().reason, ParkReason::Rejected);
    assert_eq!(desk.send(), []);
    desk.dispatch.retry_parked(|_, _| true, desk.now, &mut desk.effects);
    let request = desk.send_one();
    assert!(matches!(call(&request), PeopleCall::Forget { .. }), "{request:?}");
}

#[test]
fn an_account_without_erasure_sets_the_key_aside() {
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), Value::Erased);
    let request = desk.send_one();
    desk.status(request.id, 404);
    let parked = desk.amended(&key()).unwrap().parked.clone().unwrap();
    assert!(parked.hint.starts_with("E326"), "{}", parked.hint);
    assert!(!erased(&desk), "it is not forgotten that VTEX knows the customer");
}

#[test]
fn somebody_who_comes_back_while_being_erased_is_a_customer_again() {
    let mut desk = erasing();
    desk.want(&key(), customer("Lima"));
    desk.wait(30_000);
    let find = desk.send_one();
    assert!(matches!(call(&find), PeopleCall::FindCustomer { .. }), "the job is no document: {find:?}");
}

#[test]
fn an_erasure_waits_until_nothing_can_be_applied_behind_it() {
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), customer("Lima"));
    let find = desk.send_one();
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(Some("0b2f".into()))));
    let save = desk.send_one();
    desk.want(&key(), Value::Erased);
    desk.finish(save.id, Err(Failure::Timeout));
    for _ in 0..59 {
        assert_eq!(desk.send(), []);
        desk.wait(1_000);
    }
    desk.wait(1_000);
    let read = desk.send_one();
    assert!(matches!(call(&read), PeopleCall::ReadCustomer { .. }), "{read:?}");
    desk.answer(read.id, Answer::People(PeopleAnswer::Email(None)));
    let request = desk.send_one();
    assert!(
        matches!(call(&request), PeopleCall::Forget { email } if email == "ana@example.com"),
        "{request:?}"
    );
    desk.answer(request.id, job());
    desk.wait(30_000);
    let request = desk.send_one();
    desk.answer(request.id, state(JobState::Success));
    assert!(erased(&desk) && desk.settled(&key()) && desk.dispatch.is_idle());
}

#[test]
fn whoever_may_have_been_made_known_by_a_lost_request_is_erased() {
    let mut desk = Desk::new();
    desk.want(&key(), customer("Souza"));
    let find = desk.send_one();
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(None)));
    let save = desk.send_one();
    desk.finish(save.id, Err(Failure::Timeout));
    desk.want(&key(), Value::Erased);
    desk.wait(60_000);
    let request = desk.send_one();
    assert!(
        matches!(call(&request), PeopleCall::Forget { email } if email == "ana@example.com"),
        "{request:?}"
    );
}

#[test]
fn whoever_was_never_told_of_is_erased_without_a_request() {
    let mut desk = Desk::new();
    desk.want(&key(), customer("Souza"));
    desk.want(&key(), Value::Erased);
    assert_eq!(desk.send(), []);
    assert!(desk.settled(&key()) && desk.dispatch.is_idle());
}

#[test]
fn whoever_is_let_go_leaves_only_that() {
    let left = |desk: &Desk, key: &Key| {
        let forgets = desk.effects.contains(&Effect::Learned { key: key.clone(), id: None });
        let settled = desk.effects.iter().any(|effect| {
            matches!(effect, Effect::Settle { key: of, confirmed: Some(confirmed), .. }
                if of == key && confirmed.value == Value::Released(None))
        });
        forgets && settled && desk.dispatch.is_idle()
    };
    // At rest.
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), Value::Released(None));
    assert_eq!(desk.send(), []);
    assert!(left(&desk, &key()), "{:?}", desk.effects);
    // While a request is out: what it began is not finished.
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), customer("Lima"));
    let find = desk.send_one();
    desk.want(&key(), Value::Released(None));
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(Some("0b2f".into()))));
    assert_eq!(desk.send(), []);
    assert!(left(&desk, &key()), "{:?}", desk.effects);
    // Set aside.
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.want(&key(), customer("Lima"));
    let request = desk.send_one();
    desk.finish(request.id, Err(Failure::Status { code: 400, body: String::new() }));
    desk.want(&key(), Value::Released(None));
    assert_eq!(desk.send(), []);
    assert!(left(&desk, &key()), "{:?}", desk.effects);
}

#[test]
fn what_was_taken_back_is_told_though_the_customer_is_deleted_meanwhile() {
    let consent = Key { entity: Entity::Consent, id: "77".into() };
    let said = |newsletter| Consent {
        email: "ana@example.com".into(),
        customer: "77".into(),
        newsletter: Some(newsletter),
        acts: Vec::new(),
    };
    let mut desk = Desk::new();
    desk.confirm(&key(), customer("Souza"));
    desk.confirm(&consent, Value::Consent(Box::new(said(true))));
    desk.want(&consent, Value::Consent(Box::new(said(false))));
    desk.want(&consent, Value::Released(Some(Box::new(said(false)))));
    desk.want(&key(), Value::Released(None));
    let find = desk.send_one();
    desk.answer(find.id, Answer::People(PeopleAnswer::Found(Some("0b2f".into()))));
    let save = desk.send_one();
    assert!(matches!(call(&save), PeopleCall::SaveCustomer { id: Some(_), .. }), "{save:?}");
    desk.answer(save.id, Answer::Done);
    assert!(desk.dispatch.is_idle());
    let kept = desk.effects.iter().filter_map(|effect| match effect {
        Effect::Settle { confirmed: Some(confirmed), .. } => Some(confirmed.value.clone()),
        _ => None,
    });
    assert_eq!(kept.collect::<Vec<_>>(), [Value::Released(None), Value::Released(None)]);
}

#[test]
fn dropping_an_erasure_forgets_the_person_here() {
    let mut desk = erasing();
    desk.wait(30_000);
    let request = desk.send_one();
    desk.answer(request.id, state(JobState::Failed));
    assert!(desk.dispatch.drop_parked(&key(), &mut desk.effects));
    assert!(erased(&desk) && desk.dispatch.is_idle());
    let forgotten = |effect: &Effect| matches!(effect, Effect::Settle { confirmed: Some(confirmed), .. } if confirmed.value == Value::Erased);
    assert!(desk.effects.iter().any(forgotten), "{:?}", desk.effects);
}

#[test]
fn a_consent_that_waits_does_not_outlive_the_erased() {
    let mut desk = Desk::new();
    let consent = Key { entity: Entity::Consent, id: "77".into() };
    let value = |newsletter| {
        let (email, customer) = ("ana@example.com".into(), "77".into());
        Value::Consent(Box::new(Consent { email, customer, newsletter, acts: Vec::new() }))
    };
    desk.confirm(&consent, value(Some(true)));
    desk.want(&consent, value(Some(false)));
    desk.want(&consent, Value::Erased);
    let request = desk.send_one();
    assert!(matches!(call(&request), PeopleCall::Forget { .. }), "{request:?}");
    desk.answer(request.id, job());
    desk.wait(30_000);
    let request = desk.send_one();
    desk.answer(request.id, state(JobState::Success));
    assert!(desk.effects.contains(&Effect::Erase { key: consent.clone() }) && desk.dispatch.is_idle());
}

/// How many writes go out before a revocation that comes while customers are being sent.
#[test]
fn a_revocation_waits_for_no_customer() {
    let mut tuning = Tuning::default();
    for limit in [&mut tuning.routes.people_read, &mut tuning.routes.people_write] {
        *limit = RouteLimit { per_second: 10.0, burst: 1 };
    }
    let mut desk = Desk::with(tuning);
    // Each takes one reading and four writes.
    for n in 0..200 {
        let key = Key { entity: Entity::Customer, id: n.to_string().as_str().into() };
        let Value::Customer(customer) = customer("Souza") else { unreachable!("it is one") };
        let addresses = (0..3).map(|place| address(&format!("{n}-{place}"))).collect();
        desk.want(&key, Value::Customer(Box::new(Customer { addresses, ..*customer })));
    }
    let revoked = Key { entity: Entity::Consent, id: "77".into() };
    let said = |newsletter| {
        let (email, customer) = ("ana@example.com".into(), "77".into());
        Value::Consent(Box::new(Consent { email, customer, newsletter, acts: Vec::new() }))
    };
    desk.confirm(&revoked, said(Some(true)));
    let mut writes_before = None;
    for step in 0..300 {
        if step == 100 {
            desk.want(&revoked, said(Some(false)));
            writes_before = Some(0);
        }
        for request in desk.send() {
            let of_consent = request.key.as_ref() == Some(&revoked);
            match (&mut writes_before, call(&request).writes()) {
                (Some(count), true) if of_consent => {
                    assert!(*count <= 1, "{count} writes went before it");
                    return;
                }
                (Some(count), true) => *count += 1,
                _ => {}
            }
            let answer = match call(&request) {
                PeopleCall::FindCustomer { .. } => Answer::People(PeopleAnswer::Found(None)),
                PeopleCall::SaveCustomer { .. } => Answer::People(PeopleAnswer::Saved("0b2f".into())),
                _ => Answer::Done,
            };
            desk.answer(request.id, answer);
        }
        desk.wait(50);
    }
    panic!("it was never sent");
}
