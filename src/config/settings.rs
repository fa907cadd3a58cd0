//! Everything that holds for a whole run, resolved once: a flag before a variable, a variable before what CI says.
//! Each value carries its origin.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::ci::{self, Ci};
use super::{Env, Error};

/// A value and the place that said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// With its dashes: `--region`.
    Flag(&'static str),
    Variable(&'static str),
    /// Made up from what the CI system says of the job.
    Job,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Flag(name) | Origin::Variable(name) => name,
            Origin::Job => "the CI system",
        })
    }
}

/// What the flags said that every subcommand has.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub regions: Vec<String>,
    pub profile: Option<String>,
    pub role_arn: Option<String>,
    pub role_session_name: Option<String>,
    pub session_duration: Option<Duration>,
    pub endpoint_url: Option<String>,
    pub ca_bundle: Option<PathBuf>,
    pub timeout: Option<Duration>,
    pub dry_run: bool,
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// Empty when nobody named one; the profile may then know it.
    pub regions: Vec<Setting<String>>,
    pub profile: Option<Setting<String>>,
    pub role_arn: Option<Setting<String>>,
    pub role_session_name: Setting<String>,
    pub session_duration: Option<Duration>,
    pub endpoint_url: Option<Setting<String>>,
    pub ca_bundle: Option<Setting<PathBuf>>,
    pub account_id: Option<Setting<String>>,
    pub account_url: Option<Setting<String>>,
    pub public_registry_alias: Option<Setting<String>>,
    /// Directory of Docker's `config.json`; none without HOME and DOCKER_CONFIG.
    pub docker_config: Option<PathBuf>,
    /// Directory for what may be thrown away; none without HOME and XDG_CACHE_HOME.
    pub cache: Option<PathBuf>,
    pub ci: Ci,
    /// Limit for the whole run.
    pub timeout: Option<Duration>,
    pub dry_run: bool,
}

impl Settings {
    pub fn resolve(given: Given, env: &Env) -> Result<Settings, Error> {
        let ci = Ci::detect(env);
        let home = env.given("HOME").map(PathBuf::from);
        let under_home = |path: &str| home.as_ref().map(|home| home.join(path));
        Ok(Settings {
            regions: regions(given.regions, env)?,
            profile: profile(given.profile, env),
            role_arn: role(given.role_arn, &ci, env),
            role_session_name: session_name(given.role_session_name, &ci, env),
            session_duration: given.session_duration,
            endpoint_url: first(given.endpoint_url, "--endpoint-url", env, "AWS_ENDPOINT_URL"),
            ca_bundle: first(given.ca_bundle, "--ca-bundle", env, "AWS_CA_BUNDLE"),
            account_id: variable(env, "AWS_ACCOUNT_ID"),
            account_url: variable(env, "AWS_ECR_ACCOUNT_URL"),
            public_registry_alias: variable(env, "AWS_ECR_PUBLIC_REGISTRY_ALIAS"),
            docker_config: env.given("DOCKER_CONFIG").map(PathBuf::from).or_else(|| under_home(".docker")),
            cache: absolute(env, "XDG_CACHE_HOME").or_else(|| under_home(".cache")).map(|cache| cache.join("dockless")),
            ci,
            timeout: given.timeout,
            dry_run: given.dry_run,
        })
    }

    /// The one region, for commands that work in one; none leaves it to the profile.
    pub fn region(&self) -> Result<Option<&Setting<String>>, Error> {
        match self.regions.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [first, ..] => Err(Error::Regions { origin: first.origin.to_string(), count: self.regions.len() }),
        }
    }
}

