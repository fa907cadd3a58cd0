//! Deployment alarms. The plane knows which alarms are in ALARM; a deployment that watches one fails when it
//! fires, unless it fired already when the deployment began.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::fate::speaks_of;
use crate::sandbox::ecs::release::Release;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

/// An alarm that goes off in the course of deployments: `after` counts seconds from a deployment's begin. Everything
/// that is given must match; `family` is that of what is deployed, and may carry a revision (`web:3`). It is OK again
/// when the deployment is over, so that the next one meets it anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmPlan {
    pub name: String,
    #[serde(default)]
    pub cluster: Option<String>,
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub family: Option<String>,
    #[serde(default)]
    pub after: f64,
}

impl AlarmPlan {
    fn matches(&self, service: &Service, definition: &str) -> bool {
        let revision = definition.rsplit('/').next().unwrap_or(definition);
        let named = [&self.cluster, &self.service, &self.family];
        speaks_of(named, [&service.key.cluster, &service.key.name, revision])
    }
}

impl Plane {
    /// For deployments from now on, and the one that is going on.
    pub fn plan_alarms(&mut self, plans: Vec<AlarmPlan>) {
        self.world.alarm_plans = plans;
    }

    /// Those that have gone off by now in the deployment that is going on; for the others it wants to be woken.
    pub(super) fn planned_alarms(&self, service: &mut Service, now: Now) -> Vec<String> {
        let Some(release) = service.releases.first().filter(|release| release.is_forward()) else { return Vec::new() };
        let definition = service.revision(&release.target).map_or("", |revision| &revision.definition);
        let matching = self.world.alarm_plans.iter().filter(|plan| plan.matches(service, definition));
        let moment = |plan: &AlarmPlan| (plan.name.clone(), release.created.after(plan.after));
        let (over, ahead): (Vec<_>, Vec<_>) = matching.map(moment).partition(|(_, at)| *at <= now);
        ahead.into_iter().for_each(|(_, at)| service.wake_by(at));
        over.into_iter().map(|(name, _)| name).collect()
    }

    /// Puts these alarms into ALARM, and all others into OK.
    pub fn set_alarms(&mut self, firing: &BTreeSet<String>, now: Now) {
        let known = self.world.alarms.clone();
        known.difference(firing).for_each(|name| self.set_alarm(name, false, now));
        firing.difference(&known).for_each(|name| self.set_alarm(name, true, now));
    }

    /// Puts an alarm into ALARM, or back into OK.
    pub fn set_alarm(&mut self, name: &str, firing: bool, now: Now) {
        let now = self.at(now);
        match firing {
            true => self.world.alarms.insert(name.to_owned()),
            false => self.world.alarms.remove(name),
        };
        let watches = |release: &Release| !release.is_over() && release.alarms.names.iter().any(|known| known == name);
        let watching = self.services.iter().filter(|(_, service)| service.releases.first().is_some_and(watches));
        for key in watching.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.wake_service_at(key, now);
        }
        self.tick(now);
    }
}

impl Release {
    pub(super) fn note_alarms(&mut self, firing: &BTreeSet<String>, planned: &[String]) {
        let alarms = &mut self.alarms;
        if !alarms.enabled || !alarms.triggered.is_empty() {
            return;
        }
        let fires =
            |name: &&String| (firing.contains(*name) || planned.contains(name)) && !alarms.ignored.contains(name);
        alarms.triggered = alarms.names.iter().filter(fires).cloned().collect();
    }
}
