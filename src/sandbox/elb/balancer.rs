//! DescribeLoadBalancers: the ones that lead to the groups. A service that shifts traffic names the listener or its
//! rule, and with it the load balancer; all others are behind one that is called `sandbox`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Elb, name, texts};
use crate::sandbox::Refusal;
use crate::sandbox::ecs::TargetGroup;

pub const VPC: &str = "vpc-00000000";

/// The zone that ELB's names in us-east-1 are in; clients make alias records with it.
const ZONE: &str = "Z35SXDOTRQ7X7K";

impl Elb<'_> {
    pub(super) fn describe_balancers(&self, input: &Value) -> Result<Value, Refusal> {
        let known: BTreeSet<String> = self.groups.values().map(arn).collect();
        let (arns, names) = (texts(input, "LoadBalancerArns"), texts(input, "Names"));
        let gone = arns.iter().find(|arn| !known.contains(*arn));
        let gone = gone.or_else(|| names.iter().find(|wanted| !known.iter().any(|arn| name(arn) == **wanted)));
        if let Some(gone) = gone {
            return Err(Refusal::new("LoadBalancerNotFound", format!("Load balancers '[{gone}]' not found")));
        }
        let all = arns.is_empty() && names.is_empty();
        let wanted = |arn: &&String| all || arns.contains(arn) || names.iter().any(|wanted| wanted == name(arn));
        let shown: Vec<Value> = known.iter().filter(wanted).map(|arn| show(arn)).collect();
        Ok(json!({ "LoadBalancers": shown }))
    }
}

/// `…:listener-rule/app/NAME/ID/LISTENER/RULE` and `…:listener/net/NAME/ID/LISTENER` name their load balancer.
pub fn arn(group: &TargetGroup) -> String {
    let rule = group.rule.as_deref().and_then(|rule| rule.split_once(":listener"));
    let named = rule.and_then(|(place, rest)| {
        let mut parts = rest.split('/').skip(1);
        Some(format!("{place}:loadbalancer/{}/{}/{}", parts.next()?, parts.next()?, parts.next()?))
    });
    let place = group.arn.split(":targetgroup/").next().unwrap_or_default();
    named.unwrap_or_else(|| format!("{place}:loadbalancer/app/sandbox/50dc6c495c0c9188"))
}

pub fn is_network(arn: &str) -> bool {
    arn.contains(":loadbalancer/net/")
}

fn show(arn: &str) -> Value {
    let region = arn.split(':').nth(3).unwrap_or_default();
    json!({
        "LoadBalancerArn": arn,
        // What really listens, if anything does, is on this machine.
        "DNSName": "localhost",
        "CanonicalHostedZoneId": ZONE,
        "CreatedTime": 1_700_000_000,
        "LoadBalancerName": name(arn),
        "Scheme": "internet-facing",
        "VpcId": VPC,
        "State": { "Code": "active" },
        "Type": if is_network(arn) { "network" } else { "application" },
        "AvailabilityZones": [{ "ZoneName": format!("{region}a"), "SubnetId": "subnet-00000000" }],
        "IpAddressType": "ipv4",
    })
}
