//! `sandbox`: ECR, ECS and a registry on this machine, to rehearse a pipeline with.

mod args;
mod evaluated;
mod preview;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::task::Poll;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Job;
use super::exit::{Done, Failure};
use super::job::{early_end, guard};
use crate::report::{Outcome, Report};
use crate::sandbox::{self, Conclusion, Control, Ecs, Error, Home, Options, Rehearsal, Running, Server};

use args::{Place, Run, Start};
pub use evaluated::{NOWHERE, is_for_eval};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eval \"$(dockless sandbox start --detach)\"
  dockless sandbox run -- sh ci-job.sh
  dockless sandbox start --ecr-strict --faults faults.json")]
pub struct Sandbox {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Start a sandbox and serve until interrupted
    #[command(long_about = None, after_help = "A new sandbox has the ECS cluster `default`, the one that is meant where none is named.
An interrupt or SIGTERM stops it in order, and that is exit code 0.")]
    Start(Start),
    /// Say whether a sandbox is running, and where
    #[command(long_about = None)]
    Status(Place),
    /// Stop a running sandbox; its state is kept
    #[command(long_about = None)]
    Stop(Place),
    /// Print the requests that it has answered
    #[command(long_about = None)]
    Logs(Place),
    /// Print the variables that lead a pipeline to it, for eval
    #[command(long_about = None)]
    Env(Place),
    /// Run a command with a sandbox of its own, and remove that afterwards
    #[command(long_about = None)]
    Run(Run),
}

/// Where things are, as the environment says.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub region: Option<String>,
    pub home: Option<PathBuf>,
    pub xdg_state_home: Option<PathBuf>,
    /// Where the sandbox is, if this runs inside of one.
    pub sandbox_dir: Option<PathBuf>,
    /// Hosts to reach without a proxy, as `NO_PROXY` has them.
    pub unproxied: String,
    /// This program, to be started again in the background.
    pub program: Option<PathBuf>,
}

/// What is meant.
#[derive(Debug)]
pub enum Request {
    Serve(Options),
    /// Start the program again with these arguments.
    Detach(Home, PathBuf, Vec<OsString>),
    Status(Home),
    Stop(Home),
    Logs(Home),
    Env(Home),
    /// The directory is removed afterwards, unless it is to be kept.
    Run {
        options: Options,
        command: Vec<OsString>,
        temporary: Option<tempfile::TempDir>,
    },
}

impl Surroundings {
    fn of(job: &Job) -> Result<Self, Failure> {
        let path = |name| job.env.given(name).map(PathBuf::from);
        let unproxied = ["NO_PROXY", "no_proxy"].map(|name| job.env.given(name).unwrap_or_default());
        Ok(Surroundings {
            region: job.settings.region()?.map(|region| region.value.clone()),
            home: path("HOME"),
            xdg_state_home: path("XDG_STATE_HOME"),
            sandbox_dir: path("DOCKLESS_SANDBOX_DIR"),
            unproxied: unproxied.join(","),
            program: std::env::current_exe().ok(),
        })
    }
}

impl Sandbox {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let around = Surroundings::of(job)?;
        let request = self.into_request(&around)?;
        if job.settings.dry_run
            && let Some(report) = preview::report(&request)?
        {
            return Ok(report.into());
        }
        match request {
            Request::Serve(options) => serve(options, &around, job).await,
            Request::Run { options, command, temporary } => {
                let rehearsal = Rehearsal { command, unproxied: around.unproxied, limit: job.settings.timeout };
                let done = rehearse(options, rehearsal, job).await;
                drop(temporary);
                done
            }
            other => guard(async { Ok(ask(other, &around, job).await?.into()) }, job).await,
        }
    }

    pub fn into_request(self, around: &Surroundings) -> Result<Request, Error> {
        let home = |place: Place| place.find(around).map(Home::new);
        Ok(match self.task {
            Task::Start(start) if start.detach == Some(true) => start.detached(around)?,
            Task::Start(start) => {
                let mut options = start.manner.options(start.place.find(around)?, around)?;
                options.port = start.port.unwrap_or(sandbox::PORT);
                Request::Serve(options)
            }
            Task::Status(place) => Request::Status(home(place)?),
            Task::Stop(place) => Request::Stop(home(place)?),
            Task::Logs(place) => Request::Logs(home(place)?),
            Task::Env(place) => Request::Env(home(place)?),
            Task::Run(run) => run.into_request(around)?,
        })
    }
}

