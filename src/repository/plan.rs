//! Which calls make the repository what was asked for. Pure.

use serde_json::{Value, json};

use super::{Error, Request, Settings, Snapshot};
use crate::aws::ecr::Operation;

/// The calls to make, in order; none if all is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    pub calls: Vec<Call>,
}

/// One call to ECR's API.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub operation: Operation,
    pub body: Value,
    /// What it does, for people.
    pub text: String,
}

pub fn plan(request: &Request, snapshot: &Snapshot) -> Result<Plan, Error> {
    let name = &request.name;
    let mut calls = Vec::new();
    if let (Some(settings), false) = (&request.create, snapshot.exists) {
        let body = create(name, settings)?;
        calls.push(Call { operation: Operation::CreateRepository, body, text: format!("Creating repository {name}") });
    }
    if let Some(text) = &request.lifecycle_policy {
        check(name, "the lifecycle policy", text)?;
        let body = json!({ "repositoryName": name, "lifecyclePolicyText": text });
        let text = format!("Setting the lifecycle policy of {name}");
        calls.push(Call { operation: Operation::PutLifecyclePolicy, body, text });
    }
    if let Some(text) = &request.policy {
        check(name, "the policy", text)?;
        let body = json!({ "repositoryName": name, "policyText": text });
        calls.push(Call {
            operation: Operation::SetRepositoryPolicy,
            body,
            text: format!("Setting the policy of {name}"),
        });
    }
    for call in &mut calls {
        if let Some(account) = &request.account {
            call.body["registryId"] = json!(account);
        }
    }
    Ok(Plan { name: name.clone(), calls })
}

fn create(name: &str, settings: &Settings) -> Result<Value, Error> {
    let mut body = json!({
        "repositoryName": name,
        "imageTagMutability": settings.mutability,
        "imageScanningConfiguration": { "scanOnPush": settings.scan_on_push },
        "encryptionConfiguration": encryption(settings.kms_key.as_deref()),
    });
    if !settings.exclusion_filters.is_empty() {
        if !settings.mutability.ends_with("_WITH_EXCLUSION") {
            return Err(Error::Filters(settings.mutability.clone()));
        }
        let filters = settings.exclusion_filters.iter().map(|f| json!({ "filterType": "WILDCARD", "filter": f }));
        body["imageTagMutabilityExclusionFilters"] = filters.collect();
    }
    if !settings.tags.is_empty() {
        body["tags"] = settings.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    }
    Ok(body)
}

/// An empty key is left out: ECR then takes the account's own key, whereas `kmsKey: ""` is refused.
fn encryption(kms_key: Option<&str>) -> Value {
    match kms_key {
        None => json!({ "encryptionType": "AES256" }),
        Some("") => json!({ "encryptionType": "KMS" }),
        Some(key) => json!({ "encryptionType": "KMS", "kmsKey": key }),
    }
}

fn check(name: &str, what: &'static str, text: &str) -> Result<(), Error> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|why| Error::Document {
        name: name.to_owned(),
        what,
        why: why.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            scan_on_push: true,
            kms_key: None,
            mutability: "IMMUTABLE".into(),
            exclusion_filters: vec![],
            tags: vec![],
        }
    }

    fn request() -> Request {
        Request { name: "web".into(), create: Some(settings()), ..Request::default() }
    }

    #[test]
    fn plan_creates_only_what_is_missing() {
        assert_eq!(plan(&request(), &Snapshot { exists: true }).unwrap().calls, []);
        let calls = plan(&request(), &Snapshot { exists: false }).unwrap().calls;
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].body["imageTagMutability"], "IMMUTABLE");
        assert_eq!(calls[0].body.get("registryId"), None);
    }

    #[test]
    fn plan_names_the_account_in_every_call() {
        let request = Request {
            account: Some("1".into()),
            lifecycle_policy: Some("{}".into()),
            policy: Some("{}".into()),
            ..request()
        };
        let calls = plan(&request, &Snapshot { exists: false }).unwrap().calls;
        assert_eq!(calls.iter().map(|call| call.body["registryId"].clone()).collect::<Vec<_>>(), ["1", "1", "1"]);
    }

    #[test]
    fn plan_refuses_a_policy_that_is_not_json() {
        let request = Request { policy: Some("{".into()), ..request() };
        assert!(matches!(plan(&request, &Snapshot { exists: true }), Err(Error::Document { .. })));
    }

    #[test]
    fn plan_refuses_filters_without_exclusion() {
        let filtered = Settings { exclusion_filters: vec!["latest*".into()], ..settings() };
        let request = Request { create: Some(filtered), ..request() };
        assert!(matches!(plan(&request, &Snapshot { exists: false }), Err(Error::Filters(_))));
    }

    #[test]
    fn encryption_never_has_an_empty_key() {
        assert_eq!(encryption(Some("")), json!({ "encryptionType": "KMS" }));
        assert_eq!(encryption(Some("alias/x"))["kmsKey"], "alias/x");
    }
}
