//! What a container runs: the image's configuration, the task definition over it, the overrides over both. Pure.

use std::time::Duration;

use serde_json::Value;

use super::depend::{self, Need};
use super::health::Timing;
use super::secrets::Given;
use super::wire::Process;
use crate::image::Config;

/// A container of a task, ready to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    pub name: String,
    pub process: Process,
    pub essential: bool,
    pub readonly: bool,
    pub stop_signal: u8,
    pub stop_timeout: Duration,
    /// What must have come about before it starts.
    pub needs: Vec<Need>,
    /// How long it may take to fulfil what others wait for. ECS's agent on EC2 sets no limit of its own, nor do we.
    pub start_timeout: Option<Duration>,
    /// In bytes.
    pub memory: Option<u64>,
    /// The health check's command and timing.
    pub health: Option<(Vec<String>, Timing)>,
    pub mounts: Vec<Mount>,
}

/// A volume of the task, by name, and where the container sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub volume: String,
    pub path: String,
    pub readonly: bool,
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Puts a container together; `overrides` are those of the task, for all of its containers.
pub fn container(definition: &Value, overrides: &Value, config: &Config, given: Given) -> Result<Container, String> {
    let name = text(definition, "name");
    let named = |list: &Value| list.as_array()?.iter().find(|one| one["name"] == name.as_str()).cloned();
    let over = named(&overrides["containerOverrides"]).unwrap_or_default();
    let args = args(definition, &over, config);
    if args.is_empty() {
        return Err("no command specified".into());
    }
    let chosen = |own: &str, image: &str| match text(definition, own) {
        own if own.is_empty() => config.runtime(image).and_then(Value::as_str).unwrap_or_default().to_owned(),
        own => own,
    };
    let process = Process {
        args,
        env: env(definition, &over, config, given),
        cwd: chosen("workingDirectory", "WorkingDir"),
        user: chosen("user", "User"),
    };
    Ok(Container {
        process,
        essential: definition["essential"] != false,
        readonly: definition["readonlyRootFilesystem"] == true,
        stop_signal: config.runtime("StopSignal").and_then(Value::as_str).and_then(signal).unwrap_or(15),
        stop_timeout: Duration::from_secs(definition["stopTimeout"].as_u64().unwrap_or(30)),
        health: health(&definition["healthCheck"]),
        mounts: rows(definition, "mountPoints").map(mount).collect(),
        needs: depend::needs(definition),
        start_timeout: definition["startTimeout"].as_u64().map(Duration::from_secs),
        memory: over["memory"].as_u64().or(definition["memory"].as_u64()).map(|mebibytes| mebibytes << 20),
        name,
    })
}

/// An entry point of the definition silences the image's command as well, as it does in a container engine.
fn args(definition: &Value, over: &Value, config: &Config) -> Vec<String> {
    let own = |from: &Value, name: &str| strings(&from[name]).filter(|list| !list.is_empty());
    let image = |name: &str| config.runtime(name).and_then(strings).unwrap_or_default();
    let entry = own(definition, "entryPoint");
    let command = own(over, "command").or_else(|| own(definition, "command"));
    let usual = || if entry.is_some() { Vec::new() } else { image("Cmd") };
    let command = command.unwrap_or_else(usual);
    entry.clone().unwrap_or_else(|| image("Entrypoint")).into_iter().chain(command).collect()
}

/// Each overrides those before it: the image, files, the definition and its secrets, the overrides.
fn env(definition: &Value, over: &Value, config: &Config, given: Given) -> Vec<(String, String)> {
    let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
    let image = config.runtime("Env").and_then(strings).unwrap_or_default();
    let image = image.iter().filter_map(|entry| entry.split_once('=')).map(|(name, value)| (name.into(), value.into()));
    let listed = |from| rows(from, "environment").map(|row| (text(row, "name"), text(row, "value")));
    let own = given.files.into_iter().chain(listed(definition)).chain(given.secrets).chain(listed(over));
    for (name, value) in image.chain(own) {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => env.push((name, value)),
        }
    }
    env
}

/// `CMD` and its arguments, or `CMD-SHELL` and a line for the shell.
fn health(check: &Value) -> Option<(Vec<String>, Timing)> {
    let command = strings(&check["command"])?;
    let (kind, rest) = command.split_first()?;
    let args = match kind.as_str() {
        "NONE" => return None,
        "CMD" => rest.to_vec(),
        "CMD-SHELL" => vec!["/bin/sh".into(), "-c".into(), rest.join(" ")],
        _ => vec!["/bin/sh".into(), "-c".into(), command.join(" ")],
    };
    Some((args, Timing::of_container(check)))
}

