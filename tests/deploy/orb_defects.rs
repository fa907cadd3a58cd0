//! What the CircleCI orb aws-ecs 8.0.0 does wrong with update strings, tags and definitions, one case a test, and
//! right here. Named after what the orb does; its verification is in `orb_verification`.

use serde_json::{Value, json};

use super::stage::{Stage, arn, completed, described};
use crate::support::aws::Reply;
use crate::support::process::Ended;

const IMAGES: &str = "--container-image-name-updates";
const ENV: &str = "--container-env-var-updates";
const SECRETS: &str = "--container-secret-updates";
const LABELS: &str = "--container-docker-label-updates";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The definition's one container before the update.
fn container() -> Value {
    described()["taskDefinition"]["containerDefinitions"][0].clone()
}

async fn update(container: Value, flag: &str, text: &str) -> (Stage, Ended) {
    update_with(container, &[], &[&format!("{flag}={text}")]).await
}

async fn update_with(container: Value, variables: &[(&str, &str)], words: &[&str]) -> (Stage, Ended) {
    let mut stage = Stage::start(&[completed()]).await;
    let mut answer = described();
    answer["taskDefinition"]["containerDefinitions"][0] = container;
    stage.aws.answer("DescribeTaskDefinition", Reply::json(answer));
    stage.job = variables.iter().fold(stage.job, |job, (name, value)| job.with(name, value));
    let ended = stage.job.run(&[&["update-task-definition", "--family=web"], words].concat()).await;
    (stage, ended)
}

/// The container that is registered.
async fn registered(container: Value, flag: &str, text: &str) -> Value {
    let (stage, ended) = update(container, flag, text).await;
    assert_eq!(ended.code, 0, "{text}: {}", ended.stderr);
    stage.body("RegisterTaskDefinition")["containerDefinitions"][0].clone()
}

async fn refused(flag: &str, text: &str) {
    let (stage, ended) = update(container(), flag, text).await;
    assert_eq!(ended.code, 2, "{text}: {}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: ") && stage.writes().is_empty(), "{text}: {}", ended.stderr);
}

async fn image(old: &str, text: &str) -> Value {
    let mut container = container();
    container["image"] = old.into();
    registered(container, IMAGES, &format!("container=web,{text}")).await["image"].clone()
}

#[tokio::test]
async fn orb_cuts_tags_at_the_first_colon() {
    assert_eq!(image("registry:5000/team/app:v1", "tag=v2").await, "registry:5000/team/app:v2");
    assert_eq!(image(&format!("team/app@{DIGEST}"), "tag=v2").await, "team/app:v2");
}

#[tokio::test]
async fn orb_keeps_tags_only_beside_one_colon() {
    assert_eq!(image("registry:5000/app:v1", "image=other/app").await, "other/app:v1");
    assert_eq!(image("registry:5000/app", "image=other/app").await, "other/app");
    assert_eq!(image(&format!("a/b:v1@{DIGEST}"), "image=other/app").await, "other/app:v1");
    let mut pinned = container();
    pinned["image"] = format!("a/b@{DIGEST}").into();
    let (stage, ended) = update(pinned, IMAGES, "container=web,image=other/app").await;
    assert_eq!((ended.code, stage.writes().len()), (2, 0), "{}", ended.stderr);
}

#[tokio::test]
async fn orb_starts_again_from_the_old_image() {
    assert_eq!(image("a/b:v1", "image=other/app,container=web,tag=v2").await, "other/app:v2");
}

#[tokio::test]
async fn orb_drops_what_it_does_not_expect_in_images() {
    for text in [
        "container=web,tag=",
        "container=web,tag=v2,tag=v3",
        "container=web,image-and-tag=a/b:v1,tag=v2",
        "container=web,image-and-tag=a/b=c:v1",
        "tag=v2",
        "tag=v2,container=web,tag=v3",
    ] {
        refused(IMAGES, text).await;
    }
}

