//! `tag-image`: more tags for an image that is in a registry already; nothing is pulled, and the digest stays.

use clap::Args;
use serde_json::{Value, json};

use super::Job;
use super::error::Error;
use super::exit::{Done, Failure};
use super::published::{exports, skipped};
use super::target::{RegistryArgs, Target};
use super::workshop::{Destination, Workshop};
use crate::aws::host::PUBLIC_REGISTRY;
use crate::build::{self, Retag, Step};
use crate::config::Settings;
use crate::image::media_type::Format;
use crate::image::{Digest, EcrHost, Reference, Repository};
use crate::layer::Level;
use crate::report::{Outcome, Report};
use crate::repository::{self, Mutability};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dockless tag-image --repo team/shop --source-tag '$CIRCLE_SHA1' --target-tag 'production,v1.4.0'
  dockless tag-image --repo team/shop --source-tag sha256:5f2c1d7e… --target-tag latest --skip-when-tags-exist

The manifest's bytes are not touched, so the tags name the same digest, of an index as of an image. A tag that names
it already is left alone. Where a tag would have to be moved that is immutable, none is set.")]
pub struct TagImage {
    /// Repository in the registry, e.g. team/shop
    #[arg(long, value_name = "NAME", help_heading = "Which image")]
    pub repo: String,
    /// Tag or digest that the image has, e.g. ${CIRCLE_SHA1:0:7}
    #[arg(long, value_name = "TAG", help_heading = "Which image")]
    pub source_tag: String,
    /// Tags that it is to have, e.g. production,v1.4.0 [default: latest]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Which image")]
    pub target_tag: Vec<String>,
    /// Leave tags alone that exist, whatever image they name
    #[arg(long, help_heading = "Which image")]
    pub skip_when_tags_exist: Option<bool>,
    /// Alias of the public registry, e.g. a1b2c3d4 [default: $AWS_ECR_PUBLIC_REGISTRY_ALIAS]
    #[arg(long, value_name = "ALIAS", help_heading = "Registry")]
    pub public_registry_alias: Option<String>,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Tags as the user means them.
#[derive(Debug)]
struct Request {
    source: Source,
    target: Target,
    skip_when_tags_exist: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Tag(String),
    Digest(Digest),
}

impl Source {
    fn parse(text: String) -> Result<Self, Error> {
        let refuse = |why| Error::Image { flag: "--source-tag", why };
        if text.contains(':') {
            return text.parse().map(Source::Digest).map_err(refuse);
        }
        crate::image::validate_tag(&text).map_err(refuse)?;
        Ok(Source::Tag(text))
    }

    fn at(&self, repository: &Repository) -> Result<Reference, crate::image::Error> {
        match self {
            Source::Tag(tag) => repository.tagged(tag),
            Source::Digest(digest) => Ok(repository.at(digest)),
        }
    }
}

impl TagImage {
    fn into_request(self, settings: &Settings) -> Result<Request, Error> {
        let registry = self.registry.into_registry(settings)?;
        let tags = ("--target-tag", self.target_tag);
        Ok(Request {
            source: Source::parse(self.source_tag)?,
            target: Target::repository(self.repo, self.public_registry_alias, registry, tags, settings)?,
            skip_when_tags_exist: self.skip_when_tags_exist.unwrap_or_default(),
        })
    }

    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let request = self.into_request(&job.settings)?;
        let workshop = Workshop::open(job, Format::default(), Level::default(), None)?;
        let account = request.target.account();
        let mut destinations = workshop.destinations(request.target).await?;
        let mut left = Vec::new();
        if request.skip_when_tags_exist {
            left = workshop.drop_present(&mut destinations).await?;
        }
        let Some(Destination::Registry(repository, tags)) = destinations.first() else {
            return Ok(skipped(&left).into());
        };
        let source = request.source.at(repository)?;
        job.events.step(format!("Tagging {source}"));
        let sighting = build::sight(&workshop.client, &source, tags).await?;
        let mutability = match sighting.moves() {
            true => mutability(&workshop, repository, account).await?,
            false => None,
        };
        let retag = sighting.plan(|tag| mutability.as_ref().is_some_and(|mutability| mutability.fixes(tag)))?;
        if job.settings.dry_run {
            return Ok(planned(&retag, &left).into());
        }
        build::set_tags(&workshop.client, &retag, &job.events).await?;
        Ok(report(&retag, &left).into())
    }
}

