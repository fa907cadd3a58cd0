//! What was asked of the sandbox: the last requests in memory, for tests that want to know what was sent and what was
//! not; one line each in a log, for people; and, if wanted, every AWS call and its answer in a file, so that
//! both can be held against AWS's own service models.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Error;

/// So many requests are remembered.
const REMEMBERED: usize = 10_000;
/// The log begins anew at this size; the one before is kept beside it.
const LONG: u64 = 8 * 1024 * 1024;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Entry {
    /// Counts from 1.
    pub number: u64,
    /// Epoch seconds.
    pub at: f64,
    pub method: String,
    pub path: String,
    /// IAM's name for it: `ecr:PutImage`.
    pub action: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub user_agent: Option<String>,
    /// None if the connection was cut.
    pub status: Option<u16>,
    /// AWS's code of a refusal.
    pub code: Option<String>,
    /// Bytes of the request's body that were taken in.
    pub received: u64,
    pub milliseconds: u64,
    /// Whether a rule of the fault document hit it.
    pub fault: bool,
}

/// An AWS call as it is recorded: documents as documents, forms and XML as text.
#[derive(Debug, Serialize)]
pub struct Call {
    pub action: Option<String>,
    pub method: String,
    pub path: String,
    /// `X-Amz-Target`, which names the operation of JSON 1.1.
    pub target: Option<String>,
    /// The service that the signature is for.
    pub service: Option<String>,
    pub user_agent: Option<String>,
    pub content_type: Option<String>,
    pub request: Value,
    /// None if the connection was cut.
    pub status: Option<u16>,
    /// `X-Amzn-ErrorType`, which names the error of REST.
    pub error_type: Option<String>,
    pub answer: Value,
}

/// A body as it is recorded.
pub fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

pub struct Requests {
    kept: Mutex<Kept>,
    record: Option<Mutex<File>>,
}

struct Kept {
    count: u64,
    last: VecDeque<Entry>,
    path: PathBuf,
    log: File,
    logged: u64,
}

impl Requests {
    pub fn open(log: &Path, record: Option<&Path>) -> Result<Self, Error> {
        let file = append(log).map_err(Error::file(log))?;
        let logged = file.metadata().map_or(0, |file| file.len());
        let record = record.map(|path| append(path).map_err(Error::file(path))).transpose()?.map(Mutex::new);
        let kept = Kept { count: 0, last: VecDeque::new(), path: log.to_owned(), log: file, logged };
        Ok(Requests { kept: Mutex::new(kept), record })
    }

    pub fn add(&self, entry: Entry) {
        self.kept.lock().expect("requests lock").add(entry);
    }

    /// A line in the log that is no request.
    pub fn warn(&self, at: f64, text: &str) {
        self.kept.lock().expect("requests lock").write(&format!("{:.3} warning: {text}\n", time(at)));
    }

    /// The requests after a number, oldest first.
    pub fn after(&self, number: u64) -> Vec<Entry> {
        let kept = self.kept.lock().expect("requests lock");
        kept.last.iter().filter(|entry| entry.number > number).cloned().collect()
    }

    pub fn forget(&self) {
        self.kept.lock().expect("requests lock").last.clear();
    }

    /// One AWS call with its answer, in one write: others may append to the same file.
    pub fn record(&self, call: &Call) {
        let Some(file) = &self.record else { return };
        let line = json!(call).to_string() + "\n";
        let _ = file.lock().expect("record lock").write_all(line.as_bytes());
    }

    pub fn records(&self) -> bool {
        self.record.is_some()
    }
}

impl Kept {
    fn add(&mut self, mut entry: Entry) {
        self.count += 1;
        entry.number = self.count;
        self.write(&line(&entry));
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(entry);
    }

    fn write(&mut self, line: &str) {
        if self.logged > LONG {
            self.turn();
        }
        self.logged += line.len() as u64;
        let _ = self.log.write_all(line.as_bytes());
    }

    fn turn(&mut self) {
        let _ = fs::rename(&self.path, self.path.with_extension("log.1"));
        if let Ok(log) = append(&self.path) {
            (self.log, self.logged) = (log, 0);
        }
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn time(at: f64) -> Timestamp {
    Timestamp::from_millisecond((at * 1000.0) as i64).unwrap_or_default()
}

fn line(entry: &Entry) -> String {
    let time = time(entry.at);
    let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
    let mut line = format!("{time:.3} {status} {} {}", entry.method, entry.path);
    let more = [entry.action.as_deref(), entry.code.as_deref(), entry.fault.then_some("(fault)")];
    for word in more.into_iter().flatten() {
        line += " ";
        line += word;
    }
    line += &format!(" {} bytes {} ms\n", entry.received, entry.milliseconds);
    line
}
