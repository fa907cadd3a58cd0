//! What a path under `/v2/` is about. Repository names hold slashes, so paths are read from their end.

use hyper::Method;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Empty for what concerns no repository.
    pub repository: String,
    pub(super) what: What,
    method: Method,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Root,
    Catalog,
    Tags,
    Referrers(String),
    Blob(String),
    Uploads,
    Upload(String),
    /// By tag or digest.
    Manifest(String),
    /// A path that the specification does not have.
    Unsupported,
}

impl Target {
    /// None if the path does not lead to the registry.
    pub fn parse(method: &Method, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/v2").filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        let rest = rest.trim_start_matches('/');
        let (repository, what) = match rest {
            "" => (String::new(), What::Root),
            "_catalog" => (String::new(), What::Catalog),
            rest => split(rest).unwrap_or((String::new(), What::Unsupported)),
        };
        Some(Target { repository, what, method: method.clone() })
    }

    /// The operation of ECR's API that IAM asks for; logging in is one of its own.
    pub fn operation(&self) -> Option<&'static str> {
        Some(match (&self.what, &self.method) {
            (What::Root | What::Unsupported, _) => return None,
            (What::Catalog, _) => "DescribeRepositories",
            (What::Tags, _) => "ListImages",
            (What::Blob(_), &Method::HEAD) => "BatchCheckLayerAvailability",
            (What::Blob(_), &Method::DELETE) | (What::Manifest(_), &Method::DELETE) => "BatchDeleteImage",
            (What::Blob(_), _) => "GetDownloadUrlForLayer",
            (What::Uploads, _) => "InitiateLayerUpload",
            (What::Upload(_), &Method::PUT) => "CompleteLayerUpload",
            (What::Upload(_), _) => "UploadLayerPart",
            (What::Manifest(_), &Method::PUT) => "PutImage",
            (What::Manifest(_) | What::Referrers(_), _) => "BatchGetImage",
        })
    }
}

fn split(rest: &str) -> Option<(String, What)> {
    let named = |name: &str, what| Some((name.to_owned(), what));
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return named(name, What::Tags);
    }
    if let Some(name) = rest.strip_suffix("/blobs/uploads/").or(rest.strip_suffix("/blobs/uploads")) {
        return named(name, What::Uploads);
    }
    let (head, last) = rest.rsplit_once('/')?;
    let (name, kind) = head.rsplit_once('/')?;
    match kind {
        "uploads" => named(name.strip_suffix("/blobs")?, What::Upload(last.into())),
        "blobs" => named(name, What::Blob(last.into())),
        "manifests" => named(name, What::Manifest(last.into())),
        "referrers" => named(name, What::Referrers(last.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_read_from_its_end() {
        for (path, repository, what) in [
            ("/v2", "", What::Root),
            ("/v2/", "", What::Root),
            ("/v2/a/b/tags/list", "a/b", What::Tags),
            ("/v2/a/b/blobs/uploads/", "a/b", What::Uploads),
            ("/v2/a/blobs/uploads/id", "a", What::Upload("id".into())),
            ("/v2/blobs/blobs/sha256:1", "blobs", What::Blob("sha256:1".into())),
            ("/v2/manifests/manifests/v1", "manifests", What::Manifest("v1".into())),
            ("/v2/a/other/x", "", What::Unsupported),
        ] {
            let target = Target::parse(&Method::GET, path).unwrap();
            assert_eq!((target.repository.as_str(), target.what), (repository, what), "{path}");
        }
        assert_eq!(Target::parse(&Method::GET, "/v20/"), None);
    }
}
