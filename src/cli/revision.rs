//! Flags that say which task definition to start from and what to change in it; `update-task-definition` and
//! `deploy-service-update` have them.

use clap::Args;

use super::Job;
use super::exit::Failure;
use super::values::Template;
use crate::config::substitute;
use crate::deploy::{self, Family, SubstError, Tag, Texts, Updates, parse_tags};
use crate::report::Explain;

#[derive(Debug, Args)]
#[command(next_help_heading = "The task definition")]
pub struct RevisionArgs {
    /// Family of the task definition, e.g. shop
    #[arg(long, value_name = "FAMILY")]
    pub family: String,
    /// New images, e.g. container=web,image-and-tag=$HOST/shop:$CIRCLE_SHA1
    ///
    /// For each container one of image-and-tag=REFERENCE, image=REPOSITORY (keeps the tag) or tag=TAG (keeps the
    /// repository). Variables are replaced after the text has been taken apart, so that a comma in a branch's name
    /// stays a comma.
    #[arg(long, value_name = "UPDATES")]
    pub container_image_name_updates: Option<Template>,
    /// New environment variables, e.g. container=web,name=VERSION,value=$CIRCLE_SHA1
    #[arg(long, value_name = "UPDATES")]
    pub container_env_var_updates: Option<Template>,
    /// New secrets, e.g. container=web,name=PASSWORD,valueFrom=arn:aws:ssm:eu-west-1:123456789012:parameter/pw
    #[arg(long, value_name = "UPDATES")]
    pub container_secret_updates: Option<Template>,
    /// New Docker labels, e.g. container=web,com.datadoghq.tags.version=$CIRCLE_SHA1
    #[arg(long, value_name = "UPDATES")]
    pub container_docker_label_updates: Option<Template>,
    /// Resource tags of the new revision, e.g. "key=team,value=web key=stage,value=prod", or as JSON
    #[arg(long, value_name = "TAGS")]
    pub task_definition_tags: Option<Template>,
    /// Revision to start from, e.g. 41 [default: the latest active one]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub previous_revision_number: Option<u32>,
}

/// A revision as the user means it.
pub struct Revision {
    pub family: Family,
    pub updates: Updates,
    pub tags: Vec<Tag>,
}

impl RevisionArgs {
    /// Takes the small languages apart, then replaces the variables in each of their values.
    pub fn into_revision(self, job: &Job) -> Result<Revision, Failure> {
        let text = |template: &'_ Option<Template>| template.as_ref().map(|t| t.0.clone()).unwrap_or_default();
        let (images, env) = (text(&self.container_image_name_updates), text(&self.container_env_var_updates));
        let (secrets, labels) = (text(&self.container_secret_updates), text(&self.container_docker_label_updates));
        let texts = Texts { images: &images, env: &env, secrets: &secrets, labels: &labels };
        let expand = |text: &str| expand(job, text);
        Ok(Revision {
            family: Family::parse(&self.family, self.previous_revision_number.map(u64::from))?,
            updates: Updates::parse(texts, &expand).map_err(deploy::Error::from)?,
            tags: parse_tags(&text(&self.task_definition_tags), &expand)?,
        })
    }
}

/// Replaces the variables in a text that has been taken apart.
pub fn expand(job: &Job, text: &str) -> Result<String, SubstError> {
    substitute(text, &job.env).map_err(|why| SubstError { hint: why.hint(), message: why.to_string() })
}
