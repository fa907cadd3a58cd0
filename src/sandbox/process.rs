//! A sandbox in the background: its start in a process of its own, and its end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

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
    home.create()?;
    let log = File::create(home.server_log()).map_err(Error::file(&home.server_log()))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
    let mut child = command.spawn().map_err(Error::command(program.as_os_str()))?;
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        if let Some(running) = home.running()?.filter(|running| Some(running.pid) == child.id()) {
            return Ok(running);
        }
        if child.try_wait().ok().flatten().is_some() {
            break;
        }
        clock.sleep(LOOK).await;
        waited += LOOK;
    }
    let log = fs::read_to_string(home.server_log()).unwrap_or_default();
    let log = log.lines().last().unwrap_or("nothing").to_owned();
    let _ = child.start_kill();
    Err(Error::NotReady { dir: home.dir().to_owned(), log })
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

async fn sweep(home: &Home, clock: &Clock) -> Result<(), Error> {
    if home.tasks().exists() && !home.is_occupied()? {
        let _held = home.occupy()?;
        super::run::sweep(&home.tasks(), clock).await;
    }
    Ok(())
}
