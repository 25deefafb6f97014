//! Images of SKUs. VTEX downloads them from the given URL and from then on shows its own.

use serde::Deserialize;

use super::text::required;
use super::{Refusal, Tables};

const NAME_MAX: usize = 255;
const EXTENSIONS: [&str; 7] = [".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".ico"];

/// An image as a request writes it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ImageFields {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) is_main: bool,
    pub(crate) label: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) position: Option<u32>,
}

/// An image of one SKU.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) id: u32,
    /// The downloaded file; copies of an image share it.
    pub(crate) archive: u32,
    pub(crate) fields: ImageFields,
    pub(crate) position: u32,
}

impl Tables {
    /// Adds an image. VTEX compares with none of those already there: the same one twice is a duplicate.
    pub(crate) fn add_image(&mut self, sku: u32, fields: ImageFields) -> Result<u32, Refusal> {
        check(&fields)?;
        self.sku(sku)?;
        self.issued.image += 1;
        let id = self.issued.image;
        self.place_image(sku, id, id, fields)?;
        Ok(id)
    }

    /// Replaces an image.
    pub(crate) fn put_image(&mut self, sku: u32, image: u32, fields: ImageFields) -> Result<(), Refusal> {
        check(&fields)?;
        let images = &mut self.sku_mut(sku)?.images;
        let at = images.iter().position(|known| known.id == image).ok_or(Refusal::NotFound("File"))?;
        let former = images.remove(at);
        let position = fields.position.or(Some(former.position));
        self.place_image(sku, image, image, ImageFields { position, ..fields })
    }

    /// Gives every image of the SKU its position; a list that leaves one out is refused.
    pub(crate) fn reorder_images(&mut self, sku: u32, positions: &[(u32, u32)]) -> Result<(), Refusal> {
        let owner = self.sku_mut(sku)?;
        let position_of = |id: u32| positions.iter().find(|(image, _)| *image == id).map(|(_, at)| *at);
        if positions.len() != owner.images.len()
            || !owner.images.iter().all(|image| position_of(image.id).is_some())
        {
            return Err(Refusal::invalid("All files are required"));
        }
        for image in &mut owner.images {
            image.position = position_of(image.id).unwrap_or(image.position);
        }
        owner.images.sort_by_key(|image| (image.position, image.id));
        let product = owner.fields.product_id;
        self.saved(product);
        Ok(())
    }

    /// Copies all images of a SKU to another one.
    pub(crate) fn copy_images(&mut self, from: u32, to: u32) -> Result<(), Refusal> {
        self.sku(to)?;
        for image in self.sku(from)?.images.clone() {
            self.issued.image += 1;
            let id = self.issued.image;
            self.place_image(to, id, image.archive, image.fields)?;
        }
        Ok(())
    }

    /// Removes one image or all; the SKU stays active.
    pub(crate) fn remove_images(&mut self, sku: u32, only: Option<u32>) -> Result<(), Refusal> {
        let owner = self.sku_mut(sku)?;
        let before = owner.images.len();
        owner.images.retain(|image| only.is_some_and(|only| only != image.id));
        if only.is_some() && owner.images.len() == before {
            return Err(Refusal::NotFound("File"));
        }
        let product = owner.fields.product_id;
        self.saved(product);
        Ok(())
    }

    /// The main image has position 0, and there is one at most.
    fn place_image(&mut self, sku: u32, id: u32, archive: u32, fields: ImageFields) -> Result<(), Refusal> {
        let owner = self.sku_mut(sku)?;
        let next = owner.images.iter().map(|image| image.position.saturating_add(1)).max().unwrap_or(0);
        if fields.is_main {
            for image in &mut owner.images {
                image.fields.is_main = false;
                image.position += u32::from(image.position == 0);
            }
        }
        let position = if fields.is_main { 0 } else { fields.position.unwrap_or(next) };
        owner.images.push(Image { id, archive, fields, position });
        owner.images.sort_by_key(|image| (image.position, image.id));
        let product = owner.fields.product_id;
        self.saved(product);
        Ok(())
    }
}

fn check(fields: &ImageFields) -> Result<(), Refusal> {
    required("Name", &fields.name, NAME_MAX)?;
    let url = fields.url.to_ascii_lowercase();
    let downloadable = url.starts_with("http://") || url.starts_with("https://");
    if !downloadable || !EXTENSIONS.iter().any(|extension| url.ends_with(extension)) {
        return Err(Refusal::invalid(
            "Url must begin with http:// or https:// and end in the extension of an image",
        ));
    }
    Ok(())
}