#[tokio::test]
async fn orb_takes_strings_without_a_container_for_nothing() {
    for (flag, text) in
        [(IMAGES, "image-and-tag=a/b:v1"), (ENV, "name=A,value=1"), (LABELS, "team=web"), (SECRETS, "x")]
    {
        refused(flag, text).await;
    }
}

#[tokio::test]
async fn orb_drops_the_rest_of_a_value_with_a_comma() {
    for text in [
        "name=A,value=1,value=2",
        "name=A,value=1,2",
        "name=A,value=1,name=2",
        // It may be a value that ends in a backslash.
        r"name=A,value=1\,name=x",
    ] {
        refused(ENV, &format!("container=web,{text}")).await;
    }
    for (flag, text) in [
        (ENV, r#"container=web,name=A,"value=1,name=x","#),
        (ENV, r#"[{"container": "web", "name": "A", "value": "1,name=x"}]"#),
        ("--env", "web:A=1,name=x"),
    ] {
        let after = registered(container(), flag, text).await;
        assert_eq!(after["environment"][2], json!({"name": "A", "value": "1,name=x"}), "{text}");
    }
}

#[tokio::test]
async fn orb_drops_pairs_that_do_not_repeat_the_container() {
    let after = registered(container(), ENV, "container=web,name=A,value=1,name=B,value=2").await;
    assert_eq!(after["environment"].as_array().unwrap().len(), 4, "{after}");
    let arns = "container=web,name=S,valueFrom=arn:s,name=T,valueFrom=arn:t";
    assert_eq!(registered(container(), SECRETS, arns).await["secrets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn orb_appends_a_new_name_twice() {
    let after = registered(container(), ENV, "container=web,name=A,value=1,container=web,name=A,value=2").await;
    assert_eq!(after["environment"].as_array().unwrap()[2..], [json!({"name": "A", "value": "2"})], "{after}");
}

#[tokio::test]
async fn orb_leaves_one_name_among_variables_and_secrets() {
    let mut both = container();
    both["secrets"] = json!([{"name": "TOKEN", "valueFrom": "arn:t"}]);
    let after = registered(both, ENV, "container=web,name=TOKEN,value=open").await;
    assert_eq!((&after["secrets"], &after["environment"][2]["name"]), (&json!([]), &json!("TOKEN")));
    let after = registered(container(), SECRETS, "container=web,name=MODE,valueFrom=arn:m").await;
    assert_eq!(after["environment"].as_array().unwrap().len(), 1, "{after}");
}

#[tokio::test]
async fn orb_takes_one_label_a_group_and_cuts_its_value() {
    let after = registered(container(), LABELS, "container=web,a=1,b=x=y,key=team,value=web,MODE=label").await;
    // A label may be called like a variable.
    assert_eq!(after["dockerLabels"], json!({"a": "1", "b": "x=y", "team": "web", "MODE": "label"}));
    let after = registered(container(), LABELS, r#"[{"container": "web", "key": "c", "value": "1,2"}]"#).await;
    assert_eq!(after["dockerLabels"], json!({"c": "1,2"}));
}

#[tokio::test]
async fn orb_cannot_remove_anything() {
    assert_eq!(
        registered(container(), "--remove-env", "web:DB_PASSWORD").await["environment"],
        json!([{"name": "MODE", "value": "plain"}])
    );
}

#[tokio::test]
async fn orb_reads_variables_as_syntax_and_ignores_their_operators() {
    let variables =
        [("SHA", "0123456789ab"), ("W", "w"), ("EMPTY", ""), ("BRANCH", "x,container=web,name=MODE,value=evil")];
    for (text, wanted) in [
        ("${BRANCH}", "x,container=web,name=MODE,value=evil"),
        ("${SHA:0:7}", "0123456"),
        ("${SHA#01}", "23456789ab"),
        ("${SHA//[0-9]/x}", "xxxxxxxxxxab"),
        ("${SHA^^}", "0123456789AB"),
        ("${NONE:-${W}}", "w"),
        ("${NONE:=w}", "w"),
        ("${EMPTY:+x}", ""),
        ("$(id) `id` ~ * \"'", "$(id) `id` ~ * \"'"),
        ("$$SHA", "$SHA"),
        ("$5", "$5"),
    ] {
        let word = format!("{ENV}=container=web,name=A,value={text}");
        let (stage, ended) = update_with(container(), &variables, &[&word]).await;
        assert_eq!(ended.code, 0, "{text}: {}", ended.stderr);
        let environment = stage.body("RegisterTaskDefinition")["containerDefinitions"][0]["environment"].clone();
        assert_eq!(environment[1]["value"], "plain");
        assert_eq!(environment[2]["value"], wanted, "{text}");
    }
    for text in ["$NONE", "${SHA@Q}", "${NONE:?first build}", "${SHA"] {
        let word = format!("{ENV}=container=web,name=A,value={text}");
        let (stage, ended) = update_with(container(), &variables, &[&word]).await;
        assert_eq!((ended.code, stage.writes().len()), (2, 0), "{text}: {}", ended.stderr);
    }
}

/// A definition whose quotes and size break a shell, with tags of AWS's own.
fn hostile() -> Value {
    let mut answer = described();
    let definition = &mut answer["taskDefinition"];
    definition["volumes"] = json!([{"name": "v", "dockerVolumeConfiguration": {"driverOpts": {"o": "a'b'c"}}}]);
    definition["taskRoleArn"] = "arn:aws:iam::123456789012:role/it's".into();
    definition["executionRoleArn"] = "arn:aws:iam::123456789012:role/pull".into();
    definition["networkMode"] = "awsvpc".into();
    definition["placementConstraints"] = json!([{"type": "memberOf", "expression": "attribute:x == 'y'"}]);
    definition["requiresCompatibilities"] = json!(["EC2"]);
    (definition["cpu"], definition["memory"]) = ("256".into(), "512".into());
    (definition["pidMode"], definition["ipcMode"]) = ("task".into(), "none".into());
    definition["proxyConfiguration"] = json!({"type": "APPMESH", "containerName": "web"});
    definition["runtimePlatform"] = json!({"cpuArchitecture": "ARM64"});
    definition["ephemeralStorage"] = json!({"sizeInGiB": 30});
    definition["inferenceAccelerators"] = json!([{"deviceName": "d", "deviceType": "t"}]);
    definition["enableFaultInjection"] = json!(true);
    definition["memberOfTomorrow"] = json!({"deep": [1.50, null, ""]});
    definition["containerDefinitions"][0]["memberOfTomorrow"] = json!("kept");
    definition["containerDefinitions"][0]["environment"][1]["value"] = "'\"$(id)\"' *".repeat(10_000).into();
    answer["tags"] = json!([{"key": "owner", "value": "O'Brien"}, {"key": "aws:x", "value": "y"}]);
    answer
}

#[tokio::test]
async fn orb_loses_members_to_quotes_length_and_old_tools() {
    let stage = Stage::start(&[completed()]).await;
    stage.aws.answer("DescribeTaskDefinition", Reply::json(hostile()));
    let ended = stage.deploy(&["--image=:v2"]).await;
    assert_eq!((ended.code, ended.stdout), (0, arn(8) + "\n"), "{}", ended.stderr);
    let sent = stage.body("RegisterTaskDefinition");
    let mut wanted = hostile()["taskDefinition"].clone();
    wanted["containerDefinitions"][0]["image"] = "host.example/web:v2".into();
    wanted["tags"] = json!([{"key": "owner", "value": "O'Brien"}]);
    for name in ["taskDefinitionArn", "revision", "status"] {
        wanted.as_object_mut().unwrap().shift_remove(name);
    }
    let (sent, wanted) = (sent.to_string(), wanted.to_string());
    assert!(sent == wanted, "{}", &sent[..400]);
    assert_eq!(stage.body("UpdateService")["taskDefinition"], arn(8));
}

#[tokio::test]
async fn orb_writes_every_environment_value_into_the_log() {
    let (_, ended) = update(container(), ENV, "container=web,name=API_TOKEN,value=geheim-1").await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("geheim") && !ended.stdout.contains("geheim"), "{}", ended.stderr);
}

#[tokio::test]
async fn orb_leaves_the_definition_in_the_environment_of_later_steps() {
    let mut stage = Stage::start(&[completed()]).await;
    let file = stage.job.path("bash_env");
    stage.job = stage.job.with("BASH_ENV", file.to_str().unwrap());
    assert_eq!(stage.deploy(&["--image=:v2", "--env=web:API_TOKEN=geheim-1"]).await.code, 0);
    let left = std::fs::read_to_string(file).unwrap();
    let names: Vec<&str> =
        left.lines().map(|line| line.trim_start_matches("export ").split('=').next().unwrap()).collect();
    let ours = ["REGISTERED_TASK_DFN", "DEPLOYED_REVISION", "DEPLOYMENT_ID"];
    assert_eq!(names, ours.map(|name| format!("CCI_ORB_AWS_ECS_{name}")), "{left}");
}

#[tokio::test]
async fn orb_breaks_tags_with_blanks_after_registering() {
    for tags in [
        r#"[ {"key": "a", "value": "b c"}, {"key": "d", "value": "O'Brien, e=f"} ]"#,
        "key=a,value=b c key=d,value=O'Brien, e=f",
    ] {
        let (stage, ended) = update(container(), "--task-definition-tags", tags).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let wanted = json!([{"key": "a", "value": "b c"}, {"key": "d", "value": "O'Brien, e=f"}]);
        assert_eq!(stage.body("RegisterTaskDefinition")["tags"], wanted);
        assert_eq!(stage.operations(), ["DescribeTaskDefinition", "RegisterTaskDefinition"], "no second call for tags");
    }
}

#[tokio::test]
async fn orb_does_not_expand_a_definition_in_a_file() {
    let stage = Stage::start(&[]).await;
    let file =
        r#"{"family": "web", "containerDefinitions": [{"name": "web", "image": "host.example/web:${TAG:-v3}"}]}"#;
    std::fs::write(stage.job.path("web.json"), file).unwrap();
    let words = ["update-task-definition-from-json", "--task-definition-json=web.json"];
    let ended = stage.job.run(&words).await;
    assert_eq!((ended.code, stage.writes().len()), (2, 0), "{}", ended.stderr);
    assert!(ended.stderr.contains("--substitute"), "{}", ended.stderr);
    assert_eq!(stage.job.run(&[&words[..], &["--substitute"]].concat()).await.code, 0);
    assert_eq!(stage.body("RegisterTaskDefinition")["containerDefinitions"][0]["image"], "host.example/web:v3");
}

#[tokio::test]
async fn orb_reads_one_page_of_a_rules_targets() {
    let stage = Stage::start(&[]).await;
    let target = |id: &str| json!({"Id": id, "Arn": "arn:c", "EcsParameters": {"TaskDefinitionArn": arn(7)}});
    stage.aws.next("ListTargetsByRule", Reply::json(json!({"Targets": [target("a")], "NextToken": "more"})));
    stage.aws.answer("ListTargetsByRule", Reply::json(json!({"Targets": [target("b")]})));
    stage.aws.answer("DescribeRule", Reply::json(json!({"State": "ENABLED"})));
    stage.aws.answer("PutTargets", Reply::json(json!({"FailedEntryCount": 0, "FailedEntries": []})));
    let mut answer = described();
    answer["taskDefinition"]["taskDefinitionArn"] = arn(8).into();
    stage.aws.answer("DescribeTaskDefinition", Reply::json(answer));
    let words = ["deploy-scheduled-task", "--rule-name=nightly", "--task-definition-arn=web:8"];
    let ended = stage.job.run(&words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(stage.aws.received_of("ListTargetsByRule")[1].json()["NextToken"], "more");
    let ids: Vec<Value> =
        stage.body("PutTargets")["Targets"].as_array().unwrap().iter().map(|target| target["Id"].clone()).collect();
    assert_eq!(ids, ["a", "b"]);
}
