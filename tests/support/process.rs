//! The program as a step of a pipeline runs it: an empty environment, a home of its own, and every service of AWS at
//! one address.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use dockless::aws::AccessKey;
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::aws::{ACCESS_KEY, SECRET_KEY};

/// Removed from the disk when dropped.
pub struct Job {
    home: TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Job {
    /// Signs with the keys that `FakeAws` knows.
    pub fn at(url: &str) -> Job {
        let home = tempfile::tempdir().expect("a home");
        Job { home, env: Vec::new() }
            .with("AWS_ENDPOINT_URL", url)
            .with("AWS_REGION", "eu-west-1")
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    pub fn with(mut self, name: &str, value: &str) -> Job {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn keys(self, key: &AccessKey) -> Job {
        self.with("AWS_ACCESS_KEY_ID", &key.id).with("AWS_SECRET_ACCESS_KEY", key.secret.expose_secret())
    }

    /// A place in the home, which is also where the program runs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dockless"));
        command.args(words).current_dir(self.home.path()).env_clear().env("HOME", self.home.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
        command
    }

    pub async fn run(&self, words: &[&str]) -> Ended {
        self.command(words).output().await.expect("the program starts").into()
    }

    /// For a run that is not left to itself.
    pub fn spawn(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ended {
            code: output.status.code().expect("an exit code"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// What `--output json` answered.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
}
