//! The API of ECR: the operations that pipelines and people use, over the same catalog as the registry. Names, errors
//! and wording are AWS's; an operation that is not here answers like one that AWS does not have.

mod image;
mod input;
mod layer;
mod lifecycle;
mod page;
mod policy;
mod preview;
mod repository;
mod setting;

use serde_json::{Value, json};

use input::Input;

use super::Refusal;
use super::catalog::{Catalog, Repository, Settings};
use super::server::Site;
use super::token::Mint;

/// One call.
pub struct Ecr<'a> {
    pub site: &'a Site,
    /// ARN.
    pub caller: &'a str,
    /// Epoch seconds.
    pub now: f64,
}

type Answer = Result<Value, Refusal>;

impl Ecr<'_> {
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        let input = Input::new(input);
        match operation {
            "GetAuthorizationToken" => self.authorization(input),
            "DescribeRegistry" => {
                Ok(json!({ "registryId": self.site.account, "replicationConfiguration": { "rules": [] } }))
            }
            "CreateRepository" => self.create_repository(input),
            "DescribeRepositories" => self.describe_repositories(input),
            "DeleteRepository" => self.delete_repository(input),
            "PutImageTagMutability" => self.put_image_tag_mutability(input),
            "PutImageScanningConfiguration" => self.put_image_scanning(input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            "ListTagsForResource" => self.list_tags(input),
            "SetRepositoryPolicy" => self.set_repository_policy(input),
            "GetRepositoryPolicy" => self.get_repository_policy(input),
            "DeleteRepositoryPolicy" => self.delete_repository_policy(input),
            "PutLifecyclePolicy" => self.put_lifecycle_policy(input),
            "GetLifecyclePolicy" => self.get_lifecycle_policy(input),
            "DeleteLifecyclePolicy" => self.delete_lifecycle_policy(input),
            "StartLifecyclePolicyPreview" => self.start_preview(input),
            "GetLifecyclePolicyPreview" => self.get_preview(input),
            "ListImages" => self.list_images(input),
            "DescribeImages" => self.describe_images(input),
            "BatchGetImage" => self.batch_get_image(input),
            "BatchDeleteImage" => self.batch_delete_image(input),
            "PutImage" => self.put_image(input),
            "ListImageReferrers" => self.list_referrers(input),
            "BatchCheckLayerAvailability" => self.check_layers(input),
            "GetDownloadUrlForLayer" => self.download_url(input),
            "InitiateLayerUpload" => self.begin_layer(input),
            "UploadLayerPart" => self.upload_part(input),
            "CompleteLayerUpload" => self.complete_layer(input),
            "PutAccountSetting" => self.put_account_setting(input),
            "GetAccountSetting" => self.get_account_setting(input),
            "CreateRepositoryCreationTemplate" => self.create_template(input),
            "DescribeRepositoryCreationTemplates" => self.describe_templates(input),
            "DeleteRepositoryCreationTemplate" => self.delete_template(input),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    /// Whoever asks by a registry's number addresses it by ECR's host, and Amazon's credential helper takes no other.
    fn authorization(&self, input: Input) -> Result<Value, Refusal> {
        let (password, expires) = self.site.store().catalog().mint.password(self.caller, self.now);
        let token = Mint::token(&password);
        let endpoint = match input.texts("registryIds")?.first() {
            Some(number) => format!("https://{number}.dkr.ecr.{}.amazonaws.com", self.site.region),
            None => self.site.url(),
        };
        Ok(json!({ "authorizationData": [
            { "authorizationToken": token, "expiresAt": expires, "proxyEndpoint": endpoint }
        ] }))
    }

    /// The repository that a call is about, for a moment.
    fn with<T>(&self, input: Input, read: impl FnOnce(&str, &Repository) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let name = input.name("repositoryName")?;
        self.with_named(input, name, read)
    }

    fn with_named<T>(
        &self,
        input: Input,
        name: &str,
        read: impl FnOnce(&str, &Repository) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let registry = input.optional_text("registryId")?.unwrap_or(&self.site.account);
        let store = self.site.store();
        let ours = registry == self.site.account;
        match store.catalog().repositories.get(name).filter(|_| ours) {
            Some(repository) => read(name, repository),
            None => Err(no_repository(name, registry)),
        }
    }

    /// Changes a repository's settings and answers with what `show` makes of them.
    fn change(&self, input: Input, edit: impl FnOnce(&mut Settings) -> Result<Value, Refusal>) -> Answer {
        let name = input.name("repositoryName")?;
        let registry = input.optional_text("registryId")?.unwrap_or(&self.site.account);
        let mut store = self.site.store();
        let repository = store.catalog().repositories.get(name).filter(|_| registry == self.site.account);
        let mut settings = repository.ok_or_else(|| no_repository(name, registry))?.settings.clone();
        let mut answer = edit(&mut settings)?;
        store.commit(vec![super::catalog::Change::Settings(name.into(), settings)])?;
        answer["registryId"] = json!(self.site.account);
        answer["repositoryName"] = json!(name);
        Ok(answer)
    }
}

fn no_repository(name: &str, registry: &str) -> Refusal {
    let message = format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
    Refusal::new("RepositoryNotFoundException", message)
}

/// The repository's name in an ARN.
fn named_by<'a>(arn: &'a str, catalog: &Catalog) -> Option<&'a str> {
    let name = arn.split_once(":repository/").filter(|_| arn.starts_with("arn:"))?.1;
    catalog.repositories.contains_key(name).then_some(name)
}