fn regions(given: Vec<String>, env: &Env) -> Result<Vec<Setting<String>>, Error> {
    let regions: Vec<Setting<String>> = match given.is_empty() {
        false => given.into_iter().map(|value| Setting { value, origin: Origin::Flag("--region") }).collect(),
        true => variable(env, "AWS_REGION").or_else(|| variable(env, "AWS_DEFAULT_REGION")).into_iter().collect(),
    };
    // A region becomes part of a host name, so nothing else may come along with it.
    let legal = |region: &str| {
        region.len() <= 64
            && region
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    match regions.iter().find(|region| !legal(&region.value)) {
        Some(wrong) => Err(Error::Region { origin: wrong.origin.to_string(), value: wrong.value.clone() }),
        None => Ok(regions),
    }
}

/// The orbs' parameter says `default` when nobody gave one.
fn profile(given: Option<String>, env: &Env) -> Option<Setting<String>> {
    let named = |profile: &str| profile != "default";
    first(given.filter(|profile| named(profile)), "--profile", env, "AWS_PROFILE")
        .filter(|profile| named(&profile.value))
}

/// `AWS_ROLE_ARN` alone says little: with a token file it belongs to the SDK's own chain, and beside static keys it
/// is a leftover. It counts when the CI system's token is what there is to take the role on with.
fn role(given: Option<String>, ci: &Ci, env: &Env) -> Option<Setting<String>> {
    let token = ci.identity.is_some()
        && env.given("AWS_WEB_IDENTITY_TOKEN_FILE").is_none()
        && env.given("AWS_ACCESS_KEY_ID").is_none();
    let flag = given.map(|value| Setting { value, origin: Origin::Flag("--role-arn") });
    flag.or_else(|| variable(env, "AWS_ROLE_ARN").filter(|_| token))
}

fn session_name(given: Option<String>, ci: &Ci, env: &Env) -> Setting<String> {
    let mut setting = first(given, "--role-session-name", env, "AWS_ROLE_SESSION_NAME")
        .unwrap_or_else(|| Setting { value: ci.session_name(), origin: Origin::Job });
    setting.value = ci::legal(&setting.value);
    setting.value.truncate(64);
    match setting.value.len() {
        0 | 1 => Setting { value: ci.session_name(), origin: Origin::Job }, // STS wants two characters
        _ => setting,
    }
}

fn first<T: From<String>>(given: Option<T>, flag: &'static str, env: &Env, name: &'static str) -> Option<Setting<T>> {
    match given {
        Some(value) => Some(Setting { value, origin: Origin::Flag(flag) }),
        None => variable(env, name),
    }
}

fn variable<T: From<String>>(env: &Env, name: &'static str) -> Option<Setting<T>> {
    let value = env.given(name)?.to_owned().into();
    Some(Setting { value, origin: Origin::Variable(name) })
}

/// The XDG specification: "All paths set in these environment variables must be absolute"; others are ignored.
fn absolute(env: &Env, name: &'static str) -> Option<PathBuf> {
    env.given(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(given: Given, variables: &[(&str, &str)]) -> Settings {
        Settings::resolve(given, &variables.iter().copied().collect()).unwrap()
    }

    #[test]
    fn settings_flag_wins_over_variable() {
        let variables = [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-east-1")];
        let region =
            |given, variables: &[_]| resolve(given, variables).region().unwrap().cloned().map(|r| (r.value, r.origin));
        let given = Given { regions: vec!["eu-central-1".into()], ..Given::default() };
        assert_eq!(region(given, &variables), Some(("eu-central-1".into(), Origin::Flag("--region"))));
        assert_eq!(region(Given::default(), &variables), Some(("eu-west-1".into(), Origin::Variable("AWS_REGION"))));
        assert_eq!(
            region(Given::default(), &variables[1..]),
            Some(("us-east-1".into(), Origin::Variable("AWS_DEFAULT_REGION")))
        );
        assert_eq!(region(Given::default(), &[]), None);
    }

    #[test]
    fn settings_region_that_is_none_is_refused() {
        for wrong in ["eu central", "EU-CENTRAL-1", "eu-central-1.evil.example", "a/b", "-x"] {
            let error = Settings::resolve(Given::default(), &Env::from_iter([("AWS_REGION", wrong)])).unwrap_err();
            assert_eq!(error.to_string(), format!("AWS_REGION: '{wrong}' is not a region"));
        }
    }

    #[test]
    fn settings_two_regions_where_one_is_wanted_are_refused() {
        let given = Given { regions: vec!["eu-west-1".into(), "us-east-1".into()], ..Given::default() };
        let error = resolve(given, &[]).region().unwrap_err();
        assert_eq!(error.to_string(), "--region names 2 regions, and this command works in one");
    }

    #[test]
    fn settings_default_profile_is_not_given() {
        let given = |profile: &str| Given { profile: Some(profile.into()), ..Given::default() };
        assert_eq!(resolve(given("default"), &[]).profile, None);
        assert_eq!(resolve(Given::default(), &[("AWS_PROFILE", "default")]).profile, None);
        assert_eq!(resolve(given("default"), &[("AWS_PROFILE", "x")]).profile.map(|p| p.value), Some("x".into()));
        assert_eq!(resolve(given("prod"), &[]).profile.map(|p| p.value), Some("prod".into()));
        assert_eq!(resolve(Given::default(), &[("AWS_PROFILE", "x")]).profile.map(|p| p.value), Some("x".into()));
    }

    #[test]
    fn settings_role_variable_counts_only_with_a_ci_token() {
        let role = |variables: &[_]| resolve(Given::default(), variables).role_arn.map(|role| role.value);
        let arn = ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci");
        let circle = [arn, ("CIRCLECI", "true"), ("CIRCLE_OIDC_TOKEN", "t")];
        assert_eq!(role(&circle).as_deref(), Some(arn.1));
        assert_eq!(role(&circle[..2]), None);
        assert_eq!(role(&[circle.as_slice(), &[("AWS_ACCESS_KEY_ID", "AKIA")]].concat()), None);
        assert_eq!(role(&[circle.as_slice(), &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")]].concat()), None);
    }

    #[test]
    fn settings_session_name_is_made_legal_wherever_it_comes_from() {
        let given = Given { role_session_name: Some("deploy prod: 7".into()), ..Given::default() };
        assert_eq!(resolve(given, &[]).role_session_name.value, "deploy-prod-7");
        let given = Given { role_session_name: Some("ü".into()), ..Given::default() };
        assert_eq!(resolve(given, &[]).role_session_name, Setting { value: "dockless".into(), origin: Origin::Job });
    }

    #[test]
    fn settings_directories() {
        let of = |variables: &[_]| {
            let settings = resolve(Given::default(), variables);
            (settings.docker_config, settings.cache)
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(of(&[("HOME", "/h")]), (path("/h/.docker"), path("/h/.cache/dockless")));
        assert_eq!(
            of(&[("HOME", "/h"), ("DOCKER_CONFIG", "/d"), ("XDG_CACHE_HOME", "/c")]),
            (path("/d"), path("/c/dockless"))
        );
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")]).1, path("/h/.cache/dockless"));
        assert_eq!(of(&[]), (None, None));
    }
}
