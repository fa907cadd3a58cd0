//! The registry's catalog in the terms of the plane: which images there are, and what a change means for them.

use crate::sandbox::catalog::{Catalog, Change};
use crate::sandbox::ecs::ImageNews;

/// What a change of the catalog tells of images, if anything.
pub fn image_news(change: &Change) -> Option<ImageNews> {
    match change {
        Change::Image(name, digest, _) => {
            Some(ImageNews::Pushed { repository: name.clone(), digest: digest.to_string() })
        }
        Change::Tag(name, tag, digest) => {
            Some(ImageNews::Tagged { repository: name.clone(), tag: tag.clone(), digest: digest.to_string() })
        }
        Change::RemoveTag(name, tag) => Some(ImageNews::Untagged { repository: name.clone(), tag: tag.clone() }),
        Change::RemoveImage(name, digest) => {
            Some(ImageNews::Removed { repository: name.clone(), digest: digest.to_string() })
        }
        Change::RemoveRepository(name) => Some(ImageNews::RepositoryRemoved { repository: name.clone() }),
        _ => None,
    }
}

/// All that is there, as news.
pub fn all_images(catalog: &Catalog) -> Vec<ImageNews> {
    let mut news = Vec::new();
    for (name, repository) in &catalog.repositories {
        let pushed = |digest: &str| ImageNews::Pushed { repository: name.clone(), digest: digest.to_owned() };
        news.extend(repository.images.keys().map(|digest| pushed(digest.as_str())));
        let tagged = |(tag, digest): (&String, &crate::image::Digest)| ImageNews::Tagged {
            repository: name.clone(),
            tag: tag.clone(),
            digest: digest.to_string(),
        };
        news.extend(repository.tags.iter().map(tagged));
    }
    news
}
