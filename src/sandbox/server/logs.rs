//! CloudWatch Logs at the server: before anybody reads, what containers have written meanwhile is taken in, from the
//! plane for those that are simulated and from files for those that run.

use serde_json::Value;

use super::site::Site;
use crate::sandbox::Refusal;
use crate::sandbox::ecs::TaskWant;
use crate::sandbox::logs::{Change, Destination, Event, Logs, destination};

impl Site {
    pub fn call_logs(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        self.plane().tick(self.clock.now())?;
        self.gather_logs()?;
        let mut store = self.logs();
        let now = self.milliseconds();
        let logs = Logs { book: store.book(), account: &self.account, region: &self.region, now };
        let (answer, changes) = logs.call(operation, input)?;
        store.commit(changes)?;
        Ok(answer)
    }

    /// Takes in what containers have written since the last time.
    pub fn gather_logs(&self) -> Result<(), Refusal> {
        let simulated = self.plane().outputs();
        let now = self.milliseconds();
        for output in simulated {
            if let Some(to) = destination(&output.container, &output.task) {
                self.write_log(&to, output.lines, (output.at.seconds() * 1000.0) as i64)?;
            }
        }
        let real = self.tails().news();
        real.into_iter().try_for_each(|(to, lines)| self.write_log(&to, lines, now))
    }

    /// Follows what the containers of these tasks write, where `log` says.
    pub fn follow_logs(&self, wants: &[TaskWant], log: impl Fn(&TaskWant, &str) -> std::path::PathBuf) {
        let mut tails = self.tails();
        for want in wants {
            let task = want.task_arn.rsplit('/').next().unwrap_or_default();
            for container in want.definition["containerDefinitions"].as_array().into_iter().flatten() {
                if let Some(to) = destination(container, task) {
                    tails.follow(log(want, container["name"].as_str().unwrap_or_default()), to);
                }
            }
        }
    }

    fn write_log(&self, to: &Destination, lines: Vec<String>, at: i64) -> Result<(), Refusal> {
        let ingestion = self.milliseconds();
        let event = |message| Event { timestamp: at, message, ingestion };
        let mut store = self.logs();
        let events = lines.into_iter().filter(|line| !line.is_empty()).map(event).collect();
        let changes: Vec<Change> = store.book().writing(&to.group, &to.stream, events, ingestion);
        store.commit(changes)
    }

    fn milliseconds(&self) -> i64 {
        (self.now() * 1000.0) as i64
    }
}
