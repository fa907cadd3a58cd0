//! What tasks get from elsewhere in AWS: secrets, parameters, files of variables. None of these services is here, so
//! a file gives the values, by the names that task definitions use. A name that is not in it stops the task with the
//! reason that ECS gives. Values are in no log, no argument and no error.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Error;

/// Values by `valueFrom`; paths by the ARN of a file in S3.
#[derive(Clone, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    /// Paths are relative to it.
    dir: PathBuf,
}

/// What a container gets of it, as variables.
#[derive(Default)]
pub struct Given {
    pub files: Vec<(String, String)>,
    pub secrets: Vec<(String, String)>,
}

const CURE: &str = "name it in the file that `dockless sandbox start --secrets FILE` is given";

impl Secrets {
    /// A JSON object of strings, or of objects for secrets that hold JSON. Nobody else may be able to read the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |why: String| Error::Secrets { path: path.to_owned(), why };
        let mut file = File::open(path).map_err(|why| refuse(why.to_string()))?;
        let mode = file.metadata().map_err(|why| refuse(why.to_string()))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(refuse(format!("others may read it (mode {mode:04o})")));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|why| refuse(why.to_string()))?;
        // What the parser has to say may hold a value.
        let place =
            |why: serde_json::Error| format!("not a JSON object (line {}, column {})", why.line(), why.column());
        let document: BTreeMap<String, Value> = serde_json::from_str(&text).map_err(|why| refuse(place(why)))?;
        let values = document.into_iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name, text.into())),
            Value::Object(_) => Ok((name, value.to_string().into())),
            _ => Err(refuse(format!("the value of {name} is neither a string nor an object"))),
        });
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Secrets { values: values.collect::<Result<_, _>>()?, dir })
    }

    /// What this container definition asks for.
    pub fn of(&self, definition: &Value) -> Result<Given, Error> {
        let rows = |member: &str| definition[member].as_array().cloned().unwrap_or_default();
        let text = |row: &Value, member: &str| row[member].as_str().unwrap_or_default().to_owned();
        let mut given = Given::default();
        for row in rows("environmentFiles") {
            let variables = self.variables(&text(&row, "value"))?;
            // The first value of a variable counts.
            let news = variables.into_iter().filter(|(name, _)| !given.files.iter().any(|(known, _)| known == name));
            let news: Vec<_> = news.collect();
            given.files.extend(news);
        }
        for row in rows("secrets") {
            let value = self.value(&text(&row, "valueFrom"))?;
            given.secrets.push((text(&row, "name"), value));
        }
        Ok(given)
    }

    fn value(&self, from: &str) -> Result<String, Error> {
        if let Some(value) = self.values.get(from) {
            return Ok(value.expose_secret().to_owned());
        }
        match Source::of(from) {
            Source::Secret { arn, key } => {
                let value = self.values.get(&arn).ok_or_else(|| missing_secret(&arn))?;
                if key.is_empty() { Ok(value.expose_secret().to_owned()) } else { member(value, &arn, &key) }
            }
            Source::Parameter(name) => {
                let value = self.values.get(&name).ok_or_else(|| missing_parameter(&name))?;
                Ok(value.expose_secret().to_owned())
            }
        }
    }

    /// The lines `NAME=VALUE` of a file in S3. Values are taken as they stand.
    fn variables(&self, arn: &str) -> Result<Vec<(String, String)>, Error> {
        let refuse = |why: String| {
            Error::Initialization(format!("ResourceInitializationError: failed to download env files: {arn}: {why}"))
        };
        let path = self
            .values
            .get(arn)
            .ok_or_else(|| refuse(format!("there is no S3 in the sandbox ({CURE}, with its path)")))?;
        let path = self.dir.join(path.expose_secret());
        let text = fs::read_to_string(&path).map_err(|why| refuse(format!("{}: {why}", path.display())))?;
        let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
        Ok(lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// What a `valueFrom` names.
#[derive(Debug, PartialEq)]
enum Source {
    /// `…:secret:NAME:JSON-KEY:STAGE:VERSION`, the last three optional and at times empty.
    Secret { arn: String, key: String },
    /// By name, or as `…:parameter/NAME`, which leaves out the slash that a path begins with.
    Parameter(String),
}

impl Source {
    fn of(from: &str) -> Self {
        let parts: Vec<&str> = from.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "secretsmanager", _, _, "secret", name, rest @ ..] => Source::Secret {
                arn: [&parts[..6], &[*name]].concat().join(":"),
                key: rest.first().map(|key| (*key).to_owned()).unwrap_or_default(),
            },
            ["arn", _, "ssm", _, _, name] => {
                let name = name.strip_prefix("parameter").unwrap_or(name);
                let is_path = name.matches('/').count() > 1;
                Source::Parameter(if is_path { name } else { name.trim_start_matches('/') }.to_owned())
            }
            _ => Source::Parameter(from.to_owned()),
        }
    }
}

