//! The ECS plane and its place on disk: one document for each service, task or task definition. After every call that
//! may change something, and whenever time has moved something, the documents that changed are journaled; the
//! snapshot holds them all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Journal;
use super::journal::Opened;
use crate::sandbox::ecs::{AlarmPlan, ImageNews, Output, TargetGroup, TargetHealth, TaskEvent, TaskWant};
use crate::sandbox::options::Pace;
use crate::sandbox::{Control, Error, Refusal};

pub struct PlaneState {
    plane: Box<dyn Control>,
    journal: Journal,
}

/// A document's key, and the document unless it is gone.
type Entry = (String, Option<Box<RawValue>>);

/// Text all the way: what a document says is read by the plane, when it needs to know.
type Documents = BTreeMap<String, Box<RawValue>>;

impl PlaneState {
    pub fn open(dir: &Path, mut plane: Box<dyn Control>, pace: Pace) -> Result<Self, Error> {
        let unsound = |why: String| Error::State { path: dir.join("ecs.json"), why };
        let Opened { mut journal, snapshot, entries } = Journal::open::<Entry>(dir, "ecs")?;
        let documents = merge(snapshot.as_deref(), entries).map_err(unsound)?;
        if journal.is_long() {
            journal.fold(&text(&documents)).map_err(Error::file(dir))?;
        }
        if !documents.is_empty() {
            plane.restore(documents).map_err(unsound)?;
        }
        plane.set_pace(pace);
        Ok(PlaneState { plane, journal })
    }

