//! What an identity token says about its bearer, read without verifying it: STS verifies, this only explains why a
//! trust policy did not match. The token itself is never kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The parts of a JSON Web Token that a role's trust policy looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    pub issuer: Option<String>,
    pub audience: Vec<String>,
    pub subject: Option<String>,
}

impl Claims {
    /// `None` if this is not a JSON Web Token.
    pub fn read(token: &str) -> Option<Claims> {
        let payload = token.split('.').nth(1)?.trim_end_matches('=');
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let audience = match &claims["aud"] {
            Value::Array(all) => all.iter().filter_map(text).collect(),
            one => text(one).into_iter().collect(),
        };
        claims.is_object().then(|| Claims { issuer: text(&claims["iss"]), audience, subject: text(&claims["sub"]) })
    }
}

impl std::fmt::Display for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".into());
        write!(f, "iss {}, aud {}, sub {}", or_none(&self.issuer), self.audience.join(" + "), or_none(&self.subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn claims_of_a_ci_token_are_read() {
        let claims = Claims::read(&token(r#"{"iss":"https://i","aud":["a","b"],"sub":"repo:o/r"}"#)).unwrap();
        assert_eq!(claims.to_string(), "iss https://i, aud a + b, sub repo:o/r");
        let claims = Claims::read(&token(r#"{"aud":"one"}"#)).unwrap();
        assert_eq!(claims.audience, ["one"]);
    }

    #[test]
    fn claims_of_something_else_are_none() {
        for text in ["", "abc", "a.b.c", "a.!!.c", &token("[1]"), &token("nonsense")] {
            assert_eq!(Claims::read(text), None, "{text}");
        }
    }
}
