//! ECR repositories, private and public ones: made if they are missing, with lifecycle rules, a policy and resource
//! tags. What is asked for and there already sends nothing. A repository that exists keeps its settings unless it is
//! to be adjusted; where they differ from what was asked for, the plan says so.

mod apply;
mod difference;
mod error;
mod mutability;
mod observe;
mod plan;
mod policy;
mod report;
mod tags;

pub use apply::{Applied, apply};
pub use difference::Difference;
pub use error::Error;
pub use mutability::Mutability;
pub use observe::{Existing, Seen, Snapshot, observe, observe_mutability, observe_tags};
pub use plan::{Call, Plan, plan};
pub use policy::{check_lifecycle, check_policy};
pub use report::{planned, report};
pub use tags::plan_tags;

use crate::aws::host::partition;

/// What the repository must be like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub name: String,
    /// The registry's account; nothing named means the caller's own.
    pub account: Option<String>,
    /// It is one of the public gallery, where a repository has tags and a policy and no other settings.
    pub public: bool,
    /// Create the repository like this if it is missing.
    pub create: Option<Settings>,
    /// Give these settings to a repository that exists, too.
    pub adjust: bool,
    /// The text of a lifecycle policy to set.
    pub lifecycle_policy: Option<String>,
    /// The text of a repository policy to set.
    pub policy: Option<String>,
}

/// How a new repository is made. Nothing said means ECR's own default, but that images are scanned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub scan_on_push: Option<bool>,
    pub encryption: Option<Encryption>,
    pub mutability: Option<Mutability>,
    pub tags: Tags,
}

/// Resource tags, key and value.
pub type Tags = Vec<(String, String)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `KMS` or `KMS_DSSE`.
    pub kind: String,
    /// A key's id, alias or ARN; nothing named means the account's own key for ECR.
    pub key: Option<String>,
}

impl Encryption {
    pub fn new(kind: &str, key: Option<String>) -> Result<Self, Error> {
        match key {
            Some(_) if kind == "AES256" => Err(Error::Key),
            key => Ok(Encryption { kind: kind.to_owned(), key }),
        }
    }
}

/// A repository's ARN. Those of the public gallery name no region (IAM, "Service Authorization Reference", ECR Public).
pub fn arn(account: &str, region: Option<&str>, name: &str) -> String {
    match region {
        Some(region) => format!("arn:{}:ecr:{region}:{account}:repository/{name}", partition(region)),
        None => format!("arn:aws:ecr-public::{account}:repository/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_follows_partition_and_gallery() {
        for (region, wanted) in [
            (Some("eu-west-1"), "arn:aws:ecr:eu-west-1:123456789012:repository/team/web"),
            (Some("cn-north-1"), "arn:aws-cn:ecr:cn-north-1:123456789012:repository/team/web"),
            (None, "arn:aws:ecr-public::123456789012:repository/team/web"),
        ] {
            assert_eq!(arn("123456789012", region, "team/web"), wanted);
        }
    }

    #[test]
    fn encryption_with_a_key_is_by_kms() {
        assert!(Encryption::new("AES256", Some("alias/x".into())).is_err());
        assert!(Encryption::new("KMS_DSSE", Some("alias/x".into())).is_ok() && Encryption::new("KMS", None).is_ok());
    }
}
