use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};

use super::choose::{candidates, standing};
use super::*;
use crate::deploy::ecs::CallError;
use crate::deploy::fake::{Fake, IMAGE, arn, deployment, refusal, service};
use crate::deploy::plan::{Plan, Step};
use crate::deploy::{Error, Halts, carry_out};
use crate::report::{Events, Explain, Outcome};

fn revision(number: u32, digest: &str) -> Revision {
    let digests = vec![("web".to_owned(), digest.to_owned())];
    Revision { arn: format!("r/{number}/{digest}"), definition: arn(number), digests }
}

/// The numbers of what a rollback from `live` would try.
fn tried(successes: &[(u32, &str)], live: u32, well: bool) -> Vec<(String, String)> {
    let stack = standing(successes.iter().map(|(number, digest)| revision(*number, digest)));
    let tried = candidates(stack, &arn(live), well).into_iter();
    tried.map(|one| (one.definition.rsplit(':').next().unwrap().to_owned(), one.digests[0].1.clone())).collect()
}

fn numbers(successes: &[(u32, &str)], live: u32, well: bool) -> Vec<String> {
    tried(successes, live, well).into_iter().map(|(number, _)| number).collect()
}

#[test]
fn candidates_are_what_stood_before() {
    assert_eq!(numbers(&[(6, "a"), (7, "b"), (8, "c")], 8, true), ["7", "6"]);
    assert_eq!(numbers(&[(6, "a"), (7, "b")], 8, false), ["7", "6"], "8 leads and failed");
    assert_eq!(numbers(&[(7, "b")], 7, false), ["7"], "7 leads again and failed this time");
    assert_eq!(numbers(&[(7, "b")], 7, true), Vec::<String>::new());
}

#[test]
fn candidates_leave_out_what_was_rolled_back() {
    assert_eq!(numbers(&[(6, "a"), (7, "b"), (8, "c"), (7, "b")], 7, true), ["6"], "not to 8 again");
    assert_eq!(numbers(&[(6, "a"), (7, "b"), (7, "b")], 7, true), ["6"], "deployed twice is there once");
}

#[test]
fn candidates_of_one_definition_differ_by_digest() {
    let tried = tried(&[(7, "a"), (7, "b")], 7, true);
    assert_eq!(tried, [("7".to_owned(), "a".to_owned())], "the tag moved in between");
}

