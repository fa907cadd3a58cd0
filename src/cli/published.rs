//! What the commands that make or push images say in the end: references for the next program, the exact digest for
//! later CI steps, and how much had to be sent.

use std::path::Path;

use serde_json::{Value, json};

use super::error::Error;
use super::workshop::Destination;
use crate::build::{Image, Part, Published, Survey};
use crate::image::Reference;
use crate::output::size;
use crate::report::{Export, Outcome, Report};
use crate::store;

/// An image on its way, and what came of it so far.
pub struct Delivered {
    digest: String,
    config: String,
    layers: Value,
    published: Published,
    stored: Vec<String>,
}

impl Delivered {
    pub fn new(image: &Image) -> Self {
        Delivered {
            digest: image.descriptor.digest.to_string(),
            config: image.parts.last().map(|part| part.descriptor.digest.to_string()).unwrap_or_default(),
            layers: layers(image),
            published: Published::default(),
            stored: Vec::new(),
        }
    }

    pub fn published(&mut self, published: Published) {
        self.published.merge(published);
    }

    pub fn stored(&mut self, place: &store::Place) {
        self.stored.push(place.to_string());
    }

    /// The file that Jib's `--image-metadata-out` writes, and the references beside it.
    pub fn write_metadata(&self, path: &Path) -> Result<(), Error> {
        let mut tags: Vec<&str> = self.published.references.iter().filter_map(|r| r.tag.as_deref()).collect();
        tags.sort_unstable();
        let document = json!({
            "image": self.published.references.first().map(|first| first.repository.to_string()),
            "imageId": self.config,
            "imageDigest": self.digest,
            "tags": tags,
            "imagePushed": !self.published.references.is_empty(),
            "references": self.references(),
        });
        let text = serde_json::to_vec_pretty(&document).expect("plain JSON");
        std::fs::write(path, text).map_err(|why| Error::File { path: path.to_owned(), why })
    }

    pub fn report(&self) -> Report {
        let Published { blobs_sent, blobs_mounted, blobs_present, bytes_sent, manifests_sent, .. } = self.published;
        let unchanged =
            self.stored.is_empty() && !self.published.references.is_empty() && self.published.nothing_done();
        let references = self.references();
        let document = json!({
            "digest": self.digest,
            "references": references,
            "stored": self.stored,
            "layers": self.layers,
            "sent": { "blobs": blobs_sent, "bytes": bytes_sent, "manifests": manifests_sent },
            "mounted": blobs_mounted,
            "present": blobs_present,
        });
        Report {
            outcome: if unchanged { Outcome::NothingToDo } else { Outcome::Succeeded },
            lines: if references.is_empty() { self.stored.clone() } else { references.clone() },
            document,
            exports: exports(references.first(), &self.digest),
            summary: self.summary(unchanged),
        }
    }

    fn references(&self) -> Vec<String> {
        self.published.references.iter().map(Reference::to_string).collect()
    }

    fn summary(&self, unchanged: bool) -> String {
        let Published { blobs_sent, blobs_mounted, blobs_present, bytes_sent, .. } = self.published;
        match (self.published.references.is_empty(), unchanged) {
            (true, _) if self.stored.is_empty() => {
                "Built, neither pushed nor kept: `dockless build --to oci:DIR` keeps an image here.".to_owned()
            }
            (true, _) => "Written.".to_owned(),
            (false, true) => "Nothing to do: the registry has this very image.".to_owned(),
            (false, false) => format!(
                "Sent {} in {blobs_sent} blobs; {blobs_mounted} mounted, {blobs_present} were there.",
                size(bytes_sent)
            ),
        }
    }
}

/// Finds out, before any work is done, that the file with the result could not be written.
pub fn check_metadata(path: &Path) -> Result<(), Error> {
    let open = || std::fs::OpenOptions::new().append(true).open(path).map(drop);
    let checked = match path {
        file if file.is_file() => {
            open().map_err(|why| store::Error::Unwritable { path: path.to_owned(), why: why.to_string() })
        }
        other if other.exists() && !other.is_dir() => Ok(()), // a pipe, /dev/stdout
        new => store::check_writable(&store::Place::Archive { file: new.to_owned(), reference: None }),
    };
    checked.map_err(|why| Error::Store { flag: "--image-metadata-out", why })
}

/// A dry run: what there is to send.
pub struct Planned {
    document: Value,
    lines: Vec<String>,
}

impl Planned {
    pub fn new(image: &Image, destinations: &[Destination]) -> Self {
        let digest = &image.descriptor.digest;
        let names: Vec<String> = destinations.iter().flat_map(Destination::names).collect();
        let mut lines = vec![format!("Image {digest}")];
        lines.extend(image.parts.iter().map(|part| {
            format!("- {}: {} ({})", part.name, part.descriptor.digest.short(), size(part.descriptor.size))
        }));
        lines.extend(names.iter().map(|name| format!("Would write `{name}`.")));
        let document = json!({ "digest": digest, "layers": layers(image), "destinations": names, "to_send": [] });
        Planned { document, lines }
    }

    pub fn lacks(&mut self, survey: &Survey, parts: &[&Part]) {
        let bytes: u64 = parts.iter().map(|part| part.descriptor.size).sum();
        self.lines.push(format!("Would send {} in {} blobs to {}.", size(bytes), parts.len(), survey.repository));
        let blobs: Vec<Value> = parts.iter().map(|part| json!(part.descriptor.digest)).collect();
        let entry = json!({ "repository": survey.repository.to_string(), "bytes": bytes, "blobs": blobs });
        self.document["to_send"].as_array_mut().expect("made above").push(entry);
    }

    pub fn report(self) -> Report {
        Report {
            outcome: Outcome::Planned,
            lines: Vec::new(),
            document: self.document,
            exports: Vec::new(),
            summary: self.lines.join("\n"),
        }
    }
}

impl Destination {
    fn names(&self) -> Vec<String> {
        match self {
            Destination::Registry(_, references) => references.iter().map(Reference::to_string).collect(),
            Destination::Store(place) => vec![place.to_string()],
        }
    }
}

/// The tags were there already, so nothing was built.
pub fn skipped(references: &[Reference]) -> Report {
    let lines: Vec<String> = references.iter().map(Reference::to_string).collect();
    let digest = references.first().and_then(|first| first.digest.as_ref()).map(ToString::to_string);
    let digest = digest.unwrap_or_default();
    Report {
        outcome: Outcome::NothingToDo,
        document: json!({ "digest": digest, "references": lines }),
        exports: exports(lines.first(), &digest),
        summary: "Nothing to do: all tags exist.".into(),
        lines,
    }
}

pub fn exports(reference: Option<&String>, digest: &str) -> Vec<Export> {
    let image =
        reference.map(|reference| Export { name: "image", variables: &["DOCKLESS_IMAGE"], value: reference.clone() });
    let digest = Export { name: "image-digest", variables: &["DOCKLESS_IMAGE_DIGEST"], value: digest.to_owned() };
    image.into_iter().chain([digest]).collect()
}

fn layers(image: &Image) -> Value {
    let layers = image.parts.iter().take(image.parts.len().saturating_sub(1));
    layers
        .map(|part| json!({ "name": part.name, "digest": part.descriptor.digest, "size": part.descriptor.size }))
        .collect()
}
