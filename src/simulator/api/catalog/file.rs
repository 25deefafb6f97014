//! Images of SKUs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::reply::Reply;
use super::super::super::route::Route;
use super::super::super::world::{Image, ImageFields, Refusal};
use super::{Call, body, change, fields, first_id, second_id};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Placed {
    id: u32,
    position: u32,
}

pub(super) fn answer(call: Call<'_>) -> Result<Reply, Reply> {
    Ok(match call.target.route {
        Route::SkuFileAdd => add(call)?,
        Route::SkuFilePut => put(call)?,
        Route::SkuFilesReorder => reorder(call)?,
        Route::SkuFilesCopy => copy(call)?,
        Route::SkuFilesClear => remove(call, None)?,
        Route::SkuFileRemove | Route::SkuFileDisassociate => remove(call, Some(second_id(call, "File")?))?,
        _ => list(call, first_id(call, "Sku")?)?,
    })
}

/// VTEX downloads the image before it answers; here every URL of an image can be downloaded.
fn add(call: Call<'_>) -> Result<Reply, Refusal> {
    let sku = first_id(call, "Sku")?;
    let fields: ImageFields = fields(&body(call)?)?;
    change(call, |tables| tables.add_image(sku, fields))?;
    list(call, sku)
}

fn put(call: Call<'_>) -> Result<Reply, Refusal> {
    let (sku, image) = (first_id(call, "Sku")?, second_id(call, "File")?);
    let fields: ImageFields = fields(&body(call)?)?;
    change(call, |tables| tables.put_image(sku, image, fields))?;
    list(call, sku)
}

fn reorder(call: Call<'_>) -> Result<Reply, Refusal> {
    let sku = first_id(call, "Sku")?;
    let placed: Vec<Placed> = fields(&body(call)?)?;
    let positions: Vec<(u32, u32)> = placed.iter().map(|placed| (placed.id, placed.position)).collect();
    change(call, |tables| tables.reorder_images(sku, &positions))?;
    Ok(Reply::empty(200))
}

fn copy(call: Call<'_>) -> Result<Reply, Refusal> {
    let (from, to) = (first_id(call, "Sku")?, second_id(call, "Sku")?);
    change(call, |tables| tables.copy_images(from, to))?;
    let copied = call.world.catalog.read(|tables| {
        let images = tables.sku(to)?.images.iter();
        let brief = images.map(|image| {
            json!({
                "Id": image.id,
                "ArchiveId": image.archive,
                "SkuId": to,
                "IsMain": image.fields.is_main,
                "Label": image.fields.label,
            })
        });
        Ok::<_, Refusal>(brief.collect::<Value>())
    })?;
    Ok(Reply::json(&copied))
}

fn remove(call: Call<'_>, only: Option<u32>) -> Result<Reply, Refusal> {
    let sku = first_id(call, "Sku")?;
    change(call, |tables| tables.remove_images(sku, only))?;
    Ok(Reply::empty(200))
}

/// All images of the SKU, also as the answer to a new one: the files type it as a list.
fn list(call: Call<'_>, sku: u32) -> Result<Reply, Refusal> {
    let account = &call.world.options.account;
    let images = call.world.catalog.read(|tables| {
        let images = tables.sku(sku)?.images.iter();
        Ok::<_, Refusal>(images.map(|image| shown(account, sku, image)).collect::<Value>())
    })?;
    Ok(Reply::json(&images))
}

/// With VTEX's own URL; the one it was downloaded from is not shown.
fn shown(account: &str, sku: u32, image: &Image) -> Value {
    let location = format!("{account}.vteximg.com.br/files/ids/{}/{:032X}", image.archive, image.archive);
    json!({
        "Id": image.id,
        "ArchiveId": image.archive,
        "SkuId": sku,
        "Name": image.fields.name,
        "IsMain": image.fields.is_main,
        "Text": image.fields.text.clone().unwrap_or_default(),
        "Label": image.fields.label,
        "Url": format!("https://{location}"),
        "FileLocation": location,
        "Position": image.position,
    })
}
