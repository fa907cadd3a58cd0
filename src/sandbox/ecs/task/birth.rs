//! A task as it comes into being: its definition, whoever started it and the fate that the rules give it.

use serde_json::{Value, json};

use super::{Container, Health, Interface, Noted, Status, Step, Target, Task, Times};
use crate::sandbox::ecs::World;
use crate::sandbox::ecs::definition::Definition;
use crate::sandbox::ecs::deployment::Image;
use crate::sandbox::ecs::fate::{self, Fate, Lot, Start};
use crate::sandbox::ecs::time::Now;
use crate::sandbox::ecs::timers::ServiceKey;

/// What a task is started with.
pub struct Birth<'a> {
    pub cluster: &'a str,
    pub definition: &'a Definition,
    pub group: String,
    pub started_by: Option<String>,
    pub service: Option<ServiceKey>,
    /// The request or the service's revision: launchType, networkConfiguration, overrides, …
    pub settings: &'a Value,
    pub tags: Vec<Value>,
    /// Digests that its deployment has settled on, by container.
    pub pinned: &'a [Image],
    /// It is a target of a load balancer.
    pub balanced: bool,
    pub grace: f64,
}

impl World {
    /// The task in PROVISIONING, or the reason why it cannot be placed.
    pub fn bear(&mut self, birth: Birth, now: Now) -> Result<Task, String> {
        let images: Vec<(String, String)> = birth.definition.containers().iter().map(name_and_image).collect();
        let Lot { fate, victim, log } = self.fate_of(&birth, &images);
        if let Fate::NoCapacity { reason } = &fate {
            let usual =
                "Capacity is unavailable at this time. Please try again later or in a different availability zone";
            return Err(reason.clone().unwrap_or_else(|| usual.to_owned()));
        }
        let id = self.ids.hex();
        let arn = self.owner.task(birth.cluster, &id);
        let containers: Vec<Container> =
            birth.definition.containers().iter().map(|container| self.container(container, &birth, &id)).collect();
        let victim = victim.or_else(|| containers.iter().position(|container| container.essential)).unwrap_or(0);
        let due = vec![(now.after(self.pace.provisioning), Step::Pull)];
        let task = Task {
            interface: self.interface(&birth),
            members: members(&birth, &self.owner.region),
            cluster: birth.cluster.to_owned(),
            definition: birth.definition.arn().to_owned(),
            family: birth.definition.family().to_owned(),
            group: birth.group,
            started_by: birth.started_by,
            service: birth.service,
            tags: birth.tags,
            target: if birth.balanced { Target::Initial } else { Target::None },
            times: Times { created: now, ..Times::default() },
            grace: birth.grace,
            status: Status::Provisioning,
            stop: None,
            ready: false,
            noted: Noted::default(),
            version: 1,
            id,
            arn,
            containers,
            fate,
            victim,
            log,
            due,
        };
        self.warn_of(&task);
        Ok(task)
    }

    fn fate_of(&mut self, birth: &Birth, containers: &[(String, String)]) -> Lot {
        let start = Start {
            cluster: birth.cluster,
            service: birth.service.as_ref().map(|key| key.name.as_str()),
            family: birth.definition.family(),
            revision: birth.definition.revision(),
            containers,
        };
        let usual = match (&self.usual_fate, &birth.service) {
            (Some(fate), _) => fate.clone(),
            (None, Some(_)) => Fate::Healthy,
            (None, None) => Fate::ExitCode { code: 0, after: self.pace.job },
        };
        let usual = Lot { fate: usual, victim: None, log: Vec::new() };
        fate::choose(&mut self.fates, &start).unwrap_or(usual)
    }

