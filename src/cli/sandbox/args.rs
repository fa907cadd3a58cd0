//! The flags of `sandbox`'s subcommands, and what they mean. A sandbox in the background is started by saying the same
//! to another process, so everything that can be refused is refused before that.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Request, Surroundings};
use crate::sandbox::run::Secrets;
use crate::sandbox::{self, Error, Faults, Home, Options, Pace, RunTasks};

/// How the names of directories begin that go with a command.
pub const TEMPORARY: &str = "dockless-sandbox-";

#[derive(Debug, Args)]
pub struct Place {
    /// Directory of its state [default: $DOCKLESS_SANDBOX_DIR, $XDG_STATE_HOME/dockless/sandbox or ~/.local/state/dockless/sandbox]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    pub place: Place,
    /// Serve in the background, and return once it is ready
    #[arg(long)]
    pub detach: Option<bool>,
    /// Port on 127.0.0.1; 0 takes a free one [default: 4711]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    #[command(flatten)]
    pub manner: Manner,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Keep its state in this directory, instead of removing it
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    #[command(flatten)]
    pub manner: Manner,
    /// The command and its arguments, behind --
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// How a sandbox behaves.
#[derive(Debug, Args)]
pub struct Manner {
    /// How fast rollouts go: in seconds, or in ECS's own time [default: fast]
    #[arg(long, value_name = "PACE", ignore_case = true)]
    pub clock: Option<Speed>,
    /// Leave the OCI specification wherever ECR does
    #[arg(long)]
    pub ecr_strict: Option<bool>,
    /// JSON file that says which requests and tasks are to fail, and how
    ///
    /// {"rules": [{"on": "ecs:UpdateService", "times": 2, "then": {"throttle": {}}}], "fates": [{"family": "shop:2",
    /// "fate": {"exitCode": {"code": 3}}}]}, for example. Any of these may be in it. "rules", about requests: "on", "skip",
    /// "every", "times", "seconds", and "then": throttle, status, deny, cut, lose_answer, slow, expire_token,
    /// expire_credentials, clock, ecr_strict, replace_deployment, fail_entries. "fates", about tasks: "cluster", "service",
    /// "family", "image", "container", "from", "times", "log", and "fate": healthy, failPull, exitCode, healthCheckFails,
    /// elbHealthCheckFails, outOfMemory, spotInterruption, resourceInitialization, neverStarts, noCapacity. "alarms": names
    /// of those in ALARM, or {"name", "family", "service", "cluster", "after"} for one that goes off in a deployment.
    /// "hooks": what Lambda functions answer. "lag": by how many seconds answers are late. The README's section "Faults"
    /// explains each, with an example.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Start the containers of tasks from the images in the sandbox's registry
    ///
    /// Each task has a network namespace of its own, and each service is reached on 127.0.0.1 through a small load
    /// balancer; `dockless sandbox status` says where. From inside, a task reaches nothing: no other task, not this
    /// machine, not the internet. Containers start in the order of their dependsOn; their memory is limited where control
    /// groups can be made, which start and status tell, and cpu is not. Logs of ended tasks and unpacked images are kept
    /// for an hour. Needs root or user namespaces.
    #[arg(long)]
    pub run_tasks: Option<bool>,
    /// Tasks share this machine's network, where it has no namespaces; what they bind may be reached from outside
    #[arg(long, requires = "run_tasks")]
    pub host_network: Option<bool>,
    /// JSON file that gives the values of tasks' secrets and parameters, by valueFrom; nobody else may read it
    ///
    /// {"arn:aws:secretsmanager:…:secret:db-AbCdEf": {"password": "…"}, "/app/token": "…", "arn:aws:s3:::bucket/app.env":
    /// "path of that file"}. A task that asks for one that is not in it stops with ResourceInitializationError, as in
    /// ECS.
    #[arg(long, value_name = "FILE", requires = "run_tasks")]
    pub secrets: Option<PathBuf>,
    /// Append every AWS call and its answer to this file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speed {
    Fast,
    Real,
}

impl Place {
    pub fn find(self, around: &Surroundings) -> Result<PathBuf, Error> {
        let given = self.dir.filter(|dir| !dir.as_os_str().is_empty()).or_else(|| around.sandbox_dir.clone());
        let xdg = || around.xdg_state_home.clone().filter(|dir| dir.is_absolute());
        let home = || around.home.as_ref().map(|home| home.join(".local/state"));
        let standard = || xdg().or_else(home).map(|dir| dir.join("dockless/sandbox"));
        // The variable that tells others of it has to be true wherever they are.
        absolute(&given.or_else(standard).ok_or(Error::NoDirectory)?)
    }
}

impl Start {
    /// The same, to be said to another process; everything that can be refused is refused here.
    pub fn detached(self, around: &Surroundings) -> Result<Request, Error> {
        let port = self.port.unwrap_or(sandbox::PORT);
        let dir = self.place.find(around)?;
        self.manner.options(dir.clone(), around)?;
        let mut words: Vec<OsString> = ["sandbox", "start", "--port"].map(OsString::from).into();
        words.push(port.to_string().into());
        // The other process reads `$$` as a dollar sign.
        let literal =
            |value: OsString| value.into_string().map_or_else(|odd| odd, |text| text.replace('$', "$$").into());
        let mut flag = |name: &str, value: OsString| words.extend([OsString::from(name), literal(value)]);
        flag("--dir", dir.clone().into());
        if let Some(region) = &around.region {
            flag("--region", region.into());
        }
        if self.manner.clock == Some(Speed::Real) {
            flag("--clock", "real".into());
        }
        if let Some(faults) = &self.manner.faults {
            flag("--faults", absolute(faults)?.into());
        }
        if let Some(secrets) = &self.manner.secrets {
            flag("--secrets", absolute(secrets)?.into());
        }
        if let Some(record) = &self.manner.record {
            flag("--record", absolute(record)?.into());
        }
        let switches = [
            (self.manner.ecr_strict, "--ecr-strict"),
            (self.manner.run_tasks, "--run-tasks"),
            (self.manner.host_network, "--host-network"),
        ];
        words.extend(switches.into_iter().filter(|(on, _)| *on == Some(true)).map(|(_, name)| name.into()));
        let program = around.program.clone().unwrap_or_else(|| "dockless".into());
        Ok(Request::Detach(Home::new(dir), program, words))
    }
}

impl Run {
    pub fn into_request(self, around: &Surroundings) -> Result<Request, Error> {
        let temporary = match self.keep {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix(TEMPORARY)
                    .tempdir()
                    .map_err(|why| Error::File { path: "the directory for temporary files".into(), why })?,
            ),
        };
        let dir = temporary.as_ref().map(|dir| dir.path().to_owned()).or(self.keep).expect("one of the two");
        let options = Options { port: 0, ..self.manner.options(dir, around)? };
        Ok(Request::Run { options, command: self.command, temporary })
    }
}