/// Which tags may be moved, if ECR says so. Elsewhere the registry itself has to refuse.
async fn mutability(
    workshop: &Workshop,
    repository: &Repository,
    account: Option<String>,
) -> Result<Option<Mutability>, Failure> {
    let host = EcrHost::parse(&repository.registry);
    if repository.registry == PUBLIC_REGISTRY || (host.is_none() && !workshop.logins.is_emulated()) {
        return Ok(None);
    }
    let account = account.or(host.map(|host| host.account));
    let ecr = workshop.logins.ecr(&repository.registry).await?;
    Ok(repository::observe_mutability(&ecr, &repository.name, account.as_deref()).await?)
}

fn report(retag: &Retag, left: &[Reference]) -> Report {
    let digest = &retag.image.descriptor.digest;
    let lines: Vec<String> = retag.tags.iter().map(|(tag, _)| tag.pinned(digest).to_string()).collect();
    let kept = retag.tags.iter().filter(|(_, step)| *step == Step::Keep).count();
    let set = retag.tags.len() - kept;
    Report {
        outcome: if set == 0 { Outcome::NothingToDo } else { Outcome::Succeeded },
        document: json!({ "digest": digest, "references": lines, "tags": fates(retag, left) }),
        exports: exports(lines.first(), digest.as_str()),
        summary: match set {
            0 => "Nothing to do: the tags name this very image.".into(),
            _ => format!("Tags: {set} set, {kept} were there, {} left alone.", left.len()),
        },
        lines,
    }
}

fn planned(retag: &Retag, left: &[Reference]) -> Report {
    let digest = &retag.image.descriptor.digest;
    let line = |(tag, step): &(Reference, Step)| match step {
        Step::Keep => format!("- `{tag}` is there."),
        Step::Set => format!("- Would set `{tag}`."),
        Step::Move(from) => format!("- Would move `{tag}` from {from}."),
    };
    let mut lines = vec![format!("Image {digest}")];
    lines.extend(retag.tags.iter().map(line));
    lines.extend(left.iter().map(|tag| format!("- `{tag}` exists, and would be left alone.")));
    let document = json!({ "digest": digest, "references": [], "tags": fates(retag, left) });
    Report { outcome: Outcome::Planned, lines: vec![], document, exports: vec![], summary: lines.join("\n") }
}

/// Each tag, and what becomes of it.
fn fates(retag: &Retag, left: &[Reference]) -> Value {
    let fate = |(tag, step): &(Reference, Step)| match step {
        Step::Keep => json!({ "tag": tag.version(), "how": "present" }),
        Step::Set => json!({ "tag": tag.version(), "how": "set" }),
        Step::Move(from) => json!({ "tag": tag.version(), "how": "moved", "from": from }),
    };
    let skipped = |tag: &Reference| json!({ "tag": tag.tag, "how": "skipped", "digest": tag.digest });
    retag.tags.iter().map(fate).chain(left.iter().map(skipped)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::target::Registry;
    use crate::config::{Env, Given};

    /// The orb's account breaks the call, and a region it has none.
    #[test]
    fn target_is_in_the_account_and_region_that_were_named() {
        let registry = RegistryArgs {
            account_id: vec!["210987654321".into()],
            account_url: None,
            public_registry: None,
            aws_domain: None,
        };
        let args = TagImage {
            repo: "team/shop".into(),
            source_tag: "v1".into(),
            target_tag: vec![],
            skip_when_tags_exist: None,
            public_registry_alias: None,
            registry,
        };
        let variables = [("AWS_REGION", "eu-west-1"), ("AWS_ACCOUNT_ID", "123456789012")];
        let settings = Settings::resolve(Given::default(), &variables.into_iter().collect::<Env>()).unwrap();
        let registry =
            Registry::Private { account: Some("210987654321".into()), region: Some("eu-west-1".into()), domain: None };
        let wanted = Target::Repository { registry, name: "team/shop".into(), tags: vec!["latest".into()] };
        assert_eq!(args.into_request(&settings).unwrap().target, wanted);
    }

    #[test]
    fn source_is_a_tag_or_a_digest() {
        let parse = |text: &str| Source::parse(text.to_owned());
        let digest = Digest::of(b"x");
        assert_eq!(parse("v1").unwrap(), Source::Tag("v1".into()));
        assert_eq!(parse(digest.as_str()).unwrap(), Source::Digest(digest));
        for wrong in ["feature/x", "sha256:12", "v1:v2"] {
            assert!(parse(wrong).unwrap_err().to_string().starts_with("--source-tag: "), "{wrong}");
        }
    }
}
