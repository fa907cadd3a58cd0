//! Elastic Load Balancing, as far as a deployer reads it: target groups, the health of their targets, and the load
//! balancers in front. Nobody creates any of them here: a target group comes into being when a service names it, and
//! how its targets are is what the ECS plane knows of the tasks. The Query protocol: a form comes in, XML goes out.

mod balancer;
mod form;
mod group;
mod health;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

pub use form::input;
pub use xml::{document, error};

use super::Refusal;
use super::ecs::{TargetGroup, TargetHealth};

/// The version that requests of this API name, by which they are known.
pub const VERSION: &str = "2015-12-01";

pub type Form = HashMap<String, String>;

/// What an answer is made of.
pub struct Elb<'a> {
    pub groups: BTreeMap<String, TargetGroup>,
    pub targets: &'a dyn Fn(&str) -> Result<Vec<TargetHealth>, Refusal>,
}

impl Elb<'_> {
    /// The answer's members, which [`document`] puts into XML.
    pub fn call(&self, action: &str, input: &Value) -> Result<Value, Refusal> {
        match action {
            "DescribeTargetGroups" => self.describe_groups(input),
            "DescribeTargetHealth" => self.describe_health(input),
            "DescribeLoadBalancers" => self.describe_balancers(input),
            other => {
                let message = format!("Could not find operation {other} for version {VERSION}");
                Err(Refusal::new("InvalidAction", message))
            }
        }
    }
}

/// The part of an ARN that people gave: `targetgroup/NAME/ID` and its like.
fn name(arn: &str) -> &str {
    let mut parts = arn.rsplit('/');
    parts.next();
    parts.next().unwrap_or(arn)
}

fn texts(input: &Value, member: &str) -> Vec<String> {
    let items = input[member].as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(String::from)).collect()
}