impl Manner {
    pub fn options(&self, dir: PathBuf, around: &Surroundings) -> Result<Options, Error> {
        let faults = match &self.faults {
            Some(path) => {
                let what = path.display().to_string();
                let hint = "Name a file of JSON; `dockless sandbox start --help` says what is in it.".to_owned();
                let text = fs::read(path);
                let text = text.map_err(|why| Error::Faults { what: what.clone(), why: why.to_string(), hint })?;
                Faults::parse(&text, &what)?
            }
            None => Faults::default(),
        };
        let pace = if self.clock == Some(Speed::Real) { Pace::Real } else { Pace::Fast };
        let region = around.region.clone().unwrap_or_else(|| sandbox::REGION.into());
        let secrets = self.secrets.as_deref().map(Secrets::read).transpose()?.unwrap_or_default();
        let run_tasks = (self.run_tasks == Some(true)).then(|| RunTasks {
            secrets,
            program: around.program.clone().unwrap_or_else(|| "dockless".into()),
            host_network: self.host_network == Some(true),
        });
        let (ecr_strict, record) = (self.ecr_strict == Some(true), self.record.clone());
        Ok(Options { region, pace, ecr_strict, faults, run_tasks, record, ..Options::new(dir) })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|why| Error::File { path: path.to_owned(), why })
}
