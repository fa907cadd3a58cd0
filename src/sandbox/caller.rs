//! Who calls. A SigV4 signature names an access key, a region and a service; these are read, the signature itself is
//! not verified: the sandbox guards nothing, and any pair of keys will do. Keys that its own STS has handed out
//! stand for the role's session. There is one account and one region, whichever region a signature names.

use std::collections::HashMap;
use std::sync::Mutex;

/// What a signature's credential scope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub access_key: String,
    pub region: String,
    pub service: String,
}

impl Scope {
    /// Out of an `Authorization` header: `AWS4-HMAC-SHA256 Credential=KEY/20260102/us-east-1/ecr/aws4_request, …`.
    pub fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
        let mut parts = credential.rsplit('/');
        let (end, service, region, _date) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access_key = parts.rev().collect::<Vec<_>>().join("/");
        let whole = end == "aws4_request" && !access_key.is_empty();
        whole.then(|| Scope { access_key, region: region.into(), service: service.into() })
    }
}

/// Access keys of role sessions and the ARNs they stand for.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, String>>);

impl Sessions {
    pub fn insert(&self, access_key: String, arn: String) {
        self.0.lock().expect("sessions lock").insert(access_key, arn);
    }

    /// The caller's ARN; keys from elsewhere belong to the account's only user.
    pub fn arn(&self, access_key: Option<&str>, account: &str) -> String {
        let known = access_key.and_then(|key| self.0.lock().expect("sessions lock").get(key).cloned());
        known.unwrap_or_else(|| format!("arn:aws:iam::{account}:user/sandbox"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_is_read_from_a_signature() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=00";
        let scope = Scope::parse(header).unwrap();
        assert_eq!(
            (scope.access_key.as_str(), scope.region.as_str(), scope.service.as_str()),
            ("AKIA1", "eu-west-1", "ecr")
        );
    }

    #[test]
    fn scope_of_other_headers_is_none() {
        for header in ["", "Basic QVdTOng=", "AWS4-HMAC-SHA256 Credential=/1/2/3/aws4_request", "AWS4-HMAC-SHA256 x"] {
            assert_eq!(Scope::parse(header), None, "{header}");
        }
    }
}
