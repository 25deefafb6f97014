use serde_json::json;

use super::*;
use crate::core::call::Call;
use crate::vtex::request::Request;

fn document(json: Json) -> Document {
    json.as_object().unwrap().clone()
}

fn find(email: &str) -> PeopleCall {
    PeopleCall::FindCustomer { email: email.into() }
}

fn upsert() -> PeopleCall {
    PeopleCall::SaveCustomer {
        id: None,
        body: document(json!({"email": "ana@example.com", "firstName": "Ana"})),
    }
}

fn of(call: &PeopleCall, status: u16, body: &str) -> Result<Answer, Failure> {
    let success = || match status {
        200..300 => Ok(body.as_bytes()),
        code => Err(Failure::Status { code, body: body.to_owned() }),
    };
    answer(call, status, false, &success)
}

fn people(answer: Result<Answer, Failure>) -> PeopleAnswer {
    match answer {
        Ok(Answer::People(answer)) => answer,
        _ => panic!("an answer about people"),
    }
}

fn is(answer: Result<Answer, Failure>, expected: PeopleAnswer) -> bool {
    people(answer) == expected
}

#[test]
fn every_call_is_the_documented_request() {
    let fields = document(json!({"street": "Rua A"}));
    let cases = [
        (
            find("ana+x'y@example.com"),
            "GET /api/dataentities/CL/search?_fields=id,email&_where=email%3Dana%2Bx%27y%40example.com",
            None,
        ),
        (
            PeopleCall::ReadCustomer { id: "0b2f".into() },
            "GET /api/dataentities/CL/documents/0b2f?_fields=email",
            None,
        ),
        (
            upsert(),
            "PATCH /api/dataentities/CL/documents",
            Some(r#"{"email":"ana@example.com","firstName":"Ana"}"#),
        ),
        (
            PeopleCall::SaveCustomer { id: Some("0b2f".into()), body: document(json!({"phone": null})) },
            "PATCH /api/dataentities/CL/documents/0b2f",
            Some(r#"{"phone":null}"#),
        ),
        (
            PeopleCall::SaveAddress { id: "a1".into(), body: fields },
            "PUT /api/dataentities/AD/documents/a1",
            Some(r#"{"street":"Rua A"}"#),
        ),
        (PeopleCall::DeleteAddress { id: "a1".into() }, "DELETE /api/dataentities/AD/documents/a1", None),
        (
            PeopleCall::SaveAct { id: "77--perfil".into(), body: document(json!({"version": 2})) },
            "PUT /api/dataentities/ZZ/documents/77--perfil",
            Some(r#"{"version":2}"#),
        ),
        (
            PeopleCall::Forget { email: "ana@example.com".into() },
            "POST /api/user-rights/forget/jobs",
            Some(r#"{"email":"ana@example.com"}"#),
        ),
        (PeopleCall::ReadForget { job: "550e".into() }, "GET /api/user-rights/forget/jobs/550e", None),
    ];
    for (call, line, body) in cases {
        let request = Request::of(&Call::People(call.clone()), "ZZ").unwrap();
        assert_eq!(format!("{} {}", request.method, request.path), line);
        assert_eq!(request.body.as_deref(), body, "{line}");
        assert_eq!(request.range.is_some(), matches!(call, PeopleCall::FindCustomer { .. }), "{line}");
    }
}

#[test]
fn an_id_cannot_change_the_address_that_is_deleted() {
    for id in ["", "..", "."] {
        let call = Call::People(PeopleCall::DeleteAddress { id: id.into() });
        assert!(Request::of(&call, "LC").is_err(), "{id:?}");
    }
    let call = Call::People(PeopleCall::DeleteAddress { id: "a/../b".into() });
    assert_eq!(Request::of(&call, "LC").unwrap().path, "/api/dataentities/AD/documents/a%2F..%2Fb");
}

#[test]
fn the_id_of_a_saved_customer_is_read_from_every_page_of_the_documents() {
    let bodies = [
        r#"{"Id":"CL-0B2F-11","Href":"http://x/CL-zz","DocumentId":"0b2f-11"}"#,
        r#"{"id":"CL-0b2f-11","href":"http://x/CL-zz","documentId":"0b2f-11"}"#,
        r#"{"Id":"CL-0b2f-11","Href":"http://x"}"#,
        r#"{"id":"0b2f-11"}"#,
    ];
    for body in bodies {
        assert!(is(of(&upsert(), 201, body), PeopleAnswer::Saved("0b2f-11".into())), "{body}");
    }
    for body in ["{}", "[]", "", r#"{"id":7}"#, r#"{"id":""}"#] {
        assert!(matches!(of(&upsert(), 201, body), Err(Failure::Malformed(_))), "{body}");
    }
}

#[test]
fn only_the_very_address_is_found_and_of_duplicates_always_the_same() {
    let found = |body: &str| people(of(&find("ana@example.com"), 200, body));
    assert!(found("[]") == PeopleAnswer::Found(None));
    let other = r#"[{"id":"1","email":"mariana@example.com"},{"id":"2"}]"#;
    assert!(found(other) == PeopleAnswer::Found(None));
    let two = r#"[{"id":"CL-B","email":"ana@example.com"},{"id":"a","email":"Ana@Example.com "}]"#;
    assert!(found(two) == PeopleAnswer::Found(Some("a".into())));
}

#[test]
fn not_modified_and_not_there_are_as_good_as_done() {
    let by_id = PeopleCall::SaveCustomer { id: Some("1".into()), body: Document::new() };
    let save = PeopleCall::SaveAddress { id: "1".into(), body: Document::new() };
    let act = PeopleCall::SaveAct { id: "1".into(), body: Document::new() };
    let delete = PeopleCall::DeleteAddress { id: "1".into() };
    for call in [&upsert(), &by_id, &save, &act, &delete] {
        assert_eq!(of(call, 304, ""), Ok(Answer::Done), "{call:?}");
    }
    for call in [&by_id, &save, &act, &delete] {
        assert_eq!(of(call, 204, ""), Ok(Answer::Done), "{call:?}");
    }
    for body in ["null", "{\"Id\":", "ok"] {
        assert!(matches!(of(&save, 200, body), Err(Failure::Malformed(_))), "{body}");
    }
    assert_eq!(of(&by_id, 200, r#"{"Id":"CL-1","Href":""}"#), Ok(Answer::Done));
    assert_eq!(of(&delete, 404, ""), Ok(Answer::Done));
    assert!(matches!(of(&save, 404, ""), Err(Failure::Status { code: 404, .. })));
    assert!(matches!(of(&find("a@b.c"), 304, ""), Err(Failure::Status { code: 304, .. })));
    let page = || Err(Failure::Status { code: 404, body: "<html>".to_owned() });
    assert!(answer(&delete, 404, true, &page).is_err(), "the page of a proxy is not VTEX");
}

#[test]
fn an_erasure_has_three_states_and_no_other() {
    let read = PeopleCall::ReadForget { job: "1".into() };
    for (text, state) in
        [("InProgress", JobState::InProgress), ("Success", JobState::Success), ("Failed", JobState::Failed)]
    {
        let body = format!(r#"{{"status":"{text}","message":"of ana@example.com"}}"#);
        assert!(is(of(&read, 200, &body), PeopleAnswer::JobState(state)));
    }
    assert!(matches!(of(&read, 200, r#"{"status":"Done"}"#), Err(Failure::Malformed(_))));
    let forget = PeopleCall::Forget { email: "ana@example.com".into() };
    assert!(is(of(&forget, 201, r#"{"jobId":"550e"}"#), PeopleAnswer::Job("550e".into())));
    assert!(matches!(of(&forget, 201, "{}"), Err(Failure::Malformed(_))));
}

#[test]
fn a_customer_may_have_no_address() {
    let read = PeopleCall::ReadCustomer { id: "1".into() };
    let email = |body| people(of(&read, 200, body));
    assert!(email(r#"{"email":"ana@example.com"}"#) == PeopleAnswer::Email(Some("ana@example.com".into())));
    assert!(email(r#"{"email":null}"#) == PeopleAnswer::Email(None));
    assert!(email("{}") == PeopleAnswer::Email(None));
}

#[test]
fn nothing_of_a_person_is_in_a_failure() {
    let body = document(json!({"email": "ana@example.com", "firstName": "Ana", "lastName": "Conceição",
        "document": "52998224725", "isCorporate": false}));
    let call = PeopleCall::SaveCustomer { id: None, body };
    let text = "Ana Concei\\u00e7\\u00e3o (Conceição), ana@example.com, CPF 529.982.247-25, code 42: invalid";
    let failures =
        [Failure::Status { code: 400, body: text.to_owned() }, Failure::Malformed(text.to_owned())];
    for failure in failures {
        let shown = format!("{:?}", without_person(failure, &call));
        for secret in ["Ana", "Concei", "ana@", "529", "247"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("code 42: invalid"), "{shown}");
    }
    let malformed = of(&upsert(), 201, r#""ana@example.com""#);
    assert!(!format!("{malformed:?}").contains("ana"), "{malformed:?}");
}

#[test]
fn what_is_shown_of_a_call_names_nobody() {
    for call in [find("ana@example.com"), upsert(), PeopleCall::Forget { email: "ana@example.com".into() }] {
        let call = Call::People(call);
        let shown = format!("{} {:?}", crate::vtex::describe(&call), crate::vtex::request_body(&call));
        assert!(!shown.to_lowercase().contains("ana"), "{shown}");
        let request = format!("{:?}", Request::of(&call, "LC"));
        assert!(!request.to_lowercase().contains("ana"), "{request}");
    }
}
