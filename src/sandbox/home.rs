//! The directory of a sandbox, and who is in it. A lock tells whether a server runs, even after one was killed; a
//! small file beside it says where it listens. Everything else in the directory is state.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use super::state::replace;

#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

/// A server that runs, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The directory, which is not told in it.
    #[serde(skip)]
    pub dir: PathBuf,
    pub pid: u32,
    pub port: u16,
    pub account: String,
    pub region: String,
    /// The port that it had before, if it was to have that again and somebody else has it now.
    #[serde(default)]
    pub moved_from: Option<u16>,
    /// What containers get, if tasks really run.
    #[serde(default)]
    pub tasks: Option<String>,
}

/// So many ports of its past are remembered.
const PORTS: usize = 16;

/// What was there before a start, so that one that is refused leaves nothing behind.
pub struct Before {
    dir: PathBuf,
    /// Directories that did not exist, the innermost first.
    missing: Vec<PathBuf>,
    empty: bool,
}

/// Held while a server runs. Dropping it takes the description away.
pub struct Occupied {
    home: Home,
    _lock: File,
}

impl Home {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Home { dir: dir.into() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("requests.log")
    }

    /// What a server in the background says of itself, which is nothing unless it fails.
    pub fn server_log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Where tasks run: their images, logs and roots.
    pub fn tasks(&self) -> PathBuf {
        self.dir.join("tasks")
    }

