//! Logins that other tools left behind: Docker's `config.json` with its helpers, and the `auth.json` of podman,
//! skopeo and buildah. Read in the order that these tools agree on; written so that nothing else in the file moves.

mod read;
mod write;

pub use read::{DockerConfig, Places};
pub use write::set;
