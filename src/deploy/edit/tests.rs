use serde_json::json;

use super::*;
use crate::deploy::updates::Texts;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn described() -> Value {
    // Parsed from text: order, number spelling and depth are part of what must survive.
    serde_json::from_str(
        r#"{"taskDefinition": {
            "zFuture": {"deep": [{"n": 18446744073709551615, "f": 1.10, "x": null, "e": "", "l": [], "o": {}}]},
            "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:7",
            "family": "shop", "revision": 7, "status": "ACTIVE",
            "requiresAttributes": [{"name": "x"}], "compatibilities": ["EC2"], "registeredAt": 1.7e9,
            "registeredBy": "arn", "deregisteredAt": 1, "deleteRequestedAt": 2,
            "inferenceAccelerators": [], "enableFaultInjection": true, "trustedExecutionConfiguration": {"a": null},
            "containerDefinitions": [
                {"name": "web", "image": "registry:5000/team/app:v1", "command": ["sh", "", "-c"], "futureMember": null,
                 "environment": [{"name": "A", "value": "1", "futureKey": 5}, {"name": "EMPTY", "value": ""},
                                 {"name": "A", "value": "2"}],
                 "secrets": [{"name": "DB", "valueFrom": "arn:old"}, {"name": "S", "valueFrom": "s"}],
                 "dockerLabels": {"A": "label", "ü": "é\u2028"}},
                {"name": "pinned", "image": "host.example/side:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"name": "bare", "image": "nginx", "environment": null, "dockerLabels": null},
                {"name": "broken", "image": "/nginx:"}
            ]},
          "tags": [{"key": "aws:cloudformation:stack-name", "value": "s"}, {"key": "owner", "value": "O'Brien"}]}"#,
    )
    .unwrap()
}

fn run(texts: Texts<'_>) -> Result<Edited, Error> {
    edit(&described(), &Updates::parse(texts, &|text| Ok(text.to_owned()))?, &[])
}

fn images(images: &str) -> Result<Edited, Error> {
    run(Texts { images, ..Texts::default() })
}

fn image_of(edited: &Edited, container: &str) -> String {
    let containers = edited.body["containerDefinitions"].as_array().unwrap();
    let found = containers.iter().find(|known| known["name"] == container).unwrap();
    found["image"].as_str().unwrap().to_owned()
}

fn web(edited: &Edited) -> &Value {
    &edited.body["containerDefinitions"][0]
}

fn error(result: Result<Edited, Error>) -> Error {
    result.map(|_| ()).expect_err("should be refused")
}

