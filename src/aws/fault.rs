//! Reading a refusal off an answer: JSON 1.1 (`__type`, ECS and ECR) and Query XML (`<Code>`, STS) alike, so that
//! every service's error is explained by the same table, whether the SDK has a type for it or not.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;

/// A service's own words for what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: String,
    pub message: String,
    pub status: u16,
    pub request_id: Option<String>,
}

impl Fault {
    /// `None` if the answer is a success.
    pub fn read(response: &HttpResponse) -> Option<Fault> {
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return None;
        }
        let header = |name| response.headers().get(name).map(str::to_owned);
        let body = response.body().bytes().unwrap_or_default();
        let (code, message) = from_json(body).or_else(|| from_xml(body)).unwrap_or_default();
        let code = header("x-amzn-errortype").or(code).map(|code| bare(&code).to_owned()).filter(|c| !c.is_empty());
        let code = code.unwrap_or_else(|| format!("HTTP {status}"));
        let message = fit_to_show(&code, message.unwrap_or_default());
        Some(Fault { code, message, status, request_id: header("x-amzn-requestid") })
    }
}

/// `com.amazonaws.ecs#ClusterNotFoundException:http://…` is ClusterNotFoundException.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim()
}

/// A signature that does not match is explained by the service with the whole request it expected, session token
/// included: only the first line may be shown.
fn fit_to_show(code: &str, message: String) -> String {
    let signature = code.contains("Signature");
    let shown = if signature { message.lines().next().unwrap_or_default() } else { message.trim() };
    match shown.char_indices().nth(2000) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.to_owned(),
    }
}

type Parts = (Option<String>, Option<String>);

fn from_json(body: &[u8]) -> Option<Parts> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let first = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned);
    Some((first(&["__type", "code"]), first(&["message", "Message", "errorMessage"])))
}

fn from_xml(body: &[u8]) -> Option<Parts> {
    let body = std::str::from_utf8(body).ok()?;
    Some((element(body, "Code"), element(body, "Message")))
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(text.replace("&#39;", "'").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::http::StatusCode;

    fn fault(status: u16, body: &'static str) -> Option<Fault> {
        Fault::read(&HttpResponse::new(StatusCode::try_from(status).unwrap(), body.into()))
    }

    #[test]
    fn fault_in_json_is_read_whatever_its_spelling() {
        for body in [
            r#"{"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"Cluster not found."}"#,
            r#"{"__type":"ClusterNotFoundException:http://x/","Message":"Cluster not found."}"#,
            r#"{"code":"ClusterNotFoundException","errorMessage":"Cluster not found."}"#,
        ] {
            let fault = fault(400, body).unwrap();
            assert_eq!((&*fault.code, &*fault.message), ("ClusterNotFoundException", "Cluster not found."), "{body}");
        }
    }

    #[test]
    fn fault_in_xml_is_read() {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>it&apos;s &lt;no&gt;</Message></Error></ErrorResponse>";
        let fault = fault(403, body).unwrap();
        assert_eq!((&*fault.code, &*fault.message), ("AccessDenied", "it's <no>"));
    }

    #[test]
    fn fault_without_a_body_is_named_by_its_status() {
        assert_eq!(fault(503, "<html>busy").unwrap().code, "HTTP 503");
        assert_eq!(fault(200, r#"{"__type":"X"}"#), None);
    }

    #[test]
    fn fault_about_a_signature_shows_its_first_line_only() {
        let body = r#"{"__type":"InvalidSignatureException","message":"No match.\n\nx-amz-security-token:SECRET"}"#;
        assert_eq!(fault(403, body).unwrap().message, "No match.");
    }
}
