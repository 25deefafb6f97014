//! Images of a SKU. VTEX fetches each one that is sent, so only those that changed are.

use super::super::{Next, Situation};
use super::CatalogHeld;
use super::rules::SkuField;
use super::sku::Plan;
use crate::core::call::catalog::{CatalogCall, RemoteImage};
use crate::core::value::Value;
use crate::core::value::catalog::{Image, Sku};

pub(super) fn next(plan: &Plan<'_>) -> Option<CatalogCall> {
    let (wanted, sku) = (&plan.wanted.images, plan.id);
    let same = plan.ours.is_some_and(|ours| ours.images == *wanted);
    if same || !(plan.writes(SkuField::Images) || plan.completes(true)) {
        return None;
    }
    let held = match &plan.held.images {
        Some(held) => held.as_slice(),
        None if plan.held.created => &[],
        None => return Some(CatalogCall::ReadImages { sku }),
    };
    let ours_alone = || held.iter().all(|remote| wanted.iter().any(|image| image.name == remote.name));
    if !plan.writes(SkuField::Images) && !plan.completes(ours_alone()) {
        return None;
    }
    // What is new first: a SKU that is for sale shall not be without an image in between.
    (0_u32..)
        .zip(wanted.iter().filter(|image| !is_unfit(plan.held, image)))
        .find_map(|(position, image)| bring(plan, held, image, position))
        .or_else(|| surplus(plan, held).map(|file| CatalogCall::RemoveImage { sku, file }))
}

fn is_unfit(held: &CatalogHeld, image: &Image) -> bool {
    held.unfit.iter().any(|(name, _)| *name == image.name)
}

/// Everything was brought but some images. Until they are, those that VTEX had before stay.
pub(super) fn partly(situation: &Situation<'_>, wanted: &Sku, held: &CatalogHeld) -> Next {
    let before = match situation.confirmed {
        Some(Value::Sku(confirmed)) => confirmed.images.as_slice(),
        _ => &[],
    };
    let fit: Vec<&Image> = wanted.images.iter().filter(|image| !is_unfit(held, image)).collect();
    let kept = before.iter().filter(|image| fit.iter().all(|other| other.name != image.name));
    let images = fit.iter().copied().chain(kept).cloned().collect();
    let reasons: Vec<&str> = held.unfit.iter().map(|(_, reason)| reason.as_str()).collect();
    let held = Value::Sku(Box::new(Sku { images, ..wanted.clone() }));
    Next::Partly { held: Box::new(held), why: reasons.join("; ") }
}

/// VTEX takes the main image only at position 0.
fn bring(plan: &Plan<'_>, held: &[RemoteImage], image: &Image, position: u32) -> Option<CatalogCall> {
    let sku = plan.id;
    let Some(remote) = first_of(held, &image.name) else {
        return Some(CatalogCall::AddImage { sku, image: image.clone(), position });
    };
    let label = image.label.clone().or_else(|| remote.label.clone());
    let in_place = remote.position == position && remote.main == (position == 0) && remote.label == label;
    if in_place && is_unchanged(plan, remote, image) {
        return None;
    }
    let image = Image { label, ..image.clone() };
    Some(CatalogCall::PutImage { sku, file: remote.file, image, position })
}

/// Whether VTEX has fetched this very image, as it says itself or has confirmed.
fn is_unchanged(plan: &Plan<'_>, remote: &RemoteImage, image: &Image) -> bool {
    let same = |ours: &Image| ours.name == image.name && ours.url == image.url;
    remote.url.as_ref() == Some(&image.url)
        || plan.ours.is_some_and(|ours| ours.images.iter().any(same))
        || plan.held.fetched.iter().any(same)
}

/// An image that was ours and that Live does not have any more, or one that VTEX has twice because it had
/// added it before it failed.
fn surplus(plan: &Plan<'_>, held: &[RemoteImage]) -> Option<u32> {
    if !plan.held.unfit.is_empty() {
        return None; // what was to take its place could not be brought
    }
    let wanted = &plan.wanted.images;
    let was_ours = plan.confirmed().map_or(&[] as &[_], |confirmed| confirmed.images.as_slice());
    let named = |images: &[Image], name: &str| images.iter().any(|image| image.name == name);
    let is_surplus = |remote: &&RemoteImage| {
        let twice = || first_of(held, &remote.name).is_some_and(|first| first.file != remote.file);
        if named(wanted, &remote.name) { twice() } else { named(was_ours, &remote.name) }
    };
    held.iter().find(is_surplus).map(|remote| remote.file)
}

fn first_of<'a>(held: &'a [RemoteImage], name: &str) -> Option<&'a RemoteImage> {
    held.iter().find(|remote| remote.name == name)
}

/// The images after VTEX accepted `call`. The number of one that was added is not told and not needed.
pub(super) fn after(held: &mut Vec<RemoteImage>, call: &CatalogCall) {
    match call {
        CatalogCall::AddImage { image, position, .. } => {
            unset_main(held, *position);
            held.push(remote(0, image, *position));
        }
        CatalogCall::PutImage { file, image, position, .. } => {
            unset_main(held, *position);
            let put = remote(*file, image, *position);
            held.iter_mut().filter(|other| other.file == *file).for_each(|other| other.clone_from(&put));
        }
        CatalogCall::RemoveImage { file, .. } => held.retain(|other| other.file != *file),
        _ => {}
    }
}

/// There is one main image.
fn unset_main(held: &mut [RemoteImage], position: u32) {
    if position == 0 {
        held.iter_mut().for_each(|other| other.main = false);
    }
}

fn remote(file: u32, image: &Image, position: u32) -> RemoteImage {
    RemoteImage {
        file,
        name: image.name.clone(),
        label: image.label.clone(),
        url: Some(image.url.clone()),
        main: position == 0,
        position,
    }
}
