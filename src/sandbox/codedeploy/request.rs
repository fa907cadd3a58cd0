//! Reading a request's members. CodeDeploy has an error of its own for nearly every member that is missing or
//! malformed; its messages are documented for few of them.

use serde_json::Value;

use crate::sandbox::Refusal;

pub type Answer = Result<Value, Refusal>;

pub fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body[member].as_str().filter(|text| !text.is_empty())
}

/// A name that must be there: `ApplicationName`, `DeploymentGroupName`, `DeploymentConfigName`.
pub fn name<'a>(body: &'a Value, member: &str, kind: &str) -> Result<&'a str, Refusal> {
    let missing = || Refusal::new(format!("{kind}RequiredException"), format!("A {kind} is required."));
    let name = text(body, member).ok_or_else(missing)?;
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@_-".contains(letter);
    match name.len() <= 100 && name.chars().all(legal) {
        true => Ok(name),
        false => Err(Refusal::new(format!("Invalid{kind}Exception"), format!("The {kind} '{name}' is not valid."))),
    }
}

pub fn application(body: &Value) -> Result<&str, Refusal> {
    name(body, "applicationName", "ApplicationName")
}

/// The id of a deployment, which is `d-` and nine letters or digits.
pub fn deployment(body: &Value) -> Result<&str, Refusal> {
    let missing = || Refusal::new("DeploymentIdRequiredException", "A deployment ID is required.");
    let id = text(body, "deploymentId").ok_or_else(missing)?;
    match id.starts_with("d-") {
        true => Ok(id),
        false => Err(Refusal::new("InvalidDeploymentIdException", format!("The deployment ID '{id}' is not valid."))),
    }
}

pub fn texts<'a>(body: &'a Value, member: &str) -> Vec<&'a str> {
    body[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What CodeDeploy shows a hundred of at a time. The token is the number of those that were shown.
pub fn page(body: &Value, member: &str, all: Vec<String>) -> Answer {
    const PAGE: usize = 100;
    let from = match text(body, "nextToken") {
        None => 0,
        Some(token) => {
            token.parse().map_err(|_| Refusal::new("InvalidNextTokenException", "The next token is not valid."))?
        }
    };
    let shown: Vec<&String> = all.iter().skip(from).take(PAGE).collect();
    let mut answer = serde_json::json!({ member: shown });
    if all.len() > from + PAGE {
        answer["nextToken"] = (from + PAGE).to_string().into();
    }
    Ok(answer)
}
