//! Flags that say which task definition to start from and what to change in it; `update-task-definition` and
//! `deploy-service-update` have them.

use clap::Args;

use super::values::Template;

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
    #[arg(long, value_name = "NUMBER")]
    pub previous_revision_number: Option<u32>,
}

impl RevisionArgs {
    /// Whether anything is to be different in the new revision.
    pub fn changes(&self) -> bool {
        let updates = [
            &self.container_image_name_updates,
            &self.container_env_var_updates,
            &self.container_secret_updates,
            &self.container_docker_label_updates,
            &self.task_definition_tags,
        ];
        updates.iter().any(|text| text.is_some())
    }
}
