//! x
mod ecs;
mod edit;
mod error;
mod image;
mod mask;
mod nearest;
mod tags;
mod updates;
pub use ecs::{Answer, CallError, Ecs};
pub use edit::{Change, What};
pub use error::Error;
pub use tags::{Tag, parse as parse_tags};
pub use updates::{Subst, SubstError, Texts, UpdateError, Updates};
