//! The whole program as a pipeline runs it: an empty environment, a home of its own, no network.

use std::process::Command;

use serde_json::Value;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn dockless(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockless"));
    command.args(words).env_clear().env("HOME", home.path()).envs(variables.iter().copied()).current_dir(home.path());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Each subcommand and its flags; the orbs' parameters in scope among them, in kebab-case. Nothing may leave this
/// list: pipelines hold these names.
const FLAGS: &[(&str, &[&str])] = &[
    ("ecr-login", &["account-id", "account-url", "public-registry", "aws-domain", "password-stdout"]),
    ("build", IMAGE),
    ("build", &["to"]),
    ("push", TARGET),
    ("build-and-push", IMAGE),
    ("build-and-push", TARGET),
    (
        "build-and-push",
        &[
            "push-image",
            "skip-when-tags-exist",
            "create-repo",
            "repo-scan-on-push",
            "repo-encryption-type",
            "repo-encryption-kms-key",
            "repo-image-tag-mutability",
            "repo-image-tag-exclusion-filters",
            "repo-tag",
            "lifecycle-policy-path",
            "set-repo-policy",
            "repo-policy-path",
        ],
    ),
    (
        "create-repo",
        &[
            "repo",
            "repo-scan-on-push",
            "repo-encryption-type",
            "encryption-kms-key",
            "image-tag-mutability",
            "image-tag-exclusion-filters",
            "repo-tag",
            "adjust",
            "lifecycle-policy-path",
            "repo-policy-path",
        ],
    ),
    ("create-repo", REGISTRY),
    ("set-repository-policy", &["repo", "repo-policy-path"]),
    ("set-repository-policy", REGISTRY),
    ("tag-image", &["repo", "source-tag", "target-tag", "skip-when-tags-exist", "public-registry-alias", "aws-domain"]),
    ("tag-image", REGISTRY),
    ("tag-repo", &["repo", "tag"]),
    ("tag-repo", REGISTRY),
    ("update-task-definition", REVISION),
    ("update-task-definition-from-json", &["task-definition-json"]),
    ("deploy-service-update", REVISION),
    ("deploy-service-update", PATIENCE),
    ("verify-revision-is-deployed", &["cluster", "family", "service-name", "task-definition-arn"]),
    ("verify-revision-is-deployed", PATIENCE),
    (
        "deploy-service-update",
        &[
            "cluster",
            "service-name",
            "deployment-controller",
            "skip-task-definition-registration",
            "force-new-deployment",
            "desired-count",
            "enable-circuit-breaker",
            "verify-revision-is-deployed",
            "wait",
            "create-service",
            "subnets",
            "security-groups",
            "public-ip",
            "target-group",
            "container-name",
            "container-port",
        ],
    ),
];

const IMAGE: &[&str] = &[
    "jar",
    "binary",
    "files",
    "from",
    "platform",
    "mode",
    "chown",
    "jvm-flags",
    "program-args",
    "cmd",
    "entrypoint",
    "environment-variables",
    "env",
    "labels",
    "label",
    "expose",
    "volumes",
    "user",
    "working-directory",
    "creation-time",
    "image-format",
    "cache-dir",
    "image-metadata-out",
];

const TARGET: &[&str] =
    &["repo", "tag", "to", "account-id", "account-url", "public-registry", "public-registry-alias", "aws-domain"];

const REGISTRY: &[&str] = &["account-id", "account-url", "public-registry"];

const PATIENCE: &[&str] =
    &["max-poll-attempts", "poll-interval", "verification-timeout", "fail-on-verification-timeout"];

const REVISION: &[&str] = &[
    "family",
    "container-image-name-updates",
    "container-env-var-updates",
    "container-secret-updates",
    "container-docker-label-updates",
    "task-definition-tags",
    "previous-revision-number",
];

const GLOBAL: &[&str] = &[
    "region",
    "profile",
    "role-arn",
    "role-session-name",
    "session-duration",
    "endpoint-url",
    "ca-bundle",
    "output",
    "dry-run",
    "timeout",
    "verbose",
    "quiet",
];

/// Names of older days, and of other tools, that still work.
const ALIASES: &[(&str, &str)] = &[
    ("ecr-login", "--profile-name"),
    ("ecr-login", "--aws-region"),
    ("ecr-login", "--use-credentials-helper"),
    ("deploy-service-update", "--cluster-name"),
    ("deploy-service-update", "--service"),
    ("verify-revision-is-deployed", "--cluster-name"),
    ("verify-revision-is-deployed", "--service"),
    ("build-image", "--jar"),
    ("push-image", "--repo"),
    ("build-and-push-image", "--repo"),
    ("update-service", "--cluster"),
    ("create-repo", "--repo-encryption-kms-key"),
    ("create-repo", "--repo-image-tag-mutability"),
    ("create-repo", "--repo-image-tag-exclusion-filters"),
    ("create-repo", "--aws-domain"),
    ("set-repo-policy", "--repo"),
    ("tag-repo", "--repo-tag"),
];

#[test]
fn help_of_each_subcommand_mentions_each_flag_and_an_example() {
    for (subcommand, flags) in FLAGS {
        let help = dockless(&[subcommand, "--help"], &[]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{subcommand}");
        let mentions = |flag: &str| {
            help.stdout.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == format!("--{flag}"))
        };
        let missing: Vec<_> = flags.iter().chain(GLOBAL).filter(|flag| !mentions(flag)).collect();
        assert!(missing.is_empty(), "{subcommand} does not mention {missing:?}");
        assert!(help.stdout.contains(&format!("  dockless {subcommand}")), "{subcommand} has no example");
    }
}

#[test]
fn help_is_plain_where_nobody_watches() {
    for words in [&["--help"][..], &["-h"], &["--version"], &["build", "-h"]] {
        let page = dockless(words, &[]);
        assert_eq!(page.code, 0);
        assert!(!page.stdout.is_empty() && !page.stdout.contains('\x1b'), "{words:?}");
    }
    assert_eq!(dockless(&["--version"], &[]).stdout, format!("dockless {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn empty_values_of_every_flag_count_as_not_given() {
    for (subcommand, flags) in FLAGS {
        let empty: Vec<String> = flags
            .iter()
            .chain(&GLOBAL[..10])
            .flat_map(|flag| [format!("--{flag}="), format!("--{flag}"), String::new()])
            .collect();
        let words: Vec<&str> = [*subcommand].into_iter().chain(empty.iter().map(String::as_str)).collect();
        let (with, without) = (dockless(&words, &[]), dockless(&words[..1], &[]));
        assert_eq!(
            (with.code, with.stdout, with.stderr),
            (without.code, without.stdout, without.stderr),
            "{subcommand}"
        );
    }
}

#[test]
fn aliases_still_work() {
    for (subcommand, flag) in ALIASES {
        let ended = dockless(&[subcommand, &format!("{flag}=")], &[]);
        assert!(
            !ended.stderr.contains("unexpected") && !ended.stderr.contains("unrecognized"),
            "{flag}: {}",
            ended.stderr
        );
    }
    let unknown = dockless(&["build", "--no-such="], &[]);
    assert!(unknown.stderr.contains("unexpected argument"), "the check above can fail: {}", unknown.stderr);
}

#[test]
fn unset_variable_is_explained() {
    let ended = dockless(&["push", "oci:image", "--repo", "shop", "--tag", "v1,${CIRCLE_SHA1:0:7}"], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(
        ended.stderr,
        "error: --tag: variable CIRCLE_SHA1 is not set\nhint: Set CIRCLE_SHA1, or write ${CIRCLE_SHA1:-VALUE} if it may be missing; $$ is a dollar sign.\n"
    );
    let operator = dockless(&["push", "oci:image", "--repo", "shop", "--tag", "${X@U}"], &[("X", "1")]);
    assert!(operator.stderr.starts_with("error: --tag: '${X@U}' is not understood\nhint: "), "{}", operator.stderr);
}

#[test]
fn switches_in_all_spellings() {
    let planned =
        |words: &[&str]| dockless(&[&["ecr-login", "--region=eu-west-1"], words].concat(), &[("YES", "TRUE")]);
    for switch in ["--dry-run", "--dry-run=true", "--dry-run=1", "--dry-run=True", "--dry-run=$YES"] {
        let ended = planned(&[switch]);
        assert!(ended.code == 0 && ended.stderr.starts_with("Would write"), "{switch}: {}", ended.stderr);
    }
    let ended = planned(&["--dry-run=perhaps"]);
    assert!(ended.code == 2 && ended.stderr.contains("wanted true, false, 1 or 0"), "{}", ended.stderr);
}

#[test]
fn bad_input_is_exit_code_2_and_nothing_on_stdout() {
    for (words, wanted) in [
        (&["build", "--jra", "x"][..], "--jar"),
        (&["bulid"], "build"),
        (&["build", "--to", "oci:x"], "--jar"),
        (&["build", "--jar", "a.jar", "--to", "UPPER/X"], "--to: 'UPPER/X' is not an image reference"),
        (&["build", "--jar", "a.jar", "--to", "x", "--platform", "linux"], "--platform: 'linux' is not a platform"),
        (&["build", "--jar", "a.jar", "--to", "x", "--platform", "linux/amd64,linux/arm64"], "for each platform"),
        (&["build", "--jar", "a.jar", "--to", "x", "--files", "a"], "--files 'a': there is no ':' in it"),
        (&["build", "--jar", "a.jar", "--to", "x", "--env", "geheim"], "--env: there is no '=' in it"),
        (&["push", "oci:x"], "nothing says where to push"),
        (&["push", "nginx", "--repo", "a"], "SOURCE: 'nginx' is not oci:DIR or docker-archive:FILE"),
        (&["push", "oci:x", "--repo", "a", "--tag", "a b"], "--tag: 'a b' is not a tag"),
        (&["push", "oci:x", "--repo", "a", "--region", "a,b"], "--region names 2 regions"),
        (&["ecr-login", "--region", "x/y"], "--region: 'x/y' is not a region"),
        (&["ecr-login", "--timeout", "soon"], "wanted a time"),
        (&["ecr-login", "--account-id", "12"], "--account-id: '12' is not an AWS account"),
        (&["update-task-definition"], "--family"),
        (&["deploy-service-update", "--family", "a"], "--cluster"),
        (&["deploy-service-update", "--family=a", "--cluster=b", "--deployment-controller=EXTERNAL"], "CODE_DEPLOY"),
        (&[], "Usage: dockless"),
    ] {
        let ended = dockless(words, &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(wanted), "{words:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("geheim"), "{}", ended.stderr);
    }
}

#[test]
fn json_errors_have_one_shape() {
    for words in [
        &["ecr-login", "--output=json", "--account-id=12"][..],
        &["ecr-login", "--output", "json", "--acount-id=12"],
        &["ecr-login", "--output", "json", "--account-id=$NO_SUCH"],
    ] {
        let ended = dockless(words, &[]);
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        let names: Vec<&String> = document["error"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["message", "causes", "hint", "kind", "exit_code"]);
        assert_eq!(
            (ended.code, &document["error"]["exit_code"], &document["error"]["kind"]),
            (2, &2.into(), &"input".into())
        );
        let event: Value = serde_json::from_str(ended.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(event["event"], "error");
    }
}

#[test]
fn json_result_is_one_document() {
    let ended = dockless(
        &["ecr-login", "--dry-run", "--output=json"],
        &[("AWS_REGION", "eu-west-1"), ("AWS_ACCOUNT_ID", "123456789012")],
    );
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &document["outcome"]), (0, &"planned".into()));
    assert_eq!(document["registries"][0], "ECR in eu-west-1 (account 123456789012)");
}

#[test]
fn dry_run_login_writes_nothing_but_words() {
    let words = [
        "ecr-login",
        "--dry-run",
        "--account-id",
        "123456789012, 210987654321",
        "--region",
        "eu-west-1",
        "--region=us-east-1",
    ];
    let ended = dockless(&words, &[("DOCKER_CONFIG", "/d")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""));
    let line = |region: &str| {
        format!(
            "Would write credentials into /d/config.json for ECR in {region} (account 123456789012, 210987654321).\n"
        )
    };
    assert_eq!(ended.stderr, line("eu-west-1") + &line("us-east-1"));
}

#[test]
fn completions_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = dockless(&["completions", shell], &[]);
        assert_eq!(ended.code, 0);
        for (subcommand, _) in FLAGS {
            assert!(ended.stdout.contains(subcommand), "{shell}: {subcommand}");
        }
        assert!(ended.stdout.contains("container-image-name-updates"), "{shell}");
    }
}

#[test]
fn github_commands_in_foreign_text_are_disarmed() {
    let words = ["push", "oci:x", "--repo", "a", "--tag", "x\n::set-output name=x::y"];
    let annotated = dockless(&words, &[("GITHUB_ACTIONS", "true")]).stderr;
    let commands: Vec<&str> = annotated.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert_eq!(commands.len(), 1, "ours alone: {annotated}");
    assert!(commands[0].starts_with("::error::--tag: 'x ::set-output name=x::y' is not a tag"), "{annotated}");
    assert!(
        dockless(&words, &[]).stderr.contains("\n  : :set-output"),
        "a container in a job knows nothing of its runner"
    );
    let json = [&words[..], &["--output=json"]].concat();
    assert!(dockless(&json, &[]).stderr.contains("::set-output"), "the check above can fail");
}
