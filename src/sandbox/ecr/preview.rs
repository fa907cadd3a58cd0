//! Lifecycle policies as the API has them, and previews of what one would do. A preview is complete at once; the
//! policies themselves are not carried out, so a rehearsal never loses an image behind one's back.

use serde_json::{Value, json};

use super::input::Input;
use super::lifecycle::{Policy, Verdict};
use super::page::page;
use super::{Answer, Ecr};
use crate::sandbox::Refusal;
use crate::sandbox::catalog::Repository;

impl Ecr<'_> {
    pub(super) fn put_lifecycle_policy(&self, input: Input) -> Answer {
        let text = input.text("lifecyclePolicyText")?;
        parse(text)?;
        self.change(input, |settings| {
            settings.lifecycle = Some(text.into());
            Ok(json!({ "lifecyclePolicyText": text }))
        })
    }

    pub(super) fn get_lifecycle_policy(&self, input: Input) -> Answer {
        let (name, text) = self.with(input, |name, repository| {
            let text = repository.settings.lifecycle.clone().ok_or_else(|| self.no_policy(name))?;
            Ok((name.to_owned(), text))
        })?;
        Ok(json!({ "registryId": self.site.account, "repositoryName": name, "lifecyclePolicyText": text }))
    }

    pub(super) fn delete_lifecycle_policy(&self, input: Input) -> Answer {
        let name = input.name("repositoryName")?;
        self.change(input, |settings| {
            let text = settings.lifecycle.take().ok_or_else(|| self.no_policy(name))?;
            Ok(json!({ "lifecyclePolicyText": text }))
        })
    }

    pub(super) fn start_preview(&self, input: Input) -> Answer {
        let name = input.name("repositoryName")?;
        let given = input.optional_text("lifecyclePolicyText")?;
        given.map(parse).transpose()?;
        self.change(input, |settings| {
            let text = given.map(str::to_owned).or_else(|| settings.lifecycle.clone());
            let text = text.ok_or_else(|| self.no_policy(name))?;
            settings.preview = Some(text.clone());
            Ok(json!({ "lifecyclePolicyText": text, "status": "IN_PROGRESS" }))
        })
    }

    pub(super) fn get_preview(&self, input: Input) -> Answer {
        let status = match input.object("filter")? {
            Some(filter) => filter.word("tagStatus", &["TAGGED", "UNTAGGED", "ANY"])?,
            None => None,
        };
        let wanted = input.image_ids("imageIds")?;
        self.with(input, |name, repository| {
            let text = repository.settings.preview.as_ref().ok_or_else(|| self.no_preview(name))?;
            let verdicts = parse(text)?.evaluate(repository, self.now);
            let expiring = verdicts.iter().filter(|verdict| verdict.expires).count();
            let asked = |verdict: &&Verdict| {
                let tags = repository.tags_of(&verdict.digest);
                let named = wanted.iter().any(|id| {
                    id.digest.as_deref() == Some(verdict.digest.as_str())
                        || id.tag.as_deref().is_some_and(|tag| tags.contains(&tag))
                });
                let fits = match status {
                    Some("TAGGED") => !tags.is_empty(),
                    Some("UNTAGGED") => tags.is_empty(),
                    _ => true,
                };
                fits && (wanted.is_empty() || named)
            };
            let shown = verdicts.iter().filter(asked).enumerate();
            let shown = shown.map(|(at, verdict)| (format!("{at:09}"), show(repository, verdict)));
            let mut answer = page(input, "previewResults", shown.collect(), 100)?;
            answer["registryId"] = json!(self.site.account);
            answer["repositoryName"] = json!(name);
            answer["lifecyclePolicyText"] = json!(text);
            answer["status"] = json!("COMPLETE");
            let moving = verdicts.len() - expiring;
            answer["summary"] = json!({ "expiringImageTotalCount": expiring });
            if moving > 0 {
                let total = json!([{ "targetStorageClass": "ARCHIVE", "imageTotalCount": moving }]);
                answer["summary"]["transitioningImageTotalCounts"] = total;
            }
            Ok(answer)
        })
    }

    fn no_policy(&self, name: &str) -> Refusal {
        let account = &self.site.account;
        let message = format!(
            "Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{account}'"
        );
        Refusal::new("LifecyclePolicyNotFoundException", message)
    }

    fn no_preview(&self, name: &str) -> Refusal {
        let account = &self.site.account;
        let message = format!(
            "Lifecycle policy preview does not exist for the repository with name '{name}' in the registry with id '{account}'"
        );
        Refusal::new("LifecyclePolicyPreviewNotFoundException", message)
    }
}

fn parse(text: &str) -> Result<Policy, Refusal> {
    let invalid =
        |why: String| Refusal::parameter("LifecyclePolicyText", format!("Lifecycle policy validation failure: {why}"));
    if text.len() < 100 || text.len() > 30_720 {
        return Err(invalid("it has 100 to 30720 characters".into()));
    }
    Policy::parse(text).map_err(invalid)
}

fn show(repository: &Repository, verdict: &Verdict) -> Value {
    let action = match verdict.expires {
        true => json!({ "type": "EXPIRE" }),
        false => json!({ "type": "TRANSITION", "targetStorageClass": "ARCHIVE" }),
    };
    json!({
        "imageTags": repository.tags_of(&verdict.digest),
        "imageDigest": verdict.digest,
        "imagePushedAt": repository.images.get(&verdict.digest).map(|image| image.pushed_at),
        "action": action,
        "appliedRulePriority": verdict.priority,
        "storageClass": "STANDARD",
    })
}