#[test]
fn untouched_definition_loses_nine_names_and_nothing_else() {
    let edited = run(Texts::default()).unwrap();
    let mut expected = described()["taskDefinition"].clone();
    TOLD_ONLY.iter().for_each(|name| {
        expected.as_object_mut().unwrap().shift_remove(*name).expect("fixture has all nine");
    });
    expected["tags"] = json!([{"key": "owner", "value": "O'Brien"}]);
    // As text: order, numbers and empty values included.
    assert_eq!(serde_json::to_string(&edited.body).unwrap(), expected.to_string());
    assert!(edited.changes.is_empty());
    let text = serde_json::to_string(&edited.body).unwrap();
    assert!(text.contains(r#"{"n":18446744073709551615,"f":1.10,"x":null,"e":"","l":[],"o":{}}"#), "{text}");
}

#[test]
fn tags_that_only_aws_sets_leave_no_empty_list() {
    let mut described = described();
    described["tags"] = json!([{"key": "aws:x", "value": "y"}]);
    assert!(!registrable(&described).unwrap().contains_key("tags"));
    described["tags"] = json!([]);
    assert!(!registrable(&described).unwrap().contains_key("tags"));
}

#[test]
fn edit_changes_only_what_was_asked_for() {
    let before = serde_json::to_string(&run(Texts::default()).unwrap().body).unwrap();
    let edited = images("container=web,tag=v2").unwrap();
    let after = serde_json::to_string(&edited.body).unwrap();
    assert_eq!(after, before.replace("team/app:v1", "team/app:v2"));
}

#[test]
fn image_tag_on_port_and_digest() {
    let edited = images("container=web,tag=v2,container=pinned,tag=2,container=bare,tag=1.25").unwrap();
    assert_eq!(image_of(&edited, "web"), "registry:5000/team/app:v2");
    assert_eq!(image_of(&edited, "pinned"), "host.example/side:2");
    assert_eq!(image_of(&edited, "bare"), "nginx:1.25");
}

#[test]
fn image_repository_keeps_the_tag_and_drops_the_digest() {
    let edited =
        images("container=web,image=other/app,container=pinned,image=o:1/side,container=bare,image=b").unwrap();
    assert_eq!(image_of(&edited, "web"), "other/app:v1");
    assert_eq!(image_of(&edited, "pinned"), "o:1/side:1");
    assert_eq!(image_of(&edited, "bare"), "b");
    assert_eq!(edited.warnings.len(), 1, "{:?}", edited.warnings);
}

#[test]
fn image_repository_without_a_tag_to_keep_is_refused() {
    let mut described = described();
    described["taskDefinition"]["containerDefinitions"][0]["image"] = format!("a/b@{DIGEST}").into();
    let texts = Texts { images: "container=web,image=c/d", ..Texts::default() };
    let updates = Updates::parse(texts, &|text| Ok(text.to_owned())).unwrap();
    assert!(error(edit(&described, &updates, &[])).to_string().contains("has a digest only"));
}

#[test]
fn image_tag_on_a_broken_image_is_refused() {
    assert!(error(images("container=broken,tag=v2")).to_string().contains("'/nginx:v2'"));
    assert_eq!(image_of(&images("container=broken,image-and-tag=nginx:1").unwrap(), "broken"), "nginx:1");
}

#[test]
fn image_groups_for_one_container_compose() {
    let edited = images("container=web,image=other/app,container=web,tag=v3").unwrap();
    assert_eq!(image_of(&edited, "web"), "other/app:v3");
    assert_eq!(edited.changes.len(), 1);
    assert_eq!(edited.changes[0].old.as_deref(), Some("registry:5000/team/app:v1"));
}

#[test]
fn container_that_is_not_there_is_refused_with_those_that_are() {
    use crate::report::Explain;
    let error = error(images("container=wep,tag=v2"));
    assert!(error.to_string().contains("no container 'wep' in shop:7"), "{error}");
    assert_eq!(error.hint().unwrap(), "Did you mean 'web'? It has web, pinned, bare, broken.");
}

#[test]
fn env_is_replaced_in_place_once_and_appended() {
    let edited = run(Texts { env: "container=web,name=A,value=3,name=NEW,value=a=b", ..Texts::default() }).unwrap();
    assert_eq!(
        web(&edited)["environment"].to_string(),
        r#"[{"name":"A","value":"3","futureKey":5},{"name":"EMPTY","value":""},{"name":"NEW","value":"a=b"}]"#
    );
    assert_eq!(edited.changes[0].old.as_deref(), Some("2"), "the last of a repeated name was in force");
}

#[test]
fn env_repeated_in_the_update_wins_last_and_stands_once() {
    let edited = run(Texts { env: "container=bare,name=N,value=1,name=N,value=2", ..Texts::default() }).unwrap();
    assert_eq!(edited.body["containerDefinitions"][2]["environment"], json!([{"name": "N", "value": "2"}]));
    assert_eq!(edited.changes.len(), 1);
}

#[test]
fn env_equal_to_what_is_there_is_no_change() {
    let edited = run(Texts { env: "container=web,name=EMPTY,value=", ..Texts::default() }).unwrap();
    assert!(edited.changes.is_empty());
}

#[test]
fn name_moves_between_env_and_secrets() {
    let edited = run(Texts {
        env: "container=web,name=DB,value=plain",
        secrets: "container=web,name=A,valueFrom=arn:new",
        ..Texts::default()
    })
    .unwrap();
    assert_eq!(
        web(&edited)["secrets"],
        json!([{"name": "S", "valueFrom": "s"}, {"name": "A", "valueFrom": "arn:new"}])
    );
    assert_eq!(web(&edited)["environment"], json!([{"name": "EMPTY", "value": ""}, {"name": "DB", "value": "plain"}]));
    assert_eq!((edited.warnings.len(), edited.changes.len()), (2, 4));
}

#[test]
fn labels_named_like_a_variable_are_set() {
    let edited = run(Texts { labels: "container=web,A=x,B=y=z,container=bare,C=1", ..Texts::default() }).unwrap();
    assert_eq!(web(&edited)["dockerLabels"], json!({"A": "x", "ü": "é\u{2028}", "B": "y=z"}));
    assert_eq!(edited.body["containerDefinitions"][2]["dockerLabels"], json!({"C": "1"}));
}

#[test]
fn tags_are_set_by_key() {
    let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
    let edited = edit(&described(), &Updates::default(), &[tag("owner", "me"), tag("v", "1")]).unwrap();
    assert_eq!(edited.body["tags"], json!([{"key": "owner", "value": "me"}, {"key": "v", "value": "1"}]));
    assert_eq!(edited.changes.len(), 2);
}

#[test]
fn changes_hide_secret_values() {
    let edited =
        run(Texts { env: "container=web,name=API_TOKEN,value=hunter2,name=V,value=1", ..Texts::default() }).unwrap();
    assert!(edited.changes[0].secret && !edited.changes[1].secret);
    assert!(!format!("{:?}", edited.changes).contains("hunter2"));
}
