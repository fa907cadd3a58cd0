//! Logging in to ECR, private and public, and asking who one is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dockless::aws::Identity;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::aws::{ACCESS_KEY, FakeAws, Reply};

fn data(proxy_endpoint: &str) -> Value {
    json!({ "authorizationToken": STANDARD.encode("AWS:hush"), "expiresAt": 4102444800.25, "proxyEndpoint": proxy_endpoint })
}

#[tokio::test]
async fn login_to_a_private_registry_asks_for_the_account() {
    let aws = FakeAws::start().await;
    let endpoint = "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com";
    aws.answer("GetAuthorizationToken", Reply::json(json!({ "authorizationData": [data(endpoint)] })));
    let ecr = aws.session().await.ecr();
    let login = ecr.authorization(Some("210987654321")).await.unwrap();
    assert_eq!((&*login.username, login.password.expose_secret(), &*login.proxy_endpoint), ("AWS", "hush", endpoint));
    ecr.authorization(None).await.unwrap();
    let bodies: Vec<_> = aws.received().iter().map(|request| request.json()).collect();
    assert_eq!(bodies, [json!({ "registryIds": ["210987654321"] }), json!({})]);
}

#[tokio::test]
async fn login_in_another_region_shares_the_credentials() {
    let aws = FakeAws::start().await;
    aws.answer("GetAuthorizationToken", Reply::json(json!({ "authorizationData": [data("https://r")] })));
    let elsewhere = aws.session().await.in_region("ap-south-1").unwrap();
    assert_eq!(elsewhere.region(), "ap-south-1");
    elsewhere.ecr().authorization(None).await.unwrap();
    let sent = aws.received().remove(0);
    let scope = "/ap-south-1/ecr/aws4_request";
    assert!(sent.header("authorization").contains(ACCESS_KEY) && sent.header("authorization").contains(scope));
    assert!(aws.session().await.in_region("Nowhere!").is_err());
}

#[tokio::test]
async fn login_to_the_public_gallery_speaks_to_its_own_service() {
    let aws = FakeAws::start().await;
    aws.answer("GetAuthorizationToken", Reply::json(json!({ "authorizationData": data("") })));
    let login = aws.session().await.ecr_public().authorization(None).await.unwrap();
    assert_eq!((&*login.username, &*login.proxy_endpoint), ("AWS", "https://public.ecr.aws"));
    let sent = aws.received().remove(0);
    assert_eq!(sent.header("x-amz-target"), "SpencerFrontendService.GetAuthorizationToken");
    assert!(sent.header("authorization").contains("/us-east-1/ecr-public/aws4_request"), "{:?}", sent.headers);
}

#[tokio::test]
async fn caller_identity_is_read() {
    let aws = FakeAws::start().await;
    let result = "<Arn>arn:aws:iam::123456789012:user/ci</Arn><UserId>U</UserId><Account>123456789012</Account>";
    aws.answer("GetCallerIdentity", Reply::query("GetCallerIdentity", result));
    let identity = aws.session().await.sts().caller_identity().await.unwrap();
    let wanted = Identity { account: "123456789012".into(), arn: "arn:aws:iam::123456789012:user/ci".into() };
    assert_eq!(identity, wanted);
}
