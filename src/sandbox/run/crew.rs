//! The containers of a task, from the first that starts to the last that is over: each that runs is looked after by a
//! piece of work of its own; they start as they need one another, and stop the other way round.

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::container::{Exit, Running};
use super::depend::{self, NEVER, Seen, Stage, Verdict};
use super::roots::Tree;
use super::spec::Container;

/// A container, its image, and how far it has come.
pub struct Member {
    pub container: Container,
    pub tree: Tree,
    pub state: State,
}

pub enum State {
    Waiting,
    Running(Post),
    Over(Exit),
    /// What it waited for can never come about.
    Never(String),
}

/// A container that runs, and the line to whoever looks after it.
pub struct Post {
    since: SystemTime,
    healthy: bool,
    signals: mpsc::UnboundedSender<u8>,
    /// When it was asked to stop, and how that is going.
    stopping: Option<Stopping>,
}

#[derive(Clone, Copy)]
enum Stopping {
    Until(SystemTime),
    Killed,
}

pub struct Crew {
    pub members: Vec<Member>,
    told: mpsc::UnboundedSender<(usize, Exit)>,
    exits: mpsc::UnboundedReceiver<(usize, Exit)>,
}

const SIGKILL: u8 = 9;

impl Crew {
    pub fn new(ready: Vec<(Container, Tree)>) -> Self {
        let (told, exits) = mpsc::unbounded_channel();
        let member = |(container, tree)| Member { container, tree, state: State::Waiting };
        Crew { members: ready.into_iter().map(member).collect(), told, exits }
    }

    pub fn is_over(&self) -> bool {
        self.members.iter().all(|member| matches!(member.state, State::Over(_) | State::Never(_)))
    }

    /// Everybody has had a turn.
    pub fn is_complete(&self) -> bool {
        !self.members.iter().any(|member| matches!(member.state, State::Waiting))
    }

    /// The next container that may start, or that never will.
    pub fn next(&self, now: SystemTime) -> Option<(usize, Verdict)> {
        let all: Vec<Seen> = self.members.iter().map(|member| member.seen(now)).collect();
        let waiting = self.members.iter().enumerate().filter(|(_, member)| matches!(member.state, State::Waiting));
        let judged =
            waiting.map(|(at, member)| (at, depend::judge(&member.container.name, &member.container.needs, &all)));
        judged.into_iter().find(|(_, verdict)| *verdict != Verdict::Wait)
    }

    /// When somebody's time to fulfil what others wait for will be over.
    pub fn deadline(&self, now: SystemTime) -> Option<SystemTime> {
        let running = self.members.iter().filter_map(|member| Some((member, member.post()?)));
        let ends = running.filter_map(|(member, post)| Some(post.since + member.container.start_timeout?));
        ends.filter(|end| *end > now).min()
    }

    pub fn join(&mut self, at: usize, running: Running, now: SystemTime) {
        let (signals, orders) = mpsc::unbounded_channel();
        let post = Post { since: now, healthy: false, signals, stopping: None };
        self.members[at].state = State::Running(post);
        tokio::spawn(look_after(running, at, self.told.clone(), orders));
    }

    pub fn note_health(&mut self, at: usize, healthy: bool) {
        if let State::Running(post) = &mut self.members[at].state {
            post.healthy = healthy;
        }
    }

    /// The next container that is over.
    pub async fn exit(&mut self) -> usize {
        match self.exits.recv().await {
            Some((at, exit)) => {
                self.members[at].state = State::Over(exit);
                at
            }
            None => std::future::pending().await,
        }
    }

    /// Asks those to stop that nobody needs any more, and insists where that has taken too long. Says when to look again.
    pub fn wind_down(&mut self, now: SystemTime) -> Option<SystemTime> {
        let needed: Vec<String> =
            self.members.iter().filter(|member| member.post().is_some()).flat_map(Member::needs).collect();
        for member in &mut self.members {
            let (number, patience) = (member.container.stop_signal, member.container.stop_timeout);
            let State::Running(post) = &mut member.state else { continue };
            match post.stopping {
                None if needed.contains(&member.container.name) => {}
                None => {
                    post.signal(number);
                    post.stopping = Some(Stopping::Until(now + patience));
                }
                Some(Stopping::Until(end)) if end <= now => {
                    post.signal(SIGKILL);
                    post.stopping = Some(Stopping::Killed);
                }
                Some(_) => {}
            }
        }
        let ends = self.members.iter().filter_map(|member| match member.post()?.stopping? {
            Stopping::Until(end) => Some(end),
            Stopping::Killed => None,
        });
        ends.min()
    }

    /// Kills whoever runs, and waits until all are over.
    pub async fn kill(&mut self) {
        self.members.iter().filter_map(Member::post).for_each(|post| post.signal(SIGKILL));
        while self.members.iter().any(|member| member.post().is_some()) {
            self.exit().await;
        }
    }
}

impl Member {
    pub fn post(&self) -> Option<&Post> {
        match &self.state {
            State::Running(post) => Some(post),
            _ => None,
        }
    }

    fn needs(&self) -> Vec<String> {
        self.container.needs.iter().map(|need| need.on.clone()).collect()
    }

    fn seen(&self, now: SystemTime) -> Seen<'_> {
        let stage = match &self.state {
            State::Waiting => Stage::Waiting,
            State::Running(post) => Stage::Running { age: age(post.since, now), healthy: post.healthy },
            State::Over(exit) => Stage::Over { code: exit.code },
            State::Never(_) => Stage::Over { code: NEVER },
        };
        Seen { name: &self.container.name, start_timeout: self.container.start_timeout, stage }
    }
}

impl Post {
    fn signal(&self, number: u8) {
        // Over in this moment, otherwise somebody listens.
        let _ = self.signals.send(number);
    }
}

fn age(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}

/// Until the container is over and its keeper gone; if nobody gives orders any more, that is now.
async fn look_after(
    mut running: Running,
    at: usize,
    told: mpsc::UnboundedSender<(usize, Exit)>,
    mut orders: mpsc::UnboundedReceiver<u8>,
) {
    let exit = loop {
        tokio::select! {
            exit = running.ended() => break exit,
            signal = orders.recv() => match signal {
                Some(signal) => running.signal(signal).await,
                None => break Exit::KILLED,
            },
        }
    };
    running.close().await;
    let _ = told.send((at, exit));
}
