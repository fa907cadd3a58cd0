//! What CircleCI, GitHub Actions and GitLab say about the job that runs: commit, branch, address, identity token.
//! Documented in CircleCI's "Project values and variables", GitHub's "Variables reference" and GitLab's
//! "Predefined CI/CD variables reference".

use secrecy::SecretString;

use super::Env;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    CircleCi,
    GitHub,
    GitLab,
}

/// What is known of the job. Everything is missing on a developer's machine.
#[derive(Debug, Clone, Default)]
pub struct Ci {
    pub system: Option<System>,
    pub commit: Option<String>,
    pub branch: Option<String>,
    pub tag: Option<String>,
    /// Page of the job, for people.
    pub job_url: Option<String>,
    /// `organisation/repository`.
    pub repository: Option<String>,
    /// Address of the repository, as `org.opencontainers.image.source` wants it.
    pub repository_url: Option<String>,
    /// Tells this run from all others of the repository.
    pub run: Option<String>,
    pub identity: Option<Identity>,
}

/// Where a token for `AssumeRoleWithWebIdentity` comes from.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Here it is; `variable` held it.
    Token { variable: &'static str, token: SecretString },
    /// `GET url&audience=…` with the header `Authorization: Bearer bearer`; the token is `.value` of the answer.
    GitHub { url: String, bearer: SecretString },
}

impl Ci {
    pub fn detect(env: &Env) -> Ci {
        let mut ci = if env.given("CIRCLECI") == Some("true") {
            circleci(env)
        } else if env.given("GITHUB_ACTIONS") == Some("true") {
            github(env)
        } else if env.given("GITLAB_CI") == Some("true") {
            gitlab(env)
        } else {
            Ci::default()
        };
        ci.identity = token(env, "DOCKLESS_OIDC_TOKEN").or(ci.identity);
        ci
    }

    /// `dockless-<repository>-<run>` within what STS accepts: 2 to 64 of `[A-Za-z0-9_+=,.@-]`.
    pub fn session_name(&self) -> String {
        let run = self.run.as_deref().map(|run| format!("-{}", legal(run))).unwrap_or_default();
        let repository = self.repository.as_deref().map(|name| format!("-{}", legal(name))).unwrap_or_default();
        let room = 64usize.saturating_sub("dockless".len() + run.len());
        let mut name = format!("dockless{}{run}", &repository[..repository.len().min(room)]);
        name.truncate(64);
        name
    }
}

