//! What a registry asks for when it says 401: `WWW-Authenticate`, read for the two schemes registries use. ECR
//! wants Basic with its own token; Docker Hub, ECR Public and most others send the client to a token server.

use http_auth::ChallengeParser;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Nothing was asked for.
    Open,
    Basic {
        service: Option<String>,
    },
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

impl Challenge {
    /// The first scheme that can be answered; Bearer is preferred when both are offered.
    pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut found = None;
        for value in values {
            for offer in ChallengeParser::new(value).map_while(Result::ok) {
                let param = |name: &str| {
                    offer.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_unescaped())
                };
                if offer.scheme.eq_ignore_ascii_case("bearer") {
                    if let Some(realm) = param("realm") {
                        return Some(Challenge::Bearer { realm, service: param("service") });
                    }
                } else if offer.scheme.eq_ignore_ascii_case("basic") {
                    found = Some(Challenge::Basic { service: param("service") });
                }
            }
        }
        found
    }

    /// Whether this is how ECR introduces itself: `Basic realm="https://…/",service="ecr.amazonaws.com"`.
    pub(super) fn is_ecr(&self) -> bool {
        matches!(self, Challenge::Basic { service: Some(service) } if service == "ecr.amazonaws.com")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, value.parse().unwrap());
        Challenge::read(&headers)
    }

    #[test]
    fn challenge_of_ecr_is_basic() {
        let ecr = r#"Basic realm="https://1.dkr.ecr.eu-central-1.amazonaws.com/",service="ecr.amazonaws.com""#;
        assert!(read(ecr).unwrap().is_ecr());
        assert!(!read(r#"Basic realm="x""#).unwrap().is_ecr());
    }

    #[test]
    fn challenge_of_a_token_server_is_bearer() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a,b""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.docker.io/token".into(),
            service: Some("registry.docker.io".into()),
        };
        assert_eq!(read(hub), Some(expected.clone()));
        assert_eq!(read(&format!(r#"Basic realm="x", {hub}"#)), Some(expected));
    }

    #[test]
    fn challenge_of_an_unknown_scheme_is_none() {
        assert_eq!(read("Negotiate"), None);
        assert_eq!(read("\"\"\""), None);
    }
}
