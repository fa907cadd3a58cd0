use serde_json::{Value, json};

use super::*;

const BLUE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef";

fn call(action: &str, form: &[(&str, &str)]) -> Result<Value, Refusal> {
    let rule = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/front/1/2/3".to_owned();
    let group = |arn: &str, rule| TargetGroup { arn: arn.to_owned(), port: 80, of_addresses: true, rule };
    let green = BLUE.replace("blue", "green");
    let groups = BTreeMap::from([(BLUE.to_owned(), group(BLUE, None)), (green.clone(), group(&green, Some(rule)))]);
    let target = |address: &str, state, reason| TargetHealth {
        task_arn: "arn".into(),
        address: address.into(),
        port: 80,
        state,
        reason,
        weight: 100,
    };
    let failed = Some(("Target.Timeout", "Request timed out".to_owned()));
    let targets =
        |_: &str| Ok(vec![target("10.0.0.1", "healthy", None), target("10.0.0.2", "unhealthy", failed.clone())]);
    let form: Form = form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Elb { groups, targets: &targets }.call(action, &input(&form))
}

fn names(answer: &Value, list: &str, member: &str) -> Vec<String> {
    answer[list].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn groups_are_found_by_arn_by_name_and_by_what_is_in_front() {
    let found =
        |form: &[(&str, &str)]| names(&call("DescribeTargetGroups", form).unwrap(), "TargetGroups", "TargetGroupName");
    assert_eq!(found(&[]), ["blue", "green"]);
    assert_eq!(found(&[("TargetGroupArns.member.1", BLUE)]), ["blue"]);
    assert_eq!(found(&[("Names.member.1", "green")]), ["green"]);
    let front = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/front/1";
    assert_eq!(found(&[("LoadBalancerArn", front)]), ["green"]);
    let refused = call("DescribeTargetGroups", &[("Names.member.1", "red")]).unwrap_err();
    assert_eq!(refused.to_string(), "TargetGroupNotFound: One or more target groups not found");
}

#[test]
fn health_has_reasons_for_what_is_not_healthy() {
    let answer = call("DescribeTargetHealth", &[("TargetGroupArn", BLUE)]).unwrap();
    let health: Vec<&Value> =
        answer["TargetHealthDescriptions"].as_array().unwrap().iter().map(|row| &row["TargetHealth"]).collect();
    assert_eq!(*health[0], json!({ "State": "healthy" }));
    let timeout = json!({ "State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out" });
    assert_eq!(*health[1], timeout);
    let asked = [("TargetGroupArn", BLUE), ("Targets.member.1.Id", "10.9.9.9"), ("Targets.member.1.Port", "80")];
    let answer = call("DescribeTargetHealth", &asked).unwrap();
    assert_eq!(answer["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"], "Target.NotRegistered");
    assert!(call("DescribeTargetHealth", &[("TargetGroupArn", "blue")]).unwrap_err().message.contains("not a valid"));
    assert_eq!(call("DescribeTargetHealth", &[]).unwrap_err().code, "ValidationError");
}

#[test]
fn balancers_are_those_that_rules_name() {
    let answer = call("DescribeLoadBalancers", &[]).unwrap();
    assert_eq!(names(&answer, "LoadBalancers", "LoadBalancerName"), ["front", "sandbox"]);
    let refused = call("DescribeLoadBalancers", &[("Names.member.1", "x")]).unwrap_err();
    assert_eq!(refused.to_string(), "LoadBalancerNotFound: Load balancers '[x]' not found");
}

#[test]
fn form_becomes_a_document_and_a_document_xml() {
    let form = [("Names.member.2", "b"), ("Names.member.10", "c"), ("Names.member.1", "a"), ("PageSize", "5")];
    let form: Form = form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(input(&form), json!({ "Names": ["a", "b", "c"], "PageSize": 5 }));
    let xml = document("Do", &json!({ "A": [{ "B": "<&" }], "CreatedTime": 0 }), "id");
    assert!(
        xml.contains("<DoResult><A><member><B>&lt;&amp;</B></member></A><CreatedTime>1970-01-01T00:00:00Z<"),
        "{xml}"
    );
}
