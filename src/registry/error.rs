//! What can go wrong between here and a registry. Each variant knows what was being done, where, and what the
//! registry said; the hint knows the cure, down to the IAM action and the account when the registry is ECR.

use std::path::PathBuf;
use std::time::Duration;

use crate::image::{Digest, EcrHost, Reference, Repository};
use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the certificate authorities in {} cannot be used: {why}", path.display())]
    CaBundle { path: PathBuf, why: String },
    #[error("the HTTP client cannot be set up: {why}")]
    Setup { why: String },
    /// A source of credentials failed; for its implementors.
    #[error("no credentials for {registry}: {why}")]
    Credentials { registry: String, why: String, hint: Option<String> },
    #[error("{}: {why}", path.display())]
    DockerConfig { path: PathBuf, why: String, hint: Option<String> },
    /// 401: no login was sent, or a wrong or expired one.
    #[error("{what}: {} ({said})", if *sent { "the registry refused the login" } else { "the registry wants a login" })]
    Unauthorized { what: String, registry: String, sent: bool, said: String },
    /// 403: the login is good, its rights do not suffice.
    #[error("{what}: denied ({said})")]
    Denied { what: String, registry: String, permission: &'static str, said: String },
    #[error("repository {repository} does not exist")]
    NoRepository { repository: Repository },
    #[error("tag {} of {} is immutable and already names {}, not {new}", .reference.version(), .reference.repository,
        old.as_ref().map_or("another image".into(), Digest::to_string))]
    TagTaken { reference: Box<Reference>, old: Option<Digest>, new: Digest },
    #[error("{what}: wanted {wanted}, got {got}")]
    Digest { what: String, wanted: Digest, got: String },
    #[error("{what}: Amazon ECR stores no empty blobs")]
    EmptyBlob { what: String },
    /// The content to upload could not be read, or is not what was announced.
    #[error("{what}: reading the content failed: {why}")]
    Content { what: String, why: String },
    /// Any other refusal, 4xx.
    #[error("{what}: the registry refused ({said})")]
    Refused { what: String, code: String, said: String },
    /// 429, 408, 5xx, still after the last attempt.
    #[error("{what}: the registry keeps failing ({said}){}", after(*attempts))]
    Server { what: String, status: u16, said: String, attempts: usize, wait: Option<Duration> },
    #[error("{what}: the connection broke: {why}{}", after(*attempts))]
    Connection { what: String, why: String, attempts: usize },
    #[error("{what}: no answer for {} seconds{}", limit.as_secs_f32(), after(*attempts))]
    Silent { what: String, limit: Duration, attempts: usize },
    #[error("{what}: the name {host} cannot be resolved: {why}")]
    Name { what: String, host: String, why: String, passing: bool },
    #[error("{what}: no trusted TLS connection to {host}: {why}")]
    Tls { what: String, host: String, why: String },
    #[error("{what}: {url} is not encrypted")]
    Plain { what: String, url: String },
    /// An answer that no registry should give.
    #[error("{what}: the registry's answer makes no sense: {why}")]
    Answer { what: String, why: String },
}

fn after(attempts: usize) -> String {
    if attempts > 1 { format!(", {attempts} attempts") } else { String::new() }
}

impl Error {
    /// Whether trying again may help.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Error::Server { .. } | Error::Connection { .. } | Error::Silent { .. } => true,
            Error::Name { passing, .. } => *passing,
            _ => false,
        }
    }

    /// How long the server asked to be left alone.
    pub(super) fn asked_wait(&self) -> Option<Duration> {
        match self {
            Error::Server { wait, .. } => *wait,
            _ => None,
        }
    }

    /// The same error, knowing how often it was tried.
    pub(super) fn tried(mut self, times: usize) -> Self {
        match &mut self {
            Error::Server { attempts, .. } | Error::Connection { attempts, .. } | Error::Silent { attempts, .. } => {
                *attempts = times;
            }
            _ => {}
        }
        self
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::CaBundle { .. } => Some("Give a PEM file with at least one CERTIFICATE block.".into()),
            Error::Credentials { hint, .. } | Error::DockerConfig { hint, .. } => hint.clone(),
            Error::Unauthorized { registry, sent, .. } => Some(login_hint(registry, *sent)),
            Error::Denied { registry, permission, .. } => Some(permission_hint(registry, permission)),
            Error::NoRepository { repository } => Some(create_hint(repository)),
            Error::TagTaken { .. } => Some(
                "Push under another tag, or leave the build out when the tag exists; the repository's tag immutability forbids moving a tag."
                    .into(),
            ),
            Error::Digest { .. } => {
                Some("The content changed on its way; run again, and look for a proxy that rewrites content.".into())
            }
            Error::EmptyBlob { .. } => Some("Use a blob of at least one byte, such as the two bytes {}.".into()),
            Error::Content { .. } => Some("Do not change the files while they are uploaded.".into()),
            Error::Server { status: 429, .. } => {
                Some("The registry's rate limit was reached; push fewer images at a time or ask for a higher quota.".into())
            }
            Error::Server { .. } => Some("This is the registry's failure; try again later.".into()),
            Error::Connection { .. } | Error::Silent { .. } => {
                Some("Check that this machine reaches the registry: address, proxy settings, firewall.".into())
            }
            Error::Name { host, .. } => Some(name_hint(host)),
            Error::Tls { .. } => Some(
                "If a proxy or a private registry has a certificate authority of its own, give its PEM file as CA bundle or in SSL_CERT_FILE."
                    .into(),
            ),
            Error::Plain { .. } => Some(
                "Only registries on this machine are spoken to without TLS; name the host as insecure if you must (logins are still not sent to it)."
                    .into(),
            ),
            Error::Refused { code, .. } => refused_hint(code),
            Error::Setup { .. } | Error::Answer { .. } => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Error::CaBundle { .. } | Error::EmptyBlob { .. } => Kind::Input,
            _ => Kind::Failed,
        }
    }
}

