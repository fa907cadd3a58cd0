//! Blue/green, linear and canary: a second set of tasks is brought up beside the one that serves, traffic is
//! shifted at once or in steps, both bake, and the old set goes. Each stage runs its hooks, then its work.
//!
//! AWS's texts do not say whether the test stages are passed over without a test listener, nor which stages the
//! first deployment of a service has. Here the test stages always run, and a first deployment, which has
//! nothing to shift away from, neither runs hooks nor bakes.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::release::{Phase, Release, Stage, Strategy};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::time::Now;

/// A stage may last a day, then the deployment is rolled back.
const STAGE_LIMIT_MINUTES: f64 = 24.0 * 60.0;

/// What a stage's work came to.
enum Work {
    Done,
    /// Back to an earlier stage: the next step of a shift.
    Again(Stage),
    Waits,
}

impl Plane {
    pub(super) fn step_staged(&mut self, service: &mut Service, now: Now) {
        if service.releases[0].stage.is_none() {
            let first = if service.releases[0].sources.len() > 1 { Stage::ReconcileService } else { Stage::PreScaleUp };
            service.releases[0].enter(first, now);
        }
        self.keep_up(service, now);
        while service.releases[0].is_forward() && !service.releases[0].is_over() {
            if self.is_overdue(service, now) {
                return self.roll_back_or_stop(
                    service,
                    "Service deployment rolled back because a lifecycle stage timed out.",
                    now,
                );
            }
            if !self.advance_stage(service, now) {
                break;
            }
        }
    }

    /// One move within the stages. False if it waits.
    fn advance_stage(&mut self, service: &mut Service, now: Now) -> bool {
        match service.releases[0].phase {
            Phase::Entered => {
                let shown = service.releases[0].entered.after(self.world.pace.schedule);
                if shown > now {
                    service.wake_by(shown);
                    return false;
                }
                self.open_hooks(service, now);
                service.releases[0].phase = Phase::Hooks;
                true
            }
            Phase::Hooks => self.poll_hooks(service, now),
            Phase::Work => self.work(service, now),
        }
    }

    fn work(&mut self, service: &mut Service, now: Now) -> bool {
        let Some(stage) = service.releases[0].stage else { return false };
        let work = match stage {
            Stage::ReconcileService => self.reconcile(service, now),
            Stage::ScaleUp => self.scale_up(service),
            Stage::TestTrafficShift => service.releases[0].shift_test(),
            Stage::ProductionTrafficShift => self.shift_production(service, now),
            Stage::BakeTime => self.bake_both(service, now),
            Stage::CleanUp => return self.clean_up(service, now),
            _ => Work::Done,
        };
        match work {
            Work::Waits => false,
            Work::Again(stage) => service.releases[0].enter(stage, now),
            Work::Done => service.releases[0].enter(next(stage), now),
        }
    }

    /// Both sets are kept at the desired count, whatever dies.
    fn keep_up(&mut self, service: &mut Service, now: Now) {
        let stage = service.releases[0].stage;
        let serving = serving_place(service).filter(|_| stage < Some(Stage::CleanUp));
        for place in 0..service.deployments.len() {
            if Some(place) == serving || (place == 0 && stage >= Some(Stage::ScaleUp)) {
                self.fill_up(service, place, now);
            }
            let surplus = self.tally(service, place).wanted.saturating_sub(service.desired);
            let by = service.deployments[0].id.clone();
            self.shrink(service, place, surplus, &by, now);
        }
    }

    fn fill_up(&mut self, service: &mut Service, place: usize, now: Now) {
        service.deployments[place].wanted = service.desired;
        let lacking = service.desired.saturating_sub(self.tally(service, place).wanted);
        let hold = service.deployments[place].hold;
        if lacking > 0 && hold > now {
            service.wake_by(hold);
        } else if lacking > 0 {
            self.start_tasks(service, place, lacking, now);
        }
    }

    /// Of several sets that are there, only the one that serves stays.
    fn reconcile(&mut self, service: &mut Service, now: Now) -> Work {
        let serving = serving_place(service);
        self.remove_others(service, serving, now)
    }

