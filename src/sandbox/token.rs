//! Registry logins as ECR hands them out: user `AWS` and a password good for twelve hours, which the registry can
//! check by itself. Raising the generation ends all that were issued before.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::image::Hasher;

/// Seconds that a password is good for.
pub const LIFE: f64 = 12.0 * 3600.0;

/// What makes and checks passwords; kept with the state, so logins outlive a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Mint {
    pub secret: String,
    pub generation: u64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    generation: u64,
    expires: f64,
    /// ARN of the principal that asked for it.
    principal: String,
}

#[derive(Debug, PartialEq)]
pub enum Login {
    /// The principal's ARN.
    Good(String),
    Expired,
    Wrong,
}

impl Mint {
    /// The password and the second at which it expires.
    pub fn password(&self, principal: &str, now: f64) -> (String, f64) {
        let expires = now + LIFE;
        let claims = Claims { generation: self.generation, expires, principal: principal.into() };
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).expect("claims are plain JSON"));
        let password = format!("{payload}.{}", self.seal(&payload));
        (password, expires)
    }

    /// The same as ECR's API gives it: base64 of `AWS:PASSWORD`.
    pub fn token(password: &str) -> String {
        STANDARD.encode(format!("AWS:{password}"))
    }

    /// Judges an `Authorization` header.
    pub fn login(&self, header: &str, now: f64) -> Login {
        self.claims(header).map_or(Login::Wrong, |claims| {
            let stale = claims.generation != self.generation || claims.expires <= now;
            if stale { Login::Expired } else { Login::Good(claims.principal) }
        })
    }

    fn claims(&self, header: &str) -> Option<Claims> {
        let (scheme, encoded) = header.split_once(' ')?;
        let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (payload, seal) = plain.strip_prefix("AWS:")?.split_once('.')?;
        let sealed = scheme.eq_ignore_ascii_case("basic") && seal == self.seal(payload);
        if !sealed {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    fn seal(&self, payload: &str) -> String {
        let mut inner = Hasher::default();
        inner.update(self.secret.as_bytes());
        inner.update(payload.as_bytes());
        let mut outer = Hasher::default();
        outer.update(self.secret.as_bytes());
        outer.update(inner.digest().as_str().as_bytes());
        outer.digest().hex().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(mint: &Mint, now: f64) -> String {
        format!("Basic {}", Mint::token(&mint.password("arn:me", now).0))
    }

    #[test]
    fn login_holds_for_twelve_hours() {
        let mint = Mint { secret: "s".into(), generation: 0 };
        let header = header(&mint, 1000.0);
        assert_eq!(mint.login(&header, 1000.0 + LIFE - 1.0), Login::Good("arn:me".into()));
        assert_eq!(mint.login(&header, 1000.0 + LIFE), Login::Expired);
    }

    #[test]
    fn login_of_an_earlier_generation_is_expired() {
        let mut mint = Mint { secret: "s".into(), generation: 0 };
        let header = header(&mint, 0.0);
        mint.generation = 1;
        assert_eq!(mint.login(&header, 1.0), Login::Expired);
    }

    #[test]
    fn login_with_another_secret_or_form_is_wrong() {
        let (mint, other) = (Mint { secret: "s".into(), generation: 0 }, Mint::default());
        for header in [header(&other, 0.0), "Bearer x".into(), "Basic".into(), "Basic QVdTOng=".into()] {
            assert_eq!(mint.login(&header, 0.0), Login::Wrong, "{header}");
        }
    }
}
