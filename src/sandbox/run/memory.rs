//! Limits of memory, by control groups of either version: one for a task and one in it for each container, beside or
//! below the group that this process is in. A container that takes more is killed by the kernel, as it is in ECS.
//! Processor time is shared out by nobody: `cpu` says nothing here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Names of groups begin so, and no others are ever removed.
const PREFIX: &str = "dockless-";

/// Where groups may be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Version 2.
    pub unified: bool,
    pub dir: PathBuf,
}

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub unified: bool,
    pub dir: PathBuf,
}

impl Hierarchy {
    /// The first place where a group can really be made and limited.
    pub fn find() -> Result<Self, String> {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let mut refused = "memory is counted by no control group".to_owned();
        for place in places(&read("mountinfo"), &read("cgroup")) {
            match place.try_out() {
                Ok(()) => return Ok(place),
                Err(why) => refused = format!("{}: {why}", place.dir.display()),
            }
        }
        Err(refused)
    }

    fn try_out(&self) -> io::Result<()> {
        if self.unified {
            let handed_on = fs::read_to_string(self.dir.join("cgroup.subtree_control"))?;
            if !handed_on.split_whitespace().any(|controller| controller == "memory") {
                return Err(io::Error::other("the memory controller is not handed on"));
            }
            // Whoever moves a process must be able to write here as well: cgroups(7).
            OpenOptions::new().write(true).open(self.dir.join("cgroup.procs"))?;
        }
        let dir = tempfile::Builder::new().prefix(&format!("{PREFIX}probe-")).tempdir_in(&self.dir)?.keep();
        let group = Group { unified: self.unified, dir };
        let limited = group.limit(Some(1 << 30));
        group.remove();
        limited
    }

    /// A task's group. The record says where it is to whoever cleans up, should this process not live to do so.
    pub fn task(&self, task: &str, limit: Option<u64>, record: &Path) -> io::Result<Group> {
        // Another sandbox may have a task of this name.
        let dir = tempfile::Builder::new().prefix(&format!("{PREFIX}{task}-")).tempdir_in(&self.dir)?.keep();
        let group = Group { unified: self.unified, dir };
        record.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(record, group.dir.as_os_str().as_encoded_bytes())?;
        group.limit(limit)?;
        if self.unified {
            fs::write(group.dir.join("cgroup.subtree_control"), "+memory")?;
        }
        Ok(group)
    }
}

impl Group {
    pub fn child(&self, name: &str, limit: Option<u64>) -> io::Result<Self> {
        let group = Group { unified: self.unified, dir: self.dir.join(name) };
        fs::create_dir(&group.dir)?;
        group.limit(limit)?;
        Ok(group)
    }

    fn limit(&self, limit: Option<u64>) -> io::Result<()> {
        let Some(limit) = limit else { return Ok(()) };
        let (memory, swap, swap_limit) = match self.unified {
            true => ("memory.max", "memory.swap.max", 0),
            false => ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", limit),
        };
        fs::write(self.dir.join(memory), limit.to_string())?;
        // Without it the limit would be one of memory and any amount of swap. Kernels without swap have no such file.
        let _ = fs::write(self.dir.join(swap), swap_limit.to_string());
        Ok(())
    }

    /// Moves this process in.
    pub fn join(&self) -> io::Result<()> {
        fs::write(self.dir.join("cgroup.procs"), "0")
    }

