//! A SKU with everything around it: by id, by EAN, by alternate id.

use serde_json::{Map, Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Assignment, Category, Product, Refusal, Sku, Tables, World};
use super::super::number;
use super::product::account_policies;
use super::{Call, first_id};

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    let shown = call.world.catalog.read(|tables| {
        let sku = match call.target.route {
            Route::SkuByEan => by_ean(call, tables)?,
            Route::SkuByAlternateId => by_alternate_id(call, tables)?,
            _ => tables.sku(first_id(call, "Sku")?)?,
        };
        context(call.world, tables, sku)
    })?;
    Ok(Reply::json(&shown))
}

/// Reads the shop's index: an inactive SKU, or one that is not indexed yet, is not found (VTEX known issue 699007).
fn by_ean<'a>(call: Call<'_>, tables: &'a Tables) -> Result<&'a Sku, Refusal> {
    let ean = call.target.first.as_ref();
    let sku = tables.sku_by_ean(ean).ok_or(Refusal::NotFound("SKU"))?;
    let shown = tables.indexed(sku.fields.product_id, call.world.now());
    let eans = shown.and_then(|shown| shown.skus.get(&sku.id));
    eans.filter(|eans| eans.contains(ean)).map(|_| sku).ok_or(Refusal::NotFound("SKU"))
}

/// An EAN or a RefId.
fn by_alternate_id<'a>(call: Call<'_>, tables: &'a Tables) -> Result<&'a Sku, Refusal> {
    let wanted = call.target.first.as_ref();
    if let Some(sku) = tables.sku_by_ean(wanted) {
        return Ok(sku);
    }
    let by_reference = call.world.skus.id(wanted).and_then(|id| tables.sku(id).ok());
    let (now, lag) = (call.world.now(), call.world.catalog.references_lag());
    by_reference.filter(|sku| tables.sku_ref_shows(sku.id, now, lag)).ok_or(Refusal::NotFound("SKU"))
}

fn context(world: &World, tables: &Tables, sku: &Sku) -> Result<Value, Refusal> {
    let product = tables.product(sku.fields.product_id)?;
    let mut shown = of_sku(world, tables, sku);
    shown.extend(of_product(world, tables, product)?);
    let name = match (product.fields.name.as_str(), sku.fields.name.as_str()) {
        (product, sku) if product == sku => product.to_owned(),
        (product, sku) => format!("{product} {sku}"),
    };
    shown.insert("NameComplete".to_owned(), name.into());
    Ok(Value::Object(shown))
}

