//! A container's image, whole or in part.

use serde_json::Value;

use super::{Editor, What};
use crate::deploy::Error;
use crate::deploy::image::take_apart;
use crate::deploy::updates::{ImageChange, ImageUpdate, Origin};

impl Editor {
    pub fn image(&mut self, update: &ImageUpdate) -> Result<(), Error> {
        let container = self.container(update.origin, &update.container)?;
        let old = container.get("image").and_then(Value::as_str).unwrap_or_default().to_owned();
        let new = exchange(&old, update)?;
        container.insert("image".into(), new.clone().into());
        if let (ImageChange::Repository(_), Some(digest)) = (&update.change, take_apart(&old).digest) {
            self.warnings.push(format!(
                "{}: the digest {digest} belongs to the old repository and was dropped; the tag decides now",
                update.container
            ));
        }
        self.changed(&update.container, What::Image, Some(old), Some(new));
        Ok(())
    }
}

/// The new image: parts that were not named stay as they are. A new tag drops the old digest, which would
/// otherwise go on deciding.
fn exchange(old: &str, update: &ImageUpdate) -> Result<String, Error> {
    let parts = take_apart(old);
    let new = match &update.change {
        ImageChange::Whole(image) => return Ok(image.clone()),
        ImageChange::Tag(tag) => format!("{}:{tag}", parts.repository),
        ImageChange::Repository(repository) => match (parts.tag, parts.digest) {
            (Some(tag), _) => format!("{repository}:{tag}"),
            (None, None) => repository.clone(),
            (None, Some(_)) => {
                let why = format!("image= keeps the tag, but '{old}' of {} has a digest only", update.container);
                return Err(unfit(update, why, "Give tag= as well, or image-and-tag=."));
            }
        },
    };
    match new.parse::<crate::image::Reference>() {
        Ok(_) => Ok(new),
        Err(_) => {
            let why = format!("{} now has the image '{old}', which makes '{new}'", update.container);
            Err(unfit(update, why, "Give the whole reference with image-and-tag=."))
        }
    }
}

fn unfit(update: &ImageUpdate, why: String, hint: &str) -> Error {
    let Origin { parameter, place } = update.origin;
    Error::Edit { parameter, place, why, hint: hint.into() }
}
