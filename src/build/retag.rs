//! More tags for an image that a registry has. The manifest is read and written by the registry's own protocol, as for
//! every push: its bytes and its type stay as they are, so the digest does, for indexes too; and it works for every
//! registry, where ECR's BatchGetImage and PutImage (two actions instead of three) know no public one. A tag that names
//! the image already is left alone; one that may not be moved is found out before the first is set.

use super::{Error, Survey, survey};
use crate::image::{Digest, Reference, Repository};
use crate::registry::{self, Client, Fetched};
use crate::report::{Event, Events};

/// The image, and what the tags name now.
#[derive(Debug, Clone)]
pub struct Sighting {
    pub image: Fetched,
    pub survey: Survey,
}

/// What is to be done about each tag, in the order in which they were named.
#[derive(Debug, Clone)]
pub struct Retag {
    pub repository: Repository,
    pub image: Fetched,
    pub tags: Vec<(Reference, Step)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It names the image already.
    Keep,
    Set,
    /// From another image.
    Move(Digest),
}

/// Reads the image, and looks at the tags, which are of the same repository.
pub async fn sight(client: &Client, source: &Reference, tags: &[Reference]) -> Result<Sighting, Error> {
    let image = client.fetch_manifest(source).await?.ok_or_else(|| Error::SourceMissing(source.to_string()))?;
    Ok(Sighting { image, survey: survey(client, &source.repository, tags).await? })
}

impl Sighting {
    /// Whether a tag names another image, so that it matters whether it may be moved.
    pub fn moves(&self) -> bool {
        self.survey.tags.iter().any(|(_, now)| matches!(self.step(now), Step::Move(_)))
    }

    fn step(&self, now: &Option<Digest>) -> Step {
        match now {
            None => Step::Set,
            Some(digest) if *digest == self.image.descriptor.digest => Step::Keep,
            Some(other) => Step::Move(other.clone()),
        }
    }

    /// Pure. `is_fixed` says of a tag whether the repository lets nobody move it.
    pub fn plan(&self, is_fixed: impl Fn(&str) -> bool) -> Result<Retag, Error> {
        let tags: Vec<_> = self.survey.tags.iter().map(|(tag, now)| (tag.clone(), self.step(now))).collect();
        let fixed = |(reference, step): &(Reference, Step)| match step {
            Step::Move(from) if is_fixed(reference.version()) => Some(format!("{} ({from})", reference.version())),
            _ => None,
        };
        let taken: Vec<String> = tags.iter().filter_map(fixed).collect();
        match taken.is_empty() {
            true => Ok(Retag { repository: self.survey.repository.clone(), image: self.image.clone(), tags }),
            false => {
                let repository = self.survey.repository.to_string();
                Err(Error::TagsFixed { repository, taken, new: self.image.descriptor.digest.clone() })
            }
        }
    }
}

/// Sets the tags: those that move first, as the registry may refuse one of these, and then none is set. After any
/// other failure the rest is tried all the same, and the error says what became of each.
pub async fn set_tags(client: &Client, retag: &Retag, events: &Events) -> Result<(), Error> {
    let mut ordered: Vec<&(Reference, Step)> = retag.tags.iter().collect();
    ordered.sort_by_key(|(_, step)| matches!(step, Step::Set));
    let (mut set, mut failed, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for (reference, step) in ordered {
        let tag = reference.version().to_owned();
        if failed.iter().any(|(_, why)| matches!(why, registry::Error::TagTaken { .. })) {
            left.push(tag);
            continue;
        }
        match set_tag(client, retag, reference, step, events).await {
            Ok(()) => set.push(tag),
            Err(why) => failed.push((tag, why)),
        }
    }
    match failed.len() {
        0 => Ok(()),
        1 if retag.tags.len() == 1 => Err(failed.remove(0).1.into()),
        _ => Err(Error::Tags(Box::new(Unset { repository: retag.repository.to_string(), failed, set, left }))),
    }
}

async fn set_tag(
    client: &Client,
    retag: &Retag,
    reference: &Reference,
    step: &Step,
    events: &Events,
) -> Result<(), registry::Error> {
    let Fetched { descriptor, bytes } = &retag.image;
    if *step == Step::Keep {
        let (reference, digest) = (reference.to_string(), descriptor.digest.to_string());
        events.emit(Event::Manifest { reference, digest, how: "present" });
        return Ok(());
    }
    client.push_manifest(reference, &descriptor.media_type, bytes.clone()).await.map(drop)
}

/// What became of each tag when not all could be set.
#[derive(Debug)]
pub struct Unset {
    pub repository: String,
    pub failed: Vec<(String, registry::Error)>,
    pub set: Vec<String>,
    /// Not tried any more.
    pub left: Vec<String>,
}

impl std::fmt::Display for Unset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failed: Vec<String> = self.failed.iter().map(|(tag, why)| format!("{tag} ({why})")).collect();
        write!(f, "{}: not all tags are set; failed: {}", self.repository, failed.join(", "))?;
        for (what, tags) in [("not tried", &self.left), ("set", &self.set)] {
            if !tags.is_empty() {
                write!(f, "; {what}: {}", tags.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Descriptor, media_type};

    fn sighting(tags: &[(&str, Option<&[u8]>)]) -> Sighting {
        let repository: Repository = "host.example/shop".parse().unwrap();
        let descriptor = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(b"new"), 3);
        let tag = |(tag, now): &(&str, Option<&[u8]>)| (repository.tagged(tag).unwrap(), now.map(Digest::of));
        let tags = tags.iter().map(tag).collect();
        let image = Fetched { descriptor, bytes: b"new".as_slice().into() };
        Sighting { image, survey: Survey { repository, tags } }
    }

    #[test]
    fn retag_keeps_sets_and_moves() {
        let sighting = sighting(&[("a", Some(b"new")), ("b", None), ("c", Some(b"old"))]);
        let steps: Vec<Step> = sighting.plan(|_| false).unwrap().tags.into_iter().map(|(_, step)| step).collect();
        assert_eq!(steps, [Step::Keep, Step::Set, Step::Move(Digest::of(b"old"))]);
        assert!(sighting.moves());
    }

    #[test]
    fn retag_of_fixed_tags_names_each_that_would_move() {
        let tags: &[(&str, Option<&[u8]>)] =
            &[("v1", Some(b"old")), ("v2", None), ("v3", Some(b"new")), ("latest", Some(b"old")), ("v4", Some(b"x"))];
        let refused = sighting(tags).plan(|tag| tag.starts_with('v')).unwrap_err().to_string();
        let (old, other) = (Digest::of(b"old"), Digest::of(b"x"));
        assert!(refused.contains(&format!("v1 ({old}), v4 ({other})")), "{refused}");
        assert!(!refused.contains("latest") && !refused.contains("v2") && !refused.contains("v3"), "{refused}");
    }

    #[test]
    fn retag_of_tags_that_are_so_moves_nothing() {
        assert!(!sighting(&[("a", Some(b"new")), ("b", None)]).moves());
    }
}
