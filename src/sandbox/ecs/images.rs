//! The account's own registry as tasks see it: which tags and digests can be pulled from it. Whoever keeps the registry
//! tells of everything that comes and goes; images of other registries are taken to be there. None of this is state
//! of the plane: the registry remembers it, and tells it anew after a start.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::World;
use super::arn::Owner;
use crate::image::{EcrHost, Reference};

/// What happened in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageNews {
    Pushed {
        repository: String,
        digest: String,
    },
    Tagged {
        repository: String,
        tag: String,
        digest: String,
    },
    Untagged {
        repository: String,
        tag: String,
    },
    /// With all of its tags.
    Removed {
        repository: String,
        digest: String,
    },
    /// With all that was in it.
    RepositoryRemoved {
        repository: String,
    },
}

#[derive(Debug, Clone, Default)]
pub struct Images {
    /// Where the registry listens: `127.0.0.1:4711`.
    address: Option<String>,
    /// Where it listened in the past.
    former: Vec<String>,
    repositories: HashMap<String, Repository>,
}

#[derive(Debug, Clone, Default)]
struct Repository {
    digests: HashSet<String>,
    tags: HashMap<String, String>,
}

/// Why an image cannot be pulled, in the words of ECS on Fargate.
pub fn image_not_found(image: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
    )
}

impl Images {
    pub fn set_address(&mut self, address: &str) {
        self.address = Some(address.to_owned());
    }

    pub fn set_former(&mut self, addresses: Vec<String>) {
        self.former = addresses;
    }

    pub fn hear(&mut self, news: ImageNews) {
        match news {
            ImageNews::RepositoryRemoved { repository } => drop(self.repositories.remove(&repository)),
            ImageNews::Pushed { repository, digest } => drop(self.of(repository).digests.insert(digest)),
            ImageNews::Tagged { repository, tag, digest } => drop(self.of(repository).tags.insert(tag, digest)),
            ImageNews::Untagged { repository, tag } => drop(self.of(repository).tags.remove(&tag)),
            ImageNews::Removed { repository, digest } => {
                let repository = self.of(repository);
                repository.digests.remove(&digest);
                repository.tags.retain(|_, tagged| *tagged != digest);
            }
        }
    }

    fn of(&mut self, repository: String) -> &mut Repository {
        self.repositories.entry(repository).or_default()
    }

    /// Whether a reference leads to this registry: by its address, or by the name that ECR gives it.
    fn is_own(&self, image: &str, owner: &Owner) -> bool {
        let Some((host, _)) = image.split_once('/') else { return false };
        let local = host.replacen("localhost:", "127.0.0.1:", 1);
        let ours = |ecr: EcrHost| ecr.account == owner.account && ecr.region == owner.region;
        self.address.as_ref() == Some(&local) || self.former.contains(&local) || EcrHost::parse(host).is_some_and(ours)
    }

    /// The digest behind a reference to this registry, if it is there.
    fn find(&self, image: &str) -> Option<&String> {
        let reference: Reference = image.parse().ok()?;
        let repository = self.repositories.get(&reference.repository.name)?;
        match &reference.digest {
            Some(digest) => repository.digests.get(digest.as_str()),
            None => repository.tags.get(reference.version()),
        }
    }
}

impl World {
    /// A reference to this registry with the address that it has now; any other as it is.
    pub fn locate(&self, image: &str) -> String {
        match (&self.images.address, image.split_once('/')) {
            (Some(address), Some((_, rest))) if self.images.is_own(image, &self.owner) => format!("{address}/{rest}"),
            _ => image.to_owned(),
        }
    }

