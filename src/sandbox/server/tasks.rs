//! Between the plane and the tasks that really run: what the plane wants is brought about, what happens to tasks is
//! told to the plane. The images come from the sandbox's own registry, with a login of its own.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::site::Site;
use crate::clock::Clock;
use crate::registry::{self, Client, CredentialSource, Credentials};
use crate::report::Events;
use crate::sandbox::options::RunTasks;
use crate::sandbox::run::{self, Report, Reports, Runner, TargetCheck};
use crate::sandbox::{Error, Home, Pace};

pub struct Tasks {
    runner: Runner,
    reports: Reports,
}

impl Tasks {
    /// Refuses, with the reason, where the machine does not permit it.
    pub async fn open(
        wanted: RunTasks,
        home: &Home,
        pace: Pace,
        site: &Arc<Site>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let login = Arc::new(Login(site.clone()));
        let client = Client::new(registry::Options::default(), login, clock.clone(), Events::none())?;
        let options = run::Options {
            dir: home.tasks(),
            program: wanted.program,
            host_network: wanted.host_network,
            hurry: pace == Pace::Fast,
            target_check: TargetCheck::default(),
            secrets: wanted.secrets,
        };
        let (runner, reports) = Runner::open(options, Arc::new(client), clock).await?;
        Ok(Tasks { runner, reports })
    }

    /// What containers get on this machine, in words.
    pub fn ground(&self) -> String {
        self.runner.ground().to_string()
    }

    /// Brings about what the plane wants now.
    pub fn follow(&self, site: &Site) {
        let plane = site.plane();
        let wants = plane.wants();
        site.follow_logs(&wants, |want, container| self.runner.log(&want.task_arn, container));
        // What cannot be brought about now is tried again after the next change.
        let _ = self.runner.follow(&wants, |group| plane.targets(group));
    }

    /// What happened to a task; nothing ever, once the runner is gone.
    pub async fn report(&mut self) -> Report {
        match self.reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    pub async fn close(self) {
        self.runner.close().await;
    }
}

/// Knows the password of this sandbox's registry, and no other's.
struct Login(Arc<Site>);

impl CredentialSource for Login {
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
        _: bool,
    ) -> BoxFuture<'a, Result<Option<Credentials>, registry::Error>> {
        let own = registry == format!("127.0.0.1:{}", self.0.port);
        let credentials = own.then(|| {
            let principal = format!("arn:aws:iam::{}:root", self.0.account);
            let (password, _) = self.0.store().catalog().mint.password(&principal, self.0.now());
            Credentials { username: "AWS".into(), password: password.into() }
        });
        Box::pin(async move { Ok(credentials) })
    }
}
