//! Repositories: their life, their settings, their tags.

use serde_json::{Value, json};

use super::input::Input;
use super::page::page;
use super::{Answer, Ecr, named_by, no_repository};
use crate::sandbox::Refusal;
use crate::sandbox::catalog::{Change, Mutability, Repository, Settings};

const MUTABILITIES: [&str; 4] = ["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"];
const MOST_TAGS: usize = 50;

impl Ecr<'_> {
    pub(super) fn create_repository(&self, input: Input) -> Answer {
        let name = input.name("repositoryName")?;
        let mut settings = Settings::new(self.now);
        set_mutability(&mut settings, input)?;
        settings.scan_on_push = scanning(input)?;
        if let Some(encryption) = input.object("encryptionConfiguration")? {
            settings.encryption = self.encryption(encryption)?;
        }
        settings.tags = input.tags("tags")?.into_iter().collect();
        check_tags(&settings)?;
        let exists = self.site.store().catalog().repositories.contains_key(name);
        if exists {
            let account = &self.site.account;
            let message =
                format!("The repository with name '{name}' already exists in the registry with id '{account}'");
            return Err(Refusal::new("RepositoryAlreadyExistsException", message));
        }
        let shown = self.show(name, &settings);
        self.site.commit(vec![Change::Settings(name.into(), settings)])?;
        Ok(json!({ "repository": shown }))
    }

    fn encryption(&self, input: Input) -> Answer {
        let kind = input.word("encryptionType", &["AES256", "KMS", "KMS_DSSE"])?;
        let kind = kind.ok_or_else(|| Refusal::parameter("encryptionType", "Member must not be null"))?;
        let mut shown = json!({ "encryptionType": kind });
        if kind != "AES256" {
            let own = format!("arn:aws:kms:{}:{}:alias/aws/ecr", self.site.region, self.site.account);
            shown["kmsKey"] = json!(input.optional_text("kmsKey")?.unwrap_or(&own));
        }
        Ok(shown)
    }

    pub(super) fn describe_repositories(&self, input: Input) -> Answer {
        let names = input.texts("repositoryNames")?;
        if !names.is_empty() {
            let one = |name: &&str| {
                self.with_named(input, name, |name, repository| Ok(self.show(name, &repository.settings)))
            };
            let shown: Vec<Value> = names.iter().map(one).collect::<Result<_, _>>()?;
            return Ok(json!({ "repositories": shown }));
        }
        let store = self.site.store();
        let shown = |(name, repository): (&String, &Repository)| (name.clone(), self.show(name, &repository.settings));
        page(input, "repositories", store.catalog().repositories.iter().map(shown).collect(), 1000)
    }

    pub(super) fn delete_repository(&self, input: Input) -> Answer {
        let force = input.flag("force")?;
        let (name, shown) = self.with(input, |name, repository| {
            if !force && !repository.images.is_empty() {
                let account = &self.site.account;
                let message = format!(
                    "The repository with name '{name}' in registry with id '{account}' cannot be deleted because it still contains images"
                );
                return Err(Refusal::new("RepositoryNotEmptyException", message));
            }
            Ok((name.to_owned(), self.show(name, &repository.settings)))
        })?;
        self.site.commit(vec![Change::RemoveRepository(name)])?;
        Ok(json!({ "repository": shown }))
    }

    pub(super) fn put_image_tag_mutability(&self, input: Input) -> Answer {
        input.text("imageTagMutability")?;
        self.change(input, |settings| {
            set_mutability(settings, input)?;
            let mut answer = json!({ "imageTagMutability": settings.mutability });
            if !settings.exclusions.is_empty() {
                answer["imageTagMutabilityExclusionFilters"] = json!(settings.exclusions);
            }
            Ok(answer)
        })
    }

    pub(super) fn put_image_scanning(&self, input: Input) -> Answer {
        self.change(input, |settings| {
            settings.scan_on_push = scanning(input)?;
            Ok(json!({ "imageScanningConfiguration": { "scanOnPush": settings.scan_on_push } }))
        })
    }

    pub(super) fn tag_resource(&self, input: Input) -> Answer {
        let tags = input.tags("tags")?;
        self.change_tags(input, |settings| settings.tags.extend(tags))
    }

    pub(super) fn untag_resource(&self, input: Input) -> Answer {
        let keys = input.texts("tagKeys")?;
        self.change_tags(input, |settings| settings.tags.retain(|key, _| !keys.contains(&key.as_str())))
    }

    fn change_tags(&self, input: Input, edit: impl FnOnce(&mut Settings)) -> Answer {
        let (name, mut settings) = self.resource(input)?;
        edit(&mut settings);
        check_tags(&settings)?;
        self.site.commit(vec![Change::Settings(name, settings)])?;
        Ok(json!({}))
    }

    pub(super) fn list_tags(&self, input: Input) -> Answer {
        let (_, settings) = self.resource(input)?;
        let tags: Vec<_> = settings.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        Ok(json!({ "tags": tags }))
    }

    fn resource(&self, input: Input) -> Result<(String, Settings), Refusal> {
        let arn = input.text("resourceArn")?;
        let store = self.site.store();
        let name =
            named_by(arn, store.catalog()).filter(|name| self.site.arn(name) == arn).ok_or_else(|| absent(arn))?;
        Ok((name.to_owned(), store.catalog().repositories[name].settings.clone()))
    }

    pub(super) fn show(&self, name: &str, settings: &Settings) -> Value {
        let mut shown = json!({
            "repositoryArn": self.site.arn(name),
            "registryId": self.site.account,
            "repositoryName": name,
            "repositoryUri": format!("127.0.0.1:{}/{name}", self.site.port),
            "createdAt": settings.created_at,
            "imageTagMutability": settings.mutability,
            "imageScanningConfiguration": { "scanOnPush": settings.scan_on_push },
            "encryptionConfiguration": settings.encryption,
        });
        if !settings.exclusions.is_empty() {
            shown["imageTagMutabilityExclusionFilters"] = json!(settings.exclusions);
        }
        shown
    }
}

