//! Flags that change something in a task definition: the orb's four strings, and flags that change one thing each.

use clap::Args;

use super::Job;
use super::exit::Failure;
use super::values::Template;
use crate::config::substitute;
use crate::deploy::{self, Flags, SubstError, Tag, Texts, Updates, parse_tags};
use crate::report::Explain;

#[derive(Debug, Default, Args)]
pub struct EditArgs {
    #[command(flatten)]
    pub strings: StringArgs,
    #[command(flatten)]
    pub names: NameArgs,
    #[command(flatten)]
    pub task: TaskArgs,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Changes, as the orb writes them")]
pub struct StringArgs {
    /// New images, e.g. container=web,image-and-tag=$HOST/shop:$CIRCLE_SHA1
    ///
    /// For each container one of image-and-tag=REFERENCE, image=REPOSITORY (keeps the tag) or tag=TAG (keeps the
    /// repository). Variables are replaced after the text has been taken apart, so that a comma in a branch's name
    /// stays a comma.
    #[arg(long, value_name = "UPDATES")]
    pub container_image_name_updates: Option<Template>,
    /// New environment variables, e.g. container=web,name=VERSION,value=$CIRCLE_SHA1
    ///
    /// A value with a comma in it stands in quotes with its key, container=web,name=COLOURS,"value=red,green", or in
    /// JSON: [{"container": "web", "name": "COLOURS", "value": "red,green"}]. So it is in all four strings.
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
}

/// Each may be repeated.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Changes, one a flag (CONTAINER may be left out where there is but one)")]
pub struct NameArgs {
    /// New image, e.g. web=$IMAGE; web=:v2 keeps the repository
    #[arg(long, value_name = "CONTAINER=IMAGE")]
    pub image: Vec<Template>,
    /// Environment variable, e.g. web:COLOURS=red,green; takes the name out of the secrets
    #[arg(long, value_name = "CONTAINER:NAME=VALUE")]
    pub env: Vec<Template>,
    /// Secret, by ARN or by its parameter's name, e.g. web:PASSWORD=/shop/password; takes the name out of the variables
    #[arg(long, value_name = "CONTAINER:NAME=ARN")]
    pub secret: Vec<Template>,
    /// Docker label, e.g. web:team=shop
    #[arg(long, value_name = "CONTAINER:KEY=VALUE")]
    pub label: Vec<Template>,
    /// Take an environment variable away
    #[arg(long, value_name = "CONTAINER:NAME")]
    pub remove_env: Vec<Template>,
    /// Take a secret away
    #[arg(long, value_name = "CONTAINER:NAME")]
    pub remove_secret: Vec<Template>,
    /// Take a Docker label away
    #[arg(long, value_name = "CONTAINER:KEY")]
    pub remove_label: Vec<Template>,
    /// Take every environment variable away that is not given here
    #[arg(long, value_name = "CONTAINER")]
    pub replace_env: Vec<Template>,
    /// Take every secret away that is not given here
    #[arg(long, value_name = "CONTAINER")]
    pub replace_secrets: Vec<Template>,
    /// Take every Docker label away that is not given here
    #[arg(long, value_name = "CONTAINER")]
    pub replace_labels: Vec<Template>,
    /// What the container runs, as JSON, e.g. web='["sh","-c","serve"]'; [] is what the image runs
    #[arg(long, value_name = "CONTAINER=JSON")]
    pub command: Vec<Template>,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Changes to the task")]
pub struct TaskArgs {
    /// CPU units of the task, e.g. 512 or 0.5vCPU, or of a container, e.g. web=256
    #[arg(long, value_name = "[CONTAINER=]UNITS")]
    pub cpu: Vec<Template>,
    /// Memory of the task in MiB, e.g. 1024 or 1GB, or of a container, e.g. web=512
    #[arg(long, value_name = "[CONTAINER=]MIB")]
    pub memory: Vec<Template>,
    /// Role that the containers have, by ARN or name
    #[arg(long, value_name = "ARN")]
    pub task_role_arn: Option<String>,
    /// Role that ECS pulls images and reads secrets with, by ARN or name
    #[arg(long, value_name = "ARN")]
    pub execution_role_arn: Option<String>,
}

impl EditArgs {
    /// Takes the small languages apart, then replaces the variables in each of their values.
    pub fn into_updates(self, job: &Job) -> Result<(Updates, Vec<Tag>), Failure> {
        let EditArgs { strings, names, task } = self;
        let text = |template: &Option<Template>| template.as_ref().map(|t| t.0.clone()).unwrap_or_default();
        let (images, env) = (text(&strings.container_image_name_updates), text(&strings.container_env_var_updates));
        let secrets = text(&strings.container_secret_updates);
        let labels = text(&strings.container_docker_label_updates);
        let texts = Texts { images: &images, env: &env, secrets: &secrets, labels: &labels };
        let expand = |text: &str| expand(job, text);
        let updates = Updates::parse(texts, &expand).and_then(|updates| updates.with(&flags(names, task), &expand));
        let tags = parse_tags(&text(&strings.task_definition_tags), &expand)?;
        Ok((updates.map_err(deploy::Error::from)?, tags))
    }
}

/// What the flags of one change each say, as the edits take them.
pub fn flags(names: NameArgs, task: TaskArgs) -> Flags {
    let texts = |templates: Vec<Template>| templates.into_iter().map(|template| template.0).collect();
    Flags {
        image: texts(names.image),
        env: texts(names.env),
        secret: texts(names.secret),
        label: texts(names.label),
        remove_env: texts(names.remove_env),
        remove_secret: texts(names.remove_secret),
        remove_label: texts(names.remove_label),
        replace_env: texts(names.replace_env),
        replace_secrets: texts(names.replace_secrets),
        replace_labels: texts(names.replace_labels),
        command: texts(names.command),
        cpu: texts(task.cpu),
        memory: texts(task.memory),
        task_role: task.task_role_arn,
        execution_role: task.execution_role_arn,
    }
}

/// Replaces the variables in a text that has been taken apart.
pub fn expand(job: &Job, text: &str) -> Result<String, SubstError> {
    substitute(text, &job.env).map_err(|why| SubstError { hint: why.hint(), message: why.to_string() })
}
