//! Which revision to go back to. The successes of a service are read like a stack of which going back takes the top:
//! what was rolled back once is not gone back to by the next rollback.

use crate::deploy::history::Revision;

/// What stands, the oldest first, of successes in the order in which they happened.
pub fn standing(successes: impl IntoIterator<Item = Revision>) -> Vec<Revision> {
    let mut stack: Vec<Revision> = Vec::new();
    for success in successes {
        if let Some(at) = stack.iter().position(|earlier| is_same(earlier, &success)) {
            stack.truncate(at);
        }
        stack.push(success);
    }
    stack
}

/// Those to try, the best first. `live` is the definition that leads, and `well` whether it reached success.
pub fn candidates(mut stack: Vec<Revision>, live: &str, well: bool) -> Vec<Revision> {
    if well && stack.last().is_some_and(|top| top.definition == live) {
        stack.pop();
    }
    stack.reverse();
    stack
}

/// Of a service that has had this success alone.
pub fn nothing_but(revision: &str) -> String {
    format!("nothing but {revision}")
}

/// The same definition with the same images. A tag may have moved between two deployments of one definition.
fn is_same(one: &Revision, other: &Revision) -> bool {
    one.definition == other.definition && one.digests == other.digests
}
