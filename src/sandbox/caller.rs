//! Who calls. A SigV4 signature names an access key, a region, a service and the time at which it was made; these are
//! read, the signature itself is not verified: the sandbox guards nothing, and any pair of keys will do. Keys that its
//! own STS has handed out stand for the role's session. There is one account and one region, whichever region a
//! signature names.

mod signature;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

pub use signature::Signature;

/// Access keys of role sessions and the ARNs they stand for, and which keys are good no longer.
#[derive(Default)]
pub struct Sessions(Mutex<Known>);

#[derive(Default)]
struct Known {
    arns: HashMap<String, String>,
    used: HashSet<String>,
    ended: HashSet<String>,
}

impl Sessions {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("sessions lock")
    }

    pub fn insert(&self, access_key: String, arn: String) {
        self.known().arns.insert(access_key, arn);
    }

    /// The caller's ARN; keys from elsewhere belong to the account's only user.
    pub fn arn(&self, access_key: Option<&str>, account: &str) -> String {
        let known = access_key.and_then(|key| self.known().arns.get(key).cloned());
        known.unwrap_or_else(|| format!("arn:aws:iam::{account}:user/sandbox"))
    }

    /// Whether a key is good still. It is in use from now on, unless for a call to STS: keys that do no more than take
    /// on roles are long-lived ones, which have no end.
    pub fn admits(&self, signature: &Signature) -> bool {
        let mut known = self.known();
        if signature.service != "sts" {
            known.used.insert(signature.access_key.clone());
        }
        !known.ended.contains(&signature.access_key)
    }

    /// The keys that were in use until now are good no longer, nor is that of the request that brings this about.
    pub fn end(&self, current: Option<&Signature>) {
        current.map(|signature| self.admits(signature));
        let known = &mut *self.known();
        known.ended.extend(known.used.drain());
    }

    /// All keys are good again.
    pub fn revive(&self) {
        self.known().ended.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(access_key: &str, service: &str) -> Signature {
        Signature { access_key: access_key.into(), region: "r".into(), service: service.into(), date: None }
    }

    #[test]
    fn keys_in_use_end_and_others_do_not() {
        let sessions = Sessions::default();
        assert!(sessions.admits(&signature("base", "sts")) && sessions.admits(&signature("one", "ecs")));
        sessions.end(Some(&signature("three", "ecs")));
        assert!(!sessions.admits(&signature("three", "ecs")) && !sessions.admits(&signature("one", "ecs")));
        assert!(!sessions.admits(&signature("one", "sts")));
        assert!(sessions.admits(&signature("base", "sts")), "it has only taken on roles");
        assert!(sessions.admits(&signature("two", "ecs")), "it is new");
        sessions.revive();
        assert!(sessions.admits(&signature("one", "ecs")));
    }
}
