use serde_json::{Value, json};

use crate::deploy::edit::{Edited, edit};
use crate::deploy::{Error, Flags, Updates};
use crate::report::Explain;

fn described() -> Value {
    json!({"taskDefinition": {
        "taskDefinitionArn": "arn:x:task-definition/shop:7", "family": "shop", "cpu": "256", "memory": "512",
        "taskRoleArn": "arn:aws:iam::123456789012:role/team/shop", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "cpu": 0, "command": ["serve", "--token=abc"]}],
    }})
}

fn run(described: &Value, flags: Flags) -> Result<Edited, Error> {
    let updates = Updates::default().with(&flags, &|text| Ok(text.to_owned()))?;
    edit(described, &updates, &[])
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn told(edited: &Edited) -> Vec<String> {
    edited.changes.iter().map(|change| change.to_string().trim().to_owned()).collect()
}

#[test]
fn sizes_of_the_task_are_text_and_of_a_container_numbers() {
    let flags = Flags { cpu: vec!["512".into(), "web=128".into()], memory: one("1GB"), ..Flags::default() };
    let edited = run(&described(), flags).unwrap();
    assert_eq!((&edited.body["cpu"], &edited.body["memory"]), (&json!("512"), &json!("1024")));
    assert_eq!(edited.body["containerDefinitions"][0]["cpu"], json!(128));
    assert_eq!(told(&edited), ["~ cpu: 256 -> 512", "~ web cpu: 0 -> 128", "~ memory: 512 -> 1024"]);
}

#[test]
fn what_is_so_already_is_no_change() {
    let flags = Flags {
        cpu: vec!["0.25 vCPU".into(), "web=0".into()],
        command: one(r#"["serve", "--token=abc"]"#),
        task_role: Some("shop".into()),
        ..Flags::default()
    };
    assert_eq!(told(&run(&described(), flags).unwrap()), [""; 0]);
}

#[test]
fn size_that_fargate_does_not_run_is_refused() {
    for (cpu, memory) in [("256", "3072"), ("256", "1536"), ("512", "1000"), ("1024", "1024"), ("8192", "20000")] {
        let error = run(&described(), Flags { cpu: one(cpu), memory: one(memory), ..Flags::default() }).err().unwrap();
        assert_eq!(
            error.to_string(),
            format!("cpu and memory: Fargate has no task of {cpu} CPU units and {memory} MiB")
        );
        assert!(error.hint().unwrap().starts_with(&format!("With {cpu} units it is ")));
    }
    for (cpu, memory) in [("256", "2048"), ("512", "3072"), ("4096", "30720"), ("16384", "122880"), ("32768", "249856")]
    {
        assert!(run(&described(), Flags { cpu: one(cpu), memory: one(memory), ..Flags::default() }).is_ok(), "{cpu}");
    }
    let odd = Flags { cpu: one("300"), memory: one("512"), ..Flags::default() };
    assert_eq!(run(&described(), odd).err().unwrap().to_string(), "cpu: Fargate has no task of 300 CPU units");
    let mut ec2 = described();
    ec2["taskDefinition"]["requiresCompatibilities"] = json!(["EC2"]);
    assert!(run(&ec2, Flags { memory: one("300"), ..Flags::default() }).is_ok());
}

#[test]
fn command_changes_and_goes_back_to_the_images_own() {
    let edited = run(&described(), Flags { command: one(r#"["a b",""]"#), ..Flags::default() }).unwrap();
    assert_eq!(edited.body["containerDefinitions"][0]["command"], json!(["a b", ""]));
    assert_eq!(told(&edited), ["~ web command: *** -> ***"], "the old one has a token in it");
    let edited = run(&described(), Flags { command: one("web=[]"), ..Flags::default() }).unwrap();
    assert_eq!(edited.body["containerDefinitions"][0].get("command"), None);
    assert_eq!(edited.changes[0].new, None);
}

#[test]
fn roles_are_the_definitions_own() {
    let (task, execution) = (Some("other".to_owned()), Some("arn:aws:iam::123456789012:role/pull".to_owned()));
    let edited = run(&described(), Flags { task_role: task, execution_role: execution, ..Flags::default() }).unwrap();
    assert_eq!(edited.body["taskRoleArn"], "other");
    assert_eq!(
        told(&edited),
        [
            "~ task role: arn:aws:iam::123456789012:role/team/shop -> other",
            "+ execution role: arn:aws:iam::123456789012:role/pull"
        ]
    );
}
