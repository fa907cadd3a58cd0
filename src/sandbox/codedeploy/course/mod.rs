//! The course of a deployment: stages one after the other, each of which does something to ECS or waits for it. Those
//! that have a name are the lifecycle events of the API.

mod advance;
mod install;
mod traffic;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::ecs::Now;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    BeforeInstall,
    Install,
    AfterInstall,
    AllowTestTraffic,
    AfterAllowTestTraffic,
    /// Waits for ContinueDeployment before the production traffic is shifted.
    Ready,
    BeforeAllowTraffic,
    AllowTraffic,
    AfterAllowTraffic,
    /// The old task set is kept for a while.
    TerminationWait,
    Terminate,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stage {
    pub step: Step,
    pub started: Option<Now>,
    pub ended: Option<Now>,
    pub state: State,
}

/// `lifecycleEvents[].status`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
}

impl Step {
    /// The lifecycle event that it is.
    pub fn event(self) -> Option<&'static str> {
        Some(match self {
            Step::BeforeInstall => "BeforeInstall",
            Step::Install => "Install",
            Step::AfterInstall => "AfterInstall",
            Step::AllowTestTraffic => "AllowTestTraffic",
            Step::AfterAllowTestTraffic => "AfterAllowTestTraffic",
            Step::BeforeAllowTraffic => "BeforeAllowTraffic",
            Step::AllowTraffic => "AllowTraffic",
            Step::AfterAllowTraffic => "AfterAllowTraffic",
            Step::Ready | Step::TerminationWait | Step::Terminate => return None,
        })
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Pending => "Pending",
            State::InProgress => "InProgress",
            State::Succeeded => "Succeeded",
            State::Failed => "Failed",
            State::Skipped => "Skipped",
        }
    }
}

impl Stage {
    fn new(step: Step) -> Self {
        Stage { step, started: None, ended: None, state: State::Pending }
    }

    pub fn show(&self) -> Option<Value> {
        let mut shown = json!({ "lifecycleEventName": self.step.event()?, "status": self.state.word() });
        for (member, at) in [("startTime", self.started), ("endTime", self.ended)] {
            if let Some(at) = at.filter(|_| self.state != State::Skipped) {
                shown[member] = at.stamp();
            }
        }
        Some(shown)
    }
}

/// What a deployment of a group with these settings goes through. The test events are there only with a listener for
/// tests.
pub fn stages(settings: &Value) -> Vec<Stage> {
    let pair = &settings["loadBalancerInfo"]["targetGroupPairInfoList"][0];
    let how = &settings["blueGreenDeploymentConfiguration"];
    let tests = pair["testTrafficRoute"]["listenerArns"].as_array().is_some_and(|all| !all.is_empty());
    let waits = how["deploymentReadyOption"]["actionOnTimeout"] == "STOP_DEPLOYMENT";
    let keeps = how["terminateBlueInstancesOnDeploymentSuccess"]["action"] == "KEEP_ALIVE";
    let all = [
        (Step::BeforeInstall, true),
        (Step::Install, true),
        (Step::AfterInstall, true),
        (Step::AllowTestTraffic, tests),
        (Step::AfterAllowTestTraffic, tests),
        (Step::Ready, waits),
        (Step::BeforeAllowTraffic, true),
        (Step::AllowTraffic, true),
        (Step::AfterAllowTraffic, true),
        (Step::TerminationWait, !keeps),
        (Step::Terminate, !keeps),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(step, _)| Stage::new(step)).collect()
}

/// The way back: the old task set still runs. Which events AWS shows of it is not documented.
pub fn stages_back() -> Vec<Stage> {
    [Step::AllowTraffic, Step::Terminate].map(Stage::new).into()
}
