//! Variables in the words of every subcommand: each flag that takes a value has them replaced, in one way. The flags
//! are those of the reference, so none can be forgotten.

use std::process::Command;

/// Flags that hold a language of their own, whose variables are replaced once it has been read, with such a text.
const TEMPLATES: &[(&str, &str)] = &[
    ("container-image-name-updates", "container=a,tag=$NONE"),
    ("container-env-var-updates", "container=a,name=b,value=$NONE"),
    ("container-secret-updates", "container=a,name=b,valueFrom=$NONE"),
    ("container-docker-label-updates", "container=a,b=$NONE"),
    ("task-definition-tags", "key=a,value=$NONE"),
    ("repo-tag", "key=a,value=$NONE"),
    ("tag", "key=a,value=$NONE"),
    ("tags", "key=a,value=$NONE"),
    ("image", "a=b:$NONE"),
    ("env", "a:b=$NONE"),
    ("secret", "a:b=$NONE"),
    ("label", "a:b=$NONE"),
    ("remove-env", "a:$NONE"),
    ("remove-secret", "a:$NONE"),
    ("remove-label", "a:$NONE"),
    ("replace-env", "$NONE"),
    ("replace-secrets", "$NONE"),
    ("replace-labels", "$NONE"),
    ("command", r#"a=["$NONE"]"#),
    ("cpu", "a=$NONE"),
    ("memory", "a=$NONE"),
    ("overrides", r#"{"a": ["$NONE"]}"#),
    ("capacity-provider-strategy", "capacityProvider=$NONE"),
    ("placement-constraints", "type=$NONE"),
    ("placement-strategy", "type=$NONE"),
];

/// What a subcommand needs besides, for its templates to be read.
const NEEDED: &[(&str, &[&str])] = &[
    ("build-and-push", &["--jar=a.jar", "--to=oci:a"]),
    ("create-repo", &["--repo=a"]),
    ("tag-repo", &["--repo=a"]),
    ("update-task-definition", &["--family=a"]),
    ("update-task-definition-from-json", &["--task-definition-json=a.json"]),
    ("deploy-service-update", &["--cluster=a", "--family=a"]),
    ("diff", &["--family=a"]),
    ("run-task", &["--cluster=a", "--task-definition=a"]),
    ("deploy-scheduled-task", &["--rule-name=a", "--family=a"]),
];

fn said(words: &[&str]) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockless"));
    command.args(words).env_clear().env("HOME", home.path()).current_dir(home.path());
    std::fs::write(home.path().join("a.json"), r#"{"family": "a", "containerDefinitions": []}"#).unwrap();
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Each subcommand with the flags that take a value, those of every subcommand among them.
fn flags<'r>(reference: &'r str) -> Vec<(&'r str, Vec<&'r str>)> {
    let chapters = reference.split("\n## ").map(|chapter| chapter.split_once('\n').unwrap());
    let valued = |row: &'r str| Some(row.strip_prefix("| `--")?.split_once('`')?.0.split_once(' ')?.0);
    let named = chapters.map(|(title, text)| {
        let own = text.split("\n### ").next().unwrap_or_default().lines();
        let name = title.trim_start_matches("## ").strip_prefix("dockless ").unwrap_or_default();
        (name, own.filter_map(valued).collect())
    });
    named.collect()
}

#[test]
fn every_flag_of_every_subcommand_has_its_variables_replaced() {
    let reference = dockless::cli::reference();
    let all = flags(&reference);
    let global = all.iter().find(|(name, _)| name.is_empty()).unwrap().1.clone();
    let mut checked = 0;
    for (subcommand, own) in all.iter().filter(|(name, _)| !["", "completions", "sandbox"].contains(name)) {
        for flag in own.iter().chain(&global) {
            let needed = NEEDED.iter().find(|(name, _)| name == subcommand).map_or(&[][..], |(_, words)| words);
            let template = TEMPLATES.iter().find(|(name, _)| name == flag).filter(|_| !needed.is_empty());
            let (text, needed) = template.map_or(("a=${NONE}", &[][..]), |(_, text)| (text, needed));
            let word = format!("--{flag}={text}");
            let (code, stderr) = said(&[&[*subcommand], needed, &[word.as_str()]].concat());
            let named = stderr.lines().next().is_some_and(|line| line.ends_with("variable NONE is not set"));
            assert!(code == Some(2) && named && stderr.contains("\nhint: Set NONE"), "{subcommand} {word}: {stderr}");
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} flags were checked");
}
