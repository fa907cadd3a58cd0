//! The deployment configurations that CodeDeploy comes with for ECS: how much traffic is shifted when.

use serde_json::{Value, json};

use super::request::{Answer, name, page};
use crate::sandbox::Refusal;

pub const USUAL: &str = "CodeDeployDefault.ECSAllAtOnce";

/// A first share and the others, in percent, so many minutes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    AllAtOnce,
    Canary { percent: u32, minutes: u32 },
    Linear { percent: u32, minutes: u32 },
}

const CONFIGS: &[(&str, Shift)] = &[
    (USUAL, Shift::AllAtOnce),
    ("CodeDeployDefault.ECSCanary10Percent15Minutes", Shift::Canary { percent: 10, minutes: 15 }),
    ("CodeDeployDefault.ECSCanary10Percent5Minutes", Shift::Canary { percent: 10, minutes: 5 }),
    ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", Shift::Linear { percent: 10, minutes: 1 }),
    ("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", Shift::Linear { percent: 10, minutes: 3 }),
];

impl Shift {
    pub fn named(name: &str) -> Result<Self, Refusal> {
        let missing = || {
            let message = format!("No Deployment Configuration found for name: {name}");
            Refusal::new("DeploymentConfigDoesNotExistException", message)
        };
        CONFIGS.iter().find(|(known, _)| *known == name).map(|(_, shift)| *shift).ok_or_else(missing)
    }

    /// The share that follows `share`, and how many minutes it is kept.
    pub fn next(self, share: f64) -> (f64, f64) {
        match self {
            Shift::Canary { percent, minutes } if share == 0.0 => (percent.into(), minutes.into()),
            Shift::Linear { percent, minutes } => ((share + f64::from(percent)).min(100.0), minutes.into()),
            _ => (100.0, 0.0),
        }
    }

    fn show(self) -> Value {
        match self {
            Shift::AllAtOnce => json!({ "type": "AllAtOnce" }),
            Shift::Canary { percent, minutes } => json!({ "type": "TimeBasedCanary",
                "timeBasedCanary": { "canaryPercentage": percent, "canaryInterval": minutes } }),
            Shift::Linear { percent, minutes } => json!({ "type": "TimeBasedLinear",
                "timeBasedLinear": { "linearPercentage": percent, "linearInterval": minutes } }),
        }
    }
}

pub fn get(body: &Value) -> Answer {
    let name = name(body, "deploymentConfigName", "DeploymentConfigName")?;
    let routing = Shift::named(name)?.show();
    Ok(json!({ "deploymentConfigInfo": {
        "deploymentConfigName": name,
        "computePlatform": "ECS",
        "trafficRoutingConfig": routing,
    } }))
}

pub fn list(body: &Value) -> Answer {
    page(body, "deploymentConfigsList", CONFIGS.iter().map(|(name, _)| (*name).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(name: &str) -> Vec<f64> {
        let (shift, mut shares) = (Shift::named(name).unwrap(), vec![0.0]);
        while shares.last() != Some(&100.0) {
            shares.push(shift.next(*shares.last().unwrap()).0);
        }
        shares
    }

    #[test]
    fn shift_ends_with_all_the_traffic() {
        assert_eq!(shares(USUAL), [0.0, 100.0]);
        assert_eq!(shares("CodeDeployDefault.ECSCanary10Percent5Minutes"), [0.0, 10.0, 100.0]);
        assert_eq!(shares("CodeDeployDefault.ECSLinear10PercentEvery1Minutes").len(), 11);
        assert!(Shift::named("CodeDeployDefault.OneAtATime").is_err());
    }
}
