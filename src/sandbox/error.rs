//! Why a sandbox cannot start, be found, or go on.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::report::{Explain, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a sandbox is running in {}{}", dir.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Running { dir: PathBuf, pid: Option<u32> },
    #[error("no sandbox is running in {}", dir.display())]
    NotRunning { dir: PathBuf },
    #[error("cannot listen on {address}: {why}")]
    Bind { address: SocketAddr, why: std::io::Error },
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error("{}: not a sandbox's state: {why}", path.display())]
    State { path: PathBuf, why: String },
    #[error("{what}: {why}")]
    Faults { what: String, why: String, hint: String },
    #[error("no directory to keep the sandbox in")]
    NoDirectory,
    #[error("'{0}' is not an account number")]
    Account(String),
    #[error("the sandbox in {} did not come up; its log ends with: {log}", dir.display())]
    NotReady { dir: PathBuf, log: String },
    /// What a server in the background said before it ended.
    #[error("{why}")]
    Refused { why: String, hint: Option<String>, input: bool },
    #[error("process {pid} of the sandbox in {} does not end", dir.display())]
    Stuck { dir: PathBuf, pid: u32 },
    #[error(transparent)]
    Run(#[from] super::run::Error),
    #[error(transparent)]
    Registry(#[from] crate::registry::Error),
    #[error("cannot run {program}: {why}")]
    Command { program: String, why: std::io::Error },
}

impl Error {
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        |why| Error::File { path, why }
    }

    pub(super) fn command(program: &OsStr) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let program = program.to_string_lossy().into_owned();
        |why| Error::Command { program, why }
    }
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|letter| letter.is_alphanumeric() || "/._-+:@%".contains(letter)) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Running { .. } => {
                "Use it (`dockless sandbox env`), stop it (`dockless sandbox stop`), or name another --dir and --port."
                    .into()
            }
            Error::NotRunning { dir } => {
                format!(
                    "Start one with `dockless sandbox start --detach --dir {}`, or name another --dir.",
                    quoted(dir)
                )
            }
            Error::Bind { .. } => "Name another --port; 0 takes a free one.".into(),
            Error::Refused { hint, .. } => return hint.clone(),
            Error::Run(why) => return why.hint(),
            Error::Registry(why) => return why.hint(),
            Error::State { path, .. } => {
                format!("Remove {} and start again, or name another --dir.", path.display())
            }
            Error::Faults { hint, .. } => hint.clone(),
            Error::NoDirectory => "Set HOME or XDG_STATE_HOME, or name a --dir.".into(),
            Error::Account(_) => "An account number has 12 digits.".into(),
            _ => return None,
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Error::Run(why) => why.kind(),
            Error::Refused { input: true, .. } => Kind::Input,
            Error::Faults { .. } | Error::NoDirectory | Error::Account(_) | Error::Command { .. } => Kind::Input,
            _ => Kind::Failed,
        }
    }
}
