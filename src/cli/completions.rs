//! `completions`: a script that lets a shell complete dockless's flags.

use clap::{Args, Command};
use serde_json::json;

use super::exit::{Done, Failure};
use crate::report::{Outcome, Report};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  dockless completions bash > /etc/bash_completion.d/dockless")]
pub struct Completions {
    /// The shell that is to read it
    #[arg(value_name = "SHELL", ignore_case = true)]
    pub shell: clap_complete::Shell,
}

impl Completions {
    /// `command` is the whole command line, ready to be parsed with.
    pub fn run(self, mut command: Command) -> Result<Done, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "dockless", &mut script);
        let script = String::from_utf8_lossy(&script).trim_end().to_owned();
        let document = json!({"shell": self.shell.to_string(), "script": script});
        let report = Report {
            outcome: Outcome::Succeeded,
            lines: vec![script],
            document,
            exports: vec![],
            summary: String::new(),
        };
        Ok(report.into())
    }
}