    /// Services whose tasks run, and the addresses of the balancers in front of them.
    pub fn services(&self) -> BTreeMap<String, String> {
        let ports = fs::read(self.tasks().join("fronts.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let ports: BTreeMap<String, u16> = ports.unwrap_or_default();
        ports.into_iter().map(|(name, port)| (name, format!("http://127.0.0.1:{port}"))).collect()
    }

    fn description(&self) -> PathBuf {
        self.dir.join("server.json")
    }

    fn past(&self) -> PathBuf {
        self.dir.join("ports.json")
    }

    /// Where servers of this directory have listened, the last one last: what is kept names images by it.
    pub fn ports(&self) -> Vec<u16> {
        fs::read(self.past()).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// The directory, for this user alone: what a pipeline registers may hold its secrets.
    pub fn create(&self) -> Result<(), Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(Error::file(&self.dir))
    }

    pub fn before(&self) -> Before {
        let above = self.dir.ancestors().filter(|dir| !dir.as_os_str().is_empty());
        let missing: Vec<_> = above.take_while(|dir| !dir.exists()).map(Path::to_owned).collect();
        let empty = !missing.is_empty() || fs::read_dir(&self.dir).is_ok_and(|mut entries| entries.next().is_none());
        Before { dir: self.dir.clone(), missing, empty }
    }

    /// Makes the directory this process's own.
    pub fn occupy(&self) -> Result<Occupied, Error> {
        self.create()?;
        let path = self.dir.join("lock");
        let options = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = options.map_err(Error::file(&path))?;
        match lock.try_lock() {
            Ok(()) => {
                let _ = fs::remove_file(self.description());
                Ok(Occupied { home: self.clone(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => {
                let pid = self.described().map(|running| running.pid);
                Err(Error::Running { dir: self.dir.clone(), pid })
            }
            Err(TryLockError::Error(why)) => Err(Error::file(&path)(why)),
        }
    }

    /// The server that runs here, if it is up.
    pub fn running(&self) -> Result<Option<Running>, Error> {
        Ok(if self.is_occupied()? { self.described() } else { None })
    }

    /// A server of this user's was here and did not leave.
    pub fn was_killed(&self) -> bool {
        self.description().exists() && self.is_occupied().is_ok_and(|occupied| !occupied)
    }

    /// Whether some process holds the lock.
    pub fn is_occupied(&self) -> Result<bool, Error> {
        let path = self.dir.join("lock");
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(false),
            Err(why) => return Err(Error::file(&path)(why)),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(why)) => Err(Error::file(&path)(why)),
        }
    }

    fn described(&self) -> Option<Running> {
        let described: Running = serde_json::from_slice(&fs::read(self.description()).ok()?).ok()?;
        Some(Running { dir: self.dir.clone(), ..described })
    }
}

impl Before {
    /// Takes away what has come since. A directory that held something is left as it is.
    pub fn restore(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|_| self.empty) {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
        self.missing.iter().for_each(|dir| drop(fs::remove_dir(dir)));
    }
}

impl Occupied {
    pub fn describe(&self, running: &Running) -> Result<(), Error> {
        let path = self.home.description();
        let text = serde_json::to_vec_pretty(running).expect("a description is plain JSON");
        replace(&path, &text).map_err(Error::file(&path))
    }
}

impl Occupied {
    /// For the next server in this directory.
    pub fn remember(&self, port: u16) -> Result<(), Error> {
        let mut ports = self.home.ports();
        ports.retain(|old| *old != port);
        ports.push(port);
        let from = ports.len().saturating_sub(PORTS);
        let text = serde_json::to_vec(&ports[from..]).expect("numbers are plain JSON");
        replace(&self.home.past(), &text).map_err(Error::file(&self.home.past()))
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.home.description());
    }
}

impl Running {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The registry's host, as image references have it.
    pub fn registry(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What a pipeline needs to know, as environment variables.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", "AKIASANDBOXSANDBOX00".into()),
            ("AWS_SECRET_ACCESS_KEY", "sandbox".into()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            // For jobs that build names from it. It would lead to the account's registry at AWS, but that the next names a
            // registry on this machine.
            ("AWS_ACCOUNT_ID", self.account.clone()),
            ("AWS_ECR_ACCOUNT_URL", self.registry()),
            ("DOCKLESS_SANDBOX_DIR", self.dir.display().to_string()),
        ]
    }

    /// The same, for one who may be behind a proxy and knows to go round it for some hosts already (`NO_PROXY`).
    pub fn variables(&self, unproxied: &str) -> Vec<(&'static str, String)> {
        let unproxied = with_loopback(unproxied);
        let both = [("NO_PROXY", unproxied.clone()), ("no_proxy", unproxied)];
        self.environment().into_iter().chain(both).collect()
    }

    /// Variables that would lead a pipeline past the sandbox, with keys or to accounts of the real AWS.
    pub fn unset() -> &'static [&'static str] {
        &["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]
    }

    /// Lines for `eval`.
    pub fn exports(&self, unproxied: &str) -> Vec<String> {
        let quoted = |value: String| value.replace('\'', r"'\''");
        let set =
            self.variables(unproxied).into_iter().map(|(name, value)| format!("export {name}='{}'", quoted(value)));
        set.chain([format!("unset {}", Running::unset().join(" "))]).collect()
    }

    pub fn document(&self, unproxied: &str) -> Value {
        let variables = self.variables(unproxied);
        let environment: serde_json::Map<_, _> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::json!({ "pid": self.pid, "url": self.url(), "tasks": self.tasks, "environment": environment })
    }
}

/// A list of hosts as `NO_PROXY` holds it, with this machine's own.
fn with_loopback(hosts: &str) -> String {
    let mut list: Vec<&str> = hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    list.extend(["127.0.0.1", "localhost"]);
    let mut seen = std::collections::HashSet::new();
    list.retain(|host| seen.insert(*host));
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(dir: &Path, port: u16) -> Running {
        let (account, region) = ("3".into(), "r".into());
        Running { dir: dir.into(), pid: 1, port, account, region, moved_from: None, tasks: None }
    }

    #[test]
    fn home_lets_in_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let running = running(dir.path(), 2);
        let inside = home.occupy().unwrap();
        inside.describe(&running).unwrap();
        assert!(matches!(home.occupy(), Err(Error::Running { pid: Some(1), .. })));
        assert_eq!(home.running().unwrap(), Some(running));
        drop(inside);
        assert_eq!((home.running().unwrap(), home.occupy().is_ok()), (None, true));
    }

    #[test]
    fn home_knows_a_server_that_was_killed() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let inside = home.occupy().unwrap();
        inside.describe(&running(dir.path(), 2)).unwrap();
        assert!(!home.was_killed(), "it runs");
        let left = fs::read(home.description()).unwrap();
        drop(inside);
        assert!(!home.was_killed(), "it left in order");
        fs::write(home.description(), left).unwrap();
        assert!(home.was_killed());
    }

    #[test]
    fn home_of_a_refused_start_is_as_it_was_before() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("a/b"));
        let before = home.before();
        home.create().unwrap();
        fs::create_dir_all(home.tasks().join("probe")).unwrap();
        before.restore();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::write(dir.path().join("mine"), "").unwrap();
        let home = Home::new(dir.path());
        let before = home.before();
        fs::write(home.log(), "").unwrap();
        before.restore();
        assert!(home.log().exists() && dir.path().join("mine").exists());
    }

    #[test]
    fn home_remembers_its_last_ports() {
        let dir = tempfile::tempdir().unwrap();
        let inside = Home::new(dir.path()).occupy().unwrap();
        (1..=20).chain([7]).for_each(|port| inside.remember(port).unwrap());
        let ports = Home::new(dir.path()).ports();
        assert_eq!((ports.len(), ports.last(), ports.contains(&4)), (PORTS, Some(&7), false));
    }

    #[test]
    fn exports_are_for_a_shell() {
        let exports = running(Path::new("/it's"), 4711).exports("");
        assert_eq!(exports[0], "export AWS_ENDPOINT_URL='http://127.0.0.1:4711'");
        assert!(exports.contains(&r"export DOCKLESS_SANDBOX_DIR='/it'\''s'".to_owned()), "{exports:?}");
    }

    #[test]
    fn loopback_is_added_to_what_is_not_proxied() {
        assert_eq!(with_loopback(""), "127.0.0.1,localhost");
        assert_eq!(with_loopback("corp.test, localhost,,corp.test"), "corp.test,localhost,127.0.0.1");
        let exports = running(Path::new("/s"), 1).exports("corp.test");
        assert!(exports.contains(&"export no_proxy='corp.test,127.0.0.1,localhost'".to_owned()), "{exports:?}");
    }
}
