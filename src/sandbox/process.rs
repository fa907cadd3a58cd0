//! A sandbox in the background: its start in a process of its own, and its end.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::{Error, Home, Running};
use crate::clock::Clock;

/// How long to wait between two looks at a process that comes or goes.
const LOOK: Duration = Duration::from_millis(2);
/// How long a process may take to come, or to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts `program arguments…`, which serves in this home, in a session of its own, and waits until it is ready.
pub async fn detach(home: &Home, program: &Path, arguments: &[OsString], clock: &Clock) -> Result<Running, Error> {
    if home.is_occupied()? {
        return Err(Error::Running { dir: home.dir().to_owned(), pid: home.running()?.map(|running| running.pid) });
    }
    let before = home.before();
    home.create()?;
    let mut log = OpenOptions::new();
    let log = log.create(true).truncate(true).write(true).mode(0o600).open(home.server_log());
    let log = log.map_err(Error::file(&home.server_log()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
    let mut child = command.spawn().map_err(Error::command(program.as_os_str()))?;
    let running = await_ready(home, &mut child, clock).await?;
    if running.is_none() {
        let _ = child.kill().await;
        let log = fs::read_to_string(home.server_log()).unwrap_or_default();
        let _ = fs::remove_file(home.server_log());
        before.restore();
        return Err(refusal(&log, child.wait().await.ok().and_then(|status| status.code())).unwrap_or_else(|| {
            let log = log.lines().last().unwrap_or("nothing").to_owned();
            Error::NotReady { dir: home.dir().to_owned(), log }
        }));
    }
    Ok(running.expect("it is ready"))
}

/// None if the process ends, or its time does.
async fn await_ready(home: &Home, child: &mut Child, clock: &Clock) -> Result<Option<Running>, Error> {
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        if let Some(running) = home.running()?.filter(|running| Some(running.pid) == child.id()) {
            return Ok(Some(running));
        }
        if child.try_wait().ok().flatten().is_some() {
            break;
        }
        clock.sleep(LOOK).await;
        waited += LOOK;
    }
    Ok(None)
}

/// The error that the process told before it ended, to be told again: its last, what lay behind it, and the cure.
fn refusal(log: &str, code: Option<i32>) -> Option<Error> {
    let lines: Vec<&str> = log.lines().collect();
    let begin = lines.iter().rposition(|line| line.starts_with("error: "))?;
    let (mut why, mut hint) = (lines[begin]["error: ".len()..].to_owned(), None);
    for line in &lines[begin + 1..] {
        match line.strip_prefix("hint: ") {
            Some(cure) => hint = Some(cure.to_owned()),
            None => why = format!("{why}: {}", line.trim()),
        }
    }
    Some(Error::Refused { why, hint, input: code == Some(2) })
}

/// Ends the server of this home and waits until it has gone: asks first, and insists if that does not help. What the
/// tasks of one that was killed have left is taken away.
pub async fn stop(home: &Home, clock: &Clock) -> Result<Running, Error> {
    let absent = || Error::NotRunning { dir: home.dir().to_owned() };
    let Some(running) = home.running()? else {
        sweep(home, clock).await?;
        return Err(absent());
    };
    let pid = i32::try_from(running.pid).ok().and_then(Pid::from_raw).ok_or_else(absent)?;
    for signal in [Signal::TERM, Signal::KILL] {
        // It may have gone by itself in between.
        let _ = kill_process(pid, signal);
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            if !home.is_occupied()? {
                return Ok(running);
            }
            clock.sleep(LOOK).await;
            waited += LOOK;
        }
    }
    Err(Error::Stuck { dir: home.dir().to_owned(), pid: running.pid })
}

/// Takes away homes below this directory, of this prefix, that were to go with a server that was killed. A server that is
/// just beginning has not described itself yet, one that ends in order does so no more.
pub async fn clear_abandoned(parent: &Path, prefix: &str, clock: &Clock) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)));
    for home in named.map(|entry| Home::new(entry.path())) {
        if home.was_killed() && sweep(&home, clock).await.is_ok() {
            let _ = fs::remove_dir_all(home.dir());
        }
    }
}

async fn sweep(home: &Home, clock: &Clock) -> Result<(), Error> {
    if home.tasks().exists() && !home.is_occupied()? {
        let _held = home.occupy()?;
        super::run::sweep(&home.tasks(), clock).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Explain as _, Kind};

    #[test]
    fn error_of_a_server_in_the_background_is_told_as_it_told_it() {
        let log = "==> tasks run\nwarning: w\nhint: other\nerror: no root\n  why not\nhint: Become root.\n";
        let error = refusal(log, Some(2)).unwrap();
        assert_eq!((error.to_string().as_str(), error.kind()), ("no root: why not", Kind::Input));
        assert_eq!(error.hint().as_deref(), Some("Become root."));
        assert_eq!(refusal("error: cannot listen\n", Some(1)).unwrap().kind(), Kind::Failed);
        assert!(refusal("thread 'main' panicked\n", None).is_none());
    }
}
