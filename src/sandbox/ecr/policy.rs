//! Repository policies: texts that are kept and shown. They grant and deny nothing here; a rule with `deny` does.

use serde_json::{Value, json};

use super::input::Input;
use super::{Answer, Ecr};
use crate::sandbox::Refusal;

impl Ecr<'_> {
    pub(super) fn set_repository_policy(&self, input: Input) -> Answer {
        let text = input.text("policyText")?;
        check(text)?;
        self.change(input, |settings| {
            settings.policy = Some(text.into());
            Ok(json!({ "policyText": text }))
        })
    }

    pub(super) fn get_repository_policy(&self, input: Input) -> Answer {
        let (name, text) = self.with(input, |name, repository| {
            let text = repository.settings.policy.clone().ok_or_else(|| self.none(name))?;
            Ok((name.to_owned(), text))
        })?;
        Ok(json!({ "registryId": self.site.account, "repositoryName": name, "policyText": text }))
    }

    pub(super) fn delete_repository_policy(&self, input: Input) -> Answer {
        let name = input.name("repositoryName")?;
        self.change(input, |settings| {
            let text = settings.policy.take().ok_or_else(|| self.none(name))?;
            Ok(json!({ "policyText": text }))
        })
    }

    fn none(&self, name: &str) -> Refusal {
        let account = &self.site.account;
        let message = format!(
            "Repository policy does not exist for the repository with name '{name}' in the registry with id '{account}'"
        );
        Refusal::new("RepositoryPolicyNotFoundException", message)
    }
}

fn check(text: &str) -> Result<(), Refusal> {
    let policy: Option<Value> = serde_json::from_str(text).ok();
    let statements = policy.as_ref().and_then(|policy| policy.get("Statement"));
    match statements.is_some_and(|statements| statements.is_array() || statements.is_object()) {
        true if text.len() <= 10_240 => Ok(()),
        _ => Err(Refusal::parameter("PolicyText", "Invalid repository policy provided")),
    }
}
