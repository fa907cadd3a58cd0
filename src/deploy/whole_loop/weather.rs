//! Throttling, broken connections, calls that hang and rights that are missing, while the rollout goes on.

use super::*;

#[tokio::test]
async fn polling_outlives_throttling_and_broken_connections() {
    let fake = scripted(|seconds| match seconds {
        0..20 => Err(refusal("ThrottlingException", "Rate exceeded")),
        20..90 => Err(refusal("Connection", "reset by peer")),
        _ => Ok(service(8, &[ours(2, "COMPLETED", "")])),
    });
    let (events, told) = listener();
    let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    let told = told.lock().unwrap();
    assert!(told.iter().any(|text| text == "retry: looking at web"));
    assert!(told.iter().any(|text| text.starts_with("no answer from ECS since 0:00 (")), "{told:?}");
}

/// The call itself is tried again for a minute and a half, so waiting for its end would be silence.
#[tokio::test]
async fn silence_of_ecs_is_told_with_the_age_of_what_was_seen() {
    let fake = scripted(|seconds| match seconds {
        0..20 => Ok(service(8, &[ours(1, "IN_PROGRESS", ""), old()])),
        _ => Err(refusal(HANGS, "")),
    });
    let (events, told) = listener();
    let observed = observe_service(&v2(), &fake).await.unwrap();
    let plan = plan_service(&v2(), &observed).unwrap();
    let late = Halts::after(12, Halt::TimeUp);
    let report = carry_out(&plan, Rescue::default(), &fake, &fake.clock, &events, &late).await.unwrap();
    assert!(report.summary.contains("goes on: no answer from ECS since 0:1"), "{}", report.summary);
    let told = told.lock().unwrap();
    let silence = told.iter().find(|text| text.starts_with("no answer from ECS since 0:1")).expect("told");
    assert!(silence.ends_with("; as of then web:8 1 of 2 running, 1 pending; web:7 2 running"), "{silence}");
}

#[tokio::test]
async fn polling_ends_where_rights_are_missing() {
    let fake = scripted(|_| Err(refusal("AccessDeniedException", "not authorized")));
    let error = deploy(&v2(), &fake, &Events::none()).await.expect_err("denied");
    assert!(error.to_string().contains("has begun, but it cannot be watched"), "{error}");
    assert!(error.hint().unwrap().contains("ecs:DescribeServices"));
    assert_eq!(error.kind(), Kind::Failed);
}

#[tokio::test]
async fn records_are_done_without_where_they_are_denied_or_unknown() {
    for (code, warnings) in [("AccessDeniedException", 1), ("InternalFailure", 0)] {
        let inner = scripted(|seconds| {
            let state = if seconds < 100 { "IN_PROGRESS" } else { "COMPLETED" };
            Ok(service(8, &[ours(2, state, "")]))
        });
        let fake = Fake::new(move |operation, body, seconds| match operation {
            "ListServiceDeployments" | "ListTasks" => Err(refusal(code, "no")),
            _ => inner.answer(operation, body, seconds),
        });
        let (events, told) = listener();
        let (report, _) = deploy(&v2(), &fake, &events).await.unwrap();
        assert_eq!(report.outcome, Outcome::Succeeded);
        assert!(fake.operations().iter().filter(|called| *called == "ListServiceDeployments").count() <= 2);
        let grants = "Grant ecs:ListServiceDeployments";
        assert_eq!(told.lock().unwrap().iter().filter(|text| text.contains(grants)).count(), warnings, "{code}");
    }
}

#[tokio::test]
async fn optional_calls_that_hang_do_not_hold_up_the_watch() {
    let inner = scripted(|seconds| {
        let mut failing = ours(2, if seconds < 60 { "IN_PROGRESS" } else { "COMPLETED" }, "");
        failing["failedTasks"] = 1.into();
        Ok(service(8, &[failing]))
    });
    let fake = Fake::new(move |operation, body, seconds| match operation {
        "ListServiceDeployments" | "ListTasks" => Err(refusal(HANGS, "")),
        _ => inner.answer(operation, body, seconds),
    });
    let (report, _) = deploy(&v2(), &fake, &Events::none()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!((60..90).contains(&fake.seconds()), "{}", fake.seconds());
}
