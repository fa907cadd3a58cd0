//! Runs a health check's command beside a container's process, in all of its namespaces.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Stdio;

use rustix::event::Timespec;
use rustix::process::{chdir, chroot, fchdir};
use rustix::thread::ThreadNameSpaceType;

use super::{Attempt, Heard, at, code, inside, kill, listen, namespace, pidfd, say, told};
use crate::sandbox::run::wire::{CheckSpec, Word};

pub fn run() -> Attempt<u8> {
    let spec: CheckSpec = told()?;
    let nothing = at("/dev/null", File::options().read(true).write(true).open("/dev/null"))?;
    let root = at("root", File::open(format!("/proc/{}/root", spec.pid)));
    enter(&spec)?;
    if !spec.ground.mount {
        at("root", fchdir(root?))?;
        at("chroot", chroot("."))?;
        at("root", chdir("/"))?;
    }
    let mut command = inside::command(&spec.process, spec.ground.user)?;
    let out = at("/dev/null", nothing.try_clone())?;
    let errors = at("/dev/null", nothing.try_clone())?;
    let mut child = at("exec", command.stdin(Stdio::from(nothing)).stdout(out).stderr(errors).spawn())?;
    let watched = pidfd(&child)?;
    let seconds = (spec.timeout_ms / 1000) as i64;
    let limit = Timespec { tv_sec: seconds, tv_nsec: (spec.timeout_ms % 1000 * 1_000_000) as _ };
    if !matches!(listen(watched.as_fd(), Some(&limit))?, Heard::End) {
        kill(&child);
    }
    say(&Word::Exited(code(&mut child)?));
    Ok(0)
}

fn enter(spec: &CheckSpec) -> Attempt<()> {
    let ground = &spec.ground;
    let kinds = [
        (ground.user, ThreadNameSpaceType::USER),
        (ground.network, ThreadNameSpaceType::NETWORK),
        (ground.mount, ThreadNameSpaceType::MOUNT),
        (ground.names, ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME),
        (ground.names, ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION),
        (ground.pid, ThreadNameSpaceType::PROCESS_ID),
    ];
    let wanted: ThreadNameSpaceType = kinds.into_iter().filter(|(had, _)| *had).map(|(_, kind)| kind).collect();
    if wanted.is_empty() { Ok(()) } else { namespace::join(spec.pid, wanted) }
}
