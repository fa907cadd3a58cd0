//! The deployment that CodeDeploy has in progress for a service, whoever began it: to be waited for, or to be answered
//! where it waits for a word. A rollback is a deployment of its own; what is watched then is the one that it takes
//! back, as that one's verdict is what people ask for.

use serde_json::Value;

use super::appspec::definition_in;
use super::client::CodeDeploy;
use super::judge::READY;
use super::observe::{Found, external, locate};
use super::past::{appspec, deployment};
use super::plan::{Handover, before};
use super::snapshot::Info;
use super::word::Word;
use super::{serving, sets};
use crate::deploy::edit::short;
use crate::deploy::ongoing::{Continue, Follow};
use crate::deploy::plan::{Plan, Step};
use crate::deploy::verify::{existing_service, joining};
use crate::deploy::wait::Wait;
use crate::deploy::{Ecs, Error};

/// A deployment that is not over, or is being taken back.
pub struct Ongoing {
    pub info: Info,
    /// The task definition that it brings.
    pub revision: String,
    /// The one that is gone back to.
    pub serves: String,
    /// It is being taken back already.
    pub returns: bool,
}

pub async fn ongoing(service: &Value, found: &Found, api: &dyn CodeDeploy) -> Result<Option<Ongoing>, Error> {
    match found.active() {
        Some(active) => about(service, &active.id, api).await.map(Some),
        None => Ok(None),
    }
}

/// The last deployment, if it came to nothing and no other has come since: it is what one waits for then.
async fn came_to_nothing(service: &Value, found: &Found, api: &dyn CodeDeploy) -> Result<Option<Ongoing>, Error> {
    let last = &found.info["lastAttemptedDeployment"];
    let Some(id) = last["deploymentId"].as_str() else { return Ok(None) };
    let about = about(service, id, api).await?;
    let bad = about.returns || last["status"] == "Failed" || last["status"] == "Stopped";
    Ok(bad.then_some(about))
}

async fn about(service: &Value, id: &str, api: &dyn CodeDeploy) -> Result<Ongoing, Error> {
    let mut raw = deployment(id, api).await?;
    let taken_back = raw["rollbackInfo"]["rollbackTriggeringDeploymentId"].as_str().map(str::to_owned);
    if let Some(id) = &taken_back {
        raw = deployment(id, api).await?;
    }
    let info = Info::read_info(&raw);
    let revision = match sets(service).find(|set| external(set) == Some(info.id.as_str())) {
        Some(set) => definition_of(set),
        // Its task set is not there yet, or not any more.
        None => match appspec(&raw, api).await? {
            Some(text) => definition_in(&text).map(|named| text[named].to_owned()),
            None => None,
        },
    };
    let others = || sets(service).filter(|set| external(set) != Some(info.id.as_str()));
    let serves = others().find(|set| set["status"] == "PRIMARY").or_else(|| others().next()).and_then(definition_of);
    Ok(Ongoing {
        revision: revision.unwrap_or_else(|| info.id.clone()),
        serves: serves.unwrap_or_default(),
        returns: taken_back.is_some(),
        info,
    })
}

pub fn definition_of(set: &Value) -> Option<String> {
    set["taskDefinition"].as_str().map(str::to_owned)
}

/// Watches what goes on, after a word to it if there is one.
pub fn plan(
    whom: (&str, &str),
    service: &Value,
    found: &Found,
    ongoing: &Ongoing,
    word: Option<Word>,
    wait: Option<Wait>,
) -> Plan {
    let names = (found.application.clone(), found.group.clone());
    let joined = Handover::joining(service, names, ongoing.info.id.clone(), ongoing.serves.clone());
    let handover = Handover { word, back: word == Some(Word::Back), ..joined };
    joining(whom, &ongoing.revision, Step::CodeDeploy(Box::new(handover)), before(service), wait)
}

