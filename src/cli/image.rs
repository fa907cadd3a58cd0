//! Flags that say what an image is made of and how it runs; `build` and `build-and-push` have them.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};

use jiff::Timestamp;

use super::error::Error;
use super::place::base;
use super::values::{Created, Pair, created, ports};
use crate::build::{Inputs, Request, Settings};
use crate::config;
use crate::image::{Platform, media_type};
use crate::layer::Level;
use crate::source::{binary, files, jar};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("content").args(["jar", "binary", "files"]).multiple(true).required(true))]
pub struct ImageArgs {
    #[command(flatten)]
    pub content: ContentArgs,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
    #[command(flatten)]
    pub form: FormArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What goes in")]
pub struct ContentArgs {
    /// A jar or war to run, e.g. target/shop.jar; Spring Boot jars are taken apart into layers
    #[arg(long, value_name = "FILE", conflicts_with = "binary")]
    pub jar: Option<PathBuf>,
    /// A static binary to run, e.g. target/release/shop
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Files to add, e.g. static:/srv/www; may be repeated, each a layer of its own
    #[arg(long, value_name = "SRC:DEST")]
    pub files: Vec<String>,
    /// Image to build upon: scratch, an image, oci:DIR or docker-archive:FILE
    ///
    /// Without it, a jar gets a Java runtime of the version that it was compiled for, a binary gets scratch.
    /// Example: --from public.ecr.aws/docker/library/eclipse-temurin:21-jre
    #[arg(long, value_name = "IMAGE")]
    pub from: Option<String>,
    /// Platform to build for, e.g. linux/arm64 [default: linux/amd64]
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// How a jar is put in [default: exploded]
    #[arg(long, value_name = "MODE", ignore_case = true)]
    pub mode: Option<Mode>,
    /// Owner of the added files, e.g. 1000:1000 [default: 0:0]
    #[arg(long, value_name = "UID[:GID]")]
    pub chown: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "How it runs")]
pub struct RuntimeArgs {
    /// Flags for the Java machine, e.g. -Xms256m,-XX:+UseZGC
    ///
    /// As every list: separated by commas, or the flag repeated, or a JSON array: '["-Da=1,2"]'.
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub jvm_flags: Vec<String>,
    /// Arguments for the program (the image's Cmd), e.g. serve,--port,8080
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true, visible_alias = "cmd")]
    pub program_args: Vec<String>,
    /// What to run instead of what would be worked out, e.g. java,-jar,/app.jar
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub entrypoint: Vec<String>,
    /// An environment variable, e.g. SPRING_PROFILES_ACTIVE=prod; may be repeated
    ///
    /// Or several as a JSON object: '{"A":"1","B":"2"}'.
    #[arg(long = "environment-variables", value_name = "K=V", visible_alias = "env")]
    pub environment: Vec<Pair>,
    /// A label, e.g. org.opencontainers.image.revision=$CIRCLE_SHA1; may be repeated
    #[arg(long, value_name = "K=V", visible_alias = "label")]
    pub labels: Vec<Pair>,
    /// Ports that it listens on, e.g. 8080,8125/udp
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub expose: Vec<String>,
    /// Directories that are volumes, e.g. /var/lib/shop
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub volumes: Vec<String>,
    /// User to run as, e.g. 1000:1000 or nobody
    #[arg(long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Directory to run in, e.g. /srv
    #[arg(long, value_name = "DIR", alias = "workdir")]
    pub working_directory: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The image as a document")]
