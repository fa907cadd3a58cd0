//! Where a repository that exists is not what was asked for. Only what was asked for by name is compared; what cannot
//! be told from the answer (a key's alias, when ECR shows the key) counts as equal.

use serde_json::{Value, json};

use super::tags::{missing, tag_call, written};
use super::{Call, Encryption, Mutability, Request, Seen, Settings, Snapshot};
use crate::aws::ecr::Operation;

/// One setting, as it was asked for and as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// `tag mutability`
    pub what: &'static str,
    pub wanted: String,
    pub found: Seen<String>,
    /// What makes it so, if anything can.
    pub(super) change: Option<Call>,
}

impl Difference {
    /// `tag mutability: asked for IMMUTABLE, found MUTABLE`
    pub fn text(&self) -> String {
        match &self.found {
            Seen::Known(found) => format!("{}: asked for {}, found {found}", self.what, self.wanted),
            Seen::Denied(_) => format!("{}: asked for {}; what is there may not be read", self.what, self.wanted),
        }
    }

    pub fn hint(&self) -> String {
        match (&self.found, &self.change) {
            (Seen::Denied(action), _) => {
                format!("Grant {action} to have them compared, or set them with dockless tag-repo.")
            }
            (_, Some(_)) => {
                "A repository that exists is left as it is; dockless create-repo --adjust changes it.".into()
            }
            (_, None) => {
                "A repository's encryption is fixed when it is made: make another one and move the images there.".into()
            }
        }
    }
}

/// All differences between the settings and what is shown of the repository.
pub(super) fn differences(
    request: &Request,
    settings: &Settings,
    shown: &Value,
    snapshot: &Snapshot,
) -> Vec<Difference> {
    let private = [
        settings.mutability.as_ref().and_then(|wanted| mutability(request, wanted, shown)),
        settings.scan_on_push.and_then(|wanted| scanning(request, wanted, shown)),
        settings.encryption.as_ref().and_then(|wanted| encryption(wanted, shown)),
    ];
    let private = private.into_iter().flatten().filter(|_| !request.public);
    private.chain(tags(request, settings, shown, &snapshot.tags)).collect()
}

fn mutability(request: &Request, wanted: &Mutability, shown: &Value) -> Option<Difference> {
    let found = Mutability::read(shown);
    let mut body = request.about(json!({}));
    wanted.write(&mut body);
    let text = format!("Setting the tag mutability of {} to {wanted}", request.name);
    (found != *wanted).then(|| Difference {
        what: "tag mutability",
        wanted: wanted.to_string(),
        found: Seen::Known(found.to_string()),
        change: Some(Call { operation: Operation::PutImageTagMutability, body, text }),
    })
}

fn scanning(request: &Request, wanted: bool, shown: &Value) -> Option<Difference> {
    let found = shown["imageScanningConfiguration"]["scanOnPush"].as_bool().unwrap_or_default();
    let word = |on: bool| if on { "on" } else { "off" }.to_owned();
    let body = request.about(json!({ "imageScanningConfiguration": { "scanOnPush": wanted } }));
    let text = format!("Turning scanning on push {} for {}", word(wanted), request.name);
    (found != wanted).then(|| Difference {
        what: "scanning on push",
        wanted: word(wanted),
        found: Seen::Known(word(found)),
        change: Some(Call { operation: Operation::PutImageScanningConfiguration, body, text }),
    })
}

fn encryption(wanted: &Encryption, shown: &Value) -> Option<Difference> {
    let shown = &shown["encryptionConfiguration"];
    let found = Encryption {
        kind: shown["encryptionType"].as_str().unwrap_or("AES256").to_owned(),
        key: shown["kmsKey"].as_str().map(str::to_owned),
    };
    let same_key = match (&wanted.key, &found.key) {
        (Some(wanted), Some(found)) => wanted.contains("alias/") || found == wanted || id(found) == id(wanted),
        _ => true,
    };
    (found.kind != wanted.kind || !same_key).then(|| Difference {
        what: "encryption",
        wanted: wanted.to_string(),
        found: Seen::Known(found.to_string()),
        change: None,
    })
}

