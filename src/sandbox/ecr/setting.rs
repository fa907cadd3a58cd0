//! What is set for the whole registry: account settings, and the templates by which a push creates a repository.

use serde_json::{Value, json};

use super::input::{Input, check_name};
use super::page::page;
use super::{Answer, Ecr};
use crate::sandbox::Refusal;
use crate::sandbox::catalog::Change;

/// Names, their values, and what holds before anybody has chosen.
const SETTINGS: [(&str, &[&str], &str); 3] = [
    ("BASIC_SCAN_TYPE_VERSION", &["AWS_NATIVE", "CLAIR"], "AWS_NATIVE"),
    ("BLOB_MOUNTING", &["ENABLED", "DISABLED"], "DISABLED"),
    ("REGISTRY_POLICY_SCOPE", &["V1", "V2"], "V2"),
];

/// What a template may carry over from the call that makes it.
const MEMBERS: [&str; 10] = [
    "prefix",
    "description",
    "encryptionConfiguration",
    "resourceTags",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "repositoryPolicy",
    "lifecyclePolicy",
    "appliedFor",
    "customRoleArn",
];

impl Ecr<'_> {
    pub(super) fn put_account_setting(&self, input: Input) -> Answer {
        let (name, values, _) = setting(input)?;
        let value = input.text("value")?;
        if !values.contains(&value) {
            let rule = format!("Member must satisfy enum value set: [{}]", values.join(", "));
            return Err(Refusal::parameter("value", rule));
        }
        self.site.commit(vec![Change::AccountSetting(name.into(), value.into())])?;
        Ok(json!({ "name": name, "value": value }))
    }

    pub(super) fn get_account_setting(&self, input: Input) -> Answer {
        let (name, _, default) = setting(input)?;
        let store = self.site.store();
        let value = store.catalog().account_settings.get(name).map_or(default, String::as_str);
        Ok(json!({ "name": name, "value": value }))
    }

    pub(super) fn create_template(&self, input: Input) -> Answer {
        let prefix = input.text("prefix")?;
        if prefix != "ROOT" {
            check_name("prefix", prefix.trim_end_matches('/'))?;
        }
        let known = ["CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION"];
        if input.some_texts("appliedFor")?.iter().any(|what| !known.contains(what)) {
            return Err(Refusal::parameter(
                "appliedFor",
                format!("Member must satisfy enum value set: [{}]", known.join(", ")),
            ));
        }
        if self.site.store().catalog().templates.contains_key(prefix) {
            let message = format!("The repository creation template with prefix '{prefix}' already exists");
            return Err(Refusal::new("TemplateAlreadyExistsException", message));
        }
        let members = MEMBERS.iter().filter_map(|member| Some(((*member).to_owned(), input.value(member)?.clone())));
        let mut template = Value::Object(members.collect());
        template["createdAt"] = json!(self.now);
        template["updatedAt"] = json!(self.now);
        self.site.commit(vec![Change::Template(prefix.into(), Some(template.clone()))])?;
        Ok(self.shown(template))
    }

    pub(super) fn describe_templates(&self, input: Input) -> Answer {
        let prefixes = input.texts("prefixes")?;
        let store = self.site.store();
        let wanted = |prefix: &str| prefixes.is_empty() || prefixes.contains(&prefix);
        let templates = store.catalog().templates.iter().filter(|(prefix, _)| wanted(prefix));
        let entries = templates.map(|(prefix, template)| (prefix.clone(), template.clone())).collect();
        let mut answer = page(input, "repositoryCreationTemplates", entries, 1000)?;
        answer["registryId"] = json!(self.site.account);
        Ok(answer)
    }

    pub(super) fn delete_template(&self, input: Input) -> Answer {
        let prefix = input.text("prefix")?;
        let template = self.site.store().catalog().templates.get(prefix).cloned();
        let template = template.ok_or_else(|| {
            let message = format!("The repository creation template with prefix '{prefix}' does not exist");
            Refusal::new("TemplateNotFoundException", message)
        })?;
        self.site.commit(vec![Change::Template(prefix.into(), None)])?;
        Ok(self.shown(template))
    }

    fn shown(&self, template: Value) -> Value {
        json!({ "registryId": self.site.account, "repositoryCreationTemplate": template })
    }
}

fn setting(input: Input) -> Result<(&'static str, &'static [&'static str], &'static str), Refusal> {
    let name = input.text("name")?;
    let known = SETTINGS.iter().find(|(known, ..)| *known == name);
    known.copied().ok_or_else(|| {
        Refusal::new("ValidationException", format!("1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy enum value set: [BASIC_SCAN_TYPE_VERSION, BLOB_MOUNTING, REGISTRY_POLICY_SCOPE]"))
    })
}
