//! RunTask's `overrides`: those that were given as JSON, with the changes of the flags over them. Unlike a new
//! revision they hold for these tasks alone.

use serde_json::{Map, Value, json};

use super::Error;
use super::error::input;
use crate::deploy;
use crate::deploy::updates::{Origin, Subst, Updates};
use crate::nearest::nearest;

const WHAT: &str = "overrides";

/// RunTask refuses more (API reference, RunTask).
const LONGEST: usize = 8192;

/// Takes the JSON apart, then expands the variables in each of its texts.
pub fn read(text: &str, subst: Subst<'_>) -> Result<Map<String, Value>, Error> {
    let hint = r#"Write {"containerOverrides": [{"name": "web", "command": ["migrate"]}]}."#;
    let document = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    let mut document: Value = document.map_err(|why| input(WHAT, format!("not valid JSON: {why}"), hint))?;
    expand(WHAT, &mut document, subst)?;
    match document {
        Value::Object(members) => Ok(members),
        _ => Err(input(WHAT, "it is no JSON object", hint)),
    }
}

/// Replaces the variables in every text of what `what` was given.
pub fn expand(what: &'static str, document: &mut Value, subst: Subst<'_>) -> Result<(), Error> {
    let named = |why| match why {
        deploy::Error::Input { why, hint, .. } => deploy::Error::Input { what, why, hint },
        other => other,
    };
    Ok(deploy::substitute(document, subst).map_err(named)?)
}

/// Over the given ones goes what the flags say. `words` are for `main`.
pub fn merged(
    given: &Map<String, Value>,
    updates: &Updates,
    words: &[String],
    main: Option<&str>,
    known: &[&str],
) -> Result<Map<String, Value>, Error> {
    let mut merged = Merged { overrides: given.clone(), known };
    merged.apply(&named(updates, known)?);
    if !words.is_empty() {
        let why = "the task has several containers";
        let unnamed =
            || input("COMMAND", why, format!("Give --exit-code-from, or --command CONTAINER=JSON. {}", has(known)));
        let main = main.or(only(known)).ok_or_else(unnamed)?;
        merged.container(main)["command"] = words.into();
    }
    merged.check()?;
    Ok(merged.overrides)
}

fn only<'a>(known: &[&'a str]) -> Option<&'a str> {
    if let [only] = known { Some(only) } else { None }
}

fn has(known: &[&str]) -> String {
    format!("It has {}.", known.join(", "))
}

/// The updates with every container named.
fn named(updates: &Updates, known: &[&str]) -> Result<Updates, Error> {
    let mut updates = updates.clone();
    for (container, Origin { parameter, .. }) in updates.containers() {
        if container.is_empty() {
            let unnamed = || input(parameter, "no container is named", format!("Name the container. {}", has(known)));
            *container = only(known).ok_or_else(unnamed)?.to_owned();
        }
        check_name(parameter, container, known)?;
    }
    Ok(updates)
}

pub fn check_name(what: &'static str, name: &str, known: &[&str]) -> Result<(), Error> {
    if known.contains(&name) {
        return Ok(());
    }
    let meant = nearest(name, known.iter().copied()).map(|name| format!("Did you mean '{name}'? ")).unwrap_or_default();
    Err(input(what, format!("there is no container '{name}' in the task definition"), meant + &has(known)))
}

struct Merged<'a> {
    overrides: Map<String, Value>,
    known: &'a [&'a str],
}