/// Joins what goes on. Where nothing does, the plan is empty and says what runs.
pub async fn observe_follow(request: &Follow, ecs: &dyn Ecs, api: &dyn CodeDeploy) -> Result<Plan, Error> {
    let service = existing_service(&request.cluster, &request.service, ecs).await?;
    let whom = (request.cluster.as_str(), request.service.as_str());
    let found = locate(&service, api).await?;
    if let Some(found) = &found {
        let ongoing = ongoing(&service, found, api).await?;
        let meant = if ongoing.is_some() { ongoing } else { came_to_nothing(&service, found, api).await? };
        if let Some(meant) = meant {
            return Ok(plan(whom, &service, found, &meant, None, Some(request.wait)));
        }
    }
    let runs = serving(&service).and_then(definition_of).unwrap_or_default();
    let mut plan = joining(whom, &runs, Step::Nothing, before(&service), None);
    plan.notes.push(at_rest(&service, &runs));
    Ok(plan)
}

/// `nothing is in progress: web:7 runs, 2 of 2 tasks`
fn at_rest(service: &Value, runs: &str) -> String {
    // Of the serving task set: the service counts tasks that are on their way out as well.
    let count = |member: &str| serving(service).and_then(|set| set[member].as_i64()).unwrap_or_default();
    let (running, desired) = (count("runningCount"), count("computedDesiredCount"));
    format!("nothing is in progress: {} runs, {running} of {desired} tasks", short(runs))
}

/// Finds what waits for a word, and plans to give it.
pub async fn observe_continue(request: &Continue, ecs: &dyn Ecs, api: &dyn CodeDeploy) -> Result<Plan, Error> {
    let service = existing_service(&request.cluster, &request.service, ecs).await?;
    let not_paused = |state: String| Error::NotPaused { service: request.service.clone(), state };
    let nothing = || not_paused("nothing is in progress".into());
    let found = locate(&service, api).await?.ok_or_else(nothing)?;
    let ongoing = ongoing(&service, &found, api).await?.ok_or_else(nothing)?;
    let (word, waits) = awaited(&ongoing).map_err(not_paused)?;
    let (word, does) = if request.back { (Word::Back, "goes back") } else { (word, "goes on") };
    let whom = (request.cluster.as_str(), request.service.as_str());
    let mut plan = plan(whom, &service, &found, &ongoing, Some(word), request.wait);
    plan.notes.push(format!("{} {waits}, and {does}", short(&ongoing.revision)));
    Ok(plan)
}

/// The word that a deployment waits for, else what it does instead.
fn awaited(ongoing: &Ongoing) -> Result<(Word, &'static str), String> {
    let (info, name) = (&ongoing.info, short(&ongoing.revision));
    match info.status.as_str() {
        _ if ongoing.returns => Err(format!("deployment {} of {name} is being rolled back", info.id)),
        READY => Ok((Word::Shift, "is ready to have the traffic")),
        _ if info.lingers && !info.is_over() => {
            Ok((Word::EndOld, "has the traffic while the old tasks are kept for a while"))
        }
        status => Err(format!("deployment {} of {name} goes on by itself (it is at {status})", info.id)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(status: &str, lingers: bool, returns: bool) -> Result<Word, String> {
        let info = json!({"deploymentId": "d-1", "status": status, "instanceTerminationWaitTimeStarted": lingers});
        let info = Info::read_info(&info);
        let ongoing = Ongoing {
            info,
            revision: "arn:aws:ecs:r:1:task-definition/web:8".into(),
            serves: "arn:aws:ecs:r:1:task-definition/web:7".into(),
            returns,
        };
        awaited(&ongoing).map(|(word, _)| word)
    }

    #[test]
    fn word_is_the_one_that_is_waited_for() {
        assert_eq!(at("Ready", false, false), Ok(Word::Shift));
        assert_eq!(at("InProgress", true, false), Ok(Word::EndOld));
        assert_eq!(
            at("InProgress", false, false).unwrap_err(),
            "deployment d-1 of web:8 goes on by itself (it is at InProgress)"
        );
        assert!(at("Succeeded", true, false).is_err(), "it is over");
        assert!(at("Ready", false, true).unwrap_err().contains("is being rolled back"));
    }
}
