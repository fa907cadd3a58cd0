//! How a task definition that somebody has in mind differs from what is live. In mind is a file, or the family's
//! latest revision with edits; live is what a service runs, or the latest revision where no service is named. Nothing
//! here writes.

mod observe;
mod show;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::difference::differences;
use super::document::Document;
use super::edit::{Change, edit, name_of, registrable};
use super::request::Family;
use super::tags::Tag;
use super::updates::Updates;
use super::{Error, edit::Edited};

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
    let (body, wanted, warnings) = wanted(&request.wanted, sides)?;
    let live = sides.live["taskDefinition"]["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
    Ok(Difference { live, wanted, changes: differences(&registrable(&sides.live)?, &body), warnings })
}

fn wanted(wanted: &Wanted, sides: &Sides) -> Result<(Map<String, Value>, String, Vec<String>), Error> {
    match (wanted, &sides.base) {
        (Wanted::Document(document), _) => {
            Ok((document.body().clone(), "the file".into(), document.warnings().to_vec()))
        }
        (Wanted::Edited { updates, tags, .. }, base) => {
            let base = base.as_ref().unwrap_or(&sides.live);
            let Edited { body, changes, warnings } = edit(base, updates, tags)?;
            let edits = match changes.len() {
                0 => String::new(),
                1 => " with 1 edit".into(),
                many => format!(" with {many} edits"),
            };
            Ok((body, format!("{}{edits}", name_of(base)), warnings))
        }
    }
}