/// An ECS that remembers these deployments, the newest first, and runs `live`.
struct History {
    /// Status and number; the image's digest is the number's.
    deployments: Vec<(&'static str, u32)>,
    live: u32,
    /// Revisions that say the same as the live one.
    equal: Vec<u32>,
    inactive: Vec<u32>,
}

fn history(deployments: &[(&'static str, u32)], live: u32) -> History {
    History { deployments: deployments.to_vec(), live, equal: Vec::new(), inactive: Vec::new() }
}

impl History {
    fn digest(&self, number: u32) -> String {
        let number = if self.equal.contains(&number) { self.live } else { number };
        format!("sha256:{number}")
    }

    fn described(&self, number: u32) -> Value {
        let varies = if self.equal.contains(&number) { self.live } else { number };
        let status = if self.inactive.contains(&number) { "INACTIVE" } else { "ACTIVE" };
        let container = json!({"name": "web", "image": format!("web:v{number}"), "environment": [{"name": "N", "value": varies.to_string()}]});
        json!({"tags": [], "taskDefinition": {
            "taskDefinitionArn": arn(number), "family": "web", "revision": number, "status": status,
            "containerDefinitions": [container],
        }})
    }

    fn fake(self) -> Fake {
        Fake::new(move |operation, body, _| {
            let number =
                |text: &Value| text.as_str().unwrap().rsplit([':', '/']).next().unwrap().parse::<u32>().unwrap();
            match operation {
                "DescribeServices" => {
                    let ours = deployment("ecs-svc/1", "PRIMARY", self.live, 2, "COMPLETED", "");
                    Ok(json!({"services": [service(self.live, &[ours])]}))
                }
                "ListServiceDeployments" => {
                    let brief = |(at, (status, number)): (usize, &(&str, u32))| {
                        json!({"serviceDeploymentArn": format!("d/{at}"), "status": status,
                            "createdAt": 1_600_000_000 - at, "finishedAt": 1_600_000_100 - at,
                            "targetServiceRevisionArn": format!("r/{number}")})
                    };
                    let briefs: Vec<Value> = self.deployments.iter().enumerate().map(brief).rev().collect();
                    Ok(json!({"serviceDeployments": briefs}))
                }
                "DescribeServiceRevisions" => {
                    let arns = body["serviceRevisionArns"].as_array().unwrap();
                    let show = |arn_of: &Value| {
                        let number = number(arn_of);
                        let image = json!({"containerName": "web", "image": "web", "imageDigest": self.digest(number)});
                        json!({"serviceRevisionArn": arn_of, "taskDefinition": arn(number), "containerImages": [image]})
                    };
                    Ok(json!({"serviceRevisions": arns.iter().map(show).collect::<Vec<_>>()}))
                }
                "DescribeServiceDeployments" => Ok(json!({"serviceDeployments": [{
                    "serviceDeploymentArn": "d/0", "status": self.deployments[0].0,
                    "sourceServiceRevisions": self.deployments.get(1).map(|(_, number)| json!({"arn": format!("r/{number}")})).into_iter().collect::<Vec<_>>(),
                }]})),
                "DescribeTaskDefinition" => Ok(self.described(number(&body["taskDefinition"]))),
                other => Err(refusal("UnknownOperationException", other)),
            }
        })
    }
}

async fn planned(fake: &Fake, to: Option<&str>, from: Option<&str>) -> Result<Plan, Error> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let (cluster, service) = ("main".to_owned(), "web".to_owned());
    let request = Rollback { cluster, service, to: own(to), from: own(from), known_good: None, wait: None };
    plan_rollback(&request, &observe_rollback(&request, fake).await?)
}

fn calls(plan: &Plan) -> Vec<(&'static str, Value)> {
    plan.calls().into_iter().map(|call| (call.operation, call.body)).collect()
}

#[tokio::test]
async fn rollback_is_one_update_to_the_last_success() {
    let fake = history(&[("SUCCESSFUL", 9), ("ROLLBACK_SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 9).fake();
    let plan = planned(&fake, None, None).await.unwrap();
    let body = json!({"cluster": "main", "service": "web", "taskDefinition": arn(7)});
    assert_eq!(calls(&plan), [("UpdateService", body)]);
    assert_eq!(plan.notes, ["web:7 is the last that reached success before, on 2020-09-13T12:28:18Z"]);
}

#[tokio::test]
async fn rollback_passes_over_what_is_the_same_by_digest() {
    let mut history = history(&[("SUCCESSFUL", 9), ("SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 9);
    history.equal = vec![8];
    let plan = planned(&history.fake(), None, None).await.unwrap();
    assert_eq!(plan.base, arn(7));
    assert!(
        plan.notes.contains(&"passed over: web:8 has the same content and the same images".into()),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn rollback_to_a_deregistered_revision_registers_a_copy() {
    let mut history = history(&[("SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 8);
    history.inactive = vec![7];
    let plan = planned(&history.fake(), None, None).await.unwrap();
    let calls = calls(&plan);
    assert_eq!(calls[0].1["containerDefinitions"][0]["image"], "web:v7");
    assert_eq!((calls[0].0, calls[1].0), ("RegisterTaskDefinition", "UpdateService"));
}

#[tokio::test]
async fn rollback_behind_a_moved_tag_names_the_digest() {
    let inner = history(&[("SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 7).fake();
    // Both deployments were of revision 7, with another image each.
    let fake = Fake::new(move |operation, body, seconds| {
        let mut answer = inner.answer(operation, body, seconds)?;
        for revision in answer["serviceRevisions"].as_array_mut().into_iter().flatten() {
            revision["taskDefinition"] = arn(7).into();
        }
        Ok(answer)
    });
    let plan = planned(&fake, None, None).await.unwrap();
    assert_eq!(calls(&plan)[0].1["containerDefinitions"][0]["image"], "web:v7@sha256:7");
    assert!(plan.notes.iter().any(|note| note.contains("by digest")), "{:?}", plan.notes);
}

#[tokio::test]
async fn rollback_of_what_goes_on_is_left_to_ecs() {
    let fake = history(&[("IN_PROGRESS", 8), ("SUCCESSFUL", 7)], 8).fake();
    let plan = planned(&fake, None, Some("web:8")).await.unwrap();
    let body = json!({"serviceDeploymentArn": "d/0", "stopType": "ROLLBACK"});
    assert_eq!(calls(&plan), [("StopServiceDeployment", body)]);
    let fake = history(&[("ROLLBACK_IN_PROGRESS", 8), ("SUCCESSFUL", 7)], 8).fake();
    let plan = planned(&fake, None, None).await.unwrap();
    assert_eq!(calls(&plan), [], "it is followed and nothing asked");
    let first = history(&[("IN_PROGRESS", 1)], 1).fake();
    let error = planned(&first, None, None).await.unwrap_err();
    let nothing = "there is nothing to roll 'web' back to: no revision is known to have reached success";
    assert_eq!(error.to_string(), nothing);
    let crashing = history(&[("IN_PROGRESS", 2), ("STOPPED", 1)], 2).fake();
    let error = planned(&crashing, None, None).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.kind()), (nothing, crate::report::Kind::Input));
    assert!(error.hint().unwrap().contains("Passed over: web:1 never reached it."), "{:?}", error.hint());
}

/// What ran beside it was broken itself: what reached success before is meant.
#[tokio::test]
async fn rollback_of_what_goes_on_names_what_reached_success() {
    let fake = history(&[("IN_PROGRESS", 9), ("STOPPED", 8), ("SUCCESSFUL", 7)], 9).fake();
    let plan = planned(&fake, None, None).await.unwrap();
    assert_eq!(plan.notes, ["the deployment of web:9 still goes on: ECS takes it back to web:7"]);
}

#[tokio::test]
async fn rollback_after_ecs_went_back_goes_no_further_without_being_told() {
    let after = || history(&[("ROLLBACK_SUCCESSFUL", 9), ("SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 8).fake();
    let plan = planned(&after(), None, None).await.unwrap();
    assert!(
        plan.is_empty() && plan.notes[0].contains("of web:9, was rolled back before: web:8 runs"),
        "{:?}",
        plan.notes
    );
    assert_eq!(planned(&after(), None, Some("web:8")).await.unwrap().base, arn(7));
    assert_eq!(planned(&after(), Some("7"), None).await.unwrap().base, arn(7));
}

#[test]
fn content_is_the_same_whatever_the_tags() {
    let tagged = |value: &str| json!({"taskDefinition": {"family": "web"}, "tags": [{"key": "build", "value": value}]});
    assert!(same_content(&tagged("1"), &tagged("2")));
}

#[tokio::test]
async fn rollback_from_another_revision_does_nothing() {
    let fake = history(&[("SUCCESSFUL", 8), ("SUCCESSFUL", 7)], 8).fake();
    let plan = planned(&fake, None, Some("web:9")).await.unwrap();
    assert!(plan.is_empty() && matches!(plan.deploy.as_ref().unwrap().step, Step::Nothing));
    assert_eq!(fake.operations(), ["DescribeServices"]);
}

#[tokio::test]
async fn rollback_to_a_revision_of_ones_choice() {
    let base =
        async |to: &str| planned(&history(&[("SUCCESSFUL", 8)], 8).fake(), Some(to), None).await.map(|plan| plan.base);
    for to in ["6", "web:6", &arn(6)] {
        assert_eq!(base(to).await.unwrap(), arn(6), "{to}");
    }
    assert_eq!(base("web").await.unwrap_err().kind(), crate::report::Kind::Input);
}

#[tokio::test]
async fn rollback_without_history_needs_what_is_plainly_good() {
    let denied = |beside: bool| {
        let inner = history(&[], 8).fake();
        Fake::new(move |operation, body, seconds| -> Result<Value, CallError> {
            match operation {
                "ListServiceDeployments" => Err(refusal("AccessDeniedException", "no")),
                "DescribeServices" if beside => {
                    let ours = deployment("ecs-svc/8", "PRIMARY", 8, 0, "IN_PROGRESS", "");
                    let old = deployment("ecs-svc/7", "ACTIVE", 7, 2, "COMPLETED", "");
                    Ok(json!({"services": [service(8, &[ours, old])]}))
                }
                _ => inner.answer(operation, body, seconds),
            }
        })
    };
    assert_eq!(planned(&denied(true), None, None).await.unwrap().base, arn(7));
    let error = planned(&denied(false), None, None).await.unwrap_err();
    assert!(error.hint().unwrap().contains("ecs:ListServiceDeployments"), "{:?}", error.hint());
}

#[tokio::test]
async fn interrupt_before_the_update_says_what_is_registered() {
    let fake = Fake::new(|operation, _, _| match operation {
        "RegisterTaskDefinition" => Ok(json!({"taskDefinition": {"taskDefinitionArn": arn(8)}})),
        "UpdateService" => Err(refusal(crate::deploy::fake::HANGS, "")),
        other => Err(refusal("UnknownOperationException", other)),
    });
    let step = Step::Update(json!({"taskDefinition": IMAGE}).as_object().unwrap().clone());
    let before = crate::deploy::plan::Before::default();
    let mut plan = crate::deploy::verify::joining(("main", "web"), &arn(7), step, before, None);
    plan.register = Some(json!({}));
    let soon = Halts::new(tokio::time::sleep(Duration::from_millis(50)), pending());
    let rescue = Rescue::default();
    let events = Events::none();
    let report = carry_out(&plan, rescue, &fake, &fake.clock, &events, &soon).await.unwrap();
    assert_eq!(report.outcome, Outcome::Interrupted);
    assert!(report.summary.contains("web:8 is registered, and ECS may have begun to deploy it"), "{}", report.summary);
    let never = Halts::never();
    let never = carry_out(&plan, rescue, &fake, &fake.clock, &events, &never);
    assert!(tokio::time::timeout(Duration::from_millis(50), never).await.is_err(), "it hangs for ever");
}

/// Another deployment came before the last rollback was over: ECS itself has nothing to go back to then.
#[tokio::test]
async fn rollback_without_a_candidate_of_ecs_deploys_what_reached_success() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    let (stage, inner) =
        (AtomicU32::new(0), history(&[("IN_PROGRESS", 9), ("STOPPED", 8), ("SUCCESSFUL", 7)], 9).fake());
    let fake = Fake::new(move |operation, body, seconds| {
        let now = stage.load(SeqCst);
        let status = ["IN_PROGRESS", "ROLLBACK_FAILED", "ROLLBACK_FAILED"][now as usize];
        match operation {
            "StopServiceDeployment" => {
                stage.store(1, SeqCst);
                Ok(json!({}))
            }
            "UpdateService" => {
                stage.store(2, SeqCst);
                let ours = deployment("ecs-svc/10", "PRIMARY", 7, 0, "IN_PROGRESS", "");
                Ok(json!({"service": service(7, &[ours])}))
            }
            "DescribeServices" if now == 2 => {
                let ours = deployment("ecs-svc/10", "PRIMARY", 7, 2, "COMPLETED", "");
                Ok(json!({"services": [service(7, &[ours])]}))
            }
            "DescribeServices" => {
                let state = ["IN_PROGRESS", "FAILED"][now as usize];
                Ok(json!({"services": [service(9, &[deployment("ecs-svc/9", "PRIMARY", 9, 0, state, "")])]}))
            }
            "ListTasks" => Ok(json!({"taskArns": []})),
            // Of the deployment that is begun in the end there is no record.
            "ListServiceDeployments" if now == 2 => Ok(json!({"serviceDeployments": []})),
            _ => {
                let mut answer = inner.answer(operation, body, seconds)?;
                for record in answer["serviceDeployments"].as_array_mut().into_iter().flatten() {
                    if record["serviceDeploymentArn"] == "d/0" {
                        record["status"] = status.into();
                        record["statusReason"] = "No rollback candidate was found to run the rollback.".into();
                    }
                }
                Ok(answer)
            }
        }
    });
    let (cluster, name) = ("main".to_owned(), "web".to_owned());
    let wait = Some(Wait::within(Duration::from_secs(600)));
    let request = Rollback { cluster, service: name, wait, ..Rollback::default() };
    let plan = plan_rollback(&request, &observe_rollback(&request, &fake).await.unwrap()).unwrap();
    let (rescue, never) = (Rescue::default(), Halts::never());
    let report = carry_out(&plan, rescue, &fake, &fake.clock, &Events::none(), &never).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded, "{}", report.summary);
    assert_eq!(report.lines, [arn(7)]);
    assert_eq!(fake.body("UpdateService")["taskDefinition"], arn(7));
}
