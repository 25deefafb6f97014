//! Every call as VTEX documents it, and every answer that VTEX is known to give.

use compact_str::CompactString;
use serde_json::{Value as Json, json};

use super::super::request::{Refused, describe, request_body};
use super::answer;
use crate::core::call::catalog::{
    CatalogAnswer, CatalogCall, Document, RemoteComponent, RemoteImage, RemoteSpecification, Specified,
};
use crate::core::call::{Answer, Call, Failure};
use crate::core::money::Money;
use crate::core::value::catalog::{Component, Image, Specification};

fn document(json: Json) -> Document {
    let Json::Object(fields) = json else { panic!("an object") };
    fields
}

fn reference() -> CompactString {
    "A/1 é".into()
}

fn image(label: Option<&str>) -> Image {
    let label = label.map(str::to_owned);
    Image { name: "frente".into(), url: "https://img/1.jpg".into(), label }
}

fn add_component(unit_price: Option<Money>) -> CatalogCall {
    let component = Component { sku: "B".into(), quantity: 2, unit_price: None };
    CatalogCall::AddComponent { parent: 7, sku: 8, component, unit_price }
}

#[test]
fn every_call_is_the_documented_request() {
    let body = document(json!({"Name": " Vestido ", "Score": 7}));
    let put = r#"{"Name":"Vestido","Score":7}"#;
    let specification =
        Specification { name: "Cor ".into(), group: "Ficha".into(), values: vec!["Azul ".into()] };
    let specified = json!({"FieldName": "Cor", "GroupName": "Ficha", "RootLevelSpecification": false,
        "FieldValues": ["Azul"]})
    .to_string();
    let main =
        json!({"IsMain": true, "Name": "frente", "Url": "https://img/1.jpg", "Position": 0}).to_string();
    let other = json!({"IsMain": false, "Name": "frente", "Url": "https://img/1.jpg", "Position": 3,
        "Label": "Frente"})
    .to_string();
    let kit = r#"{"StockKeepingUnitParent":7,"StockKeepingUnitId":8,"Quantity":2,"UnitPrice":9.90}"#;
    let name = || "Maré".to_owned();
    let cases: Vec<(CatalogCall, &str, &str)> = vec![
        (CatalogCall::FindBrand { name: name() }, "GET _system/pvt/brand/list", ""),
        (CatalogCall::CreateBrand { body: body.clone() }, "POST /pvt/brand", put),
        (CatalogCall::ReadBrand { id: 7 }, "GET /pvt/brand/7", ""),
        (CatalogCall::PutBrand { id: 7, body: body.clone() }, "PUT /pvt/brand/7", put),
        (CatalogCall::FindCategory { name: name(), parent: None }, "GET _system/pub/category/tree/5", ""),
        (CatalogCall::CreateCategory { body: body.clone() }, "POST /pvt/category", put),
        (CatalogCall::ReadCategory { id: 7 }, "GET /pvt/category/7", ""),
        (CatalogCall::PutCategory { id: 7, body: body.clone() }, "PUT /pvt/category/7", put),
        (
            CatalogCall::FindProduct { reference: reference() },
            "GET _system/pvt/products/productgetbyrefid/A%2F1%20%C3%A9",
            "",
        ),
        (CatalogCall::CreateProduct { body: body.clone() }, "POST /pvt/product", put),
        (CatalogCall::ReadProduct { id: 7 }, "GET /pvt/product/7", ""),
        (CatalogCall::PutProduct { id: 7, body: body.clone() }, "PUT /pvt/product/7", put),
        (
            CatalogCall::PutProductSpecification { id: 7, specification: specification.clone() },
            "PUT /pvt/product/7/specificationvalue",
            &specified,
        ),
        (
            CatalogCall::ReadSpecifications { owner: Specified::Product(7) },
            "GET /pvt/product/7/specification",
            "",
        ),
        (
            CatalogCall::ReadSpecifications { owner: Specified::Sku(7) },
            "GET /pvt/stockkeepingunit/7/specification",
            "",
        ),
        (CatalogCall::ReadField { field: 3 }, "GET /pvt/specification/3", ""),
        (
            CatalogCall::RemoveSpecification { owner: Specified::Product(7), specification: 3 },
            "DELETE /pvt/product/7/specification/3",
            "",
        ),
        (
            CatalogCall::RemoveSpecification { owner: Specified::Sku(7), specification: 3 },
            "DELETE /pvt/stockkeepingunit/7/specification/3",
            "",
        ),
        (CatalogCall::ReadTradePolicies { product: 7 }, "GET /pvt/product/7/salespolicy", ""),
        (CatalogCall::AddTradePolicy { product: 7, policy: 2 }, "POST /pvt/product/7/salespolicy/2", ""),
        (CatalogCall::RemoveTradePolicy { product: 7, policy: 2 }, "DELETE /pvt/product/7/salespolicy/2", ""),
        (
            CatalogCall::FindSku { reference: reference() },
            "GET /pvt/stockkeepingunit?RefId=A%2F1%20%C3%A9",
            "",
        ),
        (
            CatalogCall::ResolveSku { reference: reference() },
            "GET _system/pvt/sku/stockkeepingunitidbyrefid/A%2F1%20%C3%A9",
            "",
        ),
        (CatalogCall::CreateSku { body: body.clone() }, "POST /pvt/stockkeepingunit", put),
        (CatalogCall::ReadSku { id: 7 }, "GET /pvt/stockkeepingunit/7", ""),
        (CatalogCall::PutSku { id: 7, body }, "PUT /pvt/stockkeepingunit/7", put),
        (
            CatalogCall::PutSkuSpecification { id: 7, specification },
            "PUT /pvt/stockkeepingunit/7/specificationvalue",
            &specified,
        ),
        (CatalogCall::ReadEans { sku: 7 }, "GET /pvt/stockkeepingunit/7/ean", ""),
        (CatalogCall::AddEan { sku: 7, ean: "789".into() }, "POST /pvt/stockkeepingunit/7/ean/789", ""),
        (CatalogCall::RemoveEan { sku: 7, ean: "789".into() }, "DELETE /pvt/stockkeepingunit/7/ean/789", ""),
        (CatalogCall::ReadImages { sku: 7 }, "GET /pvt/stockkeepingunit/7/file", ""),
        (
            CatalogCall::AddImage { sku: 7, image: image(None), position: 0 },
            "POST /pvt/stockkeepingunit/7/file",
            &main,
        ),
        (
            CatalogCall::PutImage { sku: 7, file: 4, image: image(Some("Frente")), position: 3 },
            "PUT /pvt/stockkeepingunit/7/file/4",
            &other,
        ),
        (CatalogCall::RemoveImage { sku: 7, file: 4 }, "DELETE /pvt/stockkeepingunit/7/file/4", ""),
        (
            CatalogCall::ReadComponent { parent: 7, sku: 8 },
            "GET /pvt/stockkeepingunitkit?skuId=8&parentSkuId=7",
            "",
        ),
        (add_component(Some(Money(990))), "POST /pvt/stockkeepingunitkit", kit),
        (CatalogCall::RemoveComponent { parent: 7, component: 5 }, "DELETE /pvt/stockkeepingunitkit/5", ""),
    ];
    for (call, line, body) in cases {
        let shown = call.line();
        let call = Call::Catalog(call);
        let (method, path) = line.split_once(' ').unwrap();
        assert_eq!(describe(&call), format!("{method} /api/catalog{path}"));
        let sent = request_body(&call).unwrap().unwrap_or_default();
        assert_eq!(sent, body, "{line}");
        assert_eq!(call.writes(), method != "GET", "{line}");
        let Call::Catalog(_) = &call else { unreachable!() };
        // What an operator is shown is the same request, but for the encoding.
        assert_eq!(shown.replace("A/1 é", "A%2F1%20%C3%A9"), format!("{method} /api/catalog{path}"));
    }
}

