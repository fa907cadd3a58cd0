//! `sandbox`: ECR, ECS and a registry on this machine, to rehearse a pipeline with.

mod args;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Job;
use super::exit::{Done, Failure};
use crate::clock::Clock;
use crate::report::{Events, Outcome, Report};
use crate::sandbox::{self, Control, Ecs, Error, Home, Options, Running, Server};

use args::{Place, Run, Start};

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
    #[command(long_about = None, after_help = "A new sandbox has the ECS cluster `default`, the one that is meant where none is named.")]
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

impl Sandbox {
    pub async fn run(self, job: &Job) -> Result<Done, Failure> {
        let path = |name| job.env.given(name).map(PathBuf::from);
        let around = Surroundings {
            region: job.settings.region()?.map(|region| region.value.clone()),
            home: path("HOME"),
            xdg_state_home: path("XDG_STATE_HOME"),
            program: std::env::current_exe().ok(),
        };
        let (report, code) = run(self.into_request(&around)?, job.clock.clone(), &job.events).await?;
        Ok(Done { report, code })
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

/// The report and the exit code, which under `run` is the command's.
pub async fn run(request: Request, clock: Clock, events: &Events) -> Result<(Report, u8), Error> {
    let report = match request {
        Request::Serve(options) => {
            let plane = plane(&options);
            let server = Server::open(options, plane, clock).await?;
            let running = server.running().clone();
            events.step(format!("listening on {}", running.url()));
            running.exports().into_iter().for_each(|line| events.step(line));
            server.run().await;
            report(vec![], running.document(), "stopped")
        }
        Request::Detach(home, program, words) => {
            let running = sandbox::detach(&home, &program, &words, &clock).await?;
            report(running.exports(), running.document(), &format!("listening on {}", running.url()))
        }
        Request::Status(home) => {
            let running = found(&home)?;
            let line = format!("{} process {} in {}", running.url(), running.pid, home.dir().display());
            let services = home.services();
            let lines = services.iter().map(|(name, url)| format!("{url} service {name}"));
            let mut document = running.document();
            document["services"] = json!(services);
            report([line].into_iter().chain(lines).collect(), document, "running")
        }
        Request::Stop(home) => {
            let running = sandbox::stop(&home, &clock).await?;
            report(vec![], running.document(), "stopped")
        }
        Request::Logs(home) => {
            let log = fs::read_to_string(home.log()).map_err(|why| Error::File { path: home.log(), why })?;
            let lines: Vec<String> = log.lines().map(str::to_owned).collect();
            report(lines.clone(), json!({ "lines": lines }), "")
        }
        Request::Env(home) => {
            let running = found(&home)?;
            report(running.exports(), running.document(), "")
        }
        Request::Run { options, command, temporary } => {
            let plane = plane(&options);
            let server = Server::open(options, plane, clock).await?;
            let document = server.running().document();
            let end = sandbox::rehearse(server, &command).await?;
            drop(temporary);
            return Ok((report(vec![], document, ""), code(end)));
        }
    };
    Ok((report, 0))
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
