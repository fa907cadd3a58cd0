//! Finding a registry's login in the files of other tools.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential};
use futures_util::future::BoxFuture;

use crate::registry::{CredentialSource, Credentials, Error};

/// Directories and files that the environment names; `config` fills them in.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `REGISTRY_AUTH_FILE`: looked at first.
    pub auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`
    pub config_home: Option<PathBuf>,
    /// `DOCKER_CONFIG`, a directory
    pub docker_config: Option<PathBuf>,
    /// `HOME`
    pub home: Option<PathBuf>,
}

impl Places {
    /// Where logins are looked for, best first.
    pub fn files(&self) -> Vec<PathBuf> {
        let under = |dir: &Option<PathBuf>, rest: &str| dir.as_ref().map(|dir| dir.join(rest));
        [
            self.auth_file.clone(),
            under(&self.runtime_dir, "containers/auth.json"),
            under(&self.config_home, "containers/auth.json"),
            under(&self.home, ".config/containers/auth.json"),
            under(&self.docker_config, "config.json"),
            under(&self.home, ".docker/config.json"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Credentials from files, the first that knows the registry.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    files: Vec<PathBuf>,
}

impl DockerConfig {
    pub fn new(files: Vec<PathBuf>) -> Self {
        DockerConfig { files }
    }

    /// Runs credential helpers, so it may block for a while.
    pub fn find(&self, registry: &str) -> Result<Option<Credentials>, Error> {
        for file in &self.files {
            for name in names(registry) {
                if let Some(found) = look_up(file, name)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}

impl CredentialSource for DockerConfig {
    /// A rejected login is read anew: a helper may have a fresh one.
    fn credentials<'a>(&'a self, registry: &'a str, _: bool) -> BoxFuture<'a, Result<Option<Credentials>, Error>> {
        let (config, name) = (self.clone(), registry.to_owned());
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || config.find(&name)).await;
            found.unwrap_or_else(|why| Err(failure(registry, why.to_string(), None)))
        })
    }
}

/// Under which names a registry may be filed; Docker Hub has an old one.
fn names(registry: &str) -> Vec<&str> {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
            vec!["https://index.docker.io/v1/", "index.docker.io", "docker.io"]
        }
        other => vec![other],
    }
}

fn look_up(path: &Path, name: &str) -> Result<Option<Credentials>, Error> {
    let unreadable =
        |why: String, hint: &str| Error::DockerConfig { path: path.to_owned(), why, hint: Some(hint.to_owned()) };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(why) => {
            return Err(unreadable(why.to_string(), "Make the file readable, or point DOCKER_CONFIG elsewhere."));
        }
    };
    use CredentialRetrievalError as Why;
    match docker_credential::get_credential_from_reader(BufReader::new(file), name) {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Ok(Some(Credentials { username, password: password.into() }).filter(|found| !found.username.is_empty()))
        }
        Ok(DockerCredential::IdentityToken(token)) if token.is_empty() => Ok(None),
        Ok(DockerCredential::IdentityToken(token)) => {
            Ok(Some(Credentials { username: "<token>".into(), password: token.into() }))
        }
        Err(Why::NoCredentialConfigured | Why::ConfigNotFound) => Ok(None),
        Err(Why::HelperFailure { stdout, stderr, .. }) if is_absence(&stdout) || is_absence(&stderr) => Ok(None),
        Err(Why::HelperFailure { helper, stderr, .. }) => {
            let told = stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gives no reason");
            let hint = format!("{} names {helper} for it.", path.display());
            Err(failure(name, format!("{helper} failed: {}", told.trim()), Some(hint)))
        }
        Err(Why::HelperCommunicationError) => {
            let hint = format!("Install the credential helper that {} names, or remove it there.", path.display());
            Err(failure(name, "the credential helper cannot be started".into(), Some(hint)))
        }
        Err(Why::ConfigReadError) => Err(unreadable(
            "not a Docker configuration in JSON".into(),
            "Repair the file, or remove it and log in again.",
        )),
        Err(why) => Err(unreadable(format!("{name}: {why}"), "Log in to the registry again.")),
    }
}

/// What helpers say when they know no such registry (Docker's helper protocol fixes the words).
fn is_absence(output: &str) -> bool {
    output.contains("credentials not found")
}

fn failure(registry: &str, why: String, hint: Option<String>) -> Error {
    Error::Credentials { registry: registry.into(), why, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn find(text: &str, registry: &str) -> Result<Option<(String, String)>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        let found = DockerConfig::new(vec![dir.path().join("missing.json"), path]).find(registry)?;
        Ok(found.map(|c| (c.username, c.password.expose_secret().to_owned())))
    }

    #[test]
    fn docker_config_finds_auth_under_host_and_url() {
        let expected = Some(("u".to_owned(), "p:w".to_owned()));
        for key in ["h.example:5000", "https://h.example:5000", "https://h.example:5000/v1/"] {
            let text = format!(r#"{{"auths":{{"{key}":{{"auth":"dTpwOnc="}}}}}}"#);
            assert_eq!(find(&text, "h.example:5000").unwrap(), expected, "{key}");
            assert_eq!(find(&text, "other.example").unwrap(), None);
        }
    }

    #[test]
    fn docker_config_knows_docker_hub_by_its_old_name() {
        let text = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#;
        assert_eq!(find(text, "docker.io").unwrap(), Some(("u".into(), "p".into())));
    }

    #[test]
    fn docker_config_hands_on_identity_tokens() {
        let text = r#"{"auths":{"h.example":{"auth":"PHRva2VuPjo=","identitytoken":"t"}}}"#;
        assert_eq!(find(text, "h.example").unwrap(), Some(("<token>".into(), "t".into())));
    }

    #[test]
    fn docker_config_that_is_broken_is_named() {
        let why = find("{", "h.example").unwrap_err().to_string();
        assert!(why.contains("config.json"), "{why}");
    }

    #[test]
    fn docker_config_with_a_missing_helper_says_so() {
        let text = r#"{"credHelpers":{"h.example":"does-not-exist-anywhere"}}"#;
        assert!(matches!(find(text, "h.example"), Err(Error::Credentials { .. })));
        assert_eq!(find(text, "other.example").unwrap(), None);
    }

    #[test]
    fn places_are_looked_at_in_the_order_of_podman_then_docker() {
        let places = Places { home: Some("/h".into()), docker_config: Some("/d".into()), ..Places::default() };
        let files: Vec<_> = places.files().iter().map(|path| path.display().to_string()).collect();
        assert_eq!(files, ["/h/.config/containers/auth.json", "/d/config.json", "/h/.docker/config.json"]);
    }
}
