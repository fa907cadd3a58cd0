//! Watches a deployment of CodeDeploy's until there is a verdict, and the one that goes back, if there is one. A look
//! is one call, and a second one for what people want to see meanwhile.

use std::future::Future;
use std::time::Duration;

use serde_json::json;

use super::client::{CodeDeploy, may_pass_later};
use super::conclude::{conclude, interrupted as cut};
use super::judge::{Memory, READY, Watched, judge};
use super::plan::Handover;
use super::snapshot::{Info, Look, Target};
use super::word::Word;
use crate::clock::Clock;
use crate::deploy::Error;
use crate::deploy::diagnose::{Traces, causes, is_trouble};
use crate::deploy::ecs::{CallError, Ecs, Operation};
use crate::deploy::halt::Halt;
use crate::deploy::judge::{Memory as Seen, Verdict};
use crate::deploy::rollout::{
    Charge, Ended, FIRST, Hopes, LONGEST, Tasks, Voice, answer, jittered, retry, unwatched, within,
};
use crate::deploy::snapshot::Service;
use crate::report::Outcome;

/// Both of the services that a deployment is looked at through.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    pub ecs: &'a dyn Ecs,
    pub codedeploy: &'a dyn CodeDeploy,
}

pub async fn watch(
    charge: Charge<'_>,
    handover: &Handover,
    id: &str,
    services: Services<'_>,
    clock: &Clock,
    halted: impl Future<Output = Halt>,
) -> Result<Ended, Error> {
    let mut watcher = Watcher::new(charge, handover, id, services, clock);
    let end = tokio::select! {
        end = watcher.run() => Ok(end),
        halt = halted => Err(halt),
    };
    watcher.end(end).await
}

struct Watcher<'a> {
    charge: Charge<'a>,
    handover: &'a Handover,
    id: &'a str,
    services: Services<'a>,
    clock: &'a Clock,
    watched: Watched,
    memory: Memory,
    /// Whose tasks are ours: the id of the task set.
    ours: Seen,
    voice: Voice<'a>,
    tasks: Tasks<'a>,
    hopes: Hopes,
    told_ready: bool,
    blind: bool,
    /// How far it was at the last look.
    last: String,
}

impl<'a> Watcher<'a> {
    fn new(charge: Charge<'a>, handover: &'a Handover, id: &'a str, services: Services<'a>, clock: &'a Clock) -> Self {
        let voice = Voice::new(&charge, clock);
        let watched = Watched {
            revision: charge.revision.to_owned(),
            before: handover.serves.clone(),
            deadline: clock.now() + charge.wait.limit,
            wait: charge.wait,
            answered: handover.word == Some(Word::Shift),
            back: handover.back,
        };
        Watcher {
            tasks: Tasks::of(charge.revision, voice),
            voice,
            charge,
            handover,
            id,
            services,
            clock,
            watched,
            memory: Memory::default(),
            ours: Seen::default(),
            hopes: Hopes::default(),
            told_ready: false,
            blind: false,
            last: "nothing was seen of it yet".into(),
        }
    }