fn of_sku(world: &World, tables: &Tables, sku: &Sku) -> Map<String, Value> {
    let fields = &sku.fields;
    let size = |size: Option<f64>| number(world, size.unwrap_or_default());
    let images = sku.images.iter().map(|image| {
        json!({
            "ImageUrl": image_url(world, image.archive),
            "ImageName": image.fields.name,
            "FileId": image.archive,
        })
    });
    let seller = json!({
        "SellerId": "1",
        "StockKeepingUnitId": sku.id,
        "SellerStockKeepingUnitId": sku.id.to_string(),
        "IsActive": true,
        "FreightCommissionPercentage": 0,
        "ProductCommissionPercentage": 0,
    });
    // With several EANs VTEX shows the last.
    let ean = sku.eans.last();
    let mut alternate = Map::new();
    alternate.extend(ean.map(|ean| ("Ean".to_owned(), json!(ean))));
    let reference = Some(&fields.ref_id).filter(|reference| !reference.is_empty());
    alternate.extend(reference.map(|reference| ("RefId".to_owned(), json!(reference))));
    let shown = json!({
        "Id": sku.id,
        "ProductId": fields.product_id,
        "ComplementName": "",
        "SkuName": fields.name,
        "IsActive": sku.active,
        "IsTransported": true,
        "IsInventoried": true,
        "IsGiftCardRecharge": false,
        "ImageUrl": sku.images.first().map_or_else(String::new, |image| image_url(world, image.archive)),
        "CSCIdentification": null,
        "Dimension": {
            "cubicweight": size(fields.cubic_weight),
            "height": size(fields.packaged_height),
            "length": size(fields.packaged_length),
            "weight": size(fields.packaged_weight_kg),
            "width": size(fields.packaged_width),
        },
        "RealDimension": {
            "realCubicWeight": number(world, 0.0),
            "realHeight": number(world, fields.height),
            "realLength": number(world, fields.length),
            "realWeight": number(world, fields.weight_kg),
            "realWidth": number(world, fields.width),
        },
        "ManufacturerCode": fields.manufacturer_code,
        "IsKit": fields.is_kit,
        "KitItems": [],
        "Services": [],
        "Categories": [],
        "Attachments": [],
        "Collections": [],
        "SkuSellers": [seller],
        "Images": images.collect::<Value>(),
        "SkuSpecifications": specifications(tables, &sku.specifications),
        "CommercialConditionId": fields.commercial_condition_id,
        "RewardValue": number(world, fields.reward_value),
        "AlternateIds": alternate,
        "AlternateIdValues": ean.into_iter().chain(reference).collect::<Vec<_>>(),
        "EstimatedDateArrival": fields.estimated_date_arrival,
        "MeasurementUnit": fields.measurement_unit,
        "UnitMultiplier": size(fields.unit_multiplier),
        "InformationSource": null,
        "ModalType": fields.modal_type,
    });
    object(shown)
}

fn of_product(world: &World, tables: &Tables, product: &Product) -> Result<Map<String, Value>, Refusal> {
    let fields = &product.fields;
    let brand = tables.brand(product.brand)?;
    let mut path: Vec<&Category> = tables.category_path(product.category).collect();
    let names: Map<String, Value> =
        path.iter().map(|category| (category.id.to_string(), json!(category.fields.name))).collect();
    path.reverse();
    let ids: String = path.iter().map(|category| format!("{}/", category.id)).collect();
    let policies: Vec<u32> = match product.policies.is_empty() {
        true => account_policies(world).collect(),
        false => product.policies.iter().copied().collect(),
    };
    Ok(object(json!({
        "ProductName": fields.name,
        "ProductDescription": fields.description,
        "ProductRefId": fields.ref_id,
        "TaxCode": fields.tax_code,
        "DetailUrl": format!("/{}/p", fields.link_id),
        "BrandId": product.brand.to_string(),
        "BrandName": brand.fields.name,
        "SalesChannels": policies,
        "ProductSpecifications": specifications(tables, &product.specifications),
        "ProductClustersIds": "",
        "ProductCategoryIds": format!("/{ids}"),
        "ProductGlobalCategoryId": null,
        "ProductCategories": names,
        "KeyWords": fields.key_words,
        "ReleaseDate": fields.release_date,
        "ProductIsVisible": fields.is_visible,
        "ShowIfNotAvailable": fields.show_without_stock,
        "IsProductActive": fields.is_active,
        "ProductFinalScore": fields.score.unwrap_or(0),
    })))
}

/// Field by field, each with its values.
fn specifications(tables: &Tables, given: &[Assignment]) -> Value {
    let mut fields: Vec<u32> = given.iter().map(|one| one.field).collect();
    fields.dedup();
    let shown = fields.iter().filter_map(|id| {
        let field = tables.field(*id).ok()?;
        let of_field = || given.iter().filter(|one| one.field == *id);
        Some(json!({
            "FieldId": id,
            "FieldName": field.fields.name,
            "FieldValueIds": of_field().filter_map(|one| one.value).collect::<Vec<_>>(),
            "FieldValues": of_field().map(|one| one.text.as_str()).collect::<Vec<_>>(),
        }))
    });
    shown.collect()
}

fn image_url(world: &World, archive: u32) -> String {
    format!("https://{}.vteximg.com.br/arquivos/ids/{archive}", world.options.account)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
