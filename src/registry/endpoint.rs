//! The requests of the OCI distribution protocol, as values: what is asked of which path, what may come back, and
//! what the asking needs (a token's scope, an IAM permission). Nothing here is sent.

use reqwest::Method;

use crate::image::{Digest, Reference, Repository, media_type};

#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) repository: Repository,
    /// Path and query, from `/v2/` on.
    pub(super) path: String,
    pub(super) accept: &'static [&'static str],
    /// For tokens: `repository:team/web:pull,push`.
    pub(super) scopes: Vec<String>,
    /// For error texts: `reading manifest v1 of host/team/web`.
    pub(super) what: String,
    /// What ECR's policies call it.
    pub(super) permission: &'static str,
}

const PULL: &str = "pull";
const PUSH: &str = "pull,push";

impl Endpoint {
    fn new(method: Method, repository: &Repository, rest: String, right: &str, what: String) -> Self {
        Endpoint {
            method,
            repository: repository.clone(),
            path: format!("/v2/{}/{rest}", repository.name),
            accept: &[],
            scopes: vec![scope(repository, right)],
            what,
            permission: "ecr:BatchGetImage",
        }
    }

    pub(super) fn get_manifest(reference: &Reference) -> Self {
        let what = format!("reading manifest {} of {}", reference.version(), reference.repository);
        let path = format!("manifests/{}", reference.version());
        Endpoint { accept: &media_type::MANIFESTS, ..Self::new(Method::GET, &reference.repository, path, PULL, what) }
    }

    pub(super) fn head_manifest(reference: &Reference) -> Self {
        Endpoint { method: Method::HEAD, ..Self::get_manifest(reference) }
    }

    pub(super) fn put_manifest(reference: &Reference) -> Self {
        let what = format!("writing manifest {} of {}", reference.version(), reference.repository);
        let path = format!("manifests/{}", reference.version());
        Endpoint { permission: "ecr:PutImage", ..Self::new(Method::PUT, &reference.repository, path, PUSH, what) }
    }

    pub(super) fn head_blob(repository: &Repository, digest: &Digest) -> Self {
        let what = format!("looking for blob {digest} in {repository}");
        let path = format!("blobs/{digest}");
        Endpoint {
            permission: "ecr:BatchCheckLayerAvailability",
            ..Self::new(Method::HEAD, repository, path, PULL, what)
        }
    }

    pub(super) fn get_blob(repository: &Repository, digest: &Digest) -> Self {
        let what = format!("reading blob {digest} of {repository}");
        let path = format!("blobs/{digest}");
        Endpoint { permission: "ecr:GetDownloadUrlForLayer", ..Self::new(Method::GET, repository, path, PULL, what) }
    }

    pub(super) fn start_upload(repository: &Repository, digest: &Digest) -> Self {
        let what = format!("starting the upload of blob {digest} to {repository}");
        Endpoint {
            permission: "ecr:InitiateLayerUpload",
            ..Self::new(Method::POST, repository, "blobs/uploads/".into(), PUSH, what)
        }
    }

    /// Both `mount` and `from`: without `from`, ECR takes it for an ordinary upload. The token must cover both
    /// repositories, or Docker Hub refuses.
    pub(super) fn mount_blob(to: &Repository, from: &Repository, digest: &Digest) -> Self {
        let what = format!("mounting blob {digest} of {from} in {to}");
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("mount", digest.as_str())
            .append_pair("from", &from.name)
            .finish();
        let mut endpoint = Self::new(Method::POST, to, format!("blobs/uploads/?{query}"), PUSH, what);
        endpoint.scopes.push(scope(from, PULL));
        Endpoint { permission: "ecr:InitiateLayerUpload", ..endpoint }
    }

    /// The PUT that carries the blob; where to is the session's affair.
    pub(super) fn send_blob(repository: &Repository, digest: &Digest) -> Self {
        let what = format!("uploading blob {digest} to {repository}");
        Endpoint {
            permission: "ecr:UploadLayerPart and ecr:CompleteLayerUpload",
            ..Self::new(Method::PUT, repository, String::new(), PUSH, what)
        }
    }
}

fn scope(repository: &Repository, right: &str) -> String {
    format!("repository:{}:{right}", repository.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_names_source_and_both_scopes() {
        let (to, from) = ("host.example/a/b".parse().unwrap(), "host.example/c".parse().unwrap());
        let mount = Endpoint::mount_blob(&to, &from, &Digest::of(b""));
        assert!(mount.path.starts_with("/v2/a/b/blobs/uploads/?mount=sha256%3Ae3b0"), "{}", mount.path);
        assert!(mount.path.ends_with("&from=c"), "{}", mount.path);
        assert_eq!(mount.scopes, ["repository:a/b:pull,push", "repository:c:pull"]);
    }
}
