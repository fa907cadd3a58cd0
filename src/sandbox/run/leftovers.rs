//! What tasks leave behind, and how long it stays. A task's directory and its control groups go with it, or with the
//! next start if the sandbox was killed. Logs of ended tasks and unpacked images stay for an hour after their last use,
//! as long as ECS remembers a stopped task.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::task::RECORD;
use super::{memory, tree};
use crate::clock::Clock;

pub const KEPT: Duration = Duration::from_secs(3600);

/// Takes away what a task had while it ran. What the kernel does not let go of is left for the next start.
pub async fn end(task: &Path, clock: &Clock) {
    for _ in 0..100 {
        let dir = task.to_owned();
        let gone = move || memory::sweep(&dir.join(RECORD)) && tree::remove(&dir).is_ok();
        if tokio::task::spawn_blocking(gone).await.unwrap_or(true) {
            return;
        }
        clock.sleep(Duration::from_millis(10)).await;
    }
}

/// Takes away what tasks had that a killed sandbox has not ended in order. Their processes have ended with it.
pub async fn sweep(dir: &Path, clock: &Clock) {
    for task in entries(&dir.join("tasks")) {
        end(&task.path(), clock).await;
    }
    let _ = fs::remove_dir(dir.join("tasks"));
    let _ = tree::remove(&dir.join("probe"));
    let _ = fs::remove_file(dir.join("fronts.json"));
}

/// From now on its age counts.
pub fn age(dir: &Path, now: SystemTime) {
    // A task that never came so far has none.
    let _ = File::open(dir).and_then(|dir| dir.set_modified(now));
}

/// Takes away the logs of tasks that ended before this moment.
pub fn prune_logs(dir: &Path, before: SystemTime) {
    let running: HashSet<_> = entries(&dir.join("tasks")).map(|entry| entry.file_name()).collect();
    let ended = entries(&dir.join("logs")).filter(|entry| !running.contains(&entry.file_name()));
    let old = ended.filter(|entry| entry.metadata().and_then(|about| about.modified()).is_ok_and(|last| last < before));
    old.for_each(|entry| drop(fs::remove_dir_all(entry.path())));
}

fn entries(dir: &Path) -> impl Iterator<Item = fs::DirEntry> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_ended_tasks_go_after_their_time() {
        let dir = tempfile::TempDir::new().unwrap();
        let now = SystemTime::UNIX_EPOCH + 10 * KEPT;
        for (task, ended) in [("old", 8), ("running", 8), ("young", 10)] {
            let log = dir.path().join("logs").join(task);
            fs::create_dir_all(&log).unwrap();
            fs::write(log.join("web.log"), "").unwrap();
            age(&log, SystemTime::UNIX_EPOCH + ended * KEPT);
        }
        fs::create_dir_all(dir.path().join("tasks/running")).unwrap();
        prune_logs(dir.path(), now - KEPT);
        let mut left: Vec<_> = entries(&dir.path().join("logs")).map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["running", "young"]);
    }
}
