//! Keeps what a server says from repeating what it was told. Some servers and proxies echo a request's headers in
//! their error pages; those pages end up in error texts, and these in public logs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::Credentials;

/// The value of an `Authorization` header, marked sensitive so that no debug output shows it.
#[derive(Clone)]
pub(super) enum Authorization {
    Basic(Credentials),
    /// `login` is what the token was got with; it is not sent.
    Bearer {
        token: SecretString,
        login: Option<Credentials>,
    },
}

impl Authorization {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Authorization::Basic(login) => format!("Basic {}", basic(login)),
            Authorization::Bearer { token, .. } => format!("Bearer {}", token.expose_secret()),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The text without the secrets of this header, and without what they were got with.
    pub(super) fn scrub(&self, text: &str) -> String {
        match self {
            Authorization::Basic(login) => scrub_login(text, login),
            Authorization::Bearer { token, login } => {
                let text = replace(text, token.expose_secret());
                login.as_ref().map_or(text.clone(), |login| scrub_login(&text, login))
            }
        }
    }
}

fn scrub_login(text: &str, login: &Credentials) -> String {
    replace(&replace(text, &basic(login)), login.password.expose_secret())
}

fn basic(login: &Credentials) -> String {
    STANDARD.encode(format!("{}:{}", login.username, login.password.expose_secret()))
}

fn replace(text: &str, secret: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrub_removes_password_and_its_encoded_form() {
        let login = Credentials { username: "AWS".into(), password: "hunter2".into() };
        let sent = Authorization::Basic(login.clone());
        let page = format!("bad header Basic {} (hunter2)", basic(&login));
        assert_eq!(sent.scrub(&page), "bad header Basic *** (***)");
        assert_eq!(format!("{:?}", sent.header().unwrap()), "Sensitive");
    }
}
