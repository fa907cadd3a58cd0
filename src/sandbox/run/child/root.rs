//! A container's root directory: the image's tree below, its own changes above, and what every program expects
//! to find. All mounts belong to the container's mount namespace and end with it; the host never sees one.

use std::ffi::CString;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind_recursive,
    mount_change, mount_remount, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, chroot, pivot_root};

use super::{Attempt, at};
use crate::sandbox::run::memory::Group;
use crate::sandbox::run::wire::{Bind, ContainerSpec};

const LIMITS: &str = "/sys/fs/cgroup";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// From here on this process sees the container's files and no others.
pub fn enter(spec: &ContainerSpec) -> Attempt<()> {
    if !spec.ground.mount {
        at("root", chdir(spec.place.join("root")))?;
        at("chroot", chroot("."))?;
        at("root", chdir("/"))?;
        furnish(spec);
        return Ok(());
    }
    at("mounts", mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC))?;
    let root = match spec.ground.overlay {
        true => overlay(&spec.lower, &spec.place, spec.ground.user)?,
        false => own(&spec.place.join("root"))?,
    };
    let devices: Vec<_> = DEVICES.iter().map(|name| (*name, detached(Path::new("/dev").join(name)))).collect();
    let binds: Vec<_> = spec.binds.iter().map(|bind| (bind, detached(bind.source.clone()))).collect();
    at("root", chdir(&root))?;
    at("pivot_root", pivot_root(".", "."))?;
    // Before the old root goes: in a user namespace a new proc is only to be had beside a visible one.
    system_files();
    spec.memory.iter().for_each(show_limits);
    at("old root", unmount(".", UnmountFlags::DETACH))?;
    at("root", chdir("/"))?;
    devices.into_iter().for_each(|(name, device)| drop(device.and_then(|device| place_device(name, device))));
    furnish(spec);
    binds.into_iter().try_for_each(|(bind, tree)| place_bind(bind, tree?))?;
    if spec.ground.names {
        let _ = rustix::system::sethostname(spec.hostname.as_bytes());
    }
    if spec.readonly {
        at("read-only root", mount_remount("/", MountFlags::BIND | MountFlags::RDONLY, ""))?;
    }
    Ok(())
}

/// Mounts `place/root`: the lower tree, with what changes in `place/upper`.
pub fn overlay(lower: &Path, place: &Path, user: bool) -> Attempt<PathBuf> {
    let dirs = ["upper", "work", "root"].map(|name| place.join(name));
    dirs.iter().try_for_each(|dir| at("overlay", fs::create_dir_all(dir)))?;
    let [upper, work, root] = dirs;
    let more = if user { ",userxattr" } else { "" };
    let (lower, upper, work) = (lower.display(), upper.display(), work.display());
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}{more}");
    let options = at("overlay", CString::new(options))?;
    at("overlay", mount("overlay", &root, "overlay", MountFlags::empty(), options.as_c_str()))?;
    Ok(root)
}

/// A directory as a mount of its own, since only such can become a root.
fn own(root: &Path) -> Attempt<PathBuf> {
    at("root", mount_bind_recursive(root, root))?;
    Ok(root.to_owned())
}

/// A mount that is in no tree yet, to be taken along into the new root.
fn detached(path: PathBuf) -> Attempt<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    at(&path.display().to_string(), open_tree(CWD, &path, flags))
}

/// What cannot be had is left out: few programs miss it.
fn system_files() {
    let strict = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    for dir in ["/proc", "/sys", "/dev"] {
        let _ = fs::create_dir_all(dir);
    }
    let _ = mount("proc", "/proc", "proc", strict, None);
    let _ = mount("sysfs", "/sys", "sysfs", strict | MountFlags::RDONLY, None);
    let _ = mount("tmpfs", "/dev", "tmpfs", MountFlags::NOSUID, Some(c"mode=755"));
    let _ = fs::create_dir_all("/dev/shm").and_then(|()| open_to_all("/dev/shm"));
    let links = [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1")];
    for (name, target) in links.into_iter().chain([("stderr", "/proc/self/fd/2")]) {
        let _ = symlink(target, Path::new("/dev").join(name));
    }
}

/// A program that asks how much memory it has, as Java does to size its heap, is told of its own limit.
fn show_limits(group: &Group) {
    let shown = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    if group.unified {
        let _ = mount("cgroup2", LIMITS, "cgroup2", shown, None);
        return;
    }
    let _ = mount("tmpfs", LIMITS, "tmpfs", MountFlags::NOSUID, Some(c"mode=755"));
    // Java takes no notice of memory where one of the others is missing.
    for (name, options) in [("memory", c"memory"), ("cpu", c"cpu"), ("cpuacct", c"cpuacct"), ("cpuset", c"cpuset")] {
        let dir = Path::new(LIMITS).join(name);
        let _ = fs::create_dir(&dir);
        let _ = mount("cgroup", &dir, "cgroup", shown, Some(options));
    }
}

fn open_to_all(dir: &str) -> std::io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o1777))
}

fn place_device(name: &str, device: OwnedFd) -> Attempt<()> {
    let path = Path::new("/dev").join(name);
    at("device", fs::write(&path, ""))?;
    graft(device, &path)
}

fn place_bind(bind: &Bind, tree: OwnedFd) -> Attempt<()> {
    let target = Path::new(&bind.target);
    at("volume", fs::create_dir_all(target))?;
    graft(tree, target)?;
    match bind.readonly {
        true => at("volume", mount_remount(target, MountFlags::BIND | MountFlags::RDONLY, "")),
        false => Ok(()),
    }
}

fn graft(tree: OwnedFd, target: &Path) -> Attempt<()> {
    at(&target.display().to_string(), move_mount(&tree, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH))
}

/// `/tmp` and what tells a program its own name. There is no name server: the task has nobody to reach.
fn furnish(spec: &ContainerSpec) {
    let _ = fs::create_dir_all("/tmp").and_then(|()| open_to_all("/tmp"));
    let _ = fs::create_dir_all("/etc");
    let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{} {}\n", spec.address, spec.hostname);
    let texts = [("/etc/hosts", hosts), ("/etc/hostname", format!("{}\n", spec.hostname))];
    for (path, text) in texts.into_iter().chain([("/etc/resolv.conf", String::new())]) {
        // A link would lead to a file that a program may want to find as it was.
        let _ = fs::remove_file(path);
        let _ = fs::write(path, text);
    }
}
