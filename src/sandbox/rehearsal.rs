//! A sandbox that lasts as long as a command. The command decides how it ends: a signal that comes here is for it and
//! all its children, and the sandbox is taken down in order once it is over, however that came about.

use std::ffi::OsString;
use std::fs::File;
use std::future::poll_fn;
use std::process::ExitStatus;
use std::task::Poll;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process, kill_process_group, set_parent_process_death_signal};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

use super::{Error, Running, Server};
use crate::clock::Clock;

/// A command to run in a sandbox's environment.
#[derive(Debug)]
pub struct Rehearsal {
    pub command: Vec<OsString>,
    /// Hosts that it reaches without a proxy already.
    pub unproxied: String,
    /// It is ended when it takes longer.
    pub limit: Option<Duration>,
}

/// How it ended.
#[derive(Debug)]
pub enum Conclusion {
    Command(ExitStatus),
    OutOfTime(Duration),
}

/// How long a command may take to end once its time is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves while the command runs, and says how it ended. Afterwards nothing of the sandbox runs any more.
pub async fn rehearse(server: Server, rehearsal: Rehearsal, clock: &Clock) -> Result<Conclusion, Error> {
    // First, so that no signal finds this process without ears.
    let mut arrivals = Signals::listen();
    let program = rehearsal.command.first().expect("a command has a program");
    let mut group = Group::start(server.running(), &rehearsal).map_err(Error::command(program))?;
    let stop = server.stopper();
    let mut serving = std::pin::pin!(server.run());
    let mut end = std::pin::pin!(group.end(&mut arrivals, rehearsal.limit, clock));
    let end = tokio::select! {
        end = &mut end => {
            stop();
            serving.await;
            end
        }
        // A command may stop its own sandbox; it still decides how this ends.
        () = &mut serving => end.await,
    };
    end.map_err(Error::command(program))
}

/// The command and its children.
struct Group {
    leader: Child,
    id: Option<Pid>,
    /// They are a process group of their own. At a terminal they stay in ours, which is the one that the terminal
    /// talks to: its interrupts, stops and hang-ups reach them as they would without a sandbox.
    own: bool,
}

impl Group {
    fn start(running: &Running, rehearsal: &Rehearsal) -> std::io::Result<Self> {
        let own = !is_before_a_terminal();
        let mut command = Command::new(&rehearsal.command[0]);
        command.args(&rehearsal.command[1..]).envs(running.variables(&rehearsal.unproxied)).kill_on_drop(true);
        for name in Running::unset() {
            command.env_remove(name);
        }
        if own {
            command.process_group(0);
        }
        // Killed itself, this process can pass nothing on: a job whose sandbox is gone does not go on without it. The
        // thread that the kernel counts as the parent is the one that lasts as long as the run.
        // SAFETY: a system call alone, which is sound between fork and exec.
        unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
        let leader = command.spawn()?;
        let id = leader.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Group { leader, id, own })
    }

    async fn end(
        &mut self,
        arrivals: &mut Signals,
        limit: Option<Duration>,
        clock: &Clock,
    ) -> std::io::Result<Conclusion> {
        let mut late = std::pin::pin!(async {
            match limit {
                Some(limit) => {
                    clock.sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        });
        loop {
            tokio::select! {
                status = self.leader.wait() => return Ok(Conclusion::Command(status?)),
                arrived = arrivals.next() => self.pass(arrived),
                limit = &mut late => {
                    self.cut_short(clock).await?;
                    return Ok(Conclusion::OutOfTime(limit));
                }
            }
        }
    }

    async fn cut_short(&mut self, clock: &Clock) -> std::io::Result<()> {
        self.signal(Signal::TERM);
        tokio::select! {
            _ = self.leader.wait() => {}
            () = clock.sleep(PATIENCE) => {}
        }
        self.signal(Signal::KILL);
        self.leader.wait().await.map(drop)
    }

    /// What a terminal sends, it sends to the command as well.
    fn pass(&self, arrived: Signal) {
        if self.own || !matches!(arrived, Signal::INT | Signal::QUIT) {
            self.signal(arrived);
        }
    }

    fn signal(&self, signal: Signal) {
        // Over in this moment, then.
        let _ = match (self.id, self.own) {
            (Some(id), true) => kill_process_group(id, signal),
            (Some(id), false) => kill_process(id, signal),
            (None, _) => Ok(()),
        };
    }
}

/// Whether the terminal's keys are for the group that this process is in.
fn is_before_a_terminal() -> bool {
    File::open("/dev/tty").ok().and_then(|terminal| tcgetpgrp(terminal).ok()) == Some(getpgrp())
}

/// Signals that ask a program to end.
struct Signals(Vec<(Signal, Arrivals)>);

impl Signals {
    fn listen() -> Self {
        let kinds = [
            (Signal::INT, SignalKind::interrupt()),
            (Signal::TERM, SignalKind::terminate()),
            (Signal::HUP, SignalKind::hangup()),
            (Signal::QUIT, SignalKind::quit()),
        ];
        Signals(kinds.into_iter().filter_map(|(name, kind)| Some((name, signal(kind).ok()?))).collect())
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let arrived =
                self.0.iter_mut().find_map(|(name, arrivals)| arrivals.poll_recv(context).is_ready().then_some(*name));
            arrived.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
