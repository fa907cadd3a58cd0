//! Causes that no further attempt can mend: the image is not there or is for another machine, the secret is not to
//! be had. ECS tries on all the same, without a circuit breaker for ever.

use super::Charge;
use crate::deploy::diagnose::Stopped;
use crate::deploy::edit::short;

/// Tasks that must have ended alike: what one task met may have been a bad moment.
const ENOUGH: usize = 2;

/// What begins the reason, and the words of which one has to be in it. Texts are those of ECS's "Stopped tasks error
/// messages" and of containerd and Docker below it.
const CAUSES: [(&str, &[&str]); 4] = [
    (
        "CannotPull",
        &[
            "not found",
            "does not exist",
            "manifest unknown",
            "no match for platform",
            "no matching manifest",
            "does not contain descriptor matching platform",
            "invalid reference format",
        ],
    ),
    (
        "ResourceInitializationError",
        &[
            "AccessDenied",
            "not authorized",
            "ResourceNotFoundException",
            "ParameterNotFound",
            "did not contain json key",
        ],
    ),
    ("exec format error", &[""]),
    ("CannotStartContainerError", &["executable file not found", "no such file or directory", "permission denied"]),
];

#[derive(Default)]
pub struct Hopes {
    told: bool,
}

impl Hopes {
    /// Why it is hopeless, if it is; told at once, whatever is waited for then.
    pub fn give_up(&mut self, tasks: &[Stopped], charge: &Charge) -> Option<String> {
        let hopeless: Vec<String> = tasks.iter().map(Stopped::why).filter(|why| is_hopeless(why)).collect();
        let why = hopeless.last().filter(|_| hopeless.len() >= ENOUGH)?.clone();
        let back = charge.deploy.before.rollback && !charge.deploy.goes_back();
        if !std::mem::replace(&mut self.told, true) && back {
            let name = short(charge.revision);
            let text = format!("{name} cannot succeed: no further attempt can mend what stopped its tasks");
            charge.events.warn(text, Some("ECS is about to roll it back; that is waited for.".into()));
        }
        Some(why)
    }
}

fn is_hopeless(why: &str) -> bool {
    CAUSES.iter().any(|(begin, words)| why.contains(begin) && words.iter().any(|word| why.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hopeless_is_what_no_attempt_mends() {
        for why in [
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref a/b:v9: a/b:v9: not found",
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'",
            "CannotPullImageManifestError: Error response from daemon: manifest unknown",
            "ResourceInitializationError: unable to pull secrets: AccessDeniedException: User is not authorized",
            "container web exited with 255: exec /app: exec format error",
        ] {
            assert!(is_hopeless(why), "{why}");
        }
    }

    #[test]
    fn hopeless_is_not_what_may_pass() {
        for why in [
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): dial tcp: i/o timeout",
            "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit",
            "ResourceInitializationError: unable to pull secrets or registry auth: context deadline exceeded",
            "container web exited with 1",
            "Task failed ELB health checks in (target-group arn)",
        ] {
            assert!(!is_hopeless(why), "{why}");
        }
    }
}
