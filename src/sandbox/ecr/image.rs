//! Images by API: list, describe, get, put, delete.

use serde_json::{Value, json};

use super::input::{ImageId, Input};
use super::page::page;
use super::{Answer, Ecr, no_repository};
use crate::image::{Digest, validate_tag};
use crate::sandbox::Refusal;
use crate::sandbox::catalog::{Admission, Change, Image, Objection, Repository, Rules, inspect};
use crate::sandbox::server::{Kept, disk};

const TAG_STATUS: [&str; 3] = ["TAGGED", "UNTAGGED", "ANY"];

/// Why one of several images could not be had: `failureCode` and `failureReason`.
type Failure = (&'static str, &'static str);

const NOT_FOUND: Failure = ("ImageNotFound", "Requested image not found");
const MISMATCH: Failure = ("ImageTagDoesNotMatchDigest", "Image tag does not match digest");
const LISTED: Failure = ("ImageReferencedByManifestList", "Requested image referenced by manifest list");

impl Ecr<'_> {
    pub(super) fn list_images(&self, input: Input) -> Answer {
        let status = tag_status(input)?;
        self.with(input, |_, repository| {
            let tagged =
                repository.tags.iter().map(|(tag, digest)| (format!("{digest} {tag}"), ImageId::of(digest, Some(tag))));
            let tagged = tagged.filter(|_| status != "UNTAGGED");
            let bare = repository.images.keys().filter(|digest| repository.tags_of(digest).is_empty());
            let bare = bare.map(|digest| (format!("{digest} "), ImageId::of(digest, None)));
            let mut ids: Vec<_> = tagged.chain(bare.filter(|_| status != "TAGGED")).collect();
            ids.sort_by(|(a, _), (b, _)| a.cmp(b));
            page(input, "imageIds", ids, 1000)
        })
    }

    pub(super) fn describe_images(&self, input: Input) -> Answer {
        let (status, ids) = (tag_status(input)?, input.image_ids("imageIds")?);
        self.with(input, |name, repository| {
            if !ids.is_empty() {
                let mut found: Vec<&Digest> = Vec::new();
                for id in &ids {
                    let (digest, _) = find(repository, id).map_err(|_| self.no_image(name, id))?;
                    if !found.contains(&digest) {
                        found.push(digest);
                    }
                }
                let details: Vec<_> = found.iter().map(|digest| self.detail(name, repository, digest)).collect();
                return Ok(json!({ "imageDetails": details }));
            }
            let wanted = |digest: &&Digest| match status {
                "TAGGED" => !repository.tags_of(digest).is_empty(),
                "UNTAGGED" => repository.tags_of(digest).is_empty(),
                _ => true,
            };
            let details = repository.images.keys().filter(wanted);
            let details = details.map(|digest| (digest.to_string(), self.detail(name, repository, digest)));
            page(input, "imageDetails", details.collect(), 1000)
        })
    }

    fn detail(&self, name: &str, repository: &Repository, digest: &Digest) -> Value {
        let image = &repository.images[digest];
        let sizes = image.children.iter().filter_map(|child| repository.images.get(child)).map(Image::content_size);
        let mut detail = json!({
            "registryId": self.site.account,
            "repositoryName": name,
            "imageDigest": digest,
            "imageSizeInBytes": image.content_size() + sizes.sum::<u64>(),
            "imagePushedAt": image.pushed_at,
            "imageManifestMediaType": image.media_type,
            "imageStatus": "ACTIVE",
        });
        let tags = repository.tags_of(digest);
        let more = [
            ("imageTags", (!tags.is_empty()).then(|| json!(tags))),
            ("artifactMediaType", image.referrer_type().map(Value::from)),
            ("subjectManifestDigest", image.subject.as_ref().map(|subject| json!(subject))),
            ("lastRecordedPullTime", image.pulled_at.map(Value::from)),
        ];
        more.into_iter().for_each(|(member, value)| value.into_iter().for_each(|value| detail[member] = value));
        detail
    }

    fn no_image(&self, name: &str, id: &ImageId) -> Refusal {
        let text = |text: &Option<String>| text.as_ref().map_or_else(|| "'null'".into(), |text| format!("'{text}'"));
        let (digest, tag, account) = (text(&id.digest), text(&id.tag), &self.site.account);
        let message = format!(
            "The image with imageId {{imageDigest:{digest}, imageTag:{tag}}} does not exist within the repository with name '{name}' in the registry with id '{account}'"
        );
        Refusal::new("ImageNotFoundException", message)
    }

    /// `acceptedMediaTypes` is not looked at: nothing is converted, a manifest is given as it came.
    pub(super) fn batch_get_image(&self, input: Input) -> Answer {
        let ids = some_ids(input)?;
        self.with(input, |name, repository| {
            let (mut images, mut failures) = (Vec::new(), Vec::new());
            for id in &ids {
                match find(repository, id) {
                    Ok((digest, image)) => {
                        let text = self.manifest(digest)?;
                        let tag = id.tag.as_deref();
                        images.push(self.image(name, ImageId::of(digest, tag), &text, &image.media_type));
                    }
                    Err(failure) => failures.push(failed(id, failure)),
                }
            }
            Ok(json!({ "images": images, "failures": failures }))
        })
    }

    fn manifest(&self, digest: &Digest) -> Result<String, Refusal> {
        let bytes = self.site.blobs.read(digest).map_err(disk)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn image(&self, name: &str, id: Value, manifest: &str, media_type: &str) -> Value {
        json!({
            "registryId": self.site.account,
            "repositoryName": name,
            "imageId": id,
            "imageManifest": manifest,
            "imageManifestMediaType": media_type,
        })
    }

    /// A tag goes alone, unless it is the last one; with a digest the image goes, and all of its tags.
    pub(super) fn batch_delete_image(&self, input: Input) -> Answer {
        let ids = some_ids(input)?;
        let (mut gone, mut failures) = (Vec::new(), Vec::new());
        for id in &ids {
            let plan = self.with(input, |name, repository| Ok(removal(name, repository, id)))?;
            match plan {
                Ok((changes, shown)) => {
                    self.site.commit(changes)?;
                    gone.extend(shown);
                }
                Err(failure) => failures.push(failed(id, failure)),
            }
        }
        Ok(json!({ "imageIds": gone, "failures": failures }))
    }

    pub(super) fn put_image(&self, input: Input) -> Answer {
        let (name, manifest) = (input.name("repositoryName")?, input.text("imageManifest")?);
        let tag = input.optional_text("imageTag")?;
        if tag.is_some_and(|tag| validate_tag(tag).is_err()) {
            return Err(Refusal::parameter("imageTag", "must satisfy regular expression '[a-zA-Z0-9-_.]{1,300}'"));
        }
        let digest = Digest::of(manifest.as_bytes());
        if input.optional_text("imageDigest")?.is_some_and(|wanted| wanted != digest.as_str()) {
            let message = "The specified image digest does not match the digest of the image manifest";
            return Err(Refusal::new("ImageDigestDoesNotMatchException", message));
        }
        let image = inspect(manifest.as_bytes(), input.optional_text("imageManifestMediaType")?)
            .map_err(|why| Refusal::parameter("ImageManifest", format!("Invalid JSON syntax: {why}")))?;
        let image = Image { pushed_at: self.now, ..image };
        let shown = self.image(name, ImageId::of(&digest, tag), manifest, &image.media_type);
        self.with(input, |_, _| Ok(()))?;
        let admission = Admission { repository: name, digest: digest.clone(), image, tag };
        let news = self.site.keep_image(manifest.as_bytes(), admission, Rules { ecr: true });
        let news = news.map_err(|kept| self.objection(kept, name, tag.unwrap_or_default(), &digest));
        // ECR tells a tag given twice to the same image from one that is taken.
        match news? {
            true => Ok(json!({ "image": shown })),
            false => Err(self.exists(name, tag, &digest)),
        }
    }

    fn exists(&self, name: &str, tag: Option<&str>, digest: &Digest) -> Refusal {
        let account = &self.site.account;
        let message = format!(
            "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{name}' in registry with id '{account}'",
            tag.unwrap_or("null")
        );
        Refusal::new("ImageAlreadyExistsException", message)
    }

    fn objection(&self, kept: Kept, name: &str, tag: &str, digest: &Digest) -> Refusal {
        let account = &self.site.account;
        let list = |digests: &[Digest]| digests.iter().map(Digest::as_str).collect::<Vec<_>>().join(", ");
        match kept {
            Kept::Refusal(refusal) => refusal,
            Kept::Objection(Objection::NoRepository) => no_repository(name, account),
            Kept::Objection(Objection::MissingBlobs(digests)) => {
                let message = format!(
                    "Layers with digests '[{}]' required for pushing image into repository with name '{name}' in the registry with id '{account}' do not exist",
                    list(&digests)
                );
                Refusal::new("LayersNotFoundException", message)
            }
            Kept::Objection(Objection::MissingImages(digests)) => {
                let message = format!(
                    "Images with digests '[{}]' required for pushing image into repository with name '{name}' in the registry with id '{account}' do not exist",
                    list(&digests)
                );
                Refusal::new("ReferencedImagesNotFoundException", message)
            }
            Kept::Objection(Objection::TagTaken) => {
                let same = self.site.store().catalog().repositories[name].tags.get(tag) == Some(digest);
                if same {
                    return self.exists(name, Some(tag), digest);
                }
                let message = format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the repository is immutable."
                );
                Refusal::new("ImageTagAlreadyExistsException", message)
            }
            Kept::Objection(Objection::NoLayers) => {
                Refusal::parameter("ImageManifest", "Image has to have at least 1 layer")
            }
        }
    }

    pub(super) fn list_referrers(&self, input: Input) -> Answer {
        let subject =
            input.object("subjectId")?.ok_or_else(|| Refusal::parameter("subjectId", "Member must not be null"))?;
        let subject = subject.text("imageDigest")?;
        let kinds = match input.object("filter")? {
            Some(filter) => filter.texts("artifactTypes")?,
            None => Vec::new(),
        };
        self.with(input, |_, repository| {
            let wanted =
                |image: &&Image| kinds.is_empty() || image.referrer_type().is_some_and(|kind| kinds.contains(&kind));
            let images = repository.images.iter().filter(|(_, image)| {
                image.subject.as_ref().is_some_and(|digest| digest.as_str() == subject) && wanted(image)
            });
            let shown = images.map(|(digest, image)| (digest.to_string(), referrer(digest, image)));
            page(input, "referrers", shown.collect(), 50)
        })
    }
}

