//! ECS and CodeDeploy at the seam: its moments, paces, refusals and fates in the terms of the server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use serde_json::value::RawValue;

use super::Control;
use crate::sandbox::Refusal;
use crate::sandbox::codedeploy::CodeDeploy;
use crate::sandbox::ecs::{
    AlarmPlan, ApiError, Fate, HookAnswer, ImageNews, Now, Output, Plane, Rule, TargetGroup, TargetHealth, TaskEvent,
    TaskWant,
};
use crate::sandbox::options::Pace;

/// ECS and CodeDeploy, simulated.
pub struct Ecs(Plane, CodeDeploy);

impl Ecs {
    pub fn new(account: &str, region: &str) -> Self {
        Ecs(Plane::new(account, region), CodeDeploy::default())
    }

    /// When either is due.
    fn due(&self) -> Option<Now> {
        [self.0.next_wake(), self.1.next_wake()].into_iter().flatten().min()
    }
}

impl Control for Ecs {
    fn call(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal> {
        let answer = self.0.call(operation, body, moment(now)).map_err(refusal);
        self.1.look(moment(now), &mut self.0);
        answer
    }

    fn codedeploy(&mut self, operation: &str, body: Value, now: SystemTime) -> Result<Value, Refusal> {
        let answer = self.1.call(operation, &body, moment(now), &mut self.0);
        self.1.look(moment(now), &mut self.0);
        answer
    }

    /// Each moment by itself, so that CodeDeploy sees what ECS does when it does it.
    fn tick(&mut self, now: SystemTime) {
        let now = moment(now);
        while let Some(at) = self.due().filter(|at| *at <= now) {
            self.0.tick(at);
            self.1.look(self.0.time(), &mut self.0);
        }
        self.0.tick(now);
    }

    fn next_wake(&self) -> Option<SystemTime> {
        self.due().map(|wake| UNIX_EPOCH + Duration::from_millis((wake.seconds() * 1000.0).round() as u64))
    }

    fn set_pace(&mut self, pace: Pace) {
        use crate::sandbox::ecs;
        self.0.set_pace(match pace {
            Pace::Fast => ecs::Pace::fast(),
            Pace::Real => ecs::Pace::real(),
        });
    }

    fn set_fates(&mut self, rules: Value) -> Result<(), String> {
        let rules: Vec<Rule> = serde_json::from_value(rules).map_err(|why| why.to_string())?;
        self.0.set_fates(rules);
        Ok(())
    }

    fn set_lag(&mut self, lag: Value) -> Result<(), String> {
        self.0.set_lag(serde_json::from_value(lag).map_err(|why| why.to_string())?);
        Ok(())
    }

    fn set_alarms(&mut self, firing: BTreeSet<String>, planned: Vec<AlarmPlan>, now: SystemTime) {
        self.0.plan_alarms(planned);
        self.0.set_alarms(&firing, moment(now));
    }

    fn set_hooks(&mut self, answers: Value) -> Result<(), String> {
        let answers: BTreeMap<String, Vec<HookAnswer>> =
            serde_json::from_value(answers).map_err(|why| why.to_string())?;
        answers.into_iter().for_each(|(part, answers)| self.0.set_hook(&part, answers));
        Ok(())
    }

    fn set_registry(&mut self, address: &str) {
        self.0.set_registry(address);
    }

    fn set_former_registries(&mut self, addresses: Vec<String>) {
        self.0.set_former_registries(addresses);
    }

    fn lose_tasks(&mut self, all: bool, now: SystemTime) {
        self.0.lose_tasks(all, moment(now));
        self.1.look(moment(now), &mut self.0);
    }

    fn images_changed(&mut self, news: Vec<ImageNews>) {
        self.0.hear_of_images(news);
    }

    fn set_run_tasks(&mut self, run: bool) {
        self.0.set_usual_fate(run.then_some(Fate::External));
    }

    fn wants(&self) -> Vec<TaskWant> {
        self.0.wants()
    }

    fn targets(&self, group: &str) -> Vec<TargetHealth> {
        self.0.targets(group)
    }

    fn target_groups(&self) -> BTreeMap<String, TargetGroup> {
        self.0.target_groups()
    }

    fn outputs(&mut self) -> Vec<Output> {
        self.0.outputs()
    }

    fn task_event(&mut self, task_arn: &str, event: TaskEvent, now: SystemTime) {
        self.0.task_event(task_arn, event, moment(now));
        self.1.look(moment(now), &mut self.0);
    }

    fn warnings(&mut self) -> Vec<String> {
        self.0.warnings()
    }

    fn changes(&mut self) -> Vec<(String, Option<Box<RawValue>>)> {
        let own = self.0.changes().into_iter().map(|change| (change.key, change.document));
        own.chain(self.1.changes()).collect()
    }

    fn documents(&mut self) -> BTreeMap<String, Box<RawValue>> {
        self.0.documents().into_iter().chain(self.1.documents()).collect()
    }

    fn restore(&mut self, mut documents: BTreeMap<String, Box<RawValue>>) -> Result<(), String> {
        self.1 = CodeDeploy::restore(&mut documents).map_err(|why| why.to_string())?;
        self.0 = Plane::restore(documents).map_err(|why| why.to_string())?;
        Ok(())
    }
}

fn moment(now: SystemTime) -> Now {
    Now::from_seconds(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64 / 1000.0)
}

fn refusal(error: ApiError) -> Refusal {
    Refusal::new(error.code, error.message).with_status(error.status)
}
