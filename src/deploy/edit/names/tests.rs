use serde_json::{Value, json};

use crate::deploy::edit::{Edited, edit};
use crate::deploy::{Error, Flags, Updates};
use crate::report::Explain;

fn container(name: &str) -> Value {
    json!({
        "name": name, "image": "nginx:1",
        "environment": [{"name": "A", "value": "1", "later": true}, {"name": "B", "value": "2"}],
        "secrets": [{"name": "S", "valueFrom": "arn:s"}, {"name": "T", "valueFrom": "arn:t"}],
        "dockerLabels": {"x": "1", "y": "2", "z": "3"},
    })
}

fn described(names: &[&str]) -> Value {
    let containers: Vec<Value> = names.iter().map(|name| container(name)).collect();
    json!({"taskDefinition": {"taskDefinitionArn": "arn:x:task-definition/shop:7", "family": "shop",
        "containerDefinitions": containers}})
}

fn run(names: &[&str], flags: Flags) -> Result<Edited, Error> {
    let updates = Updates::default().with(&flags, &|text| Ok(text.to_owned()))?;
    edit(&described(names), &updates, &[])
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn told(edited: &Edited) -> Vec<String> {
    edited.changes.iter().map(|change| change.to_string().trim().to_owned()).collect()
}

fn web(edited: &Edited) -> &Value {
    &edited.body["containerDefinitions"][0]
}

#[test]
fn names_are_removed_and_the_rest_stays() {
    let flags =
        Flags { remove_env: one("web:B"), remove_secret: one("web:S"), remove_label: one("web:y"), ..Flags::default() };
    let edited = run(&["web"], flags).unwrap();
    assert_eq!(web(&edited)["environment"], json!([{"name": "A", "value": "1", "later": true}]));
    assert_eq!(web(&edited)["secrets"], json!([{"name": "T", "valueFrom": "arn:t"}]));
    // As text: the order of the labels stays.
    assert_eq!(web(&edited)["dockerLabels"].to_string(), r#"{"x":"1","z":"3"}"#);
    assert_eq!(told(&edited), ["- web variable B: 2", "- web secret S: arn:s", "- web label y: 2"]);
}

#[test]
fn removing_what_is_gone_changes_nothing_and_warns_of_a_slip() {
    let edited = run(&["web"], Flags { remove_label: one("web:xx"), remove_env: one("web:GONE"), ..Flags::default() });
    let edited = edited.unwrap();
    assert!(edited.changes.is_empty());
    assert_eq!(
        edited.warnings,
        ["web: there is no variable GONE to remove", "web: there is no label xx to remove; did you mean 'x'?"]
    );
}

#[test]
fn replaced_list_holds_what_is_given_alone() {
    let flags = Flags {
        replace_env: one("web"),
        env: vec!["web:B=3".into(), "web:C=4".into()],
        replace_labels: one("web"),
        ..Flags::default()
    };
    let edited = run(&["web", "side"], flags).unwrap();
    assert_eq!(web(&edited)["environment"], json!([{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]));
    assert_eq!(web(&edited)["dockerLabels"], json!({}));
    assert_eq!(web(&edited)["secrets"], container("web")["secrets"]);
    assert_eq!(edited.body["containerDefinitions"][1], container("side"));
    assert_eq!(told(&edited)[..2], ["- web variable A: 1", "- web label x: 1"]);
}

#[test]
fn name_moves_between_variables_and_secrets_with_a_word() {
    let flags = Flags { env: one("web:S=open"), secret: one("web:A=arn:a"), ..Flags::default() };
    let edited = run(&["web"], flags).unwrap();
    assert_eq!(web(&edited)["environment"], json!([{"name": "B", "value": "2"}, {"name": "S", "value": "open"}]));
    assert_eq!(
        web(&edited)["secrets"],
        json!([{"name": "T", "valueFrom": "arn:t"}, {"name": "A", "valueFrom": "arn:a"}])
    );
    assert_eq!(edited.warnings.len(), 2);
    assert!(edited.warnings[0].contains("S moves from 'secrets' to 'environment'"), "{:?}", edited.warnings);
}

#[test]
fn container_may_be_left_out_only_where_there_is_but_one() {
    let flags = || Flags { env: one("A=9"), image: one("nginx:2"), remove_label: one("x"), ..Flags::default() };
    let edited = run(&["web"], flags()).unwrap();
    assert_eq!(told(&edited), ["- web label x: 1", "~ web variable A: 1 -> 9", "~ web image: nginx:1 -> nginx:2"]);
    let error = run(&["web", "side"], flags()).err().unwrap();
    assert_eq!(error.to_string(), "--image, occurrence 1: no container is named, and shop:7 has 2");
    assert_eq!(error.hint().unwrap(), "Name the container. It has web, side.");
}

#[test]
fn contradictions_show_once_containers_are_known() {
    let flags = Flags { env: one("A=1"), secret: one("web:A=arn"), ..Flags::default() };
    assert_eq!(
        run(&["web"], flags).err().unwrap().to_string(),
        "--secret, occurrence 1: A is given as a variable as well"
    );
    let flags = Flags { remove_env: one("A"), env: one("web:A=1"), ..Flags::default() };
    assert!(run(&["web"], flags).is_err());
}

#[test]
fn unknown_container_is_refused_whatever_is_asked_of_it() {
    for flags in [
        Flags { remove_env: one("wep:A"), ..Flags::default() },
        Flags { replace_env: one("wep"), ..Flags::default() },
        Flags { env: one("wep:A=1"), ..Flags::default() },
        Flags { label: one("wep:A=1"), ..Flags::default() },
        Flags { image: one("wep=:2"), ..Flags::default() },
        Flags { command: one("wep=[]"), ..Flags::default() },
        Flags { cpu: one("wep=256"), ..Flags::default() },
    ] {
        let error = run(&["web"], flags).err().unwrap();
        assert!(error.to_string().ends_with("there is no container 'wep' in shop:7"), "{error}");
        assert_eq!(error.hint().unwrap(), "Did you mean 'web'? It has web.");
    }
}