#[test]
fn a_kit_without_a_price_and_a_reference_without_a_name_are_not_sent() {
    let call = Call::Catalog(add_component(None));
    assert_eq!(request_body(&call), Err(Refused::NoComponentPrice));
    for reference in ["", "..", "."] {
        let reference = CompactString::new(reference);
        for call in [
            CatalogCall::FindProduct { reference: reference.clone() },
            CatalogCall::FindSku { reference: reference.clone() },
            CatalogCall::RemoveEan { sku: 1, ean: reference.clone() },
        ] {
            assert!(matches!(request_body(&Call::Catalog(call)), Err(Refused::Segment(_))));
        }
    }
}

fn told(call: &CatalogCall, status: u16, body: &str) -> Result<Answer, Failure> {
    answer(call, status, false, &|| match status {
        200..300 => Ok(body.as_bytes()),
        code => Err(Failure::Status { code, body: body.to_owned() }),
    })
}

fn catalog(call: &CatalogCall, status: u16, body: &str) -> CatalogAnswer {
    match told(call, status, body) {
        Ok(Answer::Catalog(answer)) => answer,
        other => panic!("{call:?} {status} {body}: {other:?}"),
    }
}

#[test]
fn whole_numbers_are_read_as_what_vtex_takes_back() {
    let body = r#"{"Id":7.0,"PackagedWeightKg":550.0,"UnitMultiplier":0.5,"Name":"x","ModalType":null}"#;
    let CatalogAnswer::Document(Some(read)) = catalog(&CatalogCall::ReadSku { id: 7 }, 200, body) else {
        panic!("a document");
    };
    let expected = r#"{"Id":7,"ModalType":null,"Name":"x","PackagedWeightKg":550,"UnitMultiplier":0.5}"#;
    assert_eq!(Json::Object(read).to_string(), expected);
}

