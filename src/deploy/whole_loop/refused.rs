//! What is refused before anything is registered: by the request alone, or by what is there.

use super::*;

#[tokio::test]
async fn refused_input_registers_nothing() {
    type Change = fn(&mut DeployServiceUpdate);
    let changes: [(&str, Change); 7] = [
        ("cluster", |request| request.cluster = " ".into()),
        ("names cluster 'other'", |request| {
            request.service = "arn:aws:ecs:eu-central-1:123456789012:service/other/web".into()
        }),
        ("nothing is to be registered", |request| request.skip_registration = true),
        ("no container 'wep'", |request| request.updates = self::request("container=wep,tag=v2").updates),
        ("has a digest only", |request| request.updates = self::request("container=pinned,image=a/b").updates),
        ("subnets", |request| {
            request.create = Some(Create { public_ip: true, ..Create::default() });
        }),
        ("target-group", |request| {
            request.create = Some(Create { target_group: Some("arn".into()), ..Create::default() });
        }),
    ];
    for (word, change) in changes {
        let inner = scripted(|_| unreachable!());
        let fake = Fake::new(move |operation, body, seconds| {
            let mut answer = inner.answer(operation, body, seconds)?;
            if operation == "DescribeTaskDefinition" {
                let image = IMAGE.replace(":v1", "");
                let pinned = json!({"name": "pinned", "image": image});
                answer["taskDefinition"]["containerDefinitions"].as_array_mut().unwrap().push(pinned);
            }
            Ok(answer)
        });
        let mut request = v2();
        change(&mut request);
        let error = deploy(&request, &fake, &Events::none()).await.expect_err(word);
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert_eq!(error.kind(), Kind::Input, "{word}");
        assert!(
            fake.operations().iter().all(|called| called.starts_with("Describe")),
            "{word}: {:?}",
            fake.operations()
        );
    }
}

#[tokio::test]
async fn refused_by_what_is_there_registers_nothing() {
    type Answer = fn() -> Result<Value, CallError>;
    let cases: [(&str, &str, Answer); 6] = [
        ("there is no service 'web'", "DescribeServices", || {
            Ok(json!({"services": [], "failures": [{"arn": "web", "reason": "MISSING"}]}))
        }),
        ("there is no cluster 'main'", "DescribeServices", || {
            Err(refusal("ClusterNotFoundException", "Cluster not found."))
        }),
        ("is INACTIVE", "DescribeServices", || {
            let mut service = at_rest();
            service["status"] = "INACTIVE".into();
            Ok(json!({"services": [service]}))
        }),
        ("CODE_DEPLOY", "DescribeServices", || {
            let mut service = at_rest();
            service["deploymentController"] = json!({"type": "CODE_DEPLOY"});
            Ok(json!({"services": [service]}))
        }),
        ("there is no task definition 'web'", "DescribeTaskDefinition", || {
            Err(refusal("ClientException", "Unable to describe task definition."))
        }),
        ("no taskDefinition in it", "DescribeTaskDefinition", || Ok(json!({}))),
    ];
    for (word, replaced, answer) in cases {
        let inner = scripted(|_| unreachable!());
        let fake = Fake::new(
            move |operation, body, seconds| {
                if operation == replaced { answer() } else { inner.answer(operation, body, seconds) }
            },
        );
        let error = deploy(&v2(), &fake, &Events::none()).await.expect_err(word);
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert!(
            fake.operations().iter().all(|called| called.starts_with("Describe")),
            "{word}: {:?}",
            fake.operations()
        );
    }
}