/// A key's own part of its ARN.
fn id(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

impl std::fmt::Display for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        self.key.iter().try_for_each(|key| write!(f, " with {key}"))
    }
}

fn tags(request: &Request, settings: &Settings, shown: &Value, seen: &Seen<super::Tags>) -> Option<Difference> {
    let lacking = missing(&settings.tags, seen);
    let found = match seen {
        Seen::Denied(action) => Seen::Denied(action.clone()),
        Seen::Known(known) => {
            let keys: Vec<&str> = lacking.iter().map(|(key, _)| key.as_str()).collect();
            let now: Vec<_> = known.iter().filter(|(key, _)| keys.contains(&key.as_str())).cloned().collect();
            Seen::Known(if now.is_empty() { "none".to_owned() } else { written(&now) })
        }
    };
    let arn = shown["repositoryArn"].as_str().unwrap_or_default();
    (!lacking.is_empty()).then(|| Difference {
        what: "tags",
        wanted: written(&lacking),
        found,
        change: Some(tag_call(arn, &request.name, &lacking, seen)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Existing;

    const ARN: &str = "arn:aws:ecr:eu-west-1:123456789012:repository/web";
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/7";

    fn told(settings: &Settings, encryption: Value, tags: Seen<super::super::Tags>) -> Vec<String> {
        let shown = json!({ "repositoryArn": ARN, "imageTagMutability": "MUTABLE", "encryptionConfiguration": encryption,
            "imageScanningConfiguration": { "scanOnPush": false } });
        let known = || Seen::Known(None);
        let repository = Existing::Shown(shown.clone());
        let snapshot = Snapshot { repository, lifecycle_policy: known(), policy: known(), tags };
        let request = Request { name: "web".into(), ..Request::default() };
        differences(&request, settings, &shown, &snapshot).iter().map(Difference::text).collect()
    }

    fn aes() -> Value {
        json!({ "encryptionType": "AES256" })
    }

    fn none() -> Seen<super::super::Tags> {
        Seen::Known(vec![])
    }

    #[test]
    fn difference_is_of_what_was_asked_for_only() {
        assert_eq!(told(&Settings::default(), aes(), none()), Vec::<String>::new());
        let settings = Settings {
            mutability: Some(Mutability::new("IMMUTABLE", vec![]).unwrap()),
            scan_on_push: Some(true),
            ..Settings::default()
        };
        assert_eq!(
            told(&settings, aes(), none()),
            ["tag mutability: asked for IMMUTABLE, found MUTABLE", "scanning on push: asked for on, found off"]
        );
    }

    #[test]
    fn difference_in_keys_is_told_where_it_is_sure() {
        let by = |key: Option<&str>| Settings {
            encryption: Some(Encryption { kind: "KMS".into(), key: key.map(str::to_owned) }),
            ..Settings::default()
        };
        let kms = || json!({ "encryptionType": "KMS", "kmsKey": KEY });
        for same in [None, Some(KEY), Some("7"), Some("alias/images")] {
            assert_eq!(told(&by(same), kms(), none()), Vec::<String>::new(), "{same:?}");
        }
        assert_eq!(
            told(&by(Some("8")), kms(), none()),
            [format!("encryption: asked for KMS with 8, found KMS with {KEY}")]
        );
        assert_eq!(told(&by(None), aes(), none()), ["encryption: asked for KMS, found AES256"]);
    }

    #[test]
    fn difference_in_tags_names_those_that_differ() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let settings = Settings { tags: vec![pair("team", "web"), pair("stage", "prod")], ..Settings::default() };
        let known = Seen::Known(vec![pair("stage", "prod"), pair("team", "db"), pair("more", "x")]);
        assert_eq!(told(&settings, aes(), known), ["tags: asked for team=web, found team=db"]);
        let denied = Seen::Denied("ecr:ListTagsForResource".into());
        assert!(told(&settings, aes(), denied)[0].ends_with("may not be read"));
    }
}
