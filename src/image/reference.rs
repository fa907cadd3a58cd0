//! Names of images. Parsing follows Docker's grammar (by way of `oci-client`): `nginx` means
//! `docker.io/library/nginx`, and a missing tag means `latest` wherever a tag is needed.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Digest, Error};

/// A repository in a registry: `123456789012.dkr.ecr.eu-central-1.amazonaws.com` and `team/web`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    /// Host and, where given, port.
    pub registry: String,
    pub name: String,
}

/// An image in a repository, by tag, by digest, or by both (the digest then decides).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    pub repository: Repository,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

impl Repository {
    pub fn new(registry: &str, name: &str) -> Result<Self, Error> {
        format!("{registry}/{name}").parse()
    }

    pub fn tagged(&self, tag: &str) -> Result<Reference, Error> {
        validate_tag(tag)?;
        Ok(Reference { repository: self.clone(), tag: Some(tag.to_owned()), digest: None })
    }

    pub fn at(&self, digest: &Digest) -> Reference {
        Reference { repository: self.clone(), tag: None, digest: Some(digest.clone()) }
    }
}

impl Reference {
    /// What stands behind `/manifests/`: the digest, else the tag, else `latest`.
    pub fn version(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => "latest",
        }
    }

    /// The same image pinned: `repo:tag@sha256:…`.
    pub fn pinned(&self, digest: &Digest) -> Reference {
        Reference { digest: Some(digest.clone()), ..self.clone() }
    }
}

/// Checks a tag against the registries' grammar, `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
pub fn validate_tag(tag: &str) -> Result<(), Error> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = tag.bytes();
    let first = bytes.next().is_some_and(legal);
    if first && tag.len() <= 128 && bytes.all(|b| legal(b) || b == b'.' || b == b'-') {
        Ok(())
    } else {
        Err(Error::Tag(tag.to_owned()))
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::Reference { text: text.to_owned(), why };
        let parsed: oci_client::Reference =
            text.parse().map_err(|why: oci_client::ParseError| refuse(why.to_string()))?;
        // The grammar's own parser fills in "latest"; whether a tag was written is read off the text.
        let name = text.split('@').next().unwrap_or(text);
        let tagged = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
        let tag = parsed.tag().filter(|_| tagged).map(str::to_owned);
        if let Some(tag) = &tag {
            validate_tag(tag)?;
        }
        let digest = parsed.digest().map(str::parse).transpose()?;
        let repository = Repository { registry: parsed.registry().to_owned(), name: parsed.repository().to_owned() };
        Ok(Reference { repository, tag, digest })
    }
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let reference: Reference = text.parse()?;
        if reference.tag.is_some() || reference.digest.is_some() {
            return Err(Error::Reference { text: text.to_owned(), why: "a repository has no tag or digest".into() });
        }
        Ok(reference.repository)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reference {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn reference_short_name_is_docker_hub() {
        let nginx = parse("nginx");
        assert_eq!(
            (nginx.repository.registry.as_str(), nginx.repository.name.as_str()),
            ("docker.io", "library/nginx")
        );
        assert_eq!((nginx.tag.as_deref(), nginx.version()), (None, "latest"));
    }

    #[test]
    fn reference_with_port_tag_and_digest_survives() {
        let digest = Digest::of(b"x");
        for text in [
            "127.0.0.1:5000/team/app:v1".to_owned(),
            "localhost:5000/app".to_owned(),
            format!("host.example/app:v1@{digest}"),
            format!("host.example/app@{digest}"),
        ] {
            assert_eq!(parse(&text).to_string(), text);
        }
        assert_eq!(parse(&format!("host.example/app:v1@{digest}")).version(), digest.as_str());
    }

    #[test]
    fn reference_with_empty_or_illegal_parts_is_refused() {
        for text in ["", "/nginx:", "nginx:", "Host/App", "host.example/App:v1", "a b", "nginx:a b", "nginx@sha256:12"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn tag_grammar() {
        for good in ["v1", "_x", "0", "1.2-rc_3", &"a".repeat(128)] {
            assert!(validate_tag(good).is_ok(), "{good}");
        }
        for bad in ["", ".x", "-x", "a b", "a/b", "é", &"a".repeat(129)] {
            assert!(validate_tag(bad).is_err(), "{bad}");
        }
    }
}