    /// For one who is about to lose sight of it.
    pub fn hold(&self) -> io::Result<Grip> {
        let task = self.dir.parent().unwrap_or(&self.dir);
        let above = openat(CWD, task.parent().unwrap_or(task), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let name = |path: &Path| path.file_name().map(PathBuf::from).unwrap_or_default();
        Ok(Grip { unified: self.unified, above, task: name(task), own: name(task).join(name(&self.dir)) })
    }

    /// With the groups in it. False if something is left: a process that has ended may be counted for a moment more.
    pub fn remove(&self) -> bool {
        let below = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        below.filter(|entry| entry.path().is_dir()).for_each(|entry| drop(fs::remove_dir(entry.path())));
        let removed = fs::remove_dir(&self.dir);
        removed.is_ok() || !self.dir.exists()
    }
}

/// A container's group by way of the directory above its task's: a pivot of the root takes the paths away from every
/// process in the mount namespace, see pivot_root(2).
pub struct Grip {
    unified: bool,
    above: OwnedFd,
    task: PathBuf,
    own: PathBuf,
}

impl Grip {
    /// Whether a process in it was killed for want of memory.
    pub fn has_starved(&self) -> bool {
        let name = if self.unified { "memory.events" } else { "memory.oom_control" };
        let file = openat(&self.above, self.own.join(name), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let mut text = String::new();
        let read = file.is_ok_and(|file| File::from(file).read_to_string(&mut text).is_ok());
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        read && count.is_some_and(|count| count.trim() != "0")
    }

    /// False if it is still there: see [`Group::remove`].
    pub fn remove(&self) -> bool {
        is_gone(unlinkat(&self.above, &self.own, AtFlags::REMOVEDIR))
    }

    /// The task's, unless another container is in it.
    pub fn remove_task(&self) -> bool {
        is_gone(unlinkat(&self.above, &self.task, AtFlags::REMOVEDIR))
    }
}

fn is_gone(removed: Result<(), Errno>) -> bool {
    matches!(removed, Ok(()) | Err(Errno::NOENT))
}

/// Removes the group that a task's record tells of. False if it is still there.
pub fn sweep(record: &Path) -> bool {
    let Ok(text) = fs::read_to_string(record) else { return true };
    let dir = PathBuf::from(text);
    if dir.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes())) {
        Group { unified: File::open(dir.join("cgroup.events")).is_ok(), dir }.remove()
    } else {
        true
    }
}

/// Where groups could be made: for version 2 the group that this process is in and those above it, for version 1 the
/// one that it is in.
fn places(mounts: &str, own: &str) -> Vec<Hierarchy> {
    let (mut places, mut older) = (Vec::new(), Vec::new());
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
        let (Some(root), Some(point), Some(kind), Some(options)) =
            (left.get(3), left.get(4), right.first(), right.get(2))
        else {
            continue;
        };
        let unified = *kind == "cgroup2";
        let older_of_memory = *kind == "cgroup" && options.split(',').any(|option| option == "memory");
        if !(unified || older_of_memory) {
            continue;
        }
        let Some(below) = group_of(own, unified).and_then(|group| Path::new(group).strip_prefix(root).ok()) else {
            continue;
        };
        let dirs = below.ancestors().map(|dir| Path::new(point).join(dir));
        match unified {
            true => places.extend(dirs.map(|dir| Hierarchy { unified, dir })),
            false => older.extend(dirs.take(1).map(|dir| Hierarchy { unified, dir })),
        }
    }
    places.extend(older);
    places
}

/// A line of /proc/self/cgroup: a number, controllers, the group.
fn group_of(own: &str, unified: bool) -> Option<&str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let mine = if unified { controllers.is_empty() } else { controllers.split(',').any(|name| name == "memory") };
        mine.then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(mounts: &str, own: &str) -> Vec<String> {
        places(mounts, own).iter().map(|place| format!("{} {}", place.unified, place.dir.display())).collect()
    }

    #[test]
    fn own_group_and_those_above_are_places_for_more() {
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n36 32 0:33 / /proc rw - proc proc rw";
        assert_eq!(
            found(mounts, "0::/user.slice/app.slice\n"),
            ["true /sys/fs/cgroup/user.slice/app.slice", "true /sys/fs/cgroup/user.slice", "true /sys/fs/cgroup/"]
        );
    }

    #[test]
    fn older_version_is_looked_for_after_the_newer_one() {
        let mounts = "35 31 0:32 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        let own = "4:memory:/docker/1/job\n1:cpu:/\n0::/\n";
        assert_eq!(found(mounts, own), ["true /sys/fs/cgroup/unified/", "false /sys/fs/cgroup/memory/job"]);
        assert_eq!(found(mounts, "4:memory:/elsewhere\n"), Vec::<String>::new());
    }

    #[test]
    fn record_of_something_else_removes_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let (other, record) = (dir.path().join("other"), dir.path().join("record"));
        fs::create_dir(&other).unwrap();
        fs::write(&record, other.as_os_str().as_encoded_bytes()).unwrap();
        assert!(sweep(&record) && other.exists());
    }
}
