//! Passwords, tokens and keys are never told, whatever goes right or wrong.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::login::with_login;
use super::strs;
use crate::support::aws::SECRET_KEY;
use crate::support::registry::{Door, Effect};
use crate::support::stage::Ended;

const PASSWORD: &str = "geheim-password";

fn tells_nothing(ended: &Ended, case: &str) {
    let encoded = STANDARD.encode(format!("AWS:{PASSWORD}"));
    for secret in [PASSWORD, SECRET_KEY, &encoded, encoded.trim_end_matches('='), "X-Amz-Signature=abc"] {
        assert!(!ended.said().contains(secret), "{case}: '{secret}' is in {}", ended.said());
    }
}

#[tokio::test]
async fn secrets_are_never_told() {
    for form in [&["-vv"][..], &["-vv", "--output", "json"], &[]] {
        for case in ["good", "wrong", "denied", "rotten"] {
            let (stage, registry, _aws, words) = with_login(PASSWORD, PASSWORD).await;
            match case {
                // The registry repeats the header that it got.
                "wrong" => registry.set(|behaviour| behaviour.door = Door::Ecr { password: "another".into() }),
                "denied" => {
                    let said = format!("no: AWS:{PASSWORD} may not");
                    registry.fail("POST", "/blobs/", usize::MAX, Effect::Status(403, "DENIED", said));
                }
                "rotten" => registry.set(|behaviour| behaviour.rotten_blobs = true),
                _ => {}
            }
            let ended = stage.run(&[&strs(&words), form].concat()).await;
            assert_eq!(ended.code, i32::from(case != "good"), "{case}: {}", ended.said());
            tells_nothing(&ended, case);
        }
    }
}
