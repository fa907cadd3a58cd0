//! What the misbehaving registry can be told to do.

use std::collections::BTreeSet;
use std::time::Duration;

/// How the registry is, until it is changed.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    pub door: Door,
    /// The repositories that exist; none: whatever is pushed to is created.
    pub repositories: Option<BTreeSet<String>>,
    /// Cuts the connection instead of answering 404 to an upload to a missing repository, as ECR does.
    pub cuts_missing_repositories: bool,
    /// Refuses to write a tag again, even with the same digest, as ECR does.
    pub immutable_tags: bool,
    pub mount: MountAnswer,
    /// `Location` of an upload without scheme and host.
    pub relative_locations: bool,
    /// `Location` of an upload with `http`, although this is HTTPS: a registry behind a proxy.
    pub plain_locations: bool,
    /// 403 to every HEAD: a policy without reading rights.
    pub forbids_head: bool,
    /// Blobs are downloaded from this address (scheme, host, port) instead.
    pub redirect_blobs: Option<String>,
    /// Blobs come with their first byte changed.
    pub rotten_blobs: bool,
    /// Ignores `Range`.
    pub ignores_range: bool,
    /// Reads uploads in small bits with this pause between them.
    pub slow: Option<Duration>,
    /// Leaves `Docker-Content-Digest` out.
    pub tells_no_digest: bool,
    /// Answers manifests as `application/json`.
    pub tells_no_type: bool,
}

/// Who may enter.
#[derive(Debug, Clone, Default)]
pub enum Door {
    #[default]
    Open,
    /// Basic, introducing itself as ECR does.
    Ecr { password: String },
    /// Basic with user `AWS`.
    Basic { password: String },
    /// Tokens from this same server, good for so many seconds; no password: for anybody.
    Token { password: Option<String>, seconds: u64 },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MountAnswer {
    /// 201 if the source has the blob.
    #[default]
    Mounts,
    /// 202: an ordinary upload.
    Uploads,
    Refuses(u16),
}

/// Something that happens to the next requests that match.
#[derive(Debug, Clone)]
pub struct Fault {
    pub method: String,
    pub path: String,
    pub times: usize,
    pub effect: Effect,
}

#[derive(Debug, Clone)]
pub enum Effect {
    /// This status with an error document of this code and message.
    Status(u16, &'static str, String),
    /// This status with a `Retry-After`.
    RetryAfter(u16, String),
    /// No answer: the connection is cut.
    Cut,
    /// The connection is cut after so many bytes of the request's body.
    CutBody(u64),
    /// The request is carried out; the connection is cut instead of the answer.
    CutAnswer,
    /// The connection is cut after so many bytes of the answer's body.
    CutDownload(usize),
    /// The upload's session is forgotten: 404.
    LoseSession,
    /// The login ends here: 401, and from now on only this password is good.
    Expire(String),
    /// The login ends as ECR's do: 403 that says so, and from now on only this password is good.
    ExpireLikeEcr(String),
    /// No answer for so long.
    Stall(Duration),
}
