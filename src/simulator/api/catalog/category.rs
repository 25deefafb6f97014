//! Categories and their tree.

use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::{Route, query_value};
use super::super::super::world::{Category, CategoryFields, Refusal, Tables};
use super::{Call, body, change, fields, first_id, replace, wanted_id};

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::CategoryTree => tree(call)?,
        Route::CategoryCreate => create(call)?,
        Route::CategoryPut => put(call)?,
        _ => one(call)?,
    })
}

/// The departments and as many levels below them as are asked for; VTEX answers it from a cache.
fn tree(call: Call<'_>) -> Result<Reply, Refusal> {
    let levels: u32 =
        call.target.first.parse().map_err(|_| Refusal::invalid("categoryLevels is not a number"))?;
    let account = &call.world.options.account;
    let shop = format!("https://{account}.vtexcommercestable.com.br");
    let name = format!("tree {levels}");
    let tree =
        call.world.catalog.cached(call.world.now(), &name, |tables| below(tables, None, &shop, levels));
    Ok(Reply::json(&tree))
}

fn below(tables: &Tables, father: Option<u32>, url: &str, levels: u32) -> Value {
    let children = tables.children(father).map(|category| {
        let url = format!("{url}/{}", category.link.to_lowercase());
        let children = match levels.checked_sub(1) {
            Some(levels) => below(tables, Some(category.id), &url, levels),
            None => json!([]),
        };
        json!({
            "id": category.id,
            "name": category.fields.name,
            "hasChildren": tables.children(Some(category.id)).next().is_some(),
            "url": url,
            "children": children,
            "Title": category.fields.title,
            "MetaTagDescription": category.fields.description,
        })
    });
    children.collect()
}

fn create(call: Call<'_>) -> Result<Reply, Refusal> {
    let body = body(call)?;
    let (id, fields) = (wanted_id(&body)?, fields::<CategoryFields>(&body)?);
    let made = change(call, |tables| {
        let id = tables.create_category(id, fields)?;
        shown(tables, id, false)
    })?;
    Ok(Reply::json(&made))
}

fn put(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Category")?;
    let fields: CategoryFields = fields(&body(call)?)?;
    replace(call, |tables| tables.put_category(id, fields))?;
    Ok(Reply::json(&call.world.catalog.read(|tables| shown(tables, id, false))?))
}

fn one(call: Call<'_>) -> Result<Reply, Refusal> {
    let id = first_id(call, "Category")?;
    let with_path = query_value(call.query, "includeTreePath").is_some_and(|value| value == "true");
    Ok(Reply::json(&call.world.catalog.read(|tables| shown(tables, id, with_path))?))
}

fn shown(tables: &Tables, id: u32, with_path: bool) -> Result<Value, Refusal> {
    let Category { fields, link, .. } = tables.category(id)?;
    let mut path: Vec<&Category> = tables.category_path(id).filter(|_| with_path).collect();
    path.reverse();
    let path_of = |show: fn(&Category) -> Value| -> Value {
        if with_path { path.iter().map(|above| show(above)).collect() } else { Value::Null }
    };
    Ok(json!({
        "Id": id,
        "Name": fields.name,
        "FatherCategoryId": fields.father_category_id,
        "Title": fields.title,
        "Description": fields.description,
        "Keywords": fields.keywords,
        "IsActive": fields.is_active,
        "LomadeeCampaignCode": "",
        "AdWordsRemarketingCode": "",
        "ShowInStoreFront": fields.show_in_store_front,
        "ShowBrandFilter": fields.show_brand_filter,
        "ActiveStoreFrontLink": fields.active_store_front_link,
        "GlobalCategoryId": fields.global_category_id,
        "StockKeepingUnitSelectionMode": fields.stock_keeping_unit_selection_mode,
        "Score": fields.score,
        "LinkId": link,
        "HasChildren": tables.children(Some(id)).next().is_some(),
        "TreePath": path_of(|above| above.fields.name.clone().into()),
        "TreePathIds": path_of(|above| above.id.into()),
        "TreePathLinkIds": path_of(|above| above.link.clone().into()),
    }))
}
