//! From settings to a session with AWS.

use crate::aws::{Error, Options, Session, WebIdentity, host};
use crate::config::Settings;
use crate::config::ci::Identity;
use crate::report::Events;

/// Opens a session in `region`, or where the machine's own configuration says.
pub async fn open(settings: &Settings, region: Option<&str>, events: &Events) -> Result<Session, Error> {
    Session::open(options(settings, region), events.clone()).await
}

fn options(settings: &Settings, region: Option<&str>) -> Options {
    let role_arn = settings.role_arn.as_ref().map(|role| role.value.clone());
    let identity = settings.ci.identity.clone().filter(|_| role_arn.is_some());
    Options {
        region: region.map(str::to_owned),
        profile: settings.profile.as_ref().map(|profile| profile.value.clone()),
        web_identity: identity.map(|identity| web_identity(identity, region)),
        role_arn,
        role_session_name: settings.role_session_name.value.clone(),
        session_duration: settings.session_duration,
        endpoint_url: settings.endpoint_url.as_ref().map(|url| url.value.clone()),
        ca_bundle: settings.ca_bundle.as_ref().map(|path| path.value.clone()),
        ..Options::default()
    }
}

/// China has an audience of its own (aws-actions/configure-aws-credentials, "audience").
fn web_identity(identity: Identity, region: Option<&str>) -> WebIdentity {
    match identity {
        Identity::Token { token, .. } => WebIdentity::Token(token),
        Identity::GitHub { url, bearer } => {
            let china = region.is_some_and(|region| host::partition(region) == "aws-cn");
            let audience = if china { "sts.amazonaws.com.cn" } else { "sts.amazonaws.com" };
            WebIdentity::Github { request_url: url, request_token: bearer, audience: audience.into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Given};

    fn given(role: Option<&str>, region: &str, variables: &[(&str, &str)]) -> Options {
        let given = Given { role_arn: role.map(Into::into), ..Given::default() };
        options(&Settings::resolve(given, &variables.iter().copied().collect::<Env>()).unwrap(), Some(region))
    }

    const GITHUB: [(&str, &str); 3] = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
    ];

    #[test]
    fn options_use_the_ci_token_only_for_a_role() {
        let circle = [("CIRCLECI", "true"), ("CIRCLE_OIDC_TOKEN_V2", "t")];
        assert!(given(None, "eu-west-1", &circle).web_identity.is_none());
        let options = given(Some("arn:aws:iam::1:role/ci"), "eu-west-1", &circle);
        assert!(matches!(options.web_identity, Some(WebIdentity::Token(_))));
    }

    #[test]
    fn options_audience_follows_the_partition() {
        for (region, wanted) in [("eu-west-1", "sts.amazonaws.com"), ("cn-north-1", "sts.amazonaws.com.cn")] {
            match given(Some("arn"), region, &GITHUB).web_identity {
                Some(WebIdentity::Github { audience, .. }) => assert_eq!(audience, wanted),
                other => panic!("{other:?}"),
            }
        }
    }
}
