//! DescribeTargetGroups: the groups that services name, with the settings that a load balancer has by default.

use serde_json::{Value, json};

use super::{Elb, balancer, name, texts};
use crate::sandbox::Refusal;
use crate::sandbox::ecs::TargetGroup;

impl Elb<'_> {
    pub(super) fn describe_groups(&self, input: &Value) -> Result<Value, Refusal> {
        let (arns, names) = (texts(input, "TargetGroupArns"), texts(input, "Names"));
        let known = |arn: &String| self.groups.contains_key(arn);
        let named = |wanted: &String| self.groups.keys().any(|arn| name(arn) == wanted);
        if !arns.iter().all(known) || !names.iter().all(named) {
            return Err(Refusal::new("TargetGroupNotFound", "One or more target groups not found"));
        }
        let all = arns.is_empty() && names.is_empty();
        let behind = input["LoadBalancerArn"].as_str();
        let wanted = |group: &&TargetGroup| {
            let given = all || arns.contains(&group.arn) || names.iter().any(|wanted| wanted == name(&group.arn));
            given && behind.is_none_or(|behind| behind == balancer::arn(group))
        };
        let shown: Vec<Value> = self.groups.values().filter(wanted).map(show).collect();
        Ok(json!({ "TargetGroups": shown }))
    }
}

fn show(group: &TargetGroup) -> Value {
    let balancer = balancer::arn(group);
    let mut shown = json!({
        "TargetGroupArn": group.arn,
        "TargetGroupName": name(&group.arn),
        "Protocol": if balancer::is_network(&balancer) { "TCP" } else { "HTTP" },
        "Port": group.port,
        "VpcId": balancer::VPC,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": { "HttpCode": "200-499" },
        "LoadBalancerArns": [balancer],
        "TargetType": if group.of_addresses { "ip" } else { "instance" },
        "IpAddressType": "ipv4",
    });
    if !balancer::is_network(&balancer) {
        shown["ProtocolVersion"] = json!("HTTP1");
    }
    shown
}