    /// The digest that an image stands for. None if it should be in the own registry and is not; of an image in another
    /// one its own digest, or one made up from its name.
    pub fn digest(&self, image: &str) -> Option<String> {
        if self.images.is_own(image, &self.owner) {
            return self.images.find(image).cloned();
        }
        let own = image.split_once('@').map(|(_, digest)| digest.to_owned());
        Some(own.unwrap_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(image.as_bytes())))))
    }

    /// The digest to pull: the one that was settled on, or the one that the image stands for now. An error is the
    /// reference that leads nowhere.
    pub fn pull(&self, image: &str, settled: Option<&str>) -> Result<String, String> {
        let reference = match settled {
            Some(digest) if !image.contains('@') => format!("{image}@{digest}"),
            _ => image.to_owned(),
        };
        self.digest(&reference).ok_or(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::ecs::Plane;

    fn told(news: Vec<ImageNews>) -> World {
        let mut world = Plane::new("111122223333", "eu-west-1").world;
        world.images.set_address("127.0.0.1:4711");
        news.into_iter().for_each(|news| world.images.hear(news));
        world
    }

    fn pushed(digest: &str) -> Vec<ImageNews> {
        let (repository, digest) = (String::from("team/web"), digest.to_owned());
        let tagged = ImageNews::Tagged { repository: repository.clone(), tag: "v1".into(), digest: digest.clone() };
        vec![ImageNews::Pushed { repository, digest }, tagged]
    }

    #[test]
    fn image_is_found_by_every_name_of_the_registry() {
        let digest = crate::image::Digest::of(b"x").to_string();
        let world = told(pushed(&digest));
        let ecr = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        for host in ["127.0.0.1:4711", "localhost:4711", ecr] {
            assert_eq!(world.digest(&format!("{host}/team/web:v1")).as_ref(), Some(&digest), "{host}");
            assert_eq!(world.digest(&format!("{host}/team/web@{digest}")).as_ref(), Some(&digest), "{host}");
            for missing in ["team/web:v2", "team/web", "web:v1", "team/web@sha256:00"] {
                assert_eq!(world.digest(&format!("{host}/{missing}")), None, "{host}/{missing}");
            }
        }
    }

    #[test]
    fn image_is_found_by_the_registrys_former_address() {
        let digest = crate::image::Digest::of(b"x").to_string();
        let mut world = told(pushed(&digest));
        world.images.set_former(vec!["127.0.0.1:4000".into()]);
        assert_eq!(world.digest("127.0.0.1:4000/team/web:v1"), Some(digest));
        assert_eq!(world.digest("127.0.0.1:4000/team/web:v2"), None);
        let ecr = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/web:v1";
        for image in ["127.0.0.1:4000/team/web:v1", "localhost:4711/team/web:v1", ecr] {
            assert_eq!(world.locate(image), "127.0.0.1:4711/team/web:v1", "{image}");
        }
        assert_eq!(world.locate("nginx:1"), "nginx:1");
    }

    #[test]
    fn image_of_another_registry_is_taken_to_be_there() {
        let world = told(Vec::new());
        for image in ["nginx:1", "127.0.0.1:5000/web:v1", "444455556666.dkr.ecr.eu-west-1.amazonaws.com/web:v1"] {
            assert!(world.digest(image).is_some(), "{image}");
        }
    }

    #[test]
    fn image_that_is_removed_takes_its_tags_along() {
        let digest = crate::image::Digest::of(b"x").to_string();
        let gone = ImageNews::Removed { repository: "team/web".into(), digest: digest.clone() };
        let untagged = ImageNews::Untagged { repository: "team/web".into(), tag: "v1".into() };
        let find = |last: ImageNews, image: &str| told([pushed(&digest), vec![last]].concat()).digest(image);
        let (tag, by_digest) = ("127.0.0.1:4711/team/web:v1", format!("127.0.0.1:4711/team/web@{digest}"));
        assert_eq!((find(gone.clone(), tag), find(gone, &by_digest)), (None, None));
        assert_eq!((find(untagged.clone(), tag), find(untagged, &by_digest)), (None, Some(digest.clone())));
        let all = ImageNews::RepositoryRemoved { repository: "team/web".into() };
        assert_eq!(find(all, &by_digest), None);
    }

    #[test]
    fn pull_names_the_reference_that_leads_nowhere() {
        let world = told(Vec::new());
        let image = "127.0.0.1:4711/web:v1";
        let digest = crate::image::Digest::of(b"x").to_string();
        assert_eq!(world.pull(image, None), Err(image.to_owned()));
        assert_eq!(world.pull(image, Some(&digest)), Err(format!("{image}@{digest}")));
        assert_eq!(world.pull("nginx:1", Some(&digest)), Ok(digest));
    }
}