fn login_hint(registry: &str, sent: bool) -> String {
    match EcrHost::parse(registry) {
        Some(EcrHost { account, region }) if sent => format!(
            "The login is expired or was made for another registry: it has to come from region {region} and from a principal that may use account {account}. Log in again with `dockless ecr-login`."
        ),
        Some(EcrHost { account, region }) => format!(
            "Give AWS credentials with ecr:GetAuthorizationToken for account {account} and region {region}, or log in with `dockless ecr-login`."
        ),
        None if sent => format!("Log in to {registry} again: the user name, password or token is wrong or expired."),
        None => format!("Log in to {registry} first (docker login, podman login); the image may also not exist."),
    }
}

fn permission_hint(registry: &str, permission: &str) -> String {
    match EcrHost::parse(registry) {
        Some(EcrHost { account, region }) => format!(
            "Grant {permission} on the repository in account {account}, region {region}; for another account's repository its repository policy has to allow it too. If the permission is there, the login is for another account or region."
        ),
        None => format!("Ask for the right to do this on {registry} (in Amazon ECR: {permission})."),
    }
}

fn create_hint(repository: &Repository) -> String {
    match EcrHost::parse(&repository.registry) {
        Some(EcrHost { account, region }) => format!(
            "Create it with `dockless create-repo --repo {} --account-id {account} --region {region}`, or let build-and-push do so with --create-repo; if it exists, the account or region in the address is wrong.",
            repository.name
        ),
        None => format!("Create {} at {} first, or correct its name.", repository.name, repository.registry),
    }
}

fn refused_hint(code: &str) -> Option<String> {
    let text = match code {
        // ECR's answer, with status 405, to whatever its validation dislikes.
        "UNSUPPORTED" => {
            "Amazon ECR says so of a manifest that fails its checks: it wants a mediaType, at least one layer, and media types without parameters."
        }
        "BLOB_UNKNOWN" | "MANIFEST_BLOB_UNKNOWN" | "MANIFEST_UNKNOWN" => {
            "Something that the image consists of is not in the repository; push the whole image again."
        }
        _ => return None,
    };
    Some(text.into())
}

fn name_hint(host: &str) -> String {
    match EcrHost::parse(host) {
        Some(EcrHost { account, region }) => {
            format!("Check account {account} and region {region} in the address, and this machine's name service.")
        }
        None => "Check the spelling of the registry's address, and this machine's name service.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECR: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

    #[test]
    fn denied_by_ecr_names_permission_account_and_region() {
        let denied = Error::Denied {
            what: "starting an upload".into(),
            registry: ECR.into(),
            permission: "ecr:InitiateLayerUpload",
            said: "DENIED: no".into(),
        };
        let hint = denied.hint().unwrap();
        for part in ["ecr:InitiateLayerUpload", "123456789012", "eu-central-1"] {
            assert!(hint.contains(part), "{hint}");
        }
    }

    #[test]
    fn missing_repository_says_how_to_create_it() {
        let repository = Repository { registry: ECR.into(), name: "team/web".into() };
        let hint = Error::NoRepository { repository }.hint().unwrap();
        assert!(
            hint.contains("dockless create-repo --repo team/web ") && hint.contains("--region eu-central-1"),
            "{hint}"
        );
    }

    #[test]
    fn expired_login_names_the_region() {
        let hint = login_hint(ECR, true);
        assert!(hint.contains("expired") && hint.contains("eu-central-1"), "{hint}");
    }

    #[test]
    fn server_error_tells_the_attempts() {
        let server = Error::Server { what: "x".into(), status: 500, said: "HTTP 500".into(), attempts: 1, wait: None };
        assert_eq!(server.tried(5).to_string(), "x: the registry keeps failing (HTTP 500), 5 attempts");
    }
}
