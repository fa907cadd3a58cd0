//! Tries what the machine permits, one thing after the other, and tells. Everything it made ends with it.

use std::fs;
use std::path::Path;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::geteuid;
use rustix::thread::UnshareFlags;

use super::{Attempt, namespace, root, say, told};
use crate::sandbox::run::ground::Ground;
use crate::sandbox::run::memory::Hierarchy;
use crate::sandbox::run::wire::{ProbeSpec, Word};

pub fn run() -> Attempt<u8> {
    let spec: ProbeSpec = told()?;
    let mut ground = Ground::default();
    if !geteuid().is_root() {
        match namespace::become_root() {
            Ok(()) => ground.user = true,
            Err(why) => ground.refused.push(why),
        }
    }
    match Hierarchy::find() {
        Ok(place) => ground.memory = Some(place),
        Err(why) => ground.refused.push(format!("memory limits: {why}")),
    }
    ground.network = may("network", UnshareFlags::NEWNET, &mut ground.refused);
    ground.mount = may("mount", UnshareFlags::NEWNS, &mut ground.refused);
    ground.names = may("uts and ipc", UnshareFlags::NEWUTS | UnshareFlags::NEWIPC, &mut ground.refused);
    ground.pid = may("pid", UnshareFlags::NEWPID, &mut ground.refused);
    if ground.mount {
        let tried = overlay(&spec.dir, ground.user);
        ground.overlay = tried.map_err(|why| ground.refused.push(why)).is_ok();
    }
    ground.chroot = rustix::process::chroot("/").is_ok();
    say(&Word::Ground(ground));
    Ok(0)
}

fn may(what: &str, flags: UnshareFlags, refused: &mut Vec<String>) -> bool {
    namespace::unshare(flags).map_err(|why| refused.push(format!("{what} namespace: {why}"))).is_ok()
}

/// In the mount namespace just made, so nothing is left to unmount.
fn overlay(dir: &Path, user: bool) -> Attempt<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(|why| why.to_string())?;
    let lower = dir.join("lower");
    fs::create_dir_all(&lower).map_err(|why| format!("{}: {why}", lower.display()))?;
    root::overlay(&lower, dir, user).map(drop)
}
