//! The command line: one file per subcommand, each with what was typed (`Args`), what is meant (`into_request`) and
//! the run itself. Here is the frame around them: words are normalised and parsed, settings resolved, a printer
//! chosen, the run started, and its end turned into an exit code. The first interrupt ends the run.

mod argv;
mod build;
mod build_and_push;
mod codedeploy;
mod completions;
mod r#continue;
mod create_repo;
mod deploy_scheduled_task;
mod deploy_service_update;
mod diff;
mod ecr_login;
mod edits;
mod error;
mod exit;
mod global;
mod image;
mod job;
mod logins;
mod patience;
mod place;
mod published;
mod push;
mod reference;
mod release;
mod repository;
mod revision;
mod rollback;
mod run_task;
mod sandbox;
mod session;
mod set_repository_policy;
mod status;
mod steps;
mod subject;
mod tag_image;
mod tag_repo;
mod target;
mod update_task_definition;
mod update_task_definition_from_json;
mod values;
mod verify_revision_is_deployed;
mod wait;
mod whom;
mod workshop;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::error::Error;
use self::exit::{Done, Failure};
use self::global::{Global, Output};
use self::job::Job;
use crate::clock::Clock;
use crate::config::{Env, Settings, ci};
use crate::output::{self, Form, Printer, Sinks, Verbosity};
use crate::report::Kind;

pub use self::reference::reference;

const ABOUT: &str = "Ships containers to Amazon ECR and ECS from any CI job: no Docker daemon, no AWS CLI, no Python