/// The repository that an ARN names, in the account that it names.
fn absent(arn: &str) -> Refusal {
    let name = arn.split_once(":repository/").map_or(arn, |(_, name)| name);
    no_repository(name, arn.split(':').nth(4).unwrap_or_default())
}

fn scanning(input: Input) -> Result<bool, Refusal> {
    input.object("imageScanningConfiguration")?.map_or(Ok(false), |scanning| scanning.flag("scanOnPush"))
}

fn set_mutability(settings: &mut Settings, input: Input) -> Result<(), Refusal> {
    const FILTERS: &str = "imageTagMutabilityExclusionFilters";
    let word = input.word("imageTagMutability", &MUTABILITIES)?.unwrap_or("MUTABLE");
    let mutability: Mutability = serde_json::from_value(json!(word)).expect("the word was checked");
    let filters = input.list(FILTERS)?;
    let excluding = word.ends_with("_WITH_EXCLUSION");
    if excluding == filters.is_empty() || filters.len() > 5 {
        let rule = match excluding {
            true => "1 to 5 filters must be given for this imageTagMutability",
            false => "filters may be given for IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION only",
        };
        return Err(Refusal::parameter(FILTERS, rule));
    }
    for filter in filters {
        Input::new(filter).word("filterType", &["WILDCARD"])?;
        let text = Input::new(filter).text("filter")?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"._*-".contains(&b);
        if text.is_empty() || text.len() > 128 || !text.bytes().all(legal) || text.matches('*').count() > 2 {
            return Err(Refusal::parameter("filter", "must satisfy regular expression '^[0-9a-zA-Z._*-]{1,128}$'"));
        }
    }
    (settings.mutability, settings.exclusions) = (mutability, filters.to_vec());
    Ok(())
}

fn check_tags(settings: &Settings) -> Result<(), Refusal> {
    match settings.tags.len() > MOST_TAGS {
        true => Err(Refusal::new("TooManyTagsException", format!("A resource has at most {MOST_TAGS} tags"))),
        false => Ok(()),
    }
}
