//! Against an AWS that verifies: signatures by secret keys, permissions by policies.

use dockless::aws::ecs::Operation::{DescribeTaskDefinition, RegisterTaskDefinition, UpdateService};
use dockless::aws::{AccessKey, Session, ecr};
use dockless::report::{Events, Explain};
use serde_json::json;

use crate::support::moto::{ACCOUNT, Moto, REGION};

async fn open(moto: &Moto, key: &AccessKey) -> Session {
    Session::open(moto.options(key.clone()), Events::none()).await.unwrap()
}

#[tokio::test]
async fn signatures_and_permissions_are_those_of_aws() {
    let moto = Moto::verifying().await;
    let allowed = ["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecr:*", "sts:GetCallerIdentity"];
    let key = moto.user(&allowed).await;
    let session = open(&moto, &key).await;

    let identity = session.sts().caller_identity().await.unwrap();
    assert_eq!((&*identity.account, &*identity.arn), (ACCOUNT, "arn:aws:iam::123456789012:user/ci"));
    task_definition_survives_the_round_trip(&session).await;
    repository_and_login_work(&session).await;
    missing_permission_is_named(&session).await;
    wrong_keys_are_told_apart(&moto, &key).await;
}

async fn task_definition_survives_the_round_trip(session: &Session) {
    let container = json!({
        "name": "web", "image": "nginx", "cpu": 128, "memory": 256, "essential": true,
        "environment": [{ "name": "GREETING", "value": "Grüße" }, { "name": "EMPTY", "value": "" }],
    });
    let body = json!({ "family": "web", "networkMode": "awsvpc", "containerDefinitions": [container.clone()] });
    let registered = session.ecs().call(RegisterTaskDefinition, body).await.unwrap();
    assert!(registered.date.is_some());
    let described = session.ecs().call(DescribeTaskDefinition, json!({ "taskDefinition": "web:1" })).await.unwrap();
    let found = &described.body["taskDefinition"]["containerDefinitions"][0];
    for (member, value) in container.as_object().unwrap() {
        assert_eq!(&found[member], value, "{member}");
    }
    let missing = session.ecs().call(DescribeTaskDefinition, json!({ "taskDefinition": "gone" })).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
}

async fn repository_and_login_work(session: &Session) {
    let ecr = session.ecr();
    let missing = ecr.call(ecr::Operation::DescribeRepositories, json!({ "repositoryNames": ["web"] })).await;
    assert!(missing.unwrap_err().is_not_found());
    ecr.call(ecr::Operation::CreateRepository, json!({ "repositoryName": "web" })).await.unwrap();
    ecr.call(ecr::Operation::DescribeRepositories, json!({ "repositoryNames": ["web"] })).await.unwrap();
    let login = ecr.authorization(None).await.unwrap();
    assert_eq!(login.proxy_endpoint, format!("https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"));
    assert_eq!(login.expires_at, None, "moto says 2015");
}

async fn missing_permission_is_named(session: &Session) {
    let error = session.ecs().call(UpdateService, json!({ "service": "web" })).await.unwrap_err();
    assert!(error.is_denied(), "{error:?}");
    assert_eq!(error.denied_action().as_deref(), Some("ecs:UpdateService"));
    assert!(error.hint().unwrap().starts_with("Grant ecs:UpdateService on "), "{:?}", error.hint());
}

async fn wrong_keys_are_told_apart(moto: &Moto, key: &AccessKey) {
    let wrong = AccessKey { secret: "not-the-secret".into(), ..key.clone() };
    let error = open(moto, &wrong).await.sts().caller_identity().await.unwrap_err();
    assert_eq!(error.code(), Some("SignatureDoesNotMatch"), "{error:?}");
    let unknown = AccessKey { id: "AKIANOBODY".into(), ..key.clone() };
    let definition = json!({ "taskDefinition": "web" });
    let error = open(moto, &unknown).await.ecs().call(DescribeTaskDefinition, definition).await.unwrap_err();
    assert!(error.hint().unwrap().contains("does not know this access key"), "{error:?}");
}
