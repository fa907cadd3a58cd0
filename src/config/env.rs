//! The environment, read once. `VARIABLES` lists every variable that means something to dockless; the
//! documentation is made from it, and asking for one that is not in it is a mistake that tests catch. Text of the
//! user's may name any other variable (`substitute`).

use std::collections::BTreeMap;
use std::fmt;

/// A variable that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// One line for the documentation.
    pub meaning: &'static str,
}

/// Every variable that is read by name, in the order of the documentation.
pub const VARIABLES: &[Variable] = &[
    // AWS
    variable("AWS_REGION", "region, unless --region is given"),
    variable("AWS_DEFAULT_REGION", "region, unless --region is given or AWS_REGION is set"),
    variable("AWS_PROFILE", "profile, unless --profile is given; 'default' counts as not given"),
    variable("AWS_ENDPOINT_URL", "where AWS is, unless --endpoint-url is given"),
    variable("AWS_CA_BUNDLE", "PEM file of certificate authorities, unless --ca-bundle is given"),
    variable("AWS_ROLE_ARN", "role to take on with the CI system's OIDC token, unless --role-arn is given"),
    variable("AWS_ROLE_SESSION_NAME", "name of that session, unless --role-session-name is given"),
    variable("AWS_WEB_IDENTITY_TOKEN_FILE", "when set, AWS_ROLE_ARN belongs to it and not to the CI system's token"),
    variable("AWS_ACCESS_KEY_ID", "when set, AWS_ROLE_ARN is left alone: these keys are used"),
    variable("AWS_ACCOUNT_ID", "account of the registry, unless --account-id is given"),
    variable("AWS_ECR_ACCOUNT_URL", "host of the registry, unless --account-url is given"),
    variable("AWS_ECR_PUBLIC_REGISTRY_ALIAS", "alias at public.ecr.aws, unless --public-registry-alias is given"),
    // The machine
    variable("HOME", "where .docker/config.json and .cache are, unless the next two say otherwise"),
    variable("DOCKER_CONFIG", "directory of Docker's config.json"),
    variable("REGISTRY_AUTH_FILE", "logins for registries, looked at first, as podman and skopeo do"),
    variable("XDG_RUNTIME_DIR", "containers/auth.json in it holds logins for registries"),
    variable("XDG_CONFIG_HOME", "containers/auth.json in it holds logins for registries"),
    variable("XDG_STATE_HOME", "the sandbox's state is dockless/sandbox in it, unless --dir is given"),
    variable("XDG_CACHE_HOME", "the cache is the directory dockless in it, unless --cache-dir is given"),
    variable("DOCKLESS_SANDBOX_DIR", "directory of the sandbox, unless --dir is given; dockless sandbox env sets it"),
    variable("NO_PROXY", "hosts to reach without a proxy; dockless sandbox adds this machine's own"),
    variable("no_proxy", "the same"),
    variable("NO_COLOR", "when set, no colours"),
    variable("TERM", "'dumb' means a terminal without colours and progress bars"),
    variable("CI", "when set, output is plain even where a terminal is"),
    // CI systems
    variable("CIRCLECI", "'true' on CircleCI"),
    variable("CIRCLE_SHA1", "CircleCI: commit"),
    variable("CIRCLE_BRANCH", "CircleCI: branch"),
    variable("CIRCLE_TAG", "CircleCI: tag"),
    variable("CIRCLE_BUILD_URL", "CircleCI: address of the job"),
    variable("CIRCLE_BUILD_NUM", "CircleCI: number of the job"),
    variable("CIRCLE_PROJECT_USERNAME", "CircleCI: organisation"),
    variable("CIRCLE_PROJECT_REPONAME", "CircleCI: repository"),
    variable("CIRCLE_REPOSITORY_URL", "CircleCI: address of the repository"),
    variable("CIRCLE_OIDC_TOKEN_V2", "CircleCI: identity token"),
    variable("CIRCLE_OIDC_TOKEN", "CircleCI: identity token, if there is no second version of it"),
    variable("BASH_ENV", "CircleCI: file whose exports later steps see"),
    variable(
        "CCI_ORB_AWS_ECS_REGISTERED_TASK_DFN",
        "CircleCI: revision that an earlier step registered, unless --task-definition-arn is given",
    ),
    variable("GITHUB_ACTIONS", "'true' on GitHub Actions"),
    variable("GITHUB_SHA", "GitHub Actions: commit"),
    variable("GITHUB_REF_NAME", "GitHub Actions: branch or tag"),
    variable("GITHUB_REF_TYPE", "GitHub Actions: which of the two"),
    variable("GITHUB_HEAD_REF", "GitHub Actions: branch of a pull request"),
    variable("GITHUB_SERVER_URL", "GitHub Actions: address of the server"),
    variable("GITHUB_REPOSITORY", "GitHub Actions: organisation and repository"),
    variable("GITHUB_RUN_ID", "GitHub Actions: number of the run"),
    variable("GITHUB_RUN_ATTEMPT", "GitHub Actions: attempt of the run"),
    variable("ACTIONS_ID_TOKEN_REQUEST_URL", "GitHub Actions: where an identity token is to be had"),
    variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GitHub Actions: what to show there"),
    variable("GITHUB_OUTPUT", "GitHub Actions: file of the step's outputs"),
    variable("GITHUB_STEP_SUMMARY", "GitHub Actions: file of the step's summary"),
    variable("GITLAB_CI", "'true' on GitLab"),
    variable("CI_COMMIT_SHA", "GitLab: commit"),
    variable("CI_COMMIT_BRANCH", "GitLab: branch"),
    variable("CI_COMMIT_TAG", "GitLab: tag"),
    variable("CI_JOB_URL", "GitLab: address of the job"),
    variable("CI_JOB_ID", "GitLab: number of the job"),
    variable("CI_PROJECT_PATH", "GitLab: group and project"),
    variable("CI_PROJECT_URL", "GitLab: address of the project"),
    variable(
        "DOCKLESS_OIDC_TOKEN",
        "identity token where the CI system lets you choose its name, as GitLab's id_tokens",
    ),
];

const fn variable(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning }
}

/// A snapshot of the environment. Variables whose value is no UTF-8 are left out.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The process's own.
    pub fn read() -> Self {
        Env(std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect())
    }

    /// The value of one of `VARIABLES`; an empty one counts as not set.
    pub fn given(&self, name: &'static str) -> Option<&str> {
        debug_assert!(VARIABLES.iter().any(|known| known.name == name), "{name} is missing in VARIABLES");
        self.lookup(name).filter(|value| !value.is_empty())
    }

    /// The value of any variable, as it is.
    pub fn lookup(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Env(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn env_empty_variable_is_not_given() {
        let env = Env::from_iter([("AWS_REGION", ""), ("HOME", "/home/ci")]);
        assert_eq!(
            (env.given("AWS_REGION"), env.lookup("AWS_REGION"), env.given("HOME")),
            (None, Some(""), Some("/home/ci"))
        );
    }

    #[test]
    fn env_debug_shows_no_values() {
        let env = Env::from_iter([("TOKEN", "geheim")]);
        assert_eq!(format!("{env:?}"), r#"{"TOKEN"}"#);
    }

    #[test]
    fn variables_are_listed_once() {
        let names: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), VARIABLES.len());
    }
}