#[test]
fn nothing_found_is_an_answer() {
    let product = CatalogCall::FindProduct { reference: reference() };
    let sku = CatalogCall::FindSku { reference: reference() };
    for (call, status, body) in [
        (&product, 200, "null"),
        (&product, 200, ""),
        (&product, 404, "\"Product not found\""),
        (&sku, 404, "\"SKU not found\""),
        (&sku, 200, "null"),
    ] {
        assert_eq!(catalog(call, status, body), CatalogAnswer::Document(None), "{call:?} {body}");
    }
    let component = CatalogCall::ReadComponent { parent: 7, sku: 8 };
    for (status, body) in [(404, ""), (200, "[]"), (200, "null")] {
        assert_eq!(catalog(&component, status, body), CatalogAnswer::Component(None));
    }
    // By a number that we have it is a failure: the number is looked up again.
    for call in [CatalogCall::ReadProduct { id: 7 }, CatalogCall::ResolveSku { reference: reference() }] {
        assert!(matches!(told(&call, 404, ""), Err(Failure::Status { code: 404, .. })), "{call:?}");
    }
    assert!(matches!(
        told(&CatalogCall::ResolveSku { reference: reference() }, 200, "null"),
        Err(Failure::Status { code: 404, .. })
    ));
    for call in [
        CatalogCall::RemoveEan { sku: 7, ean: "1".into() },
        CatalogCall::RemoveImage { sku: 7, file: 1 },
        CatalogCall::RemoveComponent { parent: 7, component: 1 },
    ] {
        assert_eq!(told(&call, 404, "\"not found\""), Ok(Answer::Done), "it is gone");
    }
}

#[test]
fn the_page_of_a_proxy_is_no_answer() {
    let call = CatalogCall::FindProduct { reference: reference() };
    let failure = Failure::Status { code: 404, body: "<html>".to_owned() };
    let told = answer(&call, 404, true, &|| Err(failure.clone()));
    assert_eq!(told, Err(failure));
}