impl Merged<'_> {
    fn apply(&mut self, updates: &Updates) {
        for variable in &updates.env {
            set_variable(self.container(&variable.container), &variable.name, &variable.value);
        }
        for command in &updates.commands {
            self.container(&command.container)["command"] = command.words.clone().into();
        }
        for size in &updates.sizes {
            match &size.container {
                Some(container) => self.container(container)[size.size.member()] = size.amount.into(),
                None => drop(self.overrides.insert(size.size.member().into(), size.amount.to_string().into())),
            }
        }
        let roles = [("taskRoleArn", &updates.task_role), ("executionRoleArn", &updates.execution_role)];
        for (member, role) in roles.into_iter().filter_map(|(member, role)| Some((member, role.as_ref()?))) {
            self.overrides.insert(member.into(), role.clone().into());
        }
    }

    /// The container's entry, made if there is none.
    fn container(&mut self, name: &str) -> &mut Value {
        let list = self.overrides.entry("containerOverrides").or_insert_with(|| json!([]));
        if !list.is_array() {
            *list = json!([]);
        }
        let entries = list.as_array_mut().expect("made above");
        let at = entries.iter().position(|entry| entry["name"] == name).unwrap_or_else(|| {
            entries.push(json!({ "name": name }));
            entries.len() - 1
        });
        &mut entries[at]
    }

    fn check(&self) -> Result<(), Error> {
        let entries = self.overrides.get("containerOverrides").and_then(Value::as_array).into_iter().flatten();
        for entry in entries {
            check_name(WHAT, entry["name"].as_str().unwrap_or_default(), self.known)?;
        }
        let length = Value::Object(self.overrides.clone()).to_string().chars().count();
        if length > LONGEST {
            let hint = "Put what is long into a revision of the task definition, a secret or a file.";
            return Err(input(WHAT, format!("they have {length} characters, and ECS takes {LONGEST}"), hint));
        }
        Ok(())
    }
}

fn set_variable(container: &mut Value, name: &str, value: &str) {
    if !container["environment"].is_array() {
        container["environment"] = json!([]);
    }
    let list = container["environment"].as_array_mut().expect("made above");
    match list.iter_mut().find(|known| known["name"] == name) {
        Some(known) => known["value"] = value.into(),
        None => list.push(json!({ "name": name, "value": value })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::updates::{Flags, Texts};

    const SUBST: Subst<'_> = &|text| Ok(text.replace("$V", "a\",b"));

    fn updates(flags: Flags) -> Updates {
        Updates::parse(Texts::default(), SUBST).unwrap().with(&flags, SUBST).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn overrides_flags_go_over_the_given_ones_and_the_rest_stays() {
        let given = read(
            r#"{"futureMember": {"kept": true}, "containerOverrides": [{"name": "web", "command": ["x"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "$V"}]}]}"#,
            SUBST,
        )
        .unwrap();
        let flags = Flags {
            env: texts(&["web:A=2", "log:C=3"]),
            command: texts(&[r#"web=["migrate","$V"]"#]),
            cpu: texts(&["512", "web=256"]),
            task_role: Some("arn:aws:iam::123456789012:role/x".into()),
            ..Flags::default()
        };
        let merged = merged(&given, &updates(flags), &[], None, &["web", "log"]).unwrap();
        let wanted = json!({ "futureMember": {"kept": true}, "containerOverrides": [
            { "name": "web", "command": ["migrate", "a\",b"], "cpu": 256,
              "environment": [{ "name": "A", "value": "2" }, { "name": "B", "value": "a\",b" }] },
            { "name": "log", "environment": [{ "name": "C", "value": "3" }] },
        ], "cpu": "512", "taskRoleArn": "arn:aws:iam::123456789012:role/x" });
        assert_eq!(Value::Object(merged), wanted);
    }

    #[test]
    fn overrides_words_are_for_the_only_container_or_the_one_that_counts() {
        let words = texts(&["rake", "db:migrate"]);
        let run = |main, known: &[&str]| merged(&Map::new(), &Updates::default(), &words, main, known);
        let wanted = json!({ "containerOverrides": [{ "name": "web", "command": ["rake", "db:migrate"] }] });
        assert_eq!(Value::Object(run(None, &["web"]).unwrap()), wanted);
        assert_eq!(Value::Object(run(Some("web"), &["log", "web"]).unwrap()), wanted);
        assert!(run(None, &["log", "web"]).unwrap_err().to_string().contains("several containers"));
    }

    #[test]
    fn overrides_that_cannot_be_right_are_refused() {
        let flags = |env: &str| updates(Flags { env: texts(&[env]), ..Flags::default() });
        let run =
            |updates: &Updates, known: &[&str]| merged(&Map::new(), updates, &[], None, known).unwrap_err().to_string();
        assert!(run(&flags("wbe:A=1"), &["web"]).contains("there is no container 'wbe'"));
        assert!(run(&flags("A=1"), &["web", "log"]).contains("no container is named"));
        assert!(run(&flags(&format!("A={}", "x".repeat(9000))), &["web"]).contains("ECS takes 8192"));
        assert!(read("[1]", SUBST).is_err() && read("{", SUBST).is_err());
    }
}
