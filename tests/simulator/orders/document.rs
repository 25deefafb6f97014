//! An order has everything that an ERP needs.

use mare::simulator::{EmailMask, Numbers, Options, OrderOptions};
use serde_json::{Value, json};

use super::Till;

#[tokio::test]
async fn money_is_in_centavos_and_adds_up() {
    let till = Till::open().await;
    let items = json!([
        {"ref": "SKU-1", "quantity": 3, "discount": 100},
        {"ref": "SKU-2", "quantity": 1, "price": 1_001, "list_price": 2_000},
    ]);
    let order = till.document(&till.place_as(json!({"items": items, "shipping": 1_501}))).await;
    let totals: Vec<(&str, i64)> = order["totals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|total| (total["id"].as_str().unwrap(), total["value"].as_i64().unwrap()))
        .collect();
    assert_eq!(totals, [("Items", 8_498), ("Discounts", -100), ("Shipping", 1_501), ("Tax", 0)]);
    assert_eq!(order["value"], 9_899);
    let first = &order["items"][0];
    assert_eq!(
        (&first["price"], &first["listPrice"], &first["quantity"]),
        (&json!(2_499), &json!(2_999), &json!(3))
    );
    let tag = &first["priceTags"][0];
    assert_eq!((&tag["value"], &tag["rawValue"]), (&json!(-100), &json!(-1.0)));
    // 74.97 less 1.00 is 73.97: two at 24.66 and one at 24.65.
    let definition = &first["priceDefinitions"];
    assert_eq!(definition["total"], 7_397);
    let expected = json!([{"value": 2_466, "quantity": 2}, {"value": 2_465, "quantity": 1}]);
    assert_eq!(definition["sellingPrices"], expected);
    assert_eq!(first["sellingPrice"], 2_465);
    let shipping: i64 = order["shippingData"]["logisticsInfo"]
        .as_array()
        .unwrap()
        .iter()
        .map(|info| info["sellingPrice"].as_i64().unwrap())
        .sum();
    assert_eq!(shipping, 1_501);
}

#[tokio::test]
async fn items_name_the_sku_in_every_way() {
    let till = Till::open().await;
    let order = till.document(&till.place()).await;
    let item = &order["items"][0];
    assert_eq!(
        (&item["id"], &item["refId"], &item["sellerSku"]),
        (&json!("1"), &json!("SKU-1"), &json!("1"))
    );
    assert_eq!(item["uniqueId"].as_str().unwrap().len(), 32);
    let info = &order["shippingData"]["logisticsInfo"][0];
    assert_eq!(info["deliveryIds"][0]["warehouseId"], "1_1");
    assert_eq!(info["deliveryIds"][0]["quantity"], 2);
    assert_eq!(info["selectedDeliveryChannel"], "delivery");
    let id = order["orderId"].as_str().unwrap();
    let (group, suffix) = id.split_once('-').unwrap();
    assert_eq!((group.len(), suffix, order["orderGroup"].as_str()), (13, "01", Some(group)));
    assert_eq!(order["sequence"].as_str().unwrap().len(), 6);
}

#[tokio::test]
async fn a_pickup_has_the_address_of_its_point_and_the_customers_for_the_invoice() {
    for kept in [true, false] {
        let orders = OrderOptions { invoice_address_in_pickup: kept, ..OrderOptions::without_window() };
        let till = Till::with(orders).await;
        let order = till.document(&till.place_as(json!({"pickup": "loja-7", "scheduled": true}))).await;
        let shipping = &order["shippingData"];
        assert_eq!(shipping["address"]["addressType"], "pickup");
        let info = &shipping["logisticsInfo"][0];
        assert_eq!(info["selectedDeliveryChannel"], "pickup-in-point");
        assert_eq!(info["pickupPointId"], "1_loja-7");
        assert_eq!(info["slas"][0]["pickupStoreInfo"]["isPickupStore"], true);
        assert!(info["deliveryWindow"]["startDateUtc"].is_string());
        let fiscal = &order["invoiceData"]["address"];
        assert_eq!(fiscal.is_null(), !kept);
        assert!(!kept || fiscal["addressType"] == "residential");
    }
}

#[tokio::test]
async fn the_email_is_masked_and_the_customers_own_is_in_master_data() {
    let customer = json!({"email": "iara@comprador.example", "newsletter": true, "document": "00000000191",
        "company": {"name": "Maré Alta Ltda", "document": "00000000000191"}});
    let till = Till::open().await;
    let order = till.document(&till.place_as(json!({"customer": customer}))).await;
    let profile = &order["clientProfileData"];
    assert!(profile["email"].as_str().unwrap().ends_with("@ct.vtex.com.br"));
    assert_eq!(
        (&profile["isCorporate"], &profile["corporateDocument"]),
        (&json!(true), &json!("00000000000191"))
    );
    assert_eq!(order["clientPreferencesData"]["optinNewsLetter"], true);
    let known = &till.world().customers_by_email("iara@comprador.example")[0];
    assert_eq!(known["userId"], profile["userProfileId"]);
    let again = till.document(&till.place_as(json!({"customer": customer}))).await;
    assert_eq!(again["clientProfileData"], *profile);
    assert_eq!(till.world().customers_by_email("iara@comprador.example").len(), 1);
    let path = format!("/api/oms/pvt/orders/{}/conversation-message", order["orderId"].as_str().unwrap());
    assert_eq!(till.get(&path).await.body[0]["to"][0]["email"], "iara@comprador.example");

    let plain = Till::with(OrderOptions { email: EmailMask::Off, ..OrderOptions::without_window() }).await;
    let order = plain.document(&plain.place_as(json!({"customer": customer}))).await;
    assert_eq!(order["clientProfileData"]["email"], "iara@comprador.example");
}

#[tokio::test]
async fn every_way_of_paying_is_shown() {
    let till = Till::open().await;
    let payments = json!([
        {"kind": "gift-card", "value": 1_000},
        {"kind": "credit-card", "installments": 3},
        {"kind": "pix", "value": 998},
        {"kind": "boleto", "value": 500},
        {"kind": "debit-card", "value": 500},
        {"kind": "promissory", "value": 500},
    ]);
    let id = till.place_as(json!({"payments": payments, "coupon": "MARE10", "note": "Portão azul"}));
    let order = till.document(&id).await;
    let shown = order["paymentData"]["transactions"][0]["payments"].as_array().unwrap();
    let groups: Vec<&Value> = shown.iter().map(|payment| &payment["group"]).collect();
    assert_eq!(
        groups,
        ["giftCard", "creditCard", "instantPayment", "bankInvoice", "debitCard", "promissory"]
    );
    let sum: i64 = shown.iter().map(|payment| payment["value"].as_i64().unwrap()).sum();
    assert_eq!(sum, order["value"].as_i64().unwrap());
    let card = &shown[1];
    assert_eq!((&card["installments"], &card["lastDigits"]), (&json!(3), &json!("0002")));
    assert!(
        card["connectorResponses"]["authId"].is_string() && card["connectorResponses"]["nsu"].is_string()
    );
    assert_eq!(order["paymentData"]["giftCards"][0]["value"], 1_000);
    assert_eq!(order["marketingData"]["coupon"], "MARE10");
    assert_eq!(order["openTextField"]["value"], "Portão azul");
    let transaction = till.get(&format!("/api/oms/pvt/orders/{id}/payment-transaction")).await.body;
    assert_eq!(transaction["transactionId"], order["paymentData"]["transactions"][0]["transactionId"]);
    assert_eq!(transaction["payments"].as_array().unwrap().len(), 6);
    let wrong =
        json!({"items": [{"ref": "SKU-1", "quantity": 1}], "payments": [{"kind": "pix", "value": 1}]});
    assert!(till.world().place_order(wrong).is_err());
}

#[tokio::test]
async fn a_marketplaces_order_has_its_prefix_and_its_payment_for_the_fiscal_document() {
    let till = Till::open().await;
    let id = till.place_as(json!({"affiliate": "MNG"}));
    assert!(id.starts_with("MNG-"));
    let order = till.document(&id).await;
    assert_eq!((&order["origin"], &order["affiliateId"]), (&json!("Fulfillment"), &json!("MNG")));
    let fields = &order["customData"]["customApps"][0]["fields"];
    assert_eq!(fields["marketplacePaymentMethods"], "CreditCard");
}

#[tokio::test]
async fn a_realistic_order_is_spelled_as_in_vtexs_examples() {
    let mut options = Options { orders: OrderOptions::without_window(), ..Options::default() };
    options.quirks.numbers = Numbers::Realistic;
    let till = Till::with_all(options).await;
    let path = format!("/api/oms/pvt/orders/{}", till.place());
    // Not what the file's schema says, so it is not held against it.
    let order = till.0.send("GET", &path, None).await.body;
    let item = &order["items"][0];
    assert_eq!(item["unitMultiplier"].to_string(), "1.0");
    assert_eq!(item["additionalInfo"]["dimension"]["height"].to_string(), "1.0");
    assert_eq!(item["priceDefinition"]["total"], 4_998);
    assert!(item.get("priceDefinitions").is_none());
    assert_eq!(order["shippingData"]["logisticsInfo"][0]["slas"][0]["deliveryChannel"], "delivery");
}

#[tokio::test]
async fn a_sparse_order_lacks_fields_but_none_that_it_takes_to_fulfil_it() {
    let till = Till::with(OrderOptions { sparse: true, ..OrderOptions::without_window() }).await;
    let (mut missing, mut null) = (0, 0);
    for _ in 0..10 {
        let id = till.place_as(json!({"items": [{"ref": "SKU-1", "quantity": 1}]}));
        let path = format!("/api/oms/pvt/orders/{id}");
        let order = till.0.send("GET", &path, None).await.body;
        assert_eq!(order, till.0.send("GET", &path, None).await.body, "the same order, the same gaps");
        match order.get("storePreferencesData") {
            None => missing += 1,
            Some(Value::Null) => null += 1,
            Some(_) => {}
        }
        for needed in [
            "/items/0/refId",
            "/items/0/quantity",
            "/value",
            "/clientProfileData/document",
            "/shippingData/logisticsInfo/0/deliveryIds/0/warehouseId",
        ] {
            assert!(order.pointer(needed).is_some_and(|value| !value.is_null()), "{needed}");
        }
    }
    assert!(missing + null > 0 && missing + null < 10);
}