fn member(value: &SecretString, arn: &str, key: &str) -> Result<String, Error> {
    let document: Option<Value> = serde_json::from_str(value.expose_secret()).ok();
    match document.as_ref().and_then(|document| document.get(key)) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(initialization(&format!(
            "unable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets \
             Manager did not contain json key {key}: {arn}"
        ))),
    }
}

fn missing_secret(arn: &str) -> Error {
    initialization(&format!(
        "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret {arn} from \
         secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret. ({CURE})"
    ))
}

fn missing_parameter(name: &str) -> Error {
    initialization(&format!(
        "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: {name} ({CURE})"
    ))
}

fn initialization(why: &str) -> Error {
    let what = "unable to pull secrets or registry auth: execution resource retrieval failed";
    Error::Initialization(format!("ResourceInitializationError: {what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
    const FILE: &str = "arn:aws:s3:::bucket/app.env";

    fn read(document: &Value, mode: u32) -> Result<Secrets, Error> {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secrets.json");
        fs::write(&path, document.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Secrets::read(&path)
    }

    fn of(secrets: &Secrets, from: &str) -> Result<String, String> {
        let given = secrets.of(&json!({ "secrets": [{ "name": "TOKEN", "valueFrom": from }] }));
        given.map(|given| given.secrets[0].1.clone()).map_err(|why| why.to_string())
    }

    #[test]
    fn value_is_found_by_the_names_that_a_definition_may_use() {
        let values = json!({ ARN: { "user": "me", "port": 5432 }, "/app/token": "path", "flat": "name" });
        let secrets = read(&values, 0o600).unwrap();
        let found = |from: &str| of(&secrets, from).unwrap();
        assert_eq!((found(&format!("{ARN}:user::")), found(&format!("{ARN}:port"))), ("me".into(), "5432".into()));
        assert_eq!(found(&format!("{ARN}:::")), r#"{"user":"me","port":5432}"#);
        assert_eq!((found("/app/token"), found("flat")), ("path".into(), "name".into()));
        assert_eq!(found("arn:aws:ssm:eu-west-1:111122223333:parameter/app/token"), "path");
        assert_eq!(found("arn:aws:ssm:eu-west-1:111122223333:parameter/flat"), "name");
    }

    #[test]
    fn missing_value_is_told_in_the_words_of_ecs_and_others_are_not() {
        let secrets = read(&json!({ ARN: { "user": "hush" }, FILE: "/no/such/file" }), 0o600).unwrap();
        for from in ["arn:aws:secretsmanager:eu-west-1:1:secret:x", &format!("{ARN}:nokey::"), "/app/none"] {
            let why = of(&secrets, from).unwrap_err();
            let begin = "ResourceInitializationError: unable to pull secrets or registry auth: ";
            assert!(why.starts_with(begin) && !why.contains("hush"), "{why}");
        }
        for file in [FILE, "arn:aws:s3:::bucket/other.env"] {
            let why = secrets.of(&json!({ "environmentFiles": [{ "value": file, "type": "s3" }] })).err().unwrap();
            assert!(why.to_string().contains("failed to download env files"), "{why}");
        }
        assert_eq!(format!("{secrets:?}"), format!("{{{FILE:?}, {ARN:?}}}"));
    }

    #[test]
    fn files_give_their_variables_and_the_first_counts() {
        let dir = tempfile::TempDir::new().unwrap();
        fs::write(dir.path().join("a.env"), "# A=comment\nA=1=\"x\"\n\nB=\n").unwrap();
        fs::write(dir.path().join("b.env"), "A=2\nC=3\n").unwrap();
        let values = [("arn:aws:s3:::b/a.env", "a.env"), ("arn:aws:s3:::b/b.env", "b.env")];
        let values = values.map(|(arn, path)| (arn.to_owned(), path.to_owned().into())).into();
        let secrets = Secrets { values, dir: dir.path().to_owned() };
        let rows = json!([{ "value": "arn:aws:s3:::b/a.env" }, { "value": "arn:aws:s3:::b/b.env" }]);
        let given = secrets.of(&json!({ "environmentFiles": rows })).unwrap().files;
        let pairs: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["A=1=\"x\"", "B=", "C=3"]);
    }

    #[test]
    fn file_that_others_may_read_is_refused() {
        let why = read(&json!({ "a": "hush" }), 0o644).unwrap_err().to_string();
        assert!(why.contains("others may read it (mode 0644)"), "{why}");
        let why = read(&json!({ "a": ["hush"] }), 0o600).unwrap_err().to_string();
        assert!(why.contains("neither a string nor an object") && !why.contains("hush"), "{why}");
        assert!(!read(&json!("hush"), 0o600).unwrap_err().to_string().contains("hush"));
    }
}
