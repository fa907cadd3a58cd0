//! What deserves a second look: revisions side by side, one tag that is two images, a deployment that came to nothing.

use serde::Serialize;

use super::read::{Deployment, Digest, Newest, State};

/// A word for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    pub kind: &'static str,
    pub text: String,
}

pub fn remarks(state: &State) -> Vec<Remark> {
    let counts = counts(state).into_iter();
    counts
        .chain(mixed(state))
        .chain(moved(state))
        .chain(failed(state))
        .chain(failing(state))
        .chain(ended(state))
        .chain(paused(state))
        .collect()
}

fn remark(kind: &'static str, text: String) -> Option<Remark> {
    Some(Remark { kind, text })
}

fn goes_on(state: &State) -> bool {
    let record = state.last_deployment.as_ref().is_some_and(Newest::is_under_way);
    record || state.deployments.iter().any(|one| one.rollout.as_deref() == Some("IN_PROGRESS"))
}

fn counts(state: &State) -> Option<Remark> {
    let State { desired, running, .. } = state;
    match () {
        () if state.status != "ACTIVE" => remark("inactive", format!("the service is {}", state.status)),
        () if *desired == 0 => remark("scaled-to-zero", "it is scaled to 0: nothing is wanted to run".into()),
        () if running < desired && !goes_on(state) => {
            remark("too-few-tasks", format!("{running} of {desired} tasks run, and no deployment is under way"))
        }
        () => None,
    }
}

fn mixed(state: &State) -> Option<Remark> {
    let running: Vec<&Deployment> = state.deployments.iter().filter(|one| one.running > 0).collect();
    let first = running.first()?;
    if running.iter().all(|one| one.revision == first.revision) {
        return None;
    }
    let shown: Vec<String> = running.iter().map(|one| format!("{} ({})", one.revision, one.running)).collect();
    let meanwhile = if goes_on(state) { ", while the deployment goes on" } else { "" };
    remark("mixed-revisions", format!("revisions run side by side: {}{meanwhile}", shown.join(", ")))
}

/// One name for several images, in one deployment or in two: a tag that moved meanwhile.
fn moved(state: &State) -> Vec<Remark> {
    let mut seen: Vec<(&str, &str, Vec<Digest>)> = Vec::new();
    for image in state.deployments.iter().flat_map(|one| &one.images) {
        match seen.iter_mut().find(|(container, name, _)| *container == image.container && *name == image.image) {
            Some((_, _, digests)) => image.running.iter().for_each(|one| one.add_to(digests)),
            None => seen.push((&image.container, &image.image, image.running.clone())),
        }
    }
    let several = seen.into_iter().filter(|(_, _, digests)| digests.len() > 1);
    several.filter_map(|(container, name, digests)| differs(container, name, &digests)).collect()
}

fn differs(container: &str, name: &str, digests: &[Digest]) -> Option<Remark> {
    let shown: Vec<String> = digests.iter().map(Digest::to_string).collect();
    remark("mixed-digests", format!("{container} is not the same image everywhere ({name}): {}", shown.join(", ")))
}

fn failed(state: &State) -> Option<Remark> {
    let failed = state.deployments.iter().find(|one| one.rollout.as_deref() == Some("FAILED"))?;
    let why = failed.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    remark("failed", format!("the deployment of {} failed{why}", failed.revision))
}

/// Tasks die and are started again, and the counts alone look like patience.
fn failing(state: &State) -> Option<Remark> {
    let one = state.deployments.iter().find(|one| one.failed > 0)?;
    let tasks = if one.failed == 1 { "1 task".to_owned() } else { format!("{} tasks", one.failed) };
    let why = state.last_failure.as_ref().map(|last| format!(", the last of them: {}", last.why)).unwrap_or_default();
    remark("failing-tasks", format!("{tasks} of {} failed{why}", one.revision))
}

/// How the last deployment came to nothing, if it did.
fn ended(state: &State) -> Option<Remark> {
    let newest = state.last_deployment.as_ref()?;
    let (kind, became) = match newest.status.as_str() {
        "ROLLBACK_SUCCESSFUL" => ("rolled-back", "was rolled back"),
        "ROLLBACK_IN_PROGRESS" | "ROLLBACK_REQUESTED" => ("rolling-back", "is being rolled back"),
        "ROLLBACK_FAILED" => ("rollback-failed", "failed, and so did its rollback"),
        "STOPPED" => ("stopped", "was stopped"),
        _ => return None,
    };
    let of = newest.revision.as_ref().map(|revision| format!(" (of {revision})")).unwrap_or_default();
    let why = newest.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    remark(kind, format!("the last deployment{of} {became}{why}"))
}

fn paused(state: &State) -> Option<Remark> {
    let newest = state.last_deployment.as_ref().filter(|newest| newest.paused)?;
    let at = newest.stage.as_ref().map(|stage| format!(" at {stage}")).unwrap_or_default();
    let answer = format!("dockless continue --cluster {} --service-name {}", state.cluster, state.service);
    remark("paused", format!("the deployment waits for an answer{at}: `{answer}`"))
}
