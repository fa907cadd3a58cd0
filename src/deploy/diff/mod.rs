//! How a task definition that somebody has in mind differs from what is live. In mind is a file, or the family's
//! latest revision with edits; live is what a service runs, or the latest revision where no service is named. Nothing
//! here writes.

mod observe;
mod show;

#[cfg(test)]
mod tests;

use super::Error;
use super::difference::differences;
use super::document::Document;
use super::edit::{Change, Edited, edit, name_of, registrable};
use super::request::Family;
use super::tags::Tag;
use super::updates::Updates;

pub use observe::{Sides, observe_diff};
pub use show::report_diff;

/// What is to be compared with what.
pub struct Diff {
    pub wanted: Wanted,
    pub live: Live,
}

pub enum Wanted {
    /// A definition from a file, its edits made.
    Document(Document),
    /// A revision with edits.
    Edited { family: Base, updates: Box<Updates>, tags: Vec<Tag> },
}

/// Where edits start from.
pub enum Base {
    /// This one.
    Family(Family),
    /// The family that is live: its latest revision, or this one.
    Live { revision: Option<u64> },
}

pub enum Live {
    /// What the service runs, by names or ARNs.
    Service { cluster: String, service: String },
    /// The latest revision of the family that is wanted.
    Latest,
}

/// The answer.
#[derive(Debug)]
pub struct Difference {
    /// ARN of the live revision.
    pub live: String,
    /// What it is compared with: `shop:8 with 2 edits`, `the file`.
    pub wanted: String,
    pub changes: Vec<Change>,
    pub warnings: Vec<String>,
}

/// Pure.
pub fn compare(request: &Diff, sides: &Sides) -> Result<Difference, Error> {
    let (Edited { body, warnings, .. }, wanted) = wanted(&request.wanted, sides)?;
    let live = sides.live["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
    Ok(Difference { live, wanted, changes: differences(&registrable(&sides.live)?, &body), warnings })
}

/// What is wanted, and what to call it.
fn wanted(wanted: &Wanted, sides: &Sides) -> Result<(Edited, String), Error> {
    match wanted {
        Wanted::Document(document) => {
            let (body, warnings) = (document.body().clone(), document.warnings().to_vec());
            Ok((Edited { body, changes: Vec::new(), warnings }, "the file".into()))
        }
        Wanted::Edited { updates, tags, .. } => {
            let base = sides.base.as_ref().unwrap_or(&sides.live);
            let edited = edit(base, updates, tags)?;
            let edits = match edited.changes.len() {
                0 => String::new(),
                1 => " with 1 edit".into(),
                many => format!(" with {many} edits"),
            };
            Ok((edited, format!("{}{edits}", name_of(base))))
        }
    }
}