    fn remove_others(&mut self, service: &mut Service, stays: Option<usize>, now: Now) -> Work {
        let by = service.deployments[0].id.clone();
        let mut left = false;
        for place in (1..service.deployments.len()).filter(|place| Some(*place) != stays) {
            self.shrink(service, place, u32::MAX, &by, now);
            service.deployments[place].wanted = 0;
            left |= !self.is_idle(&service.deployments[place]);
        }
        if left { Work::Waits } else { Work::Done }
    }

    fn scale_up(&self, service: &Service) -> Work {
        let green = self.tally(service, 0);
        if green.ready >= service.desired { Work::Done } else { Work::Waits }
    }

    /// All at once, or in steps with a bake after each but the last.
    fn shift_production(&self, service: &mut Service, now: Now) -> Work {
        let minute = self.world.pace.minute;
        let release = &mut service.releases[0];
        if let Some(until) = release.until {
            if until > now {
                service.wake_by(until);
                return Work::Waits;
            }
            release.until = None;
            return Work::Again(Stage::PreProductionTrafficShift);
        }
        let (step, bake) = release.step();
        release.traffic.production = step;
        release.updated = now;
        if step >= 100.0 {
            return Work::Done;
        }
        release.until = Some(now.after(bake * minute));
        service.wake_by(now.after(bake * minute));
        Work::Waits
    }

    fn bake_both(&self, service: &mut Service, now: Now) -> Work {
        let release = &service.releases[0];
        let minutes = if release.sources.is_empty() { 0.0 } else { release.minutes("/bakeTimeInMinutes") };
        let until = release.entered.after(minutes * self.world.pace.minute);
        if until <= now {
            return Work::Done;
        }
        service.wake_by(until);
        Work::Waits
    }

    /// The last stage: the old set drains, then the deployment is complete.
    fn clean_up(&mut self, service: &mut Service, now: Now) -> bool {
        if let Work::Done = self.remove_others(service, None, now) {
            self.drop_empty(service);
            self.complete(service, now);
        }
        false
    }

    fn is_overdue(&self, service: &mut Service, now: Now) -> bool {
        let limit = service.releases[0].entered.after(STAGE_LIMIT_MINUTES * self.world.pace.minute);
        let release = &service.releases[0];
        let baking = release.until.is_some() || release.stage == Some(Stage::BakeTime);
        let waits_for_long = baking || release.phase == Phase::Hooks;
        service.wake_by(limit);
        limit <= now && !waits_for_long
    }
}

/// The set that has the production traffic when the deployment begins.
fn serving_place(service: &Service) -> Option<usize> {
    let source = service.releases[0].sources.first()?;
    (1..service.deployments.len()).find(|place| service.deployments[*place].revision == *source)
}

fn next(stage: Stage) -> Stage {
    match stage {
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostTestTrafficShift => Stage::PreProductionTrafficShift,
        Stage::PreProductionTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        Stage::PostProductionTrafficShift => Stage::BakeTime,
        Stage::BakeTime | Stage::CleanUp => Stage::CleanUp,
    }
}

impl Release {
    fn enter(&mut self, stage: Stage, now: Now) -> bool {
        self.stage = Some(stage);
        self.phase = Phase::Entered;
        (self.entered, self.updated) = (now, now);
        true
    }

    fn shift_test(&mut self) -> Work {
        self.traffic.test = 100.0;
        Work::Done
    }

    /// The share of the next step, and the minutes to bake after it.
    fn step(&self) -> (f64, f64) {
        let number = |pointer: &str| self.configuration.pointer(pointer).and_then(serde_json::Value::as_f64);
        match self.strategy {
            _ if self.sources.is_empty() => (100.0, 0.0),
            Strategy::Canary if self.traffic.production == 0.0 => {
                let share = number("/canaryConfiguration/canaryPercent").unwrap_or(5.0);
                (share, number("/canaryConfiguration/canaryBakeTimeInMinutes").unwrap_or(10.0))
            }
            Strategy::Linear => {
                let step = number("/linearConfiguration/stepPercent").unwrap_or(10.0);
                let bake = number("/linearConfiguration/stepBakeTimeInMinutes").unwrap_or(6.0);
                ((self.traffic.production + step).min(100.0), bake)
            }
            _ => (100.0, 0.0),
        }
    }
}
