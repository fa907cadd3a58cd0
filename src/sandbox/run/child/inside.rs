//! The first process of a container, up to the moment when its program takes over: its root, its user, what it
//! may do. Whatever fails is written to a pipe that closes by itself once the program runs.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, UnshareFlags, remove_capability_from_bounding_set};

use super::{Attempt, at, namespace, root, told_by_pipe, user};
use crate::sandbox::run::wire::{ContainerSpec, Process};

pub fn run(status: &str) -> ExitCode {
    let Ok(number) = status.parse::<i32>() else { return ExitCode::FAILURE };
    // SAFETY: it was opened for this process, which is told its number and knows of nobody else who uses it.
    let status = unsafe { OwnedFd::from_raw_fd(number) };
    let _ = fcntl_setfd(&status, FdFlags::CLOEXEC);
    let why = become_container(status.as_raw_fd()).unwrap_or_else(|why| why);
    let _ = rustix::io::write(&status, why.as_bytes());
    ExitCode::from(127)
}

/// Comes back only with what went wrong.
fn become_container(status: RawFd) -> Attempt<String> {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let spec: ContainerSpec = told_by_pipe()?;
    let nothing = at("/dev/null", File::open("/dev/null"))?;
    if let Some(group) = &spec.memory {
        at("memory limit", group.join())?;
        // What the program reads of its limits is its own group. Where that is refused it sees none.
        let _ = namespace::unshare(UnshareFlags::NEWCGROUP);
    }
    root::enter(&spec)?;
    let mut command = command(&spec.process, spec.ground.user)?;
    keep_usual_capabilities();
    // SAFETY: as above; the descriptor is open until the program takes over.
    unsafe { command.pre_exec(move || is_awaited(BorrowedFd::borrow_raw(status))) };
    let why = command.stdin(Stdio::from(nothing)).exec();
    Ok(format!("exec {}: {why}", command.get_program().to_string_lossy()))
}

/// The keeper may have gone before its death would be told, and then nobody ends the container: its end of the pipe is
/// closed in that case.
fn is_awaited(status: BorrowedFd<'_>) -> io::Result<()> {
    let mut ends = [PollFd::from_borrowed_fd(status, PollFlags::empty())];
    poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    if ends[0].revents().contains(PollFlags::ERR) { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

/// A command within the root that this process is in.
pub fn command(process: &Process, alone: bool) -> Attempt<Command> {
    let (program, arguments) = process.args.split_first().ok_or("no command specified")?;
    let who = user::find(&process.user)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("HOME", &who.home).envs(process.env.iter().cloned());
    command.current_dir(if process.cwd.is_empty() { "/" } else { &process.cwd });
    // In a user namespace of one user there is nobody else to become.
    if !alone {
        command.uid(who.uid).gid(who.gid);
    }
    // A change of user takes this away again: prctl(2). So it is said once more, last of all.
    // SAFETY: one system call, which allocates nothing.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
    Ok(command)
}

/// What container engines leave to a root in a container. The rest is out of reach for good, set-uid programs included.
fn keep_usual_capabilities() {
    let usual = CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FSETID
        | CapabilitySet::FOWNER
        | CapabilitySet::MKNOD
        | CapabilitySet::NET_RAW
        | CapabilitySet::SETGID
        | CapabilitySet::SETUID
        | CapabilitySet::SETFCAP
        | CapabilitySet::SETPCAP
        | CapabilitySet::NET_BIND_SERVICE
        | CapabilitySet::SYS_CHROOT
        | CapabilitySet::KILL
        | CapabilitySet::AUDIT_WRITE;
    for capability in (CapabilitySet::all() - usual).iter() {
        let _ = remove_capability_from_bounding_set(capability);
    }
}
