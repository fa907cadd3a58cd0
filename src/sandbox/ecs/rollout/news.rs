//! What a service's tasks did since it last looked: who is up, who became healthy, who failed and why. Counts
//! for the circuit breaker and the service throttle are taken here, and events are written.

use crate::sandbox::ecs::Plane;
use crate::sandbox::ecs::deployment::Deployment;
use crate::sandbox::ecs::event;
use crate::sandbox::ecs::fate::Fate;
use crate::sandbox::ecs::service::{Controller, Service};
use crate::sandbox::ecs::task::{Health, Status, Target, Task};
use crate::sandbox::ecs::time::Now;

/// Failed starts in a row from which the scheduler waits before it tries again. How many ECS allows is
/// documented nowhere.
const PATIENCE: u32 = 3;

/// What one look at a deployment's tasks found.
#[derive(Default)]
struct News {
    registered: usize,
    succeeded: usize,
    failed: u32,
    never_ran: u32,
    unhealthy: Vec<String>,
    gone: Vec<String>,
}

impl Plane {
    pub(super) fn take_news(&mut self, service: &mut Service, now: Now) {
        for place in 0..service.deployments.len() {
            let news = self.look(&service.deployments[place]);
            self.tell_registered(service, place, news.registered, now);
            for id in &news.unhealthy {
                self.stop_unhealthy(service, place, id, now);
            }
            let deployment = &mut service.deployments[place];
            deployment.tasks.retain(|id| !news.gone.contains(id));
            self.count(service, place, &news, now);
        }
    }

    fn look(&mut self, deployment: &Deployment) -> News {
        let mut news = News::default();
        for id in &deployment.tasks {
            match self.tasks.get_mut(id) {
                Some(task) => news.read(task),
                None => news.gone.push(id.clone()),
            }
        }
        news
    }

    fn tell_registered(&mut self, service: &mut Service, place: usize, count: usize, now: Now) {
        let revision = service.deployments[place].revision.clone();
        let groups = self.groups(service, &revision);
        for (group, _) in groups.iter().filter(|_| count > 0) {
            service.events.say(&service.key.name, event::registered(count, group), &mut self.world.ids, now);
        }
    }

    /// Stops a task that a health check gave up on. ECS would start a substitute first where the maximum
    /// percent allows; here it goes at once and the next step replaces it.
    fn stop_unhealthy(&mut self, service: &mut Service, place: usize, id: &str, now: Now) {
        let Some(task) = self.tasks.get(id) else { return };
        let by_container = task.health() == Health::Unhealthy;
        let said = match &task.fate {
            Fate::ElbHealthCheckFails { reason: Some(reason) } => reason.clone(),
            _ => "Health checks failed".to_owned(),
        };
        let revision = service.deployments[place].revision.clone();
        let (group, port) = self.groups(service, &revision).into_iter().next().unwrap_or_default();
        let (text, reason) = match by_container {
            true => (event::failed_container_check(id), "Task failed container health checks".to_owned()),
            false => (
                event::unhealthy_target(port, &group, &said),
                format!("Task failed ELB health checks in (target-group {group})"),
            ),
        };
        service.events.say(&service.key.name, text, &mut self.world.ids, now);
        self.halt_tasks(service, place, &[id.to_owned()], &reason, now);
    }

    fn count(&mut self, service: &mut Service, place: usize, news: &News, now: Now) {
        if news.failed > 0 || !news.unhealthy.is_empty() {
            service.stir();
        }
        let failed = news.failed + news.unhealthy.len() as u32;
        let reset = news.succeeded > 0;
        let deployment = &mut service.deployments[place];
        if reset {
            (deployment.failed_tasks, deployment.never_ran) = (0, 0);
        }
        deployment.failed_tasks += failed;
        deployment.never_ran += news.never_ran;
        if deployment.primary {
            count_for_breaker(service, failed, reset);
        }
        self.throttle(service, place, news.never_ran > 0, now);
    }

    /// The service throttle: it waits longer and longer between starts that never reach RUNNING. Failed
    /// health checks and exits after RUNNING do not count.
    fn throttle(&mut self, service: &mut Service, place: usize, failed: bool, now: Now) {
        let sets = service.controller() != Controller::Ecs;
        let deployment = &mut service.deployments[place];
        if !failed || !(deployment.primary || sets) || deployment.never_ran < PATIENCE {
            return;
        }
        let doublings = (deployment.never_ran - PATIENCE).min(16);
        let pause = self.world.pace.throttle * f64::from(1u32 << doublings);
        let began = deployment.hold > now;
        deployment.hold = now.after(pause.min(self.world.pace.throttle_limit));
        let at = deployment.hold;
        service.wake_by(at);
        if !began {
            service.events.say(&service.key.name, event::THROTTLED, &mut self.world.ids, now);
        }
    }

    /// Target groups, with ports, that the tasks of a revision are in.
    pub(super) fn groups(&self, service: &Service, revision: &str) -> Vec<(String, i64)> {
        let revision = service.revision(revision).into_iter();
        revision.flat_map(|revision| &revision.balancers).map(|one| (one.group.clone(), one.port)).collect()
    }
}

/// `resetOnHealthyTask` is on unless it is turned off.
fn count_for_breaker(service: &mut Service, failed: u32, reset: bool) {
    let Some(release) = service.ongoing() else { return };
    let resets = release.configuration["deploymentCircuitBreaker"]["resetOnHealthyTask"] != false;
    if reset && resets {
        release.failures = 0;
    }
    release.failures += failed;
}

impl News {
    fn read(&mut self, task: &mut Task) {
        if task.status == Status::Running && task.target != Target::None && !task.noted.registered {
            task.noted.registered = true;
            self.registered += 1;
        }
        if task.ready && !task.noted.success {
            task.noted.success = true;
            self.succeeded += 1;
        }
        if task.is_wanted() && task.is_unhealthy() {
            task.noted.failure = true;
            self.unhealthy.push(task.id.clone());
        }
        if !task.noted.failure && failed_by_itself(task) {
            task.noted.failure = true;
            // A task that had been healthy is replaced, not counted: see `failedTasks` in the service model.
            self.failed += u32::from(!task.noted.success);
            self.never_ran += u32::from(!task.ever_ran());
        }
        if !task.is_live() {
            self.gone.push(task.id.clone());
        }
    }
}

fn failed_by_itself(task: &Task) -> bool {
    let by_itself = ["TaskFailedToStart", "EssentialContainerExited"];
    task.stop.as_ref().is_some_and(|stop| by_itself.contains(&stop.code.as_str()))
}
