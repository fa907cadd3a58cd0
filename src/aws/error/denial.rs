//! IAM's sentence about a missing permission, taken apart: who may not do what to which resource, and whether a
//! policy forbids it or merely none allows it.

/// Each part as far as the sentence has it; services differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Denial {
    pub principal: Option<String>,
    /// `ecs:UpdateService`
    pub action: Option<String>,
    pub resource: Option<String>,
    /// The kind of policy that forbids it: `service control policy`.
    pub forbidden_by: Option<String>,
}

impl Denial {
    /// Reads `User: ARN is not authorized to perform: ACTION on resource: ARN because …`.
    pub fn read(message: &str) -> Denial {
        let action = after(message, "to perform: ").or_else(|| after(message, "to perform "));
        Denial {
            principal: after(message, "User: "),
            action: action.filter(|action| action.contains(':')),
            resource: after(message, "on resource: "),
            forbidden_by: explicit_deny(message),
        }
    }
}

/// The word that follows, without the punctuation around it.
fn after(message: &str, mark: &str) -> Option<String> {
    let (_, rest) = message.split_once(mark)?;
    let word = rest.split_whitespace().next()?.trim_matches(['"', '\'', ',', '.', ';']);
    (!word.is_empty()).then(|| word.to_owned())
}

fn explicit_deny(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("with an explicit deny")?;
    let rest = rest.trim_start().trim_start_matches("in an ").trim_start_matches("in a ");
    let name = rest.split([':', '.', ',']).next().unwrap_or_default().trim();
    Some(if name.is_empty() { "policy".into() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_names_action_and_resource() {
        let denial = Denial::read(
            "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: ecs:UpdateService on \
             resource: arn:aws:ecs:eu-west-1:123456789012:service/prod/web because no identity-based policy allows \
             the ecs:UpdateService action",
        );
        assert_eq!(denial.principal.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/ci/run"));
        assert_eq!(denial.action.as_deref(), Some("ecs:UpdateService"));
        assert_eq!(denial.resource.as_deref(), Some("arn:aws:ecs:eu-west-1:123456789012:service/prod/web"));
        assert_eq!(denial.forbidden_by, None);
    }

    #[test]
    fn denial_by_explicit_deny_names_the_policy_kind() {
        let denial = Denial::read(
            "… to perform: iam:PassRole on resource: arn:x with an explicit deny in a service control policy: arn:p",
        );
        assert_eq!(denial.forbidden_by.as_deref(), Some("service control policy"));
    }

    #[test]
    fn denial_in_few_words_has_no_parts() {
        assert_eq!(Denial::read("Access Denied"), Denial::default());
        assert_eq!(
            Denial::read("Not authorized to perform sts:AssumeRoleWithWebIdentity").action.as_deref(),
            Some("sts:AssumeRoleWithWebIdentity")
        );
    }
}
