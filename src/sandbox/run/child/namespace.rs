//! Making namespaces and moving into those of others.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, getegid, geteuid, pidfd_open};
use rustix::thread::{ThreadNameSpaceType, UnshareFlags, move_into_thread_name_spaces, unshare_unsafe};

use super::{Attempt, at};

pub fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: the table of file descriptors stays shared, and there is no other thread.
    unsafe { unshare_unsafe(flags) }
}

/// A user namespace in which this user is root, and nobody else exists.
pub fn become_root() -> Attempt<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    at("user namespace", unshare(UnshareFlags::NEWUSER))?;
    // Whoever is not root outside may map groups only after giving up setgroups(2): user_namespaces(7).
    at("setgroups", fs::write("/proc/self/setgroups", "deny"))?;
    at("uid_map", fs::write("/proc/self/uid_map", format!("0 {uid} 1")))?;
    at("gid_map", fs::write("/proc/self/gid_map", format!("0 {gid} 1")))
}

/// Moves into these namespaces of a process.
pub fn join(pid: u32, kinds: ThreadNameSpaceType) -> Attempt<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("no such process")?;
    let process = at("pidfd_open", pidfd_open(pid, PidfdFlags::empty()))?;
    at("setns", move_into_thread_name_spaces(std::os::fd::AsFd::as_fd(&process), kinds))
}
