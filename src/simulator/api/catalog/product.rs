//! Products, their look-ups and their trade policies.

use serde_json::{Map, Value, json};

use super::super::super::options::UnknownProduct;
use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{NewProduct, Product, ProductFields, Refusal, Tables, World};
use super::{
    Call, body, change, fields, first_id, put_optional, query_number, replace, second_id, wanted_id,
};

/// Products on one page of `GetProductAndSkuIds`: without a wish, and at most.
const WINDOW: u32 = 20;
const WINDOW_MAX: u32 = 250;

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::ProductCreate => create(call)?,
        Route::ProductPut => put(call)?,
        Route::ProductByRefId => by_reference(call)?,
        Route::ProductSummary => found(call, summary)?,
        Route::ProductAndSkuIds => ids(call)?,
        Route::ProductIndexed => indexed(call)?,
        Route::ProductPolicies => policies(call)?,
        Route::ProductPolicyAdd => set_policy(call, Tables::add_policy)?,
        Route::ProductPolicyRemove => set_policy(call, Tables::remove_policy)?,
        _ => found(call, full)?,
    })
}

fn create(call: Call<'_>) -> Result<Reply, Refusal> {
    let body = body(call)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let new = NewProduct {
        id: wanted_id(&body)?,
        category_path: text("CategoryPath"),
        brand_name: text("BrandName"),
        fields: fields::<ProductFields>(&body)?,
    };
    let made = change(call, |tables| {
        let id = tables.create_product(new)?;
        tables.product(id).map(|product| full(call.world, tables, product))
    })?;
    Ok(Reply::json(&made))
}

fn put(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Product")?;
    let fields: ProductFields = fields(&body(call)?)?;
    replace(call, |tables| tables.put_product(id, fields))?;
    found(call, full)
}

fn found(call: Call<'_>, show: fn(&World, &Tables, &Product) -> Value) -> Result<Reply, Refusal> {
    let id = first_id(call, "Product")?;
    let shown = call
        .world
        .catalog
        .read(|tables| tables.product(id).map(|product| show(call.world, tables, product)))?;
    Ok(Reply::json(&shown))
}

/// One that is not found is 200 with `null`, or 404 (quirk).
fn by_reference(call: Call<'_>) -> Result<Reply, Refusal> {
    let (now, lag) = (call.world.now(), call.world.catalog.references_lag());
    let shown = call.world.catalog.read(|tables| {
        let product = tables.product_by_ref(&call.target.first);
        let product = product.filter(|product| tables.product_ref_shows(product, now, lag));
        product.map(|product| summary(call.world, tables, product))
    });
    match (shown, call.world.options.quirks.unknown_product) {
        (None, UnknownProduct::NotFound) => Err(Refusal::NotFound("Product")),
        (shown, _) => Ok(Reply::json(&shown)),
    }
}

/// From product `_from` to product `_to`, counted from 1 in the order of their ids.
fn ids(call: Call<'_>) -> Result<Reply, Refusal> {
    let from = query_number(call, "_from").unwrap_or(1).max(1);
    let to = query_number(call, "_to").unwrap_or(from.saturating_add(WINDOW - 1));
    let category = query_number(call, "categoryId");
    let wanted = to.saturating_sub(from).saturating_add(1).min(WINDOW_MAX) as usize;
    let answer = call.world.catalog.read(|tables| {
        let of_category = |product: &&Product| {
            category
                .is_none_or(|wanted| tables.category_path(product.category).any(|above| above.id == wanted))
        };
        let total = tables.products().filter(of_category).count();
        let page = tables.products().filter(of_category).skip(from as usize - 1).take(wanted);
        let data: Map<String, Value> =
            page.map(|product| (product.id.to_string(), json!(product.skus))).collect();
        json!({"data": data, "range": {"total": total, "from": from, "to": to}})
    });
    Ok(Reply::json(&answer))
}

/// As much of the index as tells whether the product is in it.
fn indexed(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Product")?;
    let now = call.world.now();
    let skus: Option<String> = call.world.catalog.read(|tables| {
        let shown = tables.indexed(id, now)?;
        Some(shown.skus.keys().map(|sku| format!("<int>{sku}</int>")).collect())
    });
    let count = u8::from(skus.is_some());
    let document = skus.map_or_else(String::new, |skus| {
        format!("<doc><int name=\"productId\">{id}</int><arr name=\"skuIds\">{skus}</arr></doc>")
    });
    Ok(Reply::xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><result name=\"response\" numFound=\"{count}\" \
         start=\"0\">{document}</result></response>\n"
    )))
}

fn policies(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Product")?;
    let policies: Value = call.world.catalog.read(|tables| {
        let product = tables.product(id)?;
        let shown = product.policies.iter().map(|policy| json!({"ProductId": id, "StoreId": policy}));
        Ok::<_, Refusal>(shown.collect())
    })?;
    Ok(Reply::json(&policies))
}

fn set_policy(
    call: Call<'_>,
    set: fn(&mut Tables, u32, u32) -> Result<bool, Refusal>,
) -> Result<Reply, Refusal> {
    let (product, policy) = (first_id(call, "Product")?, second_id(call, "SalesPolicy")?);
    if !account_policies(call.world).any(|known| known == policy) {
        return Err(Refusal::NotFound("SalesPolicy"));
    }
    replace(call, |tables| set(tables, product, policy))?;
    Ok(Reply::empty(200))
}

/// The numeric trade policies of the account.
pub(super) fn account_policies(world: &World) -> impl Iterator<Item = u32> {
    world.options.trade_policies.iter().filter_map(|policy| policy.parse().ok())
}

fn full(world: &World, tables: &Tables, product: &Product) -> Value {
    let mut shown = common(tables, product);
    shown["SupplierId"] = json!(product.fields.supplier_id);
    put_optional(world, &mut shown, "Score", product.fields.score.map(Value::from));
    shown
}

fn summary(world: &World, tables: &Tables, product: &Product) -> Value {
    let mut shown = common(tables, product);
    put_optional(world, &mut shown, "SupplierId", product.fields.supplier_id.map(Value::from));
    let all = || account_policies(world).collect();
    let policies: Vec<u32> = product.policies.iter().copied().collect();
    shown["ListStoreId"] = json!(if policies.is_empty() { all() } else { policies });
    shown
}

fn common(tables: &Tables, product: &Product) -> Value {
    let fields = &product.fields;
    let department = tables.category_path(product.category).last().map(|top| top.id);
    json!({
        "Id": product.id,
        "Name": fields.name,
        "DepartmentId": department,
        "CategoryId": product.category,
        "BrandId": product.brand,
        "LinkId": fields.link_id,
        "RefId": fields.ref_id,
        "IsVisible": fields.is_visible,
        "Description": fields.description,
        "DescriptionShort": fields.description_short,
        "ReleaseDate": fields.release_date,
        "KeyWords": fields.key_words,
        "Title": fields.title,
        "IsActive": fields.is_active,
        "TaxCode": fields.tax_code,
        "MetaTagDescription": fields.meta_tag_description,
        "ShowWithoutStock": fields.show_without_stock,
        "AdWordsRemarketingCode": "",
        "LomadeeCampaignCode": "",
    })
}