fn referrer(digest: &Digest, image: &Image) -> Value {
    let mut shown =
        json!({ "digest": digest, "mediaType": image.media_type, "size": image.size, "artifactStatus": "ACTIVE" });
    if let Some(kind) = image.referrer_type() {
        shown["artifactType"] = json!(kind);
    }
    if let Some(annotations) = &image.annotations {
        shown["annotations"] = json!(annotations);
    }
    shown
}

fn tag_status<'a>(input: Input<'a>) -> Result<&'a str, Refusal> {
    let status = input.object("filter")?.map(|filter| filter.word("tagStatus", &TAG_STATUS)).transpose()?.flatten();
    Ok(status.unwrap_or("ANY"))
}

fn some_ids(input: Input) -> Result<Vec<ImageId>, Refusal> {
    let ids = input.image_ids("imageIds")?;
    match ids.is_empty() {
        true => Err(Refusal::parameter("imageIds", "Member must have length greater than or equal to 1")),
        false => Ok(ids),
    }
}

fn find<'a>(repository: &'a Repository, id: &ImageId) -> Result<(&'a Digest, &'a Image), Failure> {
    let digest = id.digest.as_ref().map(|text| text.parse::<Digest>()).transpose();
    let digest = digest.map_err(|_| {
        (
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        )
    })?;
    match (digest, &id.tag) {
        (None, None) => Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")),
        (None, Some(tag)) => repository.find(tag).ok_or(NOT_FOUND),
        (Some(digest), None) => repository.images.get_key_value(&digest).ok_or(NOT_FOUND),
        (Some(digest), Some(tag)) => match repository.find(tag) {
            Some(found) if *found.0 == digest => Ok(found),
            Some(_) => Err(MISMATCH),
            None => Err(NOT_FOUND),
        },
    }
}

/// The changes, and what the answer shows of them.
fn removal(name: &str, repository: &Repository, id: &ImageId) -> Result<(Vec<Change>, Vec<Value>), Failure> {
    let (digest, _) = find(repository, id)?;
    let tags = repository.tags_of(digest);
    if let Some(tag) = id.tag.as_deref().filter(|_| tags.len() > 1 && id.digest.is_none()) {
        let shown = vec![ImageId::of(digest, Some(tag))];
        return Ok((vec![Change::RemoveTag(name.into(), tag.into())], shown));
    }
    if repository.is_child(digest) {
        return Err(LISTED);
    }
    let shown = match tags.as_slice() {
        [] => vec![ImageId::of(digest, None)],
        tags => tags.iter().map(|tag| ImageId::of(digest, Some(tag))).collect(),
    };
    let blobs = repository.blobs_only_of(digest).into_iter().map(|blob| Change::RemoveBlob(name.into(), blob));
    Ok((blobs.chain([Change::RemoveImage(name.into(), digest.clone())]).collect(), shown))
}

fn failed(id: &ImageId, (code, reason): Failure) -> Value {
    json!({ "imageId": id.show(), "failureCode": code, "failureReason": reason })
}
