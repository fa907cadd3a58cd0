//! Where images come from and go to, as written on the command line.

use super::error::Error;
use crate::build::From;
use crate::image::Reference;
use crate::store;

/// `REF`, `oci:DIR[:TAG]` or `docker-archive:FILE[:REF]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Registry(Reference),
    Store(store::Place),
}

impl Place {
    /// `flag` is what the text was given to, for the error.
    pub fn parse(flag: &'static str, text: &str) -> Result<Self, Error> {
        match store::Place::parse(text) {
            Some(place) => place.map(Place::Store).map_err(|why| Error::Store { flag, why }),
            None => text.parse().map(Place::Registry).map_err(|why| Error::Image { flag, why }),
        }
    }
}

/// What an image is built upon: a place, or `scratch`.
pub fn base(text: &str) -> Result<From, Error> {
    if text == "scratch" {
        return Ok(From::Scratch);
    }
    Ok(match Place::parse("--from", text)? {
        Place::Registry(reference) => From::Registry(reference),
        Place::Store(place) => From::Store(place),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_in_all_forms() {
        let parse = |text| Place::parse("--to", text).unwrap();
        assert!(matches!(parse("oci:out/image:v1"), Place::Store(store::Place::Layout { .. })));
        assert!(matches!(parse("docker-archive:shop.tar:acme/shop:v1"), Place::Store(store::Place::Archive { .. })));
        assert_eq!(parse("nginx:1"), Place::Registry("nginx:1".parse().unwrap()));
        assert_eq!(base("scratch").unwrap(), From::Scratch);
    }

    #[test]
    fn place_that_is_none_is_refused_with_its_flag() {
        for text in ["oci:", "docker-archive:", "docker-archive:f:UPPER/X", "host/UPPER"] {
            assert!(Place::parse("--to", text).unwrap_err().to_string().starts_with("--to: "), "{text}");
        }
    }
}
