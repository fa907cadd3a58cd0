//! The cures: for each failure that people really meet, what to do about it, in a sentence or two.

use super::denial::Denial;
use super::{Error, Refusal};

const LOOKED_FOR: &str = "Looked for, in this order: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE, \
    ~/.aws: keys, SSO, credential_process), AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, a container's role, an EC2 \
    instance's role. In CI, give the job keys or an OIDC token and a role to assume.";

pub(super) fn hint(error: &Error) -> Option<String> {
    match error {
        Error::NoRegion { profile } => {
            let none = |name: &String| format!(", or mend profile '{name}': ~/.aws/config has none with a region");
            let profile = profile.as_ref().map(none).unwrap_or_default();
            Some(format!("Give --region (eu-central-1, for example), or set AWS_REGION{profile}."))
        }
        Error::Region(_) => Some("A region is written like eu-central-1, without zone or quotes.".into()),
        Error::Endpoint { .. } => Some("Write it like https://ecs.eu-central-1.amazonaws.com.".into()),
        Error::NoRole => Some("Give --role-arn as well, the role whose trust policy accepts the token.".into()),
        Error::NoCredentials { profile: None } => Some(LOOKED_FOR.into()),
        Error::NoCredentials { profile: Some(profile) } => Some(format!(
            "Neither ~/.aws/config nor ~/.aws/credentials has usable settings for '{profile}'; mend them, or give no \
             profile to use the environment's credentials."
        )),
        Error::Credentials { why } => Some(unloadable(why).into()),
        Error::CaBundle { .. } => Some("It must be a readable file of certificates in PEM form.".into()),
        Error::Tls(_) => None,
        Error::Token { hint, .. } => hint.map(str::to_owned),
        Error::Refused(refusal) => refused(refusal),
        Error::Unreachable { host, why, .. } => Some(unreachable(host, why)),
        Error::Unsent { .. } => Some("Look at AWS_ENDPOINT_URL and its likes, and at the profile's settings.".into()),
        Error::Answer { .. } => Some("Is a proxy or another service answering in its place?".into()),
    }
}

fn unloadable(why: &str) -> &'static str {
    if why.contains("SSO") {
        "Log in first (aws sso login), or give the job other credentials."
    } else if why.contains("No such file") {
        "Does the file exist that AWS_WEB_IDENTITY_TOKEN_FILE, or the profile, names?"
    } else {
        "A profile or a variable says where the credentials are, but they are not there: mend it, or give keys."
    }
}

fn unreachable(host: &str, why: &str) -> String {
    let why = why.to_ascii_lowercase();
    let reason = if why.contains("dns") || why.contains("lookup") {
        "The name does not resolve: is the region's name right, and is there DNS?"
    } else if why.contains("certificate") {
        "Its certificate is not trusted: behind a TLS-inspecting proxy, give the proxy's CA by AWS_CA_BUNDLE."
    } else if why.contains("refused") {
        "Nothing listens there: is it the right endpoint?"
    } else {
        "Is it reachable from here (region, endpoint, firewall, HTTPS_PROXY, VPC endpoint)?"
    };
    format!("{reason} Host: {host}.")
}

