//! Which of ECS's records is ours, and what it decides.

use super::*;

#[tokio::test]
async fn record_of_a_shifting_deployment_decides() {
    let inner = scripted(|_| {
        let mut service = service(8, &[ours(2, "COMPLETED", ""), old()]);
        service["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
        Ok(service)
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeServices" => {
            let mut answer = inner.answer(operation, body, seconds)?;
            answer["services"][0]["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
            Ok(answer)
        }
        // Ours appears late, after others of the same service.
        "ListServiceDeployments" => {
            assert_eq!(body["createdAt"]["after"], 1_699_999_997_i64);
            let record = |name: &str, created: f64| json!({"serviceDeploymentArn": name, "createdAt": created, "targetServiceRevisionArn": name});
            let late = if seconds < 3 { vec![] } else { vec![record("ours", 1_700_000_001.0)] };
            let mut over = record("over", 1_699_999_998.0);
            over["finishedAt"] = 1_700_000_000.0.into();
            let early = vec![record("other", 1_700_000_000.5), over, record("before", 1_600_000_000.0)];
            Ok(json!({"serviceDeployments": ([late, early].concat())}))
        }
        "DescribeServiceRevisions" => Ok(json!({"serviceRevisions": [
            {"serviceRevisionArn": "ours", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "before", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "over", "taskDefinition": arn(8)},
            {"serviceRevisionArn": "other", "taskDefinition": arn(7)}]})),
        "DescribeServiceDeployments" => {
            assert_eq!(body["serviceDeploymentArns"], json!(["ours"]));
            let status = if seconds < 300 { "IN_PROGRESS" } else { "SUCCESSFUL" };
            Ok(
                json!({"serviceDeployments": [{"serviceDeploymentArn": "ours", "status": status, "lifecycleStage": "BAKE_TIME"}]}),
            )
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(fake.seconds() >= 300, "waited through the bake time: {}", fake.seconds());
    assert!(told.lock().unwrap().iter().any(|text| text.contains("BAKE_TIME")));
}

/// A machine whose clock is an hour ahead of ECS's, or behind: its record is found all the same.
#[tokio::test]
async fn clock_of_the_machine_does_not_matter() {
    for skew in [-3600.0, 3600.0] {
        let at = move |value: &mut Value| {
            value["createdAt"] = (1_700_000_000.5 + skew).into();
        };
        let inner = scripted(move |seconds| {
            let state = if seconds < 30 { "IN_PROGRESS" } else { "COMPLETED" };
            let mut shown = service(8, &[ours(2, state, ""), old()]);
            at(&mut shown["deployments"][0]);
            Ok(shown)
        });
        let fake = Fake::new(move |operation, body, seconds| match operation {
            "UpdateService" => {
                let mut answer = inner.answer(operation, body, seconds)?;
                at(&mut answer["service"]["deployments"][0]);
                Ok(answer)
            }
            "ListServiceDeployments" => {
                assert_eq!(body["createdAt"]["after"], (1_699_999_997.0 + skew) as i64);
                let mut record = json!({"serviceDeploymentArn": "ours", "targetServiceRevisionArn": "r"});
                at(&mut record);
                Ok(json!({"serviceDeployments": [record]}))
            }
            "DescribeServiceRevisions" => {
                Ok(json!({"serviceRevisions": [{"serviceRevisionArn": "r", "taskDefinition": arn(8)}]}))
            }
            "DescribeServiceDeployments" => Ok(json!({"serviceDeployments": [{"status": "IN_PROGRESS"}]})),
            _ => inner.answer(operation, body, seconds),
        });
        let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Succeeded, "{skew}");
        assert!(fake.operations().contains(&"DescribeServiceDeployments".to_owned()), "{skew}: the record was found");
    }
}

/// Two deployments of one revision within a second: the first one's record is nearer to the answer's second.
#[tokio::test]
async fn record_of_the_deployment_before_is_not_ours() {
    let inner = scripted(|_| {
        let mut service = service(8, &[ours(2, "IN_PROGRESS", "")]);
        service["deploymentConfiguration"]["strategy"] = "BLUE_GREEN".into();
        Ok(service)
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "DescribeServices" => {
            let mut answer = inner.answer(operation, body, seconds)?;
            answer["services"][0]["currentServiceDeployment"] = "theirs".into();
            Ok(answer)
        }
        "ListServiceDeployments" => {
            let record = |name: &str, created: f64| json!({"serviceDeploymentArn": name, "createdAt": created, "targetServiceRevisionArn": "r"});
            Ok(json!({"serviceDeployments": [record("ours", 1_700_000_000.9), record("theirs", 1_700_000_000.5)]}))
        }
        "DescribeServiceRevisions" => {
            Ok(json!({"serviceRevisions": [{"serviceRevisionArn": "r", "taskDefinition": arn(8)}]}))
        }
        "DescribeServiceDeployments" => {
            assert_eq!(body["serviceDeploymentArns"], json!(["ours"]));
            Ok(json!({"serviceDeployments": [{"status": "SUCCESSFUL"}]}))
        }
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
}
