//! `--files SRC:DEST` and `--chown UID[:GID]`, as they are written.

use std::path::PathBuf;
use std::str::FromStr;

use super::super::{Error, place};

/// `SRC:DEST` as it is written; a `:` in SRC is written `\:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub source: PathBuf,
    /// Without slashes at its ends; empty for `/`.
    pub(super) destination: String,
    /// DEST ends in `/`: a file goes into it under its own name.
    pub(super) into: bool,
}

/// `UID` or `UID:GID`; the group is the same number as the user unless given, as in `COPY --chown`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    pub uid: u64,
    pub gid: u64,
}

impl FromStr for Mapping {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why| Error::Option { option: "--files", text: text.into(), why };
        let colon = text.match_indices(':').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'));
        let (source, destination) =
            colon.map(|at| (&text[..at], &text[at + 1..])).ok_or_else(|| refuse("there is no ':' in it"))?;
        if source.is_empty() {
            return Err(refuse("SRC is empty"));
        }
        Ok(Mapping {
            source: source.replace("\\:", ":").into(),
            destination: place::absolute(destination).map_err(|why| match why {
                "not an absolute path" => refuse("DEST is not an absolute path"),
                why => refuse(why),
            })?,
            into: destination.ends_with('/'),
        })
    }
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (user, group) = text.split_once(':').unwrap_or((text, text));
        // Kernels reserve the highest number.
        let id = |digits: &str| {
            let number: Option<u64> = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
            number.filter(|number| *number < u64::from(u32::MAX))
        };
        match (id(user), id(group)) {
            (Some(uid), Some(gid)) => Ok(Owner { uid, gid }),
            _ => Err(Error::Option { option: "--chown", text: text.into(), why: "users are given by number" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_is_cut_at_the_first_colon_that_is_not_escaped() {
        let parse = |text: &str| text.parse::<Mapping>().unwrap();
        let mapping = parse(r"a\:b:/c:d/");
        assert_eq!((mapping.source, mapping.destination, mapping.into), ("a:b".into(), "c:d".into(), true));
        let mapping = parse("a:/x//./y");
        assert_eq!((mapping.destination.as_str(), mapping.into), ("x/y", false));
    }

    #[test]
    fn mapping_that_cannot_be_meant_is_refused() {
        for (text, word) in [
            ("site", "no ':'"),
            (":/x", "SRC is empty"),
            ("site:", "absolute"),
            ("site:html", "absolute"),
            ("site:/a/../b", "'..'"),
            (r"a\:/b", "no ':'"),
        ] {
            let error = text.parse::<Mapping>().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn owner_is_given_by_number() {
        assert_eq!("1000".parse::<Owner>().unwrap(), Owner { uid: 1000, gid: 1000 });
        assert_eq!("0:101".parse::<Owner>().unwrap(), Owner { uid: 0, gid: 101 });
        for wrong in ["www-data", "1:", ":1", "", "+1", "4294967295", "1:2:3"] {
            assert!(wrong.parse::<Owner>().is_err(), "{wrong}");
        }
    }
}