/// Until somebody ends it. Its tasks are ended first, whoever that is.
async fn serve(options: Options, around: &Surroundings, job: &Job) -> Result<Done, Failure> {
    // Asked once before anybody can know of the server: from here on signals are heard, and not deadly.
    let mut end = std::pin::pin!(early_end(job));
    if let Poll::Ready(why) = poll_fn(|context| Poll::Ready(end.as_mut().poll(context))).await {
        return Err(why.into());
    }
    let plane = plane(&options);
    let server = Server::open(options, plane, job.clock.clone()).await?;
    let running = server.running().clone();
    announce(&running, around, job);
    let stop = server.stopper();
    let stopped = || Ok(report(vec![], running.document(&around.unproxied), "stopped").into());
    let mut serving = std::pin::pin!(server.run());
    tokio::select! {
        () = &mut serving => stopped(),
        why = &mut end => {
            stop();
            serving.await;
            match why {
                // The way to end a server, and no error of its.
                super::Error::Interrupted { .. } => stopped(),
                late => Err(late.into()),
            }
        }
    }
}

fn announce(running: &Running, around: &Surroundings, job: &Job) {
    job.events.step(format!("listening on {}", running.url()));
    tell_move(running, job);
    running.tasks.iter().for_each(|ground| job.events.step(format!("tasks run with {ground}")));
    running.exports(&around.unproxied).into_iter().for_each(|line| job.events.step(line));
}

async fn rehearse(options: Options, rehearsal: Rehearsal, job: &Job) -> Result<Done, Failure> {
    sandbox::clear_abandoned(&std::env::temp_dir(), args::TEMPORARY, &job.clock).await;
    let plane = plane(&options);
    let server = Server::open(options, plane, job.clock.clone()).await?;
    let document = server.running().document(&rehearsal.unproxied);
    match sandbox::rehearse(server, rehearsal, &job.clock).await? {
        Conclusion::Command(status) => Ok(Done { report: report(vec![], document, ""), code: code(status) }),
        Conclusion::OutOfTime(limit) => Err(super::Error::TimedOut { limit, untouched: None }.into()),
    }
}

/// Images that are registered name the old port. They are found, but not by other people's clients.
fn tell_move(running: &Running, job: &Job) {
    if let Some(old) = running.moved_from {
        let hint = format!("Free port {old} and start again, if something else reads images by that address.");
        job.events.warn(
            format!("port {old}, where this sandbox was before, is taken; it is on {} now", running.port),
            Some(hint),
        );
    }
}

/// What is soon done.
async fn ask(request: Request, around: &Surroundings, job: &Job) -> Result<Report, Error> {
    let unproxied = around.unproxied.as_str();
    Ok(match request {
        Request::Detach(home, program, words) => {
            let running = sandbox::detach(&home, &program, &words, &job.clock).await?;
            tell_move(&running, job);
            let summary = format!("listening on {}", running.url());
            report(running.exports(unproxied), running.document(unproxied), &summary)
        }
        Request::Status(home) => {
            let running = found(&home)?;
            let line = format!("{} process {} in {}", running.url(), running.pid, home.dir().display());
            let tasks = running.tasks.iter().map(|ground| format!("tasks run with {ground}"));
            let services = home.services();
            let lines = services.iter().map(|(name, url)| format!("{url} service {name}"));
            let mut document = running.document(unproxied);
            document["services"] = json!(services);
            report([line].into_iter().chain(lines).chain(tasks).collect(), document, "running")
        }
        Request::Stop(home) => {
            let running = sandbox::stop(&home, &job.clock).await?;
            report(vec![], running.document(unproxied), "stopped")
        }
        Request::Logs(home) => {
            let log = fs::read_to_string(home.log()).map_err(|why| match why.kind() {
                ErrorKind::NotFound => Error::NotRunning { dir: home.dir().to_owned() },
                _ => Error::File { path: home.log(), why },
            })?;
            let lines: Vec<String> = log.lines().map(str::to_owned).collect();
            report(lines.clone(), json!({ "lines": lines }), "")
        }
        Request::Env(home) => {
            let running = found(&home)?;
            report(running.exports(unproxied), running.document(unproxied), "")
        }
        Request::Serve(_) | Request::Run { .. } => unreachable!("these last"),
    })
}

fn found(home: &Home) -> Result<Running, Error> {
    home.running()?.ok_or_else(|| Error::NotRunning { dir: home.dir().to_owned() })
}

fn plane(options: &Options) -> Box<dyn Control> {
    Box::new(Ecs::new(&options.account, &options.region))
}

fn report(lines: Vec<String>, document: Value, summary: &str) -> Report {
    Report { outcome: Outcome::Succeeded, lines, document, exports: vec![], summary: summary.into() }
}

/// As a shell has it: 128 and the signal, for a command that was killed.
fn code(end: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = end.code().or_else(|| end.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