fn refused(refusal: &Refusal) -> Option<String> {
    if refusal.is_denied() {
        return Some(denied(refusal));
    }
    let Refusal { place, message, claims, .. } = refusal;
    let region = &place.region;
    let text = match &*refusal.code {
        "ExpiredToken" | "ExpiredTokenException" if claims.is_some() => {
            "The CI system's identity token has run out (CircleCI's lives one hour): assume the role earlier in the job, \
             or for longer with --session-duration."
                .into()
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            "The credentials have run out. Fetch new ones, or let this program assume the role itself: it then renews \
             them while it works."
                .into()
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" => format!(
            "AWS does not know this access key: was it deleted, is AWS_SESSION_TOKEN missing or stale, or is {region} not \
             enabled for the account?"
        ),
        "InvalidSignatureException" | "SignatureDoesNotMatch" if tells_of_time(message) => {
            "This machine's clock is wrong by more than five minutes: set it.".into()
        }
        "RequestExpired" | "RequestTimeTooSkewed" => "This machine's clock is wrong: set it.".into(),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "IncompleteSignature" => {
            "The secret access key does not belong to the access key: look for a cut, a blank or a line break in \
             AWS_SECRET_ACCESS_KEY."
                .into()
        }
        "ClusterNotFoundException" => format!("Is the cluster's name right, and is it in {region} and in this account?"),
        "ServiceNotFoundException" => format!("Is the service's name right, and does the cluster in {region} have it?"),
        "ServiceNotActiveException" => "The service was deleted; create it again before deploying to it.".into(),
        "RepositoryNotFoundException" => {
            format!("Create the repository in {region} (dockless create-repo), or mend its name, --account-id or --region.")
        }
        "OptInRequired" | "RegionDisabledException" => format!("Enable {region} for the account, or name another region."),
        "InvalidIdentityToken" | "IDPRejectedClaim" => provider_mismatch(refusal),
        "IDPCommunicationError" => "AWS could not reach the identity provider; try again in a minute.".into(),
        "ValidationError" | "ValidationException" if message.contains("MaxSessionDuration") || message.contains("DurationSeconds") => {
            "Ask for a shorter --session-duration, or raise the role's maximum session duration (one hour at most when \
             one role assumes another)."
                .into()
        }
        code if is_throttling(code) => format!(
            "AWS was still throttling after {} attempts: run fewer deployments of this account and region at a time.",
            refusal.attempts
        ),
        _ if refusal.status >= 500 => format!(
            "AWS failed {} times in a row: see the health dashboard for {} in {region}, and try again.",
            refusal.attempts, place.service
        ),
        _ => return None,
    };
    Some(text)
}

fn tells_of_time(message: &str) -> bool {
    message.contains("expired") || message.contains("not yet current")
}

pub(super) fn is_throttling(code: &str) -> bool {
    code.starts_with("Throttl")
        || ["RequestLimitExceeded", "TooManyRequestsException", "RequestThrottled", "SlowDown", "HTTP 429"]
            .contains(&code)
}

fn denied(refusal: &Refusal) -> String {
    let Denial { principal, action, resource, forbidden_by } = Denial::read(&refusal.message);
    let action = action.unwrap_or_else(|| refusal.place.action());
    if action == "sts:AssumeRoleWithWebIdentity" {
        return trust_policy(refusal);
    }
    if action == "sts:AssumeRole" {
        let whom = principal.unwrap_or_else(|| "the caller".into());
        return format!(
            "The role's trust policy must name {whom}, and that principal's own policies must allow {action}."
        );
    }
    let resource = resource.unwrap_or_else(|| "*".into());
    match forbidden_by {
        Some(policy) => format!(
            "An explicit deny in a {policy} forbids {action} on {resource}; granting it elsewhere does not help."
        ),
        None => format!("Grant {action} on {resource}{}.", principal.map(|p| format!(" to {p}")).unwrap_or_default()),
    }
}

fn trust_policy(refusal: &Refusal) -> String {
    match &refusal.claims {
        Some(claims) => format!(
            "The role's trust policy does not match the token, which says: {claims}. Let its Principal be the OIDC provider \
             of this iss, and its conditions on aud and sub fit these values."
        ),
        None => {
            "The role's trust policy does not match the token: compare its provider and its conditions on aud and sub."
                .into()
        }
    }
}

fn provider_mismatch(refusal: &Refusal) -> String {
    let claims = refusal.claims.as_ref().map(|claims| format!(" The token says: {claims}.")).unwrap_or_default();
    format!("IAM needs an OIDC provider with the token's issuer as URL and its audience among the client IDs.{claims}")
}
