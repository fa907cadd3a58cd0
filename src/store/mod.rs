//! Images in files: OCI layouts (a directory) and Docker archives (one tar, what `docker save` writes). Both are
//! read and written without Docker, as streams, and so that other tools take them: skopeo, podman, umoci, crane.
//!
//! A blob is a [`Section`] of a file, whichever it came from; callers read it, hash it or upload it from there.
//! The work is blocking: run it where blocking is allowed.

mod archive;
mod error;
mod layout;
mod place;
mod section;

pub use archive::{Archive, ArchivedImage, ArchivedLayer, write_archive};
pub use error::Error;
pub use layout::Layout;
pub use place::{Place, check_writable};
pub use section::Section;
