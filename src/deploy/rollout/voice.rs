//! What is told of one deployment under watch, each thing with the time since the watch began.

use std::time::{Duration, SystemTime};

use super::{Charge, Ended};
use crate::clock::Clock;
use crate::report::{Event, Events, Rollout, Version};

#[derive(Clone, Copy)]
pub struct Voice<'a> {
    service: &'a str,
    cluster: &'a str,
    events: &'a Events,
    clock: &'a Clock,
    began: SystemTime,
}

impl<'a> Voice<'a> {
    pub fn new(charge: &Charge<'a>, clock: &'a Clock) -> Self {
        let deploy = charge.deploy;
        let (service, cluster) = (deploy.service.as_str(), deploy.cluster.as_str());
        Voice { service, cluster, events: charge.events, clock, began: clock.now() }
    }

    pub fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.began).unwrap_or_default()
    }

    /// How far it is.
    pub fn rollout(&self, stage: Option<String>, versions: Vec<Version>, text: String) {
        let (service, cluster) = (self.service.to_owned(), self.cluster.to_owned());
        let rollout = Rollout { service, cluster, elapsed: self.elapsed(), stage, versions, text };
        self.events.emit(Event::Rollout(rollout));
    }

    pub fn event(&self, text: &str, trouble: bool) {
        self.remark("service", text.to_owned(), trouble);
    }

    pub fn stopped_task(&self, text: String) {
        self.remark("task", text, true);
    }

    fn remark(&self, source: &'static str, text: String, trouble: bool) {
        let service = self.service.to_owned();
        self.events.emit(Event::Remark { service, elapsed: self.elapsed(), source, trouble, text });
    }

    pub fn verdict(&self, ended: &Ended) {
        let (service, outcome, text) = (self.service.to_owned(), ended.outcome, ended.text.clone());
        self.events.emit(Event::Verdict { service, elapsed: self.elapsed(), outcome, text });
    }
}
