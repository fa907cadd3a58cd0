//! Whether a manifest may enter a repository, decided once for both doors: the registry's PUT and the API's PutImage.
//! Each door has its own words for the objections.

use super::{Catalog, Change, Image};
use crate::image::Digest;

/// How strict to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// ECR's: an immutable tag is refused even for the image that it already names, and images need layers.
    pub ecr: bool,
}

/// A manifest at the door.
pub struct Admission<'a> {
    pub repository: &'a str,
    pub digest: Digest,
    pub image: Image,
    pub tag: Option<&'a str>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Objection {
    NoRepository,
    MissingBlobs(Vec<Digest>),
    MissingImages(Vec<Digest>),
    /// The tag is given to another image, or to this one, and must not be given again.
    TagTaken,
    NoLayers,
}

/// What to change, or why not. Nothing to change means that everything is so already.
pub fn admit(catalog: &Catalog, admission: Admission, rules: Rules) -> Result<Vec<Change>, Objection> {
    let Admission { repository: name, digest, image, tag } = admission;
    let repository = catalog.repositories.get(name).ok_or(Objection::NoRepository)?;
    let missing: Vec<_> =
        image.blobs.iter().map(|(blob, _)| blob).filter(|b| !repository.blobs.contains_key(b)).collect();
    if !missing.is_empty() {
        return Err(Objection::MissingBlobs(missing.into_iter().cloned().collect()));
    }
    let missing: Vec<_> = image.children.iter().filter(|child| !repository.images.contains_key(child)).collect();
    if !missing.is_empty() {
        return Err(Objection::MissingImages(missing.into_iter().cloned().collect()));
    }
    let bare = image.layers == 0 && image.children.is_empty() && image.config_type.is_some();
    if rules.ecr && bare && image.artifact_type.is_none() && image.subject.is_none() {
        return Err(Objection::NoLayers);
    }
    let given = tag.and_then(|tag| repository.tags.get(tag));
    let frozen = tag.is_some_and(|tag| repository.settings.is_immutable(tag));
    if frozen && given.is_some_and(|tagged| rules.ecr || *tagged != digest) {
        return Err(Objection::TagTaken);
    }
    let mut changes = Vec::new();
    if !repository.images.contains_key(&digest) {
        changes.push(Change::Image(name.into(), digest.clone(), image));
    }
    if let Some(tag) = tag.filter(|_| given != Some(&digest)) {
        changes.push(Change::Tag(name.into(), tag.into(), digest));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::super::{Mutability, Settings};
    use super::*;

    fn catalog(mutability: Mutability) -> Catalog {
        let mut catalog = Catalog::default();
        let settings = Settings { mutability, ..Settings::new(0.0) };
        catalog.apply(Change::Settings("web".into(), settings));
        catalog.apply(Change::Blob("web".into(), Digest::of(b"layer"), 5));
        catalog
    }

    fn image(blobs: &[&[u8]]) -> Image {
        let blobs: Vec<_> = blobs.iter().map(|blob| (Digest::of(blob), 5)).collect();
        Image { layers: blobs.len(), blobs, ..Image::default() }
    }

    fn ask(catalog: &Catalog, digest: &[u8], image: Image, ecr: bool) -> Result<Vec<Change>, Objection> {
        let admission = Admission { repository: "web", digest: Digest::of(digest), image, tag: Some("v1") };
        admit(catalog, admission, Rules { ecr })
    }

    #[test]
    fn manifest_waits_for_its_blobs_and_children() {
        let catalog = catalog(Mutability::Mutable);
        let missing = Objection::MissingBlobs(vec![Digest::of(b"other")]);
        assert_eq!(ask(&catalog, b"m", image(&[b"layer", b"other"]), false).unwrap_err(), missing);
        let index = Image { children: vec![Digest::of(b"child")], ..Image::default() };
        assert_eq!(
            ask(&catalog, b"m", index, false).unwrap_err(),
            Objection::MissingImages(vec![Digest::of(b"child")])
        );
    }

    #[test]
    fn immutable_tag_refuses_others_and_in_ecr_itself_too() {
        let mut catalog = catalog(Mutability::Immutable);
        ask(&catalog, b"m", image(&[b"layer"]), true).unwrap().into_iter().for_each(|change| catalog.apply(change));
        assert_eq!(ask(&catalog, b"m", image(&[b"layer"]), false).unwrap().len(), 0);
        assert_eq!(ask(&catalog, b"m", image(&[b"layer"]), true).unwrap_err(), Objection::TagTaken);
        assert_eq!(ask(&catalog, b"n", image(&[b"layer"]), false).unwrap_err(), Objection::TagTaken);
    }
}
