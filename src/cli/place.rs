//! Where images come from and go to, as written on the command line.

use std::path::PathBuf;

use super::error::Error;
use crate::image::{Reference, validate_tag};

/// `REF`, `oci:DIR[:TAG]` or `docker-archive:FILE[:REF]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Registry(Reference),
    /// A directory in the OCI image layout.
    Layout {
        directory: PathBuf,
        tag: Option<String>,
    },
    /// A file as `docker save` writes it.
    Archive {
        file: PathBuf,
        reference: Option<Reference>,
    },
}

/// What an image is built upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    Image(Place),
}

impl Place {
    /// `flag` is what the text was given to, for the error.
    pub fn parse(flag: &'static str, text: &str) -> Result<Self, Error> {
        let reference = |text: &str| text.parse::<Reference>().map_err(|why| Error::Image { flag, why });
        if let Some(path) = text.strip_prefix("oci:") {
            let (directory, tag) = match path.rsplit_once(':') {
                Some((directory, tag)) if !tag.contains('/') => (directory, Some(tag)),
                _ => (path, None),
            };
            tag.map_or(Ok(()), validate_tag).map_err(|why| Error::Image { flag, why })?;
            Ok(Place::Layout { directory: path_of(flag, text, directory)?, tag: tag.map(str::to_owned) })
        } else if let Some(path) = text.strip_prefix("docker-archive:") {
            let (file, name) = path.split_once(':').map_or((path, None), |(file, name)| (file, Some(name)));
            Ok(Place::Archive { file: path_of(flag, text, file)?, reference: name.map(reference).transpose()? })
        } else {
            reference(text).map(Place::Registry)
        }
    }
}

impl Base {
    pub fn parse(flag: &'static str, text: &str) -> Result<Self, Error> {
        if text == "scratch" { Ok(Base::Scratch) } else { Place::parse(flag, text).map(Base::Image) }
    }
}

fn path_of(flag: &'static str, text: &str, path: &str) -> Result<PathBuf, Error> {
    if path.is_empty() {
        return Err(Error::Value { flag, value: text.into(), wanted: "a place: the path is missing" });
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Place, Error> {
        Place::parse("--to", text)
    }

    #[test]
    fn place_in_all_forms() {
        let layout = |directory: &str, tag: Option<&str>| Place::Layout {
            directory: directory.into(),
            tag: tag.map(Into::into),
        };
        assert_eq!(parse("oci:out/image").unwrap(), layout("out/image", None));
        assert_eq!(parse("oci:/out/image:v1").unwrap(), layout("/out/image", Some("v1")));
        assert_eq!(parse("oci:/a:b/image").unwrap(), layout("/a:b/image", None));
        let archive = Place::Archive { file: "shop.tar".into(), reference: Some("acme/shop:v1".parse().unwrap()) };
        assert_eq!(parse("docker-archive:shop.tar:acme/shop:v1").unwrap(), archive);
        assert_eq!(parse("nginx:1").unwrap(), Place::Registry("nginx:1".parse().unwrap()));
        assert_eq!(Base::parse("--from", "scratch").unwrap(), Base::Scratch);
    }

    #[test]
    fn place_without_a_path_or_with_a_bad_name_is_refused() {
        for text in
            ["oci:", "oci::v1", "oci:dir:", "oci:dir:a b", "docker-archive:", "docker-archive:f:UPPER/X", "host/UPPER"]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("--to: "), "{text}: {error}");
        }
    }
}
