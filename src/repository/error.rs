//! What can go wrong with a repository.

use crate::aws;
use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("repository '{name}': {source}")]
    Aws { name: String, source: aws::Error },
    #[error("an encryption key needs an encryption by KMS, not AES256")]
    Key,
    #[error("{0} needs filters of tags that it does not hold for")]
    NoFilters(String),
    #[error("tag exclusion filters need a mutability with exclusion, not {0}")]
    Filters(String),
    #[error("there are {0} tag exclusion filters, and ECR takes 5")]
    TooManyFilters(usize),
    #[error("'{0}' is not a tag exclusion filter")]
    Filter(String),
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Aws { source, .. } if is_policy_refused(source) => {
                "Each statement of a repository policy has an Effect, a Principal and Actions of ECR, and no Resource: it is about this repository. Accounts and roles that it names must exist.".into()
            }
            Error::Aws { source, .. } => return source.hint(),
            Error::Key => "Give --repo-encryption-type KMS.".into(),
            Error::NoFilters(_) => "Give --repo-image-tag-exclusion-filters, for example latest,dev-*.".into(),
            Error::Filters(_) => "Give --repo-image-tag-mutability IMMUTABLE_WITH_EXCLUSION.".into(),
            Error::TooManyFilters(_) => "Let one filter hold for several tags: dev-* is for all that begin like this.".into(),
            Error::Filter(_) => "A filter is 1 to 128 letters, digits and ._-, with * for any text at most twice.".into(),
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Aws { source, .. } => source.kind(),
            _ => Kind::Input,
        }
    }
}

/// ECR says no more than `Invalid repository policy provided`.
fn is_policy_refused(error: &aws::Error) -> bool {
    error.refusal().is_some_and(|refusal| {
        refusal.place.operation == "SetRepositoryPolicy" && refusal.code == "InvalidParameterException"
    })
}
