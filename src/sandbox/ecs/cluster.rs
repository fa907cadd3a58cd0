//! Clusters. `default`, which is meant wherever a request names none, is there from the start, as pipelines never
//! make their clusters; it can be deleted like any other. A deleted cluster stays visible as INACTIVE.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plane;
use super::arn::short;
use super::error::{ApiError, client, invalid, no_cluster};
use super::input::{Object, includes, text, texts};
use super::page::{Limit, page};
use super::tag;

const PAGE: Limit = Limit { usual: 100, most: 100 };

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    pub active: bool,
    pub tags: Vec<Value>,
    /// Members as they were sent: settings, configuration, capacityProviders, …
    pub members: Object,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster { active: true, tags: Vec::new(), members: Object::new() }
    }
}

impl Plane {
    pub(super) fn create_cluster(&mut self, body: Value) -> Result<Value, ApiError> {
        let name = text(&body, "clusterName")?.unwrap_or("default").to_owned();
        check_name(&name)?;
        let tags = tag::read(&body)?;
        let Value::Object(mut members) = body else { return Err(invalid("The request must be an object.")) };
        for own in ["clusterName", "tags"] {
            members.shift_remove(own);
        }
        // Creating what exists answers with what is there.
        if self.world.clusters.get(&name).is_none_or(|cluster| !cluster.active) {
            self.world.clusters.insert(name.clone(), Cluster { active: true, tags, members });
        }
        Ok(json!({ "cluster": self.show_cluster(&name, true, true) }))
    }

    pub(super) fn describe_clusters(&self, body: &Value) -> Result<Value, ApiError> {
        let mut names = texts(body, "clusters")?;
        if names.is_empty() {
            names.push("default");
        }
        if names.len() > 100 {
            return Err(invalid("Clusters cannot have more than 100 elements."));
        }
        let (tags, statistics) = (includes(body, "TAGS")?, includes(body, "STATISTICS")?);
        let (mut clusters, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let name = short(name, "cluster")?;
            match self.world.clusters.contains_key(name) {
                true => clusters.push(self.show_cluster(name, tags, statistics)),
                false => failures.push(json!({ "arn": self.world.owner.cluster(name), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "clusters": clusters, "failures": failures }))
    }

    pub(super) fn list_clusters(&self, body: &Value) -> Result<Value, ApiError> {
        let active = self.world.clusters.iter().filter(|(_, cluster)| cluster.active);
        page(body, "clusterArns", active.map(|(name, _)| self.world.owner.cluster(name)), PAGE)
    }

    pub(super) fn delete_cluster(&mut self, body: &Value) -> Result<Value, ApiError> {
        let name = self.cluster_of(body)?;
        let refuse = |code, message: &str| Err(ApiError::new(code, message));
        if self.services.iter().any(|(key, service)| key.cluster == name && service.is_active()) {
            return refuse(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            );
        }
        if self.tasks.values().any(|task| task.cluster == name && task.is_live()) {
            return refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.");
        }
        if let Some(cluster) = self.world.clusters.get_mut(&name) {
            cluster.active = false;
        }
        Ok(json!({ "cluster": self.show_cluster(&name, true, true) }))
    }

    /// The short name of the request's cluster, which must be there; `default` if none is named.
    pub(super) fn cluster_of(&self, body: &Value) -> Result<String, ApiError> {
        let name = short(text(body, "cluster")?.filter(|name| !name.is_empty()).unwrap_or("default"), "cluster")?;
        match self.world.clusters.get(name) {
            Some(cluster) if cluster.active => Ok(name.to_owned()),
            Some(_) => Err(client("The referenced cluster was inactive.")),
            None => Err(no_cluster()),
        }
    }

    fn show_cluster(&self, name: &str, tags: bool, statistics: bool) -> Value {
        let Some(cluster) = self.world.clusters.get(name) else { return Value::Null };
        let (running, pending) = self.count_tasks(name);
        let services = self.services.iter().filter(|(key, service)| key.cluster == name && service.is_active()).count();
        let mut shown = json!({
            "clusterArn": self.world.owner.cluster(name),
            "clusterName": name,
            "status": if cluster.active { "ACTIVE" } else { "INACTIVE" },
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": running,
            "pendingTasksCount": pending,
            "activeServicesCount": services,
            "statistics": [],
            "tags": if tags { cluster.tags.clone() } else { Vec::new() },
            "settings": [],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        });
        if statistics {
            shown["statistics"] = json!([
                { "name": "runningFargateTasksCount", "value": running.to_string() },
                { "name": "pendingFargateTasksCount", "value": pending.to_string() },
                { "name": "activeServiceCount", "value": services.to_string() },
            ]);
        }
        let members = cluster.members.iter().map(|(member, value)| (member.clone(), value.clone()));
        shown.as_object_mut().into_iter().for_each(|shown| shown.extend(members.clone()));
        shown
    }

    fn count_tasks(&self, cluster: &str) -> (usize, usize) {
        let live = self.tasks.values().filter(|task| task.cluster == cluster && task.is_live());
        let (running, other): (Vec<_>, Vec<_>) = live.partition(|task| task.is_running());
        (running.len(), other.iter().filter(|task| task.is_pending()).count())
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    match plain && !name.is_empty() && name.len() <= 255 {
        true => Ok(()),
        false => Err(invalid("Identifier can only contain letters, numbers, underscores, and hyphens.")), // our wording
    }
}