    async fn run(&mut self) -> Result<Verdict, CallError> {
        let mut pause = FIRST;
        loop {
            let late = self.clock.now() >= self.watched.deadline;
            match self.look().await {
                Ok(look) => match judge(&look, &self.memory, &self.watched, self.clock.now()) {
                    Verdict::Going(how) => self.say(&look, how),
                    verdict => {
                        self.voice.verdict(&conclude(&self.charge, self.id, verdict.clone()));
                        return Ok(verdict);
                    }
                },
                Err(why) if !may_pass_later(&why) => return Err(why),
                Err(why) if late => return Ok(Verdict::TimedOut(why.to_string())),
                Err(why) => self.charge.events.emit(retry(&self.charge.deploy.service, &why, pause)),
            }
            let left = self.watched.deadline.duration_since(self.clock.now()).unwrap_or_default();
            self.clock.sleep(jittered(pause).min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }

    async fn look(&mut self) -> Result<Look, CallError> {
        let info = self.get(self.id).await?;
        let rollback = match &info.rollback {
            Some(id) => Some(self.get(id).await?),
            None => None,
        };
        let newer = match info.status.as_str() {
            "Stopped" if rollback.is_none() => self.newer().await,
            _ => None,
        };
        let target = self.target(&info).await;
        let look = Look { info, rollback, target, newer };
        self.memory.note(&look, self.clock.now());
        self.see_tasks(&look).await;
        Ok(look)
    }

    async fn get(&self, id: &str) -> Result<Info, CallError> {
        let answer = self.services.codedeploy.call("GetDeployment", json!({"deploymentId": id})).await?;
        Ok(Info::read(&answer.body))
    }

    /// Whether somebody has begun another deployment; nobody needs to know for sure.
    async fn newer(&self) -> Option<String> {
        let group = json!({"applicationName": self.handover.application, "deploymentGroupName": self.handover.group});
        let answer = self.services.codedeploy.call("GetDeploymentGroup", group).await.ok()?;
        let last = answer.body["deploymentGroupInfo"]["lastAttemptedDeployment"]["deploymentId"].as_str()?.to_owned();
        (last != self.id).then_some(last)
    }

    /// Who may not see it is told so once.
    async fn target(&mut self, info: &Info) -> Option<Target> {
        if self.blind || info.status == "Created" {
            return None;
        }
        let asked = json!({"deploymentId": self.id, "targetId": self.handover.target});
        match within(self.clock, self.services.codedeploy.call("GetDeploymentTarget", asked)).await? {
            Ok(answer) => Some(Target::read(&answer.body)),
            Err(why) => {
                if let Some(action) = why.denied_action() {
                    self.blind = true;
                    let hint = format!("Grant {action} to see stages, tasks and traffic, and why tasks stop.");
                    self.charge.events.warn(format!("{action} is denied: watching the status alone"), Some(hint));
                }
                None
            }
        }
    }

    async fn see_tasks(&mut self, look: &Look) {
        if let Some(green) = look.target.as_ref().and_then(Target::green) {
            self.ours.id = Some(green.id.clone());
            // CodeDeploy counts no failures, but tasks that are neither up nor on their way are gone.
            self.ours.failed += i64::from(green.running + green.pending < green.desired);
        }
        let now = self.clock.now();
        within(self.clock, self.tasks.look(&self.charge, &self.ours, now, self.services.ecs)).await;
        if self.charge.wait.fail_fast && self.memory.hopeless.is_none() {
            self.memory.hopeless = self.hopes.give_up(self.tasks.all(), &self.charge);
        }
    }

    fn say(&mut self, look: &Look, how: String) {
        if look.info.status == READY
            && !self.watched.answered
            && !self.watched.back
            && !std::mem::replace(&mut self.told_ready, true)
        {
            let hint = format!("Answer with `{0}` or `{0} --rollback`, or in the console.", answer(self.charge.deploy));
            self.charge.events.warn(format!("deployment {} is ready and waits to be continued", self.id), Some(hint));
        }
        self.last.clone_from(&how);
        let stage = look.target.as_ref().and_then(|target| target.event.clone());
        self.voice.rollout(stage, look.versions(&self.watched.revision, &self.watched.before), how);
    }

    /// Without a verdict it was halted.
    async fn end(mut self, end: Result<Result<Verdict, CallError>, Halt>) -> Result<Ended, Error> {
        let late = || Verdict::TimedOut(self.last.clone());
        let ended = match end {
            Err(Halt::Interrupted) => cut(&self.charge, self.id),
            Err(Halt::TimeUp) => conclude(&self.charge, self.id, late()),
            Ok(Err(source)) => return Err(unwatched(&self.charge, source)),
            Ok(Ok(verdict)) => conclude(&self.charge, self.id, verdict),
        };
        let ended = Ended { took: self.voice.elapsed(), deployment: Some(self.id.to_owned()), ..ended };
        if matches!(ended.outcome, Outcome::Succeeded | Outcome::Interrupted) {
            return Ok(ended);
        }
        within(self.clock, self.tasks.collect(&self.charge, &self.ours, self.services.ecs)).await;
        let trouble = within(self.clock, self.trouble()).await.unwrap_or_default();
        let mut traces = Traces::default();
        let last = within(self.clock, traces.conclude(self.tasks.all(), &trouble, self.services.ecs)).await;
        traces.close(last.is_some());
        Ok(Ended { causes: causes(self.tasks.all()), evidence: traces.into_evidence(), trouble, ..ended })
    }

    /// What the service's events said of trouble since the beginning, oldest first.
    async fn trouble(&self) -> Vec<String> {
        let deploy = self.charge.deploy;
        let body = json!({"cluster": deploy.cluster, "services": [deploy.service]});
        let Ok(answer) = self.services.ecs.call(Operation::DescribeServices, body).await else { return Vec::new() };
        let service = answer.body["services"].get(0).map(Service::read).unwrap_or_default();
        let new = service.events.iter().take_while(|event| Some(&event.id) != deploy.before.newest_event.as_ref());
        let mut told: Vec<String> =
            new.map(|event| event.message.clone()).filter(|message| is_trouble(message)).collect();
        told.reverse();
        told
    }
}

/// How long the way back is waited for: the traffic changes sides and new tasks go, which takes minutes.
pub const WAY_BACK: Duration = Duration::from_secs(900);
