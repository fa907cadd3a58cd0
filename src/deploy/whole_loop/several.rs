//! Several services, watched by one loop.

use super::*;

/// Twelve services of one cluster and one of another: three calls for each round of looks, and a verdict for each.
#[tokio::test]
async fn services_are_watched_together() {
    let fake = Fake::new(|operation, body, seconds| match operation {
        "DescribeServices" => {
            let names = body["services"].as_array().unwrap();
            assert!(names.len() <= 10, "no more than the call takes");
            let show = |name: &Value| {
                let number: u64 = name.as_str().unwrap().trim_start_matches("web-").parse().unwrap();
                let state = if seconds < number * 10 { "IN_PROGRESS" } else { "COMPLETED" };
                let mut shown = service(8, &[ours(2, state, "")]);
                shown["serviceName"] = name.clone();
                shown
            };
            // Nobody promises the order of the request.
            Ok(json!({"services": names.iter().rev().map(show).collect::<Vec<_>>()}))
        }
        "ListTasks" => Ok(json!({"taskArns": []})),
        other => Err(refusal("UnknownOperationException", other)),
    });
    let plans: Vec<Plan> = (1..=13)
        .map(|number| {
            let cluster = if number == 13 { "other" } else { "main" };
            let step = plan::Step::Join { deployment: Some("ecs-svc/8".into()), since: None, record: None };
            let before = plan::Before { rolling: true, ..plan::Before::default() };
            let wait = Some(Wait::within(Duration::from_secs(100)));
            verify::joining((cluster, &format!("web-{number}")), &arn(8), step, before, wait)
        })
        .collect();
    let events = Events::none();
    let started = Started { deployment: Some("ecs-svc/8".into()), fresh: true, ..Started::default() };
    let charge = |plan: &'_ Plan| plan.deploy.as_ref().map(|deploy| deploy.wait).unwrap();
    let revision = arn(8);
    let charges = plans.iter().map(|plan| Charge {
        deploy: plan.deploy.as_ref().unwrap(),
        revision: &revision,
        started: &started,
        wait: charge(plan).unwrap(),
        events: &events,
    });
    let ended = watch_all(charges, &fake, &fake.clock, pending()).await;
    let outcomes: Vec<Outcome> = ended.iter().map(|ended| ended.as_ref().unwrap().outcome).collect();
    assert_eq!(outcomes[..9], [Outcome::Succeeded; 9]);
    assert_eq!(outcomes[10..], [Outcome::TimedOut; 3]);
    let looks = fake.operations().iter().filter(|called| *called == "DescribeServices").count();
    assert!((20..60).contains(&looks), "a call for each service were some 150: {looks}");
}
