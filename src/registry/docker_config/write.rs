//! Leaving a login behind for Docker, podman and whatever else reads `config.json`. The file belongs to the user:
//! everything in it stays, in its order, and it is either the old one or the new one, never half of one.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::registry::{Credentials, Error};
use crate::report::Events;

/// Files this login in `dir/config.json` and returns the path that was written.
pub fn set(dir: &Path, host: &str, login: &Credentials, events: &Events) -> Result<PathBuf, Error> {
    let named = dir.join("config.json");
    let refuse = |why: std::io::Error| refusal(&named, why.to_string());
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(refuse)?;
    // A link is followed: the file it leads to is the one to replace.
    let path = std::fs::canonicalize(&named).unwrap_or_else(|_| named.clone());
    let mut config = read(&path)?;
    enter(&mut config, &path, host, login)?;
    unshadow(&mut config, host, events);
    write(&path, &config).map_err(refuse)?;
    Ok(path)
}

fn read(path: &Path) -> Result<Map<String, Value>, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Map::new()),
        Err(why) => return Err(refusal(path, why.to_string())),
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(&text)
        .map_err(|why| refusal(path, format!("is not a JSON object, so it was left alone: {why}")))
}

fn enter(config: &mut Map<String, Value>, path: &Path, host: &str, login: &Credentials) -> Result<(), Error> {
    let auth = STANDARD.encode(format!("{}:{}", login.username, login.password.expose_secret()));
    let auths = config.entry("auths").or_insert(Value::Null);
    if auths.is_null() {
        *auths = json!({});
    }
    let auths = auths.as_object_mut().ok_or_else(|| refusal(path, "'auths' is not an object".into()))?;
    // Whatever else the old entry held (an identity token) belonged to the old login.
    auths.insert(host.to_owned(), json!({ "auth": auth }));
    Ok(())
}

/// A helper for this very host would be asked instead of the entry. Where all hosts have a helper (`credsStore`),
/// an empty helper for this one sends Docker back to the entry.
fn unshadow(config: &mut Map<String, Value>, host: &str, events: &Events) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let store = text(config.get("credsStore"));
    let helpers = config.get_mut("credHelpers").and_then(Value::as_object_mut);
    let helper = text(helpers.and_then(|helpers| helpers.shift_remove(host)).as_ref());
    if !helper.is_empty() {
        let why = format!("the credential helper '{helper}' was taken off {host}, or Docker would ask it instead");
        events.warn(why, Some("Leave out `dockless ecr-login` if the helper is wanted.".into()));
    }
    if !store.is_empty() {
        let helpers = config.entry("credHelpers").or_insert(json!({}));
        if let Some(helpers) = helpers.as_object_mut() {
            helpers.insert(host.to_owned(), json!(""));
            let why =
                format!("config.json keeps the logins of all hosts in the helper '{store}', except {host} from now on");
            events.warn(why, None);
        }
    } else if config.get("credHelpers").and_then(Value::as_object).is_some_and(Map::is_empty) {
        config.shift_remove("credHelpers");
    }
}

/// To a new file in the same directory, then in the place of the old one.
fn write(path: &Path, config: &Map<String, Value>) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".config.json.").tempfile_in(dir)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600))?;
    // Docker indents with tabs.
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    serde::Serialize::serialize(config, &mut serde_json::Serializer::with_formatter(&mut text, form))?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|why| why.error)?;
    Ok(())
}

fn refusal(path: &Path, why: String) -> Error {
    let hint = Some("Repair or remove the file, or point DOCKER_CONFIG to a directory that can be written.".into());
    Error::DockerConfig { path: path.to_owned(), why, hint }
}

#[cfg(test)]
mod tests {
    use super::super::DockerConfig;
    use super::*;

    fn login() -> Credentials {
        Credentials { username: "AWS".into(), password: "secret".into() }
    }

    fn after(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), text).unwrap();
        let path = set(dir.path(), "h.example", &login(), &Events::none()).unwrap();
        let found = DockerConfig::new(vec![path.clone()]).find("h.example").unwrap().unwrap();
        assert_eq!((found.username.as_str(), found.password.expose_secret()), ("AWS", "secret"));
        std::fs::read_to_string(path).unwrap().replace(['\n', '\t'], "")
    }

    #[test]
    fn login_is_written_for_the_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new/.docker");
        let path = set(&dir, "h.example", &login(), &Events::none()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&path)), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn login_leaves_everything_else_as_it_was() {
        let before = r#"{"zeta":1,"auths":{"other":{"auth":"eA=="},"h.example":{"auth":"","identitytoken":"t"}},"big":12345678901234567890123,"credHelpers":{"gcr.io":"gcloud"},"psFormat":"é"}"#;
        let expected = r#"{"zeta": 1,"auths": {"other": {"auth": "eA=="},"h.example": {"auth": "QVdTOnNlY3JldA=="}},"big": 12345678901234567890123,"credHelpers": {"gcr.io": "gcloud"},"psFormat": "é"}"#;
        assert_eq!(after(before), expected);
    }

    #[test]
    fn login_takes_a_helper_off_its_host() {
        let entry = r#""auths": {"h.example": {"auth": "QVdTOnNlY3JldA=="}}"#;
        assert_eq!(after(r#"{"credHelpers":{"h.example":"ecr-login"}}"#), format!("{{{entry}}}"));
        assert_eq!(after("{}"), format!("{{{entry}}}"));
        assert_eq!(after(""), format!("{{{entry}}}"));
    }

    #[test]
    fn login_gets_past_a_helper_for_all_hosts() {
        let text = after(r#"{"credsStore":"desktop"}"#);
        assert!(text.contains(r#""credHelpers": {"h.example": ""}"#), "{text}");
    }

    #[test]
    fn login_does_not_overwrite_what_is_no_json() {
        for text in ["{", "[]", "hello", r#"{"auths":[]}"#] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("config.json");
            std::fs::write(&path, text).unwrap();
            let why = set(dir.path(), "h.example", &login(), &Events::none()).unwrap_err();
            assert!(why.to_string().contains("config.json"), "{why}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn login_follows_a_symbolic_link() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real.json");
        std::fs::write(&real, "{}").unwrap();
        let docker = dir.path().join("docker");
        std::fs::create_dir(&docker).unwrap();
        std::os::unix::fs::symlink(&real, docker.join("config.json")).unwrap();
        set(&docker, "h.example", &login(), &Events::none()).unwrap();
        assert!(std::fs::symlink_metadata(docker.join("config.json")).unwrap().is_symlink());
        assert!(std::fs::read_to_string(real).unwrap().contains("h.example"));
    }
}
