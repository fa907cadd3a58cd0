//! Flags that say what an image is made of and how it runs; `build` and `build-and-push` have them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::error::Error;
use super::place::Base;
use super::values::{Created, Owner, Pair, created, owner, ports};
use crate::image::Platform;

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
    /// Without it, a jar gets a Java runtime of the version that it was compiled for, anything else gets scratch.
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
    #[arg(long, value_name = "UID[:GID]", value_parser = owner)]
    pub chown: Option<Owner>,
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

/// Files to put in: all of `source`, at `destination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub source: PathBuf,
    /// Absolute, in the image.
    pub destination: String,
}

/// An image as the user means it.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub jar: Option<PathBuf>,
    pub binary: Option<PathBuf>,
    pub files: Vec<Mapping>,
    /// None: what suits the content.
    pub from: Option<Base>,
    pub platform: Platform,
    pub mode: Mode,
    pub owner: Option<Owner>,
    pub jvm_flags: Vec<String>,
    /// None: not given.
    pub program_args: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub environment: Vec<Pair>,
    pub labels: Vec<Pair>,
    /// `8080/tcp`
    pub ports: Vec<String>,
    pub volumes: Vec<String>,
    pub user: Option<String>,
    pub working_directory: Option<String>,
    /// None: 1970.
    pub created: Option<Created>,
    pub format: Format,
    pub cache: Option<PathBuf>,
    pub metadata_out: Option<PathBuf>,
}

impl ImageArgs {
    pub fn into_image(self) -> Result<Image, Error> {
        let ImageArgs { content, runtime, form } = self;
        let platform = content.platform.as_deref().map(str::parse).transpose();
        let ports = runtime.expose.iter().map(|text| {
            ports(text).map_err(|_| Error::Value {
                flag: "--expose",
                value: text.clone(),
                wanted: "PORT[-PORT][/tcp|/udp]",
            })
        });
        let given = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        Ok(Image {
            files: content.files.iter().map(|text| mapping(text)).collect::<Result<_, _>>()?,
            from: content.from.as_deref().map(|text| Base::parse("--from", text)).transpose()?,
            platform: platform.map_err(|why| Error::Image { flag: "--platform", why })?.unwrap_or_default(),
            ports: ports.collect::<Result<Vec<_>, _>>()?.concat(),
            jar: content.jar,
            binary: content.binary,
            mode: content.mode.unwrap_or_default(),
            owner: content.chown,
            jvm_flags: runtime.jvm_flags,
            program_args: given(runtime.program_args),
            entrypoint: given(runtime.entrypoint),
            environment: runtime.environment,
            labels: runtime.labels,
            volumes: runtime.volumes,
            user: runtime.user,
            working_directory: runtime.working_directory,
            created: form.creation_time,
            format: form.image_format.unwrap_or_default(),
            cache: form.cache_dir,
            metadata_out: form.image_metadata_out,
        })
    }
}

/// Split at the last colon, since a destination has none and a source may.
fn mapping(text: &str) -> Result<Mapping, Error> {
    match text.rsplit_once(':') {
        Some((source, destination)) if !source.is_empty() && destination.starts_with('/') => {
            Ok(Mapping { source: source.into(), destination: destination.into() })
        }
        _ => Err(Error::Value { flag: "--files", value: text.into(), wanted: "SRC:DEST with an absolute DEST" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_splits_at_the_last_colon() {
        let mapping = mapping("a:b/static:/srv/www/").unwrap();
        assert_eq!((mapping.source.to_str(), mapping.destination.as_str()), (Some("a:b/static"), "/srv/www/"));
    }

    #[test]
    fn mapping_without_an_absolute_destination_is_refused() {
        for text in ["static", "static:srv", ":/srv", "static:"] {
            assert!(mapping(text).unwrap_err().to_string().starts_with("--files: "), "{text}");
        }
    }
}
