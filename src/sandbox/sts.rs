//! STS, as far as a pipeline meets it: who am I, and take on this role, with keys or with a CI system's token. The
//! Query protocol: a form comes in, XML goes out. Roles need not exist, and of tokens the end (`exp`) is verified alone.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::Refusal;
use super::caller::Sessions;
use super::ids::Ids;

/// What an answer is made of.
pub struct Sts<'a> {
    pub account: &'a str,
    pub caller: &'a str,
    pub sessions: &'a Sessions,
    pub ids: &'a Ids,
    /// Epoch seconds.
    pub now: f64,
}

type Form = HashMap<String, String>;

impl Sts<'_> {
    /// The XML answer to a form.
    pub fn call(&self, form: &Form) -> Result<String, Refusal> {
        let action = form.get("Action").map_or("", String::as_str);
        let result = match action {
            "GetCallerIdentity" => self.identity(),
            "AssumeRole" => self.assume(form, String::new())?,
            "AssumeRoleWithWebIdentity" => self.assume(form, self.web_identity(form)?)?,
            other => {
                let message = format!("Could not find operation {other} for version 2011-06-15");
                return Err(Refusal::new("InvalidAction", message));
            }
        };
        let request = self.ids.uuid();
        Ok(format!(
            r#"<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{action}Response>"#
        ))
    }

    fn identity(&self) -> String {
        let session = self.caller.rsplit('/').next().unwrap_or_default();
        let user = match self.caller.contains(":assumed-role/") {
            true => format!("AROASANDBOXSANDBOX00:{session}"),
            false => "AIDASANDBOXSANDBOX00".to_owned(),
        };
        [("Arn", self.caller), ("UserId", &user), ("Account", self.account)]
            .map(|(name, text)| tag(name, text))
            .concat()
    }

    fn assume(&self, form: &Form, more: String) -> Result<String, Refusal> {
        let (role, session) = (required(form, "RoleArn")?, required(form, "RoleSessionName")?);
        let path = role.split_once(":role/").filter(|_| role.starts_with("arn:")).map(|(_, path)| path);
        let name = path.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::new("ValidationError", format!("{role} is invalid")))?;
        let account = role.split(':').nth(4).unwrap_or(self.account);
        let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
        let seconds = form.get("DurationSeconds").and_then(|text| text.parse::<f64>().ok()).unwrap_or(3600.0);
        let secret = self.ids.hex();
        let key = format!("ASIA{}", &self.ids.hex()[..16].to_uppercase());
        let credentials = [
            tag("AccessKeyId", &key),
            tag("SecretAccessKey", &secret[..40]),
            tag("SessionToken", &format!("{}{secret}", self.ids.hex())),
            tag("Expiration", &stamp(self.now + seconds)),
        ];
        let user = [tag("AssumedRoleId", &format!("AROASANDBOXSANDBOX00:{session}")), tag("Arn", &arn)];
        self.sessions.insert(key, arn);
        let (credentials, user) = (credentials.concat(), user.concat());
        Ok(format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>{more}"))
    }

    /// Subject and audience of the token, as STS repeats them.
    fn web_identity(&self, form: &Form) -> Result<String, Refusal> {
        let invalid = || {
            Refusal::new(
                "InvalidIdentityToken",
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            )
        };
        let token = required(form, "WebIdentityToken")?;
        let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = claims.and_then(|claims| serde_json::from_slice(&claims).ok()).ok_or_else(invalid)?;
        let (now, end) = (self.now as i64, claims.get("exp").and_then(Value::as_i64));
        if let Some(end) = end.filter(|end| *end <= now) {
            let message =
                format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
            return Err(Refusal::new("ExpiredTokenException", message));
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let audience = claims.pointer("/aud/0").and_then(Value::as_str).map_or_else(|| text("aud"), str::to_owned);
        let members = [("SubjectFromWebIdentityToken", text("sub")), ("Provider", text("iss")), ("Audience", audience)];
        Ok(members.map(|(name, text)| tag(name, &text)).concat())
    }
}

/// The Query protocol's form of a refusal.
pub fn xml(refusal: &Refusal, request: &str) -> String {
    let fault = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let body = [tag("Type", fault), tag("Code", &refusal.code), tag("Message", &refusal.message)].concat();
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>{body}</Error><RequestId>{request}</RequestId></ErrorResponse>"#
    )
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, Refusal> {
    let given = form.get(name).filter(|text| !text.is_empty()).map(String::as_str);
    let at = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
    given.ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
        );
        Refusal::new("ValidationError", message)
    })
}

fn tag(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

fn stamp(seconds: f64) -> String {
    Timestamp::from_second(seconds as i64).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(form: &[(&str, &str)]) -> Result<String, Refusal> {
        let (sessions, ids) = (Sessions::default(), Ids::new().unwrap());
        let sts = Sts { account: "1", caller: "arn:aws:iam::1:user/a&b", sessions: &sessions, ids: &ids, now: 0.0 };
        sts.call(&form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn identity_is_the_caller_and_escaped() {
        let xml = call(&[("Action", "GetCallerIdentity")]).unwrap();
        assert!(xml.contains("<Arn>arn:aws:iam::1:user/a&amp;b</Arn>"), "{xml}");
    }

    #[test]
    fn role_with_a_path_gives_a_session_of_its_last_part() {
        let xml =
            call(&[("Action", "AssumeRole"), ("RoleArn", "arn:aws:iam::9:role/ci/deploy"), ("RoleSessionName", "job")]);
        let xml = xml.unwrap();
        assert!(xml.contains("<Arn>arn:aws:sts::9:assumed-role/deploy/job</Arn>"), "{xml}");
        assert!(xml.contains("<Expiration>1970-01-01T01:00:00Z</Expiration>"), "{xml}");
    }

    #[test]
    fn token_is_good_until_its_end() {
        let with_end = |end: i64| {
            let token = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"job","exp":{end}}}"#)));
            let role =
                [("RoleArn", "arn:aws:iam::9:role/ci"), ("RoleSessionName", "job"), ("WebIdentityToken", &*token)];
            call(&[&[("Action", "AssumeRoleWithWebIdentity")], &role[..]].concat())
        };
        assert!(with_end(1).is_ok());
        let refusal = with_end(0).unwrap_err();
        let words = "Token expired: current date/time 0 must be before the expiration date/time 0";
        assert_eq!((&*refusal.code, &*refusal.message), ("ExpiredTokenException", words));
    }

    #[test]
    fn missing_or_unknown_input_is_refused() {
        assert_eq!(call(&[("Action", "AssumeRole")]).unwrap_err().code, "ValidationError");
        assert_eq!(call(&[("Action", "Dance")]).unwrap_err().code, "InvalidAction");
    }
}
