//! Stands between the runner and a container: makes its namespaces, starts its first process in them, passes
//! signals on and tells the exit code. If the runner is gone, so is the container.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Child, Command, Stdio};

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::RecvFlags;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, setsid};
use rustix::thread::{ThreadNameSpaceType, UnshareFlags};

use super::{Attempt, Heard, at, code, is_over, kill, listen, namespace, pause, pid, pidfd, say, socket, told};
use crate::sandbox::run::memory::{Grip, Group};
use crate::sandbox::run::wire::{ContainerSpec, WORD, Word};

/// The code of a process that was killed.
const KILLED: i32 = 137;

pub fn run() -> Attempt<u8> {
    let spec: ContainerSpec = told()?;
    // A group of its own: an interrupt at the terminal is for the sandbox, which stops its tasks in order.
    let _ = setsid();
    let group = at("memory limit", spec.memory.as_ref().map(Group::hold).transpose())?;
    enter(&spec)?;
    let mut first = start(&spec)?;
    say(&Word::Running(pid(&first).as_raw_nonzero().get() as u32));
    let code = attend(&mut first)?;
    let starved = code == KILLED && group.as_ref().is_some_and(Grip::has_starved);
    let gone = group.as_ref().is_none_or(Grip::remove);
    say(&if starved { Word::Starved(code) } else { Word::Exited(code) });
    if let (true, Some(group)) = (is_orphaned(), &group) {
        clear(group, gone);
    }
    Ok(0)
}

/// Nobody else is there to do it. The task's group stays while there is another container in it, whose keeper comes
/// here as well.
fn clear(group: &Grip, mut gone: bool) {
    for _ in 0..100 {
        gone = gone || group.remove();
        if gone && group.remove_task() {
            return;
        }
        pause();
    }
}

/// Whether the runner has closed its end of the socket.
fn is_orphaned() -> bool {
    let mut byte = [0];
    let heard = rustix::net::recv(socket(), &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    matches!(heard, Ok((0, _)) | Err(Errno::CONNRESET))
}

fn enter(spec: &ContainerSpec) -> Attempt<()> {
    let ground = &spec.ground;
    match spec.network {
        Some(keeper) if ground.user => {
            namespace::join(keeper, ThreadNameSpaceType::USER | ThreadNameSpaceType::NETWORK)?;
        }
        Some(keeper) => namespace::join(keeper, ThreadNameSpaceType::NETWORK)?,
        None if ground.user => namespace::become_root()?,
        None => {}
    }
    let names = UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    let kinds = [(ground.mount, UnshareFlags::NEWNS), (ground.names, names), (ground.pid, UnshareFlags::NEWPID)];
    let wanted = kinds.into_iter().filter(|(wanted, _)| *wanted).map(|(_, flags)| flags).collect();
    at("namespaces", namespace::unshare(wanted))?;
    // Without a pid namespace, what the container leaves behind comes to this process to be ended.
    at("subreaper", set_child_subreaper(Some(rustix::process::getpid())))
}

/// The first process, once its program runs.
fn start(spec: &ContainerSpec) -> Attempt<Child> {
    let log = at("log", OpenOptions::new().create(true).append(true).open(&spec.log))?;
    let errors = at("log", log.try_clone())?;
    // Open in the child until its program takes over: what is written to it says why it did not.
    let (status, inherited) = at("pipe", rustix::pipe::pipe())?;
    at("pipe", fcntl_setfd(&status, FdFlags::CLOEXEC))?;
    let mut command = Command::new("/proc/self/exe");
    command.args([WORD, "inside", &inherited.as_raw_fd().to_string()]);
    let mut child = at("fork", command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn())?;
    drop(inherited);
    let text = at("specification", serde_json::to_vec(spec))?;
    at("specification", child.stdin.take().ok_or("closed").map(|mut pipe| pipe.write_all(&text)))?.ok();
    let mut why = String::new();
    let _ = File::from(status).read_to_string(&mut why);
    if why.is_empty() {
        return Ok(child);
    }
    kill(&child);
    let _ = child.wait();
    Err(why)
}

/// Until the first process is over. Each byte from the runner is a signal for it.
fn attend(first: &mut Child) -> Attempt<i32> {
    let watched = pidfd(first)?;
    loop {
        match listen(watched.as_fd(), None)? {
            Heard::End => break,
            Heard::Socket => pass_signal(first),
            Heard::Nothing => {}
        }
        if is_over(&watched) {
            break;
        }
    }
    let code = code(first)?;
    end_remains();
    Ok(code)
}

fn pass_signal(first: &Child) {
    let mut number = [0];
    let signal = match rustix::io::read(socket(), &mut number) {
        Ok(1) => Signal::from_named_raw(i32::from(number[0])),
        _ => Some(Signal::KILL),
    };
    let _ = kill_process(pid(first), signal.unwrap_or(Signal::TERM));
}

/// Ends what is left. In a pid namespace nothing is: it ends with its first process.
fn end_remains() {
    loop {
        let left = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let left = left.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        let ended = left.map(|pid| {
            let _ = kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
        });
        if ended.count() == 0 {
            return;
        }
    }
}
