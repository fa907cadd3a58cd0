//! The containers of a task that is up: each looked after by a piece of work of its own, signalled together and
//! awaited together.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::container::Running;
use super::network::Network;
use super::spec::Container;

/// A container and the line to whoever looks after it.
pub struct Member {
    pub container: Container,
    pub pid: u32,
    pub signals: mpsc::UnboundedSender<u8>,
    pub code: Option<i32>,
}

/// The containers of a task that is up.
pub struct Crew {
    pub members: Vec<Member>,
    pub exits: mpsc::UnboundedReceiver<(usize, i32)>,
    pub network: Arc<Network>,
}

impl Crew {
    pub fn join(&mut self, container: Container, running: Running, told: mpsc::UnboundedSender<(usize, i32)>) {
        let (signals, orders) = mpsc::unbounded_channel();
        self.members.push(Member { container, pid: running.pid(), signals, code: None });
        tokio::spawn(look_after(running, self.members.len() - 1, told, orders));
    }

    pub fn is_over(&self) -> bool {
        self.members.iter().all(|member| member.code.is_some())
    }

    /// Signals those that still run.
    pub fn signal(&self, number: impl Fn(&Container) -> u8) {
        for member in self.members.iter().filter(|member| member.code.is_none()) {
            // Over in this moment, otherwise somebody listens.
            let _ = member.signals.send(number(&member.container));
        }
    }

    pub async fn ended(&mut self) {
        while !self.is_over() {
            let Some((place, code)) = self.exits.recv().await else { return };
            self.members[place].code = Some(code);
        }
    }
}

/// Until the container is over and its keeper gone; if nobody gives orders any more, that is now.
async fn look_after(
    mut running: Running,
    place: usize,
    told: mpsc::UnboundedSender<(usize, i32)>,
    mut orders: mpsc::UnboundedReceiver<u8>,
) {
    let code = loop {
        tokio::select! {
            code = running.ended() => break code,
            signal = orders.recv() => match signal {
                Some(signal) => running.signal(signal).await,
                None => break 137,
            },
        }
    };
    running.close().await;
    let _ = told.send((place, code));
}
