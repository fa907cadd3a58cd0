//! Which calls make the repository what was asked for, and what stays different. Pure.

use serde_json::{Value, json};

use super::difference::differences;
use super::policy::{same_lifecycle, same_policy};
use super::tags::listed;
use super::{Difference, Encryption, Existing, Request, Seen, Settings, Snapshot};
use crate::aws::ecr::Operation;

/// The calls to make, in order; none if all is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    pub calls: Vec<Call>,
    /// What is not as it was asked for, and is left like that.
    pub differences: Vec<Difference>,
    /// The repository as it is, if anybody has looked and it is there.
    pub shown: Option<Value>,
}

/// One call to ECR's API.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub operation: Operation,
    pub body: Value,
    /// What it does, for people.
    pub text: String,
}

pub fn plan(request: &Request, snapshot: &Snapshot) -> Plan {
    let mut plan = Plan { name: request.name.clone(), calls: vec![], differences: vec![], shown: None };
    match (&request.create, &snapshot.repository) {
        (Some(settings), Existing::Missing) => plan.calls.push(create(request, settings)),
        (Some(settings), Existing::Shown(shown)) => {
            plan.shown = Some(shown.clone());
            plan.differences = differences(request, settings, shown, snapshot);
        }
        _ => {}
    }
    if request.adjust {
        plan.calls.extend(plan.differences.iter().filter_map(|difference| difference.change.clone()));
        plan.differences.retain(|difference| difference.change.is_none());
    }
    plan.calls.extend(lifecycle(request, &snapshot.lifecycle_policy));
    plan.calls.extend(policy(request, &snapshot.policy));
    plan
}

fn lifecycle(request: &Request, seen: &Seen<Option<String>>) -> Option<Call> {
    let (name, wanted) = (&request.name, request.lifecycle_policy.as_ref()?);
    let there = matches!(seen, Seen::Known(Some(found)) if same_lifecycle(found, wanted));
    (!there).then(|| Call {
        operation: Operation::PutLifecyclePolicy,
        body: request.about(json!({ "lifecyclePolicyText": wanted })),
        text: format!("Setting the lifecycle policy of {name}{}", seen.unseen()),
    })
}

fn policy(request: &Request, seen: &Seen<Option<String>>) -> Option<Call> {
    let (name, wanted) = (&request.name, request.policy.as_ref()?);
    let there = matches!(seen, Seen::Known(Some(found)) if same_policy(found, wanted));
    (!there).then(|| Call {
        operation: Operation::SetRepositoryPolicy,
        body: request.about(json!({ "policyText": wanted })),
        text: format!("Setting the policy of {name}{}", seen.unseen()),
    })
}

fn create(request: &Request, settings: &Settings) -> Call {
    let mut body = request.about(json!({}));
    if !request.public {
        let scan = settings.scan_on_push.unwrap_or(true);
        body["imageScanningConfiguration"] = json!({ "scanOnPush": scan });
        settings.encryption.iter().for_each(|wanted| body["encryptionConfiguration"] = encryption(wanted));
        settings.mutability.iter().for_each(|wanted| wanted.write(&mut body));
    }
    if !settings.tags.is_empty() {
        body["tags"] = listed(&settings.tags);
    }
    Call { operation: Operation::CreateRepository, body, text: format!("Creating repository {}", request.name) }
}

