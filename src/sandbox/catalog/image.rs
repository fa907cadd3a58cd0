//! What the catalog remembers of a manifest: enough to describe it, to find its referrers and to know what it needs,
//! without reading it again. Its bytes are a blob.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::image::Digest;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub media_type: String,
    /// Bytes of the manifest.
    pub size: u64,
    /// Epoch seconds.
    pub pushed_at: f64,
    pub pulled_at: Option<f64>,
    /// Configuration and layers that have to be in the repository: digest and size.
    pub blobs: Vec<(Digest, u64)>,
    /// How many of the blobs are layers.
    pub layers: usize,
    /// Media type of the configuration.
    pub config_type: Option<String>,
    /// Manifests that an index lists.
    pub children: Vec<Digest>,
    pub subject: Option<Digest>,
    pub artifact_type: Option<String>,
    pub annotations: Option<Map<String, Value>>,
}

impl Image {
    /// What ECR calls an image's size: its layers.
    pub fn content_size(&self) -> u64 {
        self.blobs.iter().map(|(_, size)| size).sum()
    }

    /// What the referrers API shows: the artifact's own type, or else its configuration's.
    pub fn referrer_type(&self) -> Option<&str> {
        self.artifact_type.as_deref().or(self.config_type.as_deref())
    }
}

/// Reads a manifest of any kind. `declared` is the sender's Content-Type; a sentence says what is wrong.
pub fn inspect(bytes: &[u8], declared: Option<&str>) -> Result<Image, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|why| format!("it is not JSON: {why}"))?;
    let document = document.as_object().ok_or("it is not a JSON object")?;
    let own = text(document, "mediaType");
    let declared = declared.map(|media_type| media_type.split(';').next().unwrap_or_default().trim().to_owned());
    if let (Some(own), Some(declared)) = (&own, &declared)
        && own != declared
    {
        return Err(format!("its mediaType is {own}, but it was sent as {declared}"));
    }
    let media_type = own.or(declared).ok_or("it does not say its mediaType")?;
    let config = document.get("config").filter(|config| config.is_object());
    let layers = list(document, "layers").chain(list(document, "blobs"));
    let layers: Vec<_> = layers.filter(|layer| layer.get("urls").is_none()).map(entry).collect::<Result<_, _>>()?;
    let count = layers.len();
    let blobs = config.map(entry).transpose()?.into_iter().chain(layers).collect();
    let children = list(document, "manifests").map(|child| Ok(entry(child)?.0)).collect::<Result<_, String>>()?;
    let subject = document.get("subject").filter(|subject| !subject.is_null());
    Ok(Image {
        media_type,
        size: bytes.len() as u64,
        blobs,
        layers: count,
        config_type: config.and_then(|config| Some(config.get("mediaType")?.as_str()?.to_owned())),
        children,
        subject: subject.map(entry).transpose()?.map(|(digest, _)| digest),
        artifact_type: text(document, "artifactType").filter(|kind| !kind.is_empty()),
        annotations: document.get("annotations").and_then(Value::as_object).cloned(),
        ..Image::default()
    })
}

fn text(document: &Map<String, Value>, name: &str) -> Option<String> {
    document.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn list<'a>(document: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    document.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn entry(descriptor: &Value) -> Result<(Digest, u64), String> {
    let digest = descriptor.get("digest").and_then(Value::as_str).unwrap_or_default();
    let digest = digest.parse().map_err(|_| format!("'{digest}' is not a digest"))?;
    Ok((digest, descriptor.get("size").and_then(Value::as_u64).ok_or("a descriptor has no size")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::media_type::{OCI_INDEX, OCI_MANIFEST};
    use serde_json::json;

    #[test]
    fn manifest_tells_what_it_needs() {
        let digest = Digest::of(b"x");
        let foreign = json!({ "digest": Digest::of(b"y"), "size": 9, "urls": ["https://example.com"] });
        let layers = json!([{ "digest": digest, "size": 3 }, foreign]);
        let document = json!({ "config": { "mediaType": "c/t", "digest": digest, "size": 2 }, "layers": layers });
        let image = inspect(document.to_string().as_bytes(), Some(OCI_MANIFEST)).unwrap();
        assert_eq!((image.content_size(), image.layers, image.referrer_type()), (5, 1, Some("c/t")));
        assert_eq!(image.media_type, OCI_MANIFEST);
    }

    #[test]
    fn manifest_of_unsound_form_is_refused() {
        let refused = |text: &str, declared| inspect(text.as_bytes(), declared).unwrap_err();
        assert!(refused("{}", None).contains("mediaType"));
        assert!(refused("[]", Some(OCI_MANIFEST)).contains("object"));
        assert!(refused(&json!({ "mediaType": OCI_INDEX }).to_string(), Some(OCI_MANIFEST)).contains(OCI_INDEX));
        assert!(refused(r#"{"layers":[{"digest":"md5:1","size":1}]}"#, Some(OCI_MANIFEST)).contains("md5:1"));
    }
}