    /// What is due is let happen first, so an answer never depends on whether a timer has fired yet.
    pub fn call(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal> {
        self.tick(now)?;
        let answer = self.plane.call(operation, body, now);
        self.keep_after(operation)?;
        answer
    }

    pub fn codedeploy(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal> {
        self.tick(now)?;
        let answer = self.plane.codedeploy(operation, body, now);
        self.keep_after(operation)?;
        answer
    }

    /// What only reads leaves nothing to write.
    fn keep_after(&mut self, operation: &str) -> Result<(), Refusal> {
        match ["Describe", "List", "Get", "BatchGet", "Discover"].iter().any(|reading| operation.starts_with(reading)) {
            true => Ok(()),
            false => self.keep(),
        }
    }

    pub fn tick(&mut self, now: SystemTime) -> Result<(), Refusal> {
        if self.plane.next_wake().is_some_and(|wake| wake <= now) {
            self.plane.tick(now);
            self.keep()?;
        }
        Ok(())
    }

    pub fn next_wake(&self) -> Option<SystemTime> {
        self.plane.next_wake()
    }

    pub fn set_fates(&mut self, rules: Value) -> Result<(), String> {
        self.plane.set_fates(rules)?;
        self.keep().map_err(|refusal| refusal.message)
    }

    pub fn set_lag(&mut self, lag: Value) -> Result<(), String> {
        self.plane.set_lag(lag)?;
        self.keep().map_err(|refusal| refusal.message)
    }

    pub fn set_alarms(
        &mut self,
        firing: BTreeSet<String>,
        planned: Vec<AlarmPlan>,
        now: SystemTime,
    ) -> Result<(), String> {
        self.plane.set_alarms(firing, planned, now);
        self.keep().map_err(|refusal| refusal.message)
    }

    pub fn set_hooks(&mut self, answers: Value) -> Result<(), String> {
        self.plane.set_hooks(answers)?;
        self.keep().map_err(|refusal| refusal.message)
    }

    pub fn set_registry(&mut self, address: &str) {
        self.plane.set_registry(address);
    }

    /// Nothing to keep: the registry keeps its images itself.
    pub fn images_changed(&mut self, news: Vec<ImageNews>) {
        self.plane.images_changed(news);
    }

    pub fn set_run_tasks(&mut self, run: bool) {
        self.plane.set_run_tasks(run);
    }

    /// Where the registry listened before, which is what documents of that time name it by.
    pub fn set_former_registries(&mut self, ports: &[u16]) {
        self.plane.set_former_registries(ports.iter().map(|port| format!("127.0.0.1:{port}")).collect());
    }

    /// The tasks that ended with the server before this one.
    pub fn lose_tasks(&mut self, run: bool, now: SystemTime) -> Result<(), Refusal> {
        self.plane.lose_tasks(run, now);
        self.keep()
    }

    pub fn wants(&self) -> Vec<TaskWant> {
        self.plane.wants()
    }

    pub fn targets(&self, group: &str) -> Vec<TargetHealth> {
        self.plane.targets(group)
    }

    /// The targets of a group at this moment, and not at the plane's last.
    pub fn targets_now(&mut self, group: &str, now: SystemTime) -> Result<Vec<TargetHealth>, Refusal> {
        self.tick(now)?;
        self.plane.tick(now);
        Ok(self.plane.targets(group))
    }

    pub fn target_groups(&self) -> BTreeMap<String, TargetGroup> {
        self.plane.target_groups()
    }

    pub fn outputs(&mut self) -> Vec<Output> {
        self.plane.outputs()
    }

    pub fn warnings(&mut self) -> Vec<String> {
        self.plane.warnings()
    }

    pub fn task_event(&mut self, task_arn: &str, event: TaskEvent, now: SystemTime) -> Result<(), Refusal> {
        self.tick(now)?;
        self.plane.task_event(task_arn, event, now);
        self.keep()
    }

    fn keep(&mut self) -> Result<(), Refusal> {
        let changes = self.plane.changes();
        if changes.is_empty() {
            return Ok(());
        }
        self.journal.append(&changes).map_err(disk)?;
        if self.journal.is_long() {
            self.journal.fold(&text(&self.plane.documents())).map_err(disk)?;
        }
        Ok(())
    }
}

fn merge(snapshot: Option<&[u8]>, entries: Vec<Entry>) -> Result<Documents, String> {
    let documents = snapshot.map(serde_json::from_slice).transpose();
    let mut documents: Documents = documents.map_err(|why| why.to_string())?.unwrap_or_default();
    for (key, document) in entries {
        match document {
            Some(document) => drop(documents.insert(key, document)),
            None => drop(documents.remove(&key)),
        }
    }
    Ok(documents)
}

fn text(documents: &Documents) -> Vec<u8> {
    serde_json::to_vec(documents).expect("documents are plain JSON")
}

fn disk(why: std::io::Error) -> Refusal {
    Refusal::new("ServerException", format!("The sandbox cannot write its state: {why}")).with_status(500)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    /// Counts its calls and ticks in two documents, and wants to be woken in the second after each call.
    #[derive(Default)]
    struct Counter {
        documents: BTreeMap<String, Value>,
        changed: Vec<String>,
        wake: Option<SystemTime>,
    }

    impl Counter {
        fn count(&mut self, key: &str, more: &str) {
            let seen = self.documents.get(key).and_then(|seen| seen["count"].as_u64()).unwrap_or(0);
            self.documents.insert(key.into(), json!({ "count": seen + 1, "text": more }));
            self.changed.push(key.into());
        }
    }

    impl Control for Counter {
        fn call(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal> {
            if operation == "Forget" {
                self.documents.remove("calls");
                self.changed.push("calls".into());
            } else if operation != "DescribeAll" {
                self.count("calls", body["text"].as_str().unwrap_or(""));
                self.wake = Some(now + Duration::from_secs(1));
            }
            Ok(json!(self.documents))
        }

        fn tick(&mut self, _: SystemTime) {
            self.wake = None;
            self.count("ticks", "");
        }

        fn next_wake(&self) -> Option<SystemTime> {
            self.wake
        }

        fn set_pace(&mut self, _: Pace) {}

        fn set_fates(&mut self, _: Value) -> Result<(), String> {
            Ok(())
        }

        fn set_registry(&mut self, _: &str) {}

        fn images_changed(&mut self, _: Vec<ImageNews>) {}

        fn set_run_tasks(&mut self, _: bool) {}

        fn wants(&self) -> Vec<TaskWant> {
            Vec::new()
        }

        fn targets(&self, _: &str) -> Vec<TargetHealth> {
            Vec::new()
        }

        fn task_event(&mut self, _: &str, _: TaskEvent, _: SystemTime) {}

        fn warnings(&mut self) -> Vec<String> {
            Vec::new()
        }

        fn changes(&mut self) -> Vec<Entry> {
            let changed = std::mem::take(&mut self.changed);
            let mut documents = self.documents();
            changed.into_iter().map(|key| (key.clone(), documents.remove(&key))).collect()
        }

        fn documents(&mut self) -> Documents {
            self.documents.iter().map(|(key, document)| (key.clone(), to_raw_value(document).unwrap())).collect()
        }

        fn restore(&mut self, documents: Documents) -> Result<(), String> {
            let read = |text: Box<RawValue>| serde_json::from_str(text.get()).unwrap();
            self.documents = documents.into_iter().map(|(key, text)| (key, read(text))).collect();
            Ok(())
        }
    }

    fn open(dir: &Path) -> PlaneState {
        PlaneState::open(dir, Box::<Counter>::default(), Pace::Fast).unwrap()
    }

    fn read(state: &mut PlaneState) -> Value {
        state.call("DescribeAll", json!({}), UNIX_EPOCH).unwrap()
    }

    #[test]
    fn plane_is_what_it_was_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open(dir.path());
        state.call("Count", json!({}), UNIX_EPOCH).unwrap();
        state.call("Count", json!({}), UNIX_EPOCH + Duration::from_secs(2)).unwrap();
        let before = read(&mut state);
        assert_eq!((&before["calls"]["count"], &before["ticks"]["count"]), (&json!(2), &json!(1)));
        assert_eq!(read(&mut open(dir.path())), before);
        open(dir.path()).call("Forget", json!({}), UNIX_EPOCH).unwrap();
        assert_eq!(read(&mut open(dir.path()))["calls"], Value::Null);
    }

    #[test]
    fn plane_whose_journal_grew_long_is_folded_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open(dir.path());
        let body = json!({ "text": "x".repeat(1 << 20) });
        for _ in 0..10 {
            state.call("Count", body.clone(), UNIX_EPOCH).unwrap();
        }
        let before = read(&mut state);
        assert_eq!(before["calls"]["count"], 10);
        let sizes: u64 =
            std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(sizes < 7 << 20, "{sizes}");
        assert_eq!(read(&mut open(dir.path())), before);
    }
}
