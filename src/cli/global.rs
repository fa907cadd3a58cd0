//! Flags that every subcommand has.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::period;
use crate::config::Given;
use crate::output::Verbosity;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// AWS region, e.g. eu-central-1 [default: $AWS_REGION, $AWS_DEFAULT_REGION, the profile's]
    #[arg(long, global = true, value_name = "REGION", value_delimiter = ',', alias = "aws-region")]
    pub region: Vec<String>,
    /// Profile of ~/.aws/config, e.g. production [default: $AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME", alias = "profile-name")]
    pub profile: Option<String>,
    /// Role to take on, e.g. arn:aws:iam::123456789012:role/deploy
    ///
    /// Taken on with the CI system's OIDC token where there is one (CircleCI, GitHub Actions with "id-token: write",
    /// GitLab with an id_token named DOCKLESS_OIDC_TOKEN), else with the credentials at hand.
    #[arg(long, global = true, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Name of the role's session, as CloudTrail shows it [default: dockless-REPOSITORY-RUN]
    #[arg(long, global = true, value_name = "NAME")]
    pub role_session_name: Option<String>,
    /// How long the role's credentials are good for, e.g. 3600 or 1h [default: 1h]
    #[arg(long, global = true, value_name = "TIME", value_parser = period)]
    pub session_duration: Option<Duration>,
    /// Talk to this address instead of AWS, e.g. http://127.0.0.1:4566
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// PEM file of certificate authorities to trust besides the system's, e.g. /etc/ssl/company.pem
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// How to show things: for people, for logs, or for programs [default: auto]
    ///
    /// With json, stdout is one JSON document and stderr one JSON object a line.
    #[arg(long, global = true, value_name = "FORM", ignore_case = true)]
    pub output: Option<Output>,
    /// Show what would be done, and do nothing
    #[arg(long, global = true)]
    pub dry_run: Option<bool>,
    /// Give up after this time, e.g. 90, 90s, 10m or 1h30m
    ///
    /// What was promised for that case is still done: --rollback-on-failure, --stop-on-timeout, and why it failed.
    /// That takes a minute at most.
    #[arg(long, global = true, value_name = "TIME", value_parser = period)]
    pub timeout: Option<Duration>,
    /// Show requests and retries too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Show warnings and errors only
    #[arg(short, long, global = true)]
    pub quiet: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// terminal where people watch, else plain
    Auto,
    /// one line per change, no colours
    Plain,
    Json,
}

impl Global {
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (Some(true), _) => Verbosity::Quiet,
            (_, 0) => Verbosity::Normal,
            _ => Verbosity::Verbose,
        }
    }

    pub fn given(self) -> Given {
        Given {
            regions: self.region,
            profile: self.profile,
            role_arn: self.role_arn,
            role_session_name: self.role_session_name,
            session_duration: self.session_duration,
            endpoint_url: self.endpoint_url,
            ca_bundle: self.ca_bundle,
            timeout: self.timeout,
            dry_run: self.dry_run.unwrap_or_default(),
        }
    }
}
