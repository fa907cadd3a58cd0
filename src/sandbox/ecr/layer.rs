//! Layers by API. Uploads are the registry's own sessions, so a layer begun here may be ended there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::input::Input;
use super::{Answer, Ecr};
use crate::image::Digest;
use crate::sandbox::Refusal;
use crate::sandbox::server::{Upload, disk};

/// The size that ECR proposes for a part; all but the last must have at least half of it.
const PART: u64 = 10 * 1024 * 1024;
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

impl Ecr<'_> {
    pub(super) fn check_layers(&self, input: Input) -> Answer {
        let digests = input.some_texts("layerDigests")?;
        self.with(input, |_, repository| {
            let (mut layers, mut failures) = (Vec::new(), Vec::new());
            for text in digests {
                let Ok(digest) = text.parse::<Digest>() else {
                    let reason = "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'";
                    failures.push(json!({ "layerDigest": text, "failureCode": "InvalidLayerDigest", "failureReason": reason }));
                    continue;
                };
                let size = repository.blobs.get(&digest).filter(|size| self.site.blobs.holds(&digest, **size));
                layers.push(match size {
                    Some(size) => json!({ "layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size }),
                    None => json!({ "layerDigest": digest, "layerAvailability": "UNAVAILABLE" }),
                });
            }
            Ok(json!({ "layers": layers, "failures": failures }))
        })
    }

    pub(super) fn download_url(&self, input: Input) -> Answer {
        let text = input.text("layerDigest")?;
        self.with(input, |name, repository| {
            let digest = text.parse::<Digest>().ok().filter(|digest| repository.blobs.contains_key(digest));
            let digest = digest.ok_or_else(|| {
                let account = &self.site.account;
                let message = format!("Layer with digest '{text}' does not exist in the repository with name '{name}' in the registry with id '{account}'");
                Refusal::new("LayersNotFoundException", message)
            })?;
            let url = format!("{}/_sandbox/layers/{digest}", self.site.url());
            Ok(json!({ "downloadUrl": url, "layerDigest": digest }))
        })
    }

    pub(super) fn begin_layer(&self, input: Input) -> Answer {
        let name = self.with(input, |name, _| Ok(name.to_owned()))?;
        let id = self.site.begin_upload(&name)?;
        Ok(json!({ "uploadId": id, "partSize": PART }))
    }

    pub(super) fn upload_part(&self, input: Input) -> Answer {
        let (first, last) = (input.number("partFirstByte")?, input.number("partLastByte")?);
        let part = STANDARD.decode(input.text("layerPartBlob")?);
        let part = part.map_err(|_| Refusal::new("SerializationException", "layerPartBlob is not base64"))?;
        let (name, id, mut upload) = self.take(input)?;
        let size = upload.draft.size();
        let sound = first == size && last.checked_sub(first).is_some_and(|more| more + 1 == part.len() as u64);
        if !sound {
            self.site.keep_upload(id, upload);
            let account = &self.site.account;
            let message = format!(
                "Invalid layer part received for upload id '{id}' in the repository with name '{name}' in registry with id '{account}': it should begin at byte {size}"
            );
            return Err(Refusal::new("InvalidLayerPartException", message));
        }
        let written = upload.draft.write(&part).map_err(disk);
        upload.parts.push(part.len() as u64);
        self.site.keep_upload(id, upload);
        written?;
        Ok(self.about(&name, id, json!({ "lastByteReceived": last })))
    }

    pub(super) fn complete_layer(&self, input: Input) -> Answer {
        let wanted = input.some_texts("layerDigests")?;
        let (name, id, upload) = self.take(input)?;
        let digest = upload.draft.digest();
        let refusal = self.unfit(&name, id, &upload, &wanted, &digest);
        if let Some(refusal) = refusal {
            self.site.keep_upload(id, upload);
            return Err(refusal);
        }
        self.site.keep_blob(&name, upload.draft)?;
        Ok(self.about(&name, id, json!({ "layerDigest": digest })))
    }

    fn unfit(&self, name: &str, id: &str, upload: &Upload, wanted: &[&str], digest: &Digest) -> Option<Refusal> {
        let account = &self.site.account;
        let place = format!("the repository with name '{name}' in the registry with id '{account}'");
        let small = upload.parts.split_last().and_then(|(_, before)| before.iter().find(|size| **size < SMALLEST_PART));
        let known =
            self.site.store().catalog().repositories.get(name).is_some_and(|known| known.blobs.contains_key(digest));
        let (code, message) = if upload.parts.is_empty() {
            ("EmptyUploadException", format!("Cannot complete upload '{id}' for layer in {place}: it has no parts"))
        } else if let Some(size) = small {
            (
                "LayerPartTooSmallException",
                format!("A layer part of {size} bytes is smaller than {SMALLEST_PART} bytes in {place}"),
            )
        } else if !wanted.contains(&digest.as_str()) {
            ("InvalidLayerException", "None of the provided layer digests match the calculated layer digest".into())
        } else if known {
            ("LayerAlreadyExistsException", format!("Layer with digest '{digest}' already exists in {place}"))
        } else {
            return None;
        };
        Some(Refusal::new(code, message))
    }

    fn take<'a>(&self, input: Input<'a>) -> Result<(String, &'a str, Upload), Refusal> {
        let id = input.text("uploadId")?;
        let name = self.with(input, |name, _| Ok(name.to_owned()))?;
        let upload = self.site.take_upload(id, &name).ok_or_else(|| {
            let account = &self.site.account;
            let message = format!("Unable to find layer upload with upload id '{id}' in the repository with name '{name}' in the registry with id '{account}'");
            Refusal::new("UploadNotFoundException", message)
        })?;
        Ok((name, id, upload))
    }

    fn about(&self, name: &str, id: &str, mut answer: Value) -> Value {
        answer["registryId"] = json!(self.site.account);
        answer["repositoryName"] = json!(name);
        answer["uploadId"] = json!(id);
        answer
    }
}