/// Without a key none is named: ECR then takes the account's own, whereas `kmsKey: ""` is refused.
fn encryption(wanted: &Encryption) -> Value {
    match &wanted.key {
        None => json!({ "encryptionType": wanted.kind }),
        Some(key) => json!({ "encryptionType": wanted.kind, "kmsKey": key }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Mutability;

    const POLICY: &str = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}"#;
    const LIFECYCLE: &str = r#"{"rules": [{"rulePriority": 1}]}"#;

    fn request() -> Request {
        let mutability = Some(Mutability::new("IMMUTABLE", vec![]).unwrap());
        Request {
            name: "web".into(),
            create: Some(Settings { mutability, ..Settings::default() }),
            ..Request::default()
        }
    }

    fn snapshot(repository: Existing) -> Snapshot {
        let none = || Seen::Known(None);
        Snapshot { repository, lifecycle_policy: none(), policy: none(), tags: Seen::Known(vec![]) }
    }

    fn mutable() -> Existing {
        Existing::Shown(json!({ "imageTagMutability": "MUTABLE" }))
    }

    fn made(plan: &Plan) -> Vec<&str> {
        plan.calls.iter().map(|call| call.operation.name()).collect()
    }

    #[test]
    fn plan_creates_only_what_is_missing() {
        assert_eq!(plan(&request(), &snapshot(mutable())).calls, []);
        let calls = plan(&request(), &snapshot(Existing::Missing)).calls;
        assert_eq!(
            calls[0].body,
            json!({ "repositoryName": "web", "imageTagMutability": "IMMUTABLE",
                "imageScanningConfiguration": { "scanOnPush": true } })
        );
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn plan_leaves_settings_alone_unless_they_are_to_be_adjusted() {
        let left = plan(&request(), &snapshot(mutable()));
        assert_eq!((left.calls.len(), left.differences.len()), (0, 1));
        let adjusted = plan(&Request { adjust: true, ..request() }, &snapshot(mutable()));
        assert_eq!((made(&adjusted), adjusted.differences.len()), (vec!["PutImageTagMutability"], 0));
    }

    #[test]
    fn plan_cannot_adjust_an_encryption() {
        let encryption = Some(Encryption { kind: "KMS".into(), key: None });
        let request =
            Request { adjust: true, create: Some(Settings { encryption, ..Settings::default() }), ..request() };
        let plan = plan(&request, &snapshot(mutable()));
        assert_eq!((plan.calls.len(), plan.differences[0].what), (0, "encryption"));
    }

    #[test]
    fn plan_names_the_account_in_every_call() {
        let request = Request {
            account: Some("1".into()),
            lifecycle_policy: Some(LIFECYCLE.into()),
            policy: Some(POLICY.into()),
            ..request()
        };
        let calls = plan(&request, &snapshot(Existing::Missing)).calls;
        assert_eq!(calls.iter().map(|call| call.body["registryId"].clone()).collect::<Vec<_>>(), ["1", "1", "1"]);
    }

    #[test]
    fn plan_sends_no_policy_that_is_there() {
        let request = Request {
            create: None,
            lifecycle_policy: Some(LIFECYCLE.into()),
            policy: Some(POLICY.into()),
            ..request()
        };
        let known = |text: &str| Seen::Known(Some(text.replace(' ', "\n")));
        let there =
            Snapshot { lifecycle_policy: known(LIFECYCLE), policy: known(POLICY), ..snapshot(Existing::Unasked) };
        assert_eq!(plan(&request, &there).calls, []);
        let other = Snapshot { policy: known(&POLICY.replace("Allow", "Deny")), ..there };
        assert_eq!(made(&plan(&request, &other)), ["SetRepositoryPolicy"]);
        let denied = Snapshot { policy: Seen::Denied("ecr:GetRepositoryPolicy".into()), ..other };
        let sent = plan(&request, &denied).calls;
        assert_eq!(sent[0].text, "Setting the policy of web, unseen: ecr:GetRepositoryPolicy is denied");
    }

    #[test]
    fn plan_of_a_public_repository_has_tags_and_no_settings() {
        let tags = vec![("team".to_owned(), "web".to_owned())];
        let create = Some(Settings { tags, scan_on_push: Some(true), ..Settings::default() });
        let calls = plan(&Request { public: true, create, ..request() }, &snapshot(Existing::Missing)).calls;
        assert_eq!(calls[0].body, json!({ "repositoryName": "web", "tags": [{ "Key": "team", "Value": "web" }] }));
    }

    #[test]
    fn encryption_never_has_an_empty_key() {
        let by = |key: Option<&str>| encryption(&Encryption { kind: "KMS".into(), key: key.map(str::to_owned) });
        assert_eq!(by(None), json!({ "encryptionType": "KMS" }));
        assert_eq!(by(Some("alias/x"))["kmsKey"], "alias/x");
    }
}
