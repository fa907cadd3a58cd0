//! What a session is opened with. Plain values: whoever fills them in knows whether they came from a flag, the
//! environment or a file. What is left out is found the way every AWS tool finds it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Empty texts count as not given.
#[derive(Debug, Clone)]
pub struct Options {
    pub region: Option<String>,
    /// Keys given by themselves; they come before a profile and before whatever the machine has.
    pub access_key: Option<AccessKey>,
    /// A profile of `~/.aws/config` that must exist; `default` is the same as none and need not.
    pub profile: Option<String>,
    pub role_arn: Option<String>,
    /// 2 to 64 characters of `[\w+=,.@-]`; others are replaced.
    pub role_session_name: String,
    /// 15 minutes to 12 hours; the role may allow less. `None` is the service's default of one hour.
    pub session_duration: Option<Duration>,
    /// Proves to AWS who the CI job is; needs `role_arn`.
    pub web_identity: Option<WebIdentity>,
    /// Takes the place of every service's endpoint.
    pub endpoint_url: Option<String>,
    /// PEM certificates that are trusted besides the machine's own.
    pub ca_bundle: Option<PathBuf>,
    pub patience: Patience,
}

/// What AWS calls an access key, and the session token of a temporary one.
#[derive(Debug, Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: SecretString,
    pub session_token: Option<SecretString>,
}

/// A signed statement of the CI system about the job.
#[derive(Debug, Clone)]
pub enum WebIdentity {
    /// The token itself (CircleCI and GitLab put it into a variable); it cannot be renewed.
    Token(SecretString),
    /// GitHub Actions: a fresh token for the asking.
    Github { request_url: String, request_token: SecretString, audience: String },
    /// A file that something else keeps fresh; read each time.
    File(PathBuf),
}

/// How long to wait and how often to try.
#[derive(Debug, Clone)]
pub struct Patience {
    pub connect: Duration,
    /// Until the first byte of an answer.
    pub read: Duration,
    /// The first one included.
    pub attempts: u32,
    /// The waits between attempts are random below this, doubling each time up to `longest_wait`.
    pub first_wait: Duration,
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(30),
            attempts: 8,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(20),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            region: None,
            access_key: None,
            profile: None,
            role_arn: None,
            role_session_name: "dockless".into(),
            session_duration: None,
            web_identity: None,
            endpoint_url: None,
            ca_bundle: None,
            patience: Patience::default(),
        }
    }
}

/// Cuts a session name down to what STS accepts.
pub(super) fn legal_session_name(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let mut name: String = name.chars().map(|c| if legal(c) { c } else { '-' }).take(64).collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_name_with_illegal_characters_is_made_legal() {
        assert_eq!(legal_session_name("team/web app#7"), "team-web-app-7");
        assert_eq!(legal_session_name(&"ü".repeat(70)).len(), 64);
        assert_eq!(legal_session_name("x"), "x-");
    }

    #[test]
    fn options_in_debug_form_hide_tokens() {
        let token = "hush-hush";
        for web_identity in [
            WebIdentity::Token(token.into()),
            WebIdentity::Github { request_url: "u".into(), request_token: token.into(), audience: "a".into() },
        ] {
            let options = Options { web_identity: Some(web_identity), ..Options::default() };
            assert!(!format!("{options:?}").contains(token));
        }
    }
}