    fn container(&mut self, definition: &Value, birth: &Birth, task: &str) -> Container {
        let (name, image) = name_and_image(definition);
        let size = |member: &str| definition[member].as_i64().map(|size| size.to_string());
        let consistent = definition["versionConsistency"] != "disabled";
        let pinned = birth.pinned.iter().find(|pinned| consistent && pinned.container == name);
        Container {
            arn: self.owner.of("ecs", &format!("container/{}/{task}/{}", birth.cluster, self.ids.uuid())),
            digest: pinned.and_then(|pinned| pinned.digest.clone()),
            runtime: Some(format!("{task}-{}", self.ids.digits())),
            essential: definition["essential"] != false,
            checked: definition.get("healthCheck").is_some(),
            status: Status::Pending,
            health: Health::Unknown,
            exit_code: None,
            reason: None,
            cpu: size("cpu").unwrap_or_else(|| "0".into()),
            memory: size("memory"),
            reservation: size("memoryReservation"),
            name,
            image,
        }
    }

    fn interface(&mut self, birth: &Birth) -> Option<Interface> {
        let subnets = &birth.settings["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
        birth.definition.is_awsvpc().then(|| Interface {
            attachment: self.ids.uuid(),
            id: format!("eni-{}", self.ids.short_hex()),
            address: self.ids.address(),
            subnet: subnets[0].as_str().unwrap_or("subnet-00000000").to_owned(),
        })
    }
}

fn name_and_image(container: &Value) -> (String, String) {
    let text = |member: &str| container[member].as_str().unwrap_or_default().to_owned();
    (text("name"), text("image"))
}

/// What DescribeTasks shows as it was given or as it follows from that.
fn members(birth: &Birth, region: &str) -> Value {
    let (settings, document) = (birth.settings, &birth.definition.document);
    let overrides = settings.get("overrides").cloned().unwrap_or_else(|| json!({}));
    let size = |member: &str| overrides.get(member).or(document.get(member)).cloned();
    let mut members = json!({
        "availabilityZone": format!("{region}a"),
        "enableExecuteCommand": settings.get("enableExecuteCommand").cloned().unwrap_or(json!(false)),
        "cpu": size("cpu").unwrap_or_else(|| json!("0")),
        "memory": size("memory").unwrap_or_else(|| json!("0")),
    });
    for member in ["ephemeralStorage", "inferenceAccelerators"] {
        if let Some(value) = overrides.get(member).or(document.get(member)) {
            members[member] = value.clone();
        }
    }
    place(&mut members, settings, document);
    members["overrides"] = shown_overrides(overrides, birth.definition);
    members
}

fn place(members: &mut Value, settings: &Value, document: &Value) {
    let provider = settings["capacityProviderStrategy"][0]["capacityProvider"].as_str();
    let launch = match provider {
        Some(provider) if provider.starts_with("FARGATE") => "FARGATE",
        Some(_) => "EC2",
        None => settings["launchType"].as_str().unwrap_or("EC2"),
    };
    members["launchType"] = json!(launch);
    if let Some(provider) = provider {
        members["capacityProviderName"] = json!(provider);
    }
    if launch == "FARGATE" {
        let wanted = settings["platformVersion"].as_str().filter(|version| *version != "LATEST");
        members["platformVersion"] = json!(wanted.unwrap_or("1.4.0"));
        members["platformFamily"] = json!("Linux");
        if members.get("ephemeralStorage").is_none() {
            members["ephemeralStorage"] = json!({ "sizeInGiB": 20 });
        }
    }
    let arm = document["runtimePlatform"]["cpuArchitecture"] == "ARM64";
    members["attributes"] = json!([{ "name": "ecs.cpu-architecture", "value": if arm { "arm64" } else { "x86_64" } }]);
}

/// ECS names every container among the overrides, the untouched ones too.
fn shown_overrides(mut overrides: Value, definition: &Definition) -> Value {
    let mut containers = overrides["containerOverrides"].as_array().cloned().unwrap_or_default();
    for container in definition.containers() {
        if !containers.iter().any(|given| given["name"] == container["name"]) {
            containers.push(json!({ "name": container["name"] }));
        }
    }
    overrides["containerOverrides"] = containers.into();
    if overrides.get("inferenceAcceleratorOverrides").is_none() {
        overrides["inferenceAcceleratorOverrides"] = json!([]);
    }
    overrides
}