Variables in values are replaced: $NAME, ${NAME}, ${NAME:-default}, ${NAME:0:7}, ${NAME#v}, ${NAME//\\//-} and the other
operators of a shell; $$ is a dollar sign. A variable that is not set is an error, and nothing is run. A flag with an empty value counts as not given, so a pipeline may pass on what it does not
know. Lists are separated by commas, repeated, or JSON; a switch is --flag or --flag=true|false|1|0.";

const EXIT_CODES: &str = "Exit codes: 0 done or nothing to do, 1 failed, 2 bad input and nothing was done, 3 the deployment \
failed, 4 it was rolled back, 5 a newer one replaced it, 6 timed out while it was going on, 130 interrupted.";

#[derive(Debug, Parser)]
#[command(name = "dockless", version, about = ABOUT.lines().next(), long_about = ABOUT, after_long_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::enum_variant_names)] // scheduled tasks are ECS's
enum Task {
    /// Write credentials for ECR registries into Docker's config.json
    #[command(long_about = None)]
    EcrLogin(ecr_login::EcrLogin),
    /// Build an image out of a jar, a binary or files
    #[command(long_about = None, alias = "build-image")]
    Build(Box<build::Build>),
    /// Push an image from a directory or a file
    #[command(long_about = None, alias = "push-image")]
    Push(push::Push),
    /// Build an image and push it to ECR or another registry
    #[command(long_about = None, alias = "build-and-push-image")]
    BuildAndPush(Box<build_and_push::BuildAndPush>),
    /// Make an ECR repository if it is missing
    #[command(long_about = None)]
    CreateRepo(Box<create_repo::CreateRepo>),
    /// Put a policy on an ECR repository
    #[command(long_about = None, alias = "set-repo-policy")]
    SetRepositoryPolicy(set_repository_policy::SetRepositoryPolicy),
    /// Give an image that is in a registry more tags, without pulling it
    #[command(long_about = None)]
    TagImage(tag_image::TagImage),
    /// Give an ECR repository resource tags
    #[command(long_about = None)]
    TagRepo(tag_repo::TagRepo),
    /// Register a task definition with new images, variables, secrets or labels
    #[command(long_about = None)]
    UpdateTaskDefinition(update_task_definition::UpdateTaskDefinition),
    /// Register a task definition from a file
    #[command(long_about = None)]
    UpdateTaskDefinitionFromJson(update_task_definition_from_json::UpdateTaskDefinitionFromJson),
    /// Bring a new task definition to a service and watch it until it runs
    #[command(long_about = None, alias = "update-service")]
    DeployServiceUpdate(Box<deploy_service_update::DeployServiceUpdate>),
    /// Wait until a service runs a revision that was deployed before
    #[command(long_about = None)]
    VerifyRevisionIsDeployed(verify_revision_is_deployed::VerifyRevisionIsDeployed),
    /// Show what services run: revisions, digests, since when, and how the last deployment ended
    #[command(long_about = None)]
    Status(status::Status),
    /// Show how a file or edits differ from the task definition that is live
    #[command(long_about = None)]
    Diff(Box<diff::Diff>),
    /// Wait for whatever is being deployed to a service
    #[command(long_about = None)]
    Wait(wait::Wait),
    /// Answer a deployment that a PAUSE hook holds
    #[command(long_about = None)]
    Continue(r#continue::Continue),
    /// Bring a service back to the last revision that reached success
    #[command(long_about = None)]
    Rollback(rollback::Rollback),
    /// Run a task once, such as a migration, and watch it to its end
    #[command(long_about = None)]
    RunTask(Box<run_task::RunTask>),
    /// Let a rule or schedule of EventBridge start a new revision
    #[command(long_about = None, alias = "deploy-ecs-scheduled-task")]
    DeployScheduledTask(Box<deploy_scheduled_task::DeployScheduledTask>),
    /// ECR, ECS and a registry on this machine, to rehearse a pipeline with
    #[command(long_about = None)]
    Sandbox(sandbox::Sandbox),
    /// Print a script that completes dockless's flags in a shell
    #[command(long_about = None)]
    Completions(completions::Completions),
}

/// The whole program: `argv` begins with the program's name.
pub fn run(argv: Vec<OsString>, env: Env) -> ExitCode {
    let form = early_form(&argv);
    let early = Printer::new(options(form, Verbosity::Normal, &env));
    let evaluated = form.is_none() && sandbox::is_for_eval(&argv);
    let cli = match parse(argv, &env) {
        Ok(Parsed::Cli(cli)) => *cli,
        Ok(Parsed::Page(text)) => return early.page(&text).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(refused) => {
            lead_nowhere(&early, evaluated);
            return match refused {
                Refused::Usage(why) => refuse(&early, &why),
                Refused::Value(why) => end(&early, Err(why.into())),
            };
        }
    };
    let printer = Printer::new(options(cli.global.output, cli.global.verbosity(), &env));
    let settings = Settings::resolve(cli.global.given(), &env);
    let done = settings.map_err(Failure::from).and_then(|settings| {
        let job = Job { settings, env, events: printer.events(), clock: Clock::Real };
        // A sandbox ends in order, whatever ends it: it heeds interrupts and limits by itself.
        let orderly = matches!(cli.command, Task::Sandbox(_));
        let work = cli.command.run(&job);
        job::block_on(async { if orderly { work.await } else { job::guard(work, &job).await } })
    });
    lead_nowhere(&printer, evaluated && done.is_err());
    end(&printer, done)
}

/// For the shell that evaluates what is printed, when nothing will be.
fn lead_nowhere(printer: &Printer, evaluated: bool) {
    if evaluated {
        printer.page(sandbox::NOWHERE).ok(); // the error is told anyway
    }
}

impl Task {
    async fn run(self, job: &Job) -> Result<Done, Failure> {
        match self {
            Task::EcrLogin(args) => args.run(job).await,
            Task::Build(args) => args.run(job).await,
            Task::Push(args) => args.run(job).await,
            Task::BuildAndPush(args) => args.run(job).await,
            Task::CreateRepo(args) => args.run(job).await,
            Task::SetRepositoryPolicy(args) => args.run(job).await,
            Task::TagImage(args) => args.run(job).await,
            Task::TagRepo(args) => args.run(job).await,
            Task::UpdateTaskDefinition(args) => args.run(job).await,
            Task::DeployServiceUpdate(args) => args.run(job).await,
            Task::UpdateTaskDefinitionFromJson(args) => args.run(job).await,
            Task::VerifyRevisionIsDeployed(args) => args.run(job).await,
            Task::Status(args) => args.run(job).await,
            Task::Diff(args) => args.run(job).await,
            Task::Wait(args) => args.run(job).await,
            Task::Continue(args) => args.run(job).await,
            Task::Rollback(args) => args.run(job).await,
            Task::RunTask(args) => args.run(job).await,
            Task::DeployScheduledTask(args) => args.run(job).await,
            Task::Sandbox(args) => args.run(job).await,
            Task::Completions(args) => args.run(argv::parser(Cli::command())),
        }
    }
}

/// Whether a command line (without the program's name) is one that the program takes. For checking examples.
pub fn parses(words: &[String]) -> Result<(), String> {
    let argv = std::iter::once("dockless".into()).chain(words.iter().map(OsString::from)).collect();
    match parse(argv, &Env::default()) {
        Ok(_) => Ok(()),
        Err(Refused::Usage(why)) => Err(why.to_string()),
        Err(Refused::Value(why)) => Err(why.to_string()),
    }
}

enum Parsed {
    Cli(Box<Cli>),
    /// Help or the version.
    Page(String),
}

enum Refused {
    Usage(clap::Error),
    Value(Error),
}

fn parse(argv: Vec<OsString>, env: &Env) -> Result<Parsed, Refused> {
    let words = argv::normalise(Cli::command(), argv, env).map_err(Refused::Value)?;
    let parsed =
        argv::parser(Cli::command()).try_get_matches_from(words).and_then(|found| Cli::from_arg_matches(&found));
    match parsed {
        Ok(cli) => Ok(Parsed::Cli(Box::new(cli))),
        Err(why) if why.use_stderr() => Err(Refused::Usage(why)),
        Err(page) => Ok(Parsed::Page(page.render().ansi().to_string())),
    }
}

/// The form as far as it can be seen in words that may not be parsable.
fn early_form(argv: &[OsString]) -> Option<Output> {
    let words: Vec<&str> = argv.iter().filter_map(|word| word.to_str()).collect();
    let json = |value: &str| value.eq_ignore_ascii_case("json");
    let joined = words.iter().any(|word| word.strip_prefix("--output=").is_some_and(json));
    let apart = words.windows(2).any(|pair| pair[0] == "--output" && json(pair[1]));
    (joined || apart).then_some(Output::Json)
}

fn options(wanted: Option<Output>, verbosity: Verbosity, env: &Env) -> output::Options {
    let watched = output::is_watched() && env.given("CI").is_none() && env.given("TERM") != Some("dumb");
    let form = match wanted {
        Some(Output::Json) => Form::Json,
        Some(Output::Plain) => Form::Plain,
        Some(Output::Auto) | None => [Form::Plain, Form::Terminal][usize::from(watched)],
    };
    let system = ci::Ci::detect(env).system;
    let path = |name| env.given(name).map(Into::into);
    let sinks = Sinks {
        github_output: path("GITHUB_OUTPUT"),
        github_summary: path("GITHUB_STEP_SUMMARY"),
        bash_env: path("BASH_ENV"),
    };
    let colour = form == Form::Terminal && env.given("NO_COLOR").is_none();
    output::Options { form, colour, verbosity, github: system == Some(ci::System::GitHub), sinks }
}

fn end(printer: &Printer, done: Result<Done, Failure>) -> ExitCode {
    let done = done.and_then(|done| match printer.report(&done.report) {
        Ok(()) => Ok(done.code),
        Err(why) => Err(Error::Output(why).into()),
    });
    match done {
        Ok(code) => code.into(),
        Err(failure) => {
            printer.failure(&failure.shown, failure.code);
            failure.code.into()
        }
    }
}

/// clap's own words, which suggest what may have been meant.
fn refuse(printer: &Printer, why: &clap::Error) -> ExitCode {
    let code = exit::kind_code(Kind::Input);
    printer.usage(&why.render().ansi().to_string(), code);
    code.into()
}
