//! The single-threaded children in which namespaces are entered: a threaded process may not fork, nor move into
//! another user or mount namespace. Each is this program once more, is told what to do by one JSON line on its
//! standard input, a socket, and ends what it started when that socket closes.

mod check;
mod container;
mod inside;
mod namespace;
mod network;
mod probe;
mod root;
mod user;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ExitCode};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde::de::DeserializeOwned;

use super::wire::{WORD, Word};

/// What went wrong, and at what.
type Attempt<T> = Result<T, String>;

/// If this process is one of those children, what it had to do is done now. To be asked before anything else.
pub fn child(argv: &[OsString]) -> Option<ExitCode> {
    if argv.get(1)? != WORD {
        return None;
    }
    let argument = |at: usize| argv.get(at).and_then(|argument| argument.to_str()).unwrap_or_default();
    let done = match argument(2) {
        "probe" => probe::run(),
        "network" => network::run(),
        "container" => container::run(),
        "inside" => return Some(inside::run(argument(3))),
        "check" => check::run(),
        other => Err(format!("no such child: {other}")),
    };
    Some(match done {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            say(&Word::Failed(why));
            ExitCode::FAILURE
        }
    })
}

fn at<T, E: Display>(what: &str, result: Result<T, E>) -> Attempt<T> {
    result.map_err(|why| format!("{what}: {why}"))
}

/// The line that says what to do.
fn told<T: DeserializeOwned>() -> Attempt<T> {
    let mut line = Vec::new();
    let mut byte = [0];
    // One by one: what comes after the line is for somebody else.
    while line.last() != Some(&b'\n') && at("standard input", rustix::io::read(socket(), &mut byte))? == 1 {
        line.push(byte[0]);
    }
    at("standard input", serde_json::from_slice(&line))
}

/// All of standard input, for one who is told by a pipe.
fn told_by_pipe<T: DeserializeOwned>() -> Attempt<T> {
    let mut text = Vec::new();
    at("standard input", std::io::stdin().read_to_end(&mut text))?;
    at("standard input", serde_json::from_slice(&text))
}

fn say(word: &Word) {
    let line = serde_json::to_string(word).unwrap_or_default() + "\n";
    // Nobody listens any more: then there is nobody to tell.
    let _ = rustix::net::send(socket(), line.as_bytes(), rustix::net::SendFlags::NOSIGNAL);
}

fn socket() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

enum Heard {
    /// The process of the pidfd is over.
    End,
    /// The runner wrote, or is gone.
    Socket,
    Nothing,
}

/// Waits for the end of a child, or for the runner.
fn listen(child: BorrowedFd<'_>, timeout: Option<&Timespec>) -> Attempt<Heard> {
    let mut waits = [PollFd::new(&child, PollFlags::IN), PollFd::from_borrowed_fd(socket(), PollFlags::IN)];
    loop {
        match poll(&mut waits, timeout) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(why) => return Err(format!("poll: {why}")),
            Ok(0) => return Ok(Heard::Nothing),
            Ok(_) if !waits[0].revents().is_empty() => return Ok(Heard::End),
            Ok(_) => return Ok(Heard::Socket),
        }
    }
}

/// A few milliseconds.
fn pause() {
    let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 }));
}

fn pidfd(child: &Child) -> Attempt<std::os::fd::OwnedFd> {
    at("pidfd_open", pidfd_open(pid(child), PidfdFlags::empty()))
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// The exit code as ECS shows it: 128 and the signal for one that was killed.
fn code(child: &mut Child) -> Attempt<i32> {
    use std::os::unix::process::ExitStatusExt;
    let status = at("wait", child.wait())?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()))
}

fn kill(child: &Child) {
    let _ = kill_process(pid(child), Signal::KILL);
}

fn is_over(fd: impl AsFd) -> bool {
    matches!(listen(fd.as_fd(), Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(Heard::End))
}
