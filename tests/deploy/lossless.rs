//! A task definition comes out as it went in but for what was asked for, members that nobody knows included: the
//! bytes that ECS receives are compared with those that it gave.

use super::stage::{Stage, arn};
use crate::support::aws::Reply;
use crate::support::process::Ended;

/// What only an answer has.
const TOLD_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

const CONTAINERS: &str = r#"[{"zuerst":[],"name":"web","image":"host.example:5000/team/web:v1","cpu":0,"environment":[{"name":"EMPTY","value":""},{"name":"GREETING","value":"Grüße \"aus\" Ærø\n\t'$(id)' 🚢","source":{"since":null}}],"secrets":[],"command":[],"logConfiguration":{"logDriver":"awslogs","futureOptions":{"deep":{"deeper":[null,{"big":18446744073709551616,"ratio":1.50,"tiny":1e-400}]}}},"healthCheck":null,"user":"","newMember":{"a":{"b":{"c":-9223372036854775808}}}},{"name":"sidecar","image":"host.example/sidecar@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","essential":false,"mountPoints":[]}]"#;

/// Members in an order of their own, as JSON.
fn members() -> Vec<(&'static str, String)> {
    [
        ("newestFeature", r#"{"level1":{"level2":{"level3":[1,2.0,{"x":9007199254740993}]}}}"#),
        ("taskDefinitionArn", "ARN"),
        ("containerDefinitions", CONTAINERS),
        ("family", r#""web""#),
        ("taskRoleArn", r#""""#),
        ("revision", "7"),
        ("volumes", "[]"),
        ("status", r#""ACTIVE""#),
        ("requiresAttributes", r#"[{"name":"com.amazonaws.ecs.capability.ecr-auth"}]"#),
        ("placementConstraints", "null"),
        ("compatibilities", r#"["EC2","FARGATE"]"#),
        ("cpu", r#""256""#),
        ("enableFaultInjection", "false"),
        ("registeredAt", "1.7E9"),
        ("inferenceAccelerators", r#"[{"deviceName":"d","deviceType":"eia2.medium"}]"#),
        ("registeredBy", r#""arn:aws:iam::123456789012:user/ci""#),
        ("deregisteredAt", "null"),
        ("deleteRequestedAt", "0"),
        ("zz", "18446744073709551615"),
    ]
    .map(|(name, json)| (name, if json == "ARN" { format!("\"{}\"", arn(7)) } else { json.to_owned() }))
    .into()
}

fn object<'a>(members: impl IntoIterator<Item = &'a (&'static str, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("{{{}}}", members.join(","))
}

/// What is to be registered, and its tags.
fn expected(change: impl Fn(String) -> String, tags: &str) -> String {
    let members: Vec<_> = members().into_iter().filter(|(name, _)| !TOLD_ONLY.contains(name)).collect();
    change(object(members.iter().chain([&("tags", tags.to_owned())])))
}

const TAGS: &str = r#"[{"key":"Größe","value":"O'Brien","extra":1.50},{"key":"leer","value":""}]"#;
const AWS_TAG: &str = r#"{"key":"aws:cloudformation:stack-name","value":"x"}"#;

fn answer() -> String {
    let tags = TAGS.replacen('[', &format!("[{AWS_TAG},"), 1);
    format!(r#"{{"taskDefinition":{},"tags":{tags}}}"#, object(&members()))
}

async fn update(words: &[&str]) -> (Stage, Ended) {
    let stage = Stage::start(&[]).await;
    stage.aws.answer("DescribeTaskDefinition", Reply::raw(200, "application/x-amz-json-1.1", answer()));
    let ended = stage.job.run(&[&["update-task-definition", "--family=web"], words].concat()).await;
    (stage, ended)
}

#[tokio::test]
async fn definition_comes_out_with_the_asked_change_alone() {
    let (stage, ended) = update(&["--container-image-name-updates=container=web,tag=v2"]).await;
    assert_eq!((ended.code, ended.stdout), (0, arn(8) + "\n"), "{}", ended.stderr);
    let sent = stage.aws.received_of("RegisterTaskDefinition").remove(0);
    assert_eq!(sent.text(), expected(|body| body.replace("team/web:v1", "team/web:v2"), TAGS));
}

#[tokio::test]
async fn definition_with_every_kind_of_change_keeps_the_rest() {
    let (stage, ended) = update(&[
        "--container-env-var-updates=container=sidecar,name=A,value=1",
        "--container-secret-updates=container=web,name=S,valueFrom=arn:aws:ssm:eu-west-1:123456789012:parameter/s",
        "--container-docker-label-updates=container=web,l=x=y",
        "--task-definition-tags=key=neu,value=ja",
    ])
    .await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let change = |body: String| {
        body.replace(
            r#""secrets":[]"#,
            r#""secrets":[{"name":"S","valueFrom":"arn:aws:ssm:eu-west-1:123456789012:parameter/s"}]"#,
        )
        .replace(r#"-9223372036854775808}}}}"#, r#"-9223372036854775808}}},"dockerLabels":{"l":"x=y"}}"#)
        .replace(r#""mountPoints":[]"#, r#""mountPoints":[],"environment":[{"name":"A","value":"1"}]"#)
    };
    let tags = TAGS.replace("\"\"}]", "\"\"},{\"key\":\"neu\",\"value\":\"ja\"}]");
    assert_eq!(stage.aws.received_of("RegisterTaskDefinition").remove(0).text(), expected(change, &tags));
}

#[tokio::test]
async fn definition_without_a_change_is_not_registered_again() {
    let (stage, ended) = update(&["--container-image-name-updates=container=web,tag=v1", "--output=json"]).await;
    assert_eq!((ended.code, &ended.document()["outcome"]), (0, &"nothing-to-do".into()), "{}", ended.stderr);
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn definition_from_a_file_that_says_nothing_new_is_not_registered() {
    let stage = Stage::start(&[]).await;
    stage.aws.answer("DescribeTaskDefinition", Reply::raw(200, "application/x-amz-json-1.1", answer()));
    std::fs::write(stage.job.path("web.json"), answer()).unwrap();
    let ended =
        stage.job.run(&["update-task-definition-from-json", "--task-definition-json=web.json", "--output=json"]).await;
    assert_eq!((ended.code, &ended.document()["outcome"]), (0, &"nothing-to-do".into()), "{}", ended.stderr);
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn definition_from_a_file_is_registered_as_it_is() {
    for file in [answer(), expected(|body| body, TAGS)] {
        let stage = Stage::start(&[]).await;
        std::fs::write(stage.job.path("web.json"), format!(" {file}\n")).unwrap();
        let words = ["update-task-definition-from-json", "--task-definition-json=web.json"];
        let ended = stage.job.run(&words).await;
        assert_eq!((ended.code, ended.stdout), (0, arn(8) + "\n"), "{}", ended.stderr);
        assert_eq!(stage.aws.received_of("RegisterTaskDefinition").remove(0).text(), expected(|body| body, TAGS));
        assert_eq!(stage.operations(), ["DescribeTaskDefinition", "RegisterTaskDefinition"]);
    }
}
