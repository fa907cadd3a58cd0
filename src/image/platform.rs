//! Operating system and architecture, as image indexes name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;

/// `linux/amd64`, `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Whether an image for `offered` runs where this platform is asked for. No variant asked for takes any;
    /// `arm64` and `arm64/v8` are one.
    pub fn accepts(&self, offered: &Platform) -> bool {
        let plain = |p: &Platform| p.variant.clone().filter(|v| !(p.architecture == "arm64" && v == "v8"));
        self.os == offered.os
            && self.architecture == offered.architecture
            && (plain(self).is_none() || plain(self) == plain(offered))
    }
}

impl Default for Platform {
    fn default() -> Self {
        Platform { os: "linux".into(), architecture: "amd64".into(), variant: None }
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let legal =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(Error::Platform(text.into())),
        };
        if !parts.iter().all(|part| legal(part)) {
            return Err(Error::Platform(text.into()));
        }
        let architecture = match architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Platform { os: os.into(), architecture: architecture.into(), variant: variant.map(Into::into) })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_accepts_any_variant_unless_one_is_asked_for() {
        let parse = |text: &str| text.parse::<Platform>().unwrap();
        assert!(parse("linux/arm64").accepts(&parse("linux/arm64/v8")));
        assert!(parse("linux/arm64/v8").accepts(&parse("linux/aarch64")));
        assert!(!parse("linux/arm/v6").accepts(&parse("linux/arm/v7")));
        assert!(!parse("linux/amd64").accepts(&parse("linux/arm64")));
    }

    #[test]
    fn platform_without_architecture_is_refused() {
        assert!("linux".parse::<Platform>().is_err());
        assert!("linux/".parse::<Platform>().is_err());
        assert!("linux/a b".parse::<Platform>().is_err());
    }
}
