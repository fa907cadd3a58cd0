//! Between the timetable and the plane: what is due is started by RunTask, and each start is a line of the log like any
//! request, so that what a schedule did can be read, counted and waited for.

use std::time::SystemTime;

use serde_json::Value;

use super::site::Site;
use crate::sandbox::Refusal;
use crate::sandbox::events::Events;
use crate::sandbox::fault::Failing;
use crate::sandbox::requests::Entry;
use crate::sandbox::scheduler::Scheduler;
use crate::sandbox::timetable::{Answer, Start, Timetable};

impl Site {
    /// When anything is due next, in the plane or on the timetable.
    pub fn next_wake(&self) -> Option<SystemTime> {
        let (plane, timetable) = (self.plane().next_wake(), self.timetable().next_wake());
        plane.into_iter().chain(timetable).min()
    }

    pub fn start_what_is_due(&self) {
        let due = self.timetable().take(self.clock.now());
        for start in due {
            self.start(start);
            self.plane_has_changed();
        }
    }

    fn start(&self, start: Start) {
        let answer = self.plane().call("RunTask", start.body, self.clock.now());
        let code = match &answer {
            Ok(answer) => answer["failures"][0]["reason"].as_str().map(str::to_owned),
            Err(refusal) => Some(refusal.code.to_string()),
        };
        let status = answer.map_or_else(|refusal| refusal.status, |_| 200);
        self.requests.add(Entry {
            at: self.now(),
            method: "START".into(),
            path: start.by,
            action: Some("ecs:RunTask".into()),
            region: Some(self.region.clone()),
            status: Some(status),
            code,
            ..Entry::default()
        });
    }

    pub fn events(&self, operation: &str, input: &Value, failing: Option<&Failing>) -> Result<Value, Refusal> {
        let (account, region, now) = (&self.account, &self.region, self.now());
        self.schedule(|table| Events { account, region, table, now, failing }.call(operation, input))
    }

    pub fn scheduler(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let (account, region, now) = (&self.account, &self.region, self.now());
        self.schedule(|table| Scheduler { account, region, table, now }.call(operation, input))
    }

    fn schedule(&self, decide: impl FnOnce(&Timetable) -> Answer) -> Result<Value, Refusal> {
        let mut timetable = self.timetable();
        let (answer, changes) = decide(timetable.table())?;
        timetable.commit(changes)?;
        drop(timetable);
        self.plane_has_changed();
        Ok(answer)
    }
}
