//! AllowTraffic and what follows: shares of the traffic go over one after the other, the new set becomes the primary
//! one, and the old one goes.

use serde_json::json;

use super::advance::Work;
use super::install::updating;
use crate::sandbox::codedeploy::config::Shift;
use crate::sandbox::codedeploy::deployment::Deployment;
use crate::sandbox::ecs::{Now, Plane};

impl Deployment {
    pub(super) fn shift(&mut self, now: Now, ecs: &mut Plane) -> Work {
        while self.share < 100.0 {
            if let Some(next) = self.next_share.filter(|next| *next > now) {
                return Work::Waits(Some(next));
            }
            let (share, minutes) = Shift::named(&self.config).unwrap_or(Shift::AllAtOnce).next(self.share);
            self.share = share;
            self.next_share = Some(now.after(minutes * ecs.pace().minute));
            self.updated = now;
            self.tell_traffic(now, ecs);
        }
        match ecs.call("UpdateServicePrimaryTaskSet", self.about("primaryTaskSet", &json!(self.green), false), now) {
            Ok(_) => Work::Done,
            Err(why) => updating(&why.message, why.code),
        }
    }

    pub(super) fn tell_traffic(&self, now: Now, ecs: &mut Plane) {
        let shares = [(self.blue.as_deref(), 100.0 - self.share), (self.green.as_deref(), self.share)];
        let known: Vec<(&str, f64)> = shares.into_iter().filter_map(|(id, share)| Some((id?, share))).collect();
        ecs.shift_traffic(&self.cluster, &self.service, &known, now);
    }

    /// One that is gone already is fine.
    pub(super) fn terminate(&mut self, now: Now, ecs: &mut Plane) -> Work {
        if let Some(blue) = &self.blue {
            let _ = ecs.call("DeleteTaskSet", self.about("taskSet", &json!(blue), true), now);
        }
        Work::Done
    }
}
