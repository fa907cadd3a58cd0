//! What is called, with what, and in which order; what is left when a call in the middle is refused.

use super::*;

#[tokio::test]
async fn calls_carry_what_they_must() {
    let fake = scripted(|_| Ok(service(8, &[ours(2, "COMPLETED", "")])));
    deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(fake.body("DescribeTaskDefinition"), json!({"taskDefinition": "web", "include": ["TAGS"]}));
    assert_eq!(fake.body("UpdateService"), json!({"cluster": "main", "service": "web", "taskDefinition": arn(8)}));
    let body = fake.body("RegisterTaskDefinition");
    assert_eq!(body["containerDefinitions"][0]["image"], "host.example/web:v2");
    assert_eq!((&body["futureMember"], body.get("tags"), body.get("revision")), (&json!({"kept": true}), None, None));
}

#[tokio::test]
async fn dry_run_shows_the_calls_and_makes_none() {
    let fake = scripted(|_| unreachable!());
    let observed = observe_service(&v2(), &fake).await.unwrap();
    let shown = planned(&plan_service(&v2(), &observed).unwrap());
    assert_eq!(shown.outcome, Outcome::Planned);
    for part in ["~ web image: ", "-> host.example/web:v2", "RegisterTaskDefinition {", "UpdateService {"] {
        assert!(shown.summary.contains(part), "{part}\n{}", shown.summary);
    }
    assert_eq!(fake.operations(), ["DescribeServices", "DescribeTaskDefinition"]);
}

#[tokio::test]
async fn nothing_to_do_calls_nothing_and_says_so() {
    let fake = scripted(|_| unreachable!("nothing is updated"));
    let (report, _) =
        deploy(&request(&format!("container=web,image-and-tag={IMAGE}")), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::NothingToDo);
    assert_eq!(report.lines, [arn(7)]);
    assert_eq!(fake.operations(), ["DescribeServices", "DescribeTaskDefinition"]);
}

#[tokio::test]
async fn parallel_registrations_wait_for_each_other() {
    let inner = scripted(|_| Ok(service(8, &[ours(2, "COMPLETED", "")])));
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "RegisterTaskDefinition" if seconds < 5 => {
            let message = "Too many concurrent attempts to create a new revision of the specified family.";
            Err(refusal("ClientException", message))
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn refused_update_names_the_revision_that_is_left() {
    let inner = scripted(|_| unreachable!());
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "UpdateService" => Err(refusal("InvalidParameterException", "no")),
        _ => inner.answer(operation, body, seconds),
    });
    let error = deploy(&v2(), &fake, &Events::none()).await.expect_err("refused");
    assert!(error.to_string().starts_with("web:8 was registered, but not deployed"), "{error}");
}

#[tokio::test]
async fn missing_service_is_created_and_watched() {
    let inner = scripted(|_| unreachable!());
    let fake = Fake::new(move |operation, body, seconds| match (operation, seconds) {
        ("DescribeServices", 0..2) => Ok(json!({"services": [], "failures": [{"reason": "MISSING"}]})),
        ("DescribeServices", _) => Ok(json!({"services": [service(8, &[ours(2, "COMPLETED", "")])]})),
        ("CreateService", _) => Ok(json!({"service": service(8, &[ours(0, "IN_PROGRESS", "")])})),
        _ => inner.answer(operation, body, seconds),
    });
    let mut request = v2();
    request.create = Some(Create { subnets: vec!["subnet-1".into()], ..Create::default() });
    let (report, _) = deploy(&request, &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(fake.body("CreateService")["taskDefinition"], arn(8));
}
