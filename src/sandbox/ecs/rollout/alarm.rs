//! Deployment alarms. The plane knows which alarms are in ALARM; a deployment that watches one fails when it
//! fires, unless it fired already when the deployment began.

use std::collections::BTreeSet;

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::release::Release;
use crate::sandbox::ecs::time::Now;

impl Plane {
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
    pub(super) fn note_alarms(&mut self, firing: &BTreeSet<String>) {
        let alarms = &mut self.alarms;
        if !alarms.enabled || !alarms.triggered.is_empty() {
            return;
        }
        let fires = |name: &&String| firing.contains(*name) && !alarms.ignored.contains(name);
        alarms.triggered = alarms.names.iter().filter(fires).cloned().collect();
    }
}
