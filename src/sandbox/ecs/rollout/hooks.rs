//! Lifecycle hooks. A PAUSE waits for ContinueServiceDeployment or its time limit; a Lambda is not called but
//! answers from a script: SUCCEEDED unless `Plane::set_hook` says otherwise.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::ecs::release::{Hook, HookStatus, Phase, Release, Stage};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::{Plane, World};

/// `hookStatus` of a Lambda's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookAnswer {
    Succeeded,
    Failed,
    InProgress,
}

impl Plane {
    /// Answers of the Lambda function whose ARN contains `part`, one for each time it is asked; the last one
    /// goes on for ever.
    pub fn set_hook(&mut self, part: &str, answers: Vec<HookAnswer>) {
        self.world.hooks.insert(part.to_owned(), answers);
    }

    pub(super) fn open_hooks(&mut self, service: &mut Service, now: Now) {
        let release = &mut service.releases[0];
        if release.sources.is_empty() {
            return;
        }
        let Some(stage) = release.stage else { return };
        for hook in release.configured_hooks(stage, false) {
            let opened = self.world.open(&hook, stage, now);
            release.hooks.push(opened);
        }
    }

    /// A rollback runs the Lambda hooks of the traffic shift again. What it does with their answers is not
    /// documented; here they are recorded and nothing more.
    pub(super) fn repeat_shift_hooks(&mut self, service: &mut Service, now: Now) {
        let release = &mut service.releases[0];
        for hook in release.configured_hooks(Stage::ProductionTrafficShift, true) {
            let mut opened = self.world.open(&hook, Stage::ProductionTrafficShift, now);
            opened.status = self.world.answer(opened.target.as_deref().unwrap_or_default()).into();
            release.hooks.push(opened);
        }
    }

    /// Goes on when every hook of the stage has succeeded. False if it waits.
    pub(super) fn poll_hooks(&mut self, service: &mut Service, now: Now) -> bool {
        let Some(stage) = service.releases[0].stage else { return false };
        let (mut waits, mut back, mut wake) = (false, None, Vec::new());
        for hook in service.releases[0].hooks.iter_mut().filter(|hook| hook.stage == stage) {
            match self.world.poll(hook, now) {
                Verdict::GoOn => {}
                Verdict::Back(why) => back = Some(why),
                Verdict::Wait(until) => {
                    waits = true;
                    wake.push(until);
                }
            }
        }
        wake.into_iter().for_each(|at| service.wake_by(at));
        if let Some(why) = back {
            self.roll_back_or_stop(
                service,
                &format!("Service deployment rolled back because a lifecycle hook {why}."),
                now,
            );
            return false;
        }
        if !waits {
            service.releases[0].phase = Phase::Work;
        }
        !waits
    }
}

/// What a hook says about going on.
enum Verdict {
    GoOn,
    Back(&'static str),
    Wait(Now),
}

impl Release {
    fn configured_hooks(&self, stage: Stage, lambdas: bool) -> Vec<Value> {
        let all = self.configuration["lifecycleHooks"].as_array().into_iter().flatten();
        let here = all.filter(|hook| {
            let stages = hook["lifecycleStages"].as_array();
            let at_stage = stages.is_some_and(|stages| stages.iter().any(|word| word == stage.hook_word()));
            at_stage && !(lambdas && hook["targetType"] == "PAUSE")
        });
        here.cloned().collect()
    }
}

impl World {
    fn open(&mut self, hook: &Value, stage: Stage, now: Now) -> Hook {
        let limit = &hook["timeoutConfiguration"];
        let minutes = limit["timeoutInMinutes"].as_f64().unwrap_or(1440.0);
        let pause = hook["targetType"] == "PAUSE";
        Hook {
            id: self.ids.uuid(),
            stage,
            target: hook["hookTargetArn"].as_str().filter(|_| !pause).map(String::from),
            status: if pause { HookStatus::AwaitingAction } else { HookStatus::InProgress },
            expires: now.after(minutes * self.pace.minute),
            on_timeout: limit["action"].as_str().unwrap_or("ROLLBACK").to_owned(),
            again: now,
        }
    }

    fn poll(&mut self, hook: &mut Hook, now: Now) -> Verdict {
        if hook.status == HookStatus::InProgress && hook.again <= now && hook.expires > now {
            hook.status = self.answer(hook.target.as_deref().unwrap_or_default()).into();
            hook.again = now.after(self.pace.hook_retry);
        }
        match hook.status {
            HookStatus::Succeeded => Verdict::GoOn,
            HookStatus::Failed => Verdict::Back("failed"),
            HookStatus::TimedOut if hook.on_timeout == "CONTINUE" => Verdict::GoOn,
            HookStatus::TimedOut => Verdict::Back("timed out"),
            HookStatus::AwaitingAction | HookStatus::InProgress if hook.expires <= now => {
                hook.status = HookStatus::TimedOut;
                self.poll(hook, now)
            }
            HookStatus::AwaitingAction => Verdict::Wait(hook.expires),
            HookStatus::InProgress => Verdict::Wait(hook.again.min(hook.expires)),
        }
    }

    pub(in crate::sandbox::ecs) fn answer(&mut self, target: &str) -> HookAnswer {
        let script = self.hooks.iter_mut().find(|(part, _)| target.contains(part.as_str())).map(|(_, answers)| answers);
        match script {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers.first().copied().unwrap_or(HookAnswer::Succeeded),
            None => HookAnswer::Succeeded,
        }
    }
}

impl From<HookAnswer> for HookStatus {
    fn from(answer: HookAnswer) -> Self {
        match answer {
            HookAnswer::Succeeded => HookStatus::Succeeded,
            HookAnswer::Failed => HookStatus::Failed,
            HookAnswer::InProgress => HookStatus::InProgress,
        }
    }
}