fn mount(row: &Value) -> Mount {
    Mount { volume: text(row, "sourceVolume"), path: text(row, "containerPath"), readonly: row["readOnly"] == true }
}

/// A signal by name or number.
fn signal(text: &str) -> Option<u8> {
    let known =
        [("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15), ("WINCH", 28)];
    let name = text.strip_prefix("SIG").unwrap_or(text);
    known.iter().find(|(known, _)| *known == name).map(|(_, number)| *number).or_else(|| text.parse().ok())
}

fn text(from: &Value, name: &str) -> String {
    from[name].as_str().unwrap_or_default().to_owned()
}

fn strings(list: &Value) -> Option<Vec<String>> {
    Some(list.as_array()?.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect())
}

fn rows<'a>(from: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    from[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image() -> Config {
        let runtime = json!({
            "Entrypoint": ["java"], "Cmd": ["-jar", "app.jar"], "Env": ["PATH=/opt/bin", "A=image"],
            "WorkingDir": "/app", "User": "1000", "StopSignal": "SIGQUIT",
        });
        Config::parse(json!({ "config": runtime }).to_string().as_bytes()).unwrap()
    }

    fn of(definition: Value, over: Value) -> Container {
        container(&definition, &json!({ "containerOverrides": [over] }), &image(), Given::default()).unwrap()
    }

    #[test]
    fn container_runs_what_the_image_says() {
        let container = of(json!({ "name": "web" }), Value::Null);
        assert_eq!(container.process.args, ["java", "-jar", "app.jar"]);
        assert_eq!((container.process.cwd.as_str(), container.process.user.as_str()), ("/app", "1000"));
        assert_eq!((container.stop_signal, container.stop_timeout.as_secs(), container.essential), (3, 30, true));
    }

    #[test]
    fn definition_goes_over_the_image_and_overrides_over_both() {
        let definition = json!({
            "name": "web", "command": ["-version"], "workingDirectory": "/", "stopTimeout": 2,
            "environment": [{ "name": "A", "value": "definition" }, { "name": "B", "value": "definition" }],
        });
        assert_eq!(of(definition.clone(), Value::Null).process.args, ["java", "-version"]);
        let over = json!({ "name": "web", "command": ["x"], "environment": [{ "name": "B", "value": "override" }] });
        let process = of(definition, over).process;
        assert_eq!(process.args, ["java", "x"]);
        let env: Vec<String> = process.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["PATH=/opt/bin", "A=definition", "B=override"]);
    }

    #[test]
    fn entry_point_of_the_definition_silences_the_images_command() {
        assert_eq!(of(json!({ "name": "web", "entryPoint": ["sh"] }), Value::Null).process.args, ["sh"]);
        let nothing = Config::parse(b"{}").unwrap();
        assert!(
            container(&json!({ "name": "web" }), &Value::Null, &nothing, Given::default())
                .unwrap_err()
                .contains("no command")
        );
    }

    #[test]
    fn health_command_is_run_as_it_is_written() {
        let check =
            |command: Value| of(json!({ "name": "w", "healthCheck": { "command": command } }), Value::Null).health;
        assert_eq!(check(json!(["CMD", "a", "b c"])).unwrap().0, ["a", "b c"]);
        assert_eq!(check(json!(["CMD-SHELL", "a || exit 1"])).unwrap().0, ["/bin/sh", "-c", "a || exit 1"]);
        assert_eq!(check(json!(["NONE"])), None);
    }

    #[test]
    fn definition_goes_over_files_and_secrets_over_the_definition() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let given = Given {
            files: vec![pair("A", "file"), pair("B", "file")],
            secrets: vec![pair("C", "secret"), pair("D", "secret")],
        };
        let row = |name: &str, value: &str| json!({ "name": name, "value": value });
        let definition = json!({ "name": "w", "environment": [row("B", "definition"), row("C", "definition")] });
        let over = json!({ "containerOverrides": [{ "name": "w", "environment": [row("D", "override")] }] });
        let env = container(&definition, &over, &image(), given).unwrap().process.env;
        let env: Vec<String> = env.iter().skip(1).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(env, ["A=file", "B=definition", "C=secret", "D=override"]);
    }
}
