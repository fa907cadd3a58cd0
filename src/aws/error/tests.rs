use super::*;

fn refused(code: &str, message: &str) -> Error {
    let place = Place {
        service: "ecs",
        operation: "UpdateService",
        region: "eu-west-1".into(),
        account: Some("123456789012".into()),
    };
    Error::Refused(Box::new(Refusal {
        place,
        code: code.into(),
        message: message.into(),
        status: 400,
        request_id: None,
        attempts: 8,
        claims: None,
    }))
}

fn hint(code: &str, message: &str) -> String {
    refused(code, message).hint().unwrap_or_default()
}

#[test]
fn refusal_says_what_where_and_why() {
    assert_eq!(
        refused("ClusterNotFoundException", "Cluster not found.").to_string(),
        "ecs:UpdateService in eu-west-1, account 123456789012: ClusterNotFoundException: Cluster not found."
    );
}

#[test]
fn refusal_is_sorted_by_code() {
    assert!(refused("ClusterNotFoundException", "").is_not_found());
    assert!(refused("ClientException", "Unable to describe task definition.").is_not_found());
    assert!(!refused("ClientException", "Container.image should not be null").is_not_found());
    assert!(refused("AccessDeniedException", "").is_denied());
    assert!(refused("AccessDenied", "").is_denied());
    assert!(!refused("ThrottlingException", "").is_denied());
    assert_eq!(refused("X", "").code(), Some("X"));
    assert_eq!(Error::NoRegion { profile: None }.code(), None);
}

#[test]
fn denied_action_comes_from_the_message_else_from_the_call() {
    let message = "User: arn:u is not authorized to perform: iam:PassRole on resource: arn:r because …";
    assert_eq!(refused("AccessDeniedException", message).denied_action().as_deref(), Some("iam:PassRole"));
    assert_eq!(hint("AccessDeniedException", message), "Grant iam:PassRole on arn:r to arn:u.");
    assert_eq!(refused("AccessDeniedException", "no").denied_action().as_deref(), Some("ecs:UpdateService"));
    assert_eq!(refused("ClientException", message).denied_action(), None);
}

#[test]
fn hint_fits_the_code() {
    for (code, message, wanted) in [
        ("ExpiredTokenException", "", "run out"),
        ("UnrecognizedClientException", "", "eu-west-1"),
        ("InvalidSignatureException", "Signature expired: 2026", "clock"),
        ("SignatureDoesNotMatch", "", "AWS_SECRET_ACCESS_KEY"),
        ("ClusterNotFoundException", "", "eu-west-1"),
        ("RepositoryNotFoundException", "", "create-repo"),
        ("ThrottlingException", "Rate exceeded", "after 8 attempts"),
        (
            "AccessDeniedException",
            "to perform: a:B on resource: r with an explicit deny in a service control policy",
            "service control policy",
        ),
    ] {
        let hint = hint(code, message);
        assert!(hint.contains(wanted), "{code}: {hint}");
    }
    assert_eq!(refused("SomethingNew", "").hint(), None);
}

#[test]
fn hint_for_a_trust_policy_shows_the_claims() {
    let Error::Refused(mut refusal) =
        refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    else {
        unreachable!()
    };
    let claims =
        Claims { issuer: Some("https://i".into()), audience: vec!["org".into()], subject: Some("org/1".into()) };
    refusal.claims = Some(claims);
    let hint = Error::Refused(refusal).hint().unwrap();
    assert!(hint.contains("iss https://i, aud org, sub org/1"), "{hint}");
}

#[test]
fn hint_for_an_unreachable_host_names_it() {
    let place = Place { service: "ecs", operation: "ListTasks", region: "eu-wset-1".into(), account: None };
    for (why, wanted) in
        [("dns error: failed to lookup", "resolve"), ("Connection refused", "listens"), ("?", "firewall")]
    {
        let error = Error::Unreachable { place: place.clone().into(), host: "ecs.x".into(), why: why.into() };
        let hint = error.hint().unwrap();
        assert!(hint.contains("ecs.x") && hint.contains(wanted), "{hint}");
    }
}