pub struct FormArgs {
    /// When it was made: now, milliseconds since 1970, or 2026-01-31T12:00:00Z [default: 0]
    ///
    /// With "now", no two builds give the same image.
    #[arg(long, value_name = "TIME", value_parser = created)]
    pub creation_time: Option<Created>,
    /// Which documents to write [default: oci]
    #[arg(long, value_name = "FORMAT", ignore_case = true)]
    pub image_format: Option<Format>,
    /// Where to remember layers between builds, e.g. .cache/dockless [default: ~/.cache/dockless]
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Write digest, references and tags to this JSON file, e.g. image.json
    #[arg(long, value_name = "FILE")]
    pub image_metadata_out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Mode {
    /// taken apart: dependencies, resources and classes in layers of their own
    #[default]
    Exploded,
    /// the jar as it is, its dependencies beside it
    Packaged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    #[default]
    Oci,
    Docker,
}

/// An image as the user means it.
#[derive(Debug, Clone)]
pub struct Image {
    pub build: Request,
    /// File for digest, references and tags.
    pub metadata_out: Option<PathBuf>,
}

impl ImageArgs {
    /// `now` is what `--creation-time now` means.
    pub fn into_image(self, settings: &config::Settings, now: SystemTime) -> Result<Image, Error> {
        let ImageArgs { content, runtime, form } = self;
        let created = match form.creation_time {
            Some(Created::Now) => Timestamp::try_from(now).unwrap_or_default(),
            Some(Created::At(at)) => at,
            None => Timestamp::UNIX_EPOCH,
        };
        let cache = form.cache_dir.or_else(|| settings.cache.clone());
        let build = Request {
            from: content.from.as_deref().map(base).transpose()?,
            platform: Some(platform(content.platform.as_deref())?),
            inputs: inputs(content, &runtime)?,
            settings: runtime.into_settings(created.to_string(), form.image_format.unwrap_or_default())?,
            level: Level::default(),
            cache,
        };
        Ok(Image { build, metadata_out: form.image_metadata_out })
    }
}

/// The orb takes a list here.
fn platform(text: Option<&str>) -> Result<Platform, Error> {
    if let Some(list) = text.filter(|text| text.contains(',')) {
        let what = format!("--platform names several platforms, {list}, and an image is built for one");
        return Err(Error::Missing { what, hint: "Build once for each platform, each under a tag of its own." });
    }
    let platform = text.map(str::parse).transpose().map_err(|why| Error::Image { flag: "--platform", why })?;
    Ok(platform.unwrap_or_default())
}

fn inputs(content: ContentArgs, runtime: &RuntimeArgs) -> Result<Inputs, Error> {
    let mode = match content.mode.unwrap_or_default() {
        Mode::Exploded => jar::Mode::Exploded,
        Mode::Packaged => jar::Mode::Packaged,
    };
    let options = jar::Options {
        mode,
        jvm_flags: runtime.jvm_flags.clone(),
        program_args: runtime.program_args.clone(),
        entrypoint: given(runtime.entrypoint.clone()),
        ..jar::Options::default()
    };
    let program = binary::Options { program_args: runtime.program_args.clone(), ..binary::Options::default() };
    let owner = content.chown.as_deref().map(str::parse).transpose().map_err(Error::Source)?;
    let files = content.files.iter().map(|text| text.parse());
    Ok(Inputs {
        jar: content.jar.map(|path| (path, options)),
        binary: content.binary.map(|path| (path, program)),
        files: files.collect::<Result<_, _>>().map_err(Error::Source)?,
        ownership: files::Options { owner: owner.unwrap_or_default(), ..files::Options::default() },
    })
}

impl RuntimeArgs {
    fn into_settings(self, created: String, format: Format) -> Result<Settings, Error> {
        let pairs = |pairs: Vec<Pair>| pairs.into_iter().map(|pair| (pair.name, pair.value)).collect();
        let listed = self.expose.iter().map(|text| {
            let wanted = "PORT[-PORT][/tcp|/udp]";
            ports(text).map_err(|_| Error::Value { flag: "--expose", value: text.clone(), wanted })
        });
        Ok(Settings {
            ports: listed.collect::<Result<Vec<_>, _>>()?.concat(),
            entrypoint: given(self.entrypoint),
            command: given(self.program_args),
            environment: pairs(self.environment),
            labels: pairs(self.labels),
            volumes: self.volumes,
            user: self.user,
            working_directory: self.working_directory,
            created,
            format: match format {
                Format::Oci => media_type::Format::Oci,
                Format::Docker => media_type::Format::Docker,
            },
        })
    }
}

fn given(list: Vec<String>) -> Option<Vec<String>> {
    Some(list).filter(|list| !list.is_empty())
}
