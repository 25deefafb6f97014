//! Brands.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Brand, BrandFields, Refusal};
use super::{Call, body, change, fields, first_id, query_number, replace, wanted_id};

/// Most brands of the list that has no pages.
const LIST_MAX: usize = 20_000;

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::Brands => list(call),
        Route::BrandsPage => page(call)?,
        Route::BrandSummary => Reply::json(&shown(call, summary)?),
        Route::BrandCreate => create(call)?,
        Route::BrandPut => put(call)?,
        _ => Reply::json(&shown(call, full)?),
    })
}

fn shown(call: Call<'_>, show: fn(&Brand) -> Value) -> Result<Value, Refusal> {
    let id = first_id(call, "Brand")?;
    call.world.catalog.read(|tables| tables.brand(id).map(show))
}

fn list(call: Call<'_>) -> Reply {
    let list = call
        .world
        .catalog
        .cached(call.world.now(), "brands", |tables| tables.brands().take(LIST_MAX).map(summary).collect());
    Reply::json(&list)
}

fn page(call: Call<'_>) -> Result<Reply, Refusal> {
    let (Some(size), Some(page)) = (query_number(call, "pageSize"), query_number(call, "page")) else {
        return Err(Refusal::invalid("pageSize and page are required"));
    };
    let (size, page) = (size.max(1) as usize, page.max(1) as usize);
    let name = format!("brands {size} {page}");
    let answer = call.world.catalog.cached(call.world.now(), &name, |tables| {
        let total = tables.brands().count();
        let items: Vec<Value> =
            tables.brands().skip((page - 1).saturating_mul(size)).take(size).map(summary).collect();
        let paging = json!({"page": page, "perPage": size, "total": total, "pages": total.div_ceil(size)});
        json!({"items": items, "paging": paging})
    });
    Ok(Reply::json(&answer))
}

fn create(call: Call<'_>) -> Result<Reply, Refusal> {
    let body = body(call)?;
    let (id, fields) = (wanted_id(&body)?, fields::<BrandFields>(&body)?);
    let made = change(call, |tables| {
        let id = tables.create_brand(id, fields)?;
        tables.brand(id).map(full)
    })?;
    Ok(Reply::json(&made))
}

/// The answer shows the link of the request, although it was not taken.
fn put(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Brand")?;
    let fields: BrandFields = fields(&body(call)?)?;
    let mut shown = Brand { id, fields: fields.clone() };
    replace(call, |tables| tables.put_brand(id, fields))?;
    if shown.fields.link_id.is_empty() {
        shown.fields.link_id =
            call.world.catalog.read(|tables| tables.brand(id).map(|brand| brand.fields.link_id.clone()))?;
    }
    Ok(Reply::json(&full(&shown)))
}

fn summary(brand: &Brand) -> Value {
    json!({
        "id": brand.id,
        "name": brand.fields.name,
        "isActive": brand.fields.active,
        "title": brand.fields.site_title,
        "metaTagDescription": brand.fields.text,
        "imageUrl": null,
    })
}

fn full(brand: &Brand) -> Value {
    json!({
        "Id": brand.id,
        "Name": brand.fields.name,
        "Text": brand.fields.text,
        "Keywords": brand.fields.keywords,
        "SiteTitle": brand.fields.site_title,
        "AdWordsRemarketingCode": "",
        "LomadeeCampaignCode": "",
        "Score": brand.fields.score,
        "MenuHome": brand.fields.menu_home,
        "Active": brand.fields.active,
        "LinkId": brand.fields.link_id,
    })
}
