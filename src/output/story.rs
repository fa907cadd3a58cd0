//! What of the rollouts under watch is worth a line in a log: a change, once; and after a silent minute a sign of life,
//! since CI systems take silence for a hang (CircleCI ends a step after ten minutes without output).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::report::{Event, Rollout, gist};

/// How long a log may be silent.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Story {
    /// By service, those whose end is not known yet.
    open: BTreeMap<String, Watched>,
    told: Option<SystemTime>,
}

#[derive(Debug)]
struct Watched {
    rollout: Rollout,
    seen: SystemTime,
    /// The last thing that happened.
    remark: String,
    /// What went wrong, whichever task it went wrong with.
    troubles: BTreeSet<String>,
}

impl Story {
    /// Takes note; answers whether it is news.
    pub fn is_news(&mut self, event: &Event, now: SystemTime) -> bool {
        match event {
            Event::Rollout(rollout) => self.has_moved(rollout, now),
            Event::Remark { service, text, trouble, .. } => match self.open.get_mut(service) {
                Some(watched) if *trouble => watched.troubles.insert(gist(text)),
                Some(watched) => std::mem::replace(&mut watched.remark, text.clone()) != *text,
                None => true,
            },
            Event::Verdict { service, .. } => {
                self.open.remove(service);
                true
            }
            _ => true,
        }
    }

    fn has_moved(&mut self, rollout: &Rollout, now: SystemTime) -> bool {
        let before = self.open.remove(&rollout.service);
        let said = before.as_ref().is_some_and(|watched| watched.rollout.text == rollout.text);
        let (remark, troubles) = before.map(|watched| (watched.remark, watched.troubles)).unwrap_or_default();
        let watched = Watched { rollout: rollout.clone(), seen: now, remark, troubles };
        self.open.insert(rollout.service.clone(), watched);
        !said && !rollout.text.is_empty()
    }

    /// Whether anything is still watched.
    pub fn goes_on(&self) -> bool {
        !self.open.is_empty()
    }

    /// Something was written.
    pub fn wrote(&mut self, now: SystemTime) {
        self.told = Some(now);
    }

    /// What to say into a silence that has lasted too long: how it stands, of all that go on.
    pub fn sign_of_life(&self, now: SystemTime) -> Vec<Rollout> {
        let silent = self.told.and_then(|told| now.duration_since(told).ok()).is_some_and(|silent| silent >= SILENCE);
        let open = self.open.values().filter(|_| silent);
        let aged = open.map(|watched| {
            let since = now.duration_since(watched.seen).unwrap_or_default();
            Rollout { elapsed: watched.rollout.elapsed + since, ..watched.rollout.clone() }
        });
        aged.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{remark, rollout, verdict};
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn story_tells_a_change_once() {
        let mut story = Story::default();
        let news = [rollout("web", 0, "0 of 2"), rollout("web", 1, "0 of 2"), rollout("web", 2, "1 of 2")]
            .map(|event| story.is_news(&event, at(0)));
        assert_eq!(news, [true, false, true]);
        assert!(story.is_news(&rollout("api", 2, "1 of 2"), at(0)), "another service's");
        let again = [remark("web", 3, "a"), remark("web", 4, "a"), remark("web", 5, "b"), remark("web", 5, "a")]
            .map(|event| story.is_news(&event, at(0)));
        assert_eq!(again, [true, false, true, true]);
    }

    #[test]
    fn story_tells_a_trouble_once_whichever_task_has_it() {
        let mut story = Story::default();
        story.is_news(&rollout("web", 0, "0 of 2"), at(0));
        let mut unhealthy = |task: &str, count: &str| {
            let mut event = remark("web", 3, &format!("(task {task}) is unhealthy"));
            if let Event::Remark { trouble, .. } = &mut event {
                *trouble = true;
            }
            story.is_news(&rollout("web", 1, count), at(0));
            story.is_news(&event, at(0))
        };
        assert_eq!(
            [unhealthy("a1", "0 of 2"), unhealthy("b2", "1 of 2"), unhealthy("c3", "0 of 2")],
            [true, false, false]
        );
    }

    #[test]
    fn story_goes_on_until_the_last_verdict() {
        let mut story = Story::default();
        for service in ["web", "api"] {
            story.is_news(&rollout(service, 0, "0 of 2"), at(0));
        }
        story.wrote(at(0));
        assert!(story.is_news(&verdict("web", 5), at(5)) && story.goes_on());
        assert!(story.is_news(&verdict("api", 6), at(6)) && !story.goes_on());
        assert!(story.sign_of_life(at(1000)).is_empty());
    }

    #[test]
    fn story_gives_a_sign_of_life_after_a_silent_minute() {
        let mut story = Story::default();
        assert!(story.sign_of_life(at(100)).is_empty());
        story.is_news(&rollout("web", 7, "0 of 2"), at(0));
        story.wrote(at(0));
        assert!(story.sign_of_life(at(59)).is_empty());
        let [life] = &story.sign_of_life(at(60))[..] else { panic!("one wanted") };
        assert_eq!((life.elapsed.as_secs(), life.text.as_str()), (67, "0 of 2"));
        story.wrote(at(60));
        assert!(story.sign_of_life(at(119)).is_empty());
    }
}
