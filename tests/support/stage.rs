//! The program as a pipeline runs it: an empty environment, a home and a working directory of its own.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A job's directory, home and variables.
pub struct Stage {
    dir: TempDir,
    env: Vec<(String, String)>,
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    pub fn new() -> Stage {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("home")).expect("a home");
        Stage { dir, env: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Stage {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        fs::write(&path, content).expect("a file");
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// Everything below the stage, its directories apart.
    pub fn files(&self) -> Vec<String> {
        files_below(self.dir.path())
    }

    pub async fn run(&self, words: &[&str]) -> Ended {
        self.run_under(None, words).await
    }

    /// The same, started by another program: `["sh", "-c", "umask 077; exec \"$@\"", "sh"]`.
    pub async fn run_under(&self, outer: Option<&[&str]>, words: &[&str]) -> Ended {
        let output = self.command(outer, words).output().await.expect("the program runs");
        Ended::of(output.status, output.stdout, output.stderr)
    }

    /// A run whose job is told to end (SIGTERM) when it has said this on stderr; and again when it has said the next.
    pub async fn cancelled(&self, when: &[&str], words: &[&str]) -> Ended {
        let mut running = self.command(None, words).stdin(Stdio::null()).spawn().expect("the program runs");
        let (mut out, mut err) = (running.stdout.take().unwrap(), running.stderr.take().unwrap());
        let pid = running.id().unwrap().to_string();
        let mut when = when.iter().peekable();
        let said = async {
            let (mut said, mut told) = (Vec::new(), 0);
            while err.read_buf(&mut said).await.unwrap() > 0 {
                let fresh = String::from_utf8_lossy(&said[told..]);
                if when.next_if(|sign| fresh.contains(**sign)).is_some() {
                    told = said.len();
                    Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
                }
            }
            said
        };
        let mut stdout = Vec::new();
        let (stderr, _) = tokio::join!(said, out.read_to_end(&mut stdout));
        Ended::of(running.wait().await.unwrap(), stdout, stderr)
    }

    fn command(&self, outer: Option<&[&str]>, words: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_dockless");
        let all: Vec<&str> = outer.unwrap_or_default().iter().chain(&[binary]).chain(words).copied().collect();
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).env_clear().env("HOME", self.path("home")).env("PATH", "/usr/bin:/bin");
        command.envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(self.dir.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// A run that has to succeed.
    pub async fn done(&self, words: &[&str]) -> Ended {
        let ended = self.run(words).await;
        assert_eq!(ended.code, 0, "{words:?}: {}{}", ended.stdout, ended.stderr);
        ended
    }

    /// A run that has to succeed, and the document that it printed.
    pub async fn document(&self, words: &[&str]) -> Value {
        self.done(&[words, &["--output", "json"]].concat()).await.document()
    }
}

impl Ended {
    fn of(status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>) -> Ended {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: status.code().expect("an exit code"), stdout: text(stdout), stderr: text(stderr) }
    }

    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}: {}{}", self.stdout, self.stderr))
    }

    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Ended with this exit code, empty-handed, and said all of this.
    pub fn refused(&self, code: i32, wanted: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{}", self.stderr);
        for part in wanted {
            assert!(self.stderr.contains(part), "'{part}' is not in: {}", self.stderr);
        }
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
    }
}

/// Relative paths, sorted.
pub fn files_below(dir: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(dir).into_iter().map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    let mut names: Vec<String> =
        files.map(|entry| entry.path().strip_prefix(dir).expect("below").display().to_string()).collect();
    names.sort();
    names
}

/// A plain jar with a main class, and a resource that does not compress.
pub fn jar() -> Vec<u8> {
    let noise: Vec<u8> = (0..40_000_u64).flat_map(|n| mixed(n).to_le_bytes()).collect();
    zip(&[
        ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\nMain-Class: shop.Main\n\n".as_slice()),
        ("shop/Main.class", &[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0, 1]),
        ("noise.bin", &noise),
    ])
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("a zip").into_inner()
}

/// A well-mixed number.
fn mixed(n: u64) -> u64 {
    let mut word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word ^= word >> 29;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^ word >> 32
}