/// Every run of characters that STS refuses becomes one `-`.
pub(super) fn legal(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    text.split(|c| !keep(c)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn circleci(env: &Env) -> Ci {
    Ci {
        system: Some(System::CircleCi),
        commit: owned(env, "CIRCLE_SHA1"),
        branch: owned(env, "CIRCLE_BRANCH"),
        tag: owned(env, "CIRCLE_TAG"),
        job_url: owned(env, "CIRCLE_BUILD_URL"),
        repository: joined(env, ["CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME"], "/"),
        repository_url: owned(env, "CIRCLE_REPOSITORY_URL"),
        run: owned(env, "CIRCLE_BUILD_NUM"),
        identity: token(env, "CIRCLE_OIDC_TOKEN_V2").or_else(|| token(env, "CIRCLE_OIDC_TOKEN")),
    }
}

fn github(env: &Env) -> Ci {
    let is_tag = env.given("GITHUB_REF_TYPE") == Some("tag");
    let reference = owned(env, "GITHUB_REF_NAME");
    let repository_url = joined(env, ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"], "/");
    let run = owned(env, "GITHUB_RUN_ID");
    let attempt = env.given("GITHUB_RUN_ATTEMPT");
    let job_url = repository_url.as_ref().zip(run.as_ref()).map(|(repository, run)| {
        let attempt = attempt.map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
        format!("{repository}/actions/runs/{run}{attempt}")
    });
    let identity = env.given("ACTIONS_ID_TOKEN_REQUEST_URL").zip(env.given("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    Ci {
        system: Some(System::GitHub),
        commit: owned(env, "GITHUB_SHA"),
        branch: owned(env, "GITHUB_HEAD_REF").or_else(|| reference.clone().filter(|_| !is_tag)),
        tag: reference.filter(|_| is_tag),
        job_url,
        repository: owned(env, "GITHUB_REPOSITORY"),
        repository_url,
        run: run.map(|run| attempt.map_or(run.clone(), |attempt| format!("{run}-{attempt}"))),
        identity: identity.map(|(url, bearer)| Identity::GitHub { url: url.into(), bearer: bearer.into() }),
    }
}

fn gitlab(env: &Env) -> Ci {
    Ci {
        system: Some(System::GitLab),
        commit: owned(env, "CI_COMMIT_SHA"),
        branch: owned(env, "CI_COMMIT_BRANCH"),
        tag: owned(env, "CI_COMMIT_TAG"),
        job_url: owned(env, "CI_JOB_URL"),
        repository: owned(env, "CI_PROJECT_PATH"),
        repository_url: owned(env, "CI_PROJECT_URL"),
        run: owned(env, "CI_JOB_ID"),
        identity: None,
    }
}

fn owned(env: &Env, name: &'static str) -> Option<String> {
    env.given(name).map(str::to_owned)
}

fn joined(env: &Env, names: [&'static str; 2], between: &str) -> Option<String> {
    Some(format!("{}{between}{}", env.given(names[0])?, env.given(names[1])?))
}

fn token(env: &Env, variable: &'static str) -> Option<Identity> {
    env.given(variable).map(|token| Identity::Token { variable, token: token.into() })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn ci_circleci_prefers_the_second_token() {
        let ci = Ci::detect(&Env::from_iter([
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", "abc"),
            ("CIRCLE_PROJECT_USERNAME", "acme"),
            ("CIRCLE_PROJECT_REPONAME", "shop"),
            ("CIRCLE_BUILD_NUM", "4711"),
            ("CIRCLE_OIDC_TOKEN", "one"),
            ("CIRCLE_OIDC_TOKEN_V2", "two"),
        ]));
        assert_eq!((ci.system, ci.commit.as_deref()), (Some(System::CircleCi), Some("abc")));
        assert_eq!(ci.session_name(), "dockless-acme-shop-4711");
        let Some(Identity::Token { variable, token }) = &ci.identity else { panic!("{ci:?}") };
        assert_eq!((*variable, token.expose_secret()), ("CIRCLE_OIDC_TOKEN_V2", "two"));
        assert!(!format!("{ci:?}").contains("two"), "{ci:?}");
    }

    #[test]
    fn ci_github_tells_branches_from_tags() {
        let base = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ];
        let with = |more: &[(&'static str, &'static str)]| Ci::detect(&base.iter().chain(more).copied().collect());
        let branch = with(&[("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch")]);
        assert_eq!((branch.branch.as_deref(), branch.tag), (Some("main"), None));
        assert_eq!(branch.job_url.as_deref(), Some("https://github.com/acme/shop/actions/runs/77/attempts/2"));
        assert!(branch.identity.is_none());
        let tag = with(&[("GITHUB_REF_NAME", "v1"), ("GITHUB_REF_TYPE", "tag")]);
        assert_eq!((tag.branch, tag.tag.as_deref()), (None, Some("v1")));
        let pull = with(&[("GITHUB_REF_NAME", "7/merge"), ("GITHUB_REF_TYPE", "branch"), ("GITHUB_HEAD_REF", "fix")]);
        assert_eq!(pull.branch.as_deref(), Some("fix"));
        let identity =
            with(&[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x?y=1"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t")]);
        assert!(matches!(identity.identity, Some(Identity::GitHub { .. })));
    }

    #[test]
    fn ci_nothing_known_on_a_developers_machine() {
        let ci = Ci::detect(&Env::default());
        assert!(ci.system.is_none() && ci.commit.is_none() && ci.identity.is_none());
        assert_eq!(ci.session_name(), "dockless");
    }

    #[test]
    fn session_name_is_what_sts_accepts() {
        let ci =
            Ci { repository: Some(format!("gröup/{}", "x".repeat(99))), run: Some("12 / 34".into()), ..Ci::default() };
        let name = ci.session_name();
        assert_eq!(name.len(), 64);
        assert!(name.starts_with("dockless-gr-up-xxx") && name.ends_with("x-12-34"), "{name}");
    }
}