#[test]
fn a_thing_that_exists_is_told_by_the_message_whatever_the_status() {
    let create = document(json!({}));
    let product = CatalogCall::CreateProduct { body: create.clone() };
    let sku = CatalogCall::CreateSku { body: create.clone() };
    let brand = CatalogCall::CreateBrand { body: create };
    let taken = "There is already a product created with the same RefId with Product Id 12";
    let registered = "\"Sku can not be created because the RefId is registered in Sku id 34.\"";
    let named = "There is already a brand with the same name with Brand Id 5";
    for (call, status, body, id) in [
        (&product, 409, taken, Some(12)),
        (&product, 400, taken, Some(12)),
        (&sku, 409, registered, Some(34)),
        (&sku, 400, registered, Some(34)),
        (&sku, 409, "", None),
        (&brand, 409, named, Some(5)),
    ] {
        assert_eq!(catalog(call, status, body), CatalogAnswer::Exists(id), "{status} {body}");
    }
}

#[test]
fn a_refusal_that_tells_of_another_thing_stays_one() {
    let product = CatalogCall::CreateProduct { body: document(json!({})) };
    let sku = CatalogCall::CreateSku { body: document(json!({})) };
    for (call, status, body) in [
        (&product, 409, "There is already a product with the same LinkId with Product Id 9"),
        (&product, 409, "conflict"),
        (&product, 400, "Name is required"),
        (&sku, 400, ""),
        (&CatalogCall::PutSku { id: 7, body: document(json!({})) }, 409, "RefId is registered in Sku id 9"),
    ] {
        let told = told(call, status, body);
        assert_eq!(told, Err(Failure::Status { code: status, body: body.to_owned() }), "{body}");
    }
    let ean = CatalogCall::AddEan { sku: 7, ean: "789".into() };
    assert_eq!(told(&ean, 409, "The EAN is registered in Sku id 7"), Ok(Answer::Done), "ours already");
    assert!(told(&ean, 409, "The EAN is registered in Sku id 8").is_err());
    assert!(told(&ean, 400, "").is_err());
}

