//! A look at a service as a picture: which revisions have how many tasks, and how the traffic is shared.

use crate::deploy::edit::short;
use crate::deploy::judge::Memory;
use crate::deploy::snapshot::{Deployment, Record, Snapshot};
use crate::report::Version;

/// What is deployed first, then what was there before and still has tasks.
pub fn versions(snapshot: &Snapshot, memory: &Memory, definition: &str) -> Vec<Version> {
    let is_ours = |deployment: &Deployment| match &memory.id {
        Some(id) => deployment.id == *id,
        None => deployment.task_definition == definition && deployment.status == "PRIMARY",
    };
    let shown = snapshot.service.deployments.iter().filter(|deployment| {
        deployment.status == "PRIMARY" || is_ours(deployment) || deployment.running + deployment.pending > 0
    });
    let traffic = snapshot.record.as_ref().and_then(|record| record.traffic);
    let mut versions: Vec<Version> = shown.map(|deployment| version(deployment, is_ours(deployment))).collect();
    versions.sort_by_key(|version| !version.new);
    share(&mut versions, traffic);
    versions
}

fn version(deployment: &Deployment, new: bool) -> Version {
    let Deployment { task_definition, desired, running, pending, failed, .. } = deployment;
    Version {
        revision: short(task_definition).to_owned(),
        new,
        desired: *desired,
        running: *running,
        pending: *pending,
        failed: *failed,
        traffic: None,
    }
}

/// What the new revision does not have is the old one's, where there is but one.
fn share(versions: &mut [Version], traffic: Option<f64>) {
    let Some(traffic) = traffic else { return };
    let (new, old): (Vec<_>, Vec<_>) = versions.iter_mut().partition(|version| version.new);
    new.into_iter().for_each(|version| version.traffic = Some(traffic));
    if let [old] = &mut old.into_iter().collect::<Vec<_>>()[..] {
        old.traffic = Some(100.0 - traffic);
    }
}

/// `…; web:8 has 25 % of the traffic`: said only where the traffic is shifted.
pub fn with_traffic(how: String, definition: &str, record: Option<&Record>) -> String {
    match record.and_then(|record| record.traffic) {
        Some(traffic) => format!("{how}; {} has {traffic} % of the traffic", short(definition)),
        None => how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::snapshot::Service;

    fn deployment(id: &str, status: &str, definition: &str, running: i64) -> Deployment {
        let (id, status, task_definition) = (id.to_owned(), status.to_owned(), definition.to_owned());
        Deployment { id, status, task_definition, desired: 2, running, ..Deployment::default() }
    }

    fn picture(deployments: &[Deployment], traffic: Option<f64>, id: Option<&str>) -> Vec<(String, bool, Option<f64>)> {
        let service = Service { deployments: deployments.to_vec(), ..Service::default() };
        let record = traffic.map(|traffic| Record { traffic: Some(traffic), ..Record::default() });
        let memory = Memory { id: id.map(str::to_owned), ..Memory::default() };
        let snapshot = Snapshot { service, record, record_expected: false };
        let versions = versions(&snapshot, &memory, "arn:x:task-definition/web:8");
        versions.into_iter().map(|version| (version.revision, version.new, version.traffic)).collect()
    }

    #[test]
    fn picture_knows_ours_by_its_id_even_when_another_leads() {
        let all = [
            deployment("b", "PRIMARY", "arn:x:task-definition/web:7", 2),
            deployment("a", "ACTIVE", "arn:x:task-definition/web:8", 0),
        ];
        assert_eq!(picture(&all, None, Some("a")), [("web:8".into(), true, None), ("web:7".into(), false, None)]);
        let forced = [
            deployment("b", "PRIMARY", "arn:x:task-definition/web:8", 0),
            deployment("a", "ACTIVE", "arn:x:task-definition/web:8", 2),
        ];
        assert_eq!(picture(&forced, None, Some("b"))[1], ("web:8".into(), false, None));
    }

    #[test]
    fn picture_shares_the_traffic_between_two() {
        let all = [
            deployment("a", "PRIMARY", "arn:x:task-definition/web:8", 2),
            deployment("b", "ACTIVE", "arn:x:task-definition/web:7", 2),
        ];
        assert_eq!(
            picture(&all, Some(25.0), None),
            [("web:8".into(), true, Some(25.0)), ("web:7".into(), false, Some(75.0))]
        );
    }

    #[test]
    fn picture_leaves_out_what_has_no_tasks() {
        let all = [
            deployment("a", "PRIMARY", "arn:x:task-definition/web:8", 0),
            deployment("b", "ACTIVE", "arn:x:task-definition/web:7", 0),
        ];
        assert_eq!(picture(&all, None, None).len(), 1);
    }
}
