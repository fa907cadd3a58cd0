//! One move of a deployment at a time, until it waits or is over.

use super::{State, Step};
use crate::sandbox::codedeploy::appspec::AppSpec;
use crate::sandbox::codedeploy::deployment::{Cause, Deployment, Status};
use crate::sandbox::ecs::{HookAnswer, Now, Plane};

/// A hook may take an hour (CodeDeploy user guide, "AppSpec 'hooks' section for an Amazon ECS deployment").
const HOOK_MINUTES: f64 = 60.0;

/// What the work of a stage came to.
pub enum Work {
    Done,
    /// Looks again then, or when ECS has moved.
    Waits(Option<Now>),
    Fails {
        code: &'static str,
        message: String,
    },
}

impl Deployment {
    /// True if it moved.
    pub fn advance(&mut self, now: Now, ecs: &mut Plane) -> bool {
        self.wake = None;
        match self.status {
            Status::Created => self.begin(now, ecs),
            Status::InProgress | Status::Ready => self.go_on(now, ecs),
            Status::Succeeded | Status::Failed | Status::Stopped => false,
        }
    }

    fn begin(&mut self, now: Now, ecs: &mut Plane) -> bool {
        let at = self.created.after(ecs.pace().pending);
        if at > now {
            self.wake = Some(at);
            return false;
        }
        if !self.is_rollback() {
            self.blue = self.serving(now, ecs).and_then(|set| Some(set["id"].as_str()?.to_owned()));
        }
        self.status = Status::InProgress;
        (self.started, self.updated) = (Some(now), now);
        true
    }

    fn go_on(&mut self, now: Now, ecs: &mut Plane) -> bool {
        if let Some(alarm) = self.firing(ecs) {
            let message = format!(
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected \
                 deployments have been stopped. Activated alarms: <{alarm}>"
            );
            self.end_badly(Status::Stopped, Cause::Alarm, "ALARM_ACTIVE", &message, now);
            return true;
        }
        let Some(stage) = self.stage() else {
            self.status = Status::Succeeded;
            (self.completed, self.updated) = (Some(now), now);
            return true;
        };
        let (step, started) = (stage.step, stage.started);
        let entered = started.is_none();
        if entered {
            (stage.started, stage.state) = (Some(now), State::InProgress);
            self.continued = false;
            self.updated = now;
        }
        match self.work(step, started, now, ecs) {
            Work::Waits(until) => {
                self.wake = until;
                entered
            }
            Work::Done => self.leave(now),
            Work::Fails { code, message } => {
                self.end_badly(Status::Failed, Cause::Failure, code, &message, now);
                true
            }
        }
    }

    /// `started` is none when the stage is just entered.
    fn work(&mut self, step: Step, started: Option<Now>, now: Now, ecs: &mut Plane) -> Work {
        let since = started.unwrap_or(now);
        match step {
            Step::Install if started.is_none() => self.install(now, ecs),
            Step::Install => self.wait_for_green(since, now, ecs),
            Step::AllowTestTraffic => brief(since, now, ecs),
            Step::Ready => self.wait_for_a_word(since, now, ecs),
            Step::AllowTraffic => self.shift(now, ecs),
            Step::TerminationWait => self.wait_before_the_end(since, now, ecs),
            Step::Terminate => self.terminate(now, ecs),
            hook => self.hook(hook, since, now, ecs),
        }
    }

    fn leave(&mut self, now: Now) -> bool {
        if let Some(stage) = self.stage() {
            (stage.ended, stage.state) = (Some(now), State::Succeeded);
        }
        if self.status == Status::Ready {
            self.status = Status::InProgress;
        }
        self.updated = now;
        true
    }

    fn hook(&mut self, step: Step, since: Now, now: Now, ecs: &mut Plane) -> Work {
        let function = self.hook_of(step);
        match (brief(since, now, ecs), function) {
            (Work::Done, Some(function)) => self.ask(step, &function, since, now, ecs),
            (work, _) => work,
        }
    }

    fn hook_of(&self, step: Step) -> Option<String> {
        let spec = AppSpec::read(&self.revision.as_ref()?.content).ok()?;
        spec.hooks.into_iter().find(|(event, _)| Some(event.as_str()) == step.event()).map(|(_, function)| function)
    }

    fn ask(&mut self, step: Step, function: &str, since: Now, now: Now, ecs: &mut Plane) -> Work {
        let limit = since.after(HOOK_MINUTES * ecs.pace().minute);
        match ecs.hook_answer(function) {
            HookAnswer::Succeeded => Work::Done,
            HookAnswer::InProgress if limit > now => Work::Waits(Some(now.after(ecs.pace().hook_retry).min(limit))),
            // our wording
            _ => Work::Fails {
                code: "HOOK_EXECUTION_FAILURE",
                message: format!(
                    "The function {function} of the lifecycle event {} failed.",
                    step.event().unwrap_or_default()
                ),
            },
        }
    }

    fn wait_for_a_word(&mut self, since: Now, now: Now, ecs: &mut Plane) -> Work {
        if self.continued {
            return Work::Done;
        }
        self.status = Status::Ready;
        let minutes = self.settings["blueGreenDeploymentConfiguration"]["deploymentReadyOption"]["waitTimeInMinutes"]
            .as_f64()
            .unwrap_or(0.0);
        let until = since.after(minutes * ecs.pace().minute);
        if until <= now {
            // Neither the code nor the message is documented.
            let message = "The traffic was not rerouted within the time that the deployment group allows for it.";
            self.end_badly(Status::Stopped, Cause::Request, "TIMEOUT", message, now);
        }
        Work::Waits(Some(until))
    }

    fn wait_before_the_end(&mut self, since: Now, now: Now, ecs: &mut Plane) -> Work {
        let option = &self.settings["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"];
        let minutes = option["terminationWaitTimeInMinutes"].as_f64().unwrap_or(0.0);
        match since.after(minutes * ecs.pace().minute) {
            until if until > now && !self.continued => Work::Waits(Some(until)),
            _ => Work::Done,
        }
    }

    /// An alarm of the group that is in ALARM.
    fn firing(&self, ecs: &Plane) -> Option<String> {
        let alarms = &self.settings["alarmConfiguration"];
        let names = alarms["alarms"].as_array().filter(|_| alarms["enabled"] == true && !self.is_rollback())?;
        names.iter().filter_map(|alarm| alarm["name"].as_str()).find(|name| ecs.is_firing(name)).map(str::to_owned)
    }

    /// Stopped or failed: what has not begun is skipped.
    pub fn end_badly(&mut self, status: Status, cause: Cause, code: &str, message: &str, now: Now) {
        for stage in self.stages.iter_mut().filter(|stage| stage.ended.is_none()) {
            stage.state = if stage.started.is_some() { State::Failed } else { State::Skipped };
            stage.ended = Some(now);
        }
        self.status = status;
        self.cause = Some(cause);
        self.error = Some((code.to_owned(), message.to_owned()));
        (self.completed, self.updated) = (Some(now), now);
    }
}

/// A stage that only takes its moment.
fn brief(since: Now, now: Now, ecs: &Plane) -> Work {
    match since.after(ecs.pace().schedule) {
        until if until > now => Work::Waits(Some(until)),
        _ => Work::Done,
    }
}