#[test]
fn what_was_created_tells_its_number_or_is_no_answer() {
    let call = CatalogCall::CreateProduct { body: document(json!({})) };
    assert_eq!(catalog(&call, 200, r#"{"Id":1.0,"Name":"x"}"#), CatalogAnswer::Created(1));
    for body in [r#"{"Name":"x"}"#, r#"{"Id":0}"#, r#"{"Id":-1}"#, r#"{"Id":2147483648}"#, "", "null", "[]"] {
        assert!(matches!(told(&call, 200, body), Err(Failure::Malformed(_))), "{body}");
    }
}

#[test]
fn what_would_be_put_into_another_thing_is_not_read() {
    let other_id = told(&CatalogCall::ReadProduct { id: 7 }, 200, r#"{"Id":8}"#);
    assert!(matches!(other_id, Err(Failure::Malformed(_))));
    let find = CatalogCall::FindSku { reference: "A".into() };
    assert!(matches!(told(&find, 200, r#"{"Id":8,"RefId":"B"}"#), Err(Failure::Malformed(_))));
    assert!(matches!(catalog(&find, 200, r#"{"Id":8,"RefId":"A"}"#), CatalogAnswer::Document(Some(_))));
}

#[test]
fn lists_are_read_with_numbers_of_either_form() {
    let policies = r#"[{"ProductId":7,"StoreId":1},{"ProductId":7,"StoreId":2.0}]"#;
    assert_eq!(
        catalog(&CatalogCall::ReadTradePolicies { product: 7 }, 200, policies),
        CatalogAnswer::TradePolicies(vec![1, 2])
    );
    assert_eq!(
        catalog(&CatalogCall::ReadEans { sku: 7 }, 200, r#"["1","2"]"#),
        CatalogAnswer::Eans(vec!["1".into(), "2".into()])
    );
    let files = r#"[{"Id":503.0,"ArchiveId":1,"SkuId":7,"Name":"frente","IsMain":true,"Text":"",
        "Label":null,"Url":"https://loja/1","FileLocation":"x","Position":0},
        {"Id":504,"Name":null,"IsMain":false,"Label":"b"}]"#;
    let image = |file, name: &str| RemoteImage {
        file,
        name: name.into(),
        label: None,
        url: Some("https://loja/1".to_owned()),
        main: true,
        position: 0,
    };
    let other = RemoteImage { label: Some("b".to_owned()), url: None, main: false, ..image(504, "") };
    assert_eq!(
        catalog(&CatalogCall::ReadImages { sku: 7 }, 200, files),
        CatalogAnswer::Images(vec![image(503, "frente"), other])
    );
    let find = CatalogCall::FindBrand { name: "maré".to_owned() };
    let CatalogAnswer::Document(Some(found)) = catalog(&find, 200, r#"[{"id":4.0,"name":"Maré"}]"#) else {
        panic!("a brand");
    };
    assert_eq!(CatalogAnswer::Document(Some(found)).id().and_then(|id| id.number()), Some(4));
    let resolve = CatalogCall::ResolveSku { reference: reference() };
    for body in ["\"310118\"", "310118"] {
        assert_eq!(catalog(&resolve, 200, body), CatalogAnswer::Resolved(310_118));
    }
    let one = r#"{"Id":9,"StockKeepingUnitParent":7,"StockKeepingUnitId":8,"Quantity":2.0,"UnitPrice":1}"#;
    let read = CatalogCall::ReadComponent { parent: 7, sku: 8 };
    for body in [one.to_owned(), format!("[{},{one}]", one.replace(":8,", ":3,"))] {
        let component = RemoteComponent { id: 9, quantity: 2 };
        assert_eq!(catalog(&read, 200, &body), CatalogAnswer::Component(Some(component)));
    }
}

#[test]
fn specifications_are_read_by_their_numbers_and_fields_by_their_names() {
    let list = br#"[{"Id":41,"ProductId":7,"FieldId":20,"FieldValueId":58,"Text":"Seda"},
        {"Id":42.0,"ProductId":7,"FieldId":21,"FieldValueId":null,"Text":null},
        {"Id":43,"ProductId":7,"FieldId":22,"Text":"texto"}]"#;
    let read = CatalogCall::ReadSpecifications { owner: Specified::Product(7) };
    let found = answer::answer(&read, 200, false, &|| Ok(list));
    let one =
        |id, field, of_list, text: &str| RemoteSpecification { id, field, of_list, text: text.to_owned() };
    let expected = vec![one(41, 20, true, "Seda"), one(42, 21, false, ""), one(43, 22, false, "texto")];
    assert_eq!(found, Ok(Answer::Catalog(CatalogAnswer::Specifications(expected))));
    let field = CatalogCall::ReadField { field: 20 };
    let name = answer::answer(&field, 200, false, &|| Ok(br#"{"Id":20,"Name":"Tecido"}"#));
    assert_eq!(name, Ok(Answer::Catalog(CatalogAnswer::FieldName(Some("Tecido".to_owned())))));
    let gone = || Err(Failure::Status { code: 404, body: String::new() });
    assert_eq!(
        answer::answer(&field, 404, false, &gone),
        Ok(Answer::Catalog(CatalogAnswer::FieldName(None)))
    );
    let remove = CatalogCall::RemoveSpecification { owner: Specified::Sku(7), specification: 20 };
    assert_eq!(answer::answer(&remove, 404, false, &gone), Ok(Answer::Done));
}

#[test]
fn an_image_that_vtex_refuses_is_an_answer_and_a_lost_one_is_none() {
    let add = CatalogCall::AddImage { sku: 7, image: image(None), position: 0 };
    let refused = |code| move || Err(Failure::Status { code, body: "Invalid image".to_owned() });
    let unfit = CatalogAnswer::Unfit("VTEX does not take it: Invalid image".to_owned());
    assert_eq!(answer::answer(&add, 400, false, &refused(400)), Ok(Answer::Catalog(unfit)));
    for code in [404, 500] {
        assert!(answer::answer(&add, code, false, &refused(code)).is_err(), "{code}");
    }
}
