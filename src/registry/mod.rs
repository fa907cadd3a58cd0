//! Talks to container registries: pulls, pushes, mounts, and asks what is there. Written for Amazon ECR and
//! tried against the others; where ECR leaves the OCI distribution specification, the code says so.
//!
//! An endpoint is a value: method, path, accepted types. [`Client`] sends one, with whatever login
//! the registry asks for; retries go around whole operations, never inside them. Who knows the password is the
//! caller's business: a [`CredentialSource`] is asked, and asked again when the registry rejects what it said.

mod answer;
mod auth;
mod blob;
mod body;
mod challenge;
mod client;
mod contact;
pub mod docker_config;
mod endpoint;
mod error;
mod manifest;
mod options;
mod retry;
mod secrets;
mod tls;
mod upload;
mod wire;

pub use auth::{Anonymous, CredentialSource, Credentials};
pub use blob::BlobStream;
pub use body::Body;
pub use client::Client;
pub use docker_config::DockerConfig;
pub use error::Error;
pub use manifest::{Fetched, Pushed};
pub use options::Options;
pub use upload::{Delivery, Mount, Session};

/// Whether a registry holds something. `Unknown` means that it would not say (a policy without
/// `ecr:BatchGetImage`, for example), which is no reason to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Unknown,
    Present,
    Missing,
}
