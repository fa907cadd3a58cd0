//! The pipelines of `ci-examples/` stay true: every `dockless` line in them parses, and, where the local stack runs
//! (`scripts/test` starts it), each pipeline's steps run as they stand, in the shell that the CI system gives them.
//! What a step leaves for the next (`$BASH_ENV`, `$GITHUB_ENV`) is handed on as there.

pub mod account;
mod demo;
mod job;
mod pipeline;

use std::path::Path;

use account::Account;
use job::Job;
use pipeline::{dockless_lines, pipelines};

use crate::support::stack::Stack;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn examples_every_dockless_line_parses() {
    let mut seen = 0;
    for pipeline in pipelines() {
        for words in pipeline.steps.iter().flat_map(|step| dockless_lines(step)) {
            let words: Vec<String> = words.iter().map(|word| filled(word)).collect();
            dockless::cli::parses(&words).unwrap_or_else(|why| panic!("{}: {words:?}: {why}", pipeline.name()));
            seen += 1;
        }
    }
    assert_eq!(seen, 8, "four pipelines, each with a build and a deployment");
}

/// The word with the variables that the CI system and earlier steps set.
fn filled(word: &str) -> String {
    let set = [
        ("AWS_ECR_ACCOUNT_URL", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
        ("CIRCLE_SHA1", "5f2c1d7e9a8b4c3d2e1f0a9b8c7d6e5f4a3b2c1d"),
        ("GITHUB_SHA", "5f2c1d7e9a8b4c3d2e1f0a9b8c7d6e5f4a3b2c1d"),
        ("IMAGE", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/spring-boot:5f2c1d7e"),
    ];
    set.iter().fold(word.replace("$(cat image.txt)", "$IMAGE"), |word, (name, value)| {
        word.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    })
}

#[test]
fn examples_first_story_is_the_orbs_own_call() {
    let pipeline = pipelines().into_iter().find(|found| found.name() == "circleci/nginx-ecs.yml").unwrap();
    let words = dockless_lines(pipeline.steps.last().unwrap()).remove(0);
    let at = words.iter().position(|word| word == "--container-image-name-updates").unwrap();
    assert_eq!(words[at + 1], "container=nginx,image-and-tag=${AWS_ECR_ACCOUNT_URL}/nginx:${CIRCLE_SHA1}");
}

#[test]
fn examples_circleci_nginx_runs() {
    run("circleci/nginx-ecs.yml", "nginx", "nginx");
}

#[test]
fn examples_circleci_spring_boot_runs() {
    run("circleci/spring-boot-fargate.yml", "spring-boot", "web");
}

#[test]
fn examples_github_nginx_runs() {
    run("github/nginx-ecs.yml", "nginx", "nginx");
}

#[test]
fn examples_github_spring_boot_runs() {
    run("github/spring-boot-fargate.yml", "spring-boot", "web");
}

/// Runs the pipeline on a stage of its own: a copy of the example's sources, an account whose cluster, service and
/// task definition exist, a commit that no other pipeline has.
fn run(name: &str, service: &str, container: &str) {
    let Some(stack) = Stack::running() else { return };
    let pipeline = pipelines().into_iter().find(|found| found.name() == name).unwrap();
    let stage = tempfile::tempdir().unwrap();
    let account = Account::of(name, stack);
    account.set_stage(service, container);
    let mut job = Job::new(stage.path(), service, &account);
    for step in &pipeline.steps {
        job.run(step);
    }
    let deployed = account.deployed_image(service);
    assert!(
        deployed.starts_with(&format!("{}/{service}:{}", &account.stack["REGISTRY"], job.env["CIRCLE_SHA1"])),
        "{deployed}"
    );
    assert!(job.pushed_manifest(service).contains("\"layers\""), "the tag is in the registry");
}
