//! A task as DescribeTasks shows it. What has not happened yet is absent, the exit code of a container that
//! never started above all.

use serde_json::{Value, json};

use super::{Container, Health, Interface, Status, Task};
use crate::sandbox::ecs::input::Object;
use crate::sandbox::ecs::time::Now;

impl Health {
    pub fn word(self) -> &'static str {
        match self {
            Health::Unknown => "UNKNOWN",
            Health::Healthy => "HEALTHY",
            Health::Unhealthy => "UNHEALTHY",
        }
    }
}

impl Task {
    pub fn show(&self, tags: bool) -> Value {
        let mut shown = json!({
            "attachments": self.interface.iter().map(|interface| self.show_interface(interface)).collect::<Vec<_>>(),
            "clusterArn": self.cluster_arn(),
            "containers": self.containers.iter().map(|container| self.show_container(container)).collect::<Vec<_>>(),
            "createdAt": self.times.created.stamp(),
            "desiredStatus": if self.is_wanted() { "RUNNING" } else { "STOPPED" },
            "group": self.group,
            "healthStatus": self.health().word(),
            "lastStatus": self.status.word(),
            "tags": if tags { self.tags.clone() } else { Vec::new() },
            "taskArn": self.arn,
            "taskDefinitionArn": self.definition,
            "version": self.version,
        });
        let Some(members) = shown.as_object_mut() else { return shown };
        members.extend(self.members.as_object().cloned().unwrap_or_default());
        self.show_course(members);
        shown
    }

    fn show_course(&self, members: &mut Object) {
        let times = &self.times;
        let moments: [(&str, Option<Now>); 7] = [
            ("connectivityAt", times.connected),
            ("pullStartedAt", times.pull_started),
            ("pullStoppedAt", times.pull_stopped),
            ("startedAt", times.started),
            ("stoppingAt", times.stopping),
            ("executionStoppedAt", times.execution_stopped),
            ("stoppedAt", times.stopped),
        ];
        let told = moments.into_iter().filter_map(|(member, at)| Some((member.to_owned(), at?.stamp())));
        members.extend(told);
        let mut add = |member: &str, value: Option<&str>| {
            value.map(|value| members.insert(member.into(), json!(value)));
        };
        add("startedBy", self.started_by.as_deref());
        add("connectivity", times.connected.map(|_| "CONNECTED"));
        add("stopCode", self.stop.as_ref().map(|stop| stop.code.as_str()));
        add("stoppedReason", self.stop.as_ref().map(|stop| stop.reason.as_str()));
    }

    fn cluster_arn(&self) -> String {
        let owner = self.arn.split(":task/").next().unwrap_or_default();
        format!("{owner}:cluster/{}", self.cluster)
    }

    fn show_interface(&self, interface: &Interface) -> Value {
        let state = match self.status {
            Status::Provisioning => "PRECREATED",
            Status::Deprovisioning | Status::Stopped => "DELETED",
            _ => "ATTACHED",
        };
        json!({
            "id": interface.attachment,
            "type": "ElasticNetworkInterface",
            "status": state,
            "details": [
                { "name": "subnetId", "value": interface.subnet },
                { "name": "networkInterfaceId", "value": interface.id },
                { "name": "privateIPv4Address", "value": interface.address },
            ],
        })
    }

    fn show_container(&self, container: &Container) -> Value {
        let interfaces: Vec<Value> = self
            .interface
            .iter()
            .map(|interface| json!({ "attachmentId": interface.attachment, "privateIpv4Address": interface.address }))
            .collect();
        let mut shown = json!({
            "containerArn": container.arn,
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": container.status.word(),
            "networkInterfaces": interfaces,
            "healthStatus": container.health.word(),
            "cpu": container.cpu,
        });
        let pulled = self.times.pull_stopped.is_some();
        let told = [
            ("imageDigest", container.digest.as_ref().filter(|_| pulled)),
            ("runtimeId", container.runtime.as_ref().filter(|_| pulled)),
            ("memory", container.memory.as_ref()),
            ("memoryReservation", container.reservation.as_ref()),
            ("reason", container.reason.as_ref()),
        ];
        for (member, value) in told.into_iter().filter_map(|(member, value)| Some((member, value?))) {
            shown[member] = json!(value);
        }
        if let Some(code) = container.exit_code {
            shown["exitCode"] = json!(code);
        }
        shown
    }
}
