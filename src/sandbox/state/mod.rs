//! What survives: documents kept as a snapshot and a journal of what happened since. Both are written so that a
//! process may be killed at any moment: a snapshot appears by a rename, and a journal's torn last line counts
//! as not written.

mod journal;
mod plane;

pub use journal::{Journal, replace};
pub use plane::PlaneState;
